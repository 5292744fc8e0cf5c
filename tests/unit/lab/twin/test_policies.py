"""APIC's tree as leaves, SVIs and peers: missing and wrong objects are missing and wrong in the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.twin.fabric import AddressFamilyPolicy, Fabric, Peer, Rule, Svi, Timers
from lab.twin.paper import PASSWORD, mo

OUT = "uni/tn-common/out-k8s"


def first_svi(fabric: Fabric) -> Svi:
    """Return the SVI of leaf 201."""
    return fabric.leaves[0].svis[0]


def first_peer(fabric: Fabric) -> Peer:
    return first_svi(fabric).peers[0]


def test_the_papers_floating_svi(shop: Any) -> None:
    fabric = shop.fabric()
    assert (fabric.tenant, fabric.vrf, fabric.asn, fabric.bd_enforced) == ("common", "calico", 65002, False)
    assert [(leaf.id, leaf.router_id, leaf.tep, leaf.compute) for leaf in fabric.leaves] == [
        *((leaf, f"1.1.4.{leaf}", f"10.0.0.{leaf}", False) for leaf in (201, 202, 203, 204)),
        (105, "", "10.0.0.105", True),
    ]
    assert fabric.racks == ((201, 202), (203, 204))
    assert fabric.policies["ipv4"] == AddressFamilyPolicy(64, 64)
    assert fabric.policies["ipv6"] == AddressFamilyPolicy(16, 16)
    svi = first_svi(fabric)
    assert (svi.vlan, svi.mtu, svi.path) == (300, 9000, "")
    assert (svi.addresses, svi.secondaries) == (("192.168.2.201/22",), ("192.168.3.254/22",))
    peer = first_peer(fabric)
    assert (peer.address, peer.asn, peer.dynamic) == ("192.168.0.0/22", 65003, True)
    assert peer.controls == {"as-override", "dis-peer-as-check"}
    assert peer.timers == Timers(1, 3, 1, True)
    assert Rule("10.1.0.0/16", le=32) in (peer.imports or ())
    assert peer.password == PASSWORD
    assert PASSWORD not in repr(fabric)


def test_standard_and_dual_stack_svis(workshop: Callable[..., Any]) -> None:
    fabric = workshop(floating=False).fabric()
    leaf = fabric.leaves[1]
    assert [(svi.vlan, svi.addresses, svi.secondaries) for svi in leaf.svis] == [
        (301, ("192.168.0.5/29",), ("192.168.0.6/29",)),
        (302, ("192.168.0.13/29",), ("192.168.0.14/29",)),
        (303, ("192.168.0.21/29",), ("192.168.0.22/29",)),
    ]
    assert [svi.peers[0].address for svi in leaf.svis] == ["192.168.0.1", "192.168.0.9", "192.168.0.17"]
    assert not leaf.svis[0].peers[0].dynamic
    (svi,) = workshop(dual_stack=True).fabric().leaves[0].svis
    assert len(svi.addresses) == len(svi.secondaries) == len(svi.peers) == 2


@pytest.mark.parametrize(
    ("cls", "attributes", "field", "value"),
    [
        ("l3extVirtualLIfP", {"mtu": "1500"}, "mtu", 1500),
        ("l3extVirtualLIfP", {"mtu": "inherit"}, "mtu", 9000),
        ("l3extVirtualLIfP", {"addr": "0.0.0.0"}, "addresses", ()),
        ("l3extVirtualLIfP", {"mac": "00:22:BD:F8:19:01"}, "mac", "00:22:BD:F8:19:01"),
    ],
)
def test_settings_of_an_svi(shop: Any, cls: str, attributes: dict[str, str], field: str, value: object) -> None:
    shop.set(cls, **attributes)
    assert getattr(first_svi(shop.fabric()), field) == value


@pytest.mark.parametrize(
    ("cls", "look", "value"),
    [
        ("bgpExtP", lambda fabric: first_svi(fabric).peers, ()),
        ("bgpPeerP", lambda fabric: first_svi(fabric).peers, ()),
        ("l3extIp", lambda fabric: first_svi(fabric).secondaries, ()),
        ("l3extRsNodeL3OutAtt", lambda fabric: [leaf for leaf in fabric.leaves if not leaf.compute], []),
        ("bgpRsBestPathCtrlPol", lambda fabric: fabric.leaves[0].relax, False),
        ("bgpBestPathCtrlPol", lambda fabric: fabric.leaves[0].relax, False),
        ("fvRsCtxToBgpCtxAfPol", lambda fabric: fabric.policies["ipv4"], AddressFamilyPolicy(16, 16)),
        ("bgpRsBgpNodeCtxPol", lambda fabric: first_peer(fabric).timers, Timers()),
        ("bgpCtxPol", lambda fabric: first_peer(fabric).timers, Timers()),
        ("rtctrlProfile", lambda fabric: (first_peer(fabric).imports, first_peer(fabric).exports), ((), ())),
        ("rtctrlSubjP", lambda fabric: first_peer(fabric).imports, ()),
        ("bgpAsP", lambda fabric: first_peer(fabric).asn, 65002),
        ("l3extInstP", lambda fabric: fabric.classified, ()),
    ],
)
def test_what_is_missing(shop: Any, cls: str, look: Callable[[Fabric], object], value: object) -> None:
    shop.remove(cls)
    assert look(shop.fabric()) == value


def test_fabric_without_as_number_and_l3out_without_vrf(shop: Any) -> None:
    shop.extra = [item for item in shop.extra if "bgpInstPol" not in item]
    assert shop.fabric().asn is None
    shop.remove("l3extRsEctx")
    assert shop.fabrics() == []


def test_peer_without_secret_and_with_local_as_number(shop: Any) -> None:
    shop.secrets = {}
    assert first_peer(shop.fabric()).password == ""
    name = f"{OUT}/lnodep-rack-1/lifp-ipv4/vlifp-[topology/pod-1/node-201]-[vlan-300]/peerP-[192.168.0.0/22]"
    shop.add(name, mo("bgpLocalAsnP", localAsn="65100"))
    assert first_peer(shop.fabric()).local_asn == 65100


def test_timers_come_from_the_node_profile_the_vrf_or_common(shop: Any) -> None:
    shop.remove("bgpRsBgpNodeCtxPol")
    shop.add("uni/tn-common", mo("bgpCtxPol", name="default", kaIntvl="20", holdIntvl="60"))
    assert first_peer(shop.fabric()).timers == Timers(20, 60)
    shop.add("uni/tn-common/ctx-calico", mo("fvRsBgpCtxPol", tnBgpCtxPolName="fast"))
    assert first_peer(shop.fabric()).timers == Timers(1, 3, 1)


def test_contexts_are_taken_in_order_and_may_deny(shop: Any) -> None:
    profile = f"{OUT}/prof-default-import"
    shop.set("rtctrlCtxP", order="5")
    shop.add("uni/tn-common", mo("rtctrlSubjP", mo("rtctrlMatchRtDest", ip="10.1.9.0/24"), name="not-this"))
    shop.add(
        profile, mo("rtctrlCtxP", mo("rtctrlRsCtxPToSubjP", tnRtctrlSubjPName="not-this"), name="deny", order="1", action="deny")
    )
    rules = first_peer(shop.fabric()).imports
    assert rules is not None
    assert rules[0] == Rule("10.1.9.0/24", permit=False)
    assert rules[1].permit


@pytest.mark.parametrize(("kind", "wanted"), [("combinable", True), ("global", False)])
def test_subnets_of_external_epgs_join_a_combinable_profile(shop: Any, kind: str, wanted: bool) -> None:
    shop.set("rtctrlProfile", type=kind)
    shop.add(f"{OUT}/instP-default", mo("l3extSubnet", ip="203.0.113.0/24", scope="import-rtctrl"))
    assert (Rule("203.0.113.0/24") in (first_peer(shop.fabric()).imports or ())) is wanted
    assert "203.0.113.0/24" not in shop.fabric().classified


def test_prefix_lengths_of_an_aggregate(shop: Any) -> None:
    shop.set("rtctrlMatchRtDest", aggregate="yes", fromPfxLen="24", toPfxLen="28")
    assert Rule("10.1.0.0/16", ge=24, le=28) in (first_peer(shop.fabric()).imports or ())
    shop.set("rtctrlMatchRtDest", aggregate="no")
    assert Rule("10.1.0.0/16") in (first_peer(shop.fabric()).imports or ())


@pytest.mark.parametrize(("pool", "deployed"), [(("300", "399"), True), (("301", "399"), False)])
def test_a_vlan_has_to_be_in_the_domains_pool(shop: Any, pool: tuple[str, str], deployed: bool) -> None:
    name = "uni/infra/vlanns-[k8s]-static"
    block = mo("fvnsEncapBlk", **{"from": f"vlan-{pool[0]}", "to": f"vlan-{pool[1]}"})
    shop.extra += [mo("physDomP", mo("infraRsVlanNs", tDn=name), dn="uni/phys-k8s"), mo("fvnsVlanInstP", block, dn=name)]
    assert bool(shop.fabric().leaves[0].svis) is deployed


def test_vpc_groups_tell_racks_apart_where_node_profiles_do_not(shop: Any) -> None:
    groups = [
        mo("fabricExplicitGEp", *(mo("fabricNodePEp", id=str(leaf)) for leaf in pair), dn=f"uni/fabric/protpol/expgep-{pair[0]}")
        for pair in ((201, 203), (202, 204), (301, 302))
    ]
    shop.extra += groups
    assert shop.fabric().racks == ((201, 203), (202, 204))


def test_leaves_of_two_l3outs_in_one_vrf_are_one(shop: Any) -> None:
    tenant = shop.figure.tenant()
    (l3out,) = (child for child in tenant["fvTenant"]["children"] if "l3extOut" in child)
    l3out["l3extOut"]["attributes"]["name"] = "second"
    for profile in (it["l3extLNodeP"] for it in l3out["l3extOut"]["children"] if "l3extLNodeP" in it):
        for interfaces in (it["l3extLIfP"] for it in profile["children"] if "l3extLIfP" in it):
            for item in interfaces["children"]:
                item["l3extVirtualLIfP"]["attributes"]["encap"] = "vlan-400"
    shop.add("uni/tn-common", l3out)
    fabric = shop.fabric()
    assert [leaf.id for leaf in fabric.leaves if not leaf.compute] == [201, 202, 203, 204]
    assert [svi.vlan for svi in fabric.leaves[0].svis] == [300, 400]
