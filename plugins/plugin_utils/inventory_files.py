# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory's clusters know of each other, and their allocation files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .files import Change, read_file, said
from .inventory import read_clusters
from .planning.ledger import LARGEST, Ledger, load_ledger
from .planning.neighbours import READ_OF_NEIGHBOURS, index_clusters
from .schema.check import plain
from .schema.problems import Problem

# Hidden, because Ansible reads every other file in an inventory's folder as an inventory.
ALLOCATIONS = ".allocations"
# Not part of the plan: the plan of the next run must be the same.
NOT_RECORDED_YET = (
    "{0} does not exist: every slot is assigned anew. If the cluster is configured already, stop and restore the file"
    " from version control or run the playbook recover; otherwise commit it."
)
NOWHERE_TO_RECORD = Problem(
    "allocation-not-recorded",
    "aci_calico_allocation_file",
    "The inventory has no folder to keep the allocation in, so nodes may be renumbered when others come and go",
)


def _cluster_of(host: str, values: Mapping[str, Any]) -> str:
    return str(values.get("aci_calico_cluster_name") or host)


def allocation_file(host: str, folder: str | None, values: Mapping[str, Any]) -> str | None:
    """Return the path of a cluster's allocation file; None if its inventory has no folder for it."""
    named = values.get("aci_calico_allocation_file")
    if named and isinstance(named, str):
        return os.path.expanduser(named)
    return os.path.join(folder, ALLOCATIONS, f"{os.path.basename(_cluster_of(host, values))}.yml") if folder else None


def read_inventory(task_vars: Mapping[str, Any], but: str = "") -> dict[str, Any]:
    """Return what a cluster's plan needs to know of the others: their index, and their names by allocation file and host.

    :param but: the host of a cluster to leave out.
    """
    clusters = list(read_clusters(task_vars, READ_OF_NEIGHBOURS, but))
    files: dict[str, dict[str, str]] = {}
    for one in clusters:
        location = allocation_file(one.host, one.folder, one.values)
        if location:
            files.setdefault(os.path.realpath(location), {})[one.host] = _cluster_of(one.host, one.values)
    return {"index": index_clusters({one.host: one.values for one in clusters}), "files": files}


def sharing(host: str, location: str, values: Mapping[str, Any], files: Mapping[str, Mapping[str, str]]) -> list[Problem]:
    """Return a problem for each other cluster of the inventory that has the same allocation file."""
    path = os.path.realpath(location)
    problems = []
    for other, name in files.get(path, {}).items():
        if other != host:
            both = " and of cluster ".join(sorted([_cluster_of(host, values), plain(name)]))
            text = f"{path} is the allocation file of cluster {both}"
            problems.append(Problem("allocation-file-shared", "aci_calico_allocation_file", text))
    return problems


def read_ledger_file(path: str | None) -> tuple[bytes | None, Ledger, list[Problem]]:
    """Return the content of the allocation file, what it says, and problems."""
    content = None
    remedy = "Make it a file that the user who runs Ansible can read, restore it, or correct aci_calico_allocation_file."
    try:
        content = read_file(path, LARGEST) if path else None
        if path is None or content is None:
            return None, Ledger(), []
        return content, *load_ledger(content.decode(), path)
    except (OSError, UnicodeDecodeError) as reason:
        text = said(reason) if isinstance(reason, OSError) else "it is not UTF-8 text"
        return content, Ledger(), [Problem("allocation-file", str(path), f"It cannot be read: {text}", remedy)]


def ledger_content(path: str) -> bytes | None:
    """Return the content of the allocation file; None if there is none, or if it cannot be read."""
    with suppress(OSError):
        return read_file(path, LARGEST)
    return None


def allocation_before(planned: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the path of the allocation file, and its text before a plan; None if the inventory has no place for one.

    :param planned: the result of the action ``plan``.
    """
    path, recorded = plain(planned.get("allocation_file")), plain(planned.get("recorded"))
    if not path:
        return None
    if recorded:
        return {"path": path, "text": recorded["before"]}
    content = ledger_content(path)
    return {"path": path, "text": None if content is None else content.decode(errors="replace")}


def ledger_changes(path: str | None, before: bytes | None, after: bytes | None) -> list[Change]:
    """Return the change of the allocation file; none if its content stays, or if the inventory has no place for it."""
    return [Change(path, before, after, os.path.realpath(path), durable=True)] if path and before != after else []
