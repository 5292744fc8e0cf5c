# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences between the plan and what is deployed: one for each object, with its owner and what it would take to mend it.

The pushes decide what differs (``comparison``). Objects of others below the cluster's own are added, which the pushes leave alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...module_utils.apic import diff, mo
from ...module_utils.apic.tree import Existing, index_existing
from ...module_utils.names import BEFORE_ADOPTION, LEASE_PREFIX, MANAGED_BY, MANAGED_BY_LABEL, SHARED, owner_of
from ..apic.tree import apic_tree, flat, l3out_dns
from ..calico.peers import owner_of_object
from ..calico.push import title
from ..comparison import (
    APIC,
    CALICO,
    CREATE,
    DELETE,
    KUBERNETES,
    MODIFY,
    Change,
    Comparison,
    Objects,
    Plan,
    as_reply,
    compare_apic,
    compare_kubernetes,
)
from ..schema.problems import Problem

MISSING, DIFFERS, EXTRA = "missing", "differs", "extra"
_KIND_OF = {CREATE: MISSING, DELETE: EXTRA}
# The owners of an object.
OWN, COMMON, OTHERS, NOBODY = "this cluster", "shared", "others", "nobody"
# The part of a foreign object, which no push changes.
FOREIGN = "foreign"
_NO_CONFIGURATION = (BEFORE_ADOPTION, LEASE_PREFIX)
# The problems of a push that describe an object of others, and those that leave the state of Kubernetes unknown.
REPORTED = (
    "peer-in-the-way",
    "peer-unplanned",
    "pool-in-the-way",
    "pool-unplanned",
    "pool-cidr",
    "pool-block-size",
    "pool-of-operator",
)
PREVENTING = ("unreadable", "calico-missing", "calico-node-missing")
# Kinds of others' objects in Kubernetes that mending may delete.
_DELETABLE = ("BGPPeer",)


@dataclass
class Difference:
    """One object that differs from the plan.

    :ivar name: a short name. It changes with what was found, so that mending never acts on anything else.
    :ivar difference: ``missing``, ``differs`` or ``extra``.
    :ivar attributes: ``[{"attribute", "planned", "found"}]``; none for an object that is missing or extra.
    :ivar below: further objects that are missing with it, or would be deleted with it.
    :ivar owner: who owns the object, in words; ``held_by`` is one of OWN, COMMON, OTHERS, NOBODY.
    :ivar changed: ``{"by", "at", "from"}``: who changed it, when, and where that is recorded; empty where nothing is known.
    :ivar traffic: ``{"class", "reason"}`` of the change that mends it.
    """

    side: str
    part: str
    kind: str
    object: str
    difference: str
    attributes: list[dict[str, Any]] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    owner: str = ""
    held_by: str = OWN
    changed: dict[str, str] = field(default_factory=dict)
    right: str = ""
    rule: str = ""
    traffic: dict[str, str] = field(default_factory=dict)
    mendable: bool = True
    note: str = ""

    @property
    def name(self) -> str:
        """Return the name by which a run mends it."""
        content = json.dumps([self.object, self.difference, self.attributes, self.below], sort_keys=True)
        return f"{self.side}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"

    @property
    def foreign(self) -> bool:
        """Return whether the object is not this cluster's alone."""
        return self.held_by != OWN

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        shown = {
            name: getattr(self, name) for name in ("name", "side", "kind", "object", "difference", "attributes", "below", "owner")
        }
        changed = {f"changed_{name}": self.changed.get(name, "") for name in ("by", "at", "from")}
        told = {name: getattr(self, name) for name in ("right", "rule", "traffic", "mendable", "note")}
        return shown | changed | told


@dataclass
class Found:
    """The differences of both sides, the comparison that they come from, and problems that prevent a judgement."""

    differences: list[Difference]
    comparison: Comparison
    problems: list[Problem] = field(default_factory=list)


# --- APIC ------------------------------------------------------------------------------------------------------------


def on_apic(plan: Plan, objects: Objects) -> Found:
    """Return the differences on APIC.

    :param objects: what ``aci_info`` returned for ``comparison.apic_queries``.
    """
    comparison = compare_apic(plan, objects, adopt=True)
    existing = index_existing(as_reply(objects))
    owner = owner_of(plan["cluster"])
    l3outs = tuple(f"{dn}/" for dn in l3out_dns(plan))
    changes = [one for one in comparison.changes if not _is_bookkeeping(one, existing, owner, l3outs)]
    comparison.changes = changes
    differences = [_of_apic(one, existing, owner, l3outs) for one in _topmost(changes)]
    differences += [_addition(one) for one in _additions(plan, existing, owner, l3outs)]
    return Found(differences, comparison)


def _is_bookkeeping(change: Change, existing: Mapping[str, Existing], owner: str, l3outs: tuple[str, ...]) -> bool:
    """Return whether a change only takes over an object of others that is as planned, or notes what it was."""
    if change.kind == "tagAnnotation" and change.object.rpartition("/annotationKey-[")[2].startswith(_NO_CONFIGURATION):
        return True
    parent = existing.get(mo.parent_dn(change.object))
    if change.kind == "tagAnnotation" and change.operation == CREATE:
        return parent is not None and diff.ownership(parent, owner) == diff.FOREIGN
    if set(change.after) != {"annotation"} or change.operation != MODIFY:
        return False
    # Without its mark, teardown would leave an own object behind.
    return not _lost_mark(existing[change.object], l3outs)


def _topmost(changes: Sequence[Change]) -> Iterator[Change]:
    """Yield the changes; a missing object is reported with the missing ones below it."""
    created = {one.object for one in changes if one.operation == CREATE}
    below: dict[str, list[str]] = {}
    tops = {dn: mo.topmost_above(dn, created) for dn in created}
    for dn, top in tops.items():
        below.setdefault(top, []).append(dn)
    for one in changes:
        if one.operation != CREATE or not tops[one.object]:
            yield replace(one, below=tuple(sorted(below.get(one.object, one.below))))


def _of_apic(change: Change, existing: Mapping[str, Existing], owner: str, l3outs: tuple[str, ...]) -> Difference:
    held = existing.get(change.object)
    difference = _KIND_OF.get(change.operation, DIFFERS)
    held_by, words = _owner(held, owner) if held else (OWN, OWN)
    if held and difference == DIFFERS and _lost_mark(held, l3outs):
        held_by = OWN
    attributes = [] if difference != DIFFERS else list(_attributes(change))
    return Difference(APIC, change.part, change.kind, change.object, difference, attributes, list(change.below), words, held_by)


def _lost_mark(held: Existing, l3outs: tuple[str, ...]) -> bool:
    """Return whether an object is in an own L3Out and has no mark of an owner, as others or the cluster would have set it."""
    return held.annotation == "" and f"{held.key}/".startswith(l3outs)


def _attributes(change: Change) -> Iterator[dict[str, Any]]:
    for name in change.fields:
        yield {"attribute": name, "planned": change.after.get(name), "found": change.before.get(name)}


def _owner(held: Existing, owner: str) -> tuple[str, str]:
    kind = diff.ownership(held, owner)
    if kind == diff.OURS:
        return OWN, OWN
    if kind == diff.COMMON:
        others = sorted(diff.users_of(held) - {owner})
        return (COMMON, f"shared with {', '.join(others)}") if others else (OWN, OWN)
    return _stranger(held)


def _stranger(held: Existing) -> tuple[str, str]:
    return (OTHERS, held.annotation) if held.annotation else (NOBODY, "nobody (no annotation)")


def _additions(plan: Plan, existing: Mapping[str, Existing], owner: str, l3outs: tuple[str, ...]) -> Iterator[Existing]:
    """Yield the topmost objects that others have put below the cluster's own objects."""
    planned = set(flat(apic_tree(plan)))
    for key, found in existing.items():
        if key in planned or found.parent is None or not _is_configured(found):
            continue
        if (found.annotation or "").startswith(SHARED):  # this cluster's, or another one's by its own plan
            continue
        if _is_ours(found.parent, owner, planned, l3outs):
            yield found


def _is_configured(found: Existing) -> bool:
    """Return whether somebody configured an object, and neither APIC nor a label of another object did."""
    attributes = found.attributes
    if found.annotation is None or mo.is_tag(found.cls) or mo.is_report(found.cls) or mo.is_implicit(found.cls):
        return False
    made_by_apic = not found.annotation and attributes.get("uid") == "0"
    return attributes.get("lcOwn", "local") == "local" and not made_by_apic


def _is_ours(parent: Existing, owner: str, planned: set[str], l3outs: tuple[str, ...]) -> bool:
    """Return whether an object is the cluster's, also if its mark was removed."""
    if parent.key in planned:
        return _owner(parent, owner)[0] == OWN or _lost_mark(parent, l3outs)
    return parent.annotation == owner


def _addition(found: Existing) -> Difference:
    below = sorted(one.key for one in found.descendants() if one.annotation is not None)
    held_by, words = _stranger(found)
    return Difference(APIC, FOREIGN, found.cls, found.key, EXTRA, [], below, words, held_by)


# --- Kubernetes ------------------------------------------------------------------------------------------------------


def in_kubernetes(plan: Plan, found: dict[str, Any]) -> Found:
    """Return the differences in Kubernetes.

    :param found: what ``calico_info`` returned as ``calico``.
    """
    choices: dict[str, Any] = {"adopt": True, "manage_installation": True, "only_shown": True}
    if found["password_matches"] is False:
        choices["update_password"] = "always"
    comparison = compare_kubernetes(plan, found, **choices)
    held = {title(one): one for one in found["objects"]}
    differences = [_of_kubernetes(plan, one, held.get(one.object)) for one in comparison.changes]
    known = {one.object for one in differences}
    others = [one for one in comparison.problems if one.id in REPORTED and one.path not in known]
    differences += [_reported(plan, one, held.get(one.path)) for one in others]
    return Found(differences, comparison, [one for one in comparison.problems if one.id in PREVENTING])


def _of_kubernetes(plan: Plan, change: Change, held: dict[str, Any] | None) -> Difference:
    difference = _KIND_OF.get(change.operation, DIFFERS)
    held_by, words = _keeper(plan, change.kind, held)
    attributes = [] if difference != DIFFERS else list(_fields(change.before, change.after))
    return Difference(KUBERNETES, CALICO, change.kind, change.object, difference, attributes, [], words, held_by)


def _fields(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield each field of two nested manifests that differs; a name that has a dot or slash is in brackets."""
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = (side if isinstance(side, dict) else {} for side in (before, after))
        if old or new:
            for name in sorted({*old, *new}):
                yield from _fields(old.get(name), new.get(name), (*path, name))
            return
    yield {"attribute": spelled(path), "planned": after, "found": before}


def spelled(path: Iterable[str]) -> str:
    """Return the path of a field as text."""
    text = ""
    for name in path:
        plain = name.replace("_", "").replace("-", "").isalnum()
        text += (f".{name}" if text else name) if plain else f"[{name}]"
    return text


def _keeper(plan: Plan, kind: str, held: dict[str, Any] | None) -> tuple[str, str]:
    """Return the owner of an object in Kubernetes. Nodes, pools and the configuration are Calico's, and the plan adjusts them."""
    if held is None or kind in ("Node", "IPPool", "BGPConfiguration", "Installation"):
        return OWN, OWN
    cluster = owner_of_object(held)
    if cluster:
        return (OWN, OWN) if cluster == plan["cluster"] else (OTHERS, f"cluster {cluster}")
    manager = (held["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL)
    return (OTHERS, manager) if manager and manager != MANAGED_BY else (NOBODY, "nobody (no labels of this collection)")


def _reported(plan: Plan, problem: Problem, held: dict[str, Any] | None) -> Difference:
    """Return the difference that a problem of the push describes: an object of others that no push changes."""
    kind = problem.path.partition("/")[0]
    held_by, words = _keeper(plan, "", held)
    settled = problem.id in ("pool-cidr", "pool-block-size", "pool-of-operator")
    return Difference(
        KUBERNETES,
        FOREIGN,
        kind,
        problem.path,
        DIFFERS if settled else EXTRA,
        owner=words,
        held_by=OWN if settled else held_by,
        mendable=kind in _DELETABLE,
        note=problem.problem,
    )
