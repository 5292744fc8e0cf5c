# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search for drift: read both sides, and change neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..actions import PlannedAction, about_calico
from ..comparison import APIC, KUBERNETES, apic_queries
from ..rehearsal.classify import rehearse
from ..schema.variables import APIC_ACCESS, KUBERNETES_ACCESS, VARIABLES
from . import differences as found_on
from . import origin
from .differences import Found
from .report import judge

# The name under which the Python client of Kubernetes writes, which Ansible uses.
PYTHON_CLIENT = "OpenAPI-Generator"
_USER = "aci_calico_apic_username"


def search(action: PlannedAction, plan: dict[str, Any], options: Mapping[str, Any]) -> Found:
    """Read both sides, and then who changed what differs. Return the differences of a cluster in the order of the pushes."""
    apic = action.access(options["apic"], APIC_ACCESS)
    access = action.access(options["kubernetes"], KUBERNETES_ACCESS)
    kubernetes = {**access, **about_calico(plan, action.password()), "details": True}
    objects = action.run_module("aci_info", {**apic, "queries": apic_queries(plan)})["objects"]
    calico = action.run_module("calico_info", kubernetes)["calico"]
    on_apic, in_kubernetes = found_on.on_apic(plan, objects), found_on.in_kubernetes(plan, calico)
    query = origin.audit_query(on_apic.differences)
    if query:
        records = action.run_module("aci_info", {**apic, "queries": [query]})["objects"]
        origin.on_apic(on_apic.differences, records, objects)
    origin.in_kubernetes(in_kubernetes.differences, calico["managers"])
    differences = [*on_apic.differences, *in_kubernetes.differences]
    user = str(apic.get("username") or VARIABLES[_USER].default)
    judge(differences, {APIC: [user], KUBERNETES: [PYTHON_CLIENT]})
    found = Found(differences, on_apic.comparison.add(in_kubernetes.comparison), in_kubernetes.problems)
    _class_traffic(plan, found)
    return found


def _class_traffic(plan: dict[str, Any], found: Found) -> None:
    """Set what mending each difference does to traffic: a difference mended is a change."""
    classed = {(one.change.side, one.change.object): one for one in rehearse(plan, found.comparison).changes}
    for one in found.differences:
        change = classed.get((one.side, one.object))
        if change:
            one.traffic = {"class": change.effect, "reason": change.rule.why}
