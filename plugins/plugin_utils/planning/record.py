# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The allocation file: reading what was allocated before, and writing what is allocated now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..intent.intent import Intent
from ..schema.addressing import FAMILIES, AddressError, IPAddress, Space, parse_address
from ..schema.check import plain
from ..schema.problems import Problem, shown

SCHEMA = 1
# The two shared addresses of a floating SVI as the file names them, from the top of the subnet down.
SHARED = ("secondary", "floating")
HEADER = """\
# Who has which address and VLAN in cluster {cluster}. Written by netops.aci_calico: commit it with the inventory, as you
# would a lock file. Without it, nodes could be renumbered when others come and go.
"""


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
    """The content of an allocation file. ``l3outs`` is keyed by their numbers."""

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


def dump_record(intent: Intent, allocations: Mapping[int, Allocation], record: Record) -> str:
    """Return the text of the allocation file: the same bytes for the same allocation.

    :param allocations: the allocation of each L3Out by its number.
    :param record: what was recorded before: L3Outs that have no rack any more keep their numbers.
    """
    l3outs: dict[int, dict[str, Any]] = {number: {"racks": []} for number in record.racks_of(intent.kind)}
    for l3out in intent.l3outs:
        allocation = allocations[l3out.number]
        entry = l3outs[l3out.number] = {"racks": list(l3out.racks)}
        if intent.kind == "floating":
            entry |= {"vlan": allocation.vlan, **{name: _dump(one) for name, one in allocation.shared.items()}}
    leaves = {name: one for allocation in allocations.values() for name, one in allocation.leaves.items()}
    nodes = {name: one for allocation in allocations.values() for name, one in allocation.nodes.items()}
    content = {
        "schema": SCHEMA,
        "cluster": intent.cluster,
        "svi": {"kind": intent.kind},
        "l3outs": dict(sorted(l3outs.items())),
        "leaves": {name: _dump(one) for name, one in sorted(leaves.items())},
        "nodes": {name: _dump(one) for name, one in sorted(nodes.items())},
    }
    body = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=150)
    return f"{HEADER.format(cluster=intent.cluster)}---\n{body}"


def _dump(assignment: Assignment) -> dict[str, Any]:
    content: dict[str, Any] = {} if assignment.slot is None else {"slot": assignment.slot}
    if assignment.vlan is not None:
        content["vlan"] = assignment.vlan
    return content | {family: str(assignment.addresses[family]) for family in FAMILIES if family in assignment.addresses}


def load_record(text: str, path: str) -> tuple[Record, list[Problem]]:
    """Read the text of an allocation file.

    :param path: the path of the file, for problems.
    """
    try:
        content = plain(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        return read_record(None, path, f"it is not YAML: {' '.join(str(problem).split())}")
    if content is None and not text.strip():
        return Record(), []
    return read_record(content, path)


def read_record(content: Any, path: str, reason: str = "it is not a dictionary") -> tuple[Record, list[Problem]]:
    """Read the content of an allocation file.

    :param reason: why the content cannot be read if it is not a dictionary.
    :returns: the record, empty if it cannot be read, and problems.
    """
    try:
        if not isinstance(content, dict):
            raise _BadRecordError(reason)
        if content.get("schema") != SCHEMA:
            raise _BadRecordError(f"its schema is {shown(content.get('schema'))}, not {SCHEMA}")
        kind = _mapping(content, "svi").get("kind")
        leaves, nodes = (_assignments(_mapping(content, key)) for key in ("leaves", "nodes"))
        return Record(kind, _l3outs(_mapping(content, "l3outs")), leaves, nodes), []
    except _BadRecordError as problem:
        return Record(), [Problem("allocation-file", path, f"The allocation file cannot be used: {problem}")]


class _BadRecordError(Exception):
    pass


def _mapping(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _BadRecordError(f"'{key}' is {shown(value)} and not a dictionary")
    return value


def _l3outs(entries: dict[str, Any]) -> dict[int, L3OutRecord]:
    found = {}
    for number in entries:
        entry = _mapping(entries, number)
        racks = entry.get("racks") or []
        if not number.isdecimal() or int(number) < 1 or not isinstance(racks, list):
            raise _BadRecordError(f"'l3outs' has {shown(number)} with {shown(entry)}")
        shared = {name: _assignment(entry, name) for name in SHARED if name in entry}
        found[int(number)] = L3OutRecord([str(rack) for rack in racks], _number(entry, "vlan"), shared)
    return found


def _number(content: dict[str, Any], key: str) -> int | None:
    value = content.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _BadRecordError(f"'{key}' is {shown(value)} and not a number")
    return value


def _assignments(entries: dict[str, Any]) -> dict[str, Assignment]:
    return {name: _assignment(entries, name) for name in entries}


def _assignment(entries: dict[str, Any], name: str) -> Assignment:
    entry = _mapping(entries, name)
    assignment = Assignment(_number(entry, "slot"), _number(entry, "vlan"))
    for family in FAMILIES:
        if family in entry:
            try:
                address = parse_address(str(entry[family]))
            except AddressError as problem:
                raise _BadRecordError(f"{name}: {problem.problem}") from None
            if f"ipv{address.version}" != family:
                raise _BadRecordError(f"{name}: {address} is not {family}")
            assignment.addresses[family] = address
    return assignment
