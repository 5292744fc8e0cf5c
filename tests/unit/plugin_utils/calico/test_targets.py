"""What a maintenance is about."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import STANDARD, Cluster

from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.targets import Step, Targets, read_targets

PLAN = Cluster().plan


def read(nodes: str = "", racks: str = "", leaves: str = "") -> Targets:
    return read_targets(PLAN, *(text.split() for text in (nodes, racks, leaves)))


@pytest.mark.parametrize(
    ("names", "leaves"), [("201", (201,)), ("odd", (201, 203)), ("even 203", (202, 204, 203)), ("all", (201, 202, 203, 204))]
)
def test_leaves_are_named_by_id_or_group(names: str, leaves: tuple[int, ...]) -> None:
    targets = read(leaves=names)
    assert (targets.whole, targets.every) == (Step(leaves=leaves), names == "all")


def test_a_rack_is_all_of_its_nodes_in_one_step() -> None:
    targets = read("node-4 node-5 node-4", "1")
    assert [step.as_dict()["name"] for step in targets.steps(1)] == ["node-4", "node-5", "node-1, node-2, node-3"]
    assert [len(step.nodes) for step in targets.steps(2)] == [2, 3]
    assert targets.steps(0) == [targets.whole]
    assert read().steps(0) == []


def test_a_group_is_one_step_and_no_leaf_is_named_twice() -> None:
    assert [step.leaves for step in read(leaves="odd even").steps(1)] == [(201, 203), (202, 204)]
    assert [step.leaves for step in read(leaves="202 even all").steps(1)] == [(202,), (204,), (201,), (203,)]


def test_what_the_plan_does_not_have_is_refused() -> None:
    targets = read("node-1", "1 9", "201 2001")
    assert [(problem.id, problem.path) for problem in targets.problems] == [
        ("maintenance-rack-unknown", "node_maintenance_racks[1]"),
        ("maintenance-mixed", "node_maintenance_leaves"),
        ("maintenance-leaf-unknown", "node_maintenance_leaves[1]"),
    ]
    assert targets.problems[2].remedy == "Did you mean 201?"


def test_a_spare_slot_of_a_rack_is_no_node() -> None:
    plan = Cluster(**STANDARD, aci_calico_spare_nodes=[{"name": "spare-1", "rack": 1}]).plan
    assert read_targets(plan, [], ["1"], []).whole.nodes == ("node-1", "node-2", "node-3")


def test_a_rack_has_the_nodes_that_are_connected_there() -> None:
    plan = Cluster(aci_calico_peering="central").plan
    named = [read_targets(plan, [], [rack], []).whole.nodes for rack in ("1", "2")]
    assert named == [("node-1", "node-2", "node-3"), ("node-4", "node-5", "node-6")]
