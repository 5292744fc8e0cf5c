"""Namespaces, links, addresses and routes of the twin, as commands of ``ip``.

Each leaf, node and external router and the endpoint have a namespace; all bridges are in one more, ``wiring``. A rack's
VLAN is a bridge, so a host with another VLAN than the leaves' is on its own bridge, as isolated as by a switch. A
routed port is a bridge with only its cables. The bridges of one L3Out and VLAN are joined by a core bridge, because
such SVIs share one external bridge domain; with floating SVI, so are the bridges of leaves without SVI that hosts have
moved to.

Between racks only broadcast and multicast is flooded and nothing is learned: static entries of the bridges tell where
each address is. A host that moves is therefore found at once, and the shared MAC of the secondary address is always
found in the host's own rack or, if that has none, in the rack of the leaves that the host peers with.

Resources name the resources that they need, so that a changed link is replaced with everything on it
(``plan_changes``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_interface, ip_network

from lab.dn import split_dn
from lab.twin.calico import Node
from lab.twin.fabric import Leaf, Segment, Svi, covers
from lab.twin.model import ENDPOINT, Host, Twin, infer_cable
from lab.twin.outside import Router

WIRING = "wiring"
ENDPOINT_NAME = "endpoint"
JUMBO = 9216  # the largest frame of a leaf's port
ENDPOINT_PORT = "bd0"
FABRIC_PORT = "fab0"
BACKBONE_PORT = "backbone"
BACKBONE = {4: ip_network("169.254.0.0/24"), 6: ip_network("fe80::/64")}  # between external routers
POD_DEVICE = "cali0"  # Calico's BIRD ignores interfaces with these two names
SERVICE_DEVICE = "kube-ipvs0"
NAME_LENGTH = 15  # Linux's limit for the name of an interface
Bridges = Mapping[Segment, str]
Rack = tuple[int, ...]  # its leaves


@dataclass(frozen=True)
class Resource:
    """Something that ``ip`` creates.

    The commands run in ``namespace``. Cables have none, because they name the namespaces of both ends; their end in
    ``remove_in`` removes them. Entries of bridges are created by ``bridge``, not ``ip``.
    """

    key: str
    create: tuple[str, ...]
    remove: tuple[str, ...] = ()
    namespace: str = ""
    needs: tuple[str, ...] = ()
    remove_in: str = ""
    program: tuple[str, ...] = ("ip",)


@dataclass
class Wiring:
    """All resources, in an order in which they can be created, and their namespaces."""

    namespaces: list[str] = field(default_factory=lambda: [WIRING])
    resources: list[Resource] = field(default_factory=list)

    def add(self, key: str, create: Iterable[str], remove: Iterable[str] = (), namespace: str = "", *needs: str) -> str:
        """Add a resource; return its key."""
        self.resources.append(Resource(key, tuple(create), tuple(remove), namespace, needs, namespace))
        return key

    def cable(self, one: tuple[str, str], other: tuple[str, str], hardware: str = "", mtu: int = JUMBO) -> str:
        """Add a cable between two (namespace, interface). MAC address and MTU are for the first end."""
        key, address = f"link {'/'.join(other)}", f" address {hardware}" if hardware else ""
        create = (
            f"link add name {one[1]} netns {one[0]}{address} mtu {mtu} type veth"
            f" peer name {other[1]} netns {other[0]} mtu {JUMBO}"
        )
        self.resources.append(Resource(key, (create,), (f"link del {other[1]}",), remove_in=other[0]))
        return key


def leaf_namespace(leaf: Leaf | int) -> str:
    return f"leaf-{leaf if isinstance(leaf, int) else leaf.id}"


def wire(twin: Twin) -> Wiring:
    """Return everything that the twin needs below BGP."""
    wiring = Wiring()
    bridges = _bridges(wiring, twin)
    for leaf in twin.fabric.leaves:
        _leaf(wiring, twin, leaf, bridges)
    for host in twin.hosts:
        _host(wiring, host, bridges)
    for router in twin.routers:
        _router(wiring, router, bridges)
    _backbones(wiring, twin)
    _endpoint(wiring, twin)
    _cores(wiring, twin, bridges)
    return wiring


def plan_changes(old: Iterable[Resource], new: Iterable[Resource]) -> tuple[list[Resource], list[Resource]]:
    """Return the resources to remove and those to create, both in order, to change one set into the other."""
    old, new = list(old), list(new)
    before = {resource.key: resource for resource in old}
    stale = {resource.key for resource in new if before.get(resource.key) != resource}
    for resource in new:
        if stale.intersection(resource.needs):
            stale.add(resource.key)
    kept = {resource.key for resource in new} - stale
    removed = [resource for resource in reversed(old) if resource.key not in kept]
    return removed, [resource for resource in new if resource.key in stale]


# --- names -----------------------------------------------------------------------------------------------------------


def _short(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:8]


def mac(*parts: object) -> str:
    """Return a locally administered address that is always the same for the same owner."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()
    return ":".join(["02", *(digest[at : at + 2] for at in range(0, 10, 2))])


def _bridge_name(segment: Segment) -> str:
    """Return a bridge's name, which is readable for a rack of two leaves."""
    if segment.port:
        return f"p{_short(segment.vlan, segment.port)}"
    name = f"r{'.'.join(map(str, segment.rack))}v{segment.vlan}"
    return name if len(name) <= NAME_LENGTH else f"r{_short(*segment.rack)}v{segment.vlan}"


def device_name(svi: Svi) -> str:
    """Return the name of a leaf's interface.

    Examples are ``vlan300``, ``eth1.48`` for the routed port eth1/48 and ``eth1.48.300`` for a sub-interface of it.
    """
    if not svi.routed:
        return f"vlan{svi.vlan}"
    port = split_dn(svi.path)[-1].removeprefix("pathep-[").rstrip("]").replace("/", ".")
    name = f"{port}.{svi.vlan}" if svi.vlan else port
    return name if len(name) < NAME_LENGTH else f"port{_short(svi.path, svi.vlan)}"


# --- bridges ---------------------------------------------------------------------------------------------------------


def _bridges(wiring: Wiring, twin: Twin) -> Bridges:
    """Add one bridge for each rack and VLAN that a leaf or host uses, one for each routed port, and the fabric's own."""
    wanted = _anchored(twin) | {_segment(host) for host in twin.hosts}
    names = {segment: _bridge_name(segment) for segment in sorted(wanted)}
    for name in ("fabric", *names.values()):
        _bridge(wiring, name)
    return names


def _bridge(wiring: Wiring, name: str) -> None:
    create = [
        f"link add name {name} address {mac('bridge', name)} mtu {JUMBO} type bridge mcast_snooping 0 ageing_time 3600000",
        f"link set {name} up",
    ]
    wiring.add(f"bridge {name}", create, [f"link del {name}"], WIRING)


def _port(wiring: Wiring, bridge: str, port: str, link: str, *options: str) -> str:
    commands = [f"link set {port} master {bridge} up", *(f"link set {port} type bridge_slave {it}" for it in options)]
    return wiring.add(f"port {port}", commands, (), WIRING, link, f"bridge {bridge}")


def _cores(wiring: Wiring, twin: Twin, bridges: Bridges) -> None:
    """Join the racks' bridges of each external bridge domain that is in more than one rack."""
    anchored = _anchored(twin)
    for (l3out, vlan), racks in sorted(_domains(twin, anchored).items()):
        if len(racks) < 2:
            continue
        core = f"core{_short(l3out, vlan)}"
        _bridge(wiring, core)
        own = {rack: _addresses(twin, Segment(rack, vlan)) for rack in racks}
        shared, home = _shared_addresses(twin, l3out, vlan), _gateway_rack(twin, vlan, racks, anchored)
        for rack in sorted(racks):
            up, down = f"u{_short(l3out, vlan, rack)}", f"d{_short(l3out, vlan, rack)}"
            link = wiring.cable((WIRING, up), (WIRING, down))
            inside = _port(wiring, core, down, link)
            _entries(wiring, down, inside, own[rack] | (shared if rack == home else set()))
            outside = _port(wiring, bridges[Segment(rack, vlan)], up, link, "learning off", "flood off")
            elsewhere = set().union(*(own[other] for other in racks - {rack}))
            _entries(wiring, up, outside, elsewhere | (set() if Segment(rack, vlan) in anchored else shared))


def _anchored(twin: Twin) -> set[Segment]:
    """Return the segments in which leaves have an interface."""
    return {twin.fabric.segment(leaf, svi) for leaf in twin.fabric.leaves for svi in leaf.svis}


def _domains(twin: Twin, anchored: set[Segment]) -> dict[tuple[str, int], set[Rack]]:
    """Return the racks of each external bridge domain, by L3Out and VLAN.

    The domain is in all racks with its SVIs. That of a floating SVI follows its hosts to leaves without SVI.
    """
    domains: dict[tuple[str, int], set[Rack]] = {}
    for leaf in twin.fabric.leaves:
        for svi in leaf.svis:
            if not svi.routed:
                domains.setdefault((svi.l3out, svi.vlan), set()).add(twin.fabric.rack_of(leaf.id))
    floating = [svi for leaf in twin.fabric.leaves for svi in leaf.svis if not svi.path]
    for host in twin.hosts:
        if _segment(host) not in anchored:
            for svi in floating:
                if svi.vlan == host.cable.vlan and any(covers(svi, address) for address in host.interfaces.values()):
                    domains[svi.l3out, svi.vlan].add(host.cable.rack)
    return domains


def _segment(host: Host) -> Segment:
    return Segment(host.cable.rack, host.cable.vlan)


def _addresses(twin: Twin, segment: Segment) -> set[str]:
    """Return the MAC addresses that exist only in one rack's VLAN."""
    leaves = {
        mac("svi", leaf.id, segment.vlan)
        for leaf in twin.fabric.leaves
        if any(twin.fabric.segment(leaf, svi) == segment for svi in leaf.svis)
    }
    hosts = {mac("host", host.key) for host in twin.hosts if _segment(host) == segment}
    routers = {_router_mac(router, segment) for router in twin.routers if segment in router.ports()}
    return leaves | hosts | routers


def _shared_addresses(twin: Twin, l3out: str, vlan: int) -> set[str]:
    """Return the MAC addresses that all leaves of an external bridge domain share."""
    svis = [svi for leaf in twin.fabric.leaves for svi in leaf.svis if (svi.l3out, svi.vlan) == (l3out, vlan)]
    return {svi.mac for svi in svis if svi.secondaries}


def _gateway_rack(twin: Twin, vlan: int, racks: set[Rack], anchored: set[Segment]) -> Rack | None:
    """Return the rack with the gateway of hosts behind leaves without SVI: the rack of the first such host."""
    away = {Segment(rack, vlan) for rack in racks} - anchored
    return next((infer_cable(host.node, twin.fabric).rack for host in twin.hosts if _segment(host) in away), None)


def _entries(wiring: Wiring, device: str, port: str, addresses: set[str]) -> None:
    """Add static entries: these addresses are behind a port of a bridge."""
    for address in sorted(addresses):
        entry = f"{address} dev {device} master"
        create, remove = (f"fdb replace {entry} static",), (f"fdb del {entry}",)
        key = f"behind {device} {address}"
        wiring.resources.append(Resource(key, create, remove, WIRING, (port,), WIRING, ("bridge",)))


# --- leaves ----------------------------------------------------------------------------------------------------------


def _leaf(wiring: Wiring, twin: Twin, leaf: Leaf, bridges: Bridges) -> None:
    namespace = leaf_namespace(leaf)
    wiring.namespaces.append(namespace)
    wiring.add(f"lo {namespace}", ["link set lo up"], (), namespace)
    for loopback in leaf.loopbacks:
        _address(wiring, namespace, "lo", loopback, f"lo {namespace}")
    port = f"l{leaf.id}fab"
    link = wiring.cable((namespace, FABRIC_PORT), (WIRING, port), mac("fabric", leaf.id))
    _port(wiring, "fabric", port, link)
    up = wiring.add(f"up {namespace} {FABRIC_PORT}", [f"link set {FABRIC_PORT} up"], (), namespace, link)
    for family in twin.families():
        address = ip_interface(twin.leaf_address(leaf, family))
        own = _address(wiring, namespace, FABRIC_PORT, address.with_prefixlen, up)
        for route in (tep_route(twin, other, family) for other in twin.fabric.leaves if other.id != leaf.id):
            create, remove = [f"route replace {route}"], [f"route del {route}"]
            wiring.add(f"tep {namespace} {route}", create, remove, namespace, own)
    for svi in leaf.svis:
        device = device_name(svi)
        _svi(wiring, leaf, svi, bridges[twin.fabric.segment(leaf, svi)])
        _classify(wiring, twin, namespace, device, "from", f"up {namespace} {device}")
    if leaf.svis:
        _classify(wiring, twin, namespace, FABRIC_PORT, "to", up)


def tep_route(twin: Twin, leaf: Leaf, family: str) -> str:
    """Return the route to a leaf through the fabric, which IS-IS withdraws when the leaf is gone."""
    return f"{ip_interface(twin.leaf_address(leaf, family)).with_prefixlen} dev {FABRIC_PORT}"


def _classify(wiring: Wiring, twin: Twin, namespace: str, device: str, side: str, *needs: str) -> None:
    """Forward only traffic of an external EPG: from nodes by its source, to nodes by its destination.

    Traffic to the leaf itself (BGP, pings) needs no EPG: the local table comes before these rules.
    """
    for version, option in ((4, "-4"), (6, "-6")):
        subnets = [subnet for subnet in twin.fabric.classified if ip_network(subnet).version == version]
        rules = [f"pref 100 {side} {subnet} iif {device} lookup main" for subnet in dict.fromkeys(subnets)]
        rules.append(f"pref 200 iif {device} blackhole")
        key = f"classify {namespace} {device} {version}"
        create, remove = [f"rule add {rule}" for rule in rules], [f"rule del {rule}" for rule in rules]
        wiring.resources.append(Resource(key, tuple(create), tuple(remove), namespace, needs, namespace, ("ip", option)))


def _svi(wiring: Wiring, leaf: Leaf, svi: Svi, bridge: str) -> None:
    """Add an interface with the leaf's own MAC and addresses, and a second one with the shared ones."""
    namespace, device = leaf_namespace(leaf), device_name(svi)
    port = f"l{leaf.id}p{_short(device)}" if svi.routed else f"l{leaf.id}v{svi.vlan}"
    hardware = mac("port", leaf.id, device) if svi.routed else mac("svi", leaf.id, svi.vlan)
    link = wiring.cable((namespace, device), (WIRING, port), hardware, svi.mtu)
    _port(wiring, bridge, port, link)
    up = wiring.add(f"up {namespace} {device}", [f"link set {device} up"], (), namespace, link)
    for address in svi.addresses:
        _address(wiring, namespace, device, address, up)
    if svi.secondaries:
        shared = f"{device}s"
        create = [
            f"link add name {shared} link {device} address {svi.mac} mtu {svi.mtu} type macvlan mode bridge",
            f"link set {shared} up",
        ]
        on = wiring.add(f"shared {namespace} {shared}", create, [f"link del {shared}"], namespace, up)
        for secondary in svi.secondaries:
            # A host address: the leaf's own address already provides the route to the subnet.
            host = ip_interface(secondary).ip
            _address(wiring, namespace, shared, f"{host}/{host.max_prefixlen}", on)


def _address(wiring: Wiring, namespace: str, device: str, address: str, *needs: str) -> str:
    nodad = " nodad" if ip_interface(address).version == 6 else ""
    create, remove = [f"addr replace {address} dev {device}{nodad}"], [f"addr del {address} dev {device}"]
    return wiring.add(f"address {namespace} {device} {address}", create, remove, namespace, *needs)


def _default_route(wiring: Wiring, namespace: str, device: str, gateway: str, *needs: str) -> None:
    version = ip_interface(gateway).version
    everything = "0.0.0.0/0" if version == 4 else "::/0"
    route = f"route replace {everything} via {gateway} dev {device}"
    wiring.add(f"default {namespace} {version}", [route], [route.replace("replace", "del")], namespace, *needs)


# --- hosts, routers and the endpoint ---------------------------------------------------------------------------------


def pod_addresses(node: Node) -> list[str]:
    """Return the address of the pod that represents all pods of a node: the first usable one of each block."""
    return [str(network[min(1, network.num_addresses - 1)]) for network in map(ip_network, node.blocks)]


def _host(wiring: Wiring, host: Host, bridges: Bridges) -> None:
    namespace, port = host.key, f"h{_short(host.key)}"
    wiring.namespaces.append(namespace)
    wiring.add(f"lo {namespace}", ["link set lo up"], (), namespace)
    link = wiring.cable((namespace, "eth0"), (WIRING, port), mac("host", host.key), host.cable.mtu)
    _port(wiring, bridges[Segment(host.cable.rack, host.cable.vlan)], port, link)
    up = wiring.add(f"up {namespace} eth0", ["link set eth0 up"], (), namespace, link)
    for family, address in host.interfaces.items():
        own = _address(wiring, namespace, "eth0", address, up)
        if gateway := host.gateways.get(family):
            _default_route(wiring, namespace, "eth0", gateway, own)
    for device, addresses in ((POD_DEVICE, pod_addresses(host.node)), (SERVICE_DEVICE, host.node.answered)):
        # A bridge without ports replaces a dummy interface, which not every kernel supports.
        made = wiring.add(
            f"device {namespace} {device}", [f"link add name {device} type bridge", f"link set {device} up"], (), namespace
        )
        for address in dict.fromkeys(addresses):
            _address(wiring, namespace, device, f"{address}/{ip_interface(address).max_prefixlen}", made)


def _router(wiring: Wiring, router: Router, bridges: Bridges) -> None:
    """Add an interface on each network of the router, and on its loopback an address in each external prefix."""
    namespace = router.key
    wiring.namespaces.append(namespace)
    loopback = wiring.add(f"lo {namespace}", ["link set lo up"], (), namespace)
    for version in router.versions:
        for held in router.held(version):
            _address(wiring, namespace, "lo", f"{held}/{ip_interface(held).max_prefixlen}", loopback)
    for number, (segment, (mtu, addresses)) in enumerate(router.ports().items()):
        device, port = f"eth{number}", f"o{_short(namespace, segment)}"
        link = wiring.cable((namespace, device), (WIRING, port), _router_mac(router, segment), mtu)
        _port(wiring, bridges[segment], port, link)
        up = wiring.add(f"up {namespace} {device}", [f"link set {device} up"], (), namespace, link)
        for address in addresses:
            _address(wiring, namespace, device, address, up)


def _backbones(wiring: Wiring, twin: Twin) -> None:
    """Join the routers of an L3Out with several of them: the first has the addresses that the others route to."""
    groups: dict[str, list[Router]] = {}
    for router in twin.routers:
        groups.setdefault(router.l3out, []).append(router)
    for l3out, routers in groups.items():
        if len(routers) > 1:
            bridge = f"o{_short(l3out)}b"
            _bridge(wiring, bridge)
            for router in routers:
                _on_backbone(wiring, router, bridge)


def _on_backbone(wiring: Wiring, router: Router, bridge: str) -> None:
    namespace, port = router.key, f"b{_short(router.key)}"
    link = wiring.cable((namespace, BACKBONE_PORT), (WIRING, port), mac("backbone", router.key))
    _port(wiring, bridge, port, link)
    up = wiring.add(f"up {namespace} {BACKBONE_PORT}", [f"link set {BACKBONE_PORT} up"], (), namespace, link)
    for version in router.versions:
        network = BACKBONE[version]
        own = _address(wiring, namespace, BACKBONE_PORT, f"{network[router.number + 1]}/{network.prefixlen}", up)
        for target in router.targets(version) if router.number else ():
            route = f"{target} via {network[1]} dev {BACKBONE_PORT}"
            create, remove = [f"route replace {route}"], [f"route del {route}"]
            wiring.add(f"target {namespace} {target}", create, remove, namespace, own)


def _router_mac(router: Router, segment: Segment) -> str:
    return mac("router", router.key, segment)


def _endpoint(wiring: Wiring, twin: Twin) -> None:
    """Add a machine in a bridge domain behind the compute leaf."""
    leaf = twin.endpoint_leaf()
    if not leaf:
        return
    wiring.namespaces.append(ENDPOINT_NAME)
    wiring.add(f"lo {ENDPOINT_NAME}", ["link set lo up"], (), ENDPOINT_NAME)
    namespace = leaf_namespace(leaf)
    link = wiring.cable((ENDPOINT_NAME, "eth0"), (namespace, ENDPOINT_PORT), mac(ENDPOINT_NAME), 9000)
    inside = wiring.add(f"up {ENDPOINT_NAME} eth0", ["link set eth0 up"], (), ENDPOINT_NAME, link)
    outside = wiring.add(f"up {namespace} {ENDPOINT_PORT}", [f"link set {ENDPOINT_PORT} up"], (), namespace, link)
    for family in twin.families():
        endpoint = ENDPOINT[family]
        gateway = endpoint.network[1]
        _address(wiring, namespace, ENDPOINT_PORT, f"{gateway}/{endpoint.network.prefixlen}", outside)
        own = _address(wiring, ENDPOINT_NAME, "eth0", str(endpoint), inside)
        _default_route(wiring, ENDPOINT_NAME, "eth0", str(gateway), own)
