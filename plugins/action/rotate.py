# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a new BGP password to both sides, leaf by leaf."""

from __future__ import annotations

import copy
import secrets
import time
from typing import Any, NoReturn

from ..module_utils.masking import unsealed
from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, Refused, about_calico
from ..plugin_utils.apic.tree import about_fabric
from ..plugin_utils.calico.push import kubernetes_problems
from ..plugin_utils.local import preload
from ..plugin_utils.rotation import (
    DROP,
    GRACE,
    MOVE,
    REFER,
    STORE,
    Rotation,
    Step,
    Unit,
    established,
    missing,
    references,
    units,
    waiting,
)
from ..plugin_utils.schema.problems import Problem, some
from ..plugin_utils.schema.text import wrapped
from ..plugin_utils.schema.variables import APIC_ACCESS, KUBERNETES_ACCESS
from ..plugin_utils.verify.report import SESSIONS

preload("aci_state", "aci_tree", "calico_info", "calico_objects", "calico_state")

# The seconds after which each calico-node has seen a new key of the Secret (a guess; its watch delivers at once), and for which
# sessions must stay up when BGPPeers refer to another key with the same password.
SEEN, STEADY = 3, 3
# The least seconds to wait for sessions: without them, a step would be given back at once.
LEAST = 60
LOOK_EVERY = 0.5
TASK = "rotate the BGP password"
PATH = "aci_calico_bgp_password"


class ActionModule(PlannedAction):
    """See plugins/modules/rotate.py."""

    ARGUMENTS = {**BOTH_SIDES}
    SETTINGS = {"timeout": "aci_calico_sessions_timeout"}

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Show the steps that are left, and make them until one fails."""
        self._plan_of, self._options = plan, {**options, "timeout": max(options["timeout"], LEAST)}
        self._access = self.access(options["kubernetes"], KUBERNETES_ACCESS)
        self._aci = {**self.access(options["apic"], APIC_ACCESS), **about_fabric(plan), "only": SESSIONS}
        rotation, problems = self._look()
        steps = rotation.steps()
        self.show(rotation.text())
        found = self.report(plan["cluster"], [*problems, *rotation.problems(self.consents())], "rotated")
        self.add_effects({"changed": bool(steps)})
        made: list[dict[str, Any]] = []
        for number, step in enumerate([] if self._task.check_mode else steps, 1):
            self._keep_lease()
            started = time.monotonic()
            self._make(rotation, step)
            made.append({"step": step.text(), "seconds": round(time.monotonic() - started, 1)})
            self._say(f"step {number} of {len(steps)}, {step.text()}: done after {made[-1]['seconds']} s")
        return {"steps": made or [{"step": step.text()} for step in steps], "problems": found}

    def _look(self) -> tuple[Rotation, list[Problem]]:
        """Read both sides. The passwords of the Secret leave the module sealed."""
        plan, pad = self._plan_of, secrets.token_hex(32)
        wanted = self.password()
        calico = self.run_module("calico_info", {**self._access, **about_calico(plan, wanted), "pad": pad})["calico"]
        problems = kubernetes_problems(plan, calico, rotating=True, consents=self.consents())
        if not (calico["api_group"] and calico["namespace"]):
            self.report(plan["cluster"], problems, "rotated")
        self._namespace = str(calico["namespace"])
        live = self.run_module("calico_state", {**self._access, "node_status": "ignore"})["state"]
        up = self._established()
        parts = units(plan, calico, live["ready"], up)
        down = missing([one for unit in parts for one in unit.sessions], up)
        held = {key: unsealed(text, pad, key) for key, text in calico["sealed"].items()}
        return Rotation(plan, parts, held, references(calico), down, wanted), problems

    # --- steps -------------------------------------------------------------------------------------------------------

    def _make(self, rotation: Rotation, step: Step) -> None:
        """Make one step; see ``Step``."""
        if step.what == STORE:
            self._kubernetes(step.key, [self._secret()], update_password="always")
            time.sleep(SEEN)
        elif step.what == DROP:
            manifest = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": self._plan_of["calico"]["secret"]["name"], "namespace": self._namespace},
                "data": {step.key: None},
            }
            changes = [{"state": "patched", "manifest": manifest}]
            self.add_effects({"changed": self.run_module("calico_objects", {**self._access, "changes": changes}).get("changed")})
        elif step.unit:
            self._change(rotation, step, step.unit)

    def _change(self, rotation: Rotation, step: Step, unit: Unit) -> None:
        """Change a unit on both sides, and wait for its sessions; give back what it had if they do not return."""
        alone = rotation.alone(unit, self._established()) if step.what == MOVE else []
        if alone:
            text = f"{unit.name}: {some(alone)} would have no session"
            self.report(self.cluster, [Problem("rotation-alone", PATH, text)], "rotated completely")
        try:
            self._bring(step, unit, step.key, step.password)
            left = self._wait(step, unit)
        except Refused as reason:
            self._say(f"{unit.name}: {reason}")
            left = [str(reason)]
        if left:
            self._give_back(rotation, step, unit, left)

    def _bring(self, step: Step, unit: Unit, key: str, password: str) -> None:
        """Give the peers of a unit on APIC a password, and let its BGPPeers refer to the key that has it."""
        if step.what == MOVE:
            arguments = {"part": "l3out", "only": list(unit.dns), "update_password": "always", "password": password}
            self._push("aci_push", {"apic": self._options["apic"], **arguments})
        if unit.peers:  # an empty list would limit nothing
            self._kubernetes(key, list(unit.peers))

    def _wait(self, step: Step, unit: Unit) -> list[str]:
        """Wait until the sessions are up with the new password, and return those that are not when time is up."""
        if step.what == REFER:
            time.sleep(STEADY)
            return missing(unit.sessions, self._established())
        started, ended = time.monotonic(), set[str]()
        while True:
            now, elapsed = self._established(), time.monotonic() - started
            ended.update(missing(unit.sessions, now))
            left = waiting(unit, now, ended, elapsed)
            longest = max((one["hold"] + 2 * GRACE for one in now.values()), default=0)
            if not left or elapsed > max(self._options["timeout"], longest):
                return left
            time.sleep(LOOK_EVERY)

    def _give_back(self, rotation: Rotation, step: Step, unit: Unit, left: list[str]) -> NoReturn:
        """Give a unit the password and the key that it had, and end the run.

        :raises Refused: always.
        """
        self._say(f"{unit.name}: {some(left)} did not come back; its former password returns")
        self._keep_lease()
        self._bring(step, unit, step.former_key, step.before)
        lost = self._wait(step, unit)
        if lost:
            self._stop("rotation-stuck", f"{unit.name}: {some(lost)} with neither of the passwords")
        calico = self.run_module("calico_info", {**self._access, **about_calico(self._plan_of, "")})["calico"]
        if step.key == rotation.second and rotation.second not in references(calico).values():
            self._make(rotation, Step(DROP, rotation.second))
        self._stop("rotation-given-back", f"{unit.name}: {some(left)}")

    def _stop(self, problem: str, text: str) -> NoReturn:
        self.report(self.cluster, [Problem(problem, PATH, text)], "rotated completely")
        raise Refused(text)

    # --- both sides --------------------------------------------------------------------------------------------------

    def _established(self) -> dict[str, dict[str, Any]]:
        return established(self._plan_of, self.run_module("aci_state", self._aci)["state"])

    def _kubernetes(self, key: str, only: list[str], **options: Any) -> None:
        """Push objects as the plan has them, but with another key of the Secret."""
        plan = copy.deepcopy(self._plan_of)
        plan["calico"]["secret"]["key"] = key
        self._push(
            "calico_push", {"plan": plan, "kubernetes": self._options["kubernetes"], "only": only, "rotating": True, **options}
        )

    def _push(self, name: str, arguments: dict[str, Any]) -> None:
        result = self.run_module(name, {"plan": self._plan_of, **arguments, "state": "present"})
        self.add_effects({name: result.get(name) for name in ("changed", "diff")})  # the warnings were shown before

    def _secret(self) -> str:
        return f"Secret/{self._plan_of['calico']['secret']['name']}"

    def _keep_lease(self) -> None:
        seconds = 2 * self._options["timeout"]
        sides = {side: self._options[side] for side in ("apic", "kubernetes")}
        self.keep_lease(self._plan_of, TASK, seconds, **sides)

    def _say(self, text: str) -> None:
        self.show("\n".join(wrapped(f"{self.cluster}: {text}", rest="  ")))
