# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print a cluster's plan, the changes of a run to one or all clusters, or the advice on the kind of SVI, as text for people."""

from __future__ import annotations

from typing import Any

from ..plugin_utils.actions import PlannedAction
from ..plugin_utils.documents.plan import changes_summary, clusters_summary, plan_summary, svi_advice
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.variables import PLANNED, PUSHED

PLAN, CHANGES, ADVICE, CLUSTERS = "plan", "changes", "advice", "clusters"


class ActionModule(PlannedAction):
    """See plugins/modules/summary.py."""

    ARGUMENTS = {"of": {"type": "str", "choices": [PLAN, CHANGES, ADVICE, CLUSTERS], "default": PLAN}}

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Print the text, and return it as lines."""
        text = self._text(plan, options["of"])
        self.show(text)
        return {"lines": text.splitlines()}

    def _text(self, plan: dict[str, Any], of: str) -> str:
        files, check = self._registered(PLANNED, "artifacts", []), self._task.check_mode
        if of == ADVICE:
            return svi_advice(plan)
        if of == CLUSTERS:
            return clusters_summary(self._reports(), check)
        if of == CHANGES:
            return changes_summary(plan, self._registered(PUSHED, "report", {}), files, check)
        return plan_summary(plan, artifacts=files, check=check)

    def _reports(self) -> dict[str, Any]:
        """Return the reports of the play's hosts; None for those that are no longer in it, because a task failed."""
        hosts, running = self.task_vars["ansible_play_hosts_all"], self.task_vars["ansible_play_hosts"]
        reports = {}
        for host in hosts:
            found = self.task_vars["hostvars"][host]
            planned, pushed = (found.get(name) or {} for name in (PLANNED, PUSHED))
            name = (planned.get("plan") or {}).get("cluster") or host
            reports[name] = plain(pushed.get("report") or {}) if host in running else None
        return reports

    def _registered(self, variable: str, key: str, default: Any) -> Any:
        """Return a part of a result that the play registered."""
        return plain(self.registered(variable).get(key) or default)
