"""Spare slots of standard SVI: on APIC before a node is, and taken and left without a change there."""

from __future__ import annotations

from typing import Any

from unit.plugin_utils.healthy_cluster import STANDARD, Cluster
from unit.plugin_utils.sample_plans import compiled, variables

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.push import kubernetes_push
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import between_plans
from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.plan import plan_document
from ansible_collections.netops.aci_calico.plugins.plugin_utils.intent.reading import read_intent
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.compile import Compiled, compile_cluster
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.ledger import dump_ledger, read_ledger
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.recovery import record_of_plan
from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.classify import rehearse
from lab.example import worked_example

SPARES = [{"name": "slot-7", "rack": 1}, {"name": "slot-8", "rack": 2, "vpc": "esx-8"}]


def made(before: Compiled | None = None, **changes: Any) -> Compiled:
    """Return the plan of the worked example with two spare slots, and the nodes that are given, after an earlier plan."""
    given = {"aci_calico_spare_nodes": SPARES, "aci_calico_vlan": "300-309", **changes}
    ledger = read_ledger(before.record, "file")[0] if before else None
    return compile_cluster({**worked_example("standard"), **given}, "prod1", ledger=ledger)


def taking(*nodes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the racks with these nodes more in rack 1."""
    first, second = worked_example("standard")["aci_calico_racks"]
    return [{**first, "nodes": [*first["nodes"], *nodes]}, second]


def on_apic(result: Compiled) -> list[Any]:
    plan = result.require()
    return [flat(root["tree"]) for kind in ("access", "hardening", "l3out") for root in apic_roots(plan, kind)]


def test_a_spare_slot_has_all_on_apic_and_nothing_in_kubernetes() -> None:
    plan = made().require()
    (spare,) = [node for node in plan["nodes"] if node["name"] == "slot-8"]
    assert (spare["spare"], spare["vpc"], spare["peers"], spare["networks"]["ipv4"]["address"]) == (
        True,
        "esx-8",
        [],
        "192.168.2.57/29",
    )
    assert any("lifp-slot-8-ipv4/" in dn and f"peerP-[{'192.168.2.57'}]" in dn for root in on_apic(made()) for dn in root)
    assert "slot-" not in str(kubernetes_objects(plan))
    assert "slot-8 (spare)" in plan_document(plan)


def test_a_node_takes_a_spare_slot_and_leaves_it_without_a_change_on_apic() -> None:
    before = made()
    after = made(before, aci_calico_racks=taking({"name": "node-7", "spare": "slot-7"}))
    assert on_apic(after) == on_apic(before)
    assert after.record == before.record, "the slot keeps its line in the allocation file"
    assert "node-7 (slot slot-7)" in plan_document(after.require())
    comparison = between_plans(before.require(), after.require())
    assert {(one.side, one.kind, one.operation) for one in comparison.changes} == {("kubernetes", "BGPPeer", "create")}
    rehearsal = rehearse(after.require(), comparison)
    assert (rehearsal.overall, rehearsal.interrupting) == ("path-change", []), "services have one next hop more"
    again = made(after)
    assert (again.plan, again.record) == (before.plan, before.record)


def test_a_spare_slot_beside_the_others_changes_no_node() -> None:
    before = made(aci_calico_spare_nodes=[])
    after = made(before)
    names = [node["name"] for node in before.require()["nodes"]]
    assert [node for node in after.require()["nodes"] if node["name"] in names] == before.require()["nodes"]
    assert rehearse(after.require(), between_plans(before.require(), after.require())).overall == "hitless"


def test_recovery_finds_the_slots_by_their_names() -> None:
    result = made(aci_calico_racks=taking({"name": "node-7", "spare": "slot-7"}))
    intent, _problems = read_intent(worked_example("standard"), "prod1")
    assert dump_ledger("prod1", record_of_plan(result.require(), intent)) == result.record


def test_an_inventory_host_takes_a_spare_slot() -> None:
    hosts = {"node-7": {"aci_calico_rack": 1, "aci_calico_node_spare": "slot-7"}}
    given = {**worked_example("standard"), "aci_calico_spare_nodes": SPARES, "aci_calico_vlan": "300-309"}
    plan = compile_cluster(given, "prod1", node_hosts=hosts).require()
    assert {node["name"]: node.get("slot_name") for node in plan["nodes"]}["node-7"] == "slot-7"


def test_the_change_of_a_slot_touches_the_node_that_takes_it() -> None:
    racks = taking({"name": "node-7", "spare": "slot-7"})
    before = made(aci_calico_racks=racks).require()
    after = made(aci_calico_racks=racks, aci_calico_mtu=1500).require()
    touched = {name for one in rehearse(after, between_plans(before, after)).changes for name in one.touches["nodes"]}
    assert "node-7" in touched


def test_verify_and_the_push_expect_no_machine_in_a_spare_slot() -> None:
    cluster = Cluster(**STANDARD, aci_calico_spare_nodes=SPARES)
    cluster.leaf(201)["sessions"].append(cluster.session("slot-7", state="idle"))
    for kubernetes in (True, False):
        assert cluster.verify(kubernetes)["findings"] == []
    found = {**cluster.info, "api_groups": [], "namespaces": []}
    push = kubernetes_push(cluster.plan, found)
    assert (push["pending"], push["strangers"], push["problems"]) == ([], [], [])
    found["nodes"]["slot-7"] = {"labels": {}, "annotations": {}}
    assert kubernetes_push(cluster.plan, found)["strangers"] == ["slot-7"], "a node must be named as one"


def test_dual_stack_and_unreadable_slots_are_judged_like_nodes() -> None:
    broken = compiled({**variables(), "aci_calico_svi": "standard"}, spare_nodes=[{"rack": 1}])
    assert [problem.path for problem in broken.problems if problem.id == "required"] == ["aci_calico_spare_nodes[0].name"]
