# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build managed objects and mark their owner (docs/development/architecture.md, "Ownership on APIC")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.names import SHARED, owner_of

Plan = Mapping[str, Any]
# ``{class: {"attributes": {name: text}, "children": [Mo, …]}}``.
Mo = dict[str, dict[str, Any]]
# A root of the module ``aci_tree``.
Root = dict[str, Any]

# Classes that have no annotation property; they belong to the owner of their parent.
UNANNOTATED = frozenset({"polUni", "tagAnnotation"})


def mo(cls: str, children: Iterable[Mo] = (), **attributes: Any) -> Mo:
    """Return a managed object; attributes that are None are omitted, so that APIC's default applies."""
    body: dict[str, Any] = {"attributes": {name: str(value) for name, value in attributes.items() if value is not None}}
    if children:
        body["children"] = list(children)
    return {cls: body}


def own(managed: Mo, owner: str) -> Mo:
    """Annotate the object and all objects below it that have no annotation yet as the cluster's own."""
    for cls, body in managed.items():
        attributes = body["attributes"]
        if cls not in UNANNOTATED and "annotation" not in attributes and attributes.get("status") != "modified":
            attributes["annotation"] = owner
        for child in body.get("children", ()):
            own(child, owner)
    return managed


def existing(cls: str, children: Iterable[Mo], **attributes: Any) -> Mo:
    """Return a container that must exist already: with ``status: modified``, APIC refuses to create it."""
    return mo(cls, children, status="modified", **attributes)


def merge_child(managed: Mo, child: Mo) -> None:
    """Add a child to the object."""
    for body in managed.values():
        body.setdefault("children", []).append(child)


def shared(cls: str, cluster: str, children: Iterable[Mo] = (), **attributes: Any) -> Mo:
    """Return an object that clusters share: it has a tag of each cluster, and is deleted with the last tag."""
    tag = mo("tagAnnotation", key=owner_of(cluster), value="user")
    return mo(cls, [tag, *children], annotation=SHARED, **attributes)
