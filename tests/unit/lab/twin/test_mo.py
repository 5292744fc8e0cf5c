"""Managed objects by name."""

from __future__ import annotations

from lab.twin.mo import Mo, Tree

PEER = "uni/tn-t/out-o/lnodep-n/lifp-i/vlifp-[topology/pod-1/node-201]-[vlan-300]/peerP-[10.0.0.0/24]"


def test_answers_may_be_flat_or_nested() -> None:
    inner = {"bgpAsP": {"attributes": {"rn": "as", "asn": "65003"}}}
    nested = Tree.from_imdata([{"bgpPeerP": {"attributes": {"dn": PEER}, "children": [inner]}}])
    flat = Tree.from_imdata([{"bgpAsP": {"attributes": {"dn": f"{PEER}/as", "asn": "65003"}}}])
    for tree in (nested, flat):
        child = tree.child(PEER, "bgpAsP")
        assert child is not None
        assert child.number("asn") == 65003


def test_words_are_no_numbers_and_empty_flags_are_none() -> None:
    mo = Mo("l3extVirtualLIfP", "x", {"mtu": "inherit", "ctrl": "", "mode": ""})
    assert (mo.number("mtu", 9000), mo.flags("ctrl"), mo.get("mode", "regular")) == (9000, frozenset(), "regular")
    assert Mo("bgpPeerP", "x", {"ctrl": "as-override,dis-peer-as-check"}).flags("ctrl") == {"as-override", "dis-peer-as-check"}
