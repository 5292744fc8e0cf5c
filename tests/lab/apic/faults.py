"""Faults that appear with their cause and disappear with it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .tree import ManagedObject, Tree


@dataclass(frozen=True)
class Fault:
    code: str
    cause: str
    subject: str
    severity: str
    descr: str


def reconcile(tree: Tree, suspects: Iterable[ManagedObject], now: str) -> None:
    """Raise and clear the faults of the suspects and of the objects above them that depend on them."""
    looked_at = set()
    for suspect in suspects:
        for mo in (suspect, *suspect.ancestors()):
            if mo.dn not in looked_at and (mo.info.relation or mo.cls in _RULES):
                looked_at.add(mo.dn)
                _reconcile(tree, mo, now)


def _reconcile(tree: Tree, mo: ManagedObject, now: str) -> None:
    wanted = {fault.code: fault for fault in _expected(mo)}
    for present in mo.children_of("faultInst"):
        if wanted.pop(present.values["code"], None) is None:
            tree.remove(present)
    for fault in wanted.values():
        _raise(tree, mo, fault, now)


def _expected(mo: ManagedObject) -> Iterator[Fault]:
    relation = mo.info.relation
    if relation and relation.fault and mo.values.get("state") == "missing-target":
        name = mo.values[relation.by] if relation.by else mo.values["tDn"]
        descr = f"Relation {mo.dn} has no target: {relation.to} {name} does not exist"
        yield Fault(relation.fault, "resolution-failed", "relation-resolution", "warning", descr)
    if mo.cls in _RULES:
        yield from _RULES[mo.cls](mo)


def _floating_addresses_in_subnet(mo: ManagedObject) -> Iterator[Fault]:
    """Yield F3744 for a floating address that is unset or outside the subnet of its interface."""
    network = ipaddress.ip_interface(mo.values["addr"]).network
    for path in mo.children_of("l3extRsDynPathAtt"):
        floating = ipaddress.ip_interface(path.values["floatingAddr"])
        if floating.ip.is_unspecified or floating.ip not in network:
            descr = f"Floating address {path.values['floatingAddr']} is not in the subnet of {mo.values['addr']}: {mo.dn}"
            yield Fault("F3744", "configuration-failed", "different-subnets", "major", descr)
            return


_RULES: dict[str, Callable[[ManagedObject], Iterator[Fault]]] = {"l3extVirtualLIfP": _floating_addresses_in_subnet}


def _raise(tree: Tree, mo: ManagedObject, fault: Fault, now: str) -> None:
    info = tree.table["faultInst"]
    severities = dict.fromkeys(("severity", "highestSeverity", "origSeverity", "prevSeverity"), fault.severity)
    times = dict.fromkeys(("created", "lastTransition", "modTs"), now)
    about = {
        "code": fault.code,
        "cause": fault.cause,
        "subject": fault.subject,
        "descr": fault.descr,
        "domain": "tenant" if mo.dn.startswith("uni/tn-") else "infra",
        "lc": "raised",
        "occur": "1",
        "type": "config",
    }
    tree.add(info, f"fault-{fault.code}", mo, {**info.defaults, **about, **severities, **times})
