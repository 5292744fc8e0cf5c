"""Routers behind the L3Outs that lead out of the fabric, derived only from APIC.

An L3Out belongs to a cluster if a node has an address in one of its subnets. In any other L3Out, a peer with a single
address is an external router: it has that address and AS number, announces the subnets of the L3Out's external EPGs,
and has an address in each of them. A subnet's description can name the networks behind the router (``beyond AS 65101 65102``): the
prefix then has these AS numbers in its path, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_interface, ip_network

from lab.dn import split_dn
from lab.twin.fabric import Fabric, Leaf, Peer, Segment, Svi

# Target addresses of prefixes that begin with zeros, whose first addresses cannot be used.
ANYWHERE = {4: "1.0.0.1", 6: "2001:db8:ffff::1"}


@dataclass(frozen=True)
class Link:
    """A session with a leaf, and the router's interface for it."""

    segment: Segment
    mtu: int
    address: str  # the router's own, with its length
    neighbour: str  # the leaf's
    asn: int
    fabric_asn: int
    password: str = field(default="", repr=False)
    ttl: int = 1

    @property
    def version(self) -> int:
        return ip_address(self.neighbour).version


@dataclass(frozen=True)
class Router:
    """One external router.

    Each peer of an interface is a router of its own. The first one has the addresses in the external prefixes; the
    others route to it.
    """

    key: str
    l3out: str
    links: tuple[Link, ...]
    outside: tuple[str, ...] = ()  # the prefixes that it announces
    number: int = 0  # among the routers of its L3Out
    beyond: tuple[tuple[str, tuple[int, ...]], ...] = ()  # prefixes with the AS numbers behind this router

    @property
    def versions(self) -> list[int]:
        return sorted({link.version for link in self.links})

    def ports(self) -> dict[Segment, tuple[int, list[str]]]:
        """Return MTU and addresses of each interface by its segment."""
        found: dict[Segment, tuple[int, list[str]]] = {}
        for link in self.links:
            __, addresses = found.setdefault(link.segment, (link.mtu, []))
            if link.address not in addresses:
                addresses.append(link.address)
        return found

    def targets(self, version: int) -> list[str]:
        """Return one address in each announced prefix of an IP version. The first router of the L3Out has these addresses."""
        return list(dict.fromkeys(target(it) for it in self.outside if ip_network(it).version == version))

    def held(self, version: int) -> list[str]:
        """Return the target addresses that this router itself has."""
        return [] if self.number else self.targets(version)


def outside_routers(fabric: Fabric, nodes: Iterable[str]) -> tuple[Router, ...]:
    """Return every router behind the VRF's L3Outs.

    :param nodes: the addresses of all Kubernetes nodes, with or without length.
    """
    if not fabric.asn:
        return ()
    inside = [ip_interface(address).ip for address in nodes]
    found: list[Router] = []
    for l3out in dict.fromkeys(svi.l3out for leaf in fabric.leaves for svi in leaf.svis):
        interfaces = [(leaf, svi) for leaf in fabric.leaves for svi in leaf.svis if svi.l3out == l3out]
        networks = [ip_interface(own).network for __, svi in interfaces for own in svi.addresses]
        if not any(address in network for address in inside for network in networks):
            found += _behind(fabric, l3out, list(_links(fabric, interfaces)))
    return tuple(_named(found))


def target(prefix: str) -> str:
    """Return the address that answers for a prefix: the first one that a machine can have."""
    network = ip_network(prefix)
    if int(network.network_address) == 0 and ip_address(ANYWHERE[network.version]) in network:
        return ANYWHERE[network.version]
    return str(network[min(1, network.num_addresses - 1)])


def _links(fabric: Fabric, interfaces: Iterable[tuple[Leaf, Svi]]) -> Iterator[Link]:
    """Yield a link for each peer and each leaf that has an address in the peer's subnet."""
    homes: dict[object, Segment] = {}
    for leaf, svi in interfaces:
        segment = fabric.segment(leaf, svi)
        # An SVI in several racks is one network. The router is in the first rack.
        home = segment if svi.routed else homes.setdefault(svi.vlan, segment)
        for peer in svi.peers:
            if not peer.dynamic:
                yield from _sessions(fabric, svi, peer, home)


def _sessions(fabric: Fabric, svi: Svi, peer: Peer, segment: Segment) -> Iterator[Link]:
    remote = ip_interface(peer.address).ip
    for own in map(ip_interface, svi.addresses):
        if remote in own.network and remote != own.ip:
            yield Link(
                segment=segment,
                mtu=svi.mtu,
                address=f"{remote}/{own.network.prefixlen}",
                neighbour=str(own.ip),
                asn=peer.asn,
                fabric_asn=peer.local_asn or fabric.asn or 0,
                password=peer.password,
                ttl=peer.ttl,
            )


def _behind(fabric: Fabric, l3out: str, links: list[Link]) -> Iterator[Router]:
    """Yield the routers: the first peers of all interfaces are one router, the second peers another, and so on."""
    peers: dict[tuple[Segment, int], list[str]] = {}
    for link in links:
        known = peers.setdefault((link.segment, link.version), [])
        if link.address not in known:
            known.append(link.address)
    for number in range(max(map(len, peers.values()), default=0)):
        own = tuple(link for link in links if peers[link.segment, link.version].index(link.address) == number)
        suffix = f"-{number + 1}" if number else ""
        prefixes = fabric.outside.get(l3out, ())
        beyond = tuple((prefix, fabric.beyond[prefix]) for prefix in prefixes if prefix in fabric.beyond)
        yield Router(f"router{suffix}", l3out, own, prefixes, number, beyond)


def _named(routers: list[Router]) -> Iterator[Router]:
    """Yield the routers with names after their L3Outs; the tenant is added if two L3Outs have the same name."""
    names = {router.l3out: [part.partition("-")[2] for part in split_dn(router.l3out)[1:3]] for router in routers}
    times = Counter(name for __, name in names.values())
    for router in routers:
        tenant, name = names[router.l3out]
        yield replace(router, key=f"{f'{tenant}.' if times[name] > 1 else ''}{name}-{router.key}")
