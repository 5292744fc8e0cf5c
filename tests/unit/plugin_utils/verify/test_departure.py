"""Leaves that are about to go, on the eight-rack example: every pair, and seeded orders of all leaves."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
from unit.plugin_utils.healthy_cluster import Cluster

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify import departure
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.departure import Departure, missing, planned, snapshot

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
WIDE = json.loads((GOLDEN / "eight_racks/wide1/plan.json").read_text(encoding="utf-8"))
LEAVES = [leaf["id"] for leaf in WIDE["leaves"]]
PARTNER = {leaf: other for rack in WIDE["racks"] for leaf, other in itertools.permutations(rack["leaves"])}
NODES_OF = {leaf: rack["nodes"] for rack in WIDE["racks"] for leaf in rack["leaves"]}
HOME = {node: rack["leaves"] for rack in WIDE["racks"] for node in rack["nodes"]}
SERVICES = [prefix for role in ("service", "external_service") for prefix in WIDE["subnets"][role]["ipv4"]]


class Fabric:
    """The eight racks as sets: leaves that are down or out, sessions that are down, blocks that a leaf does not accept."""

    def __init__(self) -> None:
        self.down: set[int] = set()
        self.away: set[int] = set()
        self.broken: set[tuple[str, int]] = set()
        self.rejected: set[tuple[str, int]] = set()
        self.address = {node["name"]: node["networks"]["ipv4"]["address"].split("/")[0] for node in WIDE["nodes"]}
        self.block = {name: f"10.96.{number}.0/26" for number, name in enumerate(self.address)}

    def up(self, node: str, leaf: int) -> bool:
        return node in NODES_OF[leaf] and leaf not in self.down and (node, leaf) not in self.broken

    def holds(self, node: str, leaf: int) -> bool:
        return self.up(node, leaf) and (node, leaf) not in self.rejected

    def aci(self, remote: bool = True) -> dict[str, Any]:
        """Return the state that APIC would report, with or without the routes from other racks."""
        holders = {node: [leaf for leaf in HOME[node] if self.holds(node, leaf)] for node in self.address}
        return {"leaves": {str(leaf): self._leaf(leaf, holders, remote) for leaf in LEAVES if leaf not in self.down}}

    def _leaf(self, leaf: int, holders: dict[str, list[int]], remote: bool) -> dict[str, Any]:
        ours = [node for node in NODES_OF[leaf] if self.up(node, leaf)]
        states = {node: "established" if node in ours else "idle" for node in NODES_OF[leaf]}
        routes = {self.block[node]: self._hops(leaf, [node], holders) for node in (self.address if remote else NODES_OF[leaf])}
        routes |= dict.fromkeys(SERVICES, self._hops(leaf, list(self.address), holders))
        return {
            "up": True,
            "tep": f"10.0.0.{leaf}",
            "sessions": [
                {"address": self.address[node], "state": state, "families": {"ipv4": {"accepted": 3, "sent": 17}}}
                for node, state in states.items()
            ],
            "routes": {"ipv4": {prefix: hops for prefix, hops in routes.items() if hops}},
        }

    def _hops(self, leaf: int, nodes: list[str], holders: dict[str, list[int]]) -> list[dict[str, str]]:
        own = [{"address": self.address[node], "type": "ebgp"} for node in nodes if leaf in holders[node]]
        others = sorted({other for node in nodes for other in holders[node]})
        return own or [{"address": f"10.0.0.{other}", "type": "ibgp"} for other in others]

    def strands(self, leaf: int) -> bool:
        """Return whether a node or a block would be on no leaf that stays: the same question, answered from the sets."""
        stays = [other for other in LEAVES if other != leaf and other not in self.away]
        alone = [node for node in NODES_OF[leaf] if self.up(node, leaf) and not any(self.up(node, one) for one in stays)]
        return bool(alone) or any(
            self.holds(node, leaf) and not any(self.holds(node, one) for one in stays) for node in NODES_OF[leaf]
        )

    def asked(self, *leaves: int) -> list[str]:
        return [problem.problem for problem in Departure(WIDE, self.aci(remote=False), self.away).problems(leaves)]


@pytest.mark.parametrize("gone", ["away", "down"])
def test_after_one_leaf_each_other_may_go_but_its_partner(gone: str) -> None:
    """A leaf that was handed over is out, whether its sessions have ended already or not."""
    for first, second in itertools.permutations(LEAVES, 2):
        fabric = Fabric()
        assert not fabric.asked(first)
        getattr(fabric, gone).add(first)
        assert bool(fabric.asked(second)) == (PARTNER[first] == second), (first, second)


@pytest.mark.parametrize("seed", range(200))
def test_in_any_order_only_what_strands_something_is_refused(seed: int) -> None:
    """In half of the orders sessions and routes are missing from the beginning; leaves return now and then."""
    rng = random.Random(seed)
    fabric = Fabric()
    pairs = [(node, leaf) for leaf in LEAVES for node in NODES_OF[leaf]]
    if seed % 2:
        fabric.broken = set(rng.sample(pairs, 3))
        fabric.rejected = set(rng.sample(pairs, 3))
    refused = 0
    for leaf in rng.sample(LEAVES, len(LEAVES)):
        expected = fabric.strands(leaf)
        assert bool(fabric.asked(leaf)) == expected, (seed, leaf)
        refused += expected
        if not expected:
            fabric.away.add(leaf)
            fabric.down |= {leaf} if rng.random() < 0.5 else set()
        if fabric.away and rng.random() < 0.3:
            back = rng.choice(sorted(fabric.away))
            fabric.away.discard(back)
            fabric.down.discard(back)
    assert refused or seed % 2 == 0 or fabric.away


def test_odd_leaves_may_go_together_and_a_pair_may_not() -> None:
    fabric = Fabric()
    assert fabric.asked(*[leaf for leaf in LEAVES if leaf % 2]) == []
    assert fabric.asked(201, 202, 203) == ["wide1-node-11, wide1-node-12 would have no session left: it peers with no other leaf"]


def test_the_reason_is_named_once_for_all_nodes() -> None:
    fabric = Fabric()
    fabric.away = {202}
    fabric.broken = {("wide1-node-21", 204)}
    assert fabric.asked(201) == ["wide1-node-11, wide1-node-12 would have no session left: leaf 202 is out for maintenance"]
    assert fabric.asked(203) == ["wide1-node-21 would have no session left: its session with leaf 204 is idle"]
    assert fabric.asked(204) == []
    fabric.down = {206}
    assert "its session with leaf 206 is missing" in fabric.asked(205)[0]


def test_a_prefix_that_the_other_leaf_does_not_accept_keeps_the_leaf() -> None:
    fabric = Fabric()
    fabric.rejected = {("wide1-node-11", 202)}
    assert fabric.asked(201) == ["10.96.0.0/26 of wide1-node-11 would be on no leaf: no other leaf has it from a node"]
    assert fabric.asked(202) == []


def test_a_node_that_is_out_of_service_and_an_accepted_interruption_are_warnings() -> None:
    fabric = Fabric()
    fabric.broken = {("wide1-node-11", 202)}
    fabric.rejected = {("wide1-node-12", 202)}
    for idle, accepted in ((("wide1-node-11", "wide1-node-12"), False), ((), True)):
        problems = Departure(WIDE, fabric.aci(), (), idle).problems([201], accepted)
        assert [problem.severity for problem in problems] == ["warning", "warning"]
    assert Departure(WIDE, fabric.aci(), (), ("wide1-node-11",)).problems([201])[1].severity == "error"


def test_a_leaf_that_sends_no_routes_does_not_stand_in() -> None:
    cluster = Cluster()
    cluster.seen(202, "node-2")["families"]["ipv4"]["sent"] = 0
    (problem,) = Departure(cluster.plan, cluster.aci).problems([201])
    assert (problem.path, problem.problem) == ("leaf 201", "node-2 would have no session left: leaf 202 sends it no route")


def test_a_family_is_lost_by_itself() -> None:
    plan = json.loads((GOLDEN / "dual_stack_floating/dual1/plan.json").read_text(encoding="utf-8"))
    rack = plan["racks"][0]
    first, second = rack["leaves"]
    leaves: dict[str, Any] = {str(leaf): {"up": True, "tep": "", "sessions": [], "routes": {}} for leaf in rack["leaves"]}
    for node in (node for node in plan["nodes"] if node["name"] in rack["nodes"]):
        for peer in node["peers"]:
            address = node["networks"][peer["family"]]["address"].split("/")[0]
            up = (peer["leaf"], peer["family"], node["name"]) != (second, "ipv6", rack["nodes"][0])
            state = {"address": address, "state": "established" if up else "active", "families": {}}
            leaves[str(peer["leaf"])]["sessions"].append(state)
    (problem,) = Departure(plan, {"leaves": leaves}).problems([first])
    assert problem.problem.startswith(f"{rack['nodes'][0]} (IPv6) would have no session left")


def test_the_table_fits_into_80_columns() -> None:
    fabric = Fabric()
    fabric.away = {202}
    fabric.broken = {("wide1-node-31", 206)}
    asked = Departure(WIDE, fabric.aci(), fabric.away)
    lines = departure.as_table([asked.row(leaf) for leaf in (201, 202, 205)])
    assert [line.split() for line in lines[2:]] == [
        ["201", "1", "2/2", "no", "wide1-node-11,", "wide1-node-12"],
        ["202", "1", "2/2", "is", "out", "nobody"],
        ["205", "3", "2/2", "no", "wide1-node-31"],
    ]
    assert max(map(len, lines)) <= 80


# --- before and afterwards -------------------------------------------------------------------------------------------


def gone(before: dict[str, Any], fabric: Fabric, **options: Any) -> list[tuple[str, str]]:
    return [
        (problem.path, problem.problem.partition(": ")[2])
        for problem in missing(before, WIDE, fabric.aci(), list(fabric.block.values()), **options)
    ]


def test_nothing_is_missing_once_all_is_back() -> None:
    fabric = Fabric()
    fabric.broken = {("wide1-node-31", 206)}  # missing before is not missing since
    before = snapshot(WIDE, fabric.aci())
    fabric.down = {201}
    assert ("leaf 201", "wide1-node-11/201 (missing), wide1-node-12/201 (missing)") in gone(before, fabric)
    assert gone(before, fabric, absent=["leaf 201"]) == []
    fabric.down = set()
    assert gone(before, fabric) == []


def test_a_route_that_does_not_come_back_is_named_with_its_leaf() -> None:
    fabric = Fabric()
    before = snapshot(WIDE, fabric.aci())
    fabric.rejected = {("wide1-node-11", 201)}
    found = gone(before, fabric)
    assert ("leaf 203", "10.96.0.0/26 (1 of 2 next hops)") in found
    assert not gone(before, fabric, absent=["leaf 201"])
    fabric.rejected |= {("wide1-node-11", 202)}
    assert ("leaf 203", "10.96.0.0/26") in gone(before, fabric)
    assert not gone(before, fabric, absent=["wide1-node-11"]), "the node is out for maintenance"
    del fabric.block["wide1-node-11"]
    assert not [text for __, text in missing_blocks(before, fabric) if "10.96.0.0/26" in text], "its block has gone with its pods"


def missing_blocks(before: dict[str, Any], fabric: Fabric) -> list[tuple[str, str]]:
    aci = Fabric().aci()
    for leaf in aci["leaves"].values():
        del leaf["routes"]["ipv4"]["10.96.0.0/26"]
    return [(one.path, one.problem) for one in missing(before, WIDE, aci, list(fabric.block.values()))]


def test_without_a_snapshot_the_planned_sessions_count() -> None:
    fabric = Fabric()
    fabric.down = {201}
    before = planned(WIDE, (), [201])
    assert gone(before, fabric) == [("leaf 201", "wide1-node-11/201 (missing), wide1-node-12/201 (missing)")]
    assert gone(planned(WIDE, ["wide1-node-21"], ()), fabric, only=["wide1-node-21"]) == []
