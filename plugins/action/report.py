# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the report of a cluster, and with the last one of the play that of the inventory."""

from __future__ import annotations

import json
import os
from typing import Any

from ..plugin_utils.actions import PlannedAction
from ..plugin_utils.documents.drawing import draw
from ..plugin_utils.documents.report import cluster_report, inventory_report
from ..plugin_utils.documents.svg import drawio, svg
from ..plugin_utils.files import Artifacts
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.variables import PLANNED, VARIABLES


class ActionModule(PlannedAction):
    """See plugins/modules/report.py."""

    SETTINGS = {"artifacts_dir": "aci_calico_artifacts_dir"}

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Write the files from the plan and the last verification."""
        named = options["artifacts_dir"] or VARIABLES["aci_calico_artifacts_dir"].default
        folder = os.path.expanduser(str(named))
        verified = _verified(folder, plan["cluster"])
        drawing = draw(plan, verified["sessions"] if verified else ())
        files = {"report.html": cluster_report(plan, verified), "topology.svg": svg(drawing), "topology.drawio": drawio(drawing)}
        written = [(Artifacts(folder, plan["cluster"]), files)]
        if self.task_vars["inventory_hostname"] == self.task_vars["ansible_play_hosts"][0]:
            plans = self._plans(plan)
            found = {one["cluster"]: report for one in plans if (report := _verified(folder, one["cluster"]))}
            written.append((Artifacts(folder, ""), {"report.html": inventory_report(plans, found)}))
        changes = [change for artifacts, texts in written for change in artifacts.write(texts)]
        self.report(plan["cluster"], [problem for artifacts, _texts in written for problem in artifacts.problems], "reported")
        self.apply(plan["cluster"], changes)
        self.add_changes(changes, shown=False)
        paths = [artifacts.path(name) for artifacts, texts in written for name in texts]
        self.show("\n".join(paths))
        return {"files": paths}

    def _plans(self, own: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the plans that the play has registered, in the order of its hosts."""
        hosts = self.task_vars["ansible_play_hosts"]
        results = [self.task_vars["hostvars"][host].get(PLANNED) or {} for host in hosts]
        return [plain(result["plan"]) for result in results if result.get("plan")] or [own]


def _verified(folder: str, cluster: str) -> dict[str, Any] | None:
    """Return the report of the cluster's last verification, None if there is none that can be read."""
    try:
        with open(os.path.join(folder, cluster, "verify.json"), encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and {"sessions", "findings"} <= set(content) else None
