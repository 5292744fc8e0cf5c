"""A prefix limit that is too small for nodes that send on what they learned, and the filter that keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from integration.verify.live import Live
from unit.plugin_utils.healthy_cluster import Cluster

LIMIT = 7  # three prefixes of a node's own, and not all of the five other nodes' blocks


@pytest.fixture
def limited(cluster: Live) -> Iterator[Live]:
    before = cluster.plan
    cluster.plan = Cluster(aci_calico_bgp_prefix_limit=LIMIT).plan
    yield cluster
    cluster.plan = before
    for dn in cluster.each("bgpPeerP"):
        cluster.bench.change("bgpRsPeerPfxPol", f"{dn}/rspeerPfxPol", tnBgpPeerPfxPolName="")
    for peer in before["peers"]:
        cluster.patch("BGPPeer", peer["name"], {"spec": {"filters": None}})
    cluster.until_green()


def test_a_small_limit_is_found_and_the_filter_makes_room(limited: Live) -> None:
    assert "prefix-limit-too-small" in [warning["id"] for warning in limited.plan["warnings"]]
    limited.configure()
    finding = limited.until_named("prefix-limit-small", "prefix-limit-exceeded")
    assert f"the limit is {LIMIT}" in finding["what"]
    assert "aci_calico_bgp_filter" in finding["remedy"]

    limited.plan = Cluster(aci_calico_bgp_prefix_limit=LIMIT, aci_calico_bgp_filter=True).plan
    assert limited.plan["warnings"] == []
    limited.configure()
    report = limited.until_green()
    assert {session["accepted"] for session in report["sessions"]} == {3}
