# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a cluster: collect its variables, say everything that is wrong with them, write the plan's files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ..plugin_utils.apic.tree import apic_tree
from ..plugin_utils.calico.manifests import kubernetes_objects
from ..plugin_utils.documents.nodes import node_files
from ..plugin_utils.documents.plan import plan_document
from ..plugin_utils.intent.reading import SECRETS_DECLARED, SECRETS_READABLE
from ..plugin_utils.planning.compile import Compiled, compile_cluster
from ..plugin_utils.planning.record import Record, load_record
from ..plugin_utils.schema.addressing import require_netaddr
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.problems import Problem, render
from ..plugin_utils.schema.variables import NODE_VARIABLES, PREFIX, RUNTIME, VARIABLES

CLUSTERS = "aci_calico_clusters"
# Hidden, because Ansible reads every other file in an inventory's folder as an inventory.
ALLOCATIONS = ".allocations"
# The folder of the nodes' network configurations, all of it the plan's.
NODES = "nodes"
# Said, but no part of the plan: the plan of the next run is to be the same.
NOT_RECORDED_YET = (
    "{0} was not there: every slot is given out anew. Where the cluster is configured already, stop and restore the file"
    " from version control; otherwise commit it."
)


class ActionModule(ActionBase):
    """See plugins/modules/plan.py."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Plan the cluster that the play's host stands for."""
        result = super().run(tmp, task_vars)
        try:
            require_netaddr()
        except RuntimeError as reason:
            raise AnsibleError(str(reason)) from reason
        _checked, options = self.validate_argument_spec(
            {
                "artifacts": {"type": "bool", "default": False},
                "require_secrets": {"type": "bool", "default": False},
            }
        )
        inventory = _Inventory(task_vars or {}, self._templar)
        found = inventory.read_cluster()
        location = self._allocation_file(inventory, found)
        secrets = SECRETS_READABLE if options["require_secrets"] else SECRETS_DECLARED
        compiled = self._compile(inventory, found, location, secrets)
        result["faults"] = [problem.as_dict() for problem in compiled.problems]
        if compiled.plan is None:
            return result | {"failed": True, "msg": render(compiled.cluster, compiled.problems)}
        warnings = [f"{problem.path}: {problem.problem}. {problem.remedy}" for problem in compiled.problems]
        if location and options["require_secrets"] and not os.path.exists(location):
            warnings.append(NOT_RECORDED_YET.format(location))
        folder = _artifacts_folder(compiled.plan, found.values)
        artifacts = _artifacts(compiled.plan, folder) if options["artifacts"] else {}
        nodes = _node_artifacts(compiled.plan, folder) if options["artifacts"] else {}
        files = ({location: compiled.record} if location else {}) | artifacts | nodes
        changes = [change for path, text in files.items() if (change := self._write(path, text))]
        if options["artifacts"]:
            changes += self._remove_others(os.path.join(folder, NODES), nodes)
        result |= {
            "changed": bool(changes),
            "plan": compiled.plan,  # and no fact: facts are cached, and another day's plan would be taken for this one's
            "allocation_file": location,
            "artifacts": [*artifacts, *([os.path.join(folder, NODES)] if nodes else [])],
        }
        if warnings:
            result["warnings"] = warnings
        if self._task.diff:
            result["diff"] = changes
        return result

    def _compile(self, inventory: _Inventory, found: _Variables, location: str | None, secrets: str) -> Compiled:
        record, unusable = self._load_record(location)
        node_hosts, unresolved = inventory.node_hosts()
        return compile_cluster(
            found.values,
            inventory.host,
            node_hosts=node_hosts,
            record=record,
            neighbours=inventory.neighbours(),
            secrets=secrets,
            unreadable=found.unreadable,
            problems=[*found.problems, *unusable, *unresolved],
        )

    def _allocation_file(self, inventory: _Inventory, found: _Variables) -> str | None:
        """Where the allocation is recorded; None where there is no inventory file to put it beside."""
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

    @staticmethod
    def _load_record(path: str | None) -> tuple[Record, list[Problem]]:
        if not path or not os.path.exists(path):
            return Record(), []
        try:
            with open(path, encoding="utf-8") as file:
                return load_record(file.read(), path)
        except (OSError, UnicodeDecodeError) as reason:
            problem = Problem("allocation-file", path, f"It cannot be read: {reason}", "Restore it, or let it be read.")
            return Record(), [problem]

    def _remove_others(self, folder: str, wanted: Iterable[str]) -> list[dict[str, str]]:
        """Remove what an earlier plan wrote for nodes that are gone or interfaces that are called otherwise now."""
        changes = []
        for place, _folders, names in os.walk(folder, topdown=False):
            for path in sorted({os.path.join(place, name) for name in names}.difference(wanted)):
                changes.append({"before": f"{path}\n", "after": "", "before_header": path, "after_header": path})
                if not self._task.check_mode:
                    os.unlink(path)
            if not self._task.check_mode and not os.listdir(place):
                os.rmdir(place)
        return changes

    def _write(self, path: str, text: str) -> dict[str, str] | None:
        """Write a file if it differs, all of it or nothing; in check mode only say so.

        :returns: the difference, or None if there is none.
        """
        before = ""
        try:
            if os.path.exists(path):
                with open(path, encoding="utf-8", newline="") as file:
                    before = file.read()
            if before == text:
                return None
            if not self._task.check_mode:
                _replace(path, text)
        except (OSError, UnicodeDecodeError) as problem:
            raise AnsibleError(f"{path} cannot be written: {problem}") from problem
        return {"before": before, "after": text, "before_header": path, "after_header": path}


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


def _artifacts_folder(plan: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    named = values.get("aci_calico_artifacts_dir") or VARIABLES["aci_calico_artifacts_dir"].default
    return os.path.join(os.path.expanduser(str(named)), plan["cluster"])


def _node_artifacts(plan: Mapping[str, Any], folder: str) -> dict[str, str]:
    """The nodes' network configurations: ``{path: text}``."""
    return {os.path.join(folder, path): text for path, text in node_files(plan).items()}


def _artifacts(plan: Mapping[str, Any], folder: str) -> dict[str, str]:
    """The files that a reviewer diffs: ``{path: text}``. None of them holds a secret."""
    manifests = yaml.safe_dump_all(kubernetes_objects(plan), sort_keys=False, explicit_start=True, width=200)
    return {
        os.path.join(folder, "plan.json"): _json(plan),
        os.path.join(folder, "plan.md"): plan_document(plan),
        os.path.join(folder, "apic.json"): _json(apic_tree(plan)),
        os.path.join(folder, "kubernetes.yml"): manifests,
    }


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


class _Variables:
    """Variables of a host as plain data, and what could not be had of them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.unreadable: set[str] = set()
        self.problems: list[Problem] = []


class _Inventory:
    """What the inventory says of a cluster. Values are templated one by one, so that a secret whose Vault is not there,
    or a mistake in one variable, leaves the others readable."""

    def __init__(self, task_vars: Mapping[str, Any], templar: Any) -> None:
        self._vars = task_vars
        self._templar = templar
        self._hostvars = task_vars["hostvars"]
        self._groups: Mapping[str, list[str]] = task_vars["groups"]
        self.host: str = plain(task_vars["inventory_hostname"])
        folder = plain(task_vars.get("inventory_dir"))
        # Of hosts named on the command line Ansible says that their inventory is in the folder "None".
        self.folder: str | None = folder if folder and os.path.isabs(folder) else None

    def read_cluster(self) -> _Variables:
        """The cluster's own variables, those of the play and the command line included."""
        return self._read(_names(self._vars), lambda name: self._templar.template(self._vars[name]))

    @staticmethod
    def _read(names: Iterable[str], get: Any, where: str = "") -> _Variables:
        found = _Variables()
        for name in names:
            option = VARIABLES.get(name)
            try:
                found.values[name] = plain(get(name))
            except AnsibleError as reason:
                found.unreadable.add(name)
                if option and (option.secret or option.connection):
                    continue
                found.problems.append(
                    Problem(
                        "unresolved-variable",
                        f"{where}{name}",
                        f"It cannot be resolved: {' '.join(str(reason).split())}",
                    )
                )
        return found

    def _clusters(self) -> set[str]:
        return {*self._groups.get(CLUSTERS, ()), self.host}

    def neighbours(self) -> dict[str, dict[str, Any]]:
        """The variables of the other clusters, as far as they can be had: what is wrong with them is theirs to say."""
        found = {}
        for name in sorted(self._clusters() - {self.host}):
            variables = self._hostvars[name]
            found[name] = self._read(_names(variables), variables.__getitem__).values
        return found

    def node_hosts(self) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
        """The hosts that share a group with this cluster's host and with no other's.

        :returns: their variables by host (of those that are no node's own, the names only), and what cannot be resolved.
        """
        found: dict[str, dict[str, Any]] = {}
        unresolved: list[Problem] = []
        for host in self._candidates():
            variables = self._hostvars[host]
            names = _names(variables)
            own = [name for name in names if name in NODE_VARIABLES]
            read = self._read(own, variables.__getitem__, f"hosts.{host}.")
            unresolved += read.problems
            found[host] = dict.fromkeys(names) | read.values
        return found, unresolved

    def _candidates(self) -> list[str]:
        clusters = self._clusters()
        candidates: dict[str, None] = {}
        for group, hosts in self._groups.items():
            if group not in ("all", "ungrouped") and clusters.intersection(hosts) == {self.host}:
                candidates |= dict.fromkeys(hosts)
        return [host for host in candidates if host != self.host]


def _names(variables: Iterable[str]) -> list[str]:
    return [name for name in variables if name.startswith(PREFIX) and name not in RUNTIME]
