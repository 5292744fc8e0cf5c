# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at the fabric and at Kubernetes before a push, and say everything that is in its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ..plugin_utils.actions import BOTH_SIDES, ReadingAction, about_calico
from ..plugin_utils.intent.intent import controllers, share_fabric
from ..plugin_utils.preflight.fabric import fabric_problems
from ..plugin_utils.preflight.kubernetes import calico_mode, cluster_problems
from ..plugin_utils.schema.check import check_optional, plain
from ..plugin_utils.schema.option import INVALID
from ..plugin_utils.schema.problems import Problem, errors, render, warnings
from ..plugin_utils.schema.variables import APIC_ACCESS, KUBERNETES_ACCESS, VARIABLES

display = Display()


class ActionModule(ReadingAction):
    """See plugins/modules/preflight.py."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Compare the plan with what is there."""
        result = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(
            {
                **BOTH_SIDES,
                "look_at_apic": {"type": "bool", "default": True},
                "look_at_kubernetes": {"type": "bool", "default": True},
                "adopt": {"type": "bool", "default": False},
                "update_password": {
                    "type": "str",
                    "default": "on_create",
                    "choices": ["always", "on_create"],
                    "no_log": False,
                },
            }
        )
        plan = plain(options["plan"])
        problems = []
        if options["look_at_apic"]:
            problems += self._fabric(plan, options, task_vars or {})
        if options["look_at_kubernetes"]:
            found = self._cluster(plan, options, task_vars or {})
            result["calico"] = calico_mode(found)
            problems += cluster_problems(plan, found, options["update_password"], options["adopt"])
        return result | self._report(plan["cluster"], problems)

    def _fabric(self, plan: dict, options: dict, task_vars: dict) -> list[Problem]:
        def read(paths: list[str]) -> dict:
            return self.run_module("aci_info", {**apic, "queries": paths}, task_vars)["objects"]

        apic = self.access(options["apic"], APIC_ACCESS, task_vars)
        return fabric_problems(plan, read, options["adopt"], _plans_beside(task_vars))

    def _cluster(self, plan: dict, options: dict, task_vars: dict) -> dict:
        kubernetes = self.access(options["kubernetes"], KUBERNETES_ACCESS, task_vars)
        about = about_calico(plan, options["password_sha256"])
        return self.run_module("calico_info", {**kubernetes, **about, "checks": True}, task_vars)["calico"]

    @staticmethod
    def _report(cluster: str, problems: list[Problem]) -> dict[str, Any]:
        """The findings as the task's result: with an error it fails and says all of them."""
        report: dict[str, Any] = {"changed": False, "faults": [problem.as_dict() for problem in problems]}
        if errors(problems):
            return report | {"failed": True, "msg": render(cluster, problems, "configured")}
        for problem in warnings(problems):
            display.warning(f"{cluster}: {problem.path}: {problem.problem}. {problem.remedy}")
        return report


def _plans_beside(task_vars: dict) -> Iterator[dict]:
    """The plans of the other clusters of the play that are on the same fabric."""
    hostvars, own = task_vars["hostvars"], task_vars["inventory_hostname"]
    for host in task_vars["ansible_play_batch"]:
        other = hostvars[host]
        if (
            host != own
            and "aci_calico_plan" in other
            and share_fabric(_controllers(hostvars[own]), _controllers(other))
        ):
            yield plain(other["aci_calico_plan"])


def _controllers(variables: Any) -> set[tuple[str, Any]]:
    return controllers(*(_value(variables, name) for name in ("aci_calico_apic_host", "aci_calico_apic_port")))


def _value(variables: Any, name: str) -> Any:
    """A variable of a connection; None where it cannot be had, which is for whoever connects to say."""
    try:
        value = check_optional(VARIABLES[name], plain(variables.get(name)), name, [])
    except AnsibleError:
        return None
    return None if value is INVALID else value
