# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find what differs between the plan and what is deployed on both sides, who changed it, and when. Changes nothing."""

from __future__ import annotations

import time
from typing import Any

from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, Refused
from ..plugin_utils.documents.encoding import json_text
from ..plugin_utils.documents.metrics import DRIFT, file_name, of_drift
from ..plugin_utils.drift.report import as_data, explain, junit, verdict
from ..plugin_utils.drift.search import search
from ..plugin_utils.schema.text import wrapped


class ActionModule(PlannedAction):
    """See plugins/modules/drift.py."""

    ARGUMENTS = {**BOTH_SIDES}
    SETTINGS = {
        "fails": "aci_calico_drift_fails",
        "artifacts_dir": "aci_calico_artifacts_dir",
        "metrics_dir": "aci_calico_metrics_dir",
    }

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Read, compare and report."""
        cluster, sides = plan["cluster"], None
        try:
            found = search(self, plan, options)
            self.report(cluster, found.problems, "compared with its plan")
            sides = [one.side for one in found.differences]
        finally:
            self.write_metrics(options["metrics_dir"], file_name(DRIFT, cluster), of_drift(cluster, sides, time.time()))
        report = as_data(cluster, found.differences)
        self.show("\n".join([*wrapped(verdict(report), rest="  "), *explain(report)]))
        files = {"drift.json": json_text(report), "drift.xml": junit(report)}
        written = self.record_report(cluster, options["artifacts_dir"], files)
        result = {"drifted": report["drifted"], "names": [one.name for one in found.differences], "artifacts": written}
        if report["drifted"] and options["fails"]:
            raise Refused(verdict(report), **result)
        return result
