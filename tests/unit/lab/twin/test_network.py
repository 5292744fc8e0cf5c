"""Namespaces, cables and addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from lab.twin.fabric import PERVASIVE_MAC as SHARED
from lab.twin.model import Twin, assemble, moved
from lab.twin.network import WIRING, Resource, mac, plan_changes, wire
from lab.twin.paper import mo, scaled


def by_key(shop: Any) -> dict[str, Resource]:
    return {resource.key: resource for resource in wire(shop.twin()).resources}


def names(resources: dict[str, Resource]) -> set[str]:
    """Return the name of every interface in the resources."""
    lines = " ".join(line for resource in resources.values() for line in resource.create)
    return set(re.findall(r"(?:link add name|peer name) (\S+)", lines))


def made_in_order(twin: Twin) -> set[str]:
    """Return the keys of a twin's resources after checking that each comes after those that it needs."""
    wiring = wire(twin)
    made: set[str] = set()
    for resource in wiring.resources:
        assert set(resource.needs) <= made, resource
        assert resource.key not in made
        assert resource.namespace in ("", *wiring.namespaces)
        made.add(resource.key)
    return made


@pytest.mark.parametrize("options", [{}, {"floating": False}, {"dual_stack": True}])
def test_every_need_is_made_before(workshop: Callable[..., Any], options: dict[str, Any]) -> None:
    assert made_in_order(workshop(**options).twin())


def test_interfaces_have_names_that_linux_takes(workshop: Callable[..., Any]) -> None:
    shop = workshop(racks=scaled(2, 20, floating=False).racks, floating=False)
    assert max(map(len, names(by_key(shop)))) <= 15


def test_racks_of_a_floating_svi_are_joined_and_standard_svis_are_not(shop: Any, workshop: Callable[..., Any]) -> None:
    resources = by_key(shop)
    bridges = {key.removeprefix("bridge ") for key in resources if key.startswith("bridge ")}
    cores = {name for name in bridges if name.startswith("core")}
    assert bridges - cores == {"fabric", "r201.202v300", "r203.204v300"}
    assert len(cores) == 1
    behind = [resource for key, resource in resources.items() if key.startswith("behind ")]
    # Two leaves and three nodes of each rack: for the other rack's bridge and for the core.
    assert len(behind) == 2 * (5 + 5)
    assert {resource.program for resource in behind} == {("bridge",)}
    assert not any(SHARED in resource.key for resource in behind)
    bridges = [key for key in by_key(workshop(floating=False)) if key.startswith("bridge ")]
    assert len(bridges) == 1 + 6


def test_secondary_address_has_one_mac_and_others_have_their_own(shop: Any) -> None:
    shared = [resource for key, resource in by_key(shop).items() if key.startswith("shared ")]
    assert len(shared) == 4
    assert {re.search(r"address (\S+)", resource.create[0])[1] for resource in shared} == {SHARED}  # type: ignore[index]
    assert mac("svi", 201, 300) == mac("svi", 201, 300) != mac("svi", 202, 300)
    assert int(mac("host", "node-1")[:2], 16) & 3 == 2


def test_only_what_external_epgs_hold_is_forwarded(shop: Any) -> None:
    resources = by_key(shop)
    rules = resources["classify leaf-201 vlan300 4"].create
    assert "rule add pref 100 from 10.1.0.0/16 iif vlan300 lookup main" in rules
    assert rules[-1] == "rule add pref 200 iif vlan300 blackhole"
    assert "classify leaf-105 fab0 4" not in resources
    shop.remove("l3extSubnet")
    assert by_key(shop)["classify leaf-201 vlan300 4"].create == ("rule add pref 200 iif vlan300 blackhole",)


def test_the_mtu_of_both_ends(shop: Any) -> None:
    shop.set("l3extVirtualLIfP", mtu="1500")
    resources = by_key(shop)
    assert "netns leaf-201 address" in resources["link wiring/l201v300"].create[0]
    assert " mtu 1500 type veth" in resources["link wiring/l201v300"].create[0]


def test_a_change_takes_along_what_is_on_it(shop: Any) -> None:
    old = wire(shop.twin()).resources
    assert plan_changes(old, old) == ([], [])
    shop.set("l3extVirtualLIfP", encap="vlan-300", mtu="1500")
    twin = shop.twin()
    new = wire(twin).resources
    removed, made = plan_changes(old, new)
    assert "link wiring/l201v300" in {resource.key for resource in made}
    for key in ("port l201v300", "up leaf-201 vlan300", "address leaf-201 vlan300 192.168.2.201/22", "shared leaf-201 vlan300s"):
        assert key in {resource.key for resource in made}
    assert "link wiring/l201fab" not in {resource.key for resource in made}
    assert {resource.key for resource in removed} >= {"link wiring/l201v300", "shared leaf-201 vlan300s"}
    order = [resource.key for resource in removed]
    assert order.index("shared leaf-201 vlan300s") < order.index("link wiring/l201v300")


def test_what_is_no_more_is_removed_and_nothing_else(shop: Any) -> None:
    old = wire(shop.twin()).resources
    shop.items = [item for item in shop.items if item["metadata"]["name"] != "node-6"]
    removed, made = plan_changes(old, wire(shop.twin()).resources)
    assert {resource.namespace for resource in removed} <= {"node-6", WIRING, ""}
    # The entries of the other rack and of the core are removed.
    forgotten = [resource.remove for resource in removed if resource.key.startswith("behind ")]
    assert {line.split()[2] for (line,) in forgotten} == {mac("host", "node-6")}
    assert len(forgotten) == 2
    assert made == []


def test_an_added_secondary_touches_no_cable(shop: Any) -> None:
    old = wire(shop.twin()).resources
    name = "uni/tn-common/out-k8s/lnodep-rack-1/lifp-ipv4/vlifp-[topology/pod-1/node-201]-[vlan-300]"
    shop.add(name, mo("l3extIp", addr="192.168.3.253/22"))
    removed, made = plan_changes(old, wire(shop.twin()).resources)
    assert removed == []
    assert [resource.key for resource in made] == ["address leaf-201 vlan300s 192.168.3.253/32"]


class TestMoved:
    @staticmethod
    def moved(shop: Any, *leaves: int) -> Twin:
        """Return the twin with node-1 behind these leaves."""
        before = shop.twin()
        cables = {host.key: host.cable for host in before.hosts}
        cables["node-1"] = moved(cables["node-1"], before.fabric, leaves)
        return assemble(before.fabric, {"lab": shop.cluster()}, cables)

    @staticmethod
    def behind(twin: Twin, address: str) -> list[str]:
        """Return the bridges that find an address behind their uplink or, for a core, behind a rack."""
        resources = wire(twin).resources
        bridges = {
            words[2]: words[4]
            for resource in resources
            for words in [resource.create[0].split()]
            if resource.key.startswith("port ")
        }
        found = [resource.key.split() for resource in resources if resource.key.startswith("behind ")]
        return sorted(bridges[device] for __, device, entry in found if entry == address)

    @staticmethod
    def bridge_of(twin: Twin, host: str) -> str:
        """Return the bridge at the end of a host's cable."""
        resources = wire(twin).resources
        (link,) = (it for it in resources if it.remove_in == WIRING and f" netns {host} " in it.create[0])
        port = link.key.partition("/")[2]
        return next(it.create[0].split()[4] for it in resources if it.key == f"port {port}")

    def test_to_another_rack_is_on_its_bridge_and_found_there(self, shop: Any) -> None:
        node = mac("host", "node-1")
        assert [name[:4] for name in self.behind(shop.twin(), node)] == ["core", "r203"]
        twin = self.moved(shop, 203, 204)
        assert self.bridge_of(twin, "node-1") == "r203.204v300"
        assert [name[:4] for name in self.behind(twin, node)] == ["core", "r201"]
        assert self.behind(twin, SHARED) == []

    def test_the_cable_stays_and_nothing_else_is_touched(self, shop: Any) -> None:
        removed, made = plan_changes(wire(shop.twin()).resources, wire(self.moved(shop, 203, 204)).resources)
        kinds = {resource.key.split()[0] for resource in (*removed, *made)}
        assert kinds == {"port", "behind"}
        assert {line.split()[2] for it in removed if it.remove for line in it.remove} == {mac("host", "node-1")}

    def test_to_leaves_without_anchor_finds_all_over_the_core(self, shop: Any) -> None:
        twin = self.moved(shop, 101, 102)
        assert self.bridge_of(twin, "node-1") == "r101.102v300"
        assert [name[:4] for name in self.behind(twin, mac("host", "node-1"))] == ["core", "r201", "r203"]
        for far in (mac("svi", 201, 300), mac("host", "node-6")):
            assert "r101.102v300" in self.behind(twin, far)
        # The gateway is found in one rack only, the host's own.
        assert [name[:4] for name in self.behind(twin, SHARED)] == ["core", "r101"]
        (entry,) = (it for it in wire(twin).resources if it.key.endswith(SHARED) and it.key.startswith("behind d"))
        own = next(it for it in wire(twin).resources if it.key.endswith(mac("svi", 202, 300)) and "behind d" in it.key)
        assert entry.needs == own.needs

    def test_of_a_standard_svi_it_is_alone(self, workshop: Callable[..., Any]) -> None:
        for leaves in ((203, 204), (101, 102)):
            twin = self.moved(workshop(floating=False), *leaves)
            bridge = self.bridge_of(twin, "node-1")
            assert sum(f" master {bridge} " in it.create[0] for it in wire(twin).resources) == 1
            assert self.behind(twin, mac("host", "node-1")) == []
