# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configure Calico as a cluster's plan says, or restore what was there before."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils.journal import JournalError, add
from ..module_utils.names import PASSWORD_MARKER
from ..plugin_utils.actions import CONNECTION, PlannedAction, Refused, about_calico, given
from ..plugin_utils.calico.installers import in_words, installed, kubespray_variables
from ..plugin_utils.calico.mesh import is_idle
from ..plugin_utils.calico.push import kubernetes_push, operated_pools, restricted, title
from ..plugin_utils.calico.steps import NAT, Step, steps, without_asn
from ..plugin_utils.calico.undo import intended, kept_state, push_back
from ..plugin_utils.comparison import KUBERNETES, compare_kubernetes
from ..plugin_utils.files import said
from ..plugin_utils.journal import journal_problem
from ..plugin_utils.lease import lost_problem
from ..plugin_utils.local import preload
from ..plugin_utils.rehearsal.classify import missing_consents, rehearse
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.problems import Problem
from ..plugin_utils.schema.text import wrapped
from ..plugin_utils.schema.variables import KUBERNETES_ACCESS
from ..plugin_utils.verify.report import ROUTES

preload("calico_info", "calico_objects")

# How long the operator may take to change its pools, and how often to look.
OPERATOR_SECONDS, OPERATOR_INTERVAL = 90, 2
# How long calico-node may take to apply a step before its routes are looked at: confd collects changes, and nodes report every 5 s.
SETTLE_SECONDS = 5
# The report on a side that the rehearsal found as planned; ``pending`` and ``installation`` are added.
NOTHING: Mapping[str, list[str]] = {"created": [], "modified": [], "deleted": []}
# The seconds for which a lease that was seen is trusted.
TRUSTED = 10


class ActionModule(PlannedAction):
    """See plugins/modules/calico_push.py."""

    ARGUMENTS = {
        "kubernetes": CONNECTION,
        "restore": {"type": "dict"},
        "only": {"type": "list", "elements": "str", "default": []},
        "rotating": {"type": "bool", "default": False},
    }
    SETTINGS = {
        "state": "aci_calico_state",
        "adopt": "aci_calico_adopt",
        "update_password": "aci_calico_update_password",
        "manage_installation": "aci_calico_manage_installation",
        "sessions_timeout": "aci_calico_sessions_timeout",
    }
    SENDS_PASSWORD = True

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Read the cluster, compare, and send the changes in the order that loses no traffic."""
        managed = self.managed("node", plan["cluster"], [node["name"] for node in plan["nodes"] if not node.get("spare")])
        settled = self.as_planned(KUBERNETES)
        if settled is not None:
            return {"problems": [], "objects": [], **managed, **self.reported("calico", {**NOTHING, **settled})}
        self._kubernetes = options["kubernetes"]
        self._access = self.access(options["kubernetes"], KUBERNETES_ACCESS)
        self._objects: list[dict[str, Any]] = []
        self._done: dict[str, list[str]] = {"created": [], "modified": [], "deleted": []}
        password = self.password() if options["state"] == "present" else ""
        lease = self.lease_of(plan, "kubernetes", "")
        about = about_calico(plan, password) | given({"lease_namespace": lease and lease["namespace"]})
        found = self.run_module("calico_info", {**self._access, **about})["calico"]
        settings = {name: options[name] for name in ("state", "update_password", "adopt", "manage_installation", "rotating")}
        kept = options["restore"]
        push = (
            push_back(plan, found, plain(kept), self.consents())
            if kept
            else kubernetes_push(plan, found, **settings, consents=self.consents())
        )
        problems = self.report(
            plan["cluster"], [*push["problems"], *self._missing_consents(plan, found, push, options)], "configured in Kubernetes"
        )
        if options["only"]:
            push = restricted(plan, found, push, options["only"])
        self._show(push["differences"])
        if any(problem["id"] == "kubespray-undoes" for problem in problems):
            self.show(f"{plan['cluster']}: Set these variables of kubespray before its next run:\n{kubespray_variables(plan)}")
        if lease and push["differences"] and (found["lease"] or {}).get("run") != lease["run"]:
            self.report(plan["cluster"], [lost_problem(plan, "kubernetes", found["lease"])], "changed")
        if push["differences"] and not kept:
            self._keep_journal(plan, found, push)
        self._seen, self._renew = (
            time.time(),
            partial(self.keep_lease, plan, "configure Calico", kubernetes=options["kubernetes"]),
        )
        self._send(push, plan, found, password, options["sessions_timeout"])
        done = {**self._done, "pending": push["pending"], "installation": in_words(found)}
        return {"problems": problems, "objects": self._objects, **managed, **self.reported("calico", done)}

    def _keep_journal(self, plan: dict[str, Any], found: dict[str, Any], push: dict[str, Any]) -> None:
        """Add the state of Kubernetes to the journal of the run.

        :raises Refused: it cannot be written. Nothing was changed then.
        """
        journal = self.journal(plan)
        if journal is None:
            return
        try:
            add(journal["path"], journal["about"], "kubernetes", lambda: kept_state(plan, found, push), intended(push))
        except (OSError, JournalError) as reason:
            text = said(reason) if isinstance(reason, OSError) else str(reason)
            self.report(plan["cluster"], [journal_problem(journal["path"], text)], "changed")
        self.forget_journals(plan)

    def _missing_consents(
        self, plan: dict[str, Any], found: dict[str, Any], push: dict[str, Any], options: dict[str, Any]
    ) -> Iterator[Problem]:
        """Yield what the push interrupts without a consent. Removal, undo and mending have consents of their own."""
        if not (self.removes(options) or options["restore"] or options["only"]):
            comparison = compare_kubernetes(plan, found, push)
            yield from missing_consents(rehearse(plan, comparison, gate=options["sessions_timeout"] > 0), self.consents())

    def _send(self, push: dict[str, Any], plan: dict[str, Any], found: dict[str, Any], password: str, timeout: int) -> None:
        nodes = push["patched"]  # a node that has left the cluster must not be created again
        self._change("patched", [without_asn(one) for one in nodes] if push["local_asn"] else nodes)
        if push["secret"]:
            data = {"data": {plan["calico"]["secret"]["key"]: PASSWORD_MARKER}} if push["password"] else {}
            self._change("present", [{**push["secret"], **data}], {"bgp_password": password} if push["password"] else {})
        gated = [push["installation"]] if push["installation"] else []
        gated += push["postponed"]
        waits = bool(push["postponed"]) and timeout > 0
        later = waits or push["local_asn"] or bool(push["installation"] or push["snippet"])
        self._change("present", push["applied"] + ([] if later else push["postponed"]))
        self._change("absent", push["deleted"])
        if waits:
            missing = self._missing_routes(plan, gated, timeout, push["pending"])
            if missing:
                kept = "The node-to-node mesh stays on, and everything else is configured."
                raise Refused(f"{missing}. {kept} Correct this and run again.")
        if push["snippet"]:
            self._hand_over(plan, push["snippet"], mesh=bool(push["postponed"]))
        if waits and not is_idle(found):
            for step in steps(push, found):
                self._take(step, plan, timeout, push["pending"])
        elif later:
            if push["installation"]:
                self._take(Step("", [push["installation"]], []), plan)
            self._change("present", push["postponed"])
        if push["local_asn"]:
            self._change("patched", [one for one in nodes if without_asn(one) != one])

    def _take(self, step: Step, plan: dict[str, Any], timeout: int = 0, pending: Iterable[str] = ()) -> None:
        """Send the changes of a step. If there is a timeout and the nodes' routes do not come back in that time, put back what was there.

        :raises Refused: the routes do not come back, or the operator does not do its part.
        """
        if step.by_operator:
            self._keep(seconds=OPERATOR_SECONDS)
        self._change("present", step.manifests)
        if step.by_operator:
            self._await_operator(plan, [NAT] if step.except_nat else [])
        if not timeout or self._task.check_mode:
            return
        time.sleep(SETTLE_SECONDS)
        missing = self._missing_routes(plan, step.manifests, timeout, list(pending))
        if missing:
            self._put_back(step, timeout, missing)

    def _put_back(self, step: Step, timeout: int, reason: str) -> None:
        """Put back what was there before a step.

        :raises Refused: always; it says what was put back.
        """
        names = ", ".join(title(one) for one in step.undo)
        what = f"{reason}. After the change of {step.name}, the nodes' routes did not come back within {timeout} s."
        try:
            self._change("patched", step.undo)
        except Refused as failure:
            raise Refused(f"{what} {names} could not be put back, do it by hand: {failure}") from None
        raise Refused(f"{what} {names} was put back as it was before the step. What came before the step stays.")

    def _check_lease(self) -> None:
        """Check the lease in Kubernetes before a change, unless that was done a moment ago."""
        if time.time() - self._seen > TRUSTED:
            self._keep(sides=["kubernetes"])

    def _keep(self, **options: Any) -> None:
        """Check and renew the leases; see ``keep_lease``."""
        self._renew(**options)
        self._seen = time.time()

    def _change(self, state: str, manifests: list[dict[str, Any]], secrets: dict[str, str] | None = None) -> None:
        """Send changes in their order, and note what was done, also if one of them fails.

        :raises Refused: the API server refuses one, or remains unreachable.
        """
        if not manifests:
            return
        self._check_lease()
        changes = [{"state": state, "manifest": manifest} for manifest in manifests]
        result = self.try_module("calico_objects", {**self._access, "changes": changes, "secrets": secrets or {}})
        self.add_effects({name: result.get(name) for name in ("changed", "warnings")})
        for name in self._done:
            # Ansible masks the password in the result, also if it is part of the Secret's name.
            own = [f"Secret/{manifests[0]['metadata']['name']}"] if secrets and result.get(name) else result.get(name) or []
            self._done[name] += [one for one in own if one not in self._done[name]]
        self._objects += result.get("objects") or []
        if result.get("failed"):
            self.refuse("calico_objects", result)

    def _hand_over(self, plan: dict[str, Any], snippet: str, mesh: bool) -> None:
        """Show what the user must apply, and stop: what would follow relies on it.

        :raises Refused: always, except in check mode.
        """
        self.show(f"{plan['cluster']}: The installer of Calico owns pools that the plan changes. Apply this:\n{snippet}")
        if not self._task.check_mode:
            kept = (
                "The node-to-node mesh stays on, and everything else is configured." if mesh else "Everything else is configured."
            )
            raise Refused(
                f"Cluster {plan['cluster']}: apply what is shown above, and run again. {kept}"
                " With aci_calico_manage_installation: true, the role changes the operator's Installation itself.",
                snippet=snippet,
            )

    def _await_operator(self, plan: dict[str, Any], apart: list[str]) -> None:
        """Wait until the operator has made the pools as planned, apart from some fields.

        :raises Refused: it does not make them in time.
        """
        if self._task.check_mode:
            return
        deadline = time.monotonic() + OPERATOR_SECONDS
        while True:
            found = self.run_module("calico_info", {**self._access, **about_calico(plan, "")})["calico"]
            left = operated_pools(plan, found, apart)
            if not left:
                return
            if time.monotonic() > deadline:
                degraded = "; ".join(installed(found)["degraded"]) or "it does not say why"
                raise Refused(
                    f"The Tigera operator has not changed {', '.join(left)} within {OPERATOR_SECONDS} s: {degraded}."
                    " See kubectl get tigerastatus ippools -o yaml. The rest of the change has not been sent; run again."
                )
            time.sleep(OPERATOR_INTERVAL)

    def _missing_routes(self, plan: dict[str, Any], gated: Iterable[dict[str, Any]], timeout: int, pending: list[str]) -> str:
        """Wait until every session is up and every node has the others' pod routes from a leaf, which replace the mesh.

        :param gated: the changes that wait, to name them in check mode.
        :returns: what is missing when time is up; empty if nothing.
        """
        if self._task.check_mode:
            kinds = " and ".join(dict.fromkeys(manifest["kind"] for manifest in gated))
            text = (
                f"{plan['cluster']}: A real run would wait for up to {timeout} s until all sessions with the leaves are"
                f" established and each node has the others' pod routes from a leaf, before it sends {kinds}: the node-to-node mesh is on."
            )
            self.show("\n".join(wrapped(text, rest="  ")))
            return ""
        self._keep(seconds=timeout)
        try:
            arguments = {"plan": plan, "only": ROUTES, "timeout": timeout, "pending": pending, "kubernetes": self._kubernetes}
            result = self.try_module("verify", arguments)
        except AnsibleError as reason:
            result = {"failed": True, "msg": str(reason)}
        if result.get("failed"):
            return str(result.get("msg"))
        self._keep()
        return ""

    def _show(self, differences: dict[str, dict[str, Any]]) -> None:
        """Show the differences, because kubernetes.core shows none for a list of objects."""
        for name, change in differences.items():
            self.add_effects({"diff": {**change, "before_header": name, "after_header": name}})
