"""Racks, leaves, nodes and router IDs that are refused."""

from __future__ import annotations

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, assert_named, broken, case, compiled, one_rack, racks, rules

BROKEN = [
    case(
        "rack-twice",
        "racks[1].id",
        racks=[{"id": 1, "leaves": [201, 202], "nodes": ["a"]}, {"id": "1", "leaves": [203, 204], "nodes": ["b"]}],
    ),
    case("rack-without-leaves", "racks[0].leaves", **one_rack(leaves=[])),
    case("rack-with-one-leaf", "racks[0].leaves", **one_rack(leaves=[201])),
    case("rack-with-too-many-leaves", "racks[0].leaves", **one_rack(leaves=[201, 202, 203])),
    case("rack-without-nodes", "racks[0].nodes", **one_rack(nodes=[])),
    case(
        "leaf-twice",
        "racks[1].leaves[0]",
        racks=[{"id": 1, "leaves": [201, 202], "nodes": ["a"]}, {"id": 2, "leaves": [202, 203], "nodes": ["b"]}],
    ),
    case("node-twice", "racks[1].nodes[0]", racks=racks(["a"], ["a"])),
    case("unknown-spare", "racks[0].nodes[0].spare", STANDARD, **one_rack(nodes=[{"name": "a", "spare": "slot-9"}])),
    case("unknown-rack", "spare_nodes[0].rack", STANDARD, spare_nodes=[{"name": "slot-1", "rack": 9}]),
    case("spare-with-floating-svi", "spare_nodes", spare_nodes=[{"name": "slot-1", "rack": 1}]),
    case(
        "spare-differs",
        "racks[0].nodes[0]",
        STANDARD,
        spare_nodes=[{"name": "slot-1", "rack": 1}],
        **one_rack(nodes=[{"name": "a", "spare": "slot-1", "vlan": 301}]),
    ),
    case(
        "spare-twice",
        "racks[0].nodes[1]",
        STANDARD,
        spare_nodes=[{"name": "slot-1", "rack": 1}],
        **one_rack(nodes=[{"name": "a", "spare": "slot-1"}, {"name": "b", "spare": "slot-1"}]),
    ),
    case("router-id-repeats", "racks[0].leaves[1]", **one_rack(leaves=[201, {"id": 202, "router_id": "1.1.4.201"}])),
    case("router-id-out-of-range", "router_id_base", router_id_base="223.255.255.255"),
    case("unknown-renumber", "renumber[0]", renumber=["node-9"]),
]
WARNINGS = {"rack-with-one-leaf", "rack-without-nodes"}


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes, WARNINGS)


@pytest.mark.parametrize(
    ("wanted", "base", "changes"),
    [
        ({"non-anchor-detour"}, FLOATING, {"non_anchor_leaves": [101]}),
        ({"non-anchor-detour", "limit-non-anchor-leaves-text"}, FLOATING, {"non_anchor_leaves": [101, 102, 103]}),
        (
            {"non-anchor-detour", "limit-non-anchor-leaves-text", "limit-non-anchor-leaves"},
            FLOATING,
            {"non_anchor_leaves": list(range(101, 134))},
        ),
        ({"non-anchor-detour", "non-anchor-is-anchor"}, FLOATING, {"non_anchor_leaves": [201]}),
        ({"non-anchor-detour", "non-anchor-twice"}, FLOATING, {"non_anchor_leaves": [101, 101]}),
        ({"non-anchor-with-standard-svi"}, STANDARD, {"non_anchor_leaves": [101]}),
        ({"out-of-range"}, STANDARD, {"non_anchor_leaves": [1]}),
    ],
)
def test_non_anchor_leaves_are_judged(wanted, base, changes):
    assert set(rules(compiled(base, **changes))) == wanted
