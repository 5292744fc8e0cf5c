# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed-object trees in memory: the one that is wanted, and the one that APIC has.

Both are indexed by DN. A wanted tree is checked while it is read, so that whatever is wrong with it is known before APIC
is contacted, all at once.
"""

from __future__ import annotations

import re

from ..names import SHARED, owner_of
from . import mo

SECRET = re.compile(r"<secret:([A-Za-z0-9_.-]+)>")
_NOT_PROPERTIES = frozenset(("dn", "rn", "status"))


class TreeError(Exception):
    """The wanted tree cannot be used; ``faults`` has one sentence for each reason."""

    def __init__(self, faults):
        super().__init__("; ".join(faults))
        self.faults = faults


class Wanted:
    """An object of the wanted tree.

    ``attributes`` are all strings, naming properties included. A ``container`` (``status: modified`` in the tree) must be
    there already and is left as it is.
    """

    __slots__ = ("attributes", "children", "cls", "container", "dn")

    def __init__(self, cls, dn, attributes, container):
        self.cls = cls
        self.dn = dn
        self.attributes = attributes
        self.container = container
        self.children = []

    @property
    def shared(self):
        return self.attributes.get("annotation") == SHARED

    def secrets(self):
        """The names of the properties whose value is put in at the moment of the POST only."""
        return [name for name, value in self.attributes.items() if SECRET.search(value)]

    def walk(self):
        """The object and all below it, parents before children."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse_wanted(root_dn, tree, cluster):
    """The wanted tree below a root.

    :param root_dn: DN of the tree's topmost object.
    :param tree: ``{class: {"attributes": {…}, "children": […]}}``.
    :param cluster: name of the cluster whose annotation goes to every object that says nothing else.
    :raises TreeError: with every fault of the tree.
    """
    faults = []
    wanted = _parse(tree, mo.parent_dn(root_dn), owner_of(cluster), root_dn, faults, set())
    if faults:
        raise TreeError(faults)
    return wanted


def _parse(tree, parent_dn, owner, where, faults, seen):
    if not isinstance(tree, dict) or len(tree) != 1 or not isinstance(next(iter(tree.values())), (dict, type(None))):
        faults.append(f"{where}: an object is one class with a dictionary of attributes and children")
        return None
    cls, body = next((cls, body or {}) for cls, body in tree.items())
    given, children = body.get("attributes") or {}, body.get("children") or []
    unknown = sorted(set(body) - {"attributes", "children"})
    if unknown or not isinstance(given, dict) or not isinstance(children, list):
        faults.append(
            f"{where}: {cls} takes a dictionary 'attributes' and a list 'children', not {', '.join(unknown) or 'this'}"
        )
        return None
    given = {name: mo.text(value) for name, value in given.items()}
    dn = _dn(cls, given, parent_dn)
    if dn is None:
        faults.append(f"{where}: {cls} lacks a naming property ({_naming_hint(cls)})")
        return None
    if not seen and dn != where:
        faults.append(f"{where}: the tree starts with {dn} ({cls}), not with the root")
    if dn in seen:
        faults.append(f"{dn}: given twice")
    seen.add(dn)
    attributes = {name: value for name, value in given.items() if name not in _NOT_PROPERTIES}
    container = _is_container(cls, given, attributes)
    faults.extend(f"{dn}: {problem}" for problem in _attribute_faults(cls, given, attributes, container))
    if not container and not mo.is_tag(cls):
        attributes.setdefault("annotation", owner)
    wanted = Wanted(cls, dn, attributes, container)
    for child in _with_user_tag(wanted, children, owner):
        parsed = _parse(child, dn, owner, dn, faults, seen)
        if parsed:
            wanted.children.append(parsed)
    return wanted


def _dn(cls, given, parent_dn):
    """Where an object is: by its naming properties, else by the name that the tree gives."""
    rn = mo.CLASSES[cls].rn(given) if cls in mo.CLASSES else None
    rn = rn or given.get("rn") or (mo.last_rn(given["dn"]) if given.get("dn") else None)
    if rn is None:
        return None
    return f"{parent_dn}/{rn}" if parent_dn else rn


def _naming_hint(cls):
    return ", ".join(mo.CLASSES[cls].naming) if cls in mo.CLASSES else "class unknown here: give its rn"


def _is_container(cls, given, attributes):
    """Whether the tree only passes through the object: it says so, or the object is always there and nothing is set."""
    if given.get("status") == "modified":
        return True
    return mo.is_implicit(cls) and not mo.is_relation(cls) and not _set_by(cls, attributes)


def _set_by(cls, attributes):
    naming = mo.CLASSES[cls].naming if cls in mo.CLASSES else ()
    return [name for name in attributes if name not in naming]


def _attribute_faults(cls, given, attributes, container):
    if given.get("status", "modified") != "modified":
        yield f"status {given['status']!r} is not for the tree: leave it out, or say 'modified' for what must be there already"
    if container and _set_by(cls, attributes):
        yield f"a container is never changed, so {', '.join(_set_by(cls, attributes))} cannot be set"
    for name, value in attributes.items():
        if (cls, name) in mo.SECURE and not SECRET.fullmatch(value):
            yield f"{name} is a secret: write '<secret:name>' and give the value in 'secrets'"


def _with_user_tag(wanted, children, owner):
    """The children of an object, with the tag of this cluster where clusters share the object."""
    if not wanted.shared or wanted.container:
        return children
    tag = {"tagAnnotation": {"attributes": {"key": owner, "value": "user"}}}
    tags = [child["tagAnnotation"] for child in children if isinstance(child, dict) and "tagAnnotation" in child]
    tagged = any((body or {}).get("attributes", {}).get("key") == owner for body in tags)
    return children if tagged else [*children, tag]


class Existing:
    """An object that APIC has: ``dn`` as APIC writes it, ``key`` the DN in the form that wanted objects have too."""

    __slots__ = ("attributes", "children", "cls", "dn", "key", "parent")

    def __init__(self, cls, dn, key, attributes, parent):
        self.cls = cls
        self.dn = dn
        self.key = key
        self.attributes = attributes
        self.parent = parent
        self.children = []

    @property
    def annotation(self):
        """The annotation; None where the class has none, as tags and all that the fabric makes by itself."""
        return self.attributes.get("annotation")

    def descendants(self):
        for child in self.children:
            yield child
            yield from child.descendants()


def index_existing(imdata):
    """``{key: Existing}`` of a reply, objects that came more than once merged, children linked with their parents."""
    index = {}
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


def _index(index, cls, body, container_dn, parent):
    attributes = body.get("attributes", {})
    rn = _rn_of_reply(cls, attributes)
    if rn is None:
        return
    dn = attributes.get("dn") or f"{container_dn}/{rn}"
    canonical_rn = (mo.CLASSES[cls].rn(attributes) if cls in mo.CLASSES else None) or rn
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


def _rn_of_reply(cls, attributes):
    """APIC names the top of a reply by its DN and what is below by its relative name."""
    if attributes.get("rn"):
        return attributes["rn"]
    if attributes.get("dn"):
        return mo.last_rn(attributes["dn"])
    return mo.CLASSES[cls].rn(attributes) if cls in mo.CLASSES else None
