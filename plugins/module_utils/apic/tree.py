# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed-object trees in memory: the wanted tree, and the tree that APIC has.

A wanted tree is checked while it is read, so that all its problems are reported before APIC is contacted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..names import SHARED, owner_of
from . import mo

SECRET = re.compile(r"<secret:([A-Za-z0-9_.-]+)>")
_NOT_PROPERTIES = frozenset(("dn", "rn", "status"))


class TreeError(Exception):
    """The wanted tree cannot be used; ``problems`` has one sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Wanted:
    """An object of the wanted tree.

    ``attributes`` are strings and include the naming properties. A ``container`` (``status: modified`` in the tree) must
    exist already and is left unchanged.
    """

    __slots__ = ("attributes", "children", "cls", "container", "dn")

    def __init__(self, cls: str, dn: str, attributes: dict[str, str], container: bool) -> None:
        self.cls = cls
        self.dn = dn
        self.attributes = attributes
        self.container = container
        self.children: list[Wanted] = []

    @property
    def shared(self) -> bool:
        return self.attributes.get("annotation") == SHARED

    def secrets(self) -> list[str]:
        """Return the names of the properties whose value is a marker until the POST is sent."""
        return [name for name, value in self.attributes.items() if SECRET.search(value)]

    def walk(self) -> Iterator[Wanted]:
        """Yield the object and all objects below it, parents before children."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse_wanted(root_dn: str, tree: Any, cluster: str) -> Wanted:
    """Return the wanted tree below a root.

    :param root_dn: DN of the tree's topmost object.
    :param tree: ``{class: {"attributes": {…}, "children": […]}}``.
    :param cluster: name of the cluster whose annotation each object gets that has no annotation in the tree.
    :raises TreeError: with every problem of the tree.
    """
    problems: list[str] = []
    wanted = _parse(tree, mo.parent_dn(root_dn), owner_of(cluster), root_dn, problems, set())
    if problems or wanted is None:
        raise TreeError(problems)
    return wanted


def _parse(tree: Any, parent_dn: str, owner: str, where: str, problems: list[str], seen: set[str]) -> Wanted | None:
    if not isinstance(tree, dict) or len(tree) != 1 or not isinstance(next(iter(tree.values())), (dict, type(None))):
        problems.append(f"{where}: an object must be one class with a dictionary of attributes and children")
        return None
    cls, body = next((cls, body or {}) for cls, body in tree.items())
    given, children = body.get("attributes") or {}, body.get("children") or []
    unknown = sorted(set(body) - {"attributes", "children"})
    if unknown or not isinstance(given, dict) or not isinstance(children, list):
        problems.append(
            f"{where}: {cls} takes a dictionary 'attributes' and a list 'children', not {', '.join(unknown) or 'this'}"
        )
        return None
    given = {name: mo.text(value) for name, value in given.items()}
    dn = _dn(cls, given, parent_dn)
    if dn is None:
        problems.append(f"{where}: {cls} lacks a naming property ({_naming_hint(cls)})")
        return None
    if not seen and dn != where:
        problems.append(f"{where}: the tree starts with {dn} ({cls}), not with the root")
    if dn in seen:
        problems.append(f"{dn}: given twice")
    seen.add(dn)
    attributes = {name: value for name, value in given.items() if name not in _NOT_PROPERTIES}
    container = _is_container(cls, given, attributes)
    problems.extend(f"{dn}: {problem}" for problem in _attribute_problems(cls, given, attributes, container))
    if not container and not mo.is_tag(cls):
        attributes.setdefault("annotation", owner)
    wanted = Wanted(cls, dn, attributes, container)
    for child in _with_user_tag(wanted, children, owner):
        parsed = _parse(child, dn, owner, dn, problems, seen)
        if parsed:
            wanted.children.append(parsed)
    return wanted


def _dn(cls: str, given: Mapping[str, str], parent_dn: str) -> str | None:
    """Return an object's DN, from its naming properties or else from the ``rn`` or ``dn`` in the tree."""
    rn = mo.rn_from(cls, given) or given.get("rn") or (mo.last_rn(given["dn"]) if given.get("dn") else None)
    if rn is None:
        return None
    return f"{parent_dn}/{rn}" if parent_dn else rn


def _naming_hint(cls: str) -> str:
    return ", ".join(mo.naming(cls)) if cls in mo.CLASSES else "the class is not known: give its rn"


def _is_container(cls: str, given: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    """Return whether the object is only a container: the tree says so, or it always exists and the tree sets nothing."""
    if given.get("status") == "modified":
        return True
    return mo.is_implicit(cls) and not mo.is_relation(cls) and not _set_by(cls, attributes)


def _set_by(cls: str, attributes: Mapping[str, str]) -> list[str]:
    return [name for name in attributes if name not in mo.naming(cls)]


def _attribute_problems(cls: str, given: Mapping[str, str], attributes: Mapping[str, str], container: bool) -> Iterator[str]:
    if given.get("status", "modified") != "modified":
        yield f"status {given['status']!r} is not allowed: leave it out, or set 'modified' for an object that must exist already"
    if container and _set_by(cls, attributes):
        yield f"{', '.join(_set_by(cls, attributes))} cannot be set, because a container is never changed"
    for name, value in attributes.items():
        if (cls, name) in mo.SECURE and not SECRET.fullmatch(value):
            yield f"{name} is a secret: write '<secret:name>' and give the value in 'secrets'"


def _with_user_tag(wanted: Wanted, children: list[Any], owner: str) -> list[Any]:
    """Return the children of an object, with the tag of this cluster where clusters share the object."""
    if not wanted.shared or wanted.container:
        return children
    tag = {"tagAnnotation": {"attributes": {"key": owner, "value": "user"}}}
    tags = [child["tagAnnotation"] for child in children if isinstance(child, dict) and "tagAnnotation" in child]
    tagged = any((body or {}).get("attributes", {}).get("key") == owner for body in tags)
    return children if tagged else [*children, tag]


class Existing:
    """An object that APIC has: ``dn`` as APIC writes it, ``key`` the DN in the same form as that of wanted objects."""

    __slots__ = ("attributes", "children", "cls", "dn", "key", "parent")

    def __init__(self, cls: str, dn: str, key: str, attributes: dict[str, str], parent: Existing | None) -> None:
        self.cls = cls
        self.dn = dn
        self.key = key
        self.attributes = attributes
        self.parent = parent
        self.children: list[Existing] = []

    @property
    def annotation(self) -> str | None:
        """The annotation; None where the class has none, as tags and objects that the fabric creates."""
        return self.attributes.get("annotation")

    def descendants(self) -> Iterator[Existing]:
        for child in self.children:
            yield child
            yield from child.descendants()


def index_existing(imdata: Iterable[dict[str, Any]]) -> dict[str, Existing]:
    """Return ``{key: Existing}`` of a reply: repeated objects are merged, children are linked with their parents."""
    index: dict[str, Existing] = {}
    for item in imdata:
        for cls, body in item.items():
            dn = body.get("attributes", {}).get("dn")
            if dn:
                _index(index, cls, body, mo.parent_dn(dn), None)
    for key, existing in index.items():
        parent = index.get(mo.parent_dn(key)) if existing.parent is None else None
        if parent is not None:
            existing.parent = parent
            parent.children.append(existing)
    return index


def _index(index: dict[str, Existing], cls: str, body: dict[str, Any], container_dn: str, parent: Existing | None) -> None:
    attributes = body.get("attributes", {})
    rn = _rn_of_reply(cls, attributes)
    if rn is None:
        return
    dn = attributes.get("dn") or f"{container_dn}/{rn}"
    canonical_rn = mo.rn_from(cls, attributes) or rn
    container_key = parent.key if parent else container_dn
    key = f"{container_key}/{canonical_rn}" if container_key else canonical_rn
    existing = index.get(key)
    if existing is None:
        existing = index[key] = Existing(cls, dn, key, attributes, parent)
        if parent is not None:
            parent.children.append(existing)
    for child in body.get("children") or ():
        for child_cls, child_body in child.items():
            _index(index, child_cls, child_body, dn, existing)


def _rn_of_reply(cls: str, attributes: Mapping[str, str]) -> str | None:
    """Return a replied object's relative name: APIC gives the DN of the topmost object and the rn of those below it."""
    if attributes.get("rn"):
        return attributes["rn"]
    if attributes.get("dn"):
        return mo.last_rn(attributes["dn"])
    return mo.rn_from(cls, attributes)
