# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search for drift: read both sides, and change neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..actions import PlannedAction, about_calico
from ..comparison import APIC, KUBERNETES, Comparison, Objects, Plan, apic_queries
from ..rehearsal.classify import rehearse
from ..schema.variables import APIC_ACCESS, KUBERNETES_ACCESS, VARIABLES
from . import differences, origin
from .differences import Found
from .report import judge

# Runs a module of this collection with arguments, and returns its result.
Run = Callable[[str, dict[str, Any]], dict[str, Any]]

# The name under which the Python client of Kubernetes writes, which Ansible uses.
PYTHON_CLIENT = "OpenAPI-Generator"
_USER = "aci_calico_apic_username"


def search(action: PlannedAction, plan: dict[str, Any], options: Mapping[str, Any]) -> Found:
    """Read both sides, and then who changed what differs. Return the differences of a cluster in the order of the pushes."""
    apic = action.access(options["apic"], APIC_ACCESS)
    kubernetes = action.access(options["kubernetes"], KUBERNETES_ACCESS)
    objects = action.run_module("aci_info", {**apic, "queries": apic_queries(plan)})["objects"]
    calico = action.run_module("calico_info", kubernetes_query(plan, kubernetes, action.password()))["calico"]
    return together(plan, [on_apic(action.run_module, plan, apic, objects), in_kubernetes(plan, calico)], apic)


def kubernetes_query(plan: dict[str, Any], access: Mapping[str, Any], password: str) -> dict[str, Any]:
    """Return the arguments of ``calico_info``."""
    return {**access, **about_calico(plan, password), "details": True}


def on_apic(run: Run, plan: Plan, access: Mapping[str, Any], objects: Objects) -> Found:
    """Return the differences on APIC with who made them, which its audit log tells.

    :param objects: what ``aci_info`` returned for ``apic_queries``.
    """
    found = differences.on_apic(plan, objects)
    query = origin.audit_query(found.differences)
    if query:
        origin.on_apic(found.differences, run("aci_info", {**access, "queries": [query]})["objects"], objects)
    return found


def in_kubernetes(plan: Plan, calico: dict[str, Any]) -> Found:
    """Return the differences in Kubernetes with who made them.

    :param calico: what ``calico_info`` returned with ``details``.
    """
    found = differences.in_kubernetes(plan, calico)
    origin.in_kubernetes(found.differences, calico["managers"])
    return found


def together(plan: dict[str, Any], sides: Iterable[Found], apic: Mapping[str, Any]) -> Found:
    """Return the differences of several sides, with the right side and the effect on traffic of each.

    :param apic: how APIC is reached: its account belongs to this collection.
    """
    result = Found([], Comparison())
    for one in sides:
        result.differences += one.differences
        result.problems += one.problems
        result.comparison.add(one.comparison)
    user = str(apic.get("username") or VARIABLES[_USER].default)
    judge(result.differences, {APIC: [user], KUBERNETES: [PYTHON_CLIENT]})
    _class_traffic(plan, result)
    return result


def _class_traffic(plan: dict[str, Any], found: Found) -> None:
    """Set what mending each difference does to traffic: a difference mended is a change."""
    classed = {(one.change.side, one.change.object): one for one in rehearse(plan, found.comparison).changes}
    for one in found.differences:
        change = classed.get((one.side, one.object))
        if change:
            one.traffic = {"class": change.effect, "reason": change.rule.why}
