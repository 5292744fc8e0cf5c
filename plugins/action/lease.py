# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take the lease of a cluster before a run changes it, and release it at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible import context
from ansible.errors import AnsibleError

from ..module_utils.lease import HOLDS, from_dict
from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, Refused
from ..plugin_utils.lease import LOOK_EVERY, SIDES, Waiting, held_problem, new_lease, place, taken_over
from ..plugin_utils.local import preload

preload("aci_lease", "calico_lease")

JOB_VARIABLES = ("awx_job_id", "tower_job_id")


class ActionModule(PlannedAction):
    """See plugins/modules/lease.py."""

    ARGUMENTS = {
        **BOTH_SIDES,
        "state": {"type": "str", "choices": ["taken", "released"], "default": "taken"},
        "on_apic": {"type": "bool", "default": True},
        "in_kubernetes": {"type": "bool", "default": True},
        "doing": {"type": "str", "default": "configure the cluster"},
        "as_planned": {"type": "dict", "default": {}},
    }
    SETTINGS = {"wait": "aci_calico_lease_wait", "take": "aci_calico_take_lease", "cluster_state": "aci_calico_state"}

    def removes(self, options: Mapping[str, Any]) -> bool:
        """Return whether the run is about to remove the cluster: it asks for consent before it takes the lease."""
        return options["state"] == "taken" and options["cluster_state"] == "absent"

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Take the leases, or release what this run has."""
        if options["state"] == "released":
            self._release(plan, options)
            return {}
        wanted = [side for side, on in zip(SIDES, (options["on_apic"], options["in_kubernetes"]), strict=True) if on]
        # A run that changes one side looks at both under its leases: another run may have changed the other since.
        settled = options["as_planned"] if self._task.check_mode or all(side in options["as_planned"] for side in wanted) else {}
        if self._task.check_mode:
            return {"as_planned": settled}
        playbooks = context.CLIARGS.get("args") or ()
        job = next((str(self.task_vars[name]) for name in JOB_VARIABLES if self.task_vars.get(name)), "")
        # While a host waits for its lease, Ansible runs no task of the play's other hosts.
        idle = options["wait"] if len(self.task_vars.get("ansible_play_batch") or ()) > 1 else 0
        # The task runs in a child of the process that runs the playbook.
        lease = new_lease(options["doing"], playbooks, job, os.getppid()).renewal("", HOLDS + idle, time.time())
        self.lease = {"content": asdict(lease), "held": {}}
        waiting = Waiting(options["wait"], options["take"] or "", time.monotonic)
        try:
            for side in wanted if not settled else ():
                self._acquire(plan, side, waiting, options)
        except BaseException:
            self._release(plan, options)
            raise
        return {"lease": self.lease, "as_planned": settled}

    def _acquire(self, plan: dict[str, Any], side: str, waiting: Waiting, options: dict[str, Any]) -> None:
        """Take the lease of one side; wait for it if another run holds it."""
        take: list[str] = []
        while True:
            reply = self.change_lease(plan, side, "acquired", options[side], take=take)
            if reply["held"]:
                self.lease["held"][side] = reply.get("namespace") or ""
                return
            holder = from_dict(reply["holder"] or {})
            reason = waiting.reason_to_take(side, holder)
            if reason:
                self.add_effects({"warnings": [taken_over(plan, side, holder, reason)]})
                take = [holder.run]
            elif waiting.over():
                self.report(plan["cluster"], [held_problem(plan, side, holder)], "changed")
            else:
                line = f"{plan['cluster']}: Waiting for another run, at most {options['wait']} s: {holder.described()}"
                if waiting.news(line):
                    self.show(line)
                time.sleep(LOOK_EVERY)

    def _release(self, plan: dict[str, Any], options: dict[str, Any]) -> None:
        """Release the leases that this run holds. One that stays becomes stale."""
        for side in reversed(SIDES):
            if side not in self.lease["held"]:
                continue
            try:
                self.change_lease(plan, side, "released", options[side])
            except (AnsibleError, Refused) as reason:
                text = f"{plan['cluster']}: {place(plan, side)} is not released, and holds for at most {HOLDS} s: {reason}"
                self.add_effects({"warnings": [text]})
