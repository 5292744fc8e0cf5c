# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an intent: collected, never raised one by one, and shown all at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TypeVar

Item = TypeVar("Item")

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    :param id: the rule, in kebab case: stable, to be searched for.
    :param severity: ``error`` (no plan) or ``warning``.
    :param path: where the user wrote it: ``aci_calico_racks[1].nodes[2]``, ``hosts.node-3.aci_calico_rack``.
    :param problem: what is wrong, with the values that collide. Never a secret value.
    :param remedy: what to do about it.
    """

    id: str
    severity: str
    path: str
    problem: str
    remedy: str

    def as_dict(self) -> dict[str, str]:
        """The fault as plain data."""
        return asdict(self)


class IntentError(Exception):
    """An intent that cannot be planned; ``faults`` holds all errors and warnings."""

    def __init__(self, cluster: str, problems: Iterable[Problem]) -> None:
        self.cluster = cluster
        self.problems = list(problems)
        super().__init__(render(cluster, self.problems))


def error(rule: str, path: str, problem: str, remedy: str) -> Problem:
    """A fault that forbids the plan."""
    return Problem(rule, ERROR, path, problem, remedy)


def warning(rule: str, path: str, problem: str, remedy: str) -> Problem:
    """A fault that the plan carries along."""
    return Problem(rule, WARNING, path, problem, remedy)


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those faults that forbid the plan."""
    return [problem for problem in problems if problem.severity == ERROR]


def warnings(problems: Iterable[Problem]) -> list[Problem]:
    """Those faults that the plan carries along."""
    return [problem for problem in problems if problem.severity == WARNING]


def render(cluster: str, problems: Iterable[Problem], done: str = "planned") -> str:
    """All faults as text for people: errors first, each with its path, its rule and its remedy.

    :param done: what cannot be done to the cluster because of them.
    """
    ordered = sorted(problems, key=lambda problem: problem.severity != ERROR)
    count = len(errors(ordered))
    head = f"Cluster {cluster} cannot be {done}: {count} {'error' if count == 1 else 'errors'}"
    if len(ordered) > count:
        head += f", {len(ordered) - count} {'warning' if len(ordered) - count == 1 else 'warnings'}"
    blocks = [
        f"{number}. {problem.path} [{problem.severity}: {problem.id}]\n   {problem.problem}\n   -> {problem.remedy}"
        for number, problem in enumerate(ordered, 1)
    ]
    return "\n".join([head, *blocks])


def repeated(items: Iterable[Item], key: Callable[[Item], Hashable]) -> Iterator[tuple[Item, Item]]:
    """Each item with the first one that has the same key, where that is another one."""
    seen: dict[Hashable, Item] = {}
    for item in items:
        first = seen.setdefault(key(item), item)
        if first is not item:
            yield item, first


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, if any is."""
    close = difflib.get_close_matches(str(name), [str(candidate) for candidate in known], n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names the closest known name, or nothing."""
    close = closest(name, known)
    return f"Did you mean {close}?" if close else ""


def some(values: Iterable[object], most: int = 8) -> str:
    """Values as faults list them: the first few, and how many more there are."""
    values = list(values)
    text = ", ".join(map(str, values[:most]))
    return f"{text} and {len(values) - most} more" if len(values) > most else text


def shown(value: object, limit: int = 60) -> str:
    """A value as faults quote it: short, on one line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
