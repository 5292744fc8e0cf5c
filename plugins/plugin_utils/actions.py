# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base classes of the actions: the plan and the variables of a cluster, running modules, and the form of the result."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NoReturn

from ansible import constants
from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ..module_utils.lease import HOLDS
from .apic.access import lease_tenant
from .comparison import APIC, KUBERNETES, PREVIEW, Comparison, apic_queries, compare_apic, compare_kubernetes
from .documents.differences import grouped
from .files import PROBLEMS, Artifacts, Change, UnwritableError, apply_changes
from .intent.intent import Intent
from .intent.reading import PASSWORD, SECRETS_DECLARED, SECRETS_READABLE, read_intent
from .inventory import Inventory, read_variables
from .inventory_files import (
    NOT_RECORDED_YET,
    NOWHERE_TO_RECORD,
    allocation_before,
    allocation_file,
    ledger_changes,
    read_inventory,
    read_ledger_file,
    sharing,
)
from .journal import Journals
from .lease import SIDES, lost_problem
from .local import ONE_THREAD, context_apart, ending, run_here, runs_here
from .planning.compile import compile_cluster
from .planning.ledger import Ledger
from .planning.neighbours import Neighbours
from .schema.addressing import require_netaddr
from .schema.check import check_optional, plain
from .schema.connections import connection_problem
from .schema.consent import CONSENT, Consents, teardown_of
from .schema.option import INVALID
from .schema.problems import Problem, errors, headline, printable, render, severest_first
from .schema.variables import APIC_ACCESS, INVENTORY, KUBERNETES_ACCESS, LEASED, PLANNED, PUSHED, VARIABLES

COLLECTION = "netops.aci_calico"
# Control characters that are not escaped in texts of several lines.
LAYOUT = "\n\t"
# Problems that are shown; more are in a file.
MOST_SHOWN = 50
# How to reach a server; documented in doc_fragments/reading.py.
CONNECTION: Mapping[str, Any] = {"type": "dict", "default": {}, "no_log": True}
BOTH_SIDES = {"apic": CONNECTION, "kubernetes": CONNECTION}
# The callbacks whose output is data for a program.
DATA_CALLBACKS = ("json", "jsonl")
display = Display()


class Refused(Exception):
    """The task fails with this result."""

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = {"failed": True, "msg": message, **result}


class _Failed(Exception):
    """A module failed while others run, so that the problem is reported after their end."""

    def __init__(self, name: str, result: Mapping[str, Any]) -> None:
        super().__init__(name)
        self.name = name
        self.result = result


@dataclass
class Planned:
    """A plan that was made just now.

    :ivar recording: the change of the allocation file.
    """

    plan: dict[str, Any]
    problems: list[Problem]
    variables: Mapping[str, Any]
    allocation_file: str | None
    recording: list[Change]


class ClusterAction(ActionBase):
    """An action on the cluster that the play's host stands for. It runs on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    ARGUMENTS: Mapping[str, Any] = {}
    # Whether the folder of the artifacts may be made.
    WRITES_ARTIFACTS = False
    # Whether modules run at the same time.
    _apart = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the arguments, act, and return the result with all changes and warnings on the way."""
        # The process of a task is a short-lived copy of Ansible's: a collection of its objects would copy all of its memory.
        gc.freeze()
        result = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        self.cluster = str(self.task_vars.get("inventory_hostname", ""))
        self._effects: dict[str, Any] = {"changed": False, "warnings": [], "diff": []}
        _checked, options = self.validate_argument_spec(dict(self.ARGUMENTS))
        try:
            with ending():
                result |= self.act(options)
        except Refused as refused:
            result |= refused.result
        if not prints_data():
            self._effects["diff"] = grouped(self._effects["diff"])
        return result | {name: value for name, value in self._effects.items() if value or name == "changed"}

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the action's own part of the result.

        :raises Refused: the task fails.
        """
        raise NotImplementedError

    # --- output and effects ------------------------------------------------------------------------------------------

    def show(self, text: str) -> None:
        """Print text for people, in one piece. It goes to the standard error output if a callback prints data."""
        display.display(f"{printable(text.rstrip(), LAYOUT)}\n", stderr=prints_data())

    def add_effects(self, result: Mapping[str, Any]) -> None:
        """Add what a module changed, warned of and showed to the result of this action."""
        self._effects["changed"] |= bool(result.get("changed"))
        self._effects["warnings"] += [printable(str(text), LAYOUT) for text in result.get("warnings") or []]
        if self._task.diff:
            shown = result.get("diff") or []
            self._effects["diff"] += [_printable_diff(one) for one in (shown if isinstance(shown, list) else [shown])]

    def report(self, cluster: str, problems: Iterable[Problem], done: str) -> list[dict[str, str]]:
        """Show each problem once: as text if one is an error, else as warnings.

        Ansible prints a whole failed result as data and equal warnings once in a run. So a failed result has the list of
        problems only if a callback prints data.

        :returns: the problems as plain data.
        :raises Refused: a problem is an error.
        """
        ordered = severest_first(problems)
        listed = ordered[:MOST_SHOWN]
        found = [problem.as_dict() for problem in listed]
        others = self._keep_all(cluster, ordered) if len(ordered) > MOST_SHOWN else ""
        if errors(ordered):
            text = render(cluster, ordered, done, MOST_SHOWN)
            self.show(f"{text}\n\n{others}" if others else text)
            raise Refused(
                f"{headline(cluster, ordered, done)}{f'. {others}' if others else ''}",
                **({"problems": found} if prints_data() else {}),
            )
        texts = [f"{cluster}: {one.path} [{one.id}]: {one.problem.rstrip('.')}. {one.remedy}" for one in listed]
        self.add_effects({"warnings": [*texts, f"{cluster}: {len(ordered)} warnings. {others}"] if others else texts})
        return found

    def reported(self, part: str, done: dict[str, Any]) -> dict[str, Any]:
        """Return the report of this push, added to that of the earlier pushes of the play."""
        return {"report": {**(plain(self.registered(PUSHED).get("report")) or {}), part: done}}

    @staticmethod
    def managed(kind: str, within: str, names: Iterable[str]) -> dict[str, Any]:
        """Return what a push manages, which ``extensions/audit/event_query.yml`` counts.

        :param within: the fabric or cluster in which the names are unique.
        """
        return {"managed": [{"kind": kind, "within": within, "name": name} for name in names]}

    def registered(self, variable: str) -> Mapping[str, Any]:
        """Return a result that the play has registered; empty if it has none.

        It is a variable of this run and not a fact, which could be the cached one of another day.
        """
        result = self.task_vars.get(variable)
        return result if isinstance(result, Mapping) else {}

    def save(self, cluster: str, changes: Sequence[Change]) -> None:
        """Change files, all or none, and show the changes; in check mode only show them.

        :raises Refused: a file cannot be written.
        """
        self.apply(cluster, changes)
        self.add_changes(changes)

    def add_changes(self, changes: Iterable[Change], shown: bool = True) -> None:
        """Add changes of files to the result.

        :param shown: whether ``--diff`` shows the differences.
        """
        for change in changes:
            self.add_effects({"changed": True, "diff": change.diff() if shown else []})

    def apply(self, cluster: str, changes: Sequence[Change]) -> None:
        """Change files, all or none; in check mode change nothing.

        :raises Refused: a file cannot be written.
        """
        try:
            if not self._task.check_mode:
                apply_changes(changes)
        except UnwritableError as reason:
            self.report(cluster, [reason.problem], "recorded")

    def write_metrics(self, folder: str | None, name: str, text: str) -> None:
        """Replace a file of metrics at once, if there is a folder for them; in check mode write nothing.

        :raises Refused: it cannot be written.
        """
        if folder:
            path = os.path.join(os.path.expanduser(folder), name)
            self.apply(self.cluster, [Change(path, None, text.encode())])

    def record(self, cluster: str, artifacts: Artifacts, files: Mapping[str, str | bytes]) -> None:
        """Write files to the artifacts, all or none; in check mode write nothing. It does not count as a change.

        :raises Refused: a file cannot be written.
        """
        changes = artifacts.write(files)
        self.report(cluster, artifacts.problems, "recorded")
        self.apply(cluster, changes)

    def record_report(self, cluster: str, folder: str | None, files: Mapping[str, str | bytes]) -> list[str]:
        """Record a report for people and for CI systems, if there is a folder for it, and return the paths of its files."""
        if not folder or self._task.check_mode:
            return []
        artifacts = Artifacts(os.path.expanduser(folder), cluster)
        self.record(cluster, artifacts, files)
        return list(map(artifacts.path, files))

    def artifacts(self, cluster: str) -> Artifacts:
        """Return the artifacts of the cluster."""
        name = "aci_calico_artifacts_dir"
        named = plain(self._value(name)) if name in self.task_vars else None
        return Artifacts(os.path.expanduser(str(named or VARIABLES[name].default)), cluster)

    def _keep_all(self, cluster: str, problems: Sequence[Problem]) -> str:
        """Write all problems to the cluster's folder of artifacts, if there is one, and return where the others are."""
        first = f"The first {MOST_SHOWN} are listed."
        try:
            artifacts = self.artifacts(cluster)
            if self._task.check_mode or not (self.WRITES_ARTIFACTS or os.path.isdir(artifacts.folder)):
                return first
            changes = artifacts.add({PROBLEMS: f"{render(cluster, problems)}\n"})
            apply_changes(changes)
        except (AnsibleError, UnwritableError):
            return first
        return first if artifacts.problems else f"{first} All of them are in {artifacts.path(PROBLEMS)}"

    # --- the plan ----------------------------------------------------------------------------------------------------

    def make_plan(self, require_secrets: bool) -> Planned:
        """Plan the cluster from the inventory. The caller saves ``recording``.

        :raises Refused: the variables have errors.
        """
        try:
            require_netaddr()
        except RuntimeError as reason:
            raise AnsibleError(str(reason)) from reason
        inventory = Inventory(self.task_vars, self._templar)
        found = inventory.read_cluster()
        location = allocation_file(inventory.host, inventory.folder, found.values)
        node_hosts, unresolved = inventory.node_hosts()
        intent = partial(read_intent, found.values, inventory.host, node_hosts)
        before, ledger, unusable = self.recall(location, lambda: intent()[0])
        known = self.registered(INVENTORY).get("clusters") or read_inventory(self.task_vars, inventory.host)
        unusable += sharing(inventory.host, location, found.values, known["files"]) if location else [NOWHERE_TO_RECORD]
        compiled = compile_cluster(
            found.values,
            inventory.host,
            node_hosts=node_hosts,
            ledger=ledger,
            neighbours=Neighbours(known["index"], inventory.host),
            secrets=SECRETS_READABLE if require_secrets else SECRETS_DECLARED,
            unreadable=found.unreadable,
            problems=[*found.problems, *unusable, *unresolved, *self._misplaced(found.values)],
        )
        self.report(compiled.cluster, compiled.problems, "planned")
        if location and require_secrets and before is None:
            self.add_effects({"warnings": [NOT_RECORDED_YET.format(location)]})
        recording = ledger_changes(location, before, (compiled.record or "").encode())
        return Planned(compiled.require(), compiled.problems, found.values, location, recording)

    def recall(self, location: str | None, intent: Callable[[], Intent]) -> tuple[bytes | None, Ledger, list[Problem]]:
        """Return the content of the allocation file, what was allocated to the cluster before, and problems.

        :param intent: returns the intent of the cluster.
        """
        return read_ledger_file(location)

    # --- what is given with the run ----------------------------------------------------------------------------------

    def consents(self) -> Consents:
        """Return the consents that were given with this run. The plan reports unknown names."""
        return Consents(frozenset(self.given_with_run(CONSENT)), self._task.check_mode)

    def given_with_run(self, name: str) -> list[str]:
        """Return the texts of a list that was given with this run. The plan reports a wrong type, and unknown consents."""
        values: Any = []
        if name in self._extra_vars():
            values = check_optional(VARIABLES[name], plain(self._value(name)), name, [])
        return [] if values is INVALID else [value for value in values if value is not INVALID]

    def _misplaced(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return a problem for each variable of a run that is set elsewhere."""
        given = self._extra_vars()
        misplaced = [name for name in values if name in VARIABLES and VARIABLES[name].per_run and name not in given]
        remedy = "Remove it there, and give it with the run that needs it: -e {}=NAME."
        return [Problem("consent-not-of-run", name, "It was not given with the run", remedy.format(name)) for name in misplaced]

    def _extra_vars(self) -> Collection[str]:
        """Return the names of the variables from the command line, which have precedence over all others."""
        return load_extra_vars(self._loader).keys()

    # --- the cluster's variables -------------------------------------------------------------------------------------

    def password(self) -> str:
        """Return the BGP password; an empty text if it is not defined."""
        try:
            value = self._value(PASSWORD) if PASSWORD in self.task_vars else None
        except AnsibleUndefinedVariable:
            value = None
        return "" if value is None else str(plain(value))

    def access(self, options: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
        """Return the options to reach a server, without empty ones, from the task or else from the cluster's variables.

        Call it only if the server is needed: otherwise its variables may be undefined.

        :param variables: ``{option: variable}``, see ``APIC_ACCESS``.
        """
        found = given(options)
        if not found:
            names = {option: name for option, name in variables.items() if name in self.task_vars}
            found = given({option: self._value(name) for option, name in names.items()})
        return {option: ",".join(value) if isinstance(value, list) else value for option, value in found.items()}

    def _value(self, name: str) -> Any:
        with ONE_THREAD:
            return self._templar.template(self.task_vars[name])

    # --- modules -----------------------------------------------------------------------------------------------------

    def run_module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a module.

        :raises Refused: the module failed.
        """
        result = self.try_module(name, arguments)
        if result.get("failed"):
            self.refuse(name, result)
        return result

    def refuse(self, name: str, result: Mapping[str, Any]) -> NoReturn:
        """End the task because a module failed. A connection that fails is one problem, with the variable to correct.

        :raises Refused: always.
        """
        if self._apart:
            raise _Failed(name, result)
        problem = connection_problem(name, result)
        if problem is not None:
            self.report(self.cluster, [problem], "reached")
        raise Refused(f"{name}: {printable(_reason(result), LAYOUT)}")

    def at_once(self, *calls: Callable[[], Any]) -> list[Any]:
        """Make calls that wait for servers at the same time, and return their results.

        :raises Refused: a module failed.
        """
        self._apart = True
        with ThreadPoolExecutor(max(1, len(calls))) as pool:
            made = [pool.submit(context_apart().run, call) for call in calls]
        self._apart = False
        try:
            return [one.result() for one in made]
        except _Failed as failed:
            self.refuse(failed.name, failed.result)

    def try_module(self, name: str, arguments: dict[str, Any], no_log: bool = False) -> dict[str, Any]:
        """Return the result of a module, run by its own action plugin if it has one, also if the module failed.

        :param name: without a collection, a module of this one.
        """
        task = self._task.copy()
        task.action = name if "." in name else f"{COLLECTION}.{name}"
        task.args = arguments
        task.no_log = task.no_log or no_log
        loader = self._shared_loader_obj.action_loader
        with ONE_THREAD:
            known, here = loader.has_plugin(task.action), "." not in name and runs_here(self, self.task_vars)
        if here and not known:
            return run_here(self, task.action, arguments, self.task_vars)
        if self._connection.has_pipelining:  # arguments, secrets among them, reach modules by a pipe and never in a file
            self._connection.set_option("pipelining", True)
        with ONE_THREAD:
            action = loader.get(
                task.action if known else "ansible.legacy.normal",
                task=task,
                connection=self._connection,
                play_context=self._play_context,
                loader=self._loader,
                templar=self._templar,
                shared_loader_obj=self._shared_loader_obj,
            )
        # Modules in processes of their own share the connection and its temporary folder.
        with ONE_THREAD if self._apart and not here else nullcontext():
            result: dict[str, Any] = action.run(task_vars=self.task_vars)
        return result


def _reason(result: Mapping[str, Any]) -> str:
    """Return why a module failed. One that ends by an exception has no message; Ansible summarizes the exception."""
    event = getattr(result.get("exception"), "event", None)
    return str(result.get("msg") or getattr(event, "msg", "") or "failed")


class PlannedAction(ClusterAction):
    """An action that uses the cluster's plan: the task's, the one that the play has registered, or else a new one."""

    # Options that a variable of the cluster supplies if the task does not give them: ``{option: variable}``.
    SETTINGS: Mapping[str, str] = {}
    # Whether the action sends the BGP password, unless it removes the cluster.
    SENDS_PASSWORD = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ARGUMENTS = {**self.ARGUMENTS, "plan": {"type": "dict"}, **_setting_specs(self.SETTINGS)}

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Complete the options, get the plan and act on it."""
        problems = self._complete(options)
        plan = self._plan(options)
        self.cluster = plan["cluster"]
        if self.removes(options):
            problems += self._consent_to_teardown(plan["cluster"])
        self.report(plan["cluster"], problems, "processed")
        return self.act_on(plan, options)

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Return the action's own part of the result.

        :raises Refused: the task fails.
        """
        raise NotImplementedError

    def removes(self, options: Mapping[str, Any]) -> bool:
        """Return whether the task removes the cluster, or begins to."""
        return options.get("state") == "absent"

    def _consent_to_teardown(self, cluster: str) -> Iterator[Problem]:
        interrupts = (
            f"The state absent removes cluster {cluster}: its sessions end, and nothing outside reaches its pods and services"
        )
        return self.consents().require(
            teardown_of(cluster), "aci_calico_state", interrupts, "until site configures the cluster again"
        )

    # --- what is deployed --------------------------------------------------------------------------------------------

    def compare(self, plan: dict[str, Any], options: Mapping[str, Any], sides: Collection[str] = SIDES) -> Comparison:
        """Return what differs between the deployed state and the plan, and change nothing.

        It costs a login and a request to APIC and one for each L3Out, and the requests of ``calico_info``.

        :param options: ``apic`` and ``kubernetes`` (connections); adopt, update_password and manage_installation, as far as they
            are not the defaults.
        :param sides: ``apic``, ``kubernetes`` or both.
        """
        choices = {name: options[name] for name in ("adopt", "update_password") if options.get(name) is not None}
        result = Comparison()
        if APIC in sides:
            arguments = {**self.access(options.get("apic") or {}, APIC_ACCESS), "queries": apic_queries(plan)}
            result.add(compare_apic(plan, self.run_module("aci_info", arguments)["objects"], **choices))
        if KUBERNETES in sides:
            access = self.access(options.get("kubernetes") or {}, KUBERNETES_ACCESS)
            found = self.run_module("calico_info", {**access, **about_calico(plan, self.password())})["calico"]
            manage = bool(options.get("manage_installation"))
            consents = self.consents() if options.get("require_consents") else PREVIEW
            result.add(compare_kubernetes(plan, found, consents=consents, **choices, manage_installation=manage))
        return result

    def as_planned(self, side: str) -> dict[str, Any] | None:
        """Return what a push reports of a side on which the run's rehearsal found nothing to do, and no lease; else None.

        Such a side needs no second look until the lease is released; other plays of the same run look for themselves.
        """
        sides: Mapping[str, Any] = plain(self.registered(LEASED).get("as_planned")) or {}
        return sides.get(side)

    # --- the lease ---------------------------------------------------------------------------------------------------

    @cached_property
    def lease(self) -> dict[str, Any]:
        """Return the ``content`` of the lease that the play has registered, and the sides that are ``held``, perhaps none."""
        lease = self.registered(LEASED).get("lease")
        return dict(plain(lease)) if lease and not self._task.check_mode else {"content": {}, "held": {}}

    def lease_of(self, plan: dict[str, Any], side: str, doing: str) -> dict[str, Any] | None:
        """Return how a module checks the lease of one side; None if this run has none."""
        if side not in self.lease["held"]:
            return None
        where = {"dn": lease_tenant(plan)} if side == "apic" else {"namespace": self.lease["held"][side]}
        return {"run": self.lease["content"]["run"], "doing": doing, **where}

    def change_lease(
        self, plan: dict[str, Any], side: str, state: str, connection: dict[str, Any], take: Iterable[str] = (), **content: Any
    ) -> dict[str, Any]:
        """Take, renew or release the lease of one side, and return the module's result."""
        arguments = {"cluster": plan["cluster"], "state": state, "lease": {**self.lease["content"], **content}, "take": [*take]}
        if side == "apic":
            return self.run_module("aci_lease", {**self.access(connection, APIC_ACCESS), **arguments, "dn": lease_tenant(plan)})
        namespace = self.lease["held"].get(side) or plan["calico"]["namespace"]
        access = self.access(connection, KUBERNETES_ACCESS)
        return self.run_module("calico_lease", {**access, **arguments, "namespace": namespace})

    def keep_lease(
        self, plan: dict[str, Any], doing: str, seconds: int = 0, sides: Iterable[str] = SIDES, **connections: dict[str, Any]
    ) -> None:
        """Check that this run still holds its leases, and renew them.

        :param seconds: for how long the run will do nothing else.
        :param sides: the sides to check.
        :param connections: options of the task by side.
        :raises Refused: another run has taken one.
        """
        for side in (side for side in sides if side in self.lease["held"]):
            reply = self.change_lease(plan, side, "renewed", connections.get(side) or {}, doing=doing, seconds=HOLDS + seconds)
            if not reply["held"]:
                self.report(plan["cluster"], [lost_problem(plan, side, reply["holder"])], "changed")

    # --- the journal -------------------------------------------------------------------------------------------------

    def journals(self, plan: dict[str, Any]) -> Journals:
        """Return the journals of the cluster."""
        named = self._setting("aci_calico_journal")
        return Journals(os.path.expanduser(named) if named else self.artifacts("").root, plan["cluster"])

    def journal(self, plan: dict[str, Any]) -> dict[str, Any] | None:
        """Return the path of this run's journal, and what the journal says about the run; None if the run keeps none.

        Without a lease there is no journal: another run may change the cluster at the same time.
        """
        if not self.lease["held"] or not self.lease["content"].get("since") or not self._setting("aci_calico_journal_keep"):
            return None
        journals, lease = self.journals(plan), self.lease["content"]
        if journals.problem:
            self.report(plan["cluster"], [journals.problem], "changed")
        about = {name: lease.get(name, "") for name in ("run", "since", "holder", "playbook", "doing")}
        path = os.path.abspath(journals.path(lease))
        return {
            "path": path,
            "about": {"cluster": plan["cluster"], **about, "allocation": allocation_before(self.registered(PLANNED))},
        }

    def forget_journals(self, plan: dict[str, Any]) -> None:
        """Remove the journals beyond those to keep."""
        journals = self.journals(plan)
        journals.forget(self._setting("aci_calico_journal_keep"), journals.path(self.lease["content"]))

    def _setting(self, name: str) -> Any:
        value = check_optional(VARIABLES[name], plain(self._value(name)) if name in self.task_vars else None, name, [])
        return VARIABLES[name].default if value is INVALID else value

    def _plan(self, options: dict[str, Any]) -> dict[str, Any]:
        plan = options["plan"] or self.registered(PLANNED).get("plan")
        if plan:
            return dict(plain(plan))
        made = self.make_plan(self.SENDS_PASSWORD and options["state"] == "present")
        self.save(made.plan["cluster"], made.recording)
        return made.plan

    def _complete(self, options: dict[str, Any]) -> list[Problem]:
        """Set the options that the task does not give from the cluster's variables or their defaults."""
        missing = {option: name for option, name in self.SETTINGS.items() if options[option] is None}
        found = read_variables([name for name in missing.values() if name in self.task_vars], self._value)
        for option, name in missing.items():
            value = check_optional(VARIABLES[name], found.values.get(name), name, found.problems)
            options[option] = None if value is INVALID else value
        return found.problems


def _setting_specs(settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the argument specs of options that variables supply."""
    specs = {}
    for option, name in settings.items():
        variable = VARIABLES[name]
        specs[option] = {"type": variable.type, "choices": list(variable.choices) or None, "no_log": False}
    return specs


def _printable_diff(diff: Mapping[str, Any]) -> dict[str, Any]:
    return {name: printable(text, LAYOUT) if isinstance(text, str) else text for name, text in diff.items()}


def prints_data() -> bool:
    """Return whether the standard output is data for a program."""
    return str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] in DATA_CALLBACKS


def about_calico(plan: dict[str, Any], password: str) -> dict[str, Any]:
    """Return the arguments of ``calico_info`` for a plan."""
    calico = plan["calico"]
    digest = hashlib.sha256(password.encode()).hexdigest() if password else ""
    return {
        "api_group": calico["api_group"],
        "namespace": calico["namespace"],
        "secret_name": calico["secret"]["name"],
        "secret_key": calico["secret"]["key"],
        **given({"password_sha256": digest}),
    }


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options without empty ones, so that the module's own defaults apply."""
    return {name: value for name, value in options.items() if value not in (None, "", [])}
