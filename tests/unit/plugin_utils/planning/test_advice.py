"""The advice for a kind of SVI."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, plan_of, racks, rules

AUTO = {"svi": "auto", "vlan": "300-363"}
FOUR = racks(["a"], ["b"], ["c"], ["d"])
VM = {"node_kind": "vm", "vm_mobility": True}
SUBNETS = {"node_subnets": ["192.168.2.0/24", "192.168.4.0/24"]}


def advice(base: dict[str, Any] = FLOATING, options: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The advice in the plan of the example with these changes."""
    return plan_of(base, options, **changes)["svi"]["advice"]


def criteria(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows by what they judge."""
    return {row["criterion"]: row for row in found["criteria"]}


def test_floating_is_advised_where_it_fits():
    found = advice()
    assert found["recommended"] == "floating"
    assert "4 of 6 anchor leaves of an L3Out" in found["reasons"]
    rows = criteria(found)
    assert rows["racks"]["floating"] == "one L3Out, 4 of 6 leaves; room for 1 more racks of two"
    assert rows["racks"]["standard"] == "one L3Out, 4 of 12 leaves; room for 4 more racks of two"
    assert rows["node subnets"]["standard"] == "6 of /29, and 6 VLANs"
    assert rows["static paths"]["better"] == "floating"
    assert rows["floating addresses of the fabric"]["floating"].startswith("1 of 200")
    assert all("Table 1" in row["source"] for row in rows.values())


@pytest.mark.parametrize("base", [FLOATING, STANDARD])
def test_the_advice_does_not_depend_on_what_was_asked_for(base):
    assert advice(base)["recommended"] == "floating"
    assert criteria(advice(base)) == criteria(advice())


def test_what_floating_costs_beyond_one_l3out_is_said():
    rows = criteria(advice(FLOATING, racks=FOUR, vlan="300-301", **SUBNETS))
    assert rows["racks"]["floating"] == "2 L3Outs of at most 6 leaves"
    assert rows["racks"]["better"] == "standard"
    assert rows["node subnets"]["floating"] == "2 and as many VLANs"
    assert rows["floating addresses of the fabric"]["floating"].startswith("2 of 200")


def test_other_clusters_take_floating_addresses_too():
    both = {"neighbours": {"other": dual_stack(FLOATING) | {"aci_calico_cluster_name": "other"}}}
    outcome = compiled(FLOATING, both)
    assert "limit-floating-addresses" not in rules(outcome)
    several = {"neighbours": {"other": dual_stack(FLOATING) | {"aci_calico_cluster_name": "other"}}}
    assert "limit-floating-addresses" in rules(compiled(FLOATING, several, limits={"floating-addresses": 2}))
