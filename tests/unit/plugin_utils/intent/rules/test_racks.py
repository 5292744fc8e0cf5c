"""Racks, leaves, nodes and router IDs that are refused."""

from __future__ import annotations

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, assert_named, broken, compiled, one_rack, racks, rules

RACKS = "aci_calico_racks"
BROKEN = [
    (
        "rack-twice",
        f"{RACKS}[1].id",
        FLOATING,
        {"racks": [{"id": 1, "leaves": [201, 202], "nodes": ["a"]}, {"id": "1", "leaves": [203, 204], "nodes": ["b"]}]},
    ),
    ("rack-without-leaves", f"{RACKS}[0].leaves", FLOATING, one_rack(leaves=[])),
    ("rack-with-one-leaf", f"{RACKS}[0].leaves", FLOATING, one_rack(leaves=[201])),
    ("rack-with-too-many-leaves", f"{RACKS}[0].leaves", FLOATING, one_rack(leaves=[201, 202, 203])),
    ("rack-without-nodes", f"{RACKS}[0].nodes", FLOATING, one_rack(nodes=[])),
    (
        "leaf-twice",
        f"{RACKS}[1].leaves[0]",
        FLOATING,
        {"racks": [{"id": 1, "leaves": [201, 202], "nodes": ["a"]}, {"id": 2, "leaves": [202, 203], "nodes": ["b"]}]},
    ),
    ("node-twice", f"{RACKS}[1].nodes[0]", FLOATING, {"racks": racks(["a"], ["a"])}),
    (
        "router-id-repeats",
        f"{RACKS}[0].leaves[1]",
        FLOATING,
        one_rack(leaves=[201, {"id": 202, "router_id": "1.1.4.201"}]),
    ),
    ("router-id-out-of-range", "aci_calico_router_id_base", FLOATING, {"router_id_base": "223.255.255.255"}),
    ("unknown-renumber", "aci_calico_renumber[0]", FLOATING, {"renumber": ["node-9"]}),
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
