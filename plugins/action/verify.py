# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verify a cluster: read its fabric and its Kubernetes until all is as planned or time is up, and say what is wrong."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

from ansible.utils.display import Display

from ..module_utils.names import CALICO_V3
from ..plugin_utils.actions import BOTH_SIDES, ReadingAction, about_calico
from ..plugin_utils.apic.tree import apic_roots
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.variables import APIC_ACCESS, KUBERNETES_ACCESS
from ..plugin_utils.verify.junit import junit
from ..plugin_utils.verify.observed import Kubernetes
from ..plugin_utils.verify.report import DRAINED, SESSIONS, explain, in_short, progress, table, verdict, verify

display = Display()


class ActionModule(ReadingAction):
    """See plugins/modules/verify.py."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Verify the cluster of the plan."""
        result = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(
            {
                **BOTH_SIDES,
                "only": {"type": "str", "choices": [SESSIONS, DRAINED]},
                "nodes": {"type": "list", "elements": "str", "default": []},
                "look_at_kubernetes": {"type": "bool", "default": True},
                "node_status": {"type": "bool", "default": True},
                "timeout": {"type": "int", "default": 60},
                "interval": {"type": "int", "default": 2},
                "artifacts_dir": {"type": "path", "default": ""},
            }
        )
        options["look_at_kubernetes"] = options["look_at_kubernetes"] and not options["only"]
        options["apic"] = self.access(options["apic"], APIC_ACCESS, task_vars or {})
        if options["look_at_kubernetes"]:
            options["kubernetes"] = self.access(options["kubernetes"], KUBERNETES_ACCESS, task_vars or {})
        reader = _Reader(self.run_module, plain(options["plan"]), options, task_vars or {})
        try:
            report = self._watch(reader, options["timeout"], options["interval"])
        finally:
            reader.clean_up()
        for line in (verdict(report), *table(report), *explain(report)):
            display.display(line)
        causes = [finding["id"] for finding in report["findings"]]
        result |= {"changed": False, "causes": causes, "artifacts": self._write(report, options["artifacts_dir"])}
        if report["ok"]:
            return result | {"report": report}
        # Callbacks print all of a failed result: the whole report is in its file.
        return result | {"failed": True, "msg": f"{verdict(report)}: {'; '.join(in_short(report))}"}

    def _watch(self, reader: _Reader, timeout: int, interval: int) -> dict:
        """Look until nothing is left that time can heal, or time is up."""
        deadline = time.monotonic() + timeout
        shown = ""
        while True:
            report = reader.look()
            line = progress(report)
            if line != shown:
                display.display(f"{report['cluster']}: {line}")
            shown = line
            if not report["waiting"] or time.monotonic() + interval > deadline:
                return report
            time.sleep(interval)

    def _write(self, report: dict, folder: str) -> list[str]:
        """The report as files: what a person and what a CI system reads. In check mode none is written."""
        if not folder or self._task.check_mode:
            return []
        folder = os.path.join(folder, report["cluster"])
        files = {
            os.path.join(folder, "verify.json"): json.dumps(report, indent=2, ensure_ascii=False) + "\n",
            os.path.join(folder, "verify.xml"): junit(report),
        }
        os.makedirs(folder, exist_ok=True)
        for path, text in files.items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return list(files)


class _Reader:
    """Looks at the fabric and at Kubernetes by the modules of this collection."""

    def __init__(
        self, run_module: Callable[[str, dict, dict], dict], plan: dict, options: dict, task_vars: dict
    ) -> None:
        self._run = run_module
        self._plan = plan
        self._options = options
        self._task_vars = task_vars
        self._requested: str | None = None

    def look(self) -> dict:
        """What is so now, compared with the plan."""
        only = self._options["only"] or ""
        arguments = {**self._options["apic"], **_aci_arguments(self._plan)}
        if only == SESSIONS:
            arguments["only"] = only
        aci = self._run("aci_state", arguments, self._task_vars)
        kubernetes = self._kubernetes() if self._options["look_at_kubernetes"] else None
        return verify(self._plan, aci["state"], kubernetes, only, self._options["nodes"])

    def _kubernetes(self) -> Kubernetes:
        about = about_calico(self._plan, self._options["password_sha256"])
        info = self._run("calico_info", {**self._options["kubernetes"], **about}, self._task_vars)["calico"]
        group = info["api_group"] or CALICO_V3
        if self._options["node_status"]:
            self._requested = group
        live = self._state(group, "request" if self._options["node_status"] else "ignore")
        return Kubernetes(info, live["state"])

    def _state(self, group: str, node_status: str) -> dict:
        arguments = {
            "api_group": group,
            "nodes": [node["name"] for node in self._plan["nodes"]],
            "node_status": node_status,
        }
        return self._run("calico_state", {**self._options["kubernetes"], **arguments}, self._task_vars)

    def clean_up(self) -> None:
        """Take back what the nodes were asked to report."""
        if self._requested:
            self._state(self._requested, "remove")


def _aci_arguments(plan: dict) -> dict:
    fabric = plan["fabric"]
    return {
        "cluster": plan["cluster"],
        "vrf": f"{fabric['vrf_tenant']}:{fabric['vrf']}",
        "address_families": plan["address_families"],
        "leaves": [f"topology/pod-{leaf['pod']}/node-{leaf['id']}" for leaf in plan["leaves"]],
        "l3outs": [f"uni/tn-{fabric['tenant']}/out-{l3out['name']}" for l3out in plan["l3outs"]],
        "roots": [*apic_roots(plan, "access"), *apic_roots(plan, "hardening")],
    }
