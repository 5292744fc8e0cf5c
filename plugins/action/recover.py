# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recover a lost or damaged allocation file: from the plan among the artifacts, or from APIC and Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..plugin_utils.actions import BOTH_SIDES, ClusterAction
from ..plugin_utils.files import read_file
from ..plugin_utils.intent.intent import Intent
from ..plugin_utils.inventory_files import read_ledger_file
from ..plugin_utils.planning.ledger import Ledger, is_whole
from ..plugin_utils.planning.record import BadRecordError, Record
from ..plugin_utils.planning.recovery import query, record_of_objects, record_of_plan
from ..plugin_utils.schema.problems import Problem, some
from ..plugin_utils.schema.text import wrapped
from ..plugin_utils.schema.variables import APIC_ACCESS, KUBERNETES_ACCESS

PLAN, SERVERS = "plan", "servers"
NO_PLACE = Problem(
    "allocation-recovery",
    "aci_calico_allocation_file",
    "The inventory has no folder for the file",
    "Set aci_calico_allocation_file.",
)


class ActionModule(ClusterAction):
    """See plugins/modules/recover.py."""

    ARGUMENTS = {**BOTH_SIDES, "source": {"type": "str", "choices": ["any", PLAN, SERVERS], "default": "any"}}

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Plan the cluster by what was recovered, and write the allocation file."""
        self._options = options
        self._source = ""
        self._recovered = Record()
        made = self.make_plan(False)
        cluster = made.plan["cluster"]
        problems = self.report(cluster, self._incomplete(made.plan) if self._source else [], "recovered")
        self.save(cluster, made.recording)
        said = (
            f"is recovered from {self._source}. Compare it before you commit it."
            if self._source
            else "is whole, and nothing is to be recovered. If it is out of date, remove it first."
        )
        self.show("\n".join(wrapped(f"{cluster}: {made.allocation_file} {said}", rest="  ")))
        return {"allocation_file": made.allocation_file, "source": self._source, "problems": problems}

    def recall(self, location: str | None, intent: Callable[[], Intent]) -> tuple[bytes | None, Ledger, list[Problem]]:
        """Return what the file says if it is whole, or else what the source says."""
        before, ledger, _problems = read_ledger_file(location)
        wanted = intent()
        if location is None:
            return before, Ledger(), [NO_PLACE]
        # Without a tenant there is no plan, which says so.
        if is_whole(ledger, wanted) or not wanted["tenant"]:
            return before, ledger, []
        try:
            self._recovered = self._recover(wanted)
        except BadRecordError as reason:
            return before, Ledger(), [Problem("allocation-recovery", self._source, f"It cannot be used: {reason}")]
        return before, Ledger(self._recovered, location, wanted.cluster), []

    def _recover(self, intent: Intent) -> Record:
        source = self._options["source"]
        path = self.artifacts(intent.cluster).path("plan.json")
        self._source = path
        try:
            content = None if source == SERVERS else read_file(path)
            if content is not None or source == PLAN:
                return record_of_plan(json.loads(content or b""), intent)
        except (OSError, ValueError, RecursionError) as reason:
            raise BadRecordError(str(reason)) from None
        self._source = "APIC and Kubernetes"
        return self._from_servers(intent)

    def _from_servers(self, intent: Intent) -> Record:
        apic = self.access(self._options["apic"], APIC_ACCESS)
        objects = self.run_module("aci_info", {**apic, "queries": [query(intent)]})["objects"]
        nodes: dict[str, Any] = {}
        if any(one["class"] == "l3extVirtualLIfP" for one in objects.values()):
            kubernetes = self.access(self._options["kubernetes"], KUBERNETES_ACCESS)
            nodes = self.run_module("calico_info", kubernetes)["calico"]["nodes"]
        return record_of_objects(objects, nodes, intent)

    def _incomplete(self, plan: dict[str, Any]) -> list[Problem]:
        leaves = [f"leaf-{leaf['id']}" for leaf in plan["leaves"] if leaf["networks"]]
        nodes = [node.get("slot_name", node["name"]) for node in plan["nodes"]]
        new = [name for name in [*leaves, *nodes] if name not in self._recovered.leaves | self._recovered.nodes]
        text = f"{some(new)} not in it: the first free addresses are assigned"
        return [Problem("allocation-recovery-incomplete", self._source, text)] if new else []
