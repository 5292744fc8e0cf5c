# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The differences of ``--diff``, shortened for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def grouped(changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the changes; objects with the same change are one entry, whose header names all of them.

    Creations and deletions keep their entries: their objects differ in more than the name.

    :param changes: entries of Ansible's ``diff``, each with the name of its object as ``after_header``.
    """
    groups: dict[Any, list[dict[str, Any]]] = {}
    for number, change in enumerate(changes):
        before, after = change.get("before"), change.get("after")
        alike = isinstance(before, str) and isinstance(after, str) and before and after
        groups.setdefault((before, after) if alike else number, []).append(change)
    return [_joined(group) if len(group) > 1 else group[0] for group in groups.values()]


def _joined(group: list[dict[str, Any]]) -> dict[str, Any]:
    title = f"{len(group)} objects with the same change"
    names = "".join(f"\n      {change.get('after_header')}" for change in group)
    return {**group[0], "before_header": title, "after_header": f"{title}:{names}"}
