"""Subnets and addresses in the plan."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import STANDARD, dual_stack, plan_of


def test_side_a_is_the_leaf_with_the_lower_id():
    one, other = (plan_of(STANDARD, racks=[{"id": 1, "leaves": ids, "nodes": ["a"]}]) for ids in ([201, 202], [202, 201]))
    assert one == other
    assert [(leaf["id"], leaf["side"]) for leaf in one["leaves"]] == [(201, "A"), (202, "B")]


def test_a_node_behind_one_leaf_has_no_leaf_b():
    [node] = plan_of(STANDARD, racks=[{"id": 1, "leaves": [201], "nodes": ["a"]}])["nodes"]
    assert node["networks"]["ipv4"]["leaf_b"] is None
    assert [peer["leaf"] for peer in node["peers"]] == [201]


def test_a_125_is_laid_out_as_a_29_is():
    plan = plan_of(dual_stack(STANDARD), ipv6_node_prefix_length=125)
    network = plan["nodes"][0]["networks"]["ipv6"]
    assert (network["address"], network["leaf_a"], network["secondary"]) == (
        "fd00:192:168::1/125",
        "fd00:192:168::4/125",
        "fd00:192:168::6/125",
    )
