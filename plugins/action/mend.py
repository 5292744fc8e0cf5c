# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put back what differs from the plan, by the names of the differences."""

from __future__ import annotations

from typing import Any

from ..plugin_utils.actions import BOTH_SIDES, PlannedAction
from ..plugin_utils.comparison import KUBERNETES
from ..plugin_utils.drift.mending import MEND, apic_pushes, chosen, limited
from ..plugin_utils.drift.report import as_data, explain
from ..plugin_utils.drift.search import search
from ..plugin_utils.rehearsal.classify import missing_consents, rehearse
from ..plugin_utils.schema.text import wrapped


class ActionModule(PlannedAction):
    """See plugins/modules/mend.py."""

    ARGUMENTS = {**BOTH_SIDES}

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Find drift anew, and push exactly the objects that the run names."""
        cluster = plan["cluster"]
        found = search(self, plan, options)
        mended, problems = chosen(found.differences, self.given_with_run(MEND))
        rehearsal = rehearse(plan, limited(found.comparison, mended))
        self.report(cluster, [*found.problems, *problems, *missing_consents(rehearsal, self.consents())], "mended")
        count = f"{len(mended)} of {len(found.differences)} differences"
        lines = [*wrapped(f"cluster {cluster}: mending {count}", rest="  "), *explain(as_data(cluster, mended))]
        self.show("\n".join(lines))
        for part, only in apic_pushes(plan, mended):
            self._push("aci_push", {"plan": plan, "apic": options["apic"], "part": part, "only": only})
        titles = [one.object for one in mended if one.side == KUBERNETES]
        if titles:
            replaced = {"update_password": "always"} if any(title.startswith("Secret/") for title in titles) else {}
            self._push("calico_push", {"plan": plan, "kubernetes": options["kubernetes"], "only": titles, **replaced})
        return {"mended": [one.name for one in mended]}

    def _push(self, name: str, arguments: dict[str, Any]) -> None:
        """Run a push that is limited to the named objects, and may take them over."""
        self.add_effects(self.run_module(name, {**arguments, "state": "present", "adopt": True}))
