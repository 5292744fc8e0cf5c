# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take nodes out of service for maintenance, or return them to service."""

from __future__ import annotations

import re
import time
from typing import Any

from ..module_utils.kubernetes.api import PAUSES
from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, Refused
from ..plugin_utils.calico.maintenance import node_maintenance
from ..plugin_utils.calico.push import failure_problems
from ..plugin_utils.schema.text import wrapped
from ..plugin_utils.schema.variables import KUBERNETES_ACCESS
from ..plugin_utils.verify.report import DRAINED

DRAIN = "kubernetes.core.k8s_drain"
# In messages of this module, which returns no status.
_PASSING = re.compile(r"\b(409|429|500|502|503|504)\b|Max retries exceeded|Connection (aborted|reset)")
# The seconds for which the lease holds while a node is drained without a limit.
FOREVER = 3600


class ActionModule(PlannedAction):
    """See plugins/modules/node_maintenance.py."""

    ARGUMENTS = {
        **BOTH_SIDES,
        "nodes": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["begin", "end"], "default": "begin"},
        "timeout": {"type": "int", "default": 60},
        "drain": {"type": "bool", "default": True},
        "delete_options": {"type": "dict", "default": {"wait_timeout": 300}},
    }

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Change the nodes; at the beginning wait for the leaves, then move the pods."""
        access = self.access(options["kubernetes"], KUBERNETES_ACCESS)
        begin = options["state"] == "begin"
        options["nodes"] = [name.strip() for name in options["nodes"]]  # the command line gives them as one text
        live = self.run_module("calico_state", {**access, "node_status": "ignore"})["state"]
        self.report(plan["cluster"], failure_problems({"failures": _of_nodes(live)}), "changed")
        change = node_maintenance(plan, live["nodes"], live, options["nodes"], begin)
        problems = self.report(plan["cluster"], change["problems"], "changed")
        for name, difference in change["differences"].items():
            self.add_effects({"diff": {**difference, "before_header": name, "after_header": name}})
        waits = begin and not self._task.check_mode
        self._keep(plan, options, options["timeout"] if waits else 0)
        if change["patched"]:
            patches = [{"state": "patched", "manifest": patch} for patch in change["patched"]]
            result = self.try_module("calico_objects", {**access, "changes": patches})
            self.add_effects({"changed": result.get("changed")})
            if result.get("failed"):
                self.refuse("calico_objects", result)
        if waits:
            self._wait(plan, options)
        if begin and options["drain"]:
            for name in change["nodes"]:
                self._keep(plan, options, int(options["delete_options"].get("wait_timeout") or FOREVER))
                arguments = {"name": name, "delete_options": {**options["delete_options"], "ignore_daemonsets": True}}
                self._drain({**access, **arguments})
        self.show(self._done(plan["cluster"], change["nodes"], begin, options["drain"]))
        return {"problems": problems}

    def _done(self, cluster: str, nodes: list[str], begin: bool, drain: bool) -> str:
        """Return the new state of the nodes as text."""
        state = "out of service and " + ("drained" if drain else "cordoned") if begin else "in service"
        verb = "would be" if self._task.check_mode else "is" if len(nodes) == 1 else "are"
        names = f"node {nodes[0]}" if len(nodes) == 1 else f"nodes {', '.join(nodes)}"
        return "\n".join(wrapped(f"{cluster}: {names} {verb} {state}", rest="  "))

    def _keep(self, plan: dict[str, Any], options: dict[str, Any], seconds: int) -> None:
        task = f"{options['state']} the maintenance of {', '.join(options['nodes'])}"
        self.keep_lease(plan, task, seconds, apic=options["apic"], kubernetes=options["kubernetes"])

    def _drain(self, arguments: dict[str, Any]) -> None:
        """Move the pods of a node. The module reads which pods are left, so it can be run again after a failure that passes."""
        for pause in PAUSES[1:]:
            result = self.try_module(DRAIN, arguments)
            self.add_effects({"changed": result.get("changed"), "warnings": result.get("warnings")})
            if not result.get("failed"):
                return
            if not _PASSING.search(str(result.get("msg"))):
                break
            time.sleep(pause)
        self.refuse(DRAIN, result)

    def _wait(self, plan: dict[str, Any], options: dict[str, Any]) -> None:
        """Wait until no leaf sends services' traffic to the nodes."""
        arguments = {"plan": plan, "only": DRAINED, "nodes": options["nodes"], "timeout": options["timeout"]}
        result = self.try_module("verify", {**arguments, "apic": options["apic"]})
        if result.get("failed"):
            raise Refused(str(result.get("msg")))


def _of_nodes(live: dict[str, Any]) -> list[dict[str, Any]]:
    return [failure for failure in live["failures"] if failure["path"] == "/api/v1/nodes"]
