"""The model by which flows are counted."""

from __future__ import annotations

from collections import Counter

from lab.twin.forwarding import journey, shares

WHERE = {"node-1": (201, 202), "node-2": (201, 202), "node-3": (103, 104)}


def test_flows_follow_the_next_hops_of_each_leaf() -> None:
    hops = {101: ["201", "202"], 201: ["node-1"], 202: ["node-1"]}
    assert shares(hops, WHERE, 101, 100) == (Counter({"node-1": 100}), 0)
    node, way = journey({101: ["node-3"]}, WHERE, 101, 1)
    assert (node, way[0], way[1] in (103, 104), len(way)) == ("node-3", 101, True, 2)


def test_a_flow_takes_a_detour_if_it_passes_a_leaf_that_the_node_is_not_connected_to() -> None:
    hops = {101: ["201"], 201: ["node-1", "node-3"]}
    reached, detours = shares(hops, WHERE, 101, 1000)
    assert reached["node-3"] == detours
    assert 400 < detours < 600
    assert shares({101: ["node-1", "node-3"]}, WHERE, 101, 1000)[1] == 0


def test_each_node_gets_its_share_if_every_leaf_has_every_node() -> None:
    reached, _detours = shares({101: ["node-1", "node-2", "node-3"]}, WHERE, 101, 9000)
    assert all(abs(count - 3000) < 200 for count in reached.values())
