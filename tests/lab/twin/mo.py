"""APIC's managed objects as an index by distinguished name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.dn import parent_dn


@dataclass(frozen=True)
class Mo:
    """One managed object; every attribute value is text, as APIC has it."""

    cls: str
    dn: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """An attribute's value; the default where the object lacks it or has it empty."""
        return self.attributes.get(name) or default

    def number(self, name: str, default: int = 0) -> int:
        """An attribute as a number; the default for words such as ``unspecified``."""
        text = self.get(name)
        return int(text) if text.isdecimal() else default

    def flags(self, name: str) -> frozenset[str]:
        """A bit mask's names."""
        return frozenset(filter(None, self.get(name).split(",")))


class Tree:
    """Managed objects by name, by class and by parent, each in the order of their names."""

    def __init__(self, mos: Iterable[Mo] = ()) -> None:
        self._by_dn = {mo.dn: mo for mo in sorted(mos, key=lambda mo: mo.dn)}
        self._children: dict[str, list[Mo]] = {}
        self._by_class: dict[str, list[Mo]] = {}
        for mo in self._by_dn.values():
            self._children.setdefault(parent_dn(mo.dn), []).append(mo)
            self._by_class.setdefault(mo.cls, []).append(mo)

    @classmethod
    def from_imdata(cls, imdata: Iterable[Mapping[str, Any]]) -> Tree:
        """The objects of an APIC answer, flat or nested; each must carry its ``dn``, or its ``rn`` below one that does."""
        return cls(mo for item in imdata for mo in _flatten(item, ""))

    def get(self, dn: str) -> Mo | None:
        """The object with this name, if there is one."""
        return self._by_dn.get(dn)

    def of_class(self, cls: str) -> list[Mo]:
        """Every object of a class."""
        return self._by_class.get(cls, [])

    def children(self, dn: str, cls: str | None = None) -> list[Mo]:
        """The objects directly below a name, of one class or of any."""
        return [mo for mo in self._children.get(dn, []) if cls in (None, mo.cls)]

    def child(self, dn: str, cls: str) -> Mo | None:
        """The only (or first) object of a class directly below a name."""
        return next(iter(self.children(dn, cls)), None)


def _flatten(item: Mapping[str, Any], above: str) -> Iterator[Mo]:
    for cls, body in item.items():
        attributes = body.get("attributes", {})
        dn = attributes.get("dn") or f"{above}/{attributes['rn']}".lstrip("/")
        yield Mo(cls, dn, attributes)
        for child in body.get("children", ()):
            yield from _flatten(child, dn)
