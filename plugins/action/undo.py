# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring back what a cluster owned before a run, by the journal of that run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, Refused, about_calico
from ..plugin_utils.apic.undo import own_queries
from ..plugin_utils.comparison import APIC, CREATE, KUBERNETES
from ..plugin_utils.files import Change
from ..plugin_utils.inventory_files import ledger_changes, ledger_content
from ..plugin_utils.journal import Entry
from ..plugin_utils.rehearsal.classify import missing_consents, rehearse
from ..plugin_utils.rehearsal.document import as_text
from ..plugin_utils.schema.problems import Problem, some
from ..plugin_utils.schema.variables import APIC_ACCESS, KUBERNETES_ACCESS, PLANNED
from ..plugin_utils.undo import WayBack, changed_since, told, way_back


class ActionModule(PlannedAction):
    """See plugins/modules/undo.py."""

    ARGUMENTS = {**BOTH_SIDES, "journal": {"type": "str", "default": ""}, "list": {"type": "bool", "default": False}}
    SETTINGS = {"adopt": "aci_calico_adopt"}

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """List the journals; or show what one of them changes, and then bring it back."""
        journals = self.journals(plan)
        if options["list"]:
            self.show("\n".join(journals.listing()))
            return {"journals": journals.names()}
        entry = journals.choose(options["journal"])
        if isinstance(entry, Problem):
            self.report(plan["cluster"], [entry], "undone")
            raise Refused("There is nothing to undo.")
        way = self._look(plan, options, entry)
        recording = self._recording(way)
        rehearsal = rehearse(plan, way.comparison)
        self.show(told(plan, way, recording[0].path if recording else ""))
        if rehearsal.changes:
            self.show(as_text(rehearsal))
        problems = [*way.comparison.problems, *missing_consents(rehearsal, self.consents()), *self._password_problems(way)]
        problems += changed_since(way, journals.since(entry.name))
        found = self.report(plan["cluster"], problems, "undone")
        self._refuse_conflicts(way)
        self._bring_back(plan, options, way)
        self.save(plan["cluster"], recording)
        return {"journal": entry.name, "problems": found}

    def _look(self, plan: dict[str, Any], options: dict[str, Any], entry: Entry) -> WayBack:
        """Read both sides as far as the run changed them, and compare them with the journal."""
        objects: dict[str, Any] = {}
        found = None
        if APIC in entry.content["before"]:
            arguments = {**self.access(options["apic"], APIC_ACCESS), "queries": own_queries(plan)}
            objects = self.run_module("aci_info", arguments)["objects"]
        if KUBERNETES in entry.content["before"]:
            access = self.access(options["kubernetes"], KUBERNETES_ACCESS)
            found = self.run_module("calico_info", {**access, **about_calico(plan, "")})["calico"]
        return way_back(plan, entry, objects, found, bool(options["adopt"]), self.consents())

    def _refuse_conflicts(self, way: WayBack) -> None:
        if way.comparison.conflicts:
            texts = "; ".join(way.comparison.conflicts)
            raise Refused(f"Nothing was changed: {len(way.comparison.conflicts)} conflict(s) with objects of others: {texts}")

    def _bring_back(self, plan: dict[str, Any], options: dict[str, Any], way: WayBack) -> None:
        """Change both sides: policies before interfaces; Kubernetes before APIC if it only loses peers, or gets its mesh back."""
        steps = [APIC, KUBERNETES] if not way.kubernetes_first else [KUBERNETES, APIC]
        changed = {change.side for change in way.comparison.changes}
        for side in (side for side in steps if side in changed):
            if side == APIC:
                self._push(plan, options, way.pushes[0])
            else:
                arguments = {"kubernetes": options["kubernetes"], "restore": way.kept}
                self._run("calico_push", plan, arguments)
        if APIC in changed:
            self._push(plan, options, way.pushes[1])

    def _push(self, plan: dict[str, Any], options: dict[str, Any], roots: list[dict[str, Any]]) -> None:
        self._run("aci_push", plan, {"apic": options["apic"], "part": "undo", "roots": roots})

    def _run(self, action: str, plan: dict[str, Any], arguments: dict[str, Any]) -> None:
        result = self.try_module(action, {"plan": plan, "state": "present", **arguments})
        self.add_effects(result)
        if result.get("failed"):
            text = "The undo is not complete: run it again with the same journal"
            raise Refused(f"{str(result.get('msg')).rstrip('.')}. {text}.")

    def _recording(self, way: WayBack) -> list[Change]:
        """Return the change of the allocation file, as far as the journal has its text."""
        kept = way.entry.content.get("allocation")
        if not kept:
            return []
        path = str(self.registered(PLANNED).get("allocation_file") or kept["path"])
        before = ledger_content(path)
        after = None if kept["text"] is None else str(kept["text"]).encode()
        return ledger_changes(path, before, after)

    def _password_problems(self, way: WayBack) -> Iterator[Problem]:
        """Yield a problem if something with the BGP password is made again, and there is none."""
        made = [one.object for one in way.comparison.changes if one.kind in ("bgpPeerP", "Secret") and one.operation == CREATE]
        if made and not self.password():
            yield Problem("password-missing", "aci_calico_bgp_password", f"It is not set, and undo makes {some(made)} again")
