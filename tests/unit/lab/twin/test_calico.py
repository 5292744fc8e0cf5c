"""Kubernetes objects and their effect on each node."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lab.twin.calico import EXCLUDE_LABEL, BgpPeer, Node, Pool, allocate, read_cluster, seconds
from lab.twin.paper import PASSWORD, Rack, calico, service


def node(shop: Any, name: str = "node-1") -> Node:
    """Return a node as Calico configures it."""
    return next(it for it in shop.cluster().nodes if it.name == name)


def test_the_papers_nodes(shop: Any) -> None:
    one = node(shop)
    assert (one.asn, one.addresses, one.blocks) == (65003, {"ipv4": "192.168.0.1/22"}, ("10.1.0.0/26",))
    assert [(peer.kind, peer.address, peer.asn, peer.password) for peer in one.peers] == [
        ("Node", "192.168.2.201", 65002, PASSWORD),
        ("Node", "192.168.2.202", 65002, PASSWORD),
    ]
    assert one.advertised == ("192.168.8.0/22", "172.31.3.0/24", "192.168.8.10/32")
    assert one.answered == ("192.168.8.20", "192.168.8.10")
    assert PASSWORD not in repr(one)


def test_nodes_count_naturally(workshop: Callable[..., Any]) -> None:
    shop = workshop(racks=(Rack(1, (201, 202), tuple(range(1, 13))),))
    assert [it.name for it in shop.cluster().nodes][-3:] == ["node-10", "node-11", "node-12"]


@pytest.mark.parametrize(
    ("annotation", "configured", "wanted"),
    [("65010", 65003, 65010), (None, 65003, 65003), (None, None, 64512), ("1.10", 65003, 65546)],
)
def test_the_as_number_of_a_node(shop: Any, annotation: str | None, configured: int | None, wanted: int) -> None:
    annotations = shop.item("Node", "node-1")["metadata"]["annotations"]
    annotations.pop("projectcalico.org/ASNumber")
    if annotation:
        annotations["projectcalico.org/ASNumber"] = annotation
    shop.item("BGPConfiguration", "default")["spec"]["asNumber"] = configured
    assert node(shop).asn == wanted


def test_an_address_that_only_kubernetes_knows(shop: Any) -> None:
    item = shop.item("Node", "node-1")
    del item["metadata"]["annotations"]["projectcalico.org/IPv4Address"]
    item["status"] = {"addresses": [{"type": "InternalIP", "address": "192.168.0.1"}, {"type": "Hostname", "address": "x"}]}
    assert node(shop).addresses == {"ipv4": "192.168.0.1"}


class TestPeers:
    def test_the_label_chooses_the_rack(self, shop: Any) -> None:
        shop.item("Node", "node-1")["metadata"]["labels"]["rack_id"] = "2"
        assert [peer.address for peer in node(shop).peers] == ["192.168.2.203", "192.168.2.204"]

    def test_without_selector_a_peer_is_everyones(self, shop: Any) -> None:
        shop.items.append(calico("BGPPeer", "global", peerIP="203.0.113.1:1179", asNumber=65100))
        assert BgpPeer("Global", "203.0.113.1", 65100, port=1179) in node(shop).peers
        assert sum(peer.kind == "Global" for it in shop.cluster().nodes for peer in it.peers) == 6

    def test_a_node_is_no_peer_of_itself_nor_of_another_family(self, shop: Any) -> None:
        shop.items += [
            calico("BGPPeer", "itself", peerIP="192.168.0.1", asNumber=65003, node="node-1"),
            calico("BGPPeer", "six", peerIP="2001:db8::1", asNumber=65003, node="node-1"),
        ]
        assert len(node(shop).peers) == 2

    def test_peers_by_selector(self, shop: Any) -> None:
        shop.items.append(calico("BGPPeer", "reflectors", peerSelector='rack_id == "2"', nodeSelector='rack_id == "1"'))
        assert [peer.address for peer in node(shop).peers if peer.asn == 65003] == ["192.168.0.4", "192.168.0.5", "192.168.0.6"]

    def test_settings(self, shop: Any) -> None:
        shop.item("BGPPeer", "leaf-201-v4")["spec"] |= {
            "keepaliveTime": "10s",
            "maxRestartTime": "2m",
            "sourceAddress": "None",
            "filters": ["one"],
            "numAllowedLocalASNumbers": 2,
            "keepOriginalNextHop": True,
        }
        peer = node(shop).peers[0]
        assert (peer.keepalive, peer.restart_time, peer.use_node_address) == (10, 120, False)
        assert (peer.filters, peer.allowed_local_asns, peer.next_hop) == (("one",), 2, "Keep")

    @pytest.mark.parametrize("enabled", [True, None])
    def test_the_mesh_is_on_unless_it_is_turned_off(self, shop: Any, enabled: bool | None) -> None:
        spec = shop.item("BGPConfiguration", "default")["spec"]
        del spec["nodeToNodeMeshEnabled"]
        if enabled is not None:
            spec["nodeToNodeMeshEnabled"] = enabled
        mesh = {it.name: [peer for peer in it.peers if peer.kind == "Mesh"] for it in shop.cluster().nodes}
        assert {len(peers) for peers in mesh.values()} == {5}
        assert [peer.passive for peer in mesh["node-1"]] == [True] * 5
        assert [peer.passive for peer in mesh["node-6"]] == [False] * 5


class TestPassword:
    """calico-node sees only a Secret that it may read."""

    @pytest.mark.parametrize("kind", ["Secret", "Role", "RoleBinding"])
    def test_each_part_is_needed(self, shop: Any, kind: str) -> None:
        shop.items = [it for it in shop.items if it["kind"] != kind]
        assert node(shop).peers[0].password == ""

    @pytest.mark.parametrize(
        ("kind", "path", "value"),
        [
            ("Role", ("rules", 0, "resourceNames"), ["another"]),
            ("Role", ("rules", 0, "verbs"), ["list"]),
            ("Role", ("rules", 0, "resources"), ["configmaps"]),
            ("RoleBinding", ("subjects", 0, "name"), "default"),
            ("RoleBinding", ("subjects", 0, "namespace"), "default"),
            ("RoleBinding", ("roleRef", "name"), "another"),
            ("ServiceAccount", ("metadata", "namespace"), "calico-system"),
        ],
    )
    def test_each_name_has_to_be_right(self, shop: Any, kind: str, path: tuple[Any, ...], value: Any) -> None:
        target = next(it for it in shop.items if it["kind"] == kind)
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value
        assert node(shop).peers[0].password == ""

    def test_password_of_a_rule_without_names_and_without_service_account(self, shop: Any) -> None:
        del next(it for it in shop.items if it["kind"] == "Role")["rules"][0]["resourceNames"]
        assert node(shop).peers[0].password == PASSWORD
        # Without a service account either namespace will do.
        shop.items = [it for it in shop.items if it["kind"] != "ServiceAccount"]
        assert node(shop).peers[0].password == PASSWORD


class TestServices:
    """Announced service addresses, and the nodes that answer for them."""

    def test_local_traffic_policy_announces_where_ready_endpoints_are(self, shop: Any) -> None:
        announcing = [it.name for it in shop.cluster().nodes if "192.168.8.10/32" in it.advertised]
        assert announcing == ["node-1", "node-3", "node-6"]
        for endpoint in shop.item("EndpointSlice", "frontend")["endpoints"]:  # as older servers have it
            endpoint["topology"] = {"kubernetes.io/hostname": endpoint.pop("nodeName")}
        assert "192.168.8.10/32" in node(shop).advertised
        shop.item("EndpointSlice", "frontend")["endpoints"][0]["conditions"]["ready"] = False
        assert "192.168.8.10/32" not in node(shop).advertised

    def test_addresses_in_announced_subnets(self, shop: Any) -> None:
        shop.items += service("outside", "10.96.0.10", ["node-1"], local=True)
        assert "10.96.0.10/32" not in node(shop).advertised
        assert "10.96.0.10" in node(shop).answered
        shop.item("BGPConfiguration", "default")["spec"]["serviceLoadBalancerIPs"] = [{"cidr": "198.51.100.0/24"}]
        frontend = shop.item("Service", "frontend")
        frontend["spec"]["externalIPs"] = ["172.31.3.5"]
        frontend["status"] = {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}, {"hostname": "x"}]}}
        assert {"172.31.3.5/32", "198.51.100.7/32", "198.51.100.0/24"} <= set(node(shop).advertised)

    def test_excluded_nodes_and_services_without_endpoints(self, shop: Any) -> None:
        shop.item("Node", "node-1")["metadata"]["labels"][EXCLUDE_LABEL] = "true"
        assert node(shop).advertised == ()
        shop.item("EndpointSlice", "backend")["endpoints"] = None
        assert "192.168.8.20" not in node(shop).answered


class TestBlocks:
    """Claimed blocks stay, and only a node without one gets another."""

    POOL = Pool("10.1.0.0/24", block_size=26)

    def test_claimed_blocks_of_the_living_and_the_dead(self) -> None:
        nodes = [Node("node-1", 1), Node("node-2", 1), Node("node-3", 1)]
        known = {"node-3": ("10.1.0.0/26", "10.1.0.128/26"), "node-9": ("10.1.0.64/26",)}
        assert allocate(nodes, [self.POOL], known) == {
            "node-1": ("10.1.0.192/26",),
            "node-2": (),
            "node-3": ("10.1.0.0/26", "10.1.0.128/26"),
        }

    def test_a_disabled_pool_and_one_for_others(self) -> None:
        pools = [Pool("10.2.0.0/24", disabled=True), Pool("10.3.0.0/24", selector="has(gpu)"), self.POOL]
        nodes = [Node("node-1", 1), Node("node-2", 1, labels={"gpu": "yes"})]
        assert allocate(nodes, pools, {}) == {"node-1": ("10.1.0.0/26",), "node-2": ("10.3.0.0/26",)}

    def test_both_families(self, workshop: Callable[..., Any]) -> None:
        assert node(workshop(dual_stack=True), "node-2").blocks == ("10.1.0.64/26", "2001:db8:1::40/122")

    def test_claims_are_read_and_the_rest_is_unclaimed(self, shop: Any) -> None:
        shop.items.append(calico("BlockAffinity", "a", node="node-2", cidr="10.1.7.0/26", state="confirmed", deleted="false"))
        shop.items.append(calico("BlockAffinity", "b", node="node-2", cidr="10.1.8.0/26", state="confirmed", deleted="true"))
        cluster = shop.cluster()
        assert next(it for it in cluster.nodes if it.name == "node-2").blocks == ("10.1.7.0/26",)
        assert "node-2" not in cluster.unclaimed
        assert cluster.unclaimed["node-1"] == ("10.1.0.0/26",)


def test_pools(shop: Any) -> None:
    spec = shop.item("IPPool", "pool-4")["spec"]
    spec |= {"ipipMode": "CrossSubnet", "disableBGPExport": True}
    del spec["blockSize"]
    assert shop.cluster().pools == (Pool("10.1.0.0/16", "IPIP", exported=False),)


def test_reading_changes_nothing(shop: Any) -> None:
    assert read_cluster({}).nodes == ()
    before = copy.deepcopy(shop.objects())
    assert shop.cluster() == shop.cluster()
    assert shop.objects() == before


@pytest.mark.parametrize(("text", "wanted"), [("10s", 10), ("1m30s", 90), ("2h", 7200), ("1500ms", 2), (None, None), ("", None)])
def test_durations(text: str | None, wanted: int | None) -> None:
    assert seconds(text) == wanted
