"""Nodes that move to other leaves with all that they have, as virtual machines do: what a floating SVI carries and a standard
one does not."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from integration.verify.live import Live

from lab.twin.bench import eventually

ELSEWHERE = {"another rack": [203, 204], "leaves without anchor": [101, 102]}


@pytest.fixture(autouse=True)
def _back_home(request: pytest.FixtureRequest) -> Iterator[None]:
    made: Live = request.getfixturevalue("standard" if "standard" in request.fixturenames else "cluster")
    yield
    made.bench.twin.ask("move", machine="node-1", leaves=[201, 202])
    made.until_green()


def _pod(made: Live, node: str) -> str:
    """An address of the node's pods."""
    return str(ip_network(made.bench.twin.ask("machines")["nodes"][node]["blocks"][0])[1])


def _reach(made: Live, near: str, far: str) -> bool:
    """Whether pods of two nodes reach each other."""
    return made.bench.pings(near, _pod(made, far), "-I", _pod(made, near))


@pytest.mark.parametrize("leaves", ELSEWHERE.values(), ids=ELSEWHERE)
def test_behind_a_floating_svi_a_node_takes_its_sessions_along(cluster: Live, leaves: list[int]) -> None:
    cluster.bench.twin.ask("move", machine="node-1", leaves=leaves)
    assert cluster.bench.twin.ask("machines")["nodes"]["node-1"]["cable"]["rack"] == leaves
    report = cluster.until_green()
    assert {session["leaf"] for session in report["sessions"] if session["node"] == "node-1"} == {201, 202}
    # One of its own rack, one of another, and whoever calls from within the fabric; the way out is the shared address's.
    for other in ("node-2", "node-6"):
        eventually(lambda other=other: _reach(cluster, "node-1", other) and _reach(cluster, other, "node-1"), 10)
    assert cluster.bench.pings("endpoint", _pod(cluster, "node-1"))
    # What the whole cluster has in one subnet: from node to node without a leaf that routes.
    assert cluster.bench.pings("node-4", "192.168.2.1")


def test_behind_a_standard_svi_it_loses_them(standard: Live) -> None:
    """The other rack's leaves have neither its VLAN nor its addresses. Nothing in APIC or Kubernetes shows a cable: the
    sessions' silence does, and the remedy tells it from a wrong password."""
    assert standard.bench.pings("node-1", "192.168.2.4")
    standard.bench.twin.ask("move", machine="node-1", leaves=ELSEWHERE["another rack"])
    finding = standard.until_named("password-differs", "session-down", evidence="node-1/201", pieces=2)
    assert (finding["rack"], finding["nodes"], finding["leaves"]) == ("1", ["node-1"], [201, 202])
    assert "pings the leaf's address: if it does not, see to its cable and VLAN" in finding["remedy"]
    assert not standard.bench.pings("node-1", "192.168.2.4", count=1)
    assert not _reach(standard, "node-6", "node-1")
