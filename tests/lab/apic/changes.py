"""The effects of a transaction, and their form in ``rsp-subtree=modified``."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.dn import split_dn

from .documents import Node
from .tree import ManagedObject


@dataclass
class Change:
    """The change of one object: ``status`` is created, modified or deleted.

    ``attributes`` holds the modified properties, ``before`` what they held.
    """

    mo: ManagedObject
    status: str
    attributes: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)


def changes_as_nodes(changes: dict[str, Change]) -> list[Node]:
    """Return changes as ``rsp-subtree=modified`` shows them: the topmost changed objects with changed ones nested below."""
    nodes: dict[str, Node] = {}
    roots: list[Node] = []
    for dn, change in sorted(changes.items(), key=lambda item: len(split_dn(item[0]))):
        above = next((nodes[mo.dn] for mo in change.mo.ancestors() if mo.dn in nodes), None)
        node = nodes[dn] = Node(change.mo, attributes=_shown(change, top=above is None))
        (roots if above is None else above.children).append(node)
    for node in nodes.values():
        node.children.sort(key=lambda child: child.mo.info.rank)
    return roots


def _shown(change: Change, top: bool) -> dict[str, str]:
    """Return all properties of an object that was created or deleted; names and changes of a modified one."""
    mo = change.mo
    shown = mo.values
    if change.status == "modified":
        shown = {p: mo.values[p] for p in (*mo.info.naming, *change.attributes) if p in mo.values}
    address = {"dn": mo.dn, "rn": ""} if top else {"rn": mo.rn}
    return dict(sorted({**shown, **address, "status": change.status}.items()))
