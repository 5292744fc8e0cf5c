# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: what is read from the user, and where nodes, leaves and shared addresses sit in a subnet.

One rule for both families: the first and the last address of a subnet are never used, so that an IPv6 /125 is laid
out as an IPv4 /29 is. A *place* is the number of a node's seat: an address of the one subnet (floating SVI), or a
subnet of its own (standard SVI). Place 0 is the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

try:
    from netaddr import IPAddress, IPNetwork
    from netaddr.core import AddrFormatError
except ImportError as problem:
    # Ansible loads every plugin that it lists: what needs netaddr says so when it is used (``require_netaddr``).
    NETADDR_MISSING: ImportError | None = problem
    IPAddress = IPNetwork = AddrFormatError = None
else:
    NETADDR_MISSING = None

FAMILIES = ("ipv4", "ipv6")
NODE_PREFIX_LENGTH = 29
# A node's own subnet holds the node and three shared addresses, and neither its first nor its last address is used.
MAX_PREFIX_LENGTH = {"ipv4": 29, "ipv6": 125}

# Ranges that no node, pod or service can live in, and what they are for.
SPECIAL = {
    "0.0.0.0/8": "this network",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local addresses",
    "224.0.0.0/3": "multicast and reserved addresses",
    "::/127": "the unspecified address and loopback",
    "::ffff:0:0/96": "mapped IPv4 addresses",
    "fe80::/10": "link-local addresses",
    "ff00::/8": "multicast",
}


class AddressError(ValueError):
    """Text that is not an address or subnet that can be used; carries the problem and the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def require_netaddr() -> None:
    """Say what to do where netaddr is missing.

    :raises RuntimeError: it is.
    """
    if NETADDR_MISSING:
        raise RuntimeError(
            "netops.aci_calico needs the Python library netaddr where Ansible runs: pip install netaddr"
        ) from NETADDR_MISSING


def family_of(value: IPAddress | IPNetwork) -> str:
    """``ipv4`` or ``ipv6``."""
    return f"ipv{value.version}"


def parse_subnet(text: str) -> IPNetwork:
    """Read a subnet such as ``192.168.2.0/24``.

    :raises AddressError: no subnet, bits set behind the prefix, or a range that is no unicast.
    """
    example = "Write it as 192.168.2.0/24 or fd00:192:168:2::/64."
    if text.count("/") != 1:
        raise AddressError(f"'{text}' is not a subnet: the prefix length is missing", example)
    try:
        subnet = IPNetwork(text)
    except (AddrFormatError, ValueError):
        raise AddressError(f"'{text}' is not a subnet", example) from None
    if subnet.ip != subnet.network:
        raise AddressError(f"'{text}' has bits set behind its prefix length", f"The subnet is {subnet.cidr}.")
    _refuse_special(subnet)
    return subnet


DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")


def parse_route(text: str) -> IPNetwork:
    """Read a subnet, or the default route of a family.

    :raises AddressError: as ``parse_subnet``.
    """
    return IPNetwork(text) if text in DEFAULT_ROUTES else parse_subnet(text)


def parse_address(text: str) -> IPAddress:
    """Read an address such as ``192.168.2.1``, without a prefix length.

    :raises AddressError: no address, or one that is no unicast.
    """
    try:
        address = IPAddress(text)
    except (AddrFormatError, ValueError):
        raise AddressError(
            f"'{text}' is not an address", "Write it as 192.168.2.1 or fd00::1, without a prefix length."
        ) from None
    _refuse_special(IPNetwork(address))
    return address


def _refuse_special(subnet: IPNetwork) -> None:
    if subnet.prefixlen == 0:
        raise AddressError(f"{subnet} holds every address", "Name the subnets that belong to this cluster.")
    for special, purpose in _special():
        if subnet in special:
            raise AddressError(f"{subnet} is within {special}, which is for {purpose}", "Use unicast addresses.")


@cache
def _special() -> list[tuple[IPNetwork, str]]:
    return [(IPNetwork(text), purpose) for text, purpose in SPECIAL.items()]


def by_family(networks: Iterable[IPNetwork]) -> dict[str, list[str]]:
    """``{family: [prefix]}`` without the families that have none; each prefix once, in the order given."""
    result: dict[str, list[str]] = {}
    for network in sorted(dict.fromkeys(networks), key=lambda network: network.version):
        result.setdefault(family_of(network), []).append(str(network))
    return result


def overlap(one: IPNetwork, other: IPNetwork) -> bool:
    """Whether two subnets share an address."""
    return one.version == other.version and one.first <= other.last and other.first <= one.last


def first_usable(subnet: IPNetwork) -> IPAddress:
    """The lowest address that something may have."""
    return IPAddress(subnet.first + 1, subnet.version)


def last_usable(subnet: IPNetwork, back: int = 0) -> IPAddress:
    """The highest address that something may have, or one ``back`` places before it."""
    return IPAddress(subnet.last - 1 - back, subnet.version)


def with_prefix(address: IPAddress, subnet: IPNetwork) -> str:
    """``192.168.2.1/24``: the address as an interface of that subnet carries it."""
    return f"{address}/{subnet.prefixlen}"


@dataclass(frozen=True)
class FloatingSpace:
    """One subnet for the whole cluster: a place is an address (white paper, "Example floating SVI IP allocation")."""

    subnet: IPNetwork

    @property
    def capacity(self) -> int:
        """How many addresses can be used."""
        return max(0, self.subnet.size - 2)

    def place_of(self, address: IPAddress) -> int | None:
        """The address's place; None outside the usable addresses."""
        if address.version != self.subnet.version or not self.subnet.first < address.value < self.subnet.last:
            return None
        return address.value - self.subnet.first - 1

    def address_at(self, place: int) -> IPAddress:
        """The address of a place."""
        return IPAddress(self.subnet.first + 1 + place, self.subnet.version)

    def subnet_at(self, place: int) -> IPNetwork:
        """The subnet that a place lies in: always the same."""
        return self.subnet


@dataclass(frozen=True)
class StandardSpace:
    """A subnet for each node, cut from one or more supernets: a place is such a subnet (white paper, "Example standard
    SVI IP allocation")."""

    supernets: tuple[IPNetwork, ...]
    prefix_length: int

    def _holds(self, supernet: IPNetwork) -> int:
        bits = self.prefix_length - supernet.prefixlen
        return 2**bits if bits >= 0 else 0

    @property
    def _size(self) -> int:
        width = 32 if self.supernets[0].version == 4 else 128
        return 2 ** (width - self.prefix_length)

    @property
    def capacity(self) -> int:
        """How many nodes the supernets hold."""
        return sum(map(self._holds, self.supernets))

    def place_of(self, address: IPAddress) -> int | None:
        """The place of the subnet that holds the address; None where the address is no node's to have."""
        before = 0
        for supernet in self.supernets:
            if address.version == supernet.version and supernet.first <= address.value <= supernet.last:
                place = before + (address.value - supernet.first) // self._size
                if place - before >= self._holds(supernet):
                    return None
                return place if self._free_for_node(address, self.subnet_at(place)) else None
            before += self._holds(supernet)
        return None

    @staticmethod
    def _free_for_node(address: IPAddress, subnet: IPNetwork) -> bool:
        return subnet.first < address.value < last_usable(subnet, 2).value

    def address_at(self, place: int) -> IPAddress:
        """The node's address in its subnet: the first usable one."""
        return first_usable(self.subnet_at(place))

    def subnet_at(self, place: int) -> IPNetwork:
        """The subnet of a place."""
        for supernet in self.supernets:
            if place < self._holds(supernet):
                start = IPAddress(supernet.first + place * self._size, supernet.version)
                return IPNetwork(f"{start}/{self.prefix_length}")
            place -= self._holds(supernet)
        raise IndexError(place)


Space = FloatingSpace | StandardSpace


def pair_addresses(subnet: IPNetwork) -> dict[str, IPAddress]:
    """The last three usable addresses of a node's own subnet: leaf A, leaf B and the secondary that both answer for."""
    return {"leaf_a": last_usable(subnet, 2), "leaf_b": last_usable(subnet, 1), "secondary": last_usable(subnet)}


def spaces(kind: str, subnets: dict[str, Sequence[IPNetwork]], ipv6_prefix_length: int) -> dict[str, Space]:
    """The space of each family: ``{family: Space}``.

    :param kind: ``floating`` (one subnet of a family) or ``standard``.
    :param subnets: the node subnets by family.
    :param ipv6_prefix_length: the length of an IPv6 node's own prefix, standard SVI only.
    """
    if kind == "floating":
        return {family: FloatingSpace(networks[0]) for family, networks in subnets.items()}
    lengths = {"ipv4": NODE_PREFIX_LENGTH, "ipv6": ipv6_prefix_length}
    return {family: StandardSpace(tuple(networks), lengths[family]) for family, networks in subnets.items()}
