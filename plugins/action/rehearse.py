# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what a run would interrupt: compare what is deployed with the plan, and class every change."""

from __future__ import annotations

import json
import os
from typing import Any

from ..plugin_utils.actions import BOTH_SIDES, PlannedAction
from ..plugin_utils.comparison import APIC, KUBERNETES, Comparison, between_plans, from_dict
from ..plugin_utils.documents.encoding import json_text
from ..plugin_utils.files import read_file
from ..plugin_utils.rehearsal.classify import missing_consents, rehearse
from ..plugin_utils.rehearsal.document import as_markdown, as_text, summary
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.problems import Problem

VARIABLE = "aci_calico_deployed_plan"
CHOICES = ("adopt", "update_password", "manage_installation")


class ActionModule(PlannedAction):
    """See plugins/modules/rehearse.py."""

    ARGUMENTS = {
        **BOTH_SIDES,
        "on_apic": {"type": "bool", "default": True},
        "in_kubernetes": {"type": "bool", "default": True},
        "comparison": {"type": "dict"},
        "require_consents": {"type": "bool", "default": False},
    }
    SETTINGS = {
        "adopt": "aci_calico_adopt",
        "update_password": "aci_calico_update_password",
        "manage_installation": "aci_calico_manage_installation",
        "deployed_plan": VARIABLE,
        "sessions_timeout": "aci_calico_sessions_timeout",
    }
    WRITES_ARTIFACTS = True

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Compare, class, write and show; refuse what the run has no consent for."""
        comparison = self._comparison(plan, options)
        if not comparison.deployed:
            return {}
        rehearsal = rehearse(plan, comparison, gate=options["sessions_timeout"] > 0)
        files = {"rehearsal.json": json_text(rehearsal.as_dict()), "rehearsal.md": as_markdown(rehearsal)}
        self.record(plan["cluster"], self.artifacts(plan["cluster"]), files)
        missing = list(missing_consents(rehearsal, self.consents())) if options["require_consents"] else []
        self.show(as_text(rehearsal) if missing or not options["require_consents"] else summary(rehearsal))
        self.report(plan["cluster"], [*comparison.problems, *missing], "changed")
        return {
            "overall": rehearsal.overall,
            "consent": rehearsal.interrupting,
            "changes": len(rehearsal.changes),
            "as_planned": comparison.as_planned,
        }

    def _comparison(self, plan: dict[str, Any], options: dict[str, Any]) -> Comparison:
        if options["deployed_plan"] and not options["require_consents"]:
            return between_plans(
                self._deployed_plan(plan, options["deployed_plan"]), plan, **{name: options[name] for name in CHOICES}
            )
        wanted = [side for side, on in ((APIC, options["on_apic"]), (KUBERNETES, options["in_kubernetes"])) if on]
        known = from_dict(plain(options["comparison"])) if options["comparison"] else Comparison()
        missing = [side for side in wanted if side not in known.deployed]
        return known.add(self.compare(plan, options, missing)) if missing else known

    def _deployed_plan(self, plan: dict[str, Any], path: str) -> dict[str, Any]:
        """Return the plan that stands for what is deployed.

        :raises Refused: there is none.
        """
        path = os.path.expanduser(path)
        if os.path.isdir(path):
            path = os.path.join(path, plan["cluster"], "plan.json")
        try:
            content = json.loads((read_file(path) or b"").decode())
        except (OSError, ValueError):
            content = None
        if not isinstance(content, dict) or (content.get("schema"), content.get("cluster")) != (plan["schema"], plan["cluster"]):
            text = f"{path} is not a plan of cluster {plan['cluster']} in version {plan['schema']} of the format"
            self.report(plan["cluster"], [Problem("deployed-plan", VARIABLE, text)], "rehearsed")
        return dict(content or {})
