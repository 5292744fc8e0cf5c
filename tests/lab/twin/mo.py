"""APIC's managed objects, indexed by distinguished name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.dn import parent_dn


@dataclass(frozen=True)
class Mo:
    """One managed object; all attribute values are text, as in APIC."""

    cls: str
    dn: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute's value, or the default if it is missing or empty."""
        return self.attributes.get(name) or default

    def number(self, name: str, default: int = 0) -> int:
        """Return an attribute as a number, or the default for words such as ``unspecified``."""
        text = self.get(name)
        return int(text) if text.isdecimal() else default

    def flags(self, name: str) -> frozenset[str]:
        """Return the names in a bit mask."""
        return frozenset(filter(None, self.get(name).split(",")))


class Tree:
    """Managed objects by name, class and parent, sorted by name."""

    def __init__(self, mos: Iterable[Mo] = ()) -> None:
        self._by_dn = {mo.dn: mo for mo in sorted(mos, key=lambda mo: mo.dn)}
        self._children: dict[str, list[Mo]] = {}
        self._by_class: dict[str, list[Mo]] = {}
        for mo in self._by_dn.values():
            self._children.setdefault(parent_dn(mo.dn), []).append(mo)
            self._by_class.setdefault(mo.cls, []).append(mo)

    @classmethod
    def from_imdata(cls, imdata: Iterable[Mapping[str, Any]]) -> Tree:
        """Return the objects in an APIC answer, flat or nested. Each has its ``dn``, or its ``rn`` below another."""
        return cls(mo for item in imdata for mo in _flatten(item, ""))

    def get(self, dn: str) -> Mo | None:
        """Return the object with this DN, or None."""
        return self._by_dn.get(dn)

    def of_class(self, cls: str) -> list[Mo]:
        return self._by_class.get(cls, [])

    def children(self, dn: str, cls: str | None = None) -> list[Mo]:
        """Return the objects directly below a DN, optionally of one class."""
        return [mo for mo in self._children.get(dn, []) if cls in (None, mo.cls)]

    def child(self, dn: str, cls: str) -> Mo | None:
        """Return the only (or first) object of a class directly below a DN."""
        return next(iter(self.children(dn, cls)), None)


def _flatten(item: Mapping[str, Any], above: str) -> Iterator[Mo]:
    for cls, body in item.items():
        attributes = body.get("attributes", {})
        dn = attributes.get("dn") or f"{above}/{attributes['rn']}".lstrip("/")
        yield Mo(cls, dn, attributes)
        for child in body.get("children", ()):
            yield from _flatten(child, dn)
