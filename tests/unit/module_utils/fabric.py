"""A tiny APIC in memory for the tests of the tree comparison: objects by DN, read as a whole, changed by one POST.

Naming, containment and values are the business of the lab's emulator; this one only does what a POST says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.netops.aci_calico.plugins.module_utils.apic import mo
from ansible_collections.netops.aci_calico.plugins.module_utils.apic.diff import Difference, Rules, compare, payload, remove
from ansible_collections.netops.aci_calico.plugins.module_utils.apic.tree import index_existing, parse_wanted

CLUSTER = "prod1"
OURS = f"orchestrator:aci-calico:{CLUSTER}"
SHARED = "orchestrator:aci-calico"

IMPLICIT = {
    "l3extOut": ["l3extRsEctx"],
    "l3extInstP": ["fvRsCustQosPol"],
    "bgpPeerP": ["bgpRsPeerPfxPol"],
    "fvCtx": ["fvRsBgpCtxPol"],
}


class Refused(Exception):
    """The POST was not carried out."""


def an(cls: str, *children: dict[str, Any], **attributes: str) -> dict[str, Any]:
    """A managed object in APIC's JSON."""
    return {cls: {"attributes": attributes, "children": list(children)}}


class Fabric:
    """``objects`` maps the DN to ``(class, attributes)``, parents before children."""

    def __init__(self, root_dn: str, root_class: str) -> None:
        self.root_dn = root_dn
        self.root_class = root_class
        self.objects: dict[str, tuple[str, dict[str, str]]] = {}

    def make(self, tree: dict[str, Any], below: str | None = None) -> Fabric:
        """Somebody makes objects by hand, below the root's parent unless told otherwise."""
        self._apply(tree, mo.parent_dn(self.root_dn) if below is None else below, self.objects)
        return self

    def snapshot(self) -> dict[str, tuple[str, dict[str, str]]]:
        return {dn: (cls, dict(attributes)) for dn, (cls, attributes) in self.objects.items()}

    def imdata(self) -> list[dict[str, Any]]:
        """The answer to a GET of the root with ``rsp-subtree=full``."""
        if self.root_dn not in self.objects:
            return []
        nodes: dict[str, dict[str, Any]] = {}
        for dn, (cls, attributes) in self.objects.items():
            place = {"dn": dn} if dn == self.root_dn else {"rn": mo.split_dn(dn)[-1]}
            nodes[dn] = {cls: {"attributes": {**attributes, **place}, "children": []}}
            if dn != self.root_dn:
                next(iter(nodes[mo.parent_dn(dn)].values()))["children"].append(nodes[dn])
        return [nodes[self.root_dn]]

    def flat(self, classes: Iterable[str]) -> list[dict[str, Any]]:
        """An answer that has each object of some classes at its top."""
        return [{c: {"attributes": {**a, "dn": dn}}} for dn, (c, a) in self.objects.items() if c in classes]

    def post(self, body: dict[str, Any]) -> None:
        """Carry out a POST to the root: as a whole, or not at all."""
        objects = self.snapshot()
        self._apply(body, mo.parent_dn(self.root_dn), objects)
        self.objects = objects

    def _apply(self, body: dict[str, Any], parent: str, objects: dict[str, tuple[str, dict[str, str]]]) -> None:
        cls, content = next(iter(body.items()))
        assert next(iter(content)) == "attributes"
        given = dict(content["attributes"])
        assert all(isinstance(value, str) for value in given.values()), given
        status, dn = given.pop("status", ""), given.pop("dn", None)
        rn = given.pop("rn", None)
        if dn is None:
            rn = rn or mo.CLASSES[cls].rn(given)
            dn = f"{parent}/{rn}" if parent else rn
        if status == "deleted":
            self._delete(dn, objects)
            return
        if dn not in objects:
            if status == "modified":
                raise Refused(f"102 {dn}")
            self._create(cls, dn, given, objects)
        else:
            objects[dn][1].update(given)
        for child in content.get("children", []):
            self._apply(child, dn, objects)

    @staticmethod
    def _create(made: str, dn: str, given: dict[str, str], objects: dict[str, tuple[str, dict[str, str]]]) -> None:
        visible = {name: value for name, value in given.items() if (made, name) not in mo.SECURE}
        objects[dn] = (made, visible if mo.is_tag(made) else {"annotation": "", **visible})
        for implicit in IMPLICIT.get(made, []):
            objects[f"{dn}/{mo.CLASSES[implicit].rn({})}"] = (implicit, {"annotation": ""})

    @staticmethod
    def _delete(dn: str, objects: dict[str, tuple[str, dict[str, str]]]) -> None:
        for each in [each for each in objects if each == dn or each.startswith(f"{dn}/")]:
            del objects[each]

    # --- what a task does --------------------------------------------------------------------------------------------

    def difference(self, tree: dict[str, Any], absent: bool = False, cluster: str = CLUSTER, **rules: Any) -> Difference:
        wanted = parse_wanted(self.root_dn, tree, cluster)
        existing = index_existing(self.imdata())
        return (remove if absent else compare)(wanted, existing, Rules(cluster, **rules), self.root_dn)

    def push(self, tree: dict[str, Any], absent: bool = False, cluster: str = CLUSTER, **rules: Any) -> Difference:
        """Compare, and POST what differs unless there are conflicts."""
        difference = self.difference(tree, absent, cluster, **rules)
        wanted = parse_wanted(self.root_dn, tree, cluster)
        body = payload(wanted, index_existing(self.imdata()), difference.changes, self.root_dn)
        if body and not difference.conflicts:
            self.post(body)
        return difference
