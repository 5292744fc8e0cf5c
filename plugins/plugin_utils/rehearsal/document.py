# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rehearsal as text for people, and as Markdown of the size of a comment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..comparison import KUBERNETES, MODIFY
from ..schema.consent import CONSENT
from ..schema.problems import some
from ..schema.text import wrapped
from .classify import Classed, Rehearsal
from .rules import HITLESS, MEANINGS

# Groups of changes in the Markdown; more are counted.
MOST = 20
_HEADER = ("Order", "Class", "What, and why")
_RESTART = {True: "graceful restart covers it", False: "graceful restart does not cover it"}


def summary(rehearsal: Rehearsal) -> str:
    """Return the outcome as one line."""
    count = len(rehearsal.changes)
    changes = f"{count or 'no'} {'change' if count == 1 else 'changes'}"
    needs = f"; consent needed: {', '.join(rehearsal.interrupting)}" if rehearsal.interrupting else ""
    return f"{rehearsal.cluster}: rehearsal: {rehearsal.overall} ({changes}{needs})"


def as_text(rehearsal: Rehearsal) -> str:
    """Return what happens in which order, with the reasons, for a terminal."""
    lines = wrapped(summary(rehearsal), rest="  ")
    groups = list(grouped(rehearsal))
    if groups:
        places = [order(group) for group in groups]
        widths = (max(map(len, [*places, _HEADER[0]])), max(len(one.effect) for one in rehearsal.changes))
        lines += [
            "",
            *_rows(_HEADER[0], _HEADER[1], [_HEADER[2]], widths),
            *_rows("-" * widths[0], "-" * widths[1], ["-" * 40], widths),
        ]
        for place, group in zip(places, groups, strict=True):
            lines += _rows(place, group[0].effect, _cells(group), widths)
    if rehearsal.conflicts:
        lines += ["", "  The run would stop at objects of others:"]
        lines += [line for text in rehearsal.conflicts for line in wrapped(text, "  - ")]
    return "\n".join(lines).rstrip()


def _rows(place: str, effect: str, cells: Sequence[str], widths: tuple[int, int]) -> Iterator[str]:
    """Yield the lines of a row of the table; its last cell has several texts."""
    first = f"  {place:{widths[0]}}  {effect:{widths[1]}}  "
    for number, cell in enumerate(cells):
        start = " " * len(first) if number else first
        yield from wrapped(cell, start, " " * (len(first) + 2 * bool(number)))


def _cells(group: Sequence[Classed]) -> list[str]:
    """Return what happens, why, and if it is not hitless, what it touches."""
    details = [f"{label}: {text}" for label, text in _details(group)] if group[0].effect != HITLESS else []
    return [f"{group[0].change.part}: {_what(group)}", f"{group[0].rule.why}{_guess(group[0])}", *details]


def as_markdown(rehearsal: Rehearsal) -> str:
    """Return the rehearsal for a comment on a change of the inventory."""
    lines = [f"## {rehearsal.cluster}: {rehearsal.overall}", "", MEANINGS[rehearsal.overall]]
    if rehearsal.interrupting:
        lines += ["", f"The run needs `-e {CONSENT}={','.join(rehearsal.interrupting)}`."]
    groups = list(grouped(rehearsal))
    if groups:
        lines += ["", "| Order | Push | Class | What | Reason |", "|---|---|---|---|---|"]
    for group in groups[:MOST]:
        rule, details = group[0].rule, "; ".join(f"{label}: {text}" for label, text in _details(group))
        why = f"{rule.why}{_guess(group[0])}{f' {details}' if details and rule.effect != HITLESS else ''}"
        cells = (order(group), group[0].change.part, rule.effect, _what(group), why)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    if len(groups) > MOST:
        lines += ["", f"{len(groups) - MOST} more rows are in `rehearsal.json`."]
    if rehearsal.conflicts:
        lines += ["", "The run would stop at objects of others:", "", *(f"- {text}" for text in rehearsal.conflicts[:MOST])]
    return "\n".join(lines) + "\n"


def grouped(rehearsal: Rehearsal) -> Iterator[list[Classed]]:
    """Yield groups of changes with the same push, operation, class and reason, in the order of their first changes."""
    groups: dict[tuple[str, str, str, str], list[Classed]] = {}
    for one in rehearsal.changes:
        groups.setdefault((one.change.part, one.change.operation, one.effect, one.rule.why), []).append(one)
    yield from groups.values()


def order(group: Sequence[Classed]) -> str:
    """Return the places of the changes in the order of the run."""
    first, last = group[0].order, group[-1].order
    return str(first) if first == last else f"{first}-{last}"


def _what(group: Sequence[Classed]) -> str:
    kinds: dict[str, int] = {}
    for one in group:
        kinds[one.change.kind] = kinds.get(one.change.kind, 0) + 1
    parts = sum(one.parts for one in group)
    inner = f" with {parts} {'object' if parts == 1 else 'objects'} below" if parts else ""
    operation = group[0].change.operation
    fields = sorted({name for one in group for name in _fields(one)}) if operation == MODIFY else []
    shown = f" ({some(fields, 4)})" if fields else ""
    listed = ", ".join(f"{count} {kind}" if count > 1 else _named(group, kind) for kind, count in kinds.items())
    return f"{operation} {listed}{shown}{inner}"


def _named(group: Sequence[Classed], kind: str) -> str:
    """Return the name of the only object of a kind; on APIC the class, because DNs are too long for a table."""
    (one,) = (one for one in group if one.change.kind == kind)
    return one.change.object if one.change.side == KUBERNETES else kind


def _fields(one: Classed) -> Iterator[str]:
    for name in one.change.fields:
        inner: Any = {**(one.change.before.get(name) or {}), **(one.change.after.get(name) or {})} if name == "spec" else {}
        yield from inner or [name]


def _details(group: Sequence[Classed]) -> Iterator[tuple[str, str]]:
    """Yield what a group touches, with a label."""
    for key, label in (("nodes", "Nodes"), ("leaves", "Leaves"), ("prefixes", "Prefixes")):
        values = dict.fromkeys(value for one in group for value in one.touches[key])
        if values:
            yield label, some(list(values))
    sessions = {text for one in group for text in one.touches["sessions"]}
    if sessions:
        yield "Sessions", str(len(sessions))
    rule = group[0].rule
    if rule.lasts:
        restart = f"; {_RESTART[rule.restart]}" if rule.restart is not None else ""
        yield "Duration", f"{rule.lasts}{restart}"


def _guess(one: Classed) -> str:
    return " (a guess, on the careful side)" if one.rule.guess else ""
