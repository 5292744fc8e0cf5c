"""BIRD's configuration of a node."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.twin.bird import Announcement, configuration, protocol_name, router_id
from lab.twin.bird_package import search_path
from lab.twin.calico import BgpPeer, Cluster, Node
from lab.twin.paper import PASSWORD, Rack, calico

GOLDEN = Path(__file__).parent / "golden"
SMALL = {"racks": (Rack(1, (201, 202), (1,)),)}


def render(shop: Any, version: int = 4, name: str = "node-1", **options: Any) -> str:
    cluster = shop.cluster()
    node = next(it for it in cluster.nodes if it.name == name)
    return configuration(node, cluster, version, **options)


def parses(text: str, version: int, folder: Path) -> None:
    """Let BIRD itself read a configuration, if it is installed."""
    program = shutil.which("bird" if version == 4 else "bird6", path=search_path())
    if not program:
        pytest.skip("there is no BIRD 1.6: run `make bird`")
    path = folder / "bird.cfg"
    path.write_text(text)
    done = subprocess.run([program, "-p", "-c", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "version", "options"),
    [("floating", 4, {}), ("standard", 4, {"floating": False}), ("dual-stack", 6, {"dual_stack": True})],
)
def test_golden(workshop: Callable[..., Any], name: str, version: int, options: dict[str, Any]) -> None:
    shown = render(workshop(**SMALL, **options), version).replace(PASSWORD, "PASSWORD")
    assert shown == (GOLDEN / f"node-{name}.conf").read_text()


def with_filters(shop: Any) -> None:
    """Add a BGPFilter with every kind of rule."""
    rules = [
        {"action": "Accept", "cidr": "10.1.0.0/16", "matchOperator": "In", "prefixLength": {"min": 26, "max": 28}},
        {"action": "Reject", "cidr": "10.1.0.0/16", "matchOperator": "NotEqual", "prefixLength": {"max": 30}},
        {"action": "Reject", "source": "RemotePeers", "peerType": "eBGP"},
        {"action": "Accept", "interface": "eth*", "operations": [{"prependASPath": {"prefix": [65010, 65011]}}]},
        {"action": "Reject"},
    ]
    shop.items.append(calico("BGPFilter", "all-kinds.1", exportV4=rules, importV4=rules[:1], exportV6=rules[2:]))
    for item in shop.items:
        if item["kind"] == "BGPPeer":
            item["spec"]["filters"] = ["all-kinds.1", "missing"]


def mesh(shop: Any) -> None:
    shop.item("BGPConfiguration", "default")["spec"]["nodeToNodeMeshEnabled"] = True


def everything(shop: Any) -> None:
    for item in shop.items:
        if item["kind"] == "BGPPeer":
            item["spec"] |= {
                "keepaliveTime": "10s",
                "maxRestartTime": "1m",
                "ttlSecurity": 1,
                "numAllowedLocalASNumbers": 1,
                "nextHopMode": "Self",
                "localASNumber": 65099,
            }


@pytest.mark.parametrize("alter", [lambda shop: None, with_filters, mesh, everything])
@pytest.mark.parametrize("version", [4, 6])
def test_bird_reads_it(workshop: Callable[..., Any], alter: Callable[[Any], None], version: int, tmp_path: Path) -> None:
    shop = workshop(dual_stack=True)
    alter(shop)
    extra = [Announcement("10.99.0.0/24", 2), Announcement("2001:db8:99::/64")]
    parses(render(shop, version, announcements=extra), version, tmp_path)


def test_a_node_without_anything_is_read_too(tmp_path: Path) -> None:
    parses(configuration(Node("lonely", 65003), Cluster(), 4), 4, tmp_path)


def test_filters_stand_before_calicos_own(shop: Any) -> None:
    with_filters(shop)
    text = render(shop)
    assert "export filter { 'bgp_all-kinds.1_exportFilterV4'(false); calico_export_to_bgp_peers(false); reject; };" in text
    assert "if ((net ~ [ 10.1.0.0/16{26,28} ])) then { accept; }" in text
    assert "if ((net != [ 10.1.0.0/16{16,30} ])) then { reject; }" in text
    assert "if (((defined(source)) && (source ~ [ RTS_BGP ])) && !internal_peer) then { reject; }" in text
    assert "{ bgp_path.prepend(65011); bgp_path.prepend(65010); accept; }" in text


def test_pools_and_what_is_kept_out_of_the_kernel(shop: Any) -> None:
    assert "if (net ~ 10.1.0.0/16) then accept;" in render(shop)
    assert "if (net ~ 192.168.8.0/22) then reject;" in render(shop)
    shop.item("IPPool", "pool-4")["spec"] |= {"disableBGPExport": True, "ipipMode": "Always"}
    text = render(shop)
    assert "if (net ~ 10.1.0.0/16) then accept;" not in text
    assert text.count("if (net ~ 10.1.0.0/16) then reject;") == 2


def test_an_announcement_comes_before_everything(shop: Any) -> None:
    text = render(shop, announcements=[Announcement("10.99.0.0/24", 1)])
    assert "if (net = 10.99.0.0/24) then { bgp_path.prepend(65003); accept; }" in text
    assert "route 10.99.0.0/24 blackhole;" in text


@pytest.mark.parametrize("password", ['quoted"', "line\nbreak", "return\r"])
def test_a_password_that_would_be_configuration_is_refused(shop: Any, password: str) -> None:
    cluster = shop.cluster()
    node = replace(cluster.nodes[0], peers=(BgpPeer("Node", "192.168.2.201", 65002, password=password),))
    with pytest.raises(ValueError, match="cannot hold"):
        configuration(node, cluster, 4)


def test_names_and_router_ids() -> None:
    assert protocol_name(BgpPeer("Node", "192.168.2.201", 1)) == "Node_192_168_2_201"
    assert protocol_name(BgpPeer("Global", "192.168.2.201", 1, port=1179)) == "Global_192_168_2_201_port_1179"
    assert protocol_name(BgpPeer("Mesh", "2001:db8::1", 1)) == "Mesh_2001_db8__1"
    assert router_id(Node("n", 1, {"ipv6": "2001:db8::1/64"})) == router_id(Node("n", 1))
    assert router_id(Node("n", 1)) != router_id(Node("m", 1))
    assert router_id(Node("n", 1, {"ipv4": "192.0.2.1/24"})) == "192.0.2.1"
