# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What drift consists of, as actions find it: they read both sides, and change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..actions import PlannedAction, about_calico
from ..comparison import APIC, KUBERNETES, Comparison, apic_queries
from ..rehearsal.classify import rehearse
from ..schema.problems import Problem
from ..schema.variables import APIC_ACCESS, KUBERNETES_ACCESS, VARIABLES
from . import differences as found_on
from . import origin
from .differences import Difference
from .report import judge

# The name under which the Python client of Kubernetes writes, which Ansible uses.
PYTHON_CLIENT = "OpenAPI-Generator"
_USER = "aci_calico_apic_username"


class Search:
    """The differences of a cluster, read by an action.

    :ivar differences: what differs, in the order of the pushes.
    :ivar comparison: the changes that would mend everything.
    :ivar problems: why a side cannot be judged.
    """

    def __init__(self, action: PlannedAction, plan: dict[str, Any], options: Mapping[str, Any]) -> None:
        self._run = action.run_module
        self._apic = action.access(options["apic"], APIC_ACCESS)
        access = action.access(options["kubernetes"], KUBERNETES_ACCESS)
        self._kubernetes = {**access, **about_calico(plan, action.password()), "details": True}
        self._plan = plan
        self.differences: list[Difference] = []
        self.comparison = Comparison()
        self.problems: list[Problem] = []

    def look(self) -> None:
        """Read both sides, and then who changed what differs."""
        objects = self._run("aci_info", {**self._apic, "queries": apic_queries(self._plan)})["objects"]
        calico = self._run("calico_info", self._kubernetes)["calico"]
        on_apic, in_kubernetes = found_on.on_apic(self._plan, objects), found_on.in_kubernetes(self._plan, calico)
        query = origin.audit_query(on_apic.differences)
        if query:
            records = self._run("aci_info", {**self._apic, "queries": [query]})["objects"]
            origin.on_apic(on_apic.differences, records, objects)
        origin.in_kubernetes(in_kubernetes.differences, calico["managers"])
        self.differences = [*on_apic.differences, *in_kubernetes.differences]
        self.comparison = on_apic.comparison.add(in_kubernetes.comparison)
        self.problems = in_kubernetes.problems
        user = str(self._apic.get("username") or VARIABLES[_USER].default)
        judge(self.differences, {APIC: [user], KUBERNETES: [PYTHON_CLIENT]})
        self._class_traffic()

    def _class_traffic(self) -> None:
        """Set what mending each difference does to traffic: a difference mended is a change."""
        classed = {(one.change.side, one.change.object): one for one in rehearse(self._plan, self.comparison).changes}
        for one in self.differences:
            found = classed.get((one.side, one.object))
            if found:
                one.traffic = {"class": found.effect, "reason": found.rule.why}
