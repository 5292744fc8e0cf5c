# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The allocation of addresses and VLANs to nodes, anchor leaves and the shared addresses of a floating SVI.

``allocate`` is a pure function of the intent and of what was recorded before. In this order it assigns:

1. what the user pinned (addresses, slots, VLANs),
2. what is recorded for claimants without pins,
3. the first free slots: to nodes from the bottom of the subnet; to the secondary address, the floating address and the anchor
   leaves from the top. So assignments stay the same whoever is added, removed or reordered.

A recorded address or VLAN that cannot be kept is a problem, unless ``aci_calico_renumber`` names its claimant.

With floating SVI each L3Out has a subnet and a VLAN of its own, and is allocated by itself. With standard SVI the nodes of
all L3Outs share the supernets and VLANs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..intent.intent import Intent, L3Out, Leaf, Node, Pin
from ..schema.addressing import FloatingSpace, IPAddress, Space, spaces
from ..schema.problems import Problem
from .record import SHARED, Allocation, Assignment, Record

Named = TypeVar("Named", Node, Leaf)


def allocate(intent: Intent, record: Record) -> tuple[dict[int, Allocation], list[Problem]]:
    """Assign addresses and VLANs to every node, and with floating SVI to every anchor leaf.

    :param intent: one with node subnets, its kind of SVI chosen and its racks spread.
    :param record: what was allocated before; ``Record()`` if nothing was.
    :returns: the allocation of each L3Out by its number: one for each with floating SVI, the same for all with standard SVI.
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
    """Return the record; an empty one if the kind of SVI changes, which the user must allow."""
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


@dataclass
class _Claimant:
    """A node, an anchor leaf or one of the shared addresses.

    :ivar permit: the name in ``aci_calico_renumber`` that allows its renumbering.
    :ivar refused: the families in which it cannot have an address.
    """

    name: str
    permit: str
    path: str
    pins: dict[str, Pin] = field(default_factory=dict)
    assignment: Assignment = field(default_factory=Assignment)
    recorded: Assignment = field(default_factory=Assignment)
    refused: set[str] = field(default_factory=set)

    def missing(self, families: list[str]) -> list[str]:
        """Return the families in which the claimant has no address yet and can have one."""
        return [family for family in families if family not in self.assignment.addresses and family not in self.refused]


class _Allocator:
    """Allocates what is behind some L3Outs: one with floating SVI, all of them with standard SVI.

    :ivar taken: VLANs of other L3Outs; the own one is added.
    :ivar owners: the claimant of each slot by family, with the path where its address was written or recorded.
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
        self.owners: dict[str, dict[int, tuple[str, str]]] = {family: {} for family in self.families}
        self.permitted = {name for name in intent["renumber"] or [] if isinstance(name, str)}
        self.record = record
        self.taken = set() if taken is None else taken
        self._left: dict[tuple[str, ...], Iterator[dict[str, int]]] = {}

    def run(self) -> tuple[Allocation, list[Problem]]:
        shared, anchors, nodes = self._claimants()
        claimants = [*shared, *anchors, *nodes]
        if not self._fits(len(claimants)):
            return self.allocation, self.problems
        for claimant in claimants:
            self._assign_pins(claimant)
        for claimant in claimants:
            self._assign_recorded(claimant)
        for back, claimant in enumerate(shared):
            self._assign_first(claimant, self._from_top(back))
        for claimant in anchors:
            self._assign_first(claimant, self._from_top(len(SHARED)))
        for claimant in nodes:
            self._assign_first(claimant, self._from_bottom(claimant))
        self._note_slots(anchors, nodes)
        if self.intent.kind == "floating":
            self._assign_floating_vlan()
        else:
            self._assign_node_vlans(nodes)
        return self.allocation, self.problems

    # --- claimants

    def _claimants(self) -> tuple[list[_Claimant], list[_Claimant], list[_Claimant]]:
        """Return the shared addresses, the anchor leaves and the nodes."""
        allocation, intent = self.allocation, self.intent
        given = [node for rack in self.racks for node in rack.nodes]
        nodes = [self._claimant(node, allocation.nodes, self.record.nodes) for node in _once(given)]
        if intent.kind != "floating":
            return [], [], nodes
        recorded = self.record.l3out(self.l3out.number).shared
        leaves = [leaf for rack in self.racks for leaf in rack.leaves]
        shared = [
            _Claimant(
                f"the {name} address",
                "svi",
                f"aci_calico_{name}_addresses",
                intent.shared_pins(f"{name}_addresses", self.l3out.number),
                allocation.shared.setdefault(name, Assignment()),
                recorded.get(name, Assignment()),
            )
            for name in SHARED
        ]
        anchors = [self._claimant(leaf, allocation.leaves, self.record.leaves) for leaf in _once(leaves)]
        return shared, anchors, nodes

    def _claimant(self, one: Node | Leaf, assignments: dict[str, Assignment], recorded: dict[str, Assignment]) -> _Claimant:
        name = one.claimant if isinstance(one, Node) else one.name
        assignment = assignments.setdefault(name, Assignment())
        pins = dict(one.pins)
        if isinstance(one, Node) and one.slot is not None:
            pins = self._slot_pins(one, one.slot) | pins
        return _Claimant(name, name, one.path, pins, assignment, recorded.get(name, Assignment()))

    def _slot_pins(self, node: Node, slot: int) -> dict[str, Pin]:
        pins = {}
        for family, space in self.spaces.items():
            if slot < space.capacity:
                pins[family] = Pin(space.address_at(slot), f"{node.path} (slot {slot})")
            elif family not in node.pins:
                text = f"Slot {slot} of {node.name} is beyond the {space.capacity} slots of the {family} node subnets"
                self.problems.append(Problem("slot-out-of-range", node.path, text))
        return pins

    def _fits(self, need: int) -> bool:
        small = [self._too_small(family, need) for family, space in self.spaces.items() if space.capacity < need]
        self.problems += small
        return not small

    def _too_small(self, family: str, need: int) -> Problem:
        space = self.spaces[family]
        if isinstance(space, FloatingSpace):
            what = f"needs {need} addresses (nodes, anchor leaves, floating and secondary address)"
        else:
            what = f"needs {need} subnets of /{space.prefix_length}, one for each node"
        who = f"L3Out {self.l3out.name}" if self._one_of_several() else "The cluster"
        held = f"{', '.join(map(str, self.networks[family]))} holds {space.capacity}"
        return Problem("subnet-too-small", "aci_calico_node_subnets", f"{who} {what}; {held}")

    def _one_of_several(self) -> bool:
        return self.intent.kind == "floating" and len(self.intent.l3outs) > 1

    # --- addresses

    def _assign_pins(self, claimant: _Claimant) -> None:
        for family, pin in claimant.pins.items():
            if family not in self.spaces:
                text = f"{pin.address} of {claimant.name} is {family}, and the cluster has no {family} node subnet"
                remedy = "Remove the address, or add a node subnet of that family."
                self._refuse(claimant, family, Problem("address-outside", pin.path, text, remedy))
                continue
            self._check_renumbering(claimant, family, pin)
            problem = self._assign(claimant, family, pin.address, pin.path)
            if problem:
                self._refuse(claimant, family, problem)

    def _refuse(self, claimant: _Claimant, family: str, problem: Problem) -> None:
        claimant.refused.add(family)
        self.problems.append(problem)

    def _may_change(self, claimant: _Claimant) -> bool:
        return bool(self.permitted & {"all", claimant.permit})

    def _check_renumbering(self, claimant: _Claimant, family: str, pin: Pin) -> None:
        recorded = claimant.recorded.addresses.get(family)
        if recorded is not None and recorded != pin.address and not self._may_change(claimant):
            self.problems.append(self._renumbering(claimant, pin.path, recorded, f"becomes {pin.address}"))

    @staticmethod
    def _renumbering(claimant: _Claimant, path: str, recorded: IPAddress | int, why: str) -> Problem:
        what = "VLAN" if isinstance(recorded, int) else "address"
        return Problem(
            "renumbering",
            path,
            f"{claimant.name} is recorded with {what} {recorded}, which {why}",
            f"Undo the change, or add {claimant.permit} to aci_calico_renumber to allow it.",
        )

    def _assign(self, claimant: _Claimant, family: str, address: IPAddress, path: str) -> Problem | None:
        """Assign an address to the claimant, or return why it cannot have it."""
        space = self.spaces[family]
        slot = space.slot_of(address)
        if slot is None:
            text = f"{address} of {claimant.name} is not {_usable_text(space)}"
            return Problem("address-outside", path, text)
        if slot in self.owners[family]:
            owner, where = self.owners[family][slot]
            text = f"{address} of {claimant.name} is already assigned to {owner} ({where})"
            return Problem("address-collision", path, text)
        self.owners[family][slot] = claimant.name, path
        claimant.assignment.addresses[family] = address
        return None

    def _assign_recorded(self, claimant: _Claimant) -> None:
        for family in claimant.missing(self.families):
            recorded = claimant.recorded.addresses.get(family)
            if recorded is None:
                continue
            problem = self._assign(claimant, family, recorded, claimant.path)
            if problem and not self._may_change(claimant):
                why = self._cannot_stay(problem, family)
                self._refuse(claimant, family, self._renumbering(claimant, claimant.path, recorded, why))

    def _cannot_stay(self, problem: Problem, family: str) -> str:
        if problem.id != "address-outside":
            return f"now belongs to another: {problem.problem}"
        if self._one_of_several():
            return f"is not in {self.networks[family][0]}, the node subnet of its rack's L3Out {self.l3out.name}"
        return "is no longer in the node subnets"

    def _from_bottom(self, claimant: _Claimant) -> Iterator[dict[str, int]]:
        """Return the slots that no claimant before, with the same families left, has taken or passed over: none becomes free."""
        lowest = min(space.capacity for space in self.spaces.values())
        slots = (dict.fromkeys(self.families, slot) for slot in range(lowest))
        return self._left.setdefault(tuple(claimant.missing(self.families)), slots)

    def _from_top(self, back: int) -> Iterator[dict[str, int]]:
        lowest = min(space.capacity for space in self.spaces.values())
        return ({family: space.capacity - 1 - slot for family, space in self.spaces.items()} for slot in range(back, lowest))

    def _assign_first(self, claimant: _Claimant, slots: Iterator[dict[str, int]]) -> None:
        """Assign the first slots that are free in all families in which the claimant has no address."""
        missing = claimant.missing(self.families)
        for slot in itertools.chain(self._same_slot(claimant, missing), slots) if missing else ():
            if all(slot[family] not in self.owners[family] for family in missing):
                for family in missing:
                    self._assign(claimant, family, self.spaces[family].address_at(slot[family]), claimant.path)
                return
        for family in missing:
            self._refuse(claimant, family, self._too_small(family, len(self.owners[family]) + 1))

    def _same_slot(self, claimant: _Claimant, missing: list[str]) -> list[dict[str, int]]:
        """Return the slot that the claimant has in another family already, so that its addresses look alike."""
        held = [family for family in self.families if family in claimant.assignment.addresses]
        if not held or not missing:
            return []
        slot = self.spaces[held[0]].slot_of(claimant.assignment.addresses[held[0]])
        if slot is None or any(slot >= self.spaces[family].capacity for family in missing):
            return []
        return [dict.fromkeys(missing, slot)]

    def _note_slots(self, anchors: list[_Claimant], nodes: list[_Claimant]) -> None:
        for claimant in itertools.chain(anchors, nodes):
            family = next((family for family in self.families if family in claimant.assignment.addresses), None)
            if family is None:
                continue
            space = self.spaces[family]
            slot = space.slot_of(claimant.assignment.addresses[family])
            if slot is not None and claimant in anchors:
                slot = space.capacity - 1 - len(SHARED) - slot
            claimant.assignment.slot = slot if slot is None or slot >= 0 else None

    # --- VLANs

    def _assign_floating_vlan(self) -> None:
        """Assign the VLAN of the L3Out: the recorded one, else the one of its number in the list, else the first free one."""
        number = self.l3out.number
        pool = self.intent["vlan"] or []
        recorded = self.record.l3out(number).vlan
        free = [vlan for vlan in (recorded, *pool[number - 1 :], *pool) if vlan in pool and vlan not in self.taken]
        if not free:
            return
        vlan = self.allocation.vlan = free[0]
        self.taken.add(vlan)
        claimant = _Claimant("The floating SVI", "svi", "aci_calico_vlan")
        if recorded not in (None, vlan) and not self._may_change(claimant):
            self.problems.append(self._renumbering(claimant, claimant.path, recorded, f"becomes {vlan}"))

    def _assign_node_vlans(self, claimants: list[_Claimant]) -> None:
        """Assign a VLAN to each node: pinned, else recorded, else that of its slot, else the first free one."""
        pool = self.intent["vlan"] or []
        owners: dict[int, str] = {}
        pinned = {node.claimant: node.vlan for node in self.intent.nodes if node.vlan is not None}
        for claimant in claimants:
            if claimant.name in pinned:
                self._pin_vlan(claimant, pinned[claimant.name], owners)
        if not pool:
            return
        for claimant in claimants:
            if claimant.name not in pinned:
                self._keep_vlan(claimant, pool, owners)
        waiting = [one for one in claimants if one.assignment.vlan is None and one.name not in pinned]
        for claimant in waiting:
            slot = claimant.assignment.slot
            if slot is not None and slot < len(pool) and pool[slot] not in owners:
                self._assign_vlan(claimant, pool[slot], owners)
        waiting = [one for one in waiting if one.assignment.vlan is None]
        free = [vlan for vlan in pool if vlan not in owners]
        for claimant, vlan in zip(waiting, free, strict=False):
            self._assign_vlan(claimant, vlan, owners)
        short = len(waiting) - len(free)
        if short > 0:
            text = f"Standard SVI needs a VLAN for each of {len(claimants)} nodes; {len(pool)} are named, {short} too few"
            self.problems.append(Problem("vlan-too-few", "aci_calico_vlan", text))

    @staticmethod
    def _assign_vlan(claimant: _Claimant, vlan: int, owners: dict[int, str]) -> None:
        claimant.assignment.vlan = vlan
        owners[vlan] = claimant.name

    def _pin_vlan(self, claimant: _Claimant, vlan: int, owners: dict[int, str]) -> None:
        recorded = claimant.recorded.vlan
        if recorded is not None and recorded != vlan and not self._may_change(claimant):
            self.problems.append(self._renumbering(claimant, claimant.path, recorded, f"becomes {vlan}"))
        if vlan in owners:
            text = f"VLAN {vlan} of {claimant.name} is already assigned to {owners[vlan]}"
            self.problems.append(Problem("vlan-collision", claimant.path, text))
            return
        self._assign_vlan(claimant, vlan, owners)

    def _keep_vlan(self, claimant: _Claimant, pool: list[int], owners: dict[int, str]) -> None:
        recorded = claimant.recorded.vlan
        if recorded is None:
            return
        if recorded in pool and recorded not in owners:
            self._assign_vlan(claimant, recorded, owners)
        elif not self._may_change(claimant):
            why = f"now belongs to {owners[recorded]}" if recorded in owners else "is no longer in aci_calico_vlan"
            self.problems.append(self._renumbering(claimant, claimant.path, recorded, why))


def _once(items: list[Named]) -> list[Named]:
    """Return the items by name; a name that occurs twice is a problem of its own."""
    first: dict[str, Named] = {}
    for item in items:
        first.setdefault(item.name, item)
    return list(first.values())


def _usable_text(space: Space) -> str:
    if isinstance(space, FloatingSpace):
        return f"a usable address of {space.subnet}"
    supernets = ", ".join(map(str, space.supernets))
    return (
        f"an address for a node in {supernets}: the first and last address of each /{space.prefix_length} are not used, and"
        " its last three usable ones are for the leaves"
    )
