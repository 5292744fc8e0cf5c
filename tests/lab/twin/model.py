"""The whole twin: a VRF's fabric, its clusters, the cabling of the hosts, and the external routers.

Neither APIC nor Kubernetes knows the cabling of a floating SVI's hosts, and a wrong configuration does not move a
cable. Cabling is therefore inferred once, when a host is first seen, and kept (``Cable``): from the vPC path of a
standard SVI, otherwise from the rack of the node's peers. Tests may move a host (``moved``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_interface, ip_network

from lab.twin.calico import Cluster, Node
from lab.twin.fabric import FAMILIES, Fabric, Leaf, Svi, covers
from lab.twin.outside import Router, outside_routers

# Addresses of the fabric's transport, which no plan can use, and of the endpoint, which are for documentation.
UNDERLAY = {"ipv4": ip_network("169.254.0.0/16"), "ipv6": ip_network("fd5a:7e57:1ab::/64")}
ENDPOINT = {"ipv4": ip_interface("192.0.2.10/24"), "ipv6": ip_interface("2001:db8:e9::10/64")}
RESERVED = ("wiring", "endpoint")  # namespaces that are no leaf, node or router


class TwinError(Exception):
    """A problem that the user can solve; printed without a traceback."""


@dataclass(frozen=True)
class Cable:
    """The cabling of a host: the rack's leaves, the VLAN and the MTU of its interface."""

    rack: tuple[int, ...] = ()
    vlan: int = 0
    mtu: int = 9000


@dataclass(frozen=True)
class Host:
    """A Kubernetes node as a machine."""

    key: str  # unique among all clusters of the twin
    cluster_name: str
    node: Node
    cluster: Cluster = field(repr=False)
    cable: Cable = Cable()
    interfaces: Mapping[str, str] = field(default_factory=dict)  # family → address/length
    gateways: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Twin:
    """The input of the daemons' configurations and of the namespaces."""

    fabric: Fabric
    hosts: tuple[Host, ...] = ()
    routers: tuple[Router, ...] = ()

    def leaf_address(self, leaf: Leaf, family: str) -> str:
        """Return a leaf's address in the transport network, which does not depend on the other leaves."""
        return str(UNDERLAY[family][256 + leaf.id])

    def endpoint_leaf(self) -> Leaf | None:
        """Return the compute leaf, which the endpoint is connected to."""
        return next((leaf for leaf in self.fabric.leaves if leaf.compute), None)

    def families(self) -> tuple[str, ...]:
        """Return the address families of the SVIs and hosts."""
        addresses = [address for leaf in self.fabric.leaves for svi in leaf.svis for address in svi.addresses]
        addresses += [address for host in self.hosts for address in host.interfaces.values()]
        versions = {ip_interface(address).version for address in addresses}
        return tuple(family for family in FAMILIES if int(family[-1]) in versions) or ("ipv4",)


def choose_fabric(fabrics: Iterable[Fabric], clusters: Iterable[Cluster], vrf: str | None = None) -> Fabric:
    """Return the VRF of the clusters' nodes.

    It has an SVI in a node's subnet. If several VRFs have one, the nodes' peers must be leaves of the chosen one. The
    result has no name while there is no such VRF.

    :param vrf: ``tenant:name`` of a VRF that was chosen before.
    :raises TwinError: when several VRFs remain.
    """
    fabrics = list(fabrics)
    if vrf:
        wanted = [fabric for fabric in fabrics if f"{fabric.tenant}:{fabric.vrf}" == vrf]
        tenant, __, name = vrf.partition(":")
        return wanted[0] if wanted else Fabric(tenant, name)
    nodes = [node for cluster in clusters for node in cluster.nodes]
    addresses = [address for node in nodes for address in node.addresses.values()]
    peers = {peer.address for node in nodes for peer in node.peers}
    fitting = [
        fabric
        for fabric in fabrics
        if any(covers(svi, address) for leaf in fabric.leaves for svi in leaf.svis for address in addresses)
    ]
    if len(fitting) > 1:
        fitting = [fabric for fabric in fitting if peers & _leaf_addresses(fabric.leaves)] or fitting
    if len(fitting) > 1:
        names = ", ".join(f"{fabric.tenant}:{fabric.vrf}" for fabric in fitting)
        raise TwinError(f"the cluster could be in several VRFs: {names}; choose one with --vrf")
    return fitting[0] if fitting else Fabric("", "")


def together(fabrics: Iterable[Fabric], clusters: Mapping[str, Cluster]) -> list[tuple[str, list[str]]]:
    """Return the clusters of each VRF: ``tenant:name`` and the clusters' names.

    A cluster without a VRF, or with several possible ones, is alone and its VRF is empty.
    """
    fabrics = list(fabrics)
    groups: dict[tuple[str, str], list[str]] = {}
    for name, cluster in clusters.items():
        try:
            fabric = choose_fabric(fabrics, [cluster])
        except TwinError:
            fabric = Fabric("", "")
        vrf = f"{fabric.tenant}:{fabric.vrf}" if fabric.vrf else ""
        groups.setdefault((vrf, "" if vrf else name), []).append(name)
    return [(vrf, names) for (vrf, __), names in groups.items()]


def _leaf_addresses(leaves: Iterable[Leaf]) -> set[str]:
    return {str(ip_interface(address).ip) for leaf in leaves for svi in leaf.svis for address in svi.addresses}


def assemble(fabric: Fabric, clusters: Mapping[str, Cluster], cables: Mapping[str, Cable] | None = None) -> Twin:
    """Connect the clusters' nodes to the fabric.

    :param clusters: by name; with more than one, hosts are called ``cluster.node``.
    :param cables: the cabling of known hosts.
    :raises TwinError: when two machines would have the same name.
    """
    known = cables or {}
    hosts = []
    for name, cluster in clusters.items():
        for node in cluster.nodes:
            key = node.name if len(clusters) == 1 else f"{name}.{node.name}"
            cable = _in_rack(known[key], fabric) if key in known else infer_cable(node, fabric)
            hosts.append(_host(key, name, node, cluster, cable, fabric))
    routers = outside_routers(fabric, [address for host in hosts for address in host.node.addresses.values()])
    machines = [f"leaf-{leaf.id}" for leaf in fabric.leaves]
    machines += [*(host.key for host in hosts), *(router.key for router in routers), *RESERVED]
    for name in machines:
        if machines.count(name) > 1:
            raise TwinError(f"two machines of the twin would have the name {name}; rename one of them")
    return Twin(fabric, tuple(hosts), routers)


def _in_rack(cable: Cable, fabric: Fabric) -> Cable:
    """Return the cabling of a host whose rack has lost or got a leaf: the host stays connected to the leaves that remain."""
    kept = [rack for rack in fabric.racks if set(rack) & set(cable.rack)]
    return cable if not kept or cable.rack in kept else replace(cable, rack=kept[0])


def infer_cable(node: Node, fabric: Fabric) -> Cable:
    """Return the cabling of a node that is seen for the first time; without a rack if no SVI has its subnet."""
    peers = {peer.address for peer in node.peers}
    best: tuple[int, Cable] = (-1, Cable())
    for leaf in fabric.leaves:
        for svi in leaf.svis:
            if any(covers(svi, address) for address in node.addresses.values()):
                rack = fabric.rack_of(leaf.id)
                known = _leaf_addresses(other for other in fabric.leaves if other.id in rack)
                best = max(best, (len(known & peers), Cable(rack, svi.vlan, svi.mtu)), key=lambda item: item[0])
    return best[1]


def moved(cable: Cable, fabric: Fabric, leaves: Iterable[int]) -> Cable:
    """Return the cable of a host after a move to other leaves, with the same VLAN and MTU.

    :raises TwinError: for leaves of different racks.
    """
    wanted = tuple(sorted(set(leaves)))
    rack = next((rack for rack in fabric.racks if set(rack) & set(wanted)), wanted)
    if not set(wanted) <= set(rack):
        names = [", ".join(map(str, leaves)) for leaves in (wanted, rack)]
        raise TwinError(f"leaves {names[0]} are not in one rack; {names[1]} are")
    return replace(cable, rack=rack)


def _host(key: str, cluster_name: str, node: Node, cluster: Cluster, cable: Cable, fabric: Fabric) -> Host:
    near = [svi for leaf in fabric.leaves if leaf.id in cable.rack for svi in leaf.svis]
    far = [svi for leaf in fabric.leaves for svi in leaf.svis]
    interfaces = {family: _with_length(address, [*near, *far]) for family, address in node.addresses.items()}
    found = {family: _gateway(address, [*near, *far]) for family, address in interfaces.items()}
    gateways = {family: address for family, address in found.items() if address}
    return Host(key, cluster_name, node, cluster, cable, interfaces, gateways)


def _with_length(address: str, svis: list[Svi]) -> str:
    """Return the address with the length of its subnet, which a Node without Calico's annotation lacks."""
    if "/" in address:
        return address
    for svi in svis:
        for own in svi.addresses:
            if ip_interface(address).ip in ip_interface(own).network:
                return f"{address}/{ip_interface(own).network.prefixlen}"
    return str(ip_interface(address))


def _gateway(address: str, svis: list[Svi]) -> str:
    """Return the host's default gateway: the secondary address in its subnet that most leaves share."""
    own = ip_interface(address)
    shared = Counter(
        str(secondary.ip)
        for svi in svis
        for secondary in map(ip_interface, svi.secondaries)
        if secondary.version == own.version and secondary.ip in own.network
    )
    return shared.most_common(1)[0][0] if shared else ""
