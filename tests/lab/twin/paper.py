"""Figure 1 of the white paper as APIC trees and Kubernetes objects: two racks, each with two border leaves and three
nodes.

It is written by hand, so that the twin is tested independently of the collection that it judges. ``scaled`` makes
larger ones.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

Json = dict[str, Any]

CALICO = "crd.projectcalico.org/v1"
PASSWORD = "paper-bgp-password"


@dataclass(frozen=True)
class Rack:
    """A rack's leaves and nodes."""

    number: int
    leaves: tuple[int, int]
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Figure:
    """A cluster; the defaults are those of the paper."""

    racks: tuple[Rack, ...] = (Rack(1, (201, 202), (1, 2, 3)), Rack(2, (203, 204), (4, 5, 6)))
    floating: bool = True
    dual_stack: bool = False
    block_size: int = 26
    prefix_limit: int | None = None
    central: bool = False  # all nodes peer with the leaves of the first rack
    next_hop_propagation: bool = False
    serving: tuple[int, ...] = ()  # the nodes with endpoints of the local service

    @property
    def anchors(self) -> tuple[Rack, ...]:
        return self.racks[:1] if self.central else self.racks

    @property
    def families(self) -> tuple[int, ...]:
        return (4, 6) if self.dual_stack else (4,)

    # --- addresses ---

    def node_subnet(self, version: int, node: int) -> str:
        supernet = ip_network("192.168.0.0/22" if version == 4 else "2001:db8:2::/48")
        if self.floating:
            return str(supernet if version == 4 else next(supernet.subnets(new_prefix=64)))
        length = 29 if version == 4 else 64
        return f"{supernet.network_address + ((node - 1) << (supernet.max_prefixlen - length))}/{length}"

    def node_address(self, version: int, node: int) -> str:
        """Return a node's address with its length."""
        network = ip_network(self.node_subnet(version, node))
        return f"{network[node if self.floating else 1]}/{network.prefixlen}"

    def leaf_address(self, version: int, leaf: int, node: int) -> str:
        """Return a leaf's own address towards a node, with its length."""
        network = ip_network(self.node_subnet(version, node))
        side = next(rack.leaves.index(leaf) for rack in self.racks if leaf in rack.leaves)
        return f"{network[512 + leaf if self.floating else 4 + side]}/{network.prefixlen}"

    def secondary(self, version: int, node: int) -> str:
        """Return the shared address with its length."""
        network = ip_network(self.node_subnet(version, node))
        return f"{network[1022 if self.floating else 6]}/{network.prefixlen}"

    # --- APIC ---

    def tenant(self) -> Json:
        """Return everything in the tenant, passwords included."""
        aggregate = [*_PODS, "192.168.0.0/22", "192.168.8.0/22", "172.31.3.0/24", "2001:db8:2::/48", "2001:db8:8::/112"]
        subnets = [prefix for prefix in aggregate if ip_network(prefix).version in self.families]
        match_rules = [
            mo("rtctrlSubjP", *(mo("rtctrlMatchRtDest", ip=it, aggregate="yes") for it in subnets), name=f"allowed-{direction}")
            for direction in ("import", "export")
        ]
        policies = [
            mo("bgpCtxPol", name="fast", kaIntvl="1", holdIntvl="3", maxAsLimit="1", grCtrl="helper"),
            mo(
                "bgpBestPathCtrlPol", name="relaxed", ctrl=f"asPathMultipathRelax{',ignoreIgpMetric' * self.next_hop_propagation}"
            ),
            mo("bgpCtxAfPol", name="wide", maxEcmp="64", maxEcmpIbgp="64"),
            *match_rules,
        ]
        if self.next_hop_propagation:
            policies += _next_hop()
        if self.prefix_limit:
            policies.append(mo("bgpPeerPfxPol", name="limit", maxPfx=str(self.prefix_limit), action="reject"))
        wide = [mo("fvRsCtxToBgpCtxAfPol", tnBgpCtxAfPolName="wide", af=f"ipv{it}-ucast") for it in self.families]
        vrf = mo("fvCtx", *wide, name="calico")
        return mo("fvTenant", *policies, vrf, self._l3out(subnets), name="common")

    def _l3out(self, subnets: list[str]) -> Json:
        route_maps = [
            mo(
                "rtctrlProfile",
                mo("rtctrlCtxP", mo("rtctrlRsCtxPToSubjP", tnRtctrlSubjPName=f"allowed-{direction}"), name="allowed", order="0"),
                name=f"default-{direction}",
            )
            for direction in ("import", "export")
        ]
        return mo(
            "l3extOut",
            mo("l3extRsEctx", tnFvCtxName="calico"),
            mo("l3extRsL3DomAtt", tDn="uni/l3dom-k8s-l3"),
            mo("bgpExtP"),
            *route_maps,
            *(
                mo("l3extRsRedistributePol", tnRtctrlProfileName="hosts", src="attached-host")
                for __ in range(self.next_hop_propagation)
            ),
            *(self._node_profile(rack) for rack in self.anchors),
            mo("l3extInstP", *(mo("l3extSubnet", ip=prefix) for prefix in subnets), name="default"),
            name="k8s",
            enforceRtctrl="export,import",
        )

    def _node_profile(self, rack: Rack) -> Json:
        protocol = mo(
            "bgpProtP",
            mo("bgpRsBgpNodeCtxPol", tnBgpCtxPolName="fast"),
            mo("bgpRsBestPathCtrlPol", tnBgpBestPathCtrlPolName="relaxed"),
        )
        leaves = [
            mo("l3extRsNodeL3OutAtt", tDn=_node_dn(leaf), rtrId=f"1.1.4.{leaf}", rtrIdLoopBack="no") for leaf in rack.leaves
        ]
        interfaces = self._floating(rack) if self.floating else self._standard(rack)
        return mo("l3extLNodeP", protocol, *leaves, *interfaces, name=f"rack-{rack.number}")

    def _floating(self, rack: Rack) -> list[Json]:
        return [
            mo("l3extLIfP", *(self._floating_svi(rack, leaf, version) for leaf in rack.leaves), name=f"ipv{version}")
            for version in self.families
        ]

    def _floating_svi(self, rack: Rack, leaf: int, version: int) -> Json:
        node = rack.nodes[0]
        subnet = ip_network(self.node_subnet(version, node))
        return mo(
            "l3extVirtualLIfP",
            mo("l3extRsDynPathAtt", tDn="uni/phys-k8s", floatingAddr=f"{subnet[1021]}/{subnet.prefixlen}"),
            mo("l3extIp", addr=self.secondary(version, node)),
            self._peer(str(subnet)),
            nodeDn=_node_dn(leaf),
            encap="vlan-300",
            addr=self.leaf_address(version, leaf, node),
            ifInstT="ext-svi",
            mtu="9000",
        )

    def _standard(self, rack: Rack) -> list[Json]:
        return [
            mo("l3extLIfP", self._path(rack, node, version), name=f"node-{node}-ipv{version}")
            for node in rack.nodes
            for version in self.families
        ]

    def _path(self, rack: Rack, node: int, version: int) -> Json:
        members = [
            mo(
                "l3extMember",
                mo("l3extIp", addr=self.secondary(version, node)),
                side=side,
                addr=self.leaf_address(version, leaf, node),
            )
            for side, leaf in zip("AB", rack.leaves, strict=True)
        ]
        pair = "-".join(map(str, rack.leaves))
        return mo(
            "l3extRsPathL3OutAtt",
            *members,
            self._peer(self.node_address(version, node).partition("/")[0]),
            tDn=f"topology/pod-1/protpaths-{pair}/pathep-[vpc-node-{node}]",
            encap=f"vlan-{300 + node}",
            ifInstT="ext-svi",
            mtu="9000",
        )

    def _peer(self, address: str) -> Json:
        children = [mo("bgpAsP", asn="65003")]
        if self.next_hop_propagation:
            children.append(mo("bgpRsPeerToProfile", tDn="uni/tn-common/prof-next-hop", direction="import"))
        if self.prefix_limit:
            children.append(mo("bgpRsPeerPfxPol", tnBgpPeerPfxPolName="limit"))
        return mo("bgpPeerP", *children, addr=address, ctrl="as-override,dis-peer-as-check", password=PASSWORD)

    # --- Kubernetes ---

    def objects(self) -> list[Json]:
        """Return the nodes, Calico's configuration, and a service with local endpoints on nodes 1, 3 and the last."""
        nodes = [(rack, node) for rack in self.racks for node in rack.nodes]
        blocks = {4: self.block_size, 6: 122}
        pools = [
            calico("IPPool", f"pool-{version}", cidr=_PODS[version == 6], blockSize=blocks[version], **_PLAIN)
            for version in self.families
        ]
        services = ["192.168.8.0/22", "2001:db8:8::/112"][: len(self.families)]
        configuration = calico(
            "BGPConfiguration",
            "default",
            asNumber=65003,
            nodeToNodeMeshEnabled=False,
            serviceClusterIPs=[{"cidr": cidr} for cidr in services],
            serviceExternalIPs=[{"cidr": "172.31.3.0/24"}],
        )
        chosen = self.serving or sorted({nodes[at][1] for at in (0, min(2, len(nodes) - 1), -1)})
        return [
            *(self._node(rack, node) for rack, node in nodes),
            *pools,
            configuration,
            *self._peers(),
            *_secret_and_access(),
            *service("frontend", "192.168.8.10", [f"node-{node}" for node in chosen], local=True),
            *service("backend", "192.168.8.20", ["node-2"], local=False),
        ]

    def _node(self, rack: Rack, node: int) -> Json:
        annotations = {"projectcalico.org/ASNumber": "65003"}
        for version in self.families:
            annotations[f"projectcalico.org/IPv{version}Address"] = self.node_address(version, node)
        metadata = {"name": f"node-{node}", "labels": {"rack_id": str(rack.number)}, "annotations": annotations}
        return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}

    def _peers(self) -> Iterable[Json]:
        password = {"secretKeyRef": {"name": "bgp-secrets", "key": "rr-password"}}
        for rack in self.anchors:
            for leaf in rack.leaves:
                for version in self.families:
                    for node in rack.nodes[:1] if self.floating else rack.nodes:
                        selector = "has(rack_id)" if self.central else f'rack_id == "{rack.number}"'
                        where = {"nodeSelector": selector} if self.floating else {"node": f"node-{node}"}
                        suffix = "" if self.floating else f"-node-{node}"
                        address = self.leaf_address(version, leaf, node).partition("/")[0]
                        yield calico(
                            "BGPPeer",
                            f"leaf-{leaf}-v{version}{suffix}",
                            peerIP=address,
                            asNumber=65002,
                            password=password,
                            **where,
                        )


def _next_hop() -> list[Json]:
    """Return the set rule, the route map of the peers and that of attached hosts."""
    rule = mo("rtctrlRsCtxPToSubjP", tnRtctrlSubjPName="allowed-import")
    scope = mo("rtctrlScope", mo("rtctrlRsScopeToAttrP", tnRtctrlAttrPName="next-hop"))
    return [
        mo("rtctrlAttrP", mo("rtctrlSetNhUnchanged"), mo("rtctrlSetRedistMultipath"), name="next-hop"),
        mo("rtctrlProfile", mo("rtctrlCtxP", rule, scope, name="allowed", order="0"), name="next-hop"),
        mo("rtctrlProfile", mo("rtctrlCtxP", rule, name="allowed", order="0"), name="hosts"),
    ]


def way_out(
    versions: Iterable[int] = (4,), leaves: tuple[int, ...] = (103, 104), routers: int = 1, *, routed: bool = True
) -> Json:
    """Return the L3Out ``core``, which leads out of the fabric from the figure's VRF.

    It has a routed port on each leaf, or an SVI on their vPC. Leaf 103 is 10.254.103.1, or 10.254.99.103 on the SVI.
    The routers have the addresses after the leaf's, or .1, .2, … on the SVI.
    """
    attached = [mo("l3extRsNodeL3OutAtt", tDn=_node_dn(leaf), rtrId=f"1.1.4.{leaf}", rtrIdLoopBack="no") for leaf in leaves]
    interfaces = [mo("l3extLIfP", *_way_out(version, leaves, routers, routed), name=f"ipv{version}") for version in versions]
    outside = [("172.16.0.0/12", "2001:db8:c0::/44")[version == 6] for version in versions]
    return mo(
        "l3extOut",
        mo("l3extRsEctx", tnFvCtxName="calico"),
        mo("bgpExtP"),
        mo("l3extLNodeP", *attached, *interfaces, name="border"),
        mo("l3extInstP", *(mo("l3extSubnet", ip=prefix) for prefix in outside), name="corporate"),
        name="core",
    )


def _way_out(version: int, leaves: tuple[int, ...], routers: int, routed: bool) -> Iterable[Json]:
    def peers(network: str, first: int) -> list[Json]:
        numbers = range(first, first + routers)
        return [mo("bgpPeerP", mo("bgpAsP", asn="65100"), addr=f"{network}{number}", password=PASSWORD) for number in numbers]

    beginning, length = ("10.254.{}.", 24) if version == 4 else ("fd00:{}::", 64)
    if routed:
        for leaf in leaves:
            network = beginning.format(leaf)
            yield mo(
                "l3extRsPathL3OutAtt",
                *peers(network, 2),
                tDn=f"topology/pod-1/paths-{leaf}/pathep-[eth1/48]",
                ifInstT="l3-port",
                addr=f"{network}1/{length}",
            )
        return
    network = beginning.format(99)
    members = [mo("l3extMember", side=side, addr=f"{network}{leaf}/{length}") for side, leaf in zip("AB", leaves, strict=True)]
    yield mo(
        "l3extRsPathL3OutAtt",
        *members,
        *peers(network, 1),
        tDn=f"topology/pod-1/protpaths-{'-'.join(map(str, leaves))}/pathep-[vpc-core]",
        encap="vlan-390",
        ifInstT="ext-svi",
    )


def scaled(racks: int, nodes: int, **options: Any) -> Figure:
    """Return a cluster of many racks, each with two leaves and ``nodes`` nodes."""
    return Figure(
        tuple(
            Rack(number, (199 + 2 * number, 200 + 2 * number), tuple(range((number - 1) * nodes + 1, number * nodes + 1)))
            for number in range(1, racks + 1)
        ),
        **options,
    )


def fabric(border: Iterable[int], compute: int = 105) -> list[Json]:
    """Return APIC's switches and its own AS number, for tests without an emulator."""
    bgp = mo("bgpInstPol", mo("bgpAsP", rn="as", asn="65002"), dn="uni/fabric/bgpInstP-default")
    nodes = [mo("fabricNode", dn=_node_dn(leaf), id=str(leaf), role="leaf") for leaf in (compute, *border)]
    systems = [mo("topSystem", dn=f"{_node_dn(leaf)}/sys", id=str(leaf), address=f"10.0.0.{leaf}") for leaf in (compute, *border)]
    return [bgp, *nodes, *systems]


def mo(cls: str, *children: Json, **attributes: str) -> Json:
    """Return a managed object in APIC's JSON."""
    return {cls: {"attributes": attributes, "children": list(children)}}


def calico(kind: str, name: str, **spec: Any) -> Json:
    return {"apiVersion": CALICO, "kind": kind, "metadata": {"name": name}, "spec": spec}


def service(name: str, address: str, nodes: list[str], *, local: bool) -> list[Json]:
    metadata = {"name": name, "namespace": "default"}
    spec: Json = {"type": "NodePort", "clusterIP": address, "clusterIPs": [address], "ports": [{"port": 80, "protocol": "TCP"}]}
    spec["externalTrafficPolicy"] = "Local" if local else "Cluster"
    labels = {"kubernetes.io/service-name": name}
    endpoints = [
        {"addresses": [f"10.1.255.{at}"], "nodeName": node, "conditions": {"ready": True}} for at, node in enumerate(nodes, 1)
    ]
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": labels},
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"port": 80, "protocol": "TCP"}],
        },
    ]


_PODS = ("10.1.0.0/16", "2001:db8:1::/64")
_PLAIN = {"ipipMode": "Never", "vxlanMode": "Never", "natOutgoing": False, "nodeSelector": "all()"}


def _node_dn(leaf: int) -> str:
    return f"topology/pod-1/node-{leaf}"


def _secret_and_access(namespace: str = "kube-system") -> list[Json]:
    where = {"namespace": namespace}
    role = {"resources": ["secrets"], "apiGroups": [""], "resourceNames": ["bgp-secrets"], "verbs": ["watch", "list", "get"]}
    access = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "calico-node", **where}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "bgp-secrets", **where},
            "data": {"rr-password": base64.b64encode(PASSWORD.encode()).decode()},
        },
        {"apiVersion": f"{access}/v1", "kind": "Role", "metadata": {"name": "secret-access", **where}, "rules": [role]},
        {
            "apiVersion": f"{access}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "secret-access", **where},
            "roleRef": {"apiGroup": access, "kind": "Role", "name": "secret-access"},
            "subjects": [{"kind": "ServiceAccount", "name": "calico-node", **where}],
        },
    ]
