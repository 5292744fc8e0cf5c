"""The comparison of what is deployed with a plan."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.plugin_utils.sample_plans import BASES, FLOATING, MANAGED, STANDARD, contract, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils import comparison
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, apic_tree, flat, l3out_dns
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.push import kubernetes_push
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import (
    PARTS,
    Comparison,
    apic_queries,
    between_plans,
    compare_apic,
    compare_kubernetes,
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


LEASE = {"class": "tagAnnotation", "attributes": {"key": "aci-calico-lease:prod1", "value": "{}"}}


def fabric(plan: dict[str, Any], **planted: dict[str, Any]) -> dict[str, Any]:
    """Return a fabric as the plan says, and more objects."""
    return flat(apic_tree(plan), tags=True) | planted


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_a_side_is_as_planned_only_if_its_pushes_have_nothing_to_do_or_say(base: dict[str, Any]) -> None:
    plan = plan_of(base)
    (l3out, *_others) = l3out_dns(plan)
    assert compare_apic(plan, fabric(plan), with_lease=True).as_planned == {"apic": {}}
    assert compare_apic(plan, fabric(plan)).as_planned == {}, "the lease was not read"
    assert compare_apic(plan, fabric(plan), update_password="always", with_lease=True).as_planned == {}, "APIC shows no password"
    assert compare_apic(plan, {}, with_lease=True).as_planned == {}
    leased = fabric(plan, **{"uni/tn-common/annotationKey-[aci-calico-lease:prod1]": LEASE})
    assert compare_apic(plan, leased, with_lease=True).as_planned == {}
    attributes = LEASE["attributes"] | {"key": "aci-calico-lease:prod12"}
    other = fabric(plan, **{"uni/tn-common/annotationKey-[aci-calico-lease:prod12]": {**LEASE, "attributes": attributes}})
    assert compare_apic(plan, other, with_lease=True).as_planned == {"apic": {}}, "another cluster's"
    theirs = fabric(plan)
    theirs[l3out] = {
        **theirs[l3out],
        "attributes": theirs[l3out]["attributes"] | {"annotation": "somebody", "enforceRtctrl": "export"},
    }
    conflicting = compare_apic(plan, theirs, with_lease=True)
    assert (bool(conflicting.conflicts or conflicting.changes), conflicting.as_planned) == (True, {})


def test_an_object_that_is_kept_for_others_is_not_as_planned() -> None:
    """The push warns of it each time."""
    plan, fewer = plan_of(FLOATING, provided_contracts=["web"], contracts=[contract()]), plan_of(FLOATING)
    objects = fabric(plan)
    dn = next(dn for dn, one in objects.items() if one["class"] == "vzBrCP")
    objects[f"{dn}/subj-theirs"] = {"class": "vzSubj", "attributes": {"name": "theirs", "annotation": "orchestrator:terraform"}}
    found = compare_apic(fewer, objects, with_lease=True)
    left = {name: one for name, one in objects.items() if name not in {change.object for change in found.changes}}
    again = compare_apic(fewer, left, with_lease=True)
    assert (again.changes, again.as_planned) == ([], {})


def test_a_side_of_kubernetes_is_as_planned_without_changes_snippet_and_lease() -> None:
    plan = plan_of()
    found = comparison._found(plan)
    kubernetes = compare_kubernetes(plan, found, with_lease=True)
    assert kubernetes.as_planned["kubernetes"]["pending"] == []
    assert compare_kubernetes(plan, found).as_planned == {}
    assert compare_kubernetes(plan, {**found, "lease": {"run": "3f2a"}}, with_lease=True).as_planned == {}
    snippet = kubernetes_push(plan, found) | {"snippet": "apply this"}
    assert compare_kubernetes(plan, found, snippet, with_lease=True).as_planned == {}
    pools = [one for one in found["objects"] if one["kind"] != "IPPool"]
    assert compare_kubernetes(plan, {**found, "objects": pools}, with_lease=True).as_planned == {}
    del found["nodes"][plan["nodes"][0]["name"]]
    joining = compare_kubernetes(plan, found, with_lease=True)
    assert joining.as_planned["kubernetes"]["pending"] == [plan["nodes"][0]["name"]]


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
