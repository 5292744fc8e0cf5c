"""Resolve relations: by name in the tenant, in ``common`` and in the fabric's policies, or by distinguished name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .model import Relation
from .tree import ManagedObject, Tree

#: policies that tenants' and ports' relations fall back to
_FALLBACKS = ("uni/tn-common", "uni/infra", "uni/fabric")


class Relations:
    """Keeps ``state``, ``tDn`` and similar properties of relations consistent with the existing targets."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._waiting: dict[str, set[str]] = {}

    def rebuild(self) -> list[ManagedObject]:
        """Resolve every relation in the tree; return all of them."""
        self._waiting.clear()
        relations = [mo for mo in self._tree.by_dn.values() if mo.info.relation]
        for mo in relations:
            self._resolve(mo)
        return relations

    def settle(self, touched: Iterable[ManagedObject], removed: Iterable[str]) -> list[ManagedObject]:
        """Resolve touched relations and relations whose target appeared or vanished; return all that were resolved."""
        pending = {}
        for mo in touched:
            if mo.info.relation:
                pending[mo.dn] = mo
            pending.update(self._watching(mo.dn))
        for dn in removed:
            pending.update(self._watching(dn))
        for mo in pending.values():
            self._resolve(mo)
        return list(pending.values())

    def _watching(self, dn: str) -> dict[str, ManagedObject]:
        found = ((relation, self._tree.get(relation)) for relation in self._waiting.get(dn, ()))
        return {relation: mo for relation, mo in found if mo is not None}

    def _resolve(self, mo: ManagedObject) -> None:
        relation = mo.info.relation
        if relation is None or not relation.tracked:
            return
        name = mo.values.get(relation.by) if relation.by else None
        target = None
        for dn in self._candidates(mo, relation, name):
            self._waiting.setdefault(dn, set()).add(mo.dn)
            target = target or self._target(dn, relation)
        if relation.by and not name:
            state, qualifier = ("formed", "default-target") if target else ("unformed", "none")
        else:
            state, qualifier = ("formed" if target else "missing-target"), "none"
        self._store(mo, relation, target, state, qualifier)

    def _target(self, dn: str, relation: Relation) -> ManagedObject | None:
        mo = self._tree.get(dn)
        return mo if mo and mo.cls in self._tree.table.concrete(relation.to) else None

    def _candidates(self, mo: ManagedObject, relation: Relation, name: str | None) -> Iterator[str]:
        """Yield the DNs that the target may have, the nearest first."""
        if relation.by is None:
            yield mo.values["tDn"]
            return
        for cls in self._tree.table.concrete(relation.to):
            info = self._tree.table[cls]
            rn = info.build_rn(dict.fromkeys(info.naming_in_rn, name or "default"))
            above = [each for each in mo.ancestors() if each.cls in info.containers] if name else []
            fallbacks = [self._tree.get(dn) for dn in _FALLBACKS]
            above += [each for each in fallbacks if each and each.cls in info.containers and each not in above]
            yield from (f"{each.dn}/{rn}" for each in above)

    def _store(self, mo: ManagedObject, relation: Relation, target: ManagedObject | None, state: str, qualifier: str) -> None:
        wanted = {"state": state, "stateQual": qualifier}
        if relation.by:
            wanted.update(tDn=target.dn if target else "", tRn=target.rn if target else "")
            if "tContextDn" in mo.values:
                wanted["tContextDn"] = ""
        if target:
            wanted["tCl"] = target.cls
        changed = {p: v for p, v in wanted.items() if p in mo.values and mo.values[p] != v}
        if changed:
            self._tree.update(mo, changed)
