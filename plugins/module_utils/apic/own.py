# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster owns on APIC: its own objects, and those that it shares with other clusters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..names import BEFORE_ADOPTION, SHARED, owner_of
from . import mo
from .diff import users_of
from .tree import Existing, index_existing


def owned(imdata: Iterable[dict[str, Any]], cluster: str, attributes: Mapping[str, Collection[str]]) -> dict[str, dict[str, Any]]:
    """Return the objects of a cluster in APIC's replies, ``{dn: {"class": …, "attributes": …}}``, with the cluster's own tags.

    Objects without an annotation come and go with the object above them, and are left out.

    :param attributes: the properties to return by class, beside naming properties and annotation; other classes are left out.
    """
    owner = owner_of(cluster)
    found = {}
    for existing in index_existing(imdata).values():
        if existing.cls in attributes and _is_of(existing, owner):
            found[existing.key] = _described(existing, attributes[existing.cls])
            tags = (child for child in existing.children if child.cls == "tagAnnotation")
            found.update(
                {tag.key: _described(tag, ("value",)) for tag in tags if tag.attributes["key"] in (owner, BEFORE_ADOPTION)}
            )
    return dict(sorted(found.items()))


def _is_of(existing: Existing, owner: str) -> bool:
    return existing.annotation == owner or (existing.annotation == SHARED and owner in users_of(existing))


def _described(existing: Existing, names: Collection[str]) -> dict[str, Any]:
    wanted = {*names, *mo.naming(existing.cls), "annotation"} | ({"key"} if existing.cls == "tagAnnotation" else set())
    values = {name: value for name, value in sorted(existing.attributes.items()) if name in wanted}
    return {
        "class": existing.cls,
        "attributes": {**values, **(mo.CLASSES[existing.cls].naming_of(mo.last_rn(existing.key)) or {})},
    }
