# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print a cluster's plan, the changes of a run, or the advice on the kind of SVI, as text for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..plugin_utils.actions import PlannedAction
from ..plugin_utils.documents.plan import changes_summary, plan_summary, svi_advice
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.variables import PLANNED, PUSHED

PLAN, CHANGES, ADVICE = "plan", "changes", "advice"


class ActionModule(PlannedAction):
    """See plugins/modules/summary.py."""

    ARGUMENTS = {"of": {"type": "str", "choices": [PLAN, CHANGES, ADVICE], "default": PLAN}}

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Print the text, and return it as lines."""
        text = self._text(plan, options["of"])
        self.show(text)
        return {"lines": text.splitlines()}

    def _text(self, plan: dict[str, Any], of: str) -> str:
        files, check = self._registered(PLANNED, "artifacts", []), self._task.check_mode
        if of == ADVICE:
            return svi_advice(plan)
        if of == CHANGES:
            return changes_summary(plan, self._registered(PUSHED, "report", {}), files, check)
        return plan_summary(plan, artifacts=files, check=check)

    def _registered(self, variable: str, key: str, default: Any) -> Any:
        """Return a part of a result that the play registered."""
        result = self.task_vars.get(variable)
        return plain(result.get(key) or default) if isinstance(result, Mapping) else default
