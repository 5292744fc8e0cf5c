# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base classes of the actions: the plan and the variables of a cluster, running modules, and the form of the result."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from .documents.differences import grouped
from .intent.reading import PASSWORD, SECRETS_DECLARED, SECRETS_READABLE
from .inventory import Inventory, Variables, read_variables
from .planning.compile import compile_cluster
from .planning.ledger import Ledger, load_ledger
from .schema.addressing import require_netaddr
from .schema.check import check_optional, plain
from .schema.consent import CONSENT, Consents
from .schema.option import INVALID
from .schema.problems import Problem, errors, headline, render, severest_first
from .schema.variables import PLANNED, PUSHED, VARIABLES

COLLECTION = "netops.aci_calico"
# Hidden, because Ansible reads every other file in an inventory's folder as an inventory.
ALLOCATIONS = ".allocations"
# Not part of the plan: the plan of the next run must be the same.
NOT_RECORDED_YET = (
    "{0} does not exist: every slot is assigned anew. If the cluster is configured already, stop and restore the file"
    " from version control; otherwise commit it."
)
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


@dataclass
class Planned:
    """A plan that was made just now, and what it was made from."""

    plan: dict[str, Any]
    problems: list[Problem]
    variables: Mapping[str, Any]
    allocation_file: str | None


class ClusterAction(ActionBase):
    """An action on the cluster that the play's host stands for. It runs on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    ARGUMENTS: Mapping[str, Any] = {}

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the arguments, act, and return the result with all changes and warnings on the way."""
        result = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        self._effects: dict[str, Any] = {"changed": False, "warnings": [], "diff": []}
        _checked, options = self.validate_argument_spec(dict(self.ARGUMENTS))
        try:
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
        display.display(f"{text.rstrip()}\n", stderr=prints_data())

    def add_effects(self, result: Mapping[str, Any]) -> None:
        """Add what a module changed, warned of and showed to the result of this action."""
        self._effects["changed"] |= bool(result.get("changed"))
        self._effects["warnings"] += result.get("warnings") or []
        if self._task.diff:
            shown = result.get("diff") or []
            self._effects["diff"] += shown if isinstance(shown, list) else [shown]

    def report(self, cluster: str, problems: Iterable[Problem], done: str) -> list[dict[str, str]]:
        """Show each problem once: as text if one is an error, else as warnings.

        Ansible prints a whole failed result as data and equal warnings once in a run. So a failed result has the list of
        problems only if a callback prints data.

        :returns: the problems as plain data.
        :raises Refused: a problem is an error.
        """
        ordered = severest_first(problems)
        found = [problem.as_dict() for problem in ordered]
        if errors(ordered):
            self.show(render(cluster, ordered, done))
            raise Refused(headline(cluster, ordered, done), **({"problems": found} if prints_data() else {}))
        texts = [f"{cluster}: {one.path} [{one.id}]: {one.problem.rstrip('.')}. {one.remedy}" for one in ordered]
        self.add_effects({"warnings": texts})
        return found

    def reported(self, part: str, done: dict[str, Any]) -> dict[str, Any]:
        """Return the report of this push, added to that of the earlier pushes of the play."""
        earlier = self.task_vars.get(PUSHED)
        report = plain(earlier.get("report")) if isinstance(earlier, Mapping) else None
        return {"report": {**(report or {}), part: done}}

    def write(self, path: str, text: str, shown: bool = True) -> None:
        """Write a file completely or not at all, if its content differs; in check mode only report that.

        :param shown: whether ``--diff`` shows the difference.
        """
        before = ""
        try:
            if os.path.exists(path):
                with open(path, encoding="utf-8", newline="") as file:
                    before = file.read()
            if before == text:
                return
            if not self._task.check_mode:
                _replace(path, text)
        except (OSError, UnicodeDecodeError) as problem:
            raise AnsibleError(f"{path} cannot be written: {problem}") from problem
        change = {"before": before, "after": text, "before_header": path, "after_header": path}
        self.add_effects({"changed": True, "diff": change if shown else []})

    # --- the plan ----------------------------------------------------------------------------------------------------

    def make_plan(self, require_secrets: bool) -> Planned:
        """Plan the cluster from the inventory and write the allocation file.

        :raises Refused: the variables have errors.
        """
        try:
            require_netaddr()
        except RuntimeError as reason:
            raise AnsibleError(str(reason)) from reason
        inventory = Inventory(self.task_vars, self._templar)
        found = inventory.read_cluster()
        location = _allocation_file(inventory, found)
        ledger, unusable = _load_ledger(location)
        node_hosts, unresolved = inventory.node_hosts()
        compiled = compile_cluster(
            found.values,
            inventory.host,
            node_hosts=node_hosts,
            ledger=ledger,
            neighbours=inventory.neighbours(),
            secrets=SECRETS_READABLE if require_secrets else SECRETS_DECLARED,
            unreadable=found.unreadable,
            problems=[*found.problems, *unusable, *unresolved, *self._misplaced(found.values)],
        )
        self.report(compiled.cluster, compiled.problems, "planned")
        if location:
            if require_secrets and not os.path.exists(location):
                self.add_effects({"warnings": [NOT_RECORDED_YET.format(location)]})
            self.write(location, compiled.record or "")
        return Planned(compiled.require(), compiled.problems, found.values, location)

    # --- what is given with the run ----------------------------------------------------------------------------------

    def consents(self) -> Consents:
        """Return the consents that were given with this run. The plan reports unknown names."""
        names = []
        if CONSENT in self._extra_vars():
            names = check_optional(VARIABLES[CONSENT], plain(self._value(CONSENT)), CONSENT, [])
        return Consents(frozenset(() if names is INVALID else set(names) - {INVALID}), self._task.check_mode)

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
        return self._templar.template(self.task_vars[name])

    # --- modules -----------------------------------------------------------------------------------------------------

    def run_module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a module.

        :raises AnsibleActionFail: the module failed.
        """
        result = self.try_module(name, arguments)
        if result.get("failed"):
            raise AnsibleActionFail(f"{name}: {result.get('msg', 'failed')}")
        return result

    def try_module(self, name: str, arguments: dict[str, Any], no_log: bool = False) -> dict[str, Any]:
        """Return the result of a module, run by its own action plugin if it has one, also if the module failed.

        :param name: without a collection, a module of this one.
        """
        task = self._task.copy()
        task.action = name if "." in name else f"{COLLECTION}.{name}"
        task.args = arguments
        task.no_log = task.no_log or no_log
        if self._connection.has_pipelining:  # arguments, secrets among them, reach modules by a pipe and never in a file
            self._connection.set_option("pipelining", True)
        loader = self._shared_loader_obj.action_loader
        action = loader.get(
            task.action if loader.has_plugin(task.action) else "ansible.legacy.normal",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        result: dict[str, Any] = action.run(task_vars=self.task_vars)
        return result


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
        self.report(plan["cluster"], problems, "processed")
        return self.act_on(plan, options)

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Return the action's own part of the result.

        :raises Refused: the task fails.
        """
        raise NotImplementedError

    def _plan(self, options: dict[str, Any]) -> dict[str, Any]:
        # A variable of this run and not a fact, which could be the cached one of another day.
        registered = self.task_vars.get(PLANNED)
        plan = options["plan"] or (registered.get("plan") if isinstance(registered, Mapping) else None)
        if plan:
            return dict(plain(plan))
        return self.make_plan(self.SENDS_PASSWORD and options["state"] == "present").plan

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


def _allocation_file(inventory: Inventory, found: Variables) -> str | None:
    """Return the path of the allocation file; None if the inventory has no folder for it."""
    named = found.values.get("aci_calico_allocation_file")
    if named and isinstance(named, str):
        return os.path.expanduser(named)
    cluster = found.values.get("aci_calico_cluster_name") or inventory.host
    if inventory.folder:
        return os.path.join(inventory.folder, ALLOCATIONS, f"{os.path.basename(str(cluster))}.yml")
    found.problems.append(
        Problem(
            "allocation-not-recorded",
            "aci_calico_allocation_file",
            "The inventory has no folder to keep the allocation in, so nodes may be renumbered when others come and go",
        )
    )
    return None


def _load_ledger(path: str | None) -> tuple[Ledger, list[Problem]]:
    if not path or not os.path.exists(path):
        return Ledger(), []
    try:
        with open(path, encoding="utf-8") as file:
            return load_ledger(file.read(), path)
    except (OSError, UnicodeDecodeError) as reason:
        problem = Problem("allocation-file", path, f"It cannot be read: {reason}", "Restore it, or make it readable.")
        return Ledger(), [problem]


def _replace(path: str, text: str) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


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
