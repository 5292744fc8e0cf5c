"""The audit log: a record (``aaaModLR``) of each object that a user created, modified or deleted.

Attributes and DN are those of a recorded reply in the tests of a public Go client (``subj-[DN]/mod-ID``, ``affected``, ``ind``,
``trig``, ``descr``, ``modTs: never``). Public scripts query it by ``affected``, ``created`` and ``user``.

Guesses: the form of ``changeSet`` for more than one attribute; that each configured object of a deleted subtree has a record; that
objects which come and go with others have none; the code; the number of records that APIC keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .changes import Change
from .tree import ManagedObject, Tree

CLASS = "aaaModLR"
#: the oldest records make room for new ones
MOST = 10_000
_VERBS = {"created": "creation", "modified": "modification", "deleted": "deletion"}
_FIRST = 4294967296


class AuditLog:
    """Notes changes in the tree's indexes. Records are in no subtree and end with the process."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._info = tree.table[CLASS]
        self._records = tree.by_class.setdefault(CLASS, {})
        self._next = _FIRST
        self._transaction = _FIRST

    def note(self, changes: Iterable[Change], removed: Iterable[ManagedObject], user: str, now: str) -> None:
        """Note the changes of one transaction, and the objects that it removed."""
        self._transaction += 1
        kept = {change.mo.dn: change for change in changes if not change.mo.info.fixed or change.status == "modified"}
        kept |= {mo.dn: Change(mo, "deleted") for mo in removed if not mo.info.fixed and not mo.volatile}
        for change in kept.values():
            self._add(change, user, now)
        while len(self._records) > MOST:
            oldest = next(iter(self._records))
            del self._records[oldest], self._tree.by_dn[oldest]

    def _add(self, change: Change, user: str, now: str) -> None:
        self._next += 1
        mo = change.mo
        values = {
            "affected": mo.dn,
            "changeSet": ", ".join(_change_set(change)),
            "created": now,
            "descr": f"{mo.cls} {mo.values.get('name', mo.rn)} {change.status}",
            "id": str(self._next),
            "ind": _VERBS[change.status],
            "txId": str(self._transaction),
            "user": user,
        }
        record = ManagedObject(self._info, f"subj-[{mo.dn}]/mod-{self._next}", self._tree.root, {**self._info.defaults, **values})
        self._records[record.dn] = self._tree.by_dn[record.dn] = record


def _change_set(change: Change) -> Iterator[str]:
    """Yield what changed: ``mtu (Old: 9000, New: 8900)``, ``name:web``. Secure values are left out."""
    mo = change.mo
    if change.status == "modified":
        for prop, value in change.attributes.items():
            if not mo.info.properties[prop].secure:
                yield f"{prop} (Old: {change.before.get(prop, '')}, New: {value})"
    elif change.status == "created":
        for prop in mo.info.configurable:
            if mo.values.get(prop, "") != mo.info.defaults.get(prop, "") and prop not in ("uid", "userdom", "modTs"):
                yield f"{prop}:{mo.values[prop]}"
