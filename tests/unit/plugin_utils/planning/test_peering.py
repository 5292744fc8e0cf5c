"""BGP peers of nodes and leaves."""

from __future__ import annotations

import re

import pytest
from unit.plugin_utils.sample_plans import (
    FLOATING,
    MANAGED,
    STANDARD,
    cabled_node,
    compiled,
    dual_stack,
    plan_of,
    racks,
    recorded,
    rules,
)

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.peering import rack_peer_map

LEAVES_OF = {"1": [201, 202], "2": [203, 204]}


@pytest.mark.parametrize("base", [FLOATING, STANDARD, dual_stack(FLOATING), dual_stack(STANDARD)])
def test_a_node_peers_with_the_leaves_of_its_rack_and_no_other(base):
    plan = plan_of(base)
    for node in plan["nodes"]:
        for family in plan["address_families"]:
            assert [peer["leaf"] for peer in node["peers"] if peer["family"] == family] == LEAVES_OF[node["rack"]]
    assert len({peer["name"] for peer in plan["peers"]}) == len(plan["peers"])
    assert all(re.fullmatch(r"[a-z0-9.-]{1,253}", peer["name"]) for peer in plan["peers"])


def test_rack_peer_map():
    peers = rack_peer_map(plan_of())
    assert peers["2"]["leaves"] == [203, 204]
    assert peers["2"]["nodes"]["node-4"] == [
        {"leaf": 203, "family": "ipv4", "address": "192.168.2.203"},
        {"leaf": 204, "family": "ipv4", "address": "192.168.2.204"},
    ]


def test_with_central_peering_all_nodes_peer_with_one_pair_of_leaves():
    plan = plan_of(peering="central")
    assert [(rack["id"], rack["leaves"], len(rack["nodes"])) for rack in plan["racks"]] == [("1", [201, 202], 6)]
    assert {tuple(peer["leaf"] for peer in node["peers"]) for node in plan["nodes"]} == {(201, 202)}
    assert {(peer["leaf"], peer["rack"]) for peer in plan["peers"]} == {(201, "1"), (202, "1")}
    assert ([leaf["id"] for leaf in plan["leaves"]], plan["non_anchor_leaves"]) == ([201, 202], [203, 204])
    assert [node.get("attached") for node in plan["nodes"][2:4]] == [None, {"rack": "2", "leaves": [203, 204]}]
    assert "peering" not in plan_of()["bgp"]


def test_central_peering_counts_all_sessions_on_the_anchors_by_release():
    names = [f"n{number}" for number in range(450)]
    many = {"racks": racks(["a"], names), "node_subnets": ["10.9.0.0/22"], "peering": "central", "next_hop_propagation": True}
    assert "limit-bgp-sessions" not in rules(compiled(apic_version="6.1(2)", **many))
    assert "limit-bgp-sessions" in rules(compiled(**many)), "400 sessions are the limit of 5.2"


def test_ports_of_nodes_are_on_the_leaves_of_their_own_rack():
    cabled = [
        {"id": 1, "leaves": [201, 202], "nodes": ["a"]},
        {"id": 2, "leaves": [203, 204], "nodes": [cabled_node("b", "1/5")]},
    ]
    (group,) = plan_of(peering="central", racks=cabled, **MANAGED)["access"]["groups"]
    assert [leaf["id"] for leaf in group["leaves"]] == [203, 204]


def test_the_way_to_central_peering_and_back_changes_no_node():
    first = compiled()
    central = compiled(options={"ledger": recorded(first)}, peering="central")
    again = compiled(options={"ledger": recorded(central)})
    addresses = [[node["networks"]["ipv4"]["address"] for node in one.require()["nodes"]] for one in (first, central, again)]
    assert addresses[0] == addresses[1] == addresses[2]
    leaves = [{leaf["id"]: leaf["networks"] for leaf in one.require()["leaves"]} for one in (first, central, again)]
    assert leaves[2] == leaves[0]
