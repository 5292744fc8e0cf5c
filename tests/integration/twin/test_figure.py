"""The paper's statements about a working fabric, checked in the kernels of the twin's machines."""

from __future__ import annotations

import pytest

from lab.twin.bench import Bench, eventually
from lab.twin.paper import Figure

RACK_1, RACK_2 = (201, 202), (203, 204)
NODES_1, NODES_2 = ("node-1", "node-2", "node-3"), ("node-4", "node-5", "node-6")
PODS = {f"node-{number}": f"10.1.{(number - 1) // 4}.{(number - 1) % 4 * 64}/26" for number in range(1, 7)}
ENDPOINT, SECONDARY, LOCAL_SERVICE = "192.0.2.10", "192.168.3.254", "192.168.8.10"
COMPUTE = "leaf-101"


def _peers_of(bench: Bench, leaf: int) -> list[str]:
    """Return the addresses that APIC lists as a leaf's peers."""
    return sorted(entry["addr"] for entry in bench.objects("bgpPeerEntry", leaf))


def width(bench: Bench, machine: str, prefix: str) -> int:
    """Return how many next hops a machine has for a prefix."""
    return len(bench.routes(machine).get(prefix, []))


def test_nodes_have_sessions_with_the_leaves_of_their_rack_only(floating: Bench) -> None:
    assert set(floating.sessions().values()) == {"Established"}
    for rack, nodes in ((RACK_1, NODES_1), (RACK_2, NODES_2)):
        wanted = sorted(f"192.168.0.{node.removeprefix('node-')}" for node in nodes)
        for leaf in rack:
            # The twin reports a session to APIC up to a second after it came up.
            eventually(lambda leaf=leaf, wanted=wanted: _peers_of(floating, leaf) == wanted)


def test_next_hop_of_a_pod_block_is_the_node_in_its_rack_and_the_pair_of_leaves_elsewhere(floating: Bench) -> None:
    for number, (node, block) in enumerate(PODS.items(), 1):
        own, other = (RACK_1, RACK_2) if node in NODES_1 else (RACK_2, RACK_1)
        for leaf in own:
            assert floating.routes(f"leaf-{leaf}")[block] == [f"192.168.0.{number}"]
        for machine in (*(f"leaf-{leaf}" for leaf in other), COMPUTE):
            assert width(floating, machine, block) == 2


def test_local_service_has_the_next_hops_of_the_paper(floating: Bench) -> None:
    """Three endpoints in two racks give two next hops in one rack, one in the other, and four on a compute leaf."""
    assert width(floating, "leaf-201", LOCAL_SERVICE) == 2
    assert width(floating, "leaf-203", LOCAL_SERVICE) == 1
    assert width(floating, COMPUTE, LOCAL_SERVICE) == 4
    assert width(floating, "leaf-201", "192.168.8.0/22") == 3


def test_nodes_learn_routes_of_each_other_with_the_fabric_asn_twice(floating: Bench) -> None:
    route = floating.daemons_of("node-4", "bird4", f"show route all {PODS['node-1']}")
    assert "BGP.as_path: 65002 65002" in route
    assert width(floating, "node-4", PODS["node-1"]) == 2


@pytest.mark.parametrize(
    ("source", "address", "options"),
    [
        ("node-1", "10.1.0.193", ["-I", "10.1.0.1"]),
        ("endpoint", LOCAL_SERVICE, []),
        ("endpoint", "192.168.8.20", []),
        ("endpoint", "192.168.0.5", []),
        ("node-3", ENDPOINT, []),
        ("node-3", SECONDARY, []),
        ("node-1", "10.1.0.193", ["-M", "do", "-s", "8972"]),
    ],
    ids=["pod to pod", "local service", "cluster service", "node", "endpoint by the secondary", "secondary", "full MTU"],
)
def test_traffic_passes(floating: Bench, source: str, address: str, options: list[str]) -> None:
    eventually(lambda: floating.pings(source, address, *options))


def test_packet_above_the_mtu_does_not_pass(floating: Bench) -> None:
    assert not floating.pings("node-1", "10.1.0.193", "-M", "do", "-s", "8973", count=1)


def test_nodes_have_a_default_route_by_the_secondary_address(floating: Bench) -> None:
    assert floating.routes("node-3")["default"] == [SECONDARY]


def test_leaves_report_their_state_as_apic_does(floating: Bench) -> None:
    eventually(lambda: len(floating.objects("bgpPeerEntry")) == 12)
    for entry in floating.objects("bgpPeerEntry"):
        assert (entry["operSt"], entry["holdIntvl"], entry["kaIntvl"]) == ("established", "3", "1")
        assert (entry["passwdSet"], "gr-enabled" in entry["flags"], entry["type"]) == ("enabled", True, "ebgp")
    assert {item["asn"] for item in floating.objects("bgpPeer")} == {"65003"}
    assert {item["numEstPeers"] for item in floating.objects("bgpDom", 201)} == {"3"}
    hops = [item for item in floating.objects("uribv4Nexthop", 101) if "rt-[192.168.8.10/32]" in item["dn"]]
    assert {(hop["routeType"], hop["active"], hop["vrf"]) for hop in hops} == {("ibgp", "yes", "overlay-1")}
    assert {hop["addr"] for hop in hops} == {f"10.1.0.{leaf}/32" for leaf in (*RACK_1, *RACK_2)}
    used = {item["dn"]: item["totalLpmLast"] for item in floating.objects("eqptcapacityPrefixEntriesUsage5min", 101)}
    assert set(used.values()) == {"10"}


def test_leaves_refuse_routes_that_nodes_pass_on(floating: Bench) -> None:
    """The other leaf's routes come back with a longer path, which exceeds the limit of one AS number."""
    (counts,) = {
        (it["acceptedPaths"], int(it["pfxSaved"]) > 4) for it in floating.objects("bgpPeerAfEntry") if "[192.168.0.2]" in it["dn"]
    }
    assert counts == ("3", True)


def test_calico_node_status_is_filled_in(floating: Bench) -> None:
    spec = {"node": "node-1", "classes": ["Agent", "BGP", "Routes"], "updatePeriodSeconds": 1}
    body = {"apiVersion": "crd.projectcalico.org/v1", "kind": "CalicoNodeStatus", "metadata": {"name": "one"}, "spec": spec}
    floating.kube.apply([body])
    path = floating.kube.path(body)
    eventually(lambda: floating.kube.request("GET", path).get("status"))
    status = floating.kube.request("GET", path)["status"]
    assert status["agent"]["birdV4"]["version"] == "1.6.8"
    assert (status["bgp"]["numberEstablishedV4"], status["bgp"]["numberNotEstablishedV4"]) == (2, 0)
    assert {(it["peerIP"], it["type"], it["state"]) for it in status["bgp"]["peersV4"]} == {
        (f"192.168.2.{leaf}", "NodePeer", "Established") for leaf in RACK_1
    }
    learned = [it for it in status["routes"]["routesV4"] if it["destination"] == PODS["node-4"]]
    assert {it["learnedFrom"]["peerIP"] for it in learned} == {f"192.168.2.{leaf}" for leaf in RACK_1}
    floating.kube.request("DELETE", path)


def test_each_pod_block_has_an_affinity_in_kubernetes(floating: Bench) -> None:
    eventually(lambda: len(floating.kube.objects("BlockAffinity")) == 6)
    assert {it["spec"]["node"]: it["spec"]["cidr"] for it in floating.kube.objects("BlockAffinity")} == PODS


def test_no_file_or_configuration_shows_the_password(floating: Bench) -> None:
    from lab.twin.paper import PASSWORD

    for path in floating.twin.folder.rglob("*"):
        assert not path.is_file() or PASSWORD not in path.read_text(errors="replace")
    for machine in ("leaf-201", "node-1"):
        text = floating.twin.ask("configuration", machine=machine)["text"]
        assert PASSWORD not in text
        assert "password (hidden)" in text


class TestStandardSvi:
    """A subnet and a VLAN for each node."""

    def test_sessions_and_routes(self, standard: Bench) -> None:
        figure = Figure(floating=False)
        assert len(standard.sessions()) == 12
        for number, (node, block) in enumerate(PODS.items(), 1):
            leaf = "leaf-201" if node in NODES_1 else "leaf-203"
            assert standard.routes(leaf)[block] == [figure.node_address(4, number).partition("/")[0]]
            assert standard.routes(node)["default"] == [figure.secondary(4, number).split("/")[0]]

    def test_service_width(self, standard: Bench) -> None:
        assert [width(standard, leaf, LOCAL_SERVICE) for leaf in ("leaf-202", "leaf-204", COMPUTE)] == [2, 1, 4]

    def test_traffic(self, standard: Bench) -> None:
        assert standard.pings("node-2", "10.1.0.193", "-I", "10.1.0.65")
        assert standard.pings("node-2", "10.1.0.1", "-I", "10.1.0.65")
        assert standard.pings("endpoint", LOCAL_SERVICE)
        assert standard.pings("node-6", ENDPOINT)

    def test_peer_that_is_down_raises_a_fault(self, standard: Bench) -> None:
        standard.twin.ask("kill", machine="node-2")
        try:
            eventually(lambda: len(standard.objects("faultInst", 201)) == 1)
            (fault,) = standard.objects("faultInst", 201)
            assert (fault["code"], "ent-[192.168.0.9]" in fault["dn"]) == ("F0299", True)
        finally:
            standard.twin.ask("start", machine="node-2")
        eventually(standard.converged)
        eventually(lambda: not standard.objects("faultInst", 201))


class TestDualStack:
    """Both address families."""

    def test_sessions_and_routes(self, dual_stack: Bench) -> None:
        assert len(dual_stack.sessions()) == 24
        routes = dual_stack.routes("leaf-203", 6)
        assert len(routes["2001:db8:1::/122"]) == 2
        assert routes["2001:db8:1::c0/122"] == ["2001:db8:2::4"]
        assert dual_stack.routes("leaf-203")[PODS["node-4"]] == ["192.168.0.4"]

    def test_traffic(self, dual_stack: Bench) -> None:
        assert dual_stack.pings("node-1", "2001:db8:1::c1")
        assert dual_stack.pings("endpoint", "2001:db8:1::1")
        assert dual_stack.pings("node-6", "2001:db8:e9::10")
        assert dual_stack.pings("node-6", ENDPOINT)

    def test_state(self, dual_stack: Bench) -> None:
        eventually(lambda: len(dual_stack.objects("uribv6Route", 101)) > 6)
        assert {it["type"] for it in dual_stack.objects("bgpPeerAfEntry")} == {"ipv4-ucast", "ipv6-ucast"}
