"""Variants of the worked example, and assertions about them, for tests of planning."""

from __future__ import annotations

import copy
from collections.abc import Collection
from functools import partial
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.compile import Compiled, compile_cluster
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.ledger import Ledger, load_ledger
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.neighbours import Neighbours
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import render
from lab.example import worked_example

FLOATING = worked_example("floating")
STANDARD = worked_example("standard", aci_calico_vlan="300-363")
SECOND_FAMILY = {
    "aci_calico_node_subnets": ["fd00:192:168::/56"],
    "aci_calico_pod_subnets": ["fd00:10:1::/64"],
    "aci_calico_service_subnets": ["fd00:172::/112"],
}


def variables(base: dict[str, Any] = FLOATING, **changes: Any) -> dict[str, Any]:
    """The example with some variables changed, named without their prefix; None takes one away."""
    changed = copy.deepcopy(base) | {f"aci_calico_{name}": value for name, value in changes.items()}
    return {name: value for name, value in changed.items() if value is not None}


def dual_stack(base: dict[str, Any]) -> dict[str, Any]:
    """The example with IPv6 beside IPv4."""
    return copy.deepcopy(base) | {name: base[name] + second for name, second in SECOND_FAMILY.items()}


BASES = {
    "floating": FLOATING,
    "standard": STANDARD,
    "dual stack, floating": dual_stack(FLOATING),
    "dual stack, standard": dual_stack(STANDARD),
}


def ipv6_alone() -> dict[str, Any]:
    """Return changes for ``compiled`` that remove IPv4 from the example."""
    second = {name.removeprefix("aci_calico_"): subnets for name, subnets in SECOND_FAMILY.items()}
    racks_ = [{"id": number, "leaves": [199 + 2 * number, 200 + 2 * number], "nodes": [f"n{number}"]} for number in (1, 2)]
    return {**second, "racks": racks_, "external_service_subnets": []}


def compiled(base: dict[str, Any] = FLOATING, options: dict[str, Any] | None = None, **changes: Any) -> Compiled:
    """Compile the example with these changes; ``options`` are those of ``compile_cluster``, neighbours by their variables."""
    options = dict(options or {})
    if "neighbours" in options:
        options["neighbours"] = Neighbours.read(options["neighbours"])
    return compile_cluster(variables(base, **changes), "prod1-cluster", **options)


def plan_of(base: dict[str, Any] = FLOATING, options: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The plan of the example with these changes."""
    return compiled(base, options, **changes).require()


def rules(outcome: Compiled) -> dict[str, list[str]]:
    """Return the problems as ``{rule: [path, …]}``."""
    found: dict[str, list[str]] = {}
    for problem in outcome.problems:
        found.setdefault(problem.id, []).append(problem.path)
    return found


def recorded(outcome: Compiled) -> Ledger:
    """Return what the next run reads from the allocation file of this one."""
    ledger, problems = load_ledger(outcome.record or "", "allocation")
    assert not problems
    return ledger


def racks(*nodes: list[Any], leaves: bool = True) -> list[dict[str, Any]]:
    """Racks 1, 2, … with these nodes and the leaves 201 and 202, 203 and 204, …"""
    return [
        {"id": number, "leaves": [199 + 2 * number, 200 + 2 * number] if leaves else [], "nodes": list(names)}
        for number, names in enumerate(nodes, 1)
    ]


def one_rack(**changes: Any) -> dict[str, Any]:
    """The variable with one rack, as changes for ``compiled``."""
    return {"racks": [{"id": 1, "leaves": [201, 202], "nodes": ["a"], **changes}]}


def case(rule: str, path: str, base: dict[str, Any] = FLOATING, /, **changes: Any) -> ParameterSet:
    """A row of ``broken``; the variables are named without their prefix, in the path too."""
    return pytest.param(rule, f"aci_calico_{path}", base, changes, id=rule)


broken = partial(pytest.mark.parametrize, ("rule", "path", "base", "changes"))


def assert_named(rule: str, path: str, base: dict[str, Any], changes: dict[str, Any], warnings: Collection[str] = ()) -> Compiled:
    """Assert that the only problem of the input is the rule's, at that path, and return the outcome."""
    outcome = compiled(base, **changes)
    assert path in rules(outcome).get(rule, []), render("prod1", outcome.problems)
    assert set(rules(outcome)) == {rule}, "nothing else is wrong with the input"
    assert all(problem.remedy for problem in outcome.problems)
    assert {problem.severity for problem in outcome.problems} == {"warning" if rule in warnings else "error"}
    assert (outcome.plan is None) == (rule not in warnings)
    return outcome


# The cluster's VRF in a tenant of its own, so that other tenants are known to be in other VRFs.
PROD = variables(tenant="prod", vrf="prod")
LEAKED = {"external_epg_scopes": ["import-security", "shared-rtctrl", "shared-security"]}
EPG = {"application_profile": "intranet", "epg": "web"}
CORPORATE = {"l3out": "core", "external_epg": "corporate"}


def contract(name: str = "web", **keys: Any) -> dict[str, Any]:
    """A contract that lets HTTPS through."""
    return {"name": name, "filters": [{"name": "https", "entries": ["tcp/443"]}], **keys}


def segment(*subnets: str, name: str = "payments", **keys: Any) -> dict[str, Any]:
    """A microsegment."""
    return {"name": name, "subnets": list(subnets or ["192.168.3.16/28"]), **keys}


# Managed access policies, and nodes on ports of leaves 201 and 202.
MANAGED = {"manage_access": True}
CABLED_NODES = [{"name": "a", "interfaces": ["1/1"]}, {"name": "b", "interfaces": ["201:1/2", "202:1/12-13"]}]


def cabled_node(name: str, *interfaces: str, **more: Any) -> dict[str, Any]:
    """A node on these ports."""
    return {"name": name, "interfaces": list(interfaces), **more}
