# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read addresses and subnets, and number the addresses that nodes, leaves and shared addresses can have.

One rule holds for both families: the first and the last address of a subnet are never used, so that an IPv6 /125 is laid
out like an IPv4 /29. A *slot* is the number of an address in the cluster's subnet (floating SVI) or of a node's own
subnet (standard SVI). Slots count from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

try:
    from netaddr import IPAddress, IPNetwork
    from netaddr.core import AddrFormatError
except ImportError as problem:
    # Ansible loads plugins to list them, so a missing netaddr is reported on use only (``require_netaddr``).
    NETADDR_MISSING: ImportError | None = problem
    IPAddress = IPNetwork = AddrFormatError = None
else:
    NETADDR_MISSING = None

FAMILIES = ("ipv4", "ipv6")
NODE_PREFIX_LENGTH = 29
# The smallest subnet of a node: the node, three shared addresses, and the first and the last address, which are not used.
MAX_PREFIX_LENGTH = {"ipv4": 29, "ipv6": 125}
# The shortest and the longest prefix of a pool's blocks that Calico allows (its validator of IPPools).
BLOCK_LENGTHS = {"ipv4": (20, 32), "ipv6": (116, 128)}

# Ranges that no node, pod or service can have addresses in, and their purpose.
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
    """A text that cannot be used; ``problem`` says why, ``remedy`` what to write."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def require_netaddr() -> None:
    """Raise a RuntimeError that says what to install if netaddr is missing."""
    if NETADDR_MISSING:
        raise RuntimeError(
            "netops.aci_calico needs the Python library netaddr where Ansible runs: pip install netaddr"
        ) from NETADDR_MISSING


def family_of(value: IPAddress | IPNetwork) -> str:
    """Return ``ipv4`` or ``ipv6``."""
    return f"ipv{value.version}"


def parse_subnet(text: str) -> IPNetwork:
    """Read a subnet such as ``192.168.2.0/24``.

    :raises AddressError: the text is not a subnet, has host bits set, or is not unicast.
    """
    example = "Write it as 192.168.2.0/24 or fd00:192:168:2::/64."
    if text.count("/") != 1:
        raise AddressError(f"'{text}' is not a subnet: the prefix length is missing", example)
    try:
        subnet = IPNetwork(text)
    except (AddrFormatError, ValueError):
        raise AddressError(f"'{text}' is not a subnet", example) from None
    if subnet.ip != subnet.network:
        raise AddressError(f"'{text}' has host bits set", f"The subnet is {subnet.cidr}.")
    _refuse_special(subnet)
    return subnet


def parse_route(text: str) -> IPNetwork:
    """Read a subnet or a default route.

    :raises AddressError: the text is neither; see ``parse_subnet``.
    """
    return IPNetwork(text) if text in ("0.0.0.0/0", "::/0") else parse_subnet(text)


def parse_address(text: str) -> IPAddress:
    """Read an address such as ``192.168.2.1``, without a prefix length.

    :raises AddressError: the text is not an address, or the address is not unicast.
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
        raise AddressError(f"{subnet} contains every address", "Name the subnets that belong to this cluster.")
    for special, purpose in _special():
        if subnet in special:
            raise AddressError(f"{subnet} is within {special}, which is for {purpose}", "Use unicast addresses.")


@cache
def _special() -> list[tuple[IPNetwork, str]]:
    return [(IPNetwork(text), purpose) for text, purpose in SPECIAL.items()]


def by_family(networks: Iterable[IPNetwork]) -> dict[str, list[str]]:
    """Return ``{family: [prefix]}``: each prefix once, in the order given, without families that have no prefix."""
    result: dict[str, list[str]] = {}
    for network in sorted(dict.fromkeys(networks), key=lambda network: network.version):
        result.setdefault(family_of(network), []).append(str(network))
    return result


def overlap(one: IPNetwork, other: IPNetwork) -> bool:
    """Return whether two subnets share an address."""
    return bool(one.version == other.version and one.first <= other.last and other.first <= one.last)


def last_usable(subnet: IPNetwork, back: int = 0) -> IPAddress:
    """Return the highest usable address, or the address ``back`` before it."""
    return IPAddress(subnet.last - 1 - back, subnet.version)


def with_prefix(address: IPAddress, subnet: IPNetwork) -> str:
    """Return an address with the prefix length of its subnet: ``192.168.2.1/24``."""
    return f"{address}/{subnet.prefixlen}"


@dataclass(frozen=True)
class FloatingSpace:
    """One subnet for the whole cluster; a slot is an address (white paper, "Example floating SVI IP allocation")."""

    subnet: IPNetwork

    @property
    def capacity(self) -> int:
        """The number of usable addresses."""
        return max(0, int(self.subnet.size) - 2)

    def slot_of(self, address: IPAddress) -> int | None:
        """Return the slot of an address; None for an address that is not usable."""
        if address.version != self.subnet.version or not self.subnet.first < address.value < self.subnet.last:
            return None
        return int(address.value - self.subnet.first) - 1

    def address_at(self, slot: int) -> IPAddress:
        """Return the address of a slot."""
        return IPAddress(self.subnet.first + 1 + slot, self.subnet.version)

    def subnet_at(self, slot: int) -> IPNetwork:
        """Return the subnet of a slot, which is the same for all slots."""
        return self.subnet


@dataclass(frozen=True)
class StandardSpace:
    """A subnet for each node, cut from one or more supernets; a slot is such a subnet (white paper, "Example standard SVI
    IP allocation")."""

    supernets: tuple[IPNetwork, ...]
    prefix_length: int

    def _holds(self, supernet: IPNetwork) -> int:
        bits: int = self.prefix_length - supernet.prefixlen
        return 1 << bits if bits >= 0 else 0

    @property
    def _size(self) -> int:
        width = 32 if self.supernets[0].version == 4 else 128
        return 1 << (width - self.prefix_length)

    @property
    def capacity(self) -> int:
        """The number of nodes that the supernets have room for."""
        return sum(map(self._holds, self.supernets))

    def slot_of(self, address: IPAddress) -> int | None:
        """Return the slot of the subnet that contains the address; None for an address that no node can have."""
        before = 0
        for supernet in self.supernets:
            if address.version == supernet.version and supernet.first <= address.value <= supernet.last:
                slot = before + (address.value - supernet.first) // self._size
                if slot - before >= self._holds(supernet):
                    return None
                subnet = self.subnet_at(slot)
                return slot if subnet.first < address.value < last_usable(subnet, 2).value else None
            before += self._holds(supernet)
        return None

    def address_at(self, slot: int) -> IPAddress:
        """Return the node's address in its subnet, which is the first usable one."""
        subnet = self.subnet_at(slot)
        return IPAddress(subnet.first + 1, subnet.version)

    def subnet_at(self, slot: int) -> IPNetwork:
        """Return the subnet of a slot."""
        for supernet in self.supernets:
            if slot < self._holds(supernet):
                start = IPAddress(supernet.first + slot * self._size, supernet.version)
                return IPNetwork(f"{start}/{self.prefix_length}")
            slot -= self._holds(supernet)
        raise IndexError(slot)


Space = FloatingSpace | StandardSpace


def pair_addresses(subnet: IPNetwork) -> dict[str, IPAddress]:
    """Return the last three usable addresses of a node's own subnet: leaf A, leaf B and the secondary address of both."""
    return {"leaf_a": last_usable(subnet, 2), "leaf_b": last_usable(subnet, 1), "secondary": last_usable(subnet)}


def spaces(kind: str, subnets: Mapping[str, Sequence[IPNetwork]], ipv6_prefix_length: int) -> dict[str, Space]:
    """Return the space of each family: ``{family: Space}``.

    :param kind: ``floating``, with one subnet of each family, or ``standard``.
    :param ipv6_prefix_length: the length of a node's own IPv6 prefix; standard SVI only.
    """
    if kind == "floating":
        return {family: FloatingSpace(networks[0]) for family, networks in subnets.items()}
    lengths = {"ipv4": NODE_PREFIX_LENGTH, "ipv6": ipv6_prefix_length}
    return {family: StandardSpace(tuple(networks), lengths[family]) for family, networks in subnets.items()}
