# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the fabric and Kubernetes before a push, and report everything that prevents it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ansible.errors import AnsibleError

from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, about_calico
from ..plugin_utils.comparison import APIC, KUBERNETES, Comparison, apic_queries, compare_apic, compare_kubernetes
from ..plugin_utils.intent.intent import controllers, share_fabric
from ..plugin_utils.local import ONE_THREAD, preload
from ..plugin_utils.preflight.fabric import fabric_problems, privilege_problems
from ..plugin_utils.preflight.kubernetes import calico_mode, cluster_problems
from ..plugin_utils.schema.check import check_optional, plain
from ..plugin_utils.schema.consent import MISSING as CONSENT_MISSING
from ..plugin_utils.schema.option import INVALID
from ..plugin_utils.schema.problems import Problem
from ..plugin_utils.schema.variables import APIC_ACCESS, KUBERNETES_ACCESS, PLANNED, VARIABLES

preload("aci_info", "calico_info")

SIDES = {"look_at_apic": "fabric", "look_at_kubernetes": "Kubernetes"}


class ActionModule(PlannedAction):
    """See plugins/modules/preflight.py."""

    ARGUMENTS = {
        **BOTH_SIDES,
        "look_at_apic": {"type": "bool", "default": True},
        "look_at_kubernetes": {"type": "bool", "default": True},
        "compare": {"type": "bool", "default": False},
    }
    SETTINGS = {
        "adopt": "aci_calico_adopt",
        "update_password": "aci_calico_update_password",
        "manage_installation": "aci_calico_manage_installation",
    }

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Compare the plan with the fabric and with Kubernetes."""
        result: dict[str, Any] = {}
        compared: dict[str, Comparison] = {}
        looks: list[Callable[[], list[Problem]]] = []
        if options["look_at_apic"]:
            looks.append(partial(self._fabric, plan, options, compared))
        if options["look_at_kubernetes"]:
            looks.append(partial(self._kubernetes, plan, options, result, compared))
        problems = [problem for found in self.at_once(*looks) for problem in found]
        listed = self.report(plan["cluster"], problems, "configured")
        self.show(_verdict(plan["cluster"], options, len(listed)))
        if options["compare"]:
            whole = Comparison()
            for side in (APIC, KUBERNETES):
                whole.add(compared.get(side, Comparison()))
            result["comparison"] = whole.as_dict()
        return result | {"problems": listed}

    def _kubernetes(
        self, plan: dict[str, Any], options: dict[str, Any], result: dict[str, Any], compared: dict[str, Comparison]
    ) -> list[Problem]:
        access = self.access(options["kubernetes"], KUBERNETES_ACCESS)
        about = about_calico(plan, self.password())
        if options["compare"] and not self._task.check_mode:  # a dry run takes no lease
            about["lease_namespace"] = plan["calico"]["namespace"]
        found = self.run_module("calico_info", {**access, **about, "checks": True})["calico"]
        result["calico"] = calico_mode(found)
        chosen = {name: options[name] for name in self.SETTINGS}
        problems = cluster_problems(plan, found, **chosen, consents=self.consents())
        if not options["compare"]:
            return problems
        # The rehearsal asks for all consents at once.
        compared[KUBERNETES] = compare_kubernetes(plan, found, with_lease=True, **chosen)
        compared[KUBERNETES].problems = [problem for problem in problems if problem.id == CONSENT_MISSING]
        return [problem for problem in problems if problem.id != CONSENT_MISSING]

    def _fabric(self, plan: dict[str, Any], options: dict[str, Any], compared: dict[str, Comparison]) -> list[Problem]:
        apic = self.access(options["apic"], APIC_ACCESS)
        # What the pushes compare is read with the first requests: they may select too much.
        beside = apic_queries(plan) if options["compare"] else []
        told: list[dict[str, list[str]] | None] = []

        def read(paths: list[str]) -> dict[str, Any]:
            found = self.run_module("aci_info", {**apic, "queries": [*paths, *([] if told else beside)]})
            if beside and not told:
                chosen = {name: options[name] for name in ("adopt", "update_password")}
                compared[APIC] = compare_apic(plan, found["objects"], with_lease=True, **chosen)
            told.append(found["privileges"])
            return dict(found["objects"])

        problems = fabric_problems(plan, read, options["adopt"], _plans_beside(self.task_vars))
        return [*problems, *privilege_problems(plan, told[0])]


def _verdict(cluster: str, options: dict[str, Any], warnings: int) -> str:
    """Return the result as a line of text."""
    checked = [name for option, name in SIDES.items() if options[option]]
    count = f"{warnings or 'no'} {'warning' if warnings == 1 else 'warnings'}"
    return f"{cluster}: {' and '.join(checked) or 'nothing'} checked, no errors, {count}"


def _plans_beside(task_vars: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the plans of the play's other clusters on the same fabric. Each is read when it is asked for."""
    own = task_vars["inventory_hostname"]
    plans = (_plan_beside(task_vars["hostvars"], own, host) for host in task_vars["ansible_play_batch"] if host != own)
    yield from filter(None, plans)


def _plan_beside(hostvars: Mapping[str, Any], own: str, host: str) -> dict[str, Any]:
    """Return the plan of another cluster if it is on the same fabric; else nothing."""
    with ONE_THREAD:
        other = hostvars[host]
        plan = other.get(PLANNED, {}).get("plan")
        shared = plan and share_fabric(_controllers(hostvars[own]), _controllers(other))
        return dict(plain(plan)) if shared else {}


def _controllers(variables: Any) -> set[tuple[str, Any]]:
    return controllers(*(_value(variables, name) for name in ("aci_calico_apic_host", "aci_calico_apic_port")))


def _value(variables: Any, name: str) -> Any:
    """Return a variable of a connection; None if it cannot be read, which the connection itself reports."""
    try:
        value = check_optional(VARIABLES[name], plain(variables.get(name)), name, [])
    except AnsibleError:
        return None
    return None if value is INVALID else value
