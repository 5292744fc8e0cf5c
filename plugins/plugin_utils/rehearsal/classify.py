# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Class the changes of a comparison: what each of them, and the whole, does to a running cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..comparison import CREATE, DELETE, MODIFY, Change, Comparison, Plan
from ..schema.consent import CONSENTS, Consents
from ..schema.problems import Problem, some
from .conditions import CONDITIONS, NAMED_BY
from .context import Context, Values, fields_of
from .rules import CLASSES, HITLESS, RULES, SESSION_RESET, UNKNOWN, Rule

# Policies whose content decides what a change of the relation does that names them: ``{relation: (property, class of the policy)}``.
_RELATIONS = {
    relation: (prop, cls)
    for cls, (relation, prop) in NAMED_BY.items()
    if cls in ("bgpCtxPol", "bgpBestPathCtrlPol", "bgpCtxAfPol")
}
# The condition of the rule about nodes that leave the plan, and keep running.
RELEASED = "removed"
_OF_STRANGERS = ("strangers", "asn_of_strangers")
# Attributes of a policy that are not settings: names, notes, and those that APIC maintains.
_NOT_CONTENT = (
    *("name", "dn", "rn", "annotation", "descr", "nameAlias", "ownerKey", "ownerTag", "childAction", "extMngdBy"),
    *("lcOwn", "modTs", "monPolDn", "status", "uid", "userdom"),
)
# Settings that the tree leaves out where APIC's default applies.
_DEFAULTS = {"bgpCtxPol": {"staleIntvl": "default"}}


@dataclass(frozen=True)
class Classed:
    """A change with its class.

    :ivar order: its place in the order of the pushes, from 1.
    :ivar touches: the ``nodes``, ``leaves``, ``sessions`` and ``prefixes``.
    :ivar parts: how many objects below it are created or removed with it.
    """

    order: int
    change: Change
    rule: Rule
    touches: dict[str, list[Any]]
    parts: int = 0

    @property
    def effect(self) -> str:
        """Return the class."""
        return self.rule.effect

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, as in rehearsal.json."""
        change, rule = self.change, self.rule
        return {
            "order": self.order,
            "class": rule.effect,
            "side": change.side,
            "push": change.part,
            "operation": change.operation,
            "kind": change.kind,
            "object": change.object,
            "parts": self.parts,
            "before": dict(change.before),
            "after": dict(change.after),
            "reason": rule.why,
            "lasts": rule.lasts,
            "graceful_restart": rule.restart,
            "touches": self.touches,
            "source": rule.source,
            "guess": rule.guess,
        }


@dataclass(frozen=True)
class Rehearsal:
    """A comparison with classes."""

    cluster: str
    changes: tuple[Classed, ...]
    conflicts: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def overall(self) -> str:
        """Return the worst class of the changes."""
        return max((one.effect for one in self.changes), key=CLASSES.index, default=HITLESS)

    @property
    def interrupting(self) -> list[str]:
        """Return the classes that need a consent, the worst first. The release of a node has a consent of its own (``calico.push``)."""
        found = {one.effect for one in self.changes if one.rule.when != RELEASED}
        return [effect for effect in reversed(CLASSES) if effect in found and effect in CONSENTS]

    def of(self, effect: str) -> list[Classed]:
        """Return the changes of a class."""
        return [one for one in self.changes if one.effect == effect]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, as in rehearsal.json."""
        return {
            "cluster": self.cluster,
            "overall": self.overall,
            "consent": self.interrupting,
            "changes": [one.as_dict() for one in self.changes],
            "conflicts": list(self.conflicts),
            "problems": [problem.as_dict() for problem in self.problems],
        }


def rehearse(plan: Plan, comparison: Comparison, gate: bool = True) -> Rehearsal:
    """Return the changes of a comparison with their classes, in the order of the pushes.

    :param gate: whether the push waits for the sessions with the leaves before the mesh goes off.
    """
    context = Context(plan, comparison, gate)
    parts: dict[str, int] = {}
    tops: list[tuple[int, Change]] = []
    for order, change in enumerate(comparison.changes, 1):
        if top := context.whole_of(change):
            parts[top] = parts.get(top, 0) + 1
        else:
            tops.append((order, change))
    changes = tuple(_classed(order, change, parts.get(change.object, len(change.below)), context) for order, change in tops)
    return Rehearsal(plan["cluster"], changes, tuple(comparison.conflicts), tuple(comparison.problems))


def missing_consents(rehearsal: Rehearsal, consents: Consents) -> Iterator[Problem]:
    """Yield a problem for each class of interruption that the run has no consent for."""
    for effect in rehearsal.interrupting:
        classed = [one for one in rehearsal.of(effect) if one.rule.when != RELEASED]
        why = " ".join(dict.fromkeys(one.rule.why for one in classed)).rstrip(".")
        lasts = "; ".join(dict.fromkeys(one.rule.lasts for one in classed if one.rule.lasts))
        yield from consents.require(effect, some([one.change.object for one in classed], 1), why, lasts)


def _classed(order: int, change: Change, parts: int, context: Context) -> Classed:
    rule = max(_rules(change, context), key=lambda rule: CLASSES.index(rule.effect))
    interrupts = CLASSES.index(rule.effect) >= CLASSES.index(SESSION_RESET)
    nodes = context.comparison.strangers if rule.when in _OF_STRANGERS else context.running(change)
    of_leaves = interrupts and rule.restart is not None and rule.when != "mesh_restarts"
    touches: dict[str, list[Any]] = {
        "nodes": list(nodes) if rule.effect != HITLESS else [],
        "leaves": context.leaves_of(change),
        "sessions": context.sessions(change) if of_leaves else [],
        "prefixes": context.prefixes_of(change),
    }
    return Classed(order, change, rule, touches, parts)


def _rules(change: Change, context: Context) -> list[Rule]:
    """Return the rule of each field that changes."""
    one = _effective(change, context)
    fields = fields_of(one, context.plan) or {"": (None, None)}
    return [_rule(one, field, values, context) for field, values in fields.items()]


def _rule(change: Change, field: str, values: Values, context: Context) -> Rule:
    for rule in RULES:
        if (
            change.operation in rule.operations
            and (not rule.kinds or change.kind in rule.kinds)
            and (not rule.fields or field in rule.fields)
            and (not rule.when or CONDITIONS[rule.when](change, values, context))
        ):
            return rule
    return UNKNOWN


def _effective(change: Change, context: Context) -> Change:
    """Return the change; for a relation that names another policy, the change from that policy to the new one."""
    if change.kind in _RELATIONS:
        prop, cls = _RELATIONS[change.kind]
        names = _names(change, prop, context)
        before, after = (dict(context.policy(cls, name)) for name in names)
        if before and after:
            before, after = ({**_DEFAULTS.get(cls, {}), **one} for one in (before, after))
            content = [name for name in after if name not in _NOT_CONTENT and before.get(name) != after[name]]
            if content and names[0] != names[1]:
                return replace(
                    change,
                    operation=MODIFY,
                    kind=cls,
                    before={name: before.get(name, "") for name in content},
                    after={name: after[name] for name in content},
                )
    return change


def _names(change: Change, prop: str, context: Context) -> tuple[str, str]:
    """Return the names of the policies before and after. APIC names some relations after the policy: one goes, another comes."""
    pair = [change.before.get(prop, ""), change.after.get(prop, "")]
    if change.operation in (CREATE, DELETE):
        for other in context.comparison.changes:
            if other.kind == change.kind and {other.operation, change.operation} == {CREATE, DELETE}:
                held = {**other.before, **other.after}
                if held.get("af") == {**change.before, **change.after}.get("af"):
                    pair = [one or held.get(prop, "") for one in pair]
    return pair[0], pair[1]
