# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The intent: a cluster's variables as objects.

``reading`` makes it from variables, ``check`` judges how its parts fit together, and planning derives the plan from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..schema.addressing import FAMILIES, IPAddress, IPNetwork, family_of
from ..schema.option import INVALID
from ..schema.ports import Ports
from ..schema.variables import PREFIX

# The subnets of a cluster, {role: variable}, in the order of route control and documents.
SUBNET_ROLES = {
    "node": "aci_calico_node_subnets",
    "pod": "aci_calico_pod_subnets",
    "service": "aci_calico_service_subnets",
    "external_service": "aci_calico_external_service_subnets",
    "load_balancer": "aci_calico_load_balancer_subnets",
}
# 223.255.255.255, the last unicast address.
LAST_ROUTER_ID = 0xDFFFFFFF


@dataclass(frozen=True)
class Subnet:
    """A subnet, and the path where the user wrote it."""

    role: str
    network: IPNetwork
    path: str

    @property
    def family(self) -> str:
        """``ipv4`` or ``ipv6``."""
        return family_of(self.network)


@dataclass(frozen=True)
class Pin:
    """An address that the user chose, and the path where it was written."""

    address: IPAddress
    path: str


@dataclass(frozen=True)
class Leaf:
    """A leaf of a rack. ``router_id`` is None if it cannot be computed."""

    id: int
    rack: str
    path: str
    router_id: IPAddress | None
    pins: dict[str, Pin]

    @property
    def name(self) -> str:
        """The name in ``aci_calico_renumber`` and in the allocation file."""
        return f"leaf-{self.id}"


@dataclass(frozen=True)
class Node:
    """A Kubernetes node, from a rack's list or from an inventory host; or a spare slot for one.

    :ivar spare: the spare slot that the node takes.
    :ivar is_spare: whether this is a spare slot that no node takes.
    """

    name: str
    rack: str
    path: str
    slot: int | None
    pins: dict[str, Pin]
    vlan: int | None
    vpc: str | None
    ports: tuple[Ports, ...] = ()
    kind: str = "bare_metal"
    nics: tuple[str, ...] = ()
    hypervisor: str | None = None
    spare: str | None = None
    is_spare: bool = False

    @property
    def claimant(self) -> str:
        """The name in the allocation file and on APIC: that of the spare slot if the node takes one."""
        return self.spare or self.name


@dataclass
class Rack:
    """A pair of leaves and the nodes behind it. ``leaf_entries`` counts the leaves as written, valid or not."""

    id: str
    path: str
    pod: int
    leaves: list[Leaf]
    leaf_entries: int
    node_kind: str = "bare_metal"
    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class L3Out:
    """One of the cluster's L3Outs, and the racks behind it. Numbers count from 1 and never change."""

    number: int
    name: str
    racks: tuple[str, ...]


@dataclass
class Intent:
    """A cluster's variables as objects. Values that were refused are missing, and rules ignore them.

    :ivar values: each variable's value or default, without refused values and without secrets.
    :ivar racks: the racks of leaves and the nodes that peer with them: one rack with central peering.
    :ivar sound: whether no rack, node or leaf was refused, so that they can be counted.
    :ivar places: the racks as they were written, with the nodes that are connected there.
    :ivar kind: ``floating`` or ``standard``, once planning has chosen it, with its ``reasons``.
    :ivar l3outs: the L3Outs, once planning has spread the racks over them.
    """

    cluster: str
    values: dict[str, Any]
    racks: list[Rack]
    subnets: dict[str, list[Subnet]]
    sound: bool
    kind: str = ""
    reasons: list[str] = field(default_factory=list)
    l3outs: list[L3Out] = field(default_factory=list)
    places: list[Rack] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        """Return the value of a variable, named without its prefix; None if it is unset or was refused."""
        return self.values.get(PREFIX + name)

    @property
    def leaves(self) -> list[Leaf]:
        """All leaves, rack by rack."""
        return [leaf for rack in self.racks for leaf in rack.leaves]

    @property
    def nodes(self) -> list[Node]:
        """All nodes, rack by rack."""
        return [node for rack in self.racks for node in rack.nodes]

    @property
    def non_anchors(self) -> list[int]:
        """The leaves without an anchor that nodes may be connected to: those given, and those of racks that others peer for."""
        given = {leaf for leaf in self["non_anchor_leaves"] or () if leaf is not INVALID}
        return sorted(given | {leaf.id for rack in self.places for leaf in rack.leaves} - {leaf.id for leaf in self.leaves})

    @property
    def families(self) -> list[str]:
        """The address families of the node subnets, IPv4 first."""
        return [family for family in FAMILIES if self.networks("node", family)]

    @property
    def l3out(self) -> str:
        """The name of the first L3Out, after which the cluster's policies are named."""
        return self["l3out"] or f"calico-{self.cluster}"

    @property
    def l3out_names(self) -> set[str]:
        """The names of all L3Outs that are known."""
        return {self.l3out, *(l3out.name for l3out in self.l3outs)}

    def l3out_name(self, number: int) -> str:
        """Return the name of the L3Out with that number."""
        return self.l3out if number == 1 else f"{self.l3out}-{number}"

    def l3out_of(self, rack: str) -> L3Out:
        """Return the L3Out of a rack."""
        return next(l3out for l3out in self.l3outs if rack in l3out.racks)

    def node_networks(self, number: int) -> dict[str, list[IPNetwork]]:
        """Return the node subnets of an L3Out by family: its own one with floating SVI, all with standard SVI."""
        networks = {family: self.networks("node", family) for family in self.families}
        if self.kind != "floating":
            return networks
        return {family: own for family, given in networks.items() if (own := given[number - 1 : number])}

    @property
    def vrf(self) -> tuple[str | None, str | None]:
        """The VRF as tenant and name."""
        return self["vrf_tenant"] or self["tenant"], self["vrf"]

    def shares_fabric(self, other: Intent) -> bool:
        """Return whether two clusters are on one fabric, as far as their variables show."""
        mine, theirs = (controllers(intent["apic_host"], intent["apic_port"]) for intent in (self, other))
        return share_fabric(mine, theirs)

    def shares_vrf(self, other: Intent) -> bool:
        """Return whether two clusters are in one VRF of one fabric."""
        return self.shares_fabric(other) and None not in self.vrf and self.vrf == other.vrf

    def block_size(self, family: str) -> Any:
        """Return the prefix length of the blocks of a family's pools; None if it was refused."""
        return self["block_size" if family == "ipv4" else "ipv6_block_size"]

    def networks(self, role: str, family: str) -> list[IPNetwork]:
        """Return the subnets of a role and a family, in the order given."""
        return [subnet.network for subnet in self.subnets[role] if subnet.family == family]

    def networks_of(self, name: str) -> list[IPNetwork] | None:
        """Return the subnets of a list variable; None if it is unset or was refused."""
        return None if self[name] is None else [network for network in self[name] if network is not INVALID]

    def shared_pins(self, name: str, number: int) -> dict[str, Pin]:
        """Return the pinned addresses in the node subnets of an L3Out by family. The first L3Out also gets those outside all
        node subnets."""
        own = self.node_networks(number)
        pins: dict[str, Pin] = {}
        for pin in listed_pins(self[name], PREFIX + name):
            family = family_of(pin.address)
            homes = [network for network in self.networks("node", family) if pin.address in network]
            if any(home in own.get(family, ()) for home in homes) or (not homes and number == self.l3outs[0].number):
                pins.setdefault(family, pin)
        return pins


def listed_pins(addresses: Iterable[Any] | None, path: str) -> list[Pin]:
    """Return the valid addresses of a list as pins."""
    return [Pin(address, f"{path}[{index}]") for index, address in enumerate(addresses or []) if address is not INVALID]


def controllers(hosts: Iterable[Any] | None, port: Any) -> set[tuple[str, Any]]:
    """Return the controllers of a cluster's fabric that are known."""
    return {(host, port) for host in hosts or [] if isinstance(host, str)}


def share_fabric(mine: set[tuple[str, Any]], theirs: set[tuple[str, Any]]) -> bool:
    """Return whether two clusters have a controller in common. A cluster without controllers is assumed to share the fabric."""
    return not (mine and theirs) or bool(mine & theirs)
