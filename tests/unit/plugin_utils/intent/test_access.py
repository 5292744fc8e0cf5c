"""Names and VLANs of access policies."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import FLOATING, MANAGED, STANDARD, plan_of


def test_names_follow_the_l3_domain() -> None:
    access = plan_of(FLOATING, **MANAGED)["access"]
    assert (access["pool"], access["aaep"]) == ("k8s-l3", "k8s-l3")
    access = plan_of(FLOATING, vlan_pool="p", aaep="a", **MANAGED)["access"]
    assert (access["pool"], access["aaep"]) == ("p", "a")
    assert plan_of(FLOATING)["access"]["aaep"] is None


def test_encaps_are_all_that_nodes_may_get() -> None:
    assert plan_of(STANDARD, vlan="300-363")["access"]["vlans"] == [[300, 363]]
    pinned = {"racks": [{"id": 1, "leaves": [201, 202], "nodes": [{"name": "a", "vlan": 400}, "b"]}]}
    assert plan_of(STANDARD, vlan=[300, "302-303"], **pinned)["access"]["vlans"] == [[300, 300], [302, 303], [400, 400]]
