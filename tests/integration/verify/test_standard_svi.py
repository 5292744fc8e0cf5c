"""Findings of the verification where each node has an SVI and peers of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from integration.verify.live import Live


@pytest.fixture(autouse=True)
def _in_order_again(standard: Live) -> Iterator[None]:
    yield
    standard.configure()
    standard.until_green()


def test_wrong_password_of_one_node(standard: Live) -> None:
    (peer,) = (dn for dn in standard.each("bgpPeerP") if "vpc-node-5" in dn)
    standard.bench.change("bgpPeerP", peer, password="another-password")
    finding = standard.until_named("password-differs", evidence="node-5/204")
    assert (finding["nodes"], finding["leaves"]) == (["node-5"], [203, 204])


def test_wrong_rack_label_changes_no_session(standard: Live) -> None:
    standard.patch("Node", "node-1", {"metadata": {"labels": {"rack_id": "2"}}})
    finding = standard.until_named("rack-label")
    assert (finding["nodes"], finding["evidence"]) == (["node-1"], [])


def test_a_missing_interface(standard: Live) -> None:
    (path,) = (dn for dn in standard.each("l3extRsPathL3OutAtt") if "vpc-node-2" in dn)
    standard.bench.delete(path)
    finding = standard.until_named("aci-missing", "session-missing", evidence="node-2/201")
    assert (finding["rack"], finding["nodes"]) == ("1", ["node-2"])


def test_a_node_that_moves_to_another_rack_loses_its_sessions(standard: Live) -> None:
    """The other rack's leaves have neither its VLAN nor its addresses.

    Nothing in APIC or Kubernetes shows a cable, so the finding is the one of silent sessions, and its remedy tells a cable
    from a wrong password.
    """
    assert standard.bench.pings("node-1", "192.168.2.4")
    standard.bench.twin.ask("move", machine="node-1", leaves=[203, 204])
    try:
        finding = standard.until_named("password-differs", "session-down", evidence="node-1/201", pieces=2)
        assert (finding["rack"], finding["nodes"], finding["leaves"]) == ("1", ["node-1"], [201, 202])
        assert "If there is no answer, check the node's cable and VLAN." in finding["remedy"]
        assert not standard.bench.pings("node-1", "192.168.2.4", count=1)
        assert not standard.reaches("node-6", "node-1")
    finally:
        standard.bench.twin.ask("move", machine="node-1", leaves=[201, 202])
