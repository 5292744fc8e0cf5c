"""The choice between floating and standard SVI."""

from __future__ import annotations

import pytest
from unit.plugin_utils.sample_plans import FLOATING, plan_of, racks

AUTO = {"svi": "auto", "vlan": "300-363"}
FOUR = racks(["a"], ["b"], ["c"], ["d"])
VM = {"node_kind": "vm", "vm_mobility": True}
SUBNETS = {"node_subnets": ["192.168.2.0/24", "192.168.4.0/24"]}


def test_auto_takes_floating_and_says_why():
    svi = plan_of(svi="auto")["svi"]
    assert (svi["kind"], svi["requested"]) == ("floating", "auto")
    assert "4 of 6 anchor leaves of an L3Out" in svi["reasons"]


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"racks": FOUR}, "standard", "8 anchor leaves of an L3Out, and floating SVI allows 6"),
        ({"apic_version": "4.2(7)"}, "standard", "APIC 4.2(7) has no floating SVI on physical domains"),
        (SUBNETS, "standard", "several ipv4 node subnets"),
        ({"limits": {"floating-addresses": 0}}, "standard", "1 floating SVI addresses of a fabric"),
        ({"racks": FOUR, **VM, **SUBNETS}, "floating", "virtual machines move"),
        ({"racks": FOUR, "node_kind": "vm"}, "standard", "8 anchor leaves"),
    ],
)
def test_the_kind_follows_from_what_the_cluster_is(changes, kind, reason):
    plan = plan_of(FLOATING, **AUTO, **changes)
    assert plan["svi"]["kind"] == plan["svi"]["advice"]["recommended"] == kind
    assert any(text.startswith(reason) for text in plan["svi"]["reasons"])
