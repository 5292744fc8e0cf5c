"""Put objects into the tree that no client can create: the seed, the stored state, and the switches' live state."""

from __future__ import annotations

from collections.abc import Iterator

from . import errors
from .documents import Posted
from .transaction import Transaction, without_addressing
from .tree import ManagedObject, Tree


class Planting(Transaction):
    """Creates and updates objects as APIC itself does: values are not checked."""

    def __init__(self, tree: Tree, now: str = "") -> None:
        super().__init__(tree, now, user="")

    def plant(self, dn: str, attributes: dict[str, str]) -> ManagedObject:
        """Create or update an object and create missing objects above it, without the checks for clients."""
        mo = self.tree.root
        for rn, info, naming in self.table.resolve(dn):
            mo = mo.children.get(rn) or self.create(info, rn, mo, naming)
        unknown = attributes.keys() - mo.info.properties.keys()
        if unknown:
            raise errors.unknown_attribute(min(unknown), mo.cls)
        secrets = {p: v for p, v in attributes.items() if mo.info.properties[p].secure}
        self.tree.update(mo, {p: v for p, v in attributes.items() if p not in secrets}, secrets)
        return mo

    def plant_tree(self, posted: Posted, parent_dn: str = "") -> Iterator[ManagedObject]:
        """Plant an object that is named by ``dn`` or, below another, by ``rn`` or its naming properties."""
        self.check_names(posted)
        given = posted.attributes
        rn = self.rn_of(posted, self.table[posted.cls], parent_dn) if parent_dn else ""
        mo = self.plant(f"{parent_dn}/{rn}" if parent_dn else given["dn"], without_addressing(given))
        yield mo
        for child in posted.children:
            yield from self.plant_tree(child, mo.dn)
