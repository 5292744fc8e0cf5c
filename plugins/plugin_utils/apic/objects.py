# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What managed objects are built from, and how they say whose they are (docs/development/architecture.md, "Ownership on APIC")."""

from __future__ import annotations

from ...module_utils.names import SHARED, owner_of

# Classes that have no annotation property: their owner is their parent's.
UNANNOTATED = frozenset({"polUni", "tagAnnotation"})


def mo(cls, children=(), **attributes):
    """One managed object; attributes that are None are left out, so that APIC's default holds."""
    body = {"attributes": {name: str(value) for name, value in attributes.items() if value is not None}}
    if children:
        body["children"] = list(children)
    return {cls: body}


def own(managed, owner):
    """The object and all below it, annotated as the cluster's own unless they say otherwise already."""
    for cls, body in managed.items():
        attributes = body["attributes"]
        if cls not in UNANNOTATED and "annotation" not in attributes and attributes.get("status") != "modified":
            attributes["annotation"] = owner
        for child in body.get("children", ()):
            own(child, owner)
    return managed


def existing(cls, children, **attributes):
    """A container that somebody else made and that must be there: APIC refuses to create it from `status: modified`."""
    return mo(cls, children, status="modified", **attributes)


def merge_child(managed, child):
    """One more child of the object."""
    for body in managed.values():
        body.setdefault("children", []).append(child)


def shared(cls, cluster, children=(), **attributes):
    """An object that several clusters may use: one tag for each of them, and the last tag to go takes it along."""
    tag = mo("tagAnnotation", key=owner_of(cluster), value="user")
    return mo(cls, [tag, *children], annotation=SHARED, **attributes)
