"""The comparison of what is deployed with a plan."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.plugin_utils.sample_plans import BASES, FLOATING, MANAGED, STANDARD, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils import comparison
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, apic_tree, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import (
    PARTS,
    Comparison,
    apic_queries,
    between_plans,
    compare_apic,
    from_dict,
)


def named(found: Comparison, operation: str) -> list[tuple[str, str]]:
    """Return kind and part of the changes with an operation, each once."""
    return list(dict.fromkeys((one.kind, one.part) for one in found.changes if one.operation == operation))


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_a_plan_does_not_differ_from_itself(base: dict[str, Any]) -> None:
    plan = plan_of(base, **MANAGED, manage_tenant=True) if base is STANDARD else plan_of(base)
    found = between_plans(plan, plan)
    assert (found.changes, found.conflicts, found.problems) == ([], [], [])
    assert found.deployed == {"apic": True, "kubernetes": True}


def test_a_fabric_without_the_cluster_gets_the_whole_tree() -> None:
    plan = plan_of()
    found = compare_apic(plan, {})
    created = [one.object for one in found.changes]
    containers = {dn for dn, one in flat(apic_tree(plan)).items() if one["attributes"].get("status") == "modified"}
    assert sorted({dn for dn in created if "/annotationKey-" not in dn}) == sorted(
        set(flat(apic_tree(plan))) - containers - {"uni"}
    )
    assert len(created) == len(set(created))
    assert [PARTS.index(one.part) for one in found.changes] == sorted(PARTS.index(one.part) for one in found.changes)
    assert found.deployed == {"apic": False}


def test_changes_say_what_was_and_what_will_be() -> None:
    found = between_plans(plan_of(), plan_of(mtu=8900, bgp_as_limit=3))
    shown = {(one.kind, tuple(one.before.items()), tuple(one.after.items())) for one in found.changes}
    assert ("l3extVirtualLIfP", (("mtu", "9000"),), (("mtu", "8900"),)) in shown
    assert {one.operation for one in found.changes if one.kind == "l3extVirtualLIfP"} == {"modify"}


def test_a_new_as_number_changes_both_sides_in_the_order_of_the_pushes() -> None:
    found = between_plans(plan_of(STANDARD), plan_of(STANDARD, cluster_asn=65010))
    assert named(found, "modify") == [("bgpAsP", "l3out"), ("Node", "calico"), ("BGPConfiguration", "calico")]


def test_a_removed_object_takes_others_with_it() -> None:
    found = between_plans(plan_of(), plan_of(vlan=301))
    assert named(found, "delete") == [("l3extVirtualLIfP", "l3out")]
    assert any("/peerP-" in dn for one in found.changes for dn in one.below)


def test_a_secret_is_hidden() -> None:
    plan = plan_of()
    changed = between_plans(plan, plan, update_password="always").changes
    assert {one.kind for one in changed} == {"bgpPeerP"}
    assert all((one.before, one.after) == ({}, {"password": "(hidden)"}) for one in changed)


def test_objects_of_others_are_conflicts() -> None:
    plan = plan_of()
    objects = flat(apic_tree(plan), tags=True)
    dn = next(dn for dn, one in objects.items() if one["class"] == "l3extOut")
    objects[dn]["attributes"] |= {"annotation": "", "enforceRtctrl": "export"}
    found = compare_apic(plan, objects)
    assert found.changes == []
    assert len(found.conflicts) == 1
    assert "enforceRtctrl is 'export'" in found.conflicts[0]


def test_a_comparison_survives_as_plain_data() -> None:
    found = between_plans(plan_of(), plan_of(vlan=301))
    again = from_dict(json.loads(json.dumps(found.as_dict())))
    assert again.changes == found.changes
    assert again.deployed == found.deployed


def test_one_request_and_one_for_each_l3out() -> None:
    for base in (FLOATING, STANDARD):
        plan = plan_of(base)
        assert len(apic_queries(plan)) == 1 + len(plan["l3outs"])
        assert apic_roots(plan, "l3out")[0]["dn"] in apic_queries(plan)[-1]


def test_a_request_that_would_be_too_long_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of()
    monkeypatch.setattr(comparison, "LONGEST_PATH", 2000)
    assert len(apic_queries(plan)) == 3
