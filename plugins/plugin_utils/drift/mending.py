# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide what a run mends: the differences that it names, and the objects of each push that may change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...module_utils.apic.mo import rn_from
from ...module_utils.names import BEFORE_ADOPTION
from ..apic.tree import l3out_dns
from ..comparison import APIC, PARTS, Comparison
from ..schema.problems import Problem, did_you_mean
from .differences import COMMON, DIFFERS, FOREIGN, Difference
from .report import PLAN

MEND, ALL = "aci_calico_mend", "all"


def chosen(differences: Sequence[Difference], names: Sequence[str]) -> tuple[list[Difference], list[Problem]]:
    """Return the differences that a run mends, and the problems of its choice.

    :param names: names of differences; ``all`` stands for all differences of the cluster's own objects.
    """
    if not names:
        return [], [Problem("mend-nothing", MEND, "It names no difference")]
    known = {one.name: one for one in differences}
    unknown = [name for name in dict.fromkeys(names) if name not in known and name != ALL]
    problems = [
        Problem("mend-unknown", MEND, f"{name} is no difference now. {did_you_mean(name, known)}".strip()) for name in unknown
    ]
    result = []
    for one in differences:
        if one.name in names and not one.mendable:
            problems.append(Problem("mend-impossible", one.object, one.note or "It belongs to others"))
        elif one.name in names or (ALL in names and one.right == PLAN and one.mendable):
            result.append(one)
    return result, problems


def limited(comparison: Comparison, differences: Sequence[Difference]) -> Comparison:
    """Return the changes that mend these differences."""
    objects = {(one.side, name) for one in differences for name in (one.object, *one.below)}
    changes = [one for one in comparison.changes if (one.side, one.object) in objects]
    return replace(comparison, changes=changes, conflicts=[], problems=[])


def apic_pushes(plan: Mapping[str, Any], differences: Sequence[Difference]) -> Iterator[tuple[str, list[str]]]:
    """Yield each push to APIC with the objects that it may change."""
    for part in PARTS:
        mine = [one for one in differences if one.side == APIC and _part(plan, one) == part]
        only = [dn for one in mine for dn in (one.object, *one.below, *_notes(one))]
        if only:
            yield part, only


def _part(plan: Mapping[str, Any], difference: Difference) -> str:
    """Return the push that reads the object."""
    if difference.part != FOREIGN:
        return difference.part
    if difference.object.startswith(tuple(f"{dn}/" for dn in l3out_dns(plan))):
        return "l3out"
    return "policies" if difference.object.startswith("uni/tn-") else "access"


def _notes(difference: Difference) -> list[str]:
    """Return the tag that keeps the former values of an object which the mending takes over."""
    if not difference.foreign or difference.held_by == COMMON or difference.difference != DIFFERS:
        return []
    return [f"{difference.object}/{rn_from('tagAnnotation', {'key': BEFORE_ADOPTION})}"]
