"""Answers of the daemons as objects of APIC and Calico."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.twin.operational import BirdAnswers, LeafAnswers, leaf_objects, node_status, sessions

ESTABLISHED = {
    "nbrExternalLink": True,
    "bgpState": "Established",
    "remoteRouterId": "192.168.0.1",
    "bgpTimerHoldTimeMsecs": 3000,
    "bgpTimerKeepAliveIntervalMsecs": 1000,
    "bgpTimerUpEstablishedEpoch": 1795408818,
    "authenticationEnabled": 1,
    "bgpConnection": "sharedNetwork",
    "neighborCapabilities": {
        "4byteAs": "advertisedAndReceived",
        "addPath": {"ipv4Unicast": {"txReceived": True, "rxAdvertisedAndReceived": True}},
        "routeRefresh": "advertisedAndReceivedNew",
        "multiprotocolExtensions": {"ipv4Unicast": {"advertisedAndReceived": True}},
        "gracefulRestart": "advertisedAndReceived",
    },
    "gracefulRestartInfo": {"localGrMode": "Helper*", "remoteGrMode": "Restart", "endOfRibRecv": {"ipv4Unicast": True}},
    "addressFamilyInfo": {"ipv4Unicast": {"acceptedPrefixCounter": 4, "sentPrefixCounter": 10, "inboundSoftConfigPermit": True}},
}
FABRIC_NEIGHBOUR = {"nbrExternalLink": False, "bgpState": "Established"}


def route(prefix: str, *hops: tuple[str, str], protocol: str = "bgp", **more: Any) -> dict[str, Any]:
    nexthops = [{"ip": ip, "interfaceName": interface, "fib": True} for ip, interface in hops]
    return {"prefix": prefix, "protocol": protocol, "installed": True, "distance": 20, "metric": 0, "nexthops": nexthops, **more}


def objects(shop: Any, answers: LeafAnswers, leaf: int = 0) -> dict[str, dict[str, str]]:
    """Return the operational objects of a leaf by class and name."""
    twin = shop.twin()
    found: dict[str, dict[str, str]] = {}
    left = list(leaf_objects(twin.fabric.leaves[leaf], twin, answers))
    while left:
        ((cls, body),) = left.pop().items()
        attributes = body["attributes"]
        names = (attributes[name] for name in ("addr", "prefix", "code", "type") if name in attributes)
        found[f"{cls} {next(names, '')}".strip()] = attributes
        left += body["children"]
    return found


def answers(**neighbour: Any) -> LeafAnswers:
    """Return the answers of a leaf with one node and one other leaf as neighbours."""
    routes = [
        route("10.1.0.0/26", ("192.168.0.1", "vlan300")),
        route("10.1.0.192/26", ("169.254.1.203", "fab0"), ("169.254.1.204", "fab0")),
        route("169.254.0.0/16", ("", "fab0"), protocol="connected"),
        route("192.168.0.0/22", ("", "vlan300"), protocol="connected"),
        route("10.9.9.0/24", ("192.168.0.9", "vlan300"), installed=False),
    ]
    return LeafAnswers(
        neighbours={"192.168.0.1": {**ESTABLISHED, **neighbour}, "169.254.1.202": FABRIC_NEIGHBOUR},
        received={("192.168.0.1", "ipv4"): 13},
        routes={"ipv4": {item["prefix"]: [item] for item in routes}},
    )


def test_an_established_neighbour(shop: Any) -> None:
    found = objects(shop, answers())
    entry = found["bgpPeerEntry 192.168.0.1"]
    assert entry["operSt"] == "established"
    assert (entry["holdIntvl"], entry["kaIntvl"], entry["rtrId"], entry["passwdSet"]) == ("3", "1", "192.168.0.1", "enabled")
    assert entry["advCap"] == "as4,cap,gr-helper,ipv4-ucast,ipv4-ucast-addlp-rcv,refresh"
    assert entry["rcvCap"] == "as4,cap,gr,ipv4-ucast,ipv4-ucast-addlp-snd,refresh"
    assert entry["flags"] == "cap-neg,direct-connect,gr-enabled"
    assert entry["lastFlapTs"].startswith("2026-")
    family = found["bgpPeerAfEntry ipv4-ucast"]
    assert (family["acceptedPaths"], family["pfxSent"], family["pfxSaved"]) == ("4", "10", "13")
    assert family["flags"] == "first-eor-rcvd,gr-cap,gr-sent,soft-recfg"


def test_the_vrf_counts_its_nodes_and_not_the_other_leaves(shop: Any) -> None:
    twin = shop.twin()
    (bgp, *__) = leaf_objects(twin.fabric.leaves[0], twin, answers())
    domain = bgp["bgpEntity"]["children"][0]["bgpInst"]["children"][0]["bgpDom"]
    assert bgp["bgpEntity"]["attributes"]["dn"] == "topology/pod-1/node-201/sys/bgp"
    wanted = {"name": "common:calico", "numPeers": "1", "numEstPeers": "1", "rtrId": "1.1.4.201", "maxAsLimit": "1"}
    assert wanted.items() <= domain["attributes"].items()
    (peer,) = [child["bgpPeer"] for child in domain["children"] if "bgpPeer" in child]
    assert peer["attributes"]["addr"] == "192.168.0.0/22"


def test_routes_show_the_tunnel_address_of_other_leaves(shop: Any) -> None:
    found = objects(shop, answers())
    assert "uribv4Route 10.9.9.0/24" not in found
    assert "uribv4Route 169.254.0.0/16" not in found
    hop = found["uribv4Nexthop 192.168.0.1/32"]
    assert (hop["routeType"], hop["vrf"], hop["owner"], hop["active"]) == ("ebgp", "common:calico", "bgp-65002", "yes")
    for leaf in (203, 204):
        assert found[f"uribv4Nexthop 10.0.0.{leaf}/32"]["vrf"] == "overlay-1"
        assert found[f"uribv4Nexthop 10.0.0.{leaf}/32"]["routeType"] == "ibgp"
    assert found["uribv4Nexthop 192.168.0.0/32"]["routeType"] == "direct"
    assert found["eqptcapacityPrefixEntriesUsage5min"]["v4LpmLast"] == "3"


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("Idle", "idle"),
        ("Active", "active"),
        ("Connect", "connect"),
        ("OpenSent", "open-sent"),
        ("Clearing", "closing"),
        ("?", "unknown"),
    ],
)
def test_states(shop: Any, state: str, wanted: str) -> None:
    found = objects(shop, answers(bgpState=state))
    entry = found["bgpPeerEntry 192.168.0.1"]
    assert (entry["operSt"], entry["rtrId"]) == (wanted, "0.0.0.0")
    assert "gr-enabled" not in entry["flags"]
    assert "faultInst F0299" in found


def test_a_session_that_the_prefix_limit_ended(workshop: Callable[..., Any]) -> None:
    found = objects(workshop(prefix_limit=5), answers(bgpState="Idle", prefixesConfigExceedMax=True))
    entry = found["bgpPeerEntry 192.168.0.1"]
    assert (entry["operSt"], entry["shutStQual"]) == ("shut", "exceeded-pfxlimit")


@pytest.mark.parametrize(
    ("limit", "flags"), [(12, {"pfx-threshexceeded", "pfxlimit-exceeded"}), (13, {"pfx-threshexceeded"}), (100, set())]
)
def test_a_prefix_limit_counts_what_is_sent_not_what_is_taken(workshop: Callable[..., Any], limit: int, flags: set[str]) -> None:
    found = objects(workshop(prefix_limit=limit), answers())
    assert {flag for flag in found["bgpPeerAfEntry ipv4-ucast"]["flags"].split(",") if flag.startswith("pfx")} == flags
    assert ("faultInst F1215" in found) is ("pfxlimit-exceeded" in flags)


def test_a_leaf_that_says_nothing(shop: Any) -> None:
    twin = shop.twin()
    (bgp, *rest) = leaf_objects(twin.fabric.leaves[0], twin, LeafAnswers())
    assert bgp["bgpEntity"]["children"][0]["bgpInst"]["children"][0]["bgpDom"]["attributes"]["operSt"] == "down"
    assert [next(iter(item)) for item in rest] == ["eqptcapacityEntity"]


PROTOCOLS = (
    "name     proto    table    state  since       info",
    "static1  Static   master   up     04:40:16    ",
    "Node_192_168_2_201 BGP      master   up     04:40:18    Established   ",
    "Node_192_168_2_202 BGP      master   start  04:40:18    Connect       Socket: Connection refused",
    "Mesh_192_168_0_2 BGP      master   start  04:40:19    Active        Received: Hold timer expired",
    "Global_2001_db8__1_port_1179 BGP      master   down   04:40:19    ",
)


def test_sessions_of_bird() -> None:
    assert [(it.kind, it.address, it.state, it.since) for it in sessions(PROTOCOLS)] == [
        ("Node", "192.168.2.201", "Established", "04:40:18"),
        ("Node", "192.168.2.202", "Connect", "04:40:18"),
        ("Mesh", "192.168.0.2", "Active", "04:40:19"),
        ("Global", "2001:db8::1", "Idle", "04:40:19"),
    ]
    assert sessions(PROTOCOLS)[1].info == "Connect Socket: Connection refused"


ROUTES = (
    "0.0.0.0/0          via 192.168.3.254 on eth0 [kernel1 04:40:16] * (10)",
    "10.1.0.0/26        blackhole [static1 04:40:16] * (200)",
    "                   unreachable [Node_192_168_2_201 04:40:19 from 192.168.2.201] (100/-) [AS65002i]",
    "10.1.0.64/26       via 192.168.0.2 on eth0 [Node_192_168_2_201 04:40:19 from 192.168.2.201] * (100/0) [AS65002i]",
    "                   via 192.168.0.2 on eth0 [Node_192_168_2_202 04:40:19 from 192.168.2.202] (100/0) [AS65002i]",
    "192.168.0.0/22     dev eth0 [direct1 04:40:16] * (240)",
)
STATUS = ("BIRD 1.6.8", "Router ID is 192.168.0.1", "Last reboot on 2026-11-23 04:40:16", "Daemon is up and running")
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def test_a_node_status_has_the_classes_that_it_asks_for() -> None:
    answer = {4: BirdAnswers(STATUS, PROTOCOLS, ROUTES)}
    status = node_status(answer, ["BGP", "Routes", "Agent", "Unknown"], NOW)
    assert set(status) == {"bgp", "routes", "agent", "lastUpdated"}
    assert status["lastUpdated"] == "2026-11-23T05:00:00Z"
    assert status["agent"] == {
        "birdV4": {"state": "Ready", "version": "1.6.8", "routerID": "192.168.0.1", "lastBootTime": "2026-11-23 04:40:16"}
    }
    assert (status["bgp"]["numberEstablishedV4"], status["bgp"]["numberNotEstablishedV4"]) == (1, 3)
    assert status["bgp"]["peersV6"] == []
    assert [it["type"] for it in status["bgp"]["peersV4"]] == ["NodePeer", "NodePeer", "NodeMesh", "GlobalPeer"]
    routes = status["routes"]["routesV4"]
    assert [(it["destination"], it["type"], it["gateway"], it["learnedFrom"]["sourceType"]) for it in routes] == [
        ("0.0.0.0/0", "FIB", "192.168.3.254", "Kernel"),
        ("10.1.0.0/26", "FIB", "N/A", "Static"),
        ("10.1.0.0/26", "RIB", "N/A", "BGPPeer"),
        ("10.1.0.64/26", "FIB", "192.168.0.2", "BGPPeer"),
        ("10.1.0.64/26", "RIB", "192.168.0.2", "BGPPeer"),
        ("192.168.0.0/22", "FIB", "N/A", "Direct"),
    ]
    assert routes[4]["learnedFrom"]["peerIP"] == "192.168.2.202"


def test_a_daemon_that_is_down_is_not_ready() -> None:
    status = node_status({4: BirdAnswers()}, ["Agent", "BGP"], NOW)
    assert status["agent"] == {"birdV4": {"state": "NotReady"}}
    assert status["bgp"]["numberEstablishedV4"] == 0
