"""NICs, bonds, virtual machines and hypervisors that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, rules


def two_nodes(**of_the_second: Any) -> list[dict[str, Any]]:
    """A rack with two nodes."""
    return [{"id": 1, "leaves": [201, 202], "nodes": [{"name": "a", "hypervisor": "esx-1"}, {"name": "b", **of_the_second}]}]


@pytest.mark.parametrize(
    ("rule", "severity", "base", "changes"),
    [
        ("vm-with-several-nics", "error", FLOATING, {"racks": two_nodes(kind="vm", nics=["ens1", "ens2"])}),
        ("nic-twice", "error", FLOATING, {"racks": two_nodes(nics=["eno1", "eno1"])}),
        ("nic-twice", "error", FLOATING, {"racks": two_nodes(nics=["bond0", "eno1"])}),
        ("hypervisor-shared", "warning", FLOATING, {"racks": two_nodes(hypervisor="esx-1")}),
        ("vm-mobility-with-standard-svi", "error", STANDARD, {"racks": two_nodes(kind="vm"), "vm_mobility": True}),
        ("not-a-choice", "error", FLOATING, {"node_configs": ["ifupdown"]}),
        ("invalid-interface-name", "error", FLOATING, {"nics": ["a-name-that-is-too-long"]}),
    ],
)
def test_what_nodes_run_on_is_judged(rule, severity, base, changes):
    outcome = compiled(base, **changes)
    assert set(rules(outcome)) == {rule}
    assert {problem.severity for problem in outcome.problems} == {severity}


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (FLOATING, {"racks": two_nodes(kind="vm"), "vm_mobility": True}),
        (STANDARD, {"racks": two_nodes(), "vm_mobility": True}),
        (STANDARD, {"racks": two_nodes(kind="vm", hypervisor="esx-2")}),
    ],
)
def test_good_nodes_are_silent(base, changes):
    assert not compiled(base, **changes).problems
