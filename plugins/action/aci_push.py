# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Push a part of a cluster's plan to APIC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..plugin_utils.actions import CONNECTION, PlannedAction, Refused, given
from ..plugin_utils.apic.rights import hint
from ..plugin_utils.apic.tree import apic_roots
from ..plugin_utils.apic.undo import KEPT, own_queries
from ..plugin_utils.comparison import APIC
from ..plugin_utils.journal import journal_problem
from ..plugin_utils.lease import lost_problem
from ..plugin_utils.local import preload
from ..plugin_utils.schema.variables import APIC_ACCESS

preload("aci_tree")

FORBIDDEN = 403
# The part whose roots the task gives: those of a journal.
UNDO = "undo"
# What ``aci_tree`` lists and its message says, too: Ansible would print it twice.
IN_MESSAGE = ("conflicts", "missing")
# The result of ``aci_tree`` for a side that the rehearsal found as planned.
NOTHING: Mapping[str, Any] = {
    **{name: [] for name in ("created", "modified", "deleted", "kept")},
    "requests": dict.fromkeys(("login", "get", "post", "retries", "total"), 0),
}


class ActionModule(PlannedAction):
    """See plugins/modules/aci_push.py."""

    ARGUMENTS = {
        "apic": CONNECTION,
        "part": {"type": "str", "required": True, "choices": ["access", "policies", "hardening", "l3out", UNDO]},
        "roots": {"type": "list", "elements": "dict", "default": []},
        "svi": {"type": "str", "choices": ["floating", "standard"]},
        "only": {"type": "list", "elements": "str", "default": []},
        "password": {"type": "str", "no_log": True},
    }
    SETTINGS = {"state": "aci_calico_state", "adopt": "aci_calico_adopt", "update_password": "aci_calico_update_password"}
    SENDS_PASSWORD = True

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Push the part, and return the result of ``aci_tree`` with the report."""
        kind, undoes = plan["svi"]["kind"], options["part"] == UNDO
        if options["svi"] not in (None, kind):
            raise Refused(
                f"The plan of cluster {plan['cluster']} is for {kind} SVI, this task is for {options['svi']} SVI."
                f" Set aci_calico_svi: {options['svi']}, or use the role aci_l3out_{kind}_svi."
            )
        if self.as_planned(APIC) is not None:
            return self._reported(plan, options, NOTHING)
        arguments = {
            **self.access(options["apic"], APIC_ACCESS),
            "cluster": plan["cluster"],
            **{name: options[name] for name in self.SETTINGS},
            "secrets": {"bgp_password": (options["password"] or self.password()) if options["state"] == "present" else ""},
            "roots": options["roots"] if undoes else apic_roots(plan, options["part"]),
            **given({"only": options["only"]}),
            **given({"lease": self.lease_of(plan, "apic", f"push the part {options['part']} to APIC")}),
        }
        journal = None if undoes else self.journal(plan)
        if journal:
            arguments["journal"] = {
                **journal,
                "queries": own_queries(plan),
                "attributes": {cls: list(names) for cls, names in KEPT.items()},
            }
        result = self.try_module("aci_tree", arguments)
        self.add_effects(result)
        if "lost" in result:
            self.report(plan["cluster"], [lost_problem(plan, "apic", result["lost"])], "changed")
        if "unwritable" in result:
            self.report(plan["cluster"], [journal_problem(arguments["journal"]["path"], result["unwritable"])], "changed")
        if result.get("changed") and journal:
            self.forget_journals(plan)
        if result.get("failed"):
            error = result.get("error") or {}
            if error.get("cause"):
                self.refuse("aci_tree", result)
            if error.get("status") == FORBIDDEN:
                result["msg"] = f"{result['msg']}. {hint(plan, error.get('root', ''), error.get('text') or '')}"
            return {name: value for name, value in result.items() if name not in IN_MESSAGE}
        return self._reported(plan, options, result)

    def _reported(self, plan: Mapping[str, Any], options: dict[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
        done = {name: result[name] for name in ("created", "modified", "deleted")}
        fabric = ",".join(sorted(str(self.access(options["apic"], APIC_ACCESS).get("host") or "").split(",")))
        managed = self.managed("leaf", fabric, [str(leaf["id"]) for leaf in plan["leaves"]])
        return {**result, **managed, **self.reported(options["part"], {**done, "requests": result["requests"]["total"]})}
