"""Parts of the plan without an inventory."""

from __future__ import annotations

import pytest
from unit.plugin_utils.sample_plans import FLOATING, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import (
    cluster_plan,
    floating_svi_plan,
    secondary_ip,
    standard_svi_plan,
)


def test_cluster_plan():
    assert cluster_plan(FLOATING) == plan_of()


def test_standard_svi_plan_with_pins_and_two_families():
    nodes = ["a", {"name": "b", "slot": 4, "vlan": 9}]
    plan = standard_svi_plan(["192.168.2.0/24", "fd00::/120"], nodes, [7, 8], 125)
    assert [(node["name"], node["slot"], node["vlan"]) for node in plan] == [("a", 0, 7), ("b", 4, 9)]
    assert plan[1]["networks"]["ipv6"]["address"] == "fd00::21/125"
    assert standard_svi_plan("192.168.2.0/24", ["a"])[0]["vlan"] is None


def test_floating_svi_plan_with_pins():
    plan = floating_svi_plan(
        "192.168.2.0/24", ["a"], [{"id": 201, "address": "192.168.2.201"}], ["192.168.2.9"], secondary=["192.168.2.1"]
    )
    assert plan["networks"]["ipv4"]["floating"] == "192.168.2.9/24"
    assert plan["leaves"][0]["networks"]["ipv4"]["address"] == "192.168.2.201/24"
    assert plan["nodes"][0]["networks"]["ipv4"] == {
        "subnet": "192.168.2.0/24",
        "address": "192.168.2.2/24",
        "gateway": "192.168.2.1",
    }


@pytest.mark.parametrize(
    ("subnet", "prefix", "expected"),
    [("192.168.2.0/29", True, "192.168.2.6/29"), ("192.168.2.0/24", False, "192.168.2.254"), ("fd00::/125", True, "fd00::6/125")],
)
def test_secondary_ip(subnet, prefix, expected):
    assert secondary_ip(subnet, prefix) == expected
