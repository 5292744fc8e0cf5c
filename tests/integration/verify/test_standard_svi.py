"""What the verification says where each node has its own SVI and peers."""

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
