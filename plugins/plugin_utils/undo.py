# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back to the state in a journal: what it changes on both sides, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..module_utils.apic.own import owned
from .apic.undo import KEPT, roots_back
from .calico.undo import push_back
from .comparison import APIC, DELETE, KUBERNETES, MODIFY, Comparison, as_reply, compare_apic, compare_kubernetes
from .journal import NAMES, Entry, described, not_of_runs
from .schema.consent import Consents
from .schema.problems import Problem, some
from .schema.text import wrapped

_VERBS = {"create": "make again", MODIFY: "change back", DELETE: "remove"}
_MOST_NAMED = 8
PASSWORDS = "A journal has no passwords: peers and the Secret that are made again get aci_calico_bgp_password, others keep the password they have."


@dataclass
class WayBack:
    """The way back to a journal.

    :ivar pushes: the roots of the two pushes to APIC (``apic.undo.roots_back``).
    :ivar kept: what the journal keeps of Kubernetes; None if the run did not change it.
    :ivar kubernetes_first: whether Kubernetes comes before APIC.
    """

    entry: Entry
    pushes: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    kept: dict[str, Any] | None = None
    kubernetes_first: bool = False
    comparison: Comparison = field(default_factory=Comparison)


def way_back(
    plan: dict[str, Any], entry: Entry, objects: Mapping[str, Any], found: dict[str, Any] | None, adopt: bool, consents: Consents
) -> WayBack:
    """Return the way back.

    :param objects: what ``aci_info`` returned for ``apic.undo.own_queries``.
    :param found: what ``calico_info`` returned as ``calico``; None if the journal has nothing of Kubernetes.
    """
    way = WayBack(entry)
    before = entry.content["before"]
    if APIC in before:
        way.pushes = roots_back(plan, before[APIC], owned(as_reply(objects), plan["cluster"], KEPT))
        named = [(_part(root), root) for roots in way.pushes for root in roots]
        way.comparison.add(compare_apic(plan, objects, adopt, roots=named))
    if KUBERNETES in before and found is not None:
        kept: dict[str, Any] = before[KUBERNETES]
        push = push_back(plan, found, kept, consents)
        way.kept, way.kubernetes_first = kept, push["first"]
        kubernetes = compare_kubernetes(plan, found, push)
        both = (kubernetes, way.comparison) if way.kubernetes_first else (way.comparison, kubernetes)
        way.comparison = Comparison().add(both[0]).add(both[1])
    return way


def _part(root: Mapping[str, Any]) -> str:
    """Return the push of site that the root corresponds to."""
    return {"subtree": "l3out", "bare": "access"}.get(root["scope"], "policies")


def changed_since(way: WayBack, journals: Sequence[Entry]) -> Iterator[Problem]:
    """Yield a warning for each side with objects that are not as the runs left them."""
    for side, name in NAMES.items():
        changes = [vars(change) for change in way.comparison.changes if change.side == side]
        others = not_of_runs(journals, side, changes)
        if others:
            count = f"{len(others)} objects are" if len(others) > 1 else "An object is"
            text = f"{name}: {count} not as the runs since the journal left them, and undo brings them back, too"
            yield Problem("undo-changed-since", some(others), text)


def told(plan: Mapping[str, Any], way: WayBack, allocation: str) -> str:
    """Return the changes of the undo as text.

    :param allocation: the allocation file if it changes.
    """
    lines = wrapped(f"{plan['cluster']}: undo of {way.entry.name}, {described(way.entry.content)}", rest="  ")
    for side, name in NAMES.items():
        for operation, verb in _VERBS.items():
            names = [one.object for one in way.comparison.changes if (one.side, one.operation) == (side, operation)]
            if names:
                lines += wrapped(f"{name}, {verb} ({len(names)}):", "  ")
                lines += [f"    {one}" for one in names[:_MOST_NAMED]]
                lines += [f"    and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    lines += wrapped(f"Allocation file: {allocation} gets the text that it had.", "  ") if allocation else []
    if not way.comparison.changes:
        lines += wrapped("Both sides are as the journal has them.", "  ")
    if any(one.kind in ("bgpPeerP", "Secret") for one in way.comparison.changes):
        lines += wrapped(PASSWORDS, "  ", "  ")
    return "\n".join(lines)
