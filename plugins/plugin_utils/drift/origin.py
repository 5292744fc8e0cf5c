# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find who changed an object, and when: in APIC's audit log and times of modification, and in Kubernetes' ``managedFields``.

APIC's audit log has a record (``aaaModLR``) of each object that a user created, modified or deleted: ``affected``, ``user``,
``created``, ``ind`` (creation, modification, deletion) and ``changeSet``. It forgets old records. ``modTs`` of an object is the time
of its last change, whoever made it. ``managedFields`` names the writer of each field; Kubernetes keeps nothing of deleted objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from ...module_utils.apic.mo import dns_above
from ...module_utils.apic.roots import LONGEST_PATH, any_of, plain_prefix
from ..comparison import Objects
from .differences import DIFFERS, EXTRA, MISSING, Difference, spelled

RECORD = "aaaModLR"
AUDIT, MODIFIED, MANAGED = "audit log", "modTs", "managedFields"
# The number of records that are read.
_MOST = 1000
# The top of the tree, and what is right below it: tenants and the like.
_TOP = re.compile(r"uni(/[^/]*)?")


def audit_query(differences: Iterable[Difference]) -> str | None:
    """Return the path of the one request for the records of the objects on APIC; None if none is needed."""
    places = dict.fromkeys(dn for one in differences for dn in _places(one))
    if not places:
        return None
    terms = [f'eq({RECORD}.affected,"{dn}")' for dn in places]
    head = f"/api/class/{RECORD}.json?query-target-filter="
    tail = f"&order-by={RECORD}.created|desc&page=0&page-size={_MOST}"
    if len(head) + len(any_of(terms)) + len(tail) > LONGEST_PATH:
        terms = [f'wcard({RECORD}.affected,"{plain_prefix(list(places))}")']
    return head + any_of(terms) + tail


def _places(difference: Difference) -> Iterator[str]:
    """Yield the objects whose records may tell of a difference: a missing one may be gone with one above it."""
    yield difference.object
    if difference.difference == MISSING:
        yield from takewhile(lambda dn: not _TOP.fullmatch(dn), dns_above(difference.object))


def on_apic(differences: Iterable[Difference], records: Objects, objects: Objects) -> None:
    """Set who changed the objects on APIC.

    :param records: what ``aci_info`` returned for ``audit_query``.
    :param objects: the objects of the comparison.
    """
    told = sorted((one["attributes"] for one in records.values() if one["class"] == RECORD), key=_newest, reverse=True)
    for one in differences:
        record = _record_of(one, [record for record in told if record.get("affected") in set(_places(one))])
        held = objects.get(one.object, {}).get("attributes", {})
        if record:
            one.changed = {"by": record.get("user", ""), "at": record.get("created", ""), "from": AUDIT}
        elif held.get("modTs", "never") != "never":
            one.changed = {"by": "", "at": held["modTs"], "from": MODIFIED}


def _newest(record: Mapping[str, str]) -> tuple[str, int]:
    number = record.get("id", "")
    return record.get("created", ""), int(number) if number.isdecimal() else 0


def _record_of(difference: Difference, records: Sequence[Mapping[str, str]]) -> Mapping[str, str] | None:
    """Return the newest record that explains a difference, or else the newest one of the object."""
    if difference.difference == MISSING:
        return next((one for one in records if one.get("ind") == "deletion"), None)
    names = [one["attribute"] for one in difference.attributes]
    own = [one for one in records if one.get("affected") == difference.object]
    if difference.difference == EXTRA:
        return next((one for one in own if one.get("ind") == "creation"), own[0] if own else None)
    explains = [one for one in own if any(re.search(rf"(^|, ){re.escape(name)}\b", one.get("changeSet", "")) for name in names)]
    return next(iter(explains or own), None)


# --- Kubernetes ------------------------------------------------------------------------------------------------------


def in_kubernetes(differences: Iterable[Difference], managers: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Set who changed the objects in Kubernetes.

    :param managers: the ``managedFields`` by ``Kind/name``, as ``calico_info`` returns them.
    """
    for one in differences:
        entry = _entry_of(one, managers.get(one.object, ()))
        if entry:
            one.changed = {"by": entry.get("manager", ""), "at": entry.get("time", ""), "from": MANAGED}


def _entry_of(difference: Difference, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the newest entry that has a field of the difference. A field that was removed has no owner: then the newest entry."""
    newest = sorted(entries, key=lambda entry: str(entry.get("time", "")), reverse=True)
    names = {one["attribute"] for one in difference.attributes} if difference.difference == DIFFERS else set()
    owning = [entry for entry in newest if names & set(_owned(entry.get("fieldsV1") or {}))]
    return next(iter(owning or newest), None)


def _owned(fields: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the fields of an entry, and the ones above them, as differences spell them."""
    for name, inner in fields.items():
        if name.startswith("f:"):
            own = (*path, name.removeprefix("f:"))
            yield spelled(own)
            yield from _owned(inner or {}, own)
