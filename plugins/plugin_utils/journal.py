# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journals of a cluster: one file for each run that changed something. ``module_utils.journal`` describes their content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..module_utils.apic.mo import canonical
from ..module_utils.journal import JournalError, read
from .files import Artifacts
from .schema.problems import Problem
from .schema.text import table

FOLDER = "journal"
_NAME = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9-]+\.json")
NAMES = {"apic": "APIC", "kubernetes": "Kubernetes"}


@dataclass(frozen=True)
class Entry:
    """One journal: its name, and its content or why it cannot be read."""

    name: str
    content: Mapping[str, Any] = field(default_factory=dict)
    damage: str = ""


class Journals:
    """The journals of a cluster below a folder.

    :param base: the folder that the user names.
    :ivar problem: a link or a file in the place of a folder.
    """

    def __init__(self, base: str, cluster: str) -> None:
        self.folder = os.path.join(base, cluster, FOLDER)
        self.cluster = cluster
        self.problem = Artifacts(base, cluster).in_the_way(os.path.join(self.folder, "journal"))

    def path(self, lease: Mapping[str, Any]) -> str:
        """Return the file of the run that holds a lease: its name is the time and the id of the run."""
        since = re.sub(r"[-:]", "", str(lease["since"]))
        return os.path.join(self.folder, f"{since}-{lease['run']}.json")

    def names(self) -> list[str]:
        """Return the names of the journals, the newest first."""
        try:
            found = os.listdir(self.folder)
        except OSError:
            return []
        return sorted((name.removesuffix(".json") for name in found if _NAME.fullmatch(name)), reverse=True)

    def entry(self, name: str) -> Entry:
        """Return a journal."""
        try:
            content = read(os.path.join(self.folder, f"{name}.json"))
        except JournalError as reason:
            return Entry(name, damage=str(reason))
        if content.get("cluster") != self.cluster:
            return Entry(name, damage=f"it is one of cluster {content.get('cluster')}")
        return Entry(name, content)

    def since(self, name: str) -> list[Entry]:
        """Return a journal and all newer ones, the oldest first."""
        return [self.entry(one) for one in reversed(self.names()) if one >= name]

    def forget(self, keep: int, own: str = "") -> None:
        """Remove the oldest journals beyond a number. One that cannot be removed stays until the next run.

        :param own: the path of this run's journal, which stays: other control nodes may have clocks that are ahead.
        """
        for name in (name for name in self.names()[keep:] if f"{name}.json" != os.path.basename(own)):
            with suppress(OSError):
                os.unlink(os.path.join(self.folder, f"{name}.json"))

    def choose(self, name: str) -> Entry | Problem:
        """Return the journal with a name, or the newest one; a problem if there is none that is whole.

        :param name: empty for the newest one.
        """
        names = self.names()
        if not names or (name and name.removesuffix(".json") not in names):
            text = f"There is no journal {name} of cluster {self.cluster}" if names else f"Cluster {self.cluster} has no journal"
            known = f"Choose one of these: {', '.join(names)}." if names else ""
            return Problem("journal-missing", self.folder, text, known)
        entry = self.entry(name.removesuffix(".json") or names[0])
        if entry.damage:
            return Problem(
                "journal-damaged", os.path.join(self.folder, f"{entry.name}.json"), f"It cannot be used: {entry.damage}"
            )
        return self._with_later_sides(entry)

    def _with_later_sides(self, entry: Entry) -> Entry:
        """Return a journal with the sides that only later runs changed: before these, they were as before its own run."""
        before: dict[str, Any] = {}
        for one in self.since(entry.name):
            if one.damage:
                break
            before = {**one.content["before"], **before}
        return Entry(entry.name, {**entry.content, "before": before})

    def listing(self) -> list[str]:
        """Return the journals as lines of text, the newest first."""
        entries = [self.entry(name) for name in self.names()]
        rows = [
            (entry.name, described(entry.content), counted(entry.content)) if not entry.damage else (entry.name, entry.damage, "")
            for entry in entries
        ]
        return (
            list(table(("Journal", "Run", "Changed objects"), rows))
            if rows
            else [f"{self.cluster}: there is no journal in {self.folder}"]
        )


def journal_problem(path: str, reason: str) -> Problem:
    """Return the problem that the journal of a run cannot be written."""
    return Problem("journal-unwritable", path, f"The journal cannot be written: {reason}. This push changed nothing")


def described(content: Mapping[str, Any]) -> str:
    """Return the run of a journal for people."""
    return f"{content.get('playbook') or content.get('doing')} by {content.get('holder')}"


def counted(content: Mapping[str, Any]) -> str:
    """Return how many objects a run was about to change, by side."""
    numbers = []
    for side, name in NAMES.items():
        changes = [one for one in content["changes"] if one["side"] == side]
        count = sum(len(one[kind]) for one in changes for kind in ("created", "modified", "deleted"))
        numbers += [f"{count} {name}"] if count else []
    return ", ".join(numbers)


# --- changes by others -----------------------------------------------------------------------------------------------


def not_of_runs(journals: Iterable[Entry], side: str, changes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the objects that an undo brings back although no run of the journals left them as they are.

    :param journals: the journal of the undo and all newer ones, the oldest first.
    :param changes: those of the undo: ``operation``, ``object`` and ``before``, the present values of what it modifies.
    """
    created: set[str] = set()
    deleted: set[str] = set()
    modified: dict[str, dict[str, Any]] = {}
    for change in (change for entry in journals for change in entry.content.get("changes", ()) if change["side"] == side):
        created = (created | {*change["created"]}) - {*change["deleted"]}
        deleted = (deleted | {*change["deleted"]}) - {*change["created"]}
        for name, values in change["modified"].items():
            modified.setdefault(name, {}).update(values)
    found = []
    for change in changes:
        name = change["object"]
        by_runs = {
            "create": name in deleted,
            "delete": name in created,
            "modify": name in created or (name in modified and _agree(change["before"], modified[name])),
        }
        found += [] if by_runs[change["operation"]] else [name]
    return found


def _agree(present: Mapping[str, Any], left: Mapping[str, Any]) -> bool:
    """Return whether all present values are those that the runs left."""
    for name, value in present.items():
        if isinstance(value, dict) and isinstance(left.get(name), dict):
            if not _agree(value, left[name]):
                return False
        elif name not in left or canonical(name, str(value)) != canonical(name, str(left[name])):
            return False
    return True
