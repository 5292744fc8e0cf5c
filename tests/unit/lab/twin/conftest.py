"""Models of the paper's figure, without any daemon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.apic.model import class_table
from lab.twin.calico import Cluster, Object, read_cluster
from lab.twin.fabric import Fabric
from lab.twin.mo import Mo, Tree
from lab.twin.model import Twin, assemble
from lab.twin.paper import Figure, fabric
from lab.twin.policies import read_fabrics


def _named(item: dict[str, Any], above: str) -> list[Mo]:
    ((cls, body),) = item.items()
    attributes = dict(body["attributes"])
    dn = attributes.pop("dn", None) or f"{above}/{class_table()[cls].build_rn(attributes)}"
    found = [Mo(cls, dn, attributes)]
    for child in body.get("children", ()):
        found += _named(child, dn)
    return found


class Workshop:
    """A figure that tests may alter before it is read."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.extra = fabric([leaf for rack in figure.racks for leaf in rack.leaves])
        self.tree = {mo_.dn: mo_ for mo_ in _named(figure.tenant(), "uni")}
        self.secrets = {dn: mo_.get("password") for dn, mo_ in self.tree.items() if mo_.cls == "bgpPeerP"}
        self.items: list[Object] = figure.objects()

    def set(self, cls: str, **attributes: str) -> None:
        """Change attributes of every object of a class."""
        for dn, each in self.tree.items():
            if each.cls == cls:
                self.tree[dn] = Mo(cls, dn, {**each.attributes, **attributes})

    def add(self, above: str, item: dict[str, Any]) -> None:
        """Add an object with what is below it."""
        self.tree |= {each.dn: each for each in _named(item, above)}

    def remove(self, cls: str) -> None:
        """Remove every object of a class with everything below it."""
        gone = [dn for dn, each in self.tree.items() if each.cls == cls]
        self.tree = {dn: it for dn, it in self.tree.items() if not any(dn == top or dn.startswith(f"{top}/") for top in gone)}

    def fabrics(self) -> list[Fabric]:
        """Return every VRF with an L3Out."""
        extra = [each for item in self.extra for each in _named(item, "uni")]
        return read_fabrics(Tree([*self.tree.values(), *extra]), self.secrets)

    def fabric(self) -> Fabric:
        (found,) = self.fabrics()
        return found

    def objects(self) -> dict[str, list[Object]]:
        kinds: dict[str, list[Object]] = {}
        for item in self.items:
            kinds.setdefault(item["kind"], []).append(item)
        return kinds

    def item(self, kind: str, name: str) -> Any:
        return next(it for it in self.items if (it["kind"], it["metadata"]["name"]) == (kind, name))

    def cluster(self) -> Cluster:
        return read_cluster(self.objects())

    def twin(self) -> Twin:
        return assemble(self.fabric(), {"lab": self.cluster()})


@pytest.fixture
def workshop() -> Callable[..., Workshop]:
    """Return a function that makes a workshop from a figure's options."""

    def make(**options: Any) -> Workshop:
        return Workshop(Figure(**options))

    return make


@pytest.fixture
def shop(workshop: Callable[..., Workshop]) -> Workshop:
    """Return a workshop of the paper's floating SVI."""
    return workshop()
