"""An L3Out to two external routers beside a cluster: an SVI on two leaves, both address families."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.twin.bench import Bench, eventually
from lab.twin.paper import mo, way_out

CORE = "uni/tn-common/out-core"
ROUTERS = ("core-router", "core-router-2")
OUTSIDE = {4: "172.16.0.0/12", 6: "2001:db8:c0::/44"}
TARGET = {4: "172.16.0.1", 6: "2001:db8:c0::1"}
POD_1 = {4: "10.1.0.1", 6: "2001:db8:1::1"}
BLOCK_1 = {4: "10.1.0.0/26", 6: "2001:db8:1::/122"}
LEAVES = {4: ["10.254.99.103", "10.254.99.104"], 6: ["fd00:99::103", "fd00:99::104"]}
ENTRY = mo("rtctrlCtxP", mo("rtctrlRsCtxPToSubjP", tnRtctrlSubjPName="allowed-export"), name="cluster", order="9")
FAMILIES = pytest.mark.parametrize("version", [4, 6])


@pytest.fixture(scope="module")
def outside(dual_stack: Bench) -> Iterator[Bench]:
    """Yield the dual-stack figure with an L3Out to external routers; remove the L3Out afterwards."""
    assert dual_stack.twin.ask("machines")["routers"] == {}
    before = len(dual_stack.sessions())
    dual_stack.post("uni/tn-common", way_out((4, 6), routers=2, routed=False))
    eventually(lambda: dual_stack.twin.ask("machines")["routers"].keys() == set(ROUTERS))
    eventually(dual_stack.settled)
    assert len(dual_stack.sessions()) == before + 8
    yield dual_stack
    dual_stack.delete(CORE)
    eventually(lambda: dual_stack.twin.ask("machines")["routers"] == {})
    eventually(lambda: not dual_stack.objects("bgpDom", 103))
    assert len(dual_stack.sessions()) == before
    eventually(dual_stack.settled)
    assert dual_stack.pings("node-1", POD_1[4])
    assert OUTSIDE[4] not in dual_stack.routes("leaf-201")


def learned(bench: Bench, version: int) -> set[str]:
    """Return the prefixes that the first router has from the leaves."""
    return {prefix for prefix, hops in bench.routes(ROUTERS[0], version).items() if hops}


def test_routers_learn_the_prefixes_of_export_route_control_only(outside: Bench) -> None:
    for leaf in ("leaf-101", "leaf-201"):
        eventually(lambda leaf=leaf: len(outside.routes(leaf).get(OUTSIDE[4], [])) == 2)
        eventually(lambda leaf=leaf: len(outside.routes(leaf, 6).get(OUTSIDE[6], [])) == 2)
    assert learned(outside, 4) == learned(outside, 6) == set()
    assert outside.routes("node-1").get(OUTSIDE[4]) is None, "the cluster's own L3Out does not let it in"
    outside.post(CORE, {"l3extOut": {"attributes": {}, "children": [mo("rtctrlProfile", ENTRY, name="default-export")]}})
    for version, block in BLOCK_1.items():
        eventually(lambda version=version, block=block: outside.routes(ROUTERS[1], version).get(block) == LEAVES[version])


@FAMILIES
def test_traffic_passes(outside: Bench, version: int) -> None:
    eventually(lambda: outside.pings(ROUTERS[0], POD_1[version]))
    for node in ("node-1", "node-4"):
        eventually(lambda node=node: outside.pings(node, TARGET[version]))


def test_leaves_report_the_sessions(outside: Bench) -> None:
    eventually(lambda: {it["operSt"] for it in outside.objects("bgpPeerEntry", 103)} == {"established"})
    assert {it["addr"] for it in outside.objects("bgpPeerEntry", 103)} == {
        *("10.254.99.1", "10.254.99.2"),
        *("fd00:99::1", "fd00:99::2"),
    }
    assert {(it["asn"], it["passwdSet"]) for it in outside.objects("bgpPeer", 103)} == {("65100", "enabled")}


def test_traffic_returns_with_a_router_that_lost_power(outside: Bench) -> None:
    outside.twin.ask("off", machine=ROUTERS[0])
    try:
        assert not outside.pings("node-1", TARGET[4], count=1)
    finally:
        outside.twin.ask("on", machine=ROUTERS[0])
    eventually(lambda: outside.pings("node-1", TARGET[4]))
    assert "password (hidden)" in outside.twin.ask("configuration", machine=ROUTERS[0])["text"]
