# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of an allocation: the content of the allocation file, without its form (see ``ledger``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..intent.intent import Intent
from ..schema.addressing import FAMILIES, AddressError, IPAddress, Space, parse_address
from ..schema.problems import shown

# The two shared addresses of a floating SVI as the file names them, from the top of the subnet down.
SHARED = ("secondary", "floating")
KINDS = ("floating", "standard")


@dataclass
class Assignment:
    """The addresses and VLAN of a node, an anchor leaf, or a shared address of a floating SVI.

    :ivar slot: a node's index in the node subnets of the first family; an anchor's index counted from the top; None outside.
    :ivar addresses: ``{family: address}``.
    """

    slot: int | None = None
    vlan: int | None = None
    addresses: dict[str, IPAddress] = field(default_factory=dict)


@dataclass
class Allocation:
    """All assignments behind one L3Out (floating SVI) or of the whole cluster (standard SVI).

    :ivar shared: ``{"secondary": Assignment, "floating": Assignment}``, floating SVI only.
    :ivar vlan: the VLAN of a floating SVI.
    """

    kind: str
    spaces: dict[str, Space]
    nodes: dict[str, Assignment] = field(default_factory=dict)
    leaves: dict[str, Assignment] = field(default_factory=dict)
    shared: dict[str, Assignment] = field(default_factory=dict)
    vlan: int | None = None


@dataclass
class L3OutRecord:
    """The recorded racks of an L3Out, and with floating SVI its VLAN and shared addresses."""

    racks: list[str] = field(default_factory=list)
    vlan: int | None = None
    shared: dict[str, Assignment] = field(default_factory=dict)


@dataclass
class Record:
    """The allocations of a cluster. ``l3outs`` is keyed by their numbers."""

    kind: str | None = None
    l3outs: dict[int, L3OutRecord] = field(default_factory=dict)
    leaves: dict[str, Assignment] = field(default_factory=dict)
    nodes: dict[str, Assignment] = field(default_factory=dict)

    def racks_of(self, kind: str) -> dict[int, list[str]]:
        """Return the racks of each L3Out by its number; nothing if another kind of SVI was recorded."""
        return {number: l3out.racks for number, l3out in self.l3outs.items()} if self.kind in (None, kind) else {}

    def l3out(self, number: int) -> L3OutRecord:
        """Return what was recorded of an L3Out."""
        return self.l3outs.get(number, L3OutRecord())


def record_of(intent: Intent, allocations: Mapping[int, Allocation], before: Record) -> Record:
    """Return the record of an allocation.

    :param allocations: the allocation of each L3Out by its number.
    :param before: what was recorded before: L3Outs that have no rack any more keep their numbers.
    """
    l3outs = {number: L3OutRecord() for number in before.racks_of(intent.kind)}
    for l3out in intent.l3outs:
        allocation = allocations[l3out.number]
        l3outs[l3out.number] = L3OutRecord(list(l3out.racks), allocation.vlan, allocation.shared)
    leaves = {name: one for allocation in allocations.values() for name, one in allocation.leaves.items()}
    nodes = {name: one for allocation in allocations.values() for name, one in allocation.nodes.items()}
    return Record(intent.kind, dict(sorted(l3outs.items())), dict(sorted(leaves.items())), dict(sorted(nodes.items())))


# --- plain data ------------------------------------------------------------------------------------------------------


def dump_content(record: Record) -> dict[str, Any]:
    """Return the record as plain data, in the order of the file."""
    return {
        "svi": {"kind": record.kind},
        "l3outs": {number: _dump_l3out(one) for number, one in record.l3outs.items()},
        "leaves": {name: _dump(one) for name, one in record.leaves.items()},
        "nodes": {name: _dump(one) for name, one in record.nodes.items()},
    }


def _dump_l3out(l3out: L3OutRecord) -> dict[str, Any]:
    content: dict[str, Any] = {"racks": l3out.racks}
    if l3out.vlan is not None:
        content["vlan"] = l3out.vlan
    return content | {name: _dump(one) for name, one in l3out.shared.items()}


def _dump(assignment: Assignment) -> dict[str, Any]:
    content: dict[str, Any] = {} if assignment.slot is None else {"slot": assignment.slot}
    if assignment.vlan is not None:
        content["vlan"] = assignment.vlan
    return content | {family: str(assignment.addresses[family]) for family in FAMILIES if family in assignment.addresses}


class BadRecordError(Exception):
    """The content is not that of an allocation file; the text says why."""


def load_content(content: Mapping[str, Any]) -> Record:
    """Read plain data, in which all keys are texts.

    :raises BadRecordError: a part is missing, unknown or of the wrong type.
    """
    kind = _mapping(content, "svi", {"kind"}).get("kind")
    if kind not in KINDS:
        raise BadRecordError(f"the kind of SVI is {shown(kind)}, not one of {', '.join(KINDS)}")
    numbers = _mapping(content, "l3outs")
    for number in numbers:
        if not (number.isascii() and number.isdecimal()) or str(int(number)) != number or number == "0":
            raise BadRecordError(f"{shown(number)} is not the number of an L3Out")
    l3outs = {int(number): _l3out(numbers, number) for number in sorted(numbers, key=int)}
    leaves, nodes = (
        {name: _assignment(entries, name) for name in sorted(entries)}
        for entries in (_mapping(content, "leaves"), _mapping(content, "nodes"))
    )
    return Record(kind, l3outs, leaves, nodes)


def _mapping(content: Mapping[str, Any], key: str, known: set[str] | None = None) -> dict[str, Any]:
    """Return a dictionary that must be there, with no other keys than the known ones."""
    value = content.get(key)
    if not isinstance(value, dict):
        raise BadRecordError(f"'{key}' is {shown(value)} and not a dictionary" if key in content else f"'{key}' is missing")
    strange = [name for name in value if known is not None and name not in known]
    if strange:
        raise BadRecordError(f"'{key}' has the unknown key {shown(strange[0])}")
    return value


def _l3out(entries: Mapping[str, Any], number: str) -> L3OutRecord:
    entry = _mapping(entries, number, {"racks", "vlan", *SHARED})
    racks = entry.get("racks")
    if not isinstance(racks, list) or not all(isinstance(rack, str) for rack in racks) or len(set(racks)) < len(racks):
        raise BadRecordError(f"the racks of L3Out {number} are {shown(racks)} and not a list of different names")
    return L3OutRecord(racks, _number(entry, "vlan"), {name: _assignment(entry, name) for name in SHARED if name in entry})


def _number(content: Mapping[str, Any], key: str) -> int | None:
    value = content.get(key)
    if key in content and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise BadRecordError(f"'{key}' is {shown(value)} and not a number")
    return value


def _assignment(entries: Mapping[str, Any], name: str) -> Assignment:
    entry = _mapping(entries, name, {"slot", "vlan", *FAMILIES})
    assignment = Assignment(_number(entry, "slot"), _number(entry, "vlan"))
    for family in FAMILIES:
        if family in entry:
            assignment.addresses[family] = _address(entry[family], name, family)
    if not assignment.addresses:
        raise BadRecordError(f"'{name}' has no address")
    return assignment


def _address(value: Any, name: str, family: str) -> IPAddress:
    if not isinstance(value, str):
        raise BadRecordError(f"'{name}' has {shown(value)} as {family}, which is not an address")
    try:
        address = parse_address(value)
    except AddressError as problem:
        raise BadRecordError(f"'{name}': {problem.problem}") from None
    if f"ipv{address.version}" != family or str(address) != value:
        raise BadRecordError(f"'{name}' has {shown(value)} as {family}; {address} was meant")
    return address
