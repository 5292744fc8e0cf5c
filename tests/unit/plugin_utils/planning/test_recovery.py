"""What was allocated is recovered from the plan, or from APIC and Kubernetes, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.plugin_utils.sample_plans import BASES, compiled, racks, variables

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.intent.intent import Intent
from ansible_collections.netops.aci_calico.plugins.plugin_utils.intent.reading import read_intent
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.ledger import Ledger, load_ledger
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.record import BadRecordError
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.recovery import query, record_of_objects, record_of_plan

ROOT = Path(__file__).resolve().parents[4]
EXAMPLES = {path.stem: path for path in (ROOT / "inventories").glob("*/.allocations/*.yml")}
# An allocation that nobody would get today: nodes came and went.
LAYOUT = racks(["d", "a"], ["c"])
BEFORE = {"racks": racks(["a", "b", "c"], ["d"])}


def intent_of(base: dict[str, Any]) -> Intent:
    """Return the intent of the example."""
    return read_intent(base, "prod1-cluster")[0]


def kubernetes(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the plan's nodes as ``calico_info`` returns them, with an address outside the node subnets."""
    return {
        node["name"]: {
            "addresses": ["10.250.0.1", *(one["address"].partition("/")[0] for one in node["networks"].values())],
            "annotations": {"projectcalico.org/IPv4Address": "10.250.0.1/24"},
        }
        for node in plan["nodes"]
    }


def with_racks(base: dict[str, Any]) -> dict[str, Any]:
    """Return the example with an allocation that the order of its nodes would not give."""
    return variables(base, racks=LAYOUT, floating_addresses=None, secondary_addresses=None)


def gappy(base: dict[str, Any]) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Return variables, an allocation file and its plan in which nodes keep what a new plan would not give them."""
    first = compiled(with_racks(base), **BEFORE)
    ledger, _problems = load_ledger(first.record or "", "file")
    second = compiled(with_racks(base), {"ledger": ledger})
    assert second.record != compiled(with_racks(base)).record
    return with_racks(base), second.record or "", second.require()


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_the_plan_and_the_servers_give_the_same_file(base):
    own, text, plan = gappy(base)
    intent = intent_of(own)
    objects = flat(apic_tree(plan))
    records = [record_of_plan(json.loads(json.dumps(plan)), intent), record_of_objects(objects, kubernetes(plan), intent)]
    for record in records:
        assert compiled(own, {"ledger": Ledger(record, "file", "prod1")}).record == text


@pytest.mark.parametrize("path", EXAMPLES.values(), ids=EXAMPLES)
def test_the_files_of_the_examples_are_recovered_from_their_golden_plans(path):
    golden = ROOT / "tests/golden" / path.parents[1].name / path.stem
    plan = json.loads((golden / "plan.json").read_text())
    intent = intent_of({"aci_calico_cluster_name": path.stem, "aci_calico_tenant": plan["fabric"]["tenant"]})
    intent.values["aci_calico_l3out"] = plan["l3outs"][0]["name"]
    held = load_ledger(path.read_text(), "file")[0].record
    found = record_of_plan(plan, intent)
    assert {name: one.addresses for name, one in found.nodes.items()} == {n: one.addresses for n, one in held.nodes.items()}
    assert {name: one.vlan for name, one in found.nodes.items()} == {name: one.vlan for name, one in held.nodes.items()}
    assert {name: one.addresses for name, one in found.leaves.items()} == {n: one.addresses for n, one in held.leaves.items()}
    assert (found.kind, found.l3outs) == (held.kind, held.l3outs)


def test_retired_l3outs_and_nodes_that_kubernetes_lacks():
    own, _text, plan = gappy(BASES["floating"])
    intent = intent_of(own)
    record = record_of_plan({**plan, "retired_l3outs": ["calico-prod1-3"]}, intent)
    assert record.l3outs[3].racks == []
    nodes = kubernetes(plan)
    del nodes["a"]
    nodes["c"]["addresses"] = ["10.250.0.9"]
    assert set(record_of_objects(flat(apic_tree(plan)), nodes, intent).nodes) == {"d"}


@pytest.mark.parametrize(
    ("plan", "cause"),
    [
        (None, "not a plan"),
        ([], "not a plan"),
        ({"cluster": "prod2"}, "plan of cluster prod2"),
        ({"cluster": "prod1"}, "not a plan"),
        ({"cluster": "prod1", "retired_l3outs": ["other"]}, "not named after calico-prod1"),
        ({"cluster": "prod1", "retired_l3outs": [7]}, "not a plan"),
    ],
)
def test_what_is_no_plan_of_the_cluster_is_refused(plan, cause):
    with pytest.raises(BadRecordError, match=cause):
        record_of_plan(plan, intent_of(BASES["floating"]))


def test_an_apic_without_the_cluster_is_refused():
    intent = intent_of(BASES["floating"])
    with pytest.raises(BadRecordError, match="APIC has no L3Out of cluster prod1 with interfaces in tenant common"):
        record_of_objects({}, {}, intent)
    objects = flat(apic_tree(gappy(BASES["floating"])[2]))
    for one in objects.values():
        if one["class"] == "l3extVirtualLIfP":
            one["attributes"]["addr"] = "nowhere"
    with pytest.raises(BadRecordError, match="nowhere"):
        record_of_objects(objects, {}, intent)


def test_the_query_asks_for_the_clusters_own_objects():
    path = query(intent_of(BASES["floating"]))
    assert path.startswith("/api/mo/uni/tn-common.json?query-target=subtree&target-subtree-class=l3extOut,")
    assert 'eq(bgpPeerP.annotation,"orchestrator:aci-calico:prod1")' in path
