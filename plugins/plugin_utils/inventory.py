# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the variables of a cluster, of its node hosts and of the other clusters from the inventory.

Each variable is templated by itself, so that an error in one, or a secret whose Vault is locked, leaves the others readable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleError

from .schema.check import plain
from .schema.problems import Problem
from .schema.variables import NODE_VARIABLES, PREFIX, RUNTIME, VARIABLES

CLUSTERS = "aci_calico_clusters"


@dataclass
class Variables:
    """Variables as plain data, with the names of the unreadable ones and the problems."""

    values: dict[str, Any] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def read_variables(names: Iterable[str], get: Callable[[str], Any], where: str = "") -> Variables:
    """Resolve variables.

    :param get: returns the resolved value of a variable.
    :param where: what the problems' paths begin with.
    """
    found = Variables()
    for name in names:
        option = VARIABLES.get(name)
        try:
            found.values[name] = plain(get(name))
        except AnsibleError as reason:
            found.unreadable.add(name)
            if option and (option.secret or option.connection):
                continue
            found.problems.append(
                Problem("unresolved-variable", f"{where}{name}", f"It cannot be resolved: {' '.join(str(reason).split())}")
            )
    return found


@dataclass(frozen=True)
class Cluster:
    """A cluster of the inventory: its host, the folder of the inventory source that names the host, and its variables."""

    host: str
    folder: str | None
    values: dict[str, Any]


class Inventory:
    """The hosts of an inventory, as the variables of a task show them."""

    def __init__(self, task_vars: Mapping[str, Any], templar: Any) -> None:
        self._vars = task_vars
        self._templar = templar
        self._hostvars = task_vars["hostvars"]
        self._groups: Mapping[str, list[str]] = task_vars["groups"]
        self.host: str = plain(task_vars["inventory_hostname"])
        self.folder = _folder(task_vars)

    def read_cluster(self) -> Variables:
        """Read the cluster's own variables, including those of the play and the command line."""
        return read_variables(_names(self._vars), lambda name: self._templar.template(self._vars[name]))

    def node_hosts(self) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
        """Read the hosts that share a group with this cluster's host and with no other cluster's.

        :returns: the variables by host, and the problems. Variables for clusters have the value None.
        """
        found: dict[str, dict[str, Any]] = {}
        problems: list[Problem] = []
        for host in self._candidates():
            variables = self._hostvars[host]
            names = _names(variables)
            own = [name for name in names if name in NODE_VARIABLES]
            read = read_variables(own, variables.__getitem__, f"hosts.{host}.")
            problems += read.problems
            found[host] = dict.fromkeys(names) | read.values
        return found, problems

    def _clusters(self) -> set[str]:
        return {*self._groups.get(CLUSTERS, ()), self.host}

    def _candidates(self) -> list[str]:
        clusters = self._clusters()
        candidates: dict[str, None] = {}
        for group, hosts in self._groups.items():
            if group not in ("all", "ungrouped") and clusters.intersection(hosts) == {self.host}:
                candidates |= dict.fromkeys(hosts)
        return [host for host in candidates if host != self.host]


def read_clusters(task_vars: Mapping[str, Any], names: Collection[str], but: str = "") -> Iterator[Cluster]:
    """Read the clusters of an inventory, in the order of their hosts.

    :param names: the variables to read. Unreadable ones are left out: each cluster's own plan reports them.
    :param but: the host of a cluster to leave out.
    """
    for host in sorted({*task_vars["groups"].get(CLUSTERS, ())} - {but}):
        variables = task_vars["hostvars"][host]
        values = read_variables([name for name in names if name in variables], variables.__getitem__).values
        yield Cluster(host, _folder(variables), values)


def _folder(variables: Mapping[str, Any]) -> str | None:
    folder = plain(variables.get("inventory_dir"))
    # For hosts named on the command line Ansible gives the folder "None".
    return folder if folder and os.path.isabs(folder) else None


def _names(variables: Iterable[str]) -> list[str]:
    return [name for name in variables if name.startswith(PREFIX) and name not in RUNTIME]
