"""External routers: which peers are one, their prefixes, cables and configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.lab.twin.test_bird import parses
from unit.lab.twin.test_network import made_in_order

from lab.twin.bird import router_configuration
from lab.twin.fabric import Segment
from lab.twin.frr import configuration
from lab.twin.mo import Mo
from lab.twin.model import TwinError
from lab.twin.network import Resource, wire
from lab.twin.outside import Router, target
from lab.twin.paper import PASSWORD, mo, way_out

GOLDEN = Path(__file__).parent / "golden"
CORE = "uni/tn-common/out-core"
PORT = "topology/pod-1/paths-{}/pathep-[eth1/48]"
PATHS = {leaf: f"{CORE}/lnodep-border/lifp-ipv4/rspathL3OutAtt-[{PORT.format(leaf)}]" for leaf in (103, 104)}
PEERS = [f"{path}/peerP-[10.254.{leaf}.2]" for leaf, path in PATHS.items()]


@pytest.fixture
def core(shop: Any) -> Any:
    """Return the paper's figure with a way out by a routed port on each of two leaves."""
    return with_way_out(shop)


def with_way_out(shop: Any, *arguments: Any, **options: Any) -> Any:
    shop.add("uni/tn-common", way_out(*arguments, **options))
    shop.secrets |= {dn: mo_.get("password") for dn, mo_ in shop.tree.items() if mo_.cls == "bgpPeerP"}
    return shop


def change(shop: Any, dn: str, **attributes: str) -> None:
    known = shop.tree[dn]
    shop.tree[dn] = Mo(known.cls, dn, {**known.attributes, **attributes})


def links(router: Router) -> list[tuple[str, str]]:
    """Return the router's address and the leaf's address of each link."""
    return [(link.address, link.neighbour) for link in router.links]


def resources(shop: Any) -> dict[str, Resource]:
    return {resource.key: resource for resource in wire(shop.twin()).resources}


def test_policies_of_a_cluster_hold_for_other_l3outs_of_the_vrf_on_its_leaves(shop: Any) -> None:
    """A leaf has one set of timers, AS limit and best path for a VRF; an L3Out without policies gets the cluster's."""

    def of_router(twin: Any, leaf: int) -> Any:
        found = next(each for each in twin.fabric.leaves if each.id == leaf)
        return found, next(peer for svi in found.svis for peer in svi.peers if not peer.dynamic)

    __, apart = of_router(with_way_out(shop).twin(), 103)
    assert (apart.timers.keepalive, apart.timers.as_limit) == (60, 0)
    for dn in [dn for dn in shop.tree if dn.startswith(CORE)]:
        del shop.tree[dn]
    leaf, together = of_router(with_way_out(shop, leaves=(201, 202)).twin(), 201)
    assert (together.timers.keepalive, together.timers.hold, together.timers.as_limit, leaf.relax) == (1, 3, 1, True)
    commands = [line.command for line in configuration(leaf, shop.twin())]
    assert "neighbor 10.254.201.2 timers 1 3" in commands
    shop.set("bgpCtxPol", maxAsLimit="0")
    assert of_router(shop.twin(), 201)[1].timers.as_limit == 0


def test_prefixes_of_networks_behind_the_router_have_longer_paths(core: Any) -> None:
    dn = f"{CORE}/instP-corporate/extsubnet-[172.16.0.0/12]"
    change(core, dn, descr="beyond AS 65101 65102")
    (router,) = core.twin().routers
    assert router.beyond == (("172.16.0.0/12", (65101, 65102)),)
    text = router_configuration(router, 4)
    assert "if net = 172.16.0.0/12 then { bgp_path.prepend(65102); bgp_path.prepend(65101); bgp_path.prepend(65100); }" in text
    assert "export where source = RTS_STATIC;" in router_configuration(router, 6) or 6 not in router.versions


def test_a_router_for_each_l3out_that_leads_outside(core: Any) -> None:
    (router,) = core.twin().routers
    assert (router.key, router.l3out, router.outside) == ("core-router", CORE, ("172.16.0.0/12",))
    assert links(router) == [("10.254.103.2/24", "10.254.103.1"), ("10.254.104.2/24", "10.254.104.1")]
    assert {(link.asn, link.fabric_asn, link.ttl, link.password) for link in router.links} == {(65100, 65002, 1, PASSWORD)}
    assert router.targets(4) == ["172.16.0.1"]
    assert [port.port for port in router.ports()] == [PORT.format(103), PORT.format(104)]
    assert PASSWORD not in repr(router)


def test_its_leaves_are_no_place_for_the_endpoint_nor_racks_of_their_own(core: Any) -> None:
    group = (mo("fabricNodePEp", id="103"), mo("fabricNodePEp", id="104"))
    core.extra.append(mo("fabricExplicitGEp", *group, dn="uni/fabric/protpol/expgep-103"))
    fabric = core.fabric()
    assert [leaf.id for leaf in fabric.leaves] == [103, 104, 201, 202, 203, 204, 105]
    assert fabric.racks[0] == (103, 104)


def test_an_svi_on_a_vpc_is_one_port_and_two_sessions(shop: Any) -> None:
    (router,) = with_way_out(shop, (4, 6), routed=False).twin().routers
    assert router.ports() == {Segment((103, 104), 390): (9000, ["10.254.99.1/24", "fd00:99::1/64"])}
    assert [link.neighbour for link in router.links] == ["10.254.99.103", "fd00:99::103", "10.254.99.104", "fd00:99::104"]
    assert router.targets(6) == ["2001:db8:c0::1"]


@pytest.mark.parametrize("routed", [True, False])
def test_each_further_peer_of_an_interface_is_a_router_of_its_own(shop: Any, routed: bool) -> None:
    first, second = with_way_out(shop, routers=2, routed=routed).twin().routers
    assert (first.key, second.key) == ("core-router", "core-router-2")
    assert len(first.links) == len(second.links) == 2
    assert not {link.address for link in first.links} & {link.address for link in second.links}
    assert (first.held(4), second.held(4)) == (["172.16.0.1"], [])
    assert "krt_prefsrc" not in router_configuration(second, 4)
    made = resources(shop)
    assert made["target core-router-2 172.16.0.1"].create == ("route replace 172.16.0.1 via 169.254.0.1 dev backbone",)
    assert "target core-router 172.16.0.1" not in made


@pytest.mark.parametrize(
    "break_it",
    [
        lambda shop: [shop.tree.pop(dn) for dn in PEERS],
        lambda shop: shop.tree.pop(f"{CORE}/bgpExtP"),
        lambda shop: [change(shop, dn, addr="10.254.0.0/16") for dn in PEERS],
        lambda shop: [change(shop, dn, addr="192.0.2.1") for dn in PEERS],
        lambda shop: shop.tree.pop(f"{CORE}/rsectx"),
        lambda shop: setattr(shop, "extra", [item for item in shop.extra if "bgpInstPol" not in item]),
    ],
    ids=["no peer", "no BGP", "dynamic peers", "peers in no subnet", "no VRF", "no AS number of the fabric"],
)
def test_without_such_a_peer_there_is_no_router(core: Any, break_it: Callable[[Any], object]) -> None:
    break_it(core)
    assert core.twin().routers == ()


def test_the_peers_of_an_l3out_with_nodes_are_none_though_a_node_is_gone(workshop: Callable[..., Any]) -> None:
    shop = workshop(floating=False)
    shop.items = [item for item in shop.items if item["metadata"]["name"] != "node-2"]
    assert shop.twin().routers == ()


def test_the_settings_of_a_peer(core: Any) -> None:
    for dn in PEERS:
        change(core, dn, ttl="3")
        core.add(dn, mo("bgpLocalAsnP", localAsn="65200"))
        change(core, f"{dn}/as", asn="65101")
    core.secrets = {}
    (router,) = core.twin().routers
    assert {(link.asn, link.fabric_asn, link.ttl, link.password) for link in router.links} == {(65101, 65200, 3, "")}
    text = router_configuration(router, 4)
    assert "local 10.254.103.2 as 65101;" in text
    assert "neighbor 10.254.103.1 as 65200;" in text
    assert "multihop 3;" in text
    assert "password" not in text


@pytest.mark.parametrize(
    ("scope", "announced", "classified"),
    [
        ("import-security", True, True),
        ("import-rtctrl", True, False),
        ("import-security,shared-security", True, True),
        ("export-rtctrl", False, False),
        ("shared-rtctrl", False, False),
    ],
)
def test_external_subnets_say_what_is_outside(core: Any, scope: str, announced: bool, classified: bool) -> None:
    change(core, f"{CORE}/instP-corporate/extsubnet-[172.16.0.0/12]", scope=scope)
    twin = core.twin()
    assert ("172.16.0.0/12" in twin.routers[0].outside) is announced
    assert ("172.16.0.0/12" in twin.fabric.classified) is classified
    assert bool(twin.routers[0].targets(4)) is announced


@pytest.mark.parametrize(
    ("prefix", "address"),
    [
        ("172.16.0.0/12", "172.16.0.1"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("0.0.0.0/0", "1.0.0.1"),
        ("0.0.0.0/1", "1.0.0.1"),
        ("128.0.0.0/1", "128.0.0.1"),
        ("::/0", "2001:db8:ffff::1"),
        ("2001:db8:c0::/44", "2001:db8:c0::1"),
    ],
)
def test_an_address_that_answers_for_a_prefix(prefix: str, address: str) -> None:
    assert target(prefix) == address


def test_the_tenant_tells_l3outs_of_one_name_apart(core: Any) -> None:
    core.add("uni", mo("fvTenant", way_out(leaves=(105, 106)), name="other"))
    assert [router.key for router in core.twin().routers] == ["common.core-router", "other.core-router"]


def test_a_node_cannot_have_a_routers_name(core: Any) -> None:
    core.item("Node", "node-1")["metadata"]["name"] = "core-router"
    with pytest.raises(TwinError, match="core-router"):
        core.twin()


# --- the port ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "deployed"), [("l3-port", True), ("sub-interface", False)])
def test_a_sub_interface_needs_its_vlan_in_the_pool_and_a_port_none(core: Any, kind: str, deployed: bool) -> None:
    pool = "uni/infra/vlanns-[core]-static"
    block = mo("fvnsEncapBlk", **{"from": "vlan-10", "to": "vlan-19"})
    core.extra += [mo("extnwDomP", mo("infraRsVlanNs", tDn=pool), dn="uni/l3dom-core"), mo("fvnsVlanInstP", block, dn=pool)]
    core.add(CORE, mo("l3extRsL3DomAtt", tDn="uni/l3dom-core"))
    for dn in PATHS.values():
        change(core, dn, ifInstT=kind, encap="vlan-390" if kind == "sub-interface" else "unknown")
    assert bool(core.fabric().leaves[0].svis) is deployed


@pytest.mark.parametrize(
    ("kind", "encap", "path", "device"),
    [
        ("l3-port", "unknown", "eth1/48", "eth1.48"),
        ("sub-interface", "vlan-390", "eth1/48", "eth1.48.390"),
        ("sub-interface", "vlan-390", "po-to-the-core-of-the-campus", "port"),
    ],
)
def test_a_routed_ports_name_and_bridge(core: Any, kind: str, encap: str, path: str, device: str) -> None:
    for leaf, dn in PATHS.items():
        change(core, dn, ifInstT=kind, encap=encap, tDn=f"topology/pod-1/paths-{leaf}/pathep-[{path}]")
    made = resources(core)
    (name,) = [key.split()[2] for key in made if key.startswith("up leaf-103 ") and not key.endswith("fab0")]
    assert name.startswith(device)
    assert len(name) < 15
    bridges = [key for key in made if key.startswith("bridge p")]
    assert len(bridges) == 2
    assert [sum(bridge in it.needs for it in made.values()) for bridge in bridges] == [2, 2], "a leaf and the router each"


def test_what_comes_from_a_routed_port_is_classified(core: Any) -> None:
    rules = resources(core)["classify leaf-103 eth1.48 4"].create
    assert "rule add pref 100 from 172.16.0.0/12 iif eth1.48 lookup main" in rules
    assert rules[-1] == "rule add pref 200 iif eth1.48 blackhole"


@pytest.mark.parametrize("options", [{}, {"routed": False}, {"routers": 2, "routed": False}])
def test_every_need_is_made_before(shop: Any, options: dict[str, Any]) -> None:
    made = made_in_order(with_way_out(shop, (4, 6), **options).twin())
    assert {"address core-router lo 172.16.0.1/32", "address core-router lo 2001:db8:c0::1/128"} <= made


def test_leaves_of_another_rack_reach_a_router_on_their_svi(shop: Any) -> None:
    """Give each leaf the SVI on its own port, so that they are two racks."""
    shop.add("uni/tn-common", way_out(routed=False))
    (vpc,) = [dn for dn in shop.tree if dn.endswith("/pathep-[vpc-core]]")]
    peer = shop.tree[f"{vpc}/peerP-[10.254.99.1]"]
    for dn in [dn for dn in shop.tree if dn.startswith(vpc)]:
        del shop.tree[dn]
    for leaf in (103, 104):
        about = {"addr": f"10.254.99.{leaf}/24", "encap": "vlan-390", "ifInstT": "ext-svi"}
        peers = mo("bgpPeerP", mo("bgpAsP", asn="65100"), **peer.attributes)
        shop.add(f"{CORE}/lnodep-border/lifp-ipv4", mo("l3extRsPathL3OutAtt", peers, tDn=PORT.format(leaf), **about))
    (router,) = shop.twin().routers
    assert list(router.ports()) == [Segment((103,), 390)]
    assert [link.neighbour for link in router.links] == ["10.254.99.103", "10.254.99.104"]
    made = resources(shop)
    (link,) = [it for key, it in made.items() if key.startswith("link wiring/o")]
    hardware = link.create[0].partition(" address ")[2].split()[0]
    far = [key for key in made if key.startswith("behind u") and key.endswith(hardware)]
    assert len(far) == 1


# --- BIRD ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 6])
def test_golden(shop: Any, version: int, tmp_path: Path) -> None:
    (router,) = with_way_out(shop, (4, 6)).twin().routers
    text = router_configuration(router, version)
    assert text.replace(PASSWORD, "PASSWORD") == (GOLDEN / f"router-{version}.conf").read_text()
    parses(text, version, tmp_path)


def test_a_router_without_ipv4_has_a_router_id(shop: Any) -> None:
    (router,) = with_way_out(shop, (6,)).twin().routers
    assert router.versions == [6]
    assert router_configuration(router, 6).startswith("router id ")
