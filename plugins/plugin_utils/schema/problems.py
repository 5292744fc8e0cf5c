# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Problems: what is wrong with the input or the surroundings, collected first and then reported all at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TypeVar

from .messages import ERROR, MESSAGES, WARNING
from .text import wrapped

Item = TypeVar("Item")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    :param id: the key in the catalogue of messages: stable, in kebab case.
    :param path: where the user wrote it: ``aci_calico_racks[1].nodes[2]``, ``hosts.node-3.aci_calico_rack``.
    :param problem: what is wrong, with the values that collide. Never a secret value.
    :param remedy: what to do about it; the catalogue's by default.
    :param severity: ``error`` (no plan) or ``warning``; the catalogue's by default.
    """

    id: str
    path: str
    problem: str
    remedy: str = ""
    severity: str = ""

    def __post_init__(self) -> None:
        """Complete the problem from the catalogue, and escape control characters. An unknown id raises a KeyError."""
        if not (self.remedy and self.severity):
            message = MESSAGES[self.id]
            object.__setattr__(self, "remedy", self.remedy or message.remedy)
            object.__setattr__(self, "severity", self.severity or message.severity)
        for name in ("path", "problem", "remedy"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    def as_dict(self) -> dict[str, str]:
        """Return the problem as plain data."""
        return asdict(self)


class IntentError(Exception):
    """An intent that cannot be planned; ``problems`` holds all errors and warnings."""

    def __init__(self, cluster: str, problems: Iterable[Problem]) -> None:
        self.cluster = cluster
        self.problems = list(problems)
        super().__init__(render(cluster, self.problems))


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that prevent a plan or a push."""
    return [problem for problem in problems if problem.severity == ERROR]


def warnings(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that are only reported."""
    return [problem for problem in problems if problem.severity == WARNING]


def severest_first(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems with the errors before the warnings."""
    return sorted(problems, key=lambda problem: problem.severity != ERROR)


def headline(cluster: str, problems: list[Problem], done: str = "planned") -> str:
    """Return how many problems there are: the cluster "cannot be planned", or whatever ``done`` says."""
    count, others = len(errors(problems)), len(warnings(problems))
    text = f"Cluster {cluster} cannot be {done}: {count} {'error' if count == 1 else 'errors'}"
    return text + (f", {others} {'warning' if others == 1 else 'warnings'}" if others else "")


def render(cluster: str, problems: Iterable[Problem], done: str = "planned", most: int | None = None) -> str:
    """Return problems as text for people: errors first, each with its path, its id and its remedy, in 80 columns.

    :param most: how many to list; by default all.
    """
    ordered = severest_first(problems)
    lines = [headline(cluster, ordered, done)]
    for number, problem in enumerate(ordered[:most], 1):
        lines += ["", *wrapped(f"{problem.path} [{problem.severity}: {problem.id}]", f"{number}. ", "   ")]
        lines += [*wrapped(problem.problem, "   "), *wrapped(problem.remedy, "   -> ")]
    return "\n".join(lines)


def repeated(items: Iterable[Item], key: Callable[[Item], Hashable]) -> Iterator[tuple[Item, Item]]:
    """Yield each item whose key occurred before, with the first item of that key."""
    seen: dict[Hashable, Item] = {}
    for item in items:
        first = seen.setdefault(key(item), item)
        if first is not item:
            yield item, first


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that resembles this one most, if any does."""
    close = difflib.get_close_matches(str(name), [str(candidate) for candidate in known], n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question with the closest known name, or an empty text."""
    close = closest(name, known)
    return f"Did you mean {close}?" if close else ""


def some(values: Iterable[object], most: int = 8) -> str:
    """Return the first few values as a list in words, and how many more there are."""
    values = list(values)
    text = ", ".join(map(str, values[:most]))
    return f"{text} and {len(values) - most} more" if len(values) > most else text


def printable(text: str, keep: str = "") -> str:
    """Return a text whose control characters are escaped, so that they cannot act on a terminal or a log.

    :param keep: characters that are not escaped, such as line breaks in a text of several lines.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text)


def shown(value: object, limit: int = 60) -> str:
    """Return a value as problems quote it: short, on one line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
