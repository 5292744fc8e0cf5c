# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verify a cluster: read its fabric and Kubernetes until everything is as planned or time is up, and report the findings."""

from __future__ import annotations

import time
from typing import Any

from ..module_utils.names import CALICO_V3, MANAGED_BY, MANAGED_BY_LABEL
from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, about_calico, prints_data
from ..plugin_utils.apic.tree import about_fabric, apic_roots
from ..plugin_utils.calico.joined import joined_nodes
from ..plugin_utils.documents.encoding import json_text
from ..plugin_utils.documents.metrics import VERIFY, file_name, of_verify
from ..plugin_utils.local import preload
from ..plugin_utils.schema.text import wrapped
from ..plugin_utils.schema.variables import APIC_ACCESS, KUBERNETES_ACCESS
from ..plugin_utils.verify.junit import junit
from ..plugin_utils.verify.observed import Kubernetes
from ..plugin_utils.verify.report import DRAINED, ROUTES, SESSIONS, explain, in_short, progress, table, verdict, verify

preload("aci_state", "calico_info", "calico_state")

LEFT_BEHIND = (
    "The requests for the nodes' BGP reports stay in the cluster: {}. Remove them with kubectl delete caliconodestatuses"
    f" -l {MANAGED_BY_LABEL}={MANAGED_BY}"
)


class ActionModule(PlannedAction):
    """See plugins/modules/verify.py."""

    ARGUMENTS = {
        **BOTH_SIDES,
        "only": {"type": "str", "choices": [SESSIONS, DRAINED, ROUTES]},
        "nodes": {"type": "list", "elements": "str", "default": []},
        "pending": {"type": "list", "elements": "str", "default": []},
    }
    SETTINGS = {
        "look_at_kubernetes": "aci_calico_verify_kubernetes",
        "node_status": "aci_calico_verify_node_status",
        "timeout": "aci_calico_verify_timeout",
        "interval": "aci_calico_verify_interval",
        "artifacts_dir": "aci_calico_artifacts_dir",
        "metrics_dir": "aci_calico_metrics_dir",
    }

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Verify the cluster of the plan."""
        report = None
        try:
            reader = _Reader(self, plan, options)
            try:
                report = self._watch(reader, options["timeout"], options["interval"])
            finally:
                reader.clean_up()
        finally:
            if not options["only"]:
                metrics = of_verify(plan["cluster"], report, time.time())
                self.write_metrics(options["metrics_dir"], file_name(VERIFY, plan["cluster"]), metrics)
        self.show("\n".join((*wrapped(verdict(report), rest="  "), *table(report), *explain(report))))
        files = {} if options["only"] else {"verify.json": json_text(report), "verify.xml": junit(report)}
        result = {
            "causes": [finding["id"] for finding in report["findings"]],
            "artifacts": self.record_report(plan["cluster"], options["artifacts_dir"], files) if files else [],
        }
        if report["ok"]:
            return result | {"report": report}
        # Callbacks print a failed result completely: the findings are above it, and the whole report is in its file.
        findings = f": {'; '.join(in_short(report))}" if prints_data() else ""
        return result | {"failed": True, "msg": f"{verdict(report)}{findings}"}

    def _watch(self, reader: _Reader, timeout: int, interval: int) -> dict[str, Any]:
        """Look until nothing is left that can still change by itself, or time is up."""
        deadline = time.monotonic() + timeout
        shown = ""
        while True:
            report = reader.look()
            line = progress(report)
            if line != shown:
                self.show("\n".join(wrapped(f"{report['cluster']}: {line}", rest="  ")))
            shown = line
            if not report["waiting"] or time.monotonic() + interval > deadline:
                return report
            time.sleep(interval)


class _Reader:
    """Reads the state of the fabric and of Kubernetes."""

    def __init__(self, action: PlannedAction, plan: dict[str, Any], options: dict[str, Any]) -> None:
        self._run = action.run_module
        self._warn = lambda texts: action.add_effects({"warnings": texts})
        self._plan = plan
        self._only = options["only"] or ""
        self._nodes = options["nodes"]
        self._pending = options["pending"]
        self._ask_nodes = options["node_status"]
        self._requested: str | None = None
        self._names = {node["name"] for node in plan["nodes"] if not node.get("spare")}
        apic = action.access(options["apic"], APIC_ACCESS)
        roots = [*apic_roots(plan, "access"), *apic_roots(plan, "hardening")]
        self._aci = {**apic, **about_fabric(plan), "roots": roots, **({"only": SESSIONS} if self._only == SESSIONS else {})}
        self._kubernetes: dict[str, Any] | None = None
        if options["look_at_kubernetes"] and self._only in ("", ROUTES):
            self._kubernetes = action.access(options["kubernetes"], KUBERNETES_ACCESS)
            self._about = about_calico(plan, action.password())

    def look(self) -> dict[str, Any]:
        """Return the current state, compared with the plan."""
        aci = self._run("aci_state", self._aci)
        return verify(self._plan, aci["state"], self._calico(), self._only, self._nodes, self._pending)

    def _calico(self) -> Kubernetes | None:
        if self._kubernetes is None:
            return None
        info = self._run("calico_info", {**self._kubernetes, **self._about})["calico"]
        group = info["api_group"] or CALICO_V3
        self._names |= {node["name"] for node in joined_nodes(self._plan, info)}
        if self._ask_nodes:
            self._requested = group
        live = self._state(group, "request" if self._ask_nodes else "ignore")
        return Kubernetes(info, live["state"])

    def _state(self, group: str, node_status: str) -> dict[str, Any]:
        arguments = {"api_group": group, "nodes": sorted(self._names), "node_status": node_status}
        return self._run("calico_state", {**(self._kubernetes or {}), **arguments})

    def clean_up(self) -> None:
        """Remove the requests for the nodes' reports."""
        if self._requested:
            failures = self._state(self._requested, "remove")["failures"]
            self._warn([LEFT_BEHIND.format(failure["message"]) for failure in failures])
