"""BGP peers of nodes and leaves."""

from __future__ import annotations

import re

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, dual_stack, plan_of

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
