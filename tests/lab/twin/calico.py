"""Calico's behaviour on each node, read from the Kubernetes objects of one cluster.

Follows confd and the route generator of calico-node: the peers of a node, its blocks, and the service routes that it
announces. Everything is immutable and compares by value. Objects of both Calico API groups are read alike.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from lab.twin.labels import matches

Object = Mapping[str, Any]
Objects = Mapping[str, list[Object]]  # kind → objects

DEFAULT_ASN = 64512
DEFAULT_BLOCK_SIZE = {4: 26, 6: 122}
SERVICE_ACCOUNT = "calico-node"
NAMESPACES = ("calico-system", "kube-system")
EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"


@dataclass(frozen=True)
class BgpPeer:
    """One session of one node."""

    kind: str  # Mesh, Global or Node, as in the name of BIRD's protocol
    address: str
    asn: int
    port: int | None = None
    password: str = field(default="", repr=False)
    keepalive: int | None = None
    restart_time: int | None = None
    ttl_security: int | None = None
    local_asn: int | None = None
    allowed_local_asns: int | None = None
    next_hop: str = "Auto"  # Auto, Self or Keep
    use_node_address: bool = True
    passive: bool = False
    filters: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        return ip_address(self.address).version


@dataclass(frozen=True)
class Pool:
    cidr: str
    encapsulation: str = ""  # "", IPIP or VXLAN
    disabled: bool = False
    exported: bool = True
    block_size: int = 26
    selector: str = "all()"

    @property
    def version(self) -> int:
        return ip_network(self.cidr).version


@dataclass(frozen=True)
class FilterRule:
    """One rule of a BGPFilter; None and empty values match everything."""

    action: str
    operator: str = ""
    cidr: str = ""
    minimum: int | None = None
    maximum: int | None = None
    source: str = ""
    interface: str = ""
    peer_type: str = ""
    prepend: tuple[int, ...] = ()


@dataclass(frozen=True)
class Filter:
    """A BGPFilter's rules by direction and IP version."""

    name: str
    rules: Mapping[tuple[str, int], tuple[FilterRule, ...]]  # ("import" or "export", 4 or 6)


@dataclass(frozen=True)
class Node:
    """A node with the effects of calico-node and kube-proxy. Addresses have no length where Kubernetes has none."""

    name: str
    asn: int
    addresses: Mapping[str, str] = field(default_factory=dict)  # family → address/length
    labels: Mapping[str, str] = field(default_factory=dict)
    peers: tuple[BgpPeer, ...] = ()
    blocks: tuple[str, ...] = ()
    advertised: tuple[str, ...] = ()  # service subnets and host routes
    answered: tuple[str, ...] = ()  # service addresses that kube-proxy answers for on this node


@dataclass(frozen=True)
class Cluster:
    """The input of all nodes' BIRD configurations."""

    nodes: tuple[Node, ...] = ()
    pools: tuple[Pool, ...] = ()
    filters: tuple[Filter, ...] = ()
    unclaimed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # blocks without BlockAffinity


def read_cluster(objects: Objects) -> Cluster:
    """Read a cluster's state.

    :raises lab.twin.labels.SelectorError: for a selector that Calico would also refuse.
    """
    return _Reader(objects).cluster()


class _Reader:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._configuration = self._named("BGPConfiguration", "default").get("spec", {})
        self._pools = tuple(map(_pool, self._all("IPPool")))
        self._facts = {node.name: node for node in map(self._fact, self._all("Node"))}

    def cluster(self) -> Cluster:
        claimed = self._affinities()
        blocks = allocate(self._facts.values(), self._pools, claimed)
        unclaimed = {name: tuple(block for block in own if block not in claimed.get(name, ())) for name, own in blocks.items()}
        return Cluster(
            nodes=tuple(self._node(node, blocks[node.name]) for node in self._facts.values()),
            pools=self._pools,
            filters=tuple(map(_filter, self._all("BGPFilter"))),
            unclaimed={name: own for name, own in unclaimed.items() if own},
        )

    def _all(self, kind: str) -> list[Object]:
        return sorted(self._objects.get(kind, ()), key=lambda item: natural(item["metadata"]["name"]))

    def _named(self, kind: str, name: str) -> Object:
        return next((item for item in self._all(kind) if item["metadata"]["name"] == name), {})

    # --- nodes ---

    def _fact(self, item: Object) -> Node:
        metadata = item["metadata"]
        annotations = metadata.get("annotations", {})
        asn = annotations.get("projectcalico.org/ASNumber") or self._configuration.get("asNumber") or DEFAULT_ASN
        return Node(name=metadata["name"], asn=_asn(asn), addresses=_addresses(item), labels=metadata.get("labels", {}))

    def _node(self, node: Node, blocks: tuple[str, ...]) -> Node:
        return replace(
            node,
            peers=(*self._mesh(node), *self._peers(node)),
            blocks=blocks,
            advertised=tuple(self._advertised(node)),
            answered=tuple(self._answered(node)),
        )

    def _affinities(self) -> dict[str, tuple[str, ...]]:
        blocks: dict[str, tuple[str, ...]] = {}
        for item in self._all("BlockAffinity"):
            spec = item["spec"]
            if str(spec.get("deleted", "false")) != "true" and spec.get("state", "confirmed") == "confirmed":
                blocks[spec["node"]] = (*blocks.get(spec["node"], ()), spec["cidr"])
        return blocks

    # --- sessions ---

    def _mesh(self, node: Node) -> Iterable[BgpPeer]:
        if not self._configuration.get("nodeToNodeMeshEnabled", True):
            return
        password = self._password(self._configuration.get("nodeMeshPassword"))
        for other in self._facts.values():
            for family, address in other.addresses.items():
                if other.name != node.name and family in node.addresses:
                    own, its = _bare(node.addresses[family]), _bare(address)
                    # One end waits for the other, so that there are never two half-open sessions.
                    yield BgpPeer("Mesh", its, other.asn, password=password, passive=its > own, restart_time=120)

    def _peers(self, node: Node) -> Iterable[BgpPeer]:
        for item in self._all("BGPPeer"):
            spec = item["spec"]
            if not _selects(spec, node):
                continue
            kind = "Node" if spec.get("node") or spec.get("nodeSelector") else "Global"
            for address, port, asn in self._remote_ends(spec):
                family = f"ipv{ip_address(address).version}"
                if family in node.addresses and _bare(node.addresses[family]) != address:
                    yield self._peer(kind, spec, address, port, asn)

    def _remote_ends(self, spec: Mapping[str, Any]) -> Iterable[tuple[str, int | None, int]]:
        if spec.get("peerIP"):
            address, port = _endpoint(spec["peerIP"])
            yield address, port, _asn(spec.get("asNumber") or 0)
        elif spec.get("peerSelector"):
            for other in self._facts.values():
                if matches(spec["peerSelector"], other.labels):
                    yield from ((_bare(address), None, other.asn) for address in other.addresses.values())

    def _peer(self, kind: str, spec: Mapping[str, Any], address: str, port: int | None, asn: int) -> BgpPeer:
        keep = "Keep" if spec.get("keepOriginalNextHop") else "Auto"
        return BgpPeer(
            kind=kind,
            address=address,
            asn=asn,
            port=port,
            password=self._password(spec.get("password")),
            keepalive=seconds(spec.get("keepaliveTime")),
            restart_time=seconds(spec.get("maxRestartTime")),
            ttl_security=spec.get("ttlSecurity"),
            local_asn=spec.get("localASNumber"),
            allowed_local_asns=spec.get("numAllowedLocalASNumbers"),
            next_hop=spec.get("nextHopMode", keep),
            use_node_address=spec.get("sourceAddress", "UseNodeIP") == "UseNodeIP",
            filters=tuple(spec.get("filters", ())),
        )

    # --- passwords ---

    def _password(self, source: Mapping[str, Any] | None) -> str:
        """Return the password that calico-node sees: none without access to the Secret, which keeps the session down."""
        reference = (source or {}).get("secretKeyRef")
        if not reference:
            return ""
        for namespace in self._namespaces():
            secret = self._in_namespace("Secret", namespace, reference["name"])
            if secret and self._may_read(namespace, reference["name"]):
                encoded = secret.get("data", {}).get(reference["key"], "")
                return secret.get("stringData", {}).get(reference["key"]) or base64.b64decode(encoded).decode()
        return ""

    def _namespaces(self) -> list[str]:
        """Return the namespaces with calico-node's service account, or both usual ones if none has it."""
        found = [
            item["metadata"]["namespace"] for item in self._all("ServiceAccount") if item["metadata"]["name"] == SERVICE_ACCOUNT
        ]
        return [name for name in NAMESPACES if name in found] or list(NAMESPACES)

    def _in_namespace(self, kind: str, namespace: str, name: str) -> Object:
        found = (item for item in self._all(kind) if item["metadata"].get("namespace") == namespace)
        return next((item for item in found if item["metadata"]["name"] == name), {})

    def _may_read(self, namespace: str, secret: str) -> bool:
        for binding in self._all("RoleBinding"):
            if binding["metadata"].get("namespace") != namespace:
                continue
            subjects = binding.get("subjects") or []
            role = self._in_namespace("Role", namespace, binding["roleRef"]["name"])
            if any(_is_calico(subject, namespace) for subject in subjects) and _grants(role, secret):
                return True
        return False

    # --- services ---

    def _advertised(self, node: Node) -> Iterable[str]:
        if node.labels.get(EXCLUDE_LABEL) == "true":
            return
        subnets = [item["cidr"] for keys in _SERVICE_SUBNETS for item in self._configuration.get(keys) or ()]
        yield from subnets
        for service in self._all("Service"):
            spec = service["spec"]
            if spec.get("externalTrafficPolicy") == "Local" and node.name in self._endpoint_nodes(service):
                for keys, addresses in _service_addresses(service).items():
                    allowed = [ip_network(item["cidr"]) for item in self._configuration.get(keys) or ()]
                    for address in addresses:
                        if any(ip_address(address) in subnet for subnet in allowed):
                            yield str(ip_network(address))

    def _answered(self, node: Node) -> Iterable[str]:
        for service in self._all("Service"):
            local = service["spec"].get("externalTrafficPolicy") == "Local"
            nodes = self._endpoint_nodes(service)
            if node.name in nodes if local else nodes:
                for addresses in _service_addresses(service).values():
                    yield from addresses

    def _endpoint_nodes(self, service: Object) -> set[str]:
        """Return the nodes with a ready endpoint of the service."""
        metadata = service["metadata"]
        nodes: set[str] = set()
        for item in self._all("EndpointSlice"):
            own = item["metadata"]
            if own.get("namespace") == metadata.get("namespace") and (
                own.get("labels", {}).get("kubernetes.io/service-name") == metadata["name"]
            ):
                nodes.update(map(_endpoint_node, filter(_ready, item.get("endpoints") or ())))
        return nodes - {""}


_SERVICE_SUBNETS = ("serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs")


def allocate(nodes: Iterable[Node], pools: Iterable[Pool], known: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the blocks of each node.

    A node without a block of a pool's IP version gets the lowest free one, in the order of the nodes.

    :param known: the blocks that Kubernetes shows as claimed, also by deleted nodes.
    """
    nodes, pools = list(nodes), [pool for pool in pools if not pool.disabled]
    blocks = {node.name: known.get(node.name, ()) for node in nodes}
    taken = {block for own in known.values() for block in own}
    for node in nodes:
        for version in sorted({pool.version for pool in pools}):
            if any(ip_network(block).version == version for block in blocks[node.name]):
                continue
            if block := _free_block(node, [pool for pool in pools if pool.version == version], taken):
                taken.add(block)
                blocks[node.name] = (*blocks[node.name], block)
    return blocks


def _free_block(node: Node, pools: Iterable[Pool], taken: set[str]) -> str:
    for pool in pools:
        if matches(pool.selector, node.labels):
            for block in ip_network(pool.cidr).subnets(new_prefix=pool.block_size):
                if str(block) not in taken:
                    return str(block)
    return ""


def natural(name: str) -> list[Any]:
    """Return a sorting key that puts node-10 after node-9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def seconds(duration: str | None) -> int | None:
    """Return a duration such as ``1m30s`` in whole seconds."""
    if not duration:
        return None
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return round(sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", duration)))


def _asn(number: int | str) -> int:
    """Return an AS number, which Calico also accepts in dotted form."""
    high, __, low = str(number).rpartition(".")
    return (int(high or 0) << 16) + int(low)


def _bare(address: str) -> str:
    return str(ip_interface(address).ip)


def _addresses(item: Object) -> dict[str, str]:
    annotations = item["metadata"].get("annotations", {})
    internal = [entry["address"] for entry in item.get("status", {}).get("addresses") or () if entry["type"] == "InternalIP"]
    addresses = {f"ipv{ip_address(address).version}": address for address in internal}
    for family, name in (("ipv4", "IPv4Address"), ("ipv6", "IPv6Address")):
        if value := annotations.get(f"projectcalico.org/{name}"):
            addresses[family] = value
    return addresses


def _endpoint(peer_ip: str) -> tuple[str, int | None]:
    """Return address and port of ``192.0.2.1:179``, ``[2001:db8::1]:179`` or a bare address."""
    if match := re.fullmatch(r"\[(.+)\]:(\d+)|([\d.]+):(\d+)", peer_ip):
        return match[1] or match[3], int(match[2] or match[4])
    return str(ip_address(peer_ip)), None


def _selects(spec: Mapping[str, Any], node: Node) -> bool:
    if spec.get("node"):
        return spec["node"] == node.name
    return matches(spec.get("nodeSelector") or "", node.labels)


def _pool(item: Object) -> Pool:
    spec = item["spec"]
    version = ip_network(spec["cidr"]).version
    modes = {"IPIP": spec.get("ipipMode", "Never"), "VXLAN": spec.get("vxlanMode", "Never")}
    return Pool(
        cidr=spec["cidr"],
        encapsulation=next((name for name, mode in modes.items() if mode not in ("Never", "")), ""),
        disabled=bool(spec.get("disabled")),
        exported=not spec.get("disableBGPExport"),
        block_size=spec.get("blockSize") or DEFAULT_BLOCK_SIZE[version],
        selector=spec.get("nodeSelector", "all()"),
    )


def _filter(item: Object) -> Filter:
    spec = item["spec"]
    rules = {
        (direction, version): tuple(map(_filter_rule, spec.get(f"{direction}V{version}") or ()))
        for direction in ("import", "export")
        for version in (4, 6)
    }
    return Filter(item["metadata"]["name"], rules)


def _filter_rule(rule: Mapping[str, Any]) -> FilterRule:
    length = rule.get("prefixLength") or {}
    prepends = [operation["prependASPath"] for operation in rule.get("operations") or () if "prependASPath" in operation]
    return FilterRule(
        action=rule["action"],
        operator=rule.get("matchOperator", ""),
        cidr=rule.get("cidr", ""),
        minimum=length.get("min"),
        maximum=length.get("max"),
        source=rule.get("source", ""),
        interface=rule.get("interface", ""),
        peer_type=rule.get("peerType", ""),
        prepend=tuple(int(asn) for prepend in prepends for asn in prepend.get("prefix", ())),
    )


def _is_calico(subject: Mapping[str, Any], namespace: str) -> bool:
    return (subject.get("kind"), subject.get("name")) == ("ServiceAccount", SERVICE_ACCOUNT) and (
        subject.get("namespace", namespace) == namespace
    )


def _grants(role: Object, secret: str) -> bool:
    return any(
        {"secrets", "*"} & set(rule.get("resources", ()))
        and {"get", "*"} & set(rule.get("verbs", ()))
        and secret in (rule.get("resourceNames") or [secret])
        for rule in role.get("rules") or ()
    )


def _service_addresses(service: Object) -> dict[str, list[str]]:
    """Return a service's addresses by the BGPConfiguration list that permits their announcement."""
    spec = service["spec"]
    cluster = spec.get("clusterIPs") or [spec.get("clusterIP")]
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    return {
        "serviceClusterIPs": [address for address in cluster if address and address != "None"],
        "serviceExternalIPs": list(spec.get("externalIPs") or ()),
        "serviceLoadBalancerIPs": [entry["ip"] for entry in ingress if entry.get("ip")],
    }


def _ready(endpoint: Mapping[str, Any]) -> bool:
    return (endpoint.get("conditions") or {}).get("ready", True) is not False


def _endpoint_node(endpoint: Mapping[str, Any]) -> str:
    """Return the node's name, which older API servers keep in the endpoint's topology."""
    return endpoint.get("nodeName") or (endpoint.get("topology") or {}).get("kubernetes.io/hostname", "")
