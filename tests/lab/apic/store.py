"""The state that survives a restart: a snapshot, replaced atomically, and a journal of later transactions.

Each transaction is one line of the journal. A process that is killed while it writes leaves a torn last line, which is
ignored. Secure values are encrypted with a key in the state directory, so that a search for a password finds nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from lab.files import kept, write_private

from .planting import Planting
from .tree import ManagedObject, Tree

#: number of transactions after which a new snapshot replaces the journal
COMPACT_AFTER = 500


class Store:
    """Keeps a tree in ``directory``: call ``load`` first, then ``append`` for each transaction."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._snapshot = directory / "tree.json"
        self._journal = directory / "journal.jsonl"
        self._cipher = Fernet(kept(directory / "secret.key", lambda: Fernet.generate_key().decode()))
        self._lines = 0

    @property
    def exists(self) -> bool:
        return self._snapshot.exists()

    def load(self, tree: Tree) -> None:
        snapshot = json.loads(self._snapshot.read_text())
        planting = Planting(tree)
        self._replay(planting, snapshot)
        for record in self._records():
            if record["seq"] > snapshot["seq"]:
                self._replay(planting, record)
        tree.begin()
        self.save(tree)

    def save(self, tree: Tree) -> None:
        """Write a snapshot of everything and start an empty journal."""
        document = {"seq": 0, "gone": [], "set": [self._row(mo) for mo in _lasting(tree.root.descendants())]}
        scratch = self._snapshot.with_suffix(".new")
        write_private(scratch, json.dumps(document))
        self._journal.unlink(missing_ok=True)
        scratch.replace(self._snapshot)
        self._lines = 0

    def append(self, tree: Tree) -> None:
        """Record the changes of the tree's current transaction."""
        rows = [self._row(mo) for mo in _lasting(tree.dirty.values())]
        if not rows and not tree.gone:
            return
        self._lines += 1
        line = json.dumps({"seq": self._lines, "gone": list(tree.gone), "set": rows})
        with os.fdopen(os.open(self._journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as journal:
            journal.write(line + "\n")
        if self._lines >= COMPACT_AFTER:
            self.save(tree)

    def _records(self) -> Iterator[dict[str, Any]]:
        if not self._journal.exists():
            return
        for line in self._journal.read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return

    def _row(self, mo: ManagedObject) -> list[Any]:
        values = {p: v for p, v in mo.values.items() if mo.info.defaults[p] != v}
        sealed = {p: self._cipher.encrypt(v.encode()).decode() for p, v in mo.secrets.items()}
        return [mo.dn, values, sealed] if sealed else [mo.dn, values]

    def _replay(self, planting: Planting, record: dict[str, Any]) -> None:
        tree = planting.tree
        for dn in record["gone"]:
            if (mo := tree.get(dn)) is not None:
                tree.remove(mo)
        for dn, values, *sealed in record["set"]:
            secrets = {p: self._cipher.decrypt(v.encode()).decode() for p, v in (sealed[0] if sealed else {}).items()}
            mo = tree.get(dn)
            mo = planting.plant(dn, {}) if mo is None else mo
            tree.update(mo, {**mo.info.defaults, **values}, secrets)


def _lasting(objects: Iterable[ManagedObject]) -> Iterator[ManagedObject]:
    return (mo for mo in objects if not mo.volatile and mo.parent is not None)
