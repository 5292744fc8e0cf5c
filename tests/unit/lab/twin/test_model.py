"""The cabling of hosts, and the choice of the VRF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lab.twin.calico import BgpPeer, Cluster, Node
from lab.twin.fabric import Fabric, Leaf, Svi
from lab.twin.model import Cable, TwinError, assemble, choose_fabric, moved, together


def test_host_is_where_its_peers_or_its_path_are(shop: Any, workshop: Callable[..., Any]) -> None:
    cables = {host.key: host.cable for host in shop.twin().hosts}
    assert cables["node-3"] == Cable((201, 202), 300, 9000)
    assert cables["node-4"] == Cable((203, 204), 300, 9000)
    shop = workshop(floating=False)
    shop.items = [item for item in shop.items if item["kind"] != "BGPPeer"]
    assert {host.key: host.cable for host in shop.twin().hosts}["node-5"] == Cable((203, 204), 305, 9000)


def test_a_wrong_label_does_not_move_a_host(shop: Any) -> None:
    before = {host.key: host.cable for host in shop.twin().hosts}
    shop.item("Node", "node-1")["metadata"]["labels"]["rack_id"] = "2"
    shop.set("l3extVirtualLIfP", encap="vlan-301", mtu="1500")
    twin = assemble(shop.fabric(), {"lab": shop.cluster()}, before)
    assert {host.key: host.cable for host in twin.hosts} == before
    assert shop.twin().hosts[0].cable == Cable((203, 204), 301, 1500)


def test_a_host_stays_connected_when_its_rack_gets_another_leaf(shop: Any) -> None:
    before = {host.key: host.cable for host in shop.twin().hosts}
    fabric = shop.fabric()
    for rack in ((201, 207), (201,)):
        changed = replace(fabric, racks=(rack, *fabric.racks[1:]))
        cables = {host.key: host.cable for host in assemble(changed, {"lab": shop.cluster()}, before).hosts}
        assert cables["node-1"] == Cable(rack, 300, 9000)
        assert cables["node-4"] == before["node-4"]
    gone = replace(fabric, racks=fabric.racks[1:])
    assert {host.key: host.cable for host in assemble(gone, {"lab": shop.cluster()}, before).hosts} == before


def test_a_moved_host_keeps_its_vlan(shop: Any) -> None:
    fabric, cable = shop.fabric(), Cable((201, 202), 300, 1500)
    assert moved(cable, fabric, [204, 203]) == Cable((203, 204), 300, 1500)
    assert moved(cable, fabric, [203]) == Cable((203, 204), 300, 1500)
    assert moved(cable, fabric, [102, 101]) == Cable((101, 102), 300, 1500)
    with pytest.raises(TwinError, match="leaves 202, 203 are not in one rack; 201, 202 are"):
        moved(cable, fabric, [202, 203])


def test_a_host_that_no_svi_knows_is_plugged_in_nowhere(shop: Any) -> None:
    shop.item("Node", "node-1")["metadata"]["annotations"]["projectcalico.org/IPv4Address"] = "203.0.113.1/24"
    assert shop.twin().hosts[0].cable == Cable()
    assert shop.twin().hosts[0].gateways == {}


def test_subnet_gives_gateway_and_length(workshop: Callable[..., Any], shop: Any) -> None:
    hosts = {host.key: host for host in workshop(floating=False, dual_stack=True).twin().hosts}
    assert hosts["node-2"].gateways == {"ipv4": "192.168.0.14", "ipv6": "2001:db8:2:1::6"}
    shop.item("Node", "node-1")["metadata"]["annotations"]["projectcalico.org/IPv4Address"] = "192.168.0.1"
    assert shop.twin().hosts[0].interfaces == {"ipv4": "192.168.0.1/22"}


def test_machines_of_several_clusters_have_different_names(shop: Any) -> None:
    twin = assemble(shop.fabric(), {"one": shop.cluster(), "two": shop.cluster()})
    assert [host.key for host in twin.hosts][::6] == ["one.node-1", "two.node-1"]
    cluster = Cluster(nodes=(Node("leaf-201", 65003),))
    with pytest.raises(TwinError, match="leaf-201"):
        assemble(shop.fabric(), {"lab": cluster})


def test_a_leafs_address_in_the_fabric_does_not_depend_on_the_others(shop: Any) -> None:
    twin = shop.twin()
    fewer = replace(twin, fabric=replace(twin.fabric, leaves=twin.fabric.leaves[2:]))
    addresses = [[it.leaf_address(leaf, "ipv4") for leaf in fewer.fabric.leaves] for it in (twin, fewer)]
    assert addresses == [["169.254.1.203", "169.254.1.204", "169.254.1.105"]] * 2


class TestChoice:
    NEAR = Fabric("t", "near", leaves=(Leaf(201, svis=(Svi("o", 300, addresses=("192.0.2.2/24",)),)),))
    FAR = Fabric("t", "far", leaves=(Leaf(202, svis=(Svi("o", 300, addresses=("198.51.100.2/24",)),)),))
    CLUSTER = Cluster(nodes=(Node("n", 1, {"ipv4": "192.0.2.1/24"}),))
    ADDRESSES = {"a": "192.0.2.1/24", "b": "203.0.113.1/24", "c": "203.0.113.2/24", "d": "192.0.2.7/24", "e": "10.0.0.2/24"}

    def test_named_or_fitting_one(self) -> None:
        assert choose_fabric([self.FAR, self.NEAR], [self.CLUSTER]) is self.NEAR
        assert choose_fabric([self.FAR, self.NEAR], [self.CLUSTER], "t:far") is self.FAR
        assert choose_fabric([self.FAR], [], "t:none") == Fabric("t", "none")
        assert choose_fabric([], [self.CLUSTER]).leaves == ()
        narrow = Cluster(nodes=(Node("n", 1, {"ipv4": "192.0.2.1/29"}),))
        assert choose_fabric([self.NEAR], [narrow]).leaves == ()

    def test_of_several_the_one_with_the_nodes_peers(self) -> None:
        with pytest.raises(TwinError, match="t:near, t:other"):
            choose_fabric([self.NEAR, replace(self.NEAR, vrf="other")], [self.CLUSTER])
        other = replace(self.NEAR, vrf="other", leaves=(Leaf(203, svis=(Svi("o", 300, addresses=("192.0.2.3/24",)),)),))
        peers = (BgpPeer("Node", "192.0.2.3", 65002),)
        cluster = Cluster(nodes=(Node("n", 1, {"ipv4": "192.0.2.1/24"}, peers=peers),))
        assert choose_fabric([self.NEAR, other], [cluster]) is other

    def test_clusters_of_one_vrf_belong_together(self) -> None:
        other = replace(self.NEAR, vrf="other", leaves=(Leaf(203, svis=(Svi("o", 300, addresses=("10.0.0.1/24",)),)),))
        nodes = {name: Node("n", 1, {"ipv4": address}) for name, address in self.ADDRESSES.items()}
        clusters = {name: Cluster(nodes=(node,)) for name, node in nodes.items()}
        assert together([self.FAR, self.NEAR, other], clusters) == [
            ("t:near", ["a", "d"]),
            ("", ["b"]),
            ("", ["c"]),
            ("t:other", ["e"]),
        ]

    def test_a_cluster_that_could_be_in_several_vrfs_is_alone(self) -> None:
        assert together([self.NEAR, replace(self.NEAR, vrf="other")], {"a": self.CLUSTER}) == [("", ["a"])]
