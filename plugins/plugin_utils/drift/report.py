# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a search for drift: which side is right, text, data and JUnit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from ..documents.junit import document, failure
from ..schema.text import wrapped
from .differences import COMMON, DIFFERS, EXTRA, FOREIGN, MISSING, Difference

PLAN, UNDECIDED = "plan", "undecided"
# Values and objects below are shown up to this number and length.
_MOST, _LONGEST = 6, 60


@dataclass(frozen=True)
class Rule:
    """The side that is right, and the reason."""

    right: str
    text: str


# By id; the first one that applies decides, in the order of ``_rule_of``.
RULES = {
    "addition": Rule(UNDECIDED, "Others put it below an object of this cluster. Ask its owner; it stays unless a run names it."),
    "foreign": Rule(
        UNDECIDED, "It has the planned name and does not belong to this cluster. Agree with its owner, or use another name."
    ),
    "shared": Rule(UNDECIDED, "Other clusters use it too. Agree on the value with them."),
    "own-account": Rule(
        PLAN,
        "The account of this connection changed it last: the inventory has changed since, a run is unfinished, or somebody used the account.",
    ),
    "own": Rule(PLAN, "It belongs to this cluster, whose inventory decides. If the change is wanted, change the inventory."),
}
_TITLES = {MISSING: "is missing", DIFFERS: "differs", EXTRA: "is not planned"}


def judge(differences: Iterable[Difference], accounts: Mapping[str, Sequence[str]]) -> None:
    """Set which side is right for each difference, and by which rule.

    :param accounts: the names under which runs of this collection write, by side.
    """
    for one in differences:
        one.rule = _rule_of(one, accounts.get(one.side, ()))
        one.right = RULES[one.rule].right


def _rule_of(difference: Difference, accounts: Sequence[str]) -> str:
    if difference.foreign:
        if difference.held_by == COMMON:
            return "shared"
        return "addition" if difference.part == FOREIGN else "foreign"
    return "own-account" if difference.changed.get("by") in accounts else "own"


def as_data(cluster: str, differences: Sequence[Difference]) -> dict[str, Any]:
    """Return the report as plain data (``drift.json``)."""
    return {
        "cluster": cluster,
        "drifted": bool(differences),
        "differences": [{**one.as_dict(), "rule_text": RULES[one.rule].text} for one in differences],
    }


# --- text ------------------------------------------------------------------------------------------------------------


def verdict(report: Mapping[str, Any]) -> str:
    """Return the result in one sentence."""
    found = report["differences"]
    if not found:
        return f"cluster {report['cluster']}: no drift, both sides are as planned"
    sides = {"apic": "on APIC", "kubernetes": "in Kubernetes"}
    counts = [f"{sum(one['side'] == side for one in found)} {words}" for side, words in sides.items()]
    return (
        f"cluster {report['cluster']}: {len(found)} {'difference' if len(found) == 1 else 'differences'}, {' and '.join(counts)}"
    )


def explain(report: Mapping[str, Any]) -> list[str]:
    """Return the differences as lines of text."""
    lines: list[str] = []
    for number, one in enumerate(report["differences"], 1):
        lines += [
            "",
            *wrapped(f"{one['object']} ({one['kind']}) {_TITLES[one['difference']]} [{one['name']}]", f"{number}. ", "   "),
        ]
        for title, text in _told(one):
            lines += wrapped(text, f"   {title + ':':9}")
    return lines


def _told(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if one["note"]:
        yield "what", one["note"]
    for attribute in one["attributes"][:_MOST]:
        yield "field", f"{attribute['attribute']} is {_shown(attribute['found'])}, planned {_shown(attribute['planned'])}"
    if len(one["attributes"]) > _MOST:
        yield "field", f"and {len(one['attributes']) - _MOST} more"
    if one["below"]:
        shown = [dn.removeprefix(f"{one['object']}/") for dn in one["below"][:_MOST]]
        more = f" and {len(one['below']) - _MOST} more" if len(one["below"]) > _MOST else ""
        yield "with", f"{', '.join(shown)}{more}"
    yield "owner", one["owner"]
    yield "changed", _changed(one)
    yield "right", f"{one['right']}: {one['rule_text']}"
    if one["traffic"]:
        yield "mending", f"{one['traffic']['class']}: {one['traffic']['reason']}"
    elif not one["mendable"]:
        yield "mending", "not by this collection: remove or correct it by hand"


def _shown(value: Any) -> str:
    text = "unset" if value in (None, "") else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _changed(one: Mapping[str, Any]) -> str:
    if not one["changed_at"]:
        return "neither side has a record of it"
    who = f"by {one['changed_by']}" if one["changed_by"] else "by an unknown user"
    return f"{who}, {one['changed_at']} ({one['changed_from']})"


# --- JUnit -----------------------------------------------------------------------------------------------------------


def junit(report: Mapping[str, Any]) -> str:
    """Return the report as JUnit XML: a test for each side, and a failed one for each difference."""
    suites: dict[str, list[ElementTree.Element]] = {}
    for side in ("apic", "kubernetes"):
        found = [one for one in report["differences"] if one["side"] == side]
        cases = [_case(one) for one in found]
        suites[side] = cases or [ElementTree.Element("testcase", name="as planned")]
    return document(report["cluster"], suites)


def _case(one: Mapping[str, Any]) -> ElementTree.Element:
    case = ElementTree.Element("testcase", name=f"{one['object']} [{one['name']}]")
    lines = [f"{title}: {text}" for title, text in _told(one)]
    failure(case, f"{one['kind']} {_TITLES[one['difference']]}", lines)
    return case
