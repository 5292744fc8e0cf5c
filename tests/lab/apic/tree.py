"""Managed objects in memory: the tree, its indexes, and elementary changes that can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lab.dn import parent_dn

from .model import ROOT, ClassInfo, ClassTable


class ManagedObject:
    """One object: ``values`` holds every visible property, ``secrets`` the secure ones that no GET returns.

    ``volatile`` objects mirror a switch's live state and do not survive a restart. Renderers keep their results in
    ``cache``, which is emptied whenever a value changes.
    """

    __slots__ = ("cache", "children", "dn", "info", "parent", "rn", "secrets", "values", "volatile")

    def __init__(self, info: ClassInfo, rn: str, parent: ManagedObject | None, values: dict[str, str]) -> None:
        self.info = info
        self.rn = rn
        self.parent = parent
        self.dn: str = f"{parent.dn}/{rn}" if parent is not None and parent.dn else rn
        self.values = values
        self.secrets: dict[str, str] = {}
        self.children: dict[str, ManagedObject] = {}
        self.volatile = False
        self.cache: dict[Any, str] = {}

    @property
    def cls(self) -> str:
        return self.info.name

    @property
    def container(self) -> ManagedObject:
        """Return the object above this one; only the root has none."""
        assert self.parent is not None
        return self.parent

    def get(self, prop: str) -> str | None:
        """Return a visible property, ``dn``, ``rn``, or the always empty ``status`` and ``childAction``."""
        if prop in self.values:
            return self.values[prop]
        return {"dn": self.dn, "rn": self.rn, "status": "", "childAction": ""}.get(prop)

    def descendants(self) -> Iterator[ManagedObject]:
        """Yield this object and everything below it, parents first."""
        stack = [self]
        while stack:
            mo = stack.pop()
            yield mo
            stack.extend(reversed(mo.children.values()))

    def ancestors(self) -> Iterator[ManagedObject]:
        """Yield the objects above this one, nearest first."""
        mo = self.parent
        while mo is not None:
            yield mo
            mo = mo.parent

    def ancestor(self, cls: str) -> ManagedObject:
        """Return the nearest object of a class above this one, which must exist."""
        return next(mo for mo in self.ancestors() if mo.cls == cls)

    def children_of(self, cls: str) -> list[ManagedObject]:
        return [mo for mo in self.children.values() if mo.cls == cls]


class Tree:
    """The tree with its indexes by distinguished name and by class.

    ``begin`` opens a transaction, whose changes can all be undone. ``dirty`` and ``gone`` collect the DNs of written
    objects and of removed subtrees (which may exist again).
    """

    def __init__(self, table: ClassTable) -> None:
        self.table = table
        self.root = ManagedObject(table[ROOT], "", None, {})
        self.by_dn: dict[str, ManagedObject] = {"": self.root}
        self.by_class: dict[str, dict[str, ManagedObject]] = {}
        self.dirty: dict[str, ManagedObject] = {}
        self.gone: dict[str, None] = {}
        self._undo: list[Callable[[], None]] = []

    def get(self, dn: str) -> ManagedObject | None:
        return self.by_dn.get(dn)

    def of_class(self, cls: str) -> list[ManagedObject]:
        """Return every object of a class, or of the classes below an abstract one."""
        return [mo for name in self.table.concrete(cls) for mo in self.by_class.get(name, {}).values()]

    def begin(self) -> None:
        self._undo.clear()
        self.dirty.clear()
        self.gone.clear()

    def roll_back(self) -> None:
        """Undo everything since ``begin``."""
        steps = self._undo
        self._undo = []
        for step in reversed(steps):
            step()
        self.begin()

    def add(self, info: ClassInfo, rn: str, parent: ManagedObject, values: dict[str, str]) -> ManagedObject:
        mo = ManagedObject(info, rn, parent, values)
        parent.children[rn] = mo
        self._index(mo)
        self.dirty[mo.dn] = mo
        self._undo.append(lambda: self._detach(mo))
        return mo

    def remove(self, mo: ManagedObject) -> list[ManagedObject]:
        """Remove an object with everything below it; return the removed objects, parents first."""
        gone = list(mo.descendants())
        container = mo.container
        siblings = dict(container.children)
        self._detach(mo)
        self.gone[mo.dn] = None
        for each in gone:
            self.dirty.pop(each.dn, None)

        def put_back() -> None:
            container.children.clear()
            container.children.update(siblings)
            for each in gone:
                self._index(each)

        self._undo.append(put_back)
        return gone

    def update(self, mo: ManagedObject, changes: dict[str, str], secrets: dict[str, str] | None = None) -> None:
        before, secrets_before = dict(mo.values), dict(mo.secrets)
        mo.values.update(changes)
        mo.secrets.update(secrets or {})
        mo.cache.clear()
        self.dirty[mo.dn] = mo

        def restore() -> None:
            mo.values = before
            mo.secrets = secrets_before
            mo.cache.clear()

        self._undo.append(restore)

    def parent_of(self, dn: str) -> ManagedObject | None:
        return self.by_dn.get(parent_dn(dn))

    def _index(self, mo: ManagedObject) -> None:
        self.by_dn[mo.dn] = mo
        self.by_class.setdefault(mo.cls, {})[mo.dn] = mo

    def _detach(self, mo: ManagedObject) -> None:
        for each in mo.descendants():
            del self.by_dn[each.dn]
            del self.by_class[each.cls][each.dn]
        del mo.container.children[mo.rn]
