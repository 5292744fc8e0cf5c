# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets which address and VLAN, and the record that keeps it so.

``allocate`` is a pure function of the intent and of what was recorded before. In this order:

1. what the user pinned (addresses, slots, VLANs),
2. what the record says of those that are not pinned,
3. the rest: nodes from the bottom of the subnet; from its top the secondary address, the floating address and the
   anchor leaves. The record is thereby stable whoever is added, removed or reordered.

A recorded address or VLAN that can no longer be kept is a fault, unless ``aci_calico_renumber`` names its holder.

With floating SVI each L3Out has a subnet and a VLAN of its own, and is allocated by itself. With standard SVI the nodes of
all L3Outs share the supernets and VLANs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..intent.intent import Intent, L3Out, Leaf, Node, Pin
from ..schema.addressing import FAMILIES, AddressError, FloatingSpace, IPAddress, Space, parse_address, spaces
from ..schema.check import plain
from ..schema.problems import Problem, shown

SCHEMA = 1
# What the two shared addresses of a floating SVI are called in the record, from the top of the subnet down.
SHARED = ("secondary", "floating")


@dataclass
class Seat:
    """What a node, an anchor leaf or the floating SVI itself holds.

    :ivar slot: a node's place in the first family; an anchor's place counted from the top; None where it has none.
    :ivar addresses: ``{family: address}``.
    """

    slot: int | None = None
    vlan: int | None = None
    addresses: dict[str, IPAddress] = field(default_factory=dict)


@dataclass
class Allocation:
    """Everybody's seats: those behind one L3Out with floating SVI, all of the cluster's with standard SVI.

    :ivar shared: ``{"secondary": Seat, "floating": Seat}``, floating SVI only.
    :ivar vlan: the VLAN of a floating SVI.
    """

    kind: str
    spaces: dict[str, Space]
    nodes: dict[str, Seat] = field(default_factory=dict)
    leaves: dict[str, Seat] = field(default_factory=dict)
    shared: dict[str, Seat] = field(default_factory=dict)
    vlan: int | None = None


# --- the record ------------------------------------------------------------------------------------------------------


@dataclass
class L3OutRecord:
    """What was recorded of an L3Out: its racks, and with floating SVI its VLAN and shared addresses."""

    racks: list[str] = field(default_factory=list)
    vlan: int | None = None
    shared: dict[str, Seat] = field(default_factory=dict)


@dataclass
class Record:
    """The allocation file's content, read. ``l3outs`` goes by their numbers."""

    kind: str | None = None
    l3outs: dict[int, L3OutRecord] = field(default_factory=dict)
    leaves: dict[str, Seat] = field(default_factory=dict)
    nodes: dict[str, Seat] = field(default_factory=dict)

    def racks_of(self, kind: str) -> dict[int, list[str]]:
        """The racks of each L3Out by its number; none where the kind of SVI was another."""
        return {number: l3out.racks for number, l3out in self.l3outs.items()} if self.kind in (None, kind) else {}


HEADER = """\
# Who has which address and VLAN in cluster {cluster}. Written by netops.aci_calico: commit it with the inventory, as you
# would a lock file. Without it, nodes could be renumbered when others come and go.
"""


def dump_record(intent: Intent, allocations: Mapping[int, Allocation], record: Record) -> str:
    """The allocation file's text: the same bytes for the same allocation.

    :param record: what was recorded before: L3Outs that have no rack any more keep their numbers.
    """
    cluster = intent.cluster
    l3outs: dict[int, dict[str, Any]] = {number: {"racks": []} for number in record.racks_of(intent.kind)}
    for l3out in intent.l3outs:
        allocation = allocations[l3out.number]
        entry = l3outs[l3out.number] = {"racks": list(l3out.racks)}
        if intent.kind == "floating":
            entry |= {"vlan": allocation.vlan, **{name: _dump(seat) for name, seat in allocation.shared.items()}}
    leaves = {name: seat for allocation in allocations.values() for name, seat in allocation.leaves.items()}
    nodes = {name: seat for allocation in allocations.values() for name, seat in allocation.nodes.items()}
    content = {
        "schema": SCHEMA,
        "cluster": cluster,
        "svi": {"kind": intent.kind},
        "l3outs": dict(sorted(l3outs.items())),
        "leaves": {name: _dump(seat) for name, seat in sorted(leaves.items())},
        "nodes": {name: _dump(seat) for name, seat in sorted(nodes.items())},
    }
    body = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=150)
    return f"{HEADER.format(cluster=cluster)}---\n{body}"


def _dump(seat: Seat) -> dict[str, Any]:
    content: dict[str, Any] = {} if seat.slot is None else {"slot": seat.slot}
    if seat.vlan is not None:
        content["vlan"] = seat.vlan
    return content | {family: str(seat.addresses[family]) for family in FAMILIES if family in seat.addresses}


def load_record(text: str, path: str) -> tuple[Record, list[Problem]]:
    """Read an allocation file.

    :param text: its content.
    :param path: what faults call it.
    """
    try:
        content = plain(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        content, detail = None, f"it is not YAML: {' '.join(str(problem).split())}"
    else:
        detail = "it does not hold a dictionary"
    if content is None and not text.strip():
        return Record(), []
    return read_record(content, path, detail)


def read_record(content: Any, path: str, detail: str = "it is not a dictionary") -> tuple[Record, list[Problem]]:
    """Read the content of an allocation file.

    :returns: the record, empty if it cannot be read, and faults.
    """
    try:
        if not isinstance(content, dict):
            raise _BadRecordError(detail)
        if content.get("schema") != SCHEMA:
            raise _BadRecordError(f"its schema is {shown(content.get('schema'))}, not {SCHEMA}")
        svi = _mapping(content, "svi")
        return (
            Record(
                kind=svi.get("kind"),
                l3outs=_l3outs(content),
                leaves=_seats(content, "leaves"),
                nodes=_seats(content, "nodes"),
            ),
            [],
        )
    except _BadRecordError as reason:
        problem = Problem("allocation-file", path, f"The allocation file cannot be used: {reason}")
        return Record(), [problem]


class _BadRecordError(Exception):
    pass


def _mapping(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _BadRecordError(f"'{key}' is {shown(value)} and not a dictionary")
    return value


def _l3outs(content: dict[str, Any]) -> dict[int, L3OutRecord]:
    entries = _mapping(content, "l3outs")
    found = {}
    for number in entries:
        entry = _mapping(entries, number)
        racks = entry.get("racks") or []
        if not number.isdecimal() or int(number) < 1 or not isinstance(racks, list):
            raise _BadRecordError(f"'l3outs' has {shown(number)} with {shown(entry)}")
        shared = {name: _seat(entry, name) for name in SHARED if name in entry}
        found[int(number)] = L3OutRecord([str(rack) for rack in racks], _number(entry, "vlan"), shared)
    return found


def _number(content: dict[str, Any], key: str) -> int | None:
    value = content.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise _BadRecordError(f"'{key}' is {shown(value)} and not a number")
    return value


def _seats(content: dict[str, Any], key: str) -> dict[str, Seat]:
    entries = _mapping(content, key)
    return {name: _seat(entries, name) for name in entries}


def _seat(entries: dict[str, Any], name: str) -> Seat:
    entry = _mapping(entries, name)
    seat = Seat(_number(entry, "slot"), _number(entry, "vlan"))
    for family in FAMILIES:
        if family in entry:
            try:
                address = parse_address(str(entry[family]))
            except AddressError as problem:
                raise _BadRecordError(f"{name}: {problem.problem}") from None
            if f"ipv{address.version}" != family:
                raise _BadRecordError(f"{name}: {address} is not {family}")
            seat.addresses[family] = address
    return seat


# --- the allocation --------------------------------------------------------------------------------------------------


def allocate(intent: Intent, record: Record) -> tuple[dict[int, Allocation], list[Problem]]:
    """Give every node, and for floating SVI every anchor leaf, its addresses and VLAN.

    :param intent: one that node subnets could be read of, with its kind of SVI chosen and its racks spread.
    :param record: what was allocated before; ``Record()`` if nothing was.
    :returns: the allocation of each L3Out by its number: one for each with floating SVI, one for all with standard SVI.
    """
    record, problems = _usable(intent, record)
    if intent.kind != "floating":
        allocation, found = _Allocator(intent, record, intent.l3outs).run()
        return {l3out.number: allocation for l3out in intent.l3outs}, problems + found
    allocations = {}
    taken: set[int] = set()
    for l3out in intent.l3outs:
        allocations[l3out.number], found = _Allocator(intent, record, [l3out], taken).run()
        problems += found
    return allocations, problems


def _usable(intent: Intent, record: Record) -> tuple[Record, list[Problem]]:
    """The record, unless the cluster changes its kind of SVI: then it says nothing, if the user agrees."""
    if record.kind in (None, intent.kind):
        return record, []
    if "all" in (intent["renumber"] or []):
        return Record(), []
    return Record(), [
        Problem(
            "svi-kind-changes",
            "aci_calico_svi",
            f"The cluster is recorded with {record.kind} SVI and would become {intent.kind}"
            f" ({'; '.join(intent.reasons)}): every node would be renumbered",
            f"Set aci_calico_svi: {record.kind} to keep it, or aci_calico_renumber: [all] to change it.",
        )
    ]


@dataclass(frozen=True)
class _Claim:
    """Who holds a place, and where that was written or recorded."""

    holder: str
    path: str


@dataclass
class _Guest:
    """Somebody who wants a seat: a node, an anchor leaf, or one of the shared addresses."""

    name: str
    permit: str
    path: str
    pins: dict[str, Pin]
    seat: Seat
    recorded: Seat
    refused: set[str] = field(default_factory=set)

    def waits(self, families: list[str]) -> list[str]:
        """The families in which the guest has no address yet, and was not refused one."""
        return [family for family in families if family not in self.seat.addresses and family not in self.refused]


class _Allocator:
    """Allocates what is behind some L3Outs: one with floating SVI, all of them with standard SVI.

    :param taken: VLANs of other L3Outs; the own one is added.
    """

    def __init__(self, intent: Intent, record: Record, l3outs: Sequence[L3Out], taken: set[int] | None = None) -> None:
        self.intent = intent
        self.l3out = l3outs[0]
        self.racks = [rack for rack in intent.racks if any(rack.id in l3out.racks for l3out in l3outs)]
        self.networks = intent.node_networks(self.l3out.number)
        self.families = list(self.networks)
        self.spaces = spaces(intent.kind, self.networks, intent["ipv6_node_prefix_length"] or 64)
        self.allocation = Allocation(intent.kind, self.spaces)
        self.problems: list[Problem] = []
        self.claims: dict[str, dict[int, _Claim]] = {family: {} for family in self.families}
        self.permitted = {name for name in intent["renumber"] or [] if isinstance(name, str)}
        self.record = record
        self.taken = set() if taken is None else taken

    def run(self) -> tuple[Allocation, list[Problem]]:
        shared, anchors, nodes = self._guests()
        guests = [*shared, *anchors, *nodes]
        if not self._fits(guests):
            return self.allocation, self.problems
        for guest in guests:
            self._take_pins(guest)
        for guest in guests:
            self._take_recorded(guest)
        for back, guest in enumerate(shared):
            self._take_first(guest, self._from_top(back))
        for guest in anchors:
            self._take_first(guest, self._from_top(len(SHARED)))
        for guest in nodes:
            self._take_first(guest, self._from_bottom())
        self._note_slots(anchors, nodes)
        if self.intent.kind == "floating":
            self._floating_vlan()
        else:
            self._node_vlans(nodes)
        return self.allocation, self.problems

    # --- who takes part

    def _guests(self) -> tuple[list[_Guest], list[_Guest], list[_Guest]]:
        allocation, intent = self.allocation, self.intent
        given = [node for rack in self.racks for node in rack.nodes]
        nodes = [self._guest(node, allocation.nodes, self.record.nodes) for node in _once(given)]
        if intent.kind != "floating":
            return [], [], nodes
        number = self.l3out.number
        recorded = self.record.l3outs.get(number, L3OutRecord()).shared
        leaves = [leaf for rack in self.racks for leaf in rack.leaves]
        shared = [
            _Guest(
                f"the {name} address",
                "svi",
                f"aci_calico_{name}_addresses",
                intent.shared_pins(f"{name}_addresses", number),
                allocation.shared.setdefault(name, Seat()),
                recorded.get(name, Seat()),
            )
            for name in SHARED
        ]
        return (
            shared,
            [self._guest(leaf, allocation.leaves, self.record.leaves) for leaf in _once(leaves)],
            nodes,
        )

    def _guest(self, one: Node | Leaf, seats: dict[str, Seat], recorded: dict[str, Seat]) -> _Guest:
        seat = seats.setdefault(one.name, Seat())
        pins = dict(one.pins)
        if isinstance(one, Node) and one.slot is not None:
            pins = self._slot_pins(one) | pins
        return _Guest(one.name, one.name, one.path, pins, seat, recorded.get(one.name, Seat()))

    def _slot_pins(self, node: Node) -> dict[str, Pin]:
        pins = {}
        for family, space in self.spaces.items():
            if node.slot is not None and node.slot < space.capacity:
                pins[family] = Pin(space.address_at(node.slot), f"{node.path} (slot {node.slot})")
            elif family not in node.pins:
                self.problems.append(
                    Problem(
                        "slot-out-of-range",
                        node.path,
                        f"Slot {node.slot} of {node.name} is beyond the {space.capacity} that the {family} node subnets hold",
                    )
                )
        return pins

    def _fits(self, guests: list[_Guest]) -> bool:
        need, fits = len(guests), True
        for family, space in self.spaces.items():
            if space.capacity < need:
                fits = False
                self.problems.append(self._too_small(family, need))
        return fits

    def _too_small(self, family: str, need: int) -> Problem:
        space = self.spaces[family]
        if isinstance(space, FloatingSpace):
            what = f"needs {need} addresses (nodes, anchor leaves, floating and secondary address)"
        else:
            what = f"needs {need} subnets of /{space.prefix_length}, one for each node"
        who = f"L3Out {self.l3out.name}" if self._one_of_several() else "The cluster"
        return Problem(
            "subnet-too-small",
            "aci_calico_node_subnets",
            f"{who} {what}; {', '.join(map(str, self.networks[family]))} holds {space.capacity}",
        )

    def _one_of_several(self) -> bool:
        return self.intent.kind == "floating" and len(self.intent.l3outs) > 1

    # --- addresses

    def _take_pins(self, guest: _Guest) -> None:
        for family, pin in guest.pins.items():
            if family not in self.spaces:
                self._refuse(
                    guest,
                    family,
                    Problem(
                        "address-outside",
                        pin.path,
                        f"{pin.address} of {guest.name} is {family}, and the cluster has no {family} node subnet",
                        "Drop the address, or add a subnet of that family.",
                    ),
                )
                continue
            self._check_renumbering(guest, family, pin)
            problem = self._claim(guest, family, pin.address, pin.path)
            if problem:
                self._refuse(guest, family, problem)

    def _refuse(self, guest: _Guest, family: str, problem: Problem) -> None:
        guest.refused.add(family)
        self.problems.append(problem)

    def _may_change(self, guest: _Guest) -> bool:
        return bool(self.permitted & {"all", guest.permit})

    def _check_renumbering(self, guest: _Guest, family: str, pin: Pin) -> None:
        recorded = guest.recorded.addresses.get(family)
        if recorded is not None and recorded != pin.address and not self._may_change(guest):
            self.problems.append(self._renumbering(guest, pin.path, recorded, f"becomes {pin.address}"))

    @staticmethod
    def _renumbering(guest: _Guest, path: str, recorded: IPAddress | int, why: str) -> Problem:
        what = "VLAN" if isinstance(recorded, int) else "address"
        return Problem(
            "renumbering",
            path,
            f"{guest.name} is recorded with {what} {recorded}, which {why}",
            f"Leave it as it was, or add {guest.permit} to aci_calico_renumber to change it.",
        )

    def _claim(self, guest: _Guest, family: str, address: IPAddress, path: str) -> Problem | None:
        """Seat the guest at an address, or say why not."""
        space = self.spaces[family]
        place = space.slot_of(address)
        if place is None:
            return Problem(
                "address-outside",
                path,
                f"{address} of {guest.name} is not {_usable_text(space)}",
                "Choose an address within.",
            )
        taken = self.claims[family].get(place)
        if taken:
            return Problem(
                "address-collision", path, f"{address} of {guest.name} is taken by {taken.holder} ({taken.path})"
            )
        self.claims[family][place] = _Claim(guest.name, path)
        guest.seat.addresses[family] = address
        return None

    def _take_recorded(self, guest: _Guest) -> None:
        for family in guest.waits(self.families):
            recorded = guest.recorded.addresses.get(family)
            if recorded is None:
                continue
            problem = self._claim(guest, family, recorded, guest.path)
            if problem and not self._may_change(guest):
                self._refuse(
                    guest, family, self._renumbering(guest, guest.path, recorded, self._cannot_stay(problem, family))
                )

    def _cannot_stay(self, problem: Problem, family: str) -> str:
        if problem.id != "address-outside":
            return f"is now another's: {problem.problem}"
        if self._one_of_several():
            return f"is not in {self.networks[family][0]}, the node subnet of its rack's L3Out {self.l3out.name}"
        return "is no longer in the node subnets"

    def _from_bottom(self) -> Iterator[dict[str, int]]:
        lowest = min(space.capacity for space in self.spaces.values())
        return (dict.fromkeys(self.families, slot) for slot in range(lowest))

    def _from_top(self, back: int) -> Iterator[dict[str, int]]:
        lowest = min(space.capacity for space in self.spaces.values())
        return (
            {family: space.capacity - 1 - slot for family, space in self.spaces.items()} for slot in range(back, lowest)
        )

    def _take_first(self, guest: _Guest, places: Iterator[dict[str, int]]) -> None:
        """Seat the guest at the first places that are free in all families that it waits in."""
        waits = guest.waits(self.families)
        preferred = self._beside(guest, waits)
        for place in itertools.chain(preferred, places) if waits else ():
            if all(place[family] not in self.claims[family] for family in waits):
                for family in waits:
                    self._claim(guest, family, self.spaces[family].address_at(place[family]), guest.path)
                return
        for family in waits:
            self._refuse(guest, family, self._too_small(family, len(self.claims[family]) + 1))

    def _beside(self, guest: _Guest, waits: list[str]) -> list[dict[str, int]]:
        """The place that the guest has in another family already: a node's addresses then look alike."""
        held = [family for family in self.families if family in guest.seat.addresses]
        if not held or not waits:
            return []
        place = self.spaces[held[0]].slot_of(guest.seat.addresses[held[0]])
        if place is None or any(place >= self.spaces[family].capacity for family in waits):
            return []
        return [dict.fromkeys(waits, place)]

    def _note_slots(self, anchors: list[_Guest], nodes: list[_Guest]) -> None:
        for guest in itertools.chain(anchors, nodes):
            family = next((family for family in self.families if family in guest.seat.addresses), None)
            if family is None:
                continue
            space = self.spaces[family]
            place = space.slot_of(guest.seat.addresses[family])
            if place is not None and guest in anchors:
                place = space.capacity - 1 - len(SHARED) - place
            guest.seat.slot = place if place is None or place >= 0 else None

    # --- VLANs

    def _floating_vlan(self) -> None:
        """The L3Out's own VLAN: the recorded one, else the one in its place in the list."""
        number = self.l3out.number
        pool = self.intent["vlan"] or []
        recorded = self.record.l3outs.get(number, L3OutRecord()).vlan
        free = [vlan for vlan in (recorded, *pool[number - 1 :], *pool) if vlan in pool and vlan not in self.taken]
        if not free:
            return
        vlan = self.allocation.vlan = free[0]
        self.taken.add(vlan)
        if recorded not in (None, vlan) and not self.permitted & {"all", "svi"}:
            guest = _Guest("The floating SVI", "svi", "aci_calico_vlan", {}, Seat(), Seat())
            self.problems.append(self._renumbering(guest, guest.path, recorded, f"becomes {vlan}"))

    def _node_vlans(self, guests: list[_Guest]) -> None:
        """A VLAN for each node: pinned, else recorded, else that of its slot, else the first that is free."""
        pool = self.intent["vlan"] or []
        holders: dict[int, str] = {}
        pinned = {node.name: node.vlan for node in self.intent.nodes if node.vlan is not None}
        for guest in guests:
            if guest.name in pinned:
                self._pin_vlan(guest, pinned[guest.name], holders)
        if not pool:
            return
        for guest in guests:
            if guest.name not in pinned:
                self._keep_vlan(guest, pool, holders)
        waiting = [guest for guest in guests if guest.seat.vlan is None and guest.name not in pinned]
        for guest in waiting:
            slot = guest.seat.slot
            if slot is not None and slot < len(pool) and pool[slot] not in holders:
                self._seat_vlan(guest, pool[slot], holders)
        free = (vlan for vlan in pool if vlan not in holders)
        short = 0
        for guest in waiting:
            if guest.seat.vlan is None:
                vlan = next(free, None)
                short += vlan is None
                if vlan is not None:
                    self._seat_vlan(guest, vlan, holders)
        if short:
            self.problems.append(
                Problem(
                    "vlan-too-few",
                    "aci_calico_vlan",
                    f"Standard SVI needs a VLAN for each of {len(guests)} nodes; {len(pool)} are named, {short} too few",
                )
            )

    @staticmethod
    def _seat_vlan(guest: _Guest, vlan: int, holders: dict[int, str]) -> None:
        guest.seat.vlan = vlan
        holders[vlan] = guest.name

    def _pin_vlan(self, guest: _Guest, vlan: int, holders: dict[int, str]) -> None:
        recorded = guest.recorded.vlan
        if recorded is not None and recorded != vlan and not self._may_change(guest):
            self.problems.append(self._renumbering(guest, guest.path, recorded, f"becomes {vlan}"))
        if vlan in holders:
            self.problems.append(
                Problem("vlan-collision", guest.path, f"VLAN {vlan} of {guest.name} is taken by {holders[vlan]}")
            )
            return
        self._seat_vlan(guest, vlan, holders)

    def _keep_vlan(self, guest: _Guest, pool: list[int], holders: dict[int, str]) -> None:
        recorded = guest.recorded.vlan
        if recorded is None:
            return
        if recorded in pool and recorded not in holders:
            self._seat_vlan(guest, recorded, holders)
        elif not self._may_change(guest):
            why = f"{holders[recorded]} has now" if recorded in holders else "is no longer in aci_calico_vlan"
            self.problems.append(self._renumbering(guest, guest.path, recorded, why))


def _once(items: list[Any]) -> list[Any]:
    """The items by name; one that is named twice is a fault elsewhere."""
    first: dict[str, Any] = {}
    for item in items:
        first.setdefault(item.name, item)
    return list(first.values())


def _usable_text(space: Space) -> str:
    if isinstance(space, FloatingSpace):
        return f"a usable address of {space.subnet}"
    supernets = ", ".join(map(str, space.supernets))
    return (
        f"one that a node can have in {supernets}: each /{space.prefix_length} keeps its first and last address unused,"
        " and its last three usable ones for the leaves"
    )
