"""Derive the expected state from a plan alone."""

from __future__ import annotations

import json

import pytest
from unit.plugin_utils.healthy_cluster import STANDARD, Cluster

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.expectations import expectations, negotiated_timers


def test_a_node_is_to_have_a_session_with_each_leaf_of_its_rack_and_no_other():
    expected = expectations(Cluster().plan)
    assert [(session["node"], session["leaf"]) for session in expected["sessions"]] == [
        (f"node-{node}", leaf) for node, leaves in enumerate([(201, 202)] * 3 + [(203, 204)] * 3, 1) for leaf in leaves
    ]


def test_a_session_in_full():
    assert expectations(Cluster().plan)["sessions"][0] == {
        "rack": "1",
        "node": "node-1",
        "leaf": 201,
        "family": "ipv4",
        "node_address": "192.168.2.1",
        "leaf_address": "192.168.2.201",
        "local_asn": 65002,
        "remote_asn": 65003,
        "keepalive": 1,
        "hold": 3,
        "graceful_restart": True,
    }


def test_a_standard_svis_sessions_are_with_the_leaves_addresses_in_the_nodes_subnet():
    sessions = expectations(Cluster(**STANDARD).plan)["sessions"]
    assert [(session["node_address"], session["leaf_address"]) for session in sessions[2:4]] == [
        ("192.168.2.9", "192.168.2.12"),
        ("192.168.2.9", "192.168.2.13"),
    ]


def test_what_the_fabric_may_accept():
    expected = expectations(Cluster(aci_calico_import_subnets=["10.1.0.0/16"]).plan)
    assert expected["allowed"] == {"ipv4": ["10.1.0.0/16"]}
    assert expected["vrf"] == "common:calico"


@pytest.mark.parametrize(
    ("keepalive", "hold", "negotiated"),
    [(1, 3, (1, 3)), (60, 180, (60, 180)), (100, 180, (60, 180)), (60, 600, (60, 240)), (100, 600, (80, 240))],
)
def test_the_smaller_hold_time_wins(keepalive, hold, negotiated):
    assert tuple(negotiated_timers(keepalive, hold).values()) == negotiated


def test_expectations_are_plain_data_and_always_the_same():
    plan = Cluster().plan
    assert json.loads(json.dumps(expectations(plan)))["sessions"] == expectations(plan)["sessions"]
