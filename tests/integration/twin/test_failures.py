"""What happens to routes and traffic when machines die, crash and come back."""

from __future__ import annotations

import time

from lab.twin.bench import Bench, eventually

BLOCK_1, BLOCK_4 = "10.1.0.0/26", "10.1.0.192/26"
LEAVES = ("leaf-201", "leaf-202", "leaf-203", "leaf-204", "leaf-101")


def test_a_node_that_dies_silently_is_gone_from_every_leaf_within_the_hold_time(floating: Bench) -> None:
    floating.twin.ask("off", machine="node-1")
    try:
        started = time.monotonic()
        for leaf in LEAVES:
            eventually(lambda leaf=leaf: BLOCK_1 not in floating.routes(leaf), 6, every=0.05)
        assert time.monotonic() - started < 3.5
        eventually(lambda: len(floating.objects("bgpPeerEntry", 201)) == 2, 5)
    finally:
        floating.twin.ask("on", machine="node-1")
    eventually(floating.settled, 40)


def test_bird_that_crashes_and_comes_back_changes_no_route(floating: Bench) -> None:
    with floating.watched_routes("leaf-201") as near, floating.watched_routes("leaf-101") as far:
        floating.twin.ask("kill", machine="node-1")
        time.sleep(1)
        floating.twin.ask("start", machine="node-1")
        eventually(floating.converged, 30)
        time.sleep(2)
    assert [line for line in (*near, *far) if "10.1." in line or "192.168.8" in line] == []


def test_without_graceful_restart_the_crash_is_seen(floating: Bench) -> None:
    """The other way round: without the policy's helper mode, leaves drop the routes at once."""
    floating.change("bgpCtxPol", "uni/tn-common/bgpCtxP-fast", grCtrl="")
    try:
        eventually(lambda: all("gr-enabled" not in it["flags"] for it in floating.objects("bgpPeerEntry")), 30)
        eventually(floating.settled, 40)
        with floating.watched_routes("leaf-201") as near:
            floating.twin.ask("kill", machine="node-1")
            eventually(lambda: BLOCK_1 not in floating.routes("leaf-201"), 5)
            floating.twin.ask("start", machine="node-1")
        assert [line for line in near if BLOCK_1 in line]
    finally:
        floating.change("bgpCtxPol", "uni/tn-common/bgpCtxP-fast", grCtrl="helper")
        eventually(lambda: all("gr-enabled" in it["flags"] for it in floating.objects("bgpPeerEntry")), 30)
        eventually(floating.settled, 40)


def test_flows_survive_a_leaf_reload_through_its_pair(floating: Bench) -> None:
    with (
        floating.flow("node-4", "10.1.0.1", "-I", "10.1.0.193") as pods,
        floating.flow("endpoint", "10.1.0.1") as inward,
        floating.flow("node-1", "192.0.2.10") as outward,
    ):
        floating.twin.ask("off", machine="leaf-201")
        floating.twin.ask("kill", machine="leaf-201")
        time.sleep(6)
    try:
        assert max(*pods, *inward, *outward) < 3.5
    finally:
        floating.twin.ask("on", machine="leaf-201")
        floating.twin.ask("start", machine="leaf-201")
        eventually(floating.settled, 60)
