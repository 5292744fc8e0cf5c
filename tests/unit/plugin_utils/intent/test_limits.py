"""The use of limits, and problems beyond them."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import (
    FLOATING,
    STANDARD,
    assert_named,
    broken,
    case,
    compiled,
    dual_stack,
    one_rack,
    plan_of,
    racks,
    rules,
    variables,
)

from ansible_collections.netops.aci_calico.plugins.plugin_utils.intent.limits import LPM_OF_PROFILE, differing_limits

BROKEN = [
    case("wrong-type", "limits", limits=[1]),
    case("wrong-type", "limits.anchor-leaves", limits={"anchor-leaves": "many"}),
    case("unknown-limit", "limits.anchor-leafs", limits={"anchor-leafs": 8}),
    case("limit-anchor-leaves", "racks", **one_rack(), limits={"anchor-leaves": 1}),
    case("limit-border-leaves", "racks", STANDARD, **one_rack(), limits={"border-leaves": 1}),
    case("limit-floating-addresses", "racks", limits={"floating-addresses": 0}),
    case("limit-bgp-sessions", "racks", limits={"bgp-sessions": 2}),
    case("limit-ecmp-paths", "racks", limits={"ecmp-paths": 5}),
    case("limit-lpm-routes", "racks", limits={"lpm-routes": 14}),
    case("limit-lpm-routes-maximum", "racks", limits={"lpm-routes-maximum": 14}),
    case("limit-l3outs", "racks", limits={"l3outs": 0}),
    case("limit-external-epgs", "racks", limits={"external-epgs": 0}),
    case("limit-external-epgs-of-fabric", "racks", limits={"external-epgs-of-fabric": 0}),
]
WARNINGS = {"limit-ecmp-paths", "limit-lpm-routes"}


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes, WARNINGS)


def sessions(**changes: Any) -> tuple[int, int, str]:
    """Return value, limit and release of the sessions of a leaf."""
    found = next(limit for limit in plan_of(**changes)["limits"] if limit["id"] == "bgp-sessions")
    return found["value"], found["limit"], found["release"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (None, (400, "5.2")),
        ("5.2(3)", (400, "5.2")),
        ("6.0(9c)", (400, "5.2")),
        ("6.1(1)", (400, "5.2")),
        ("6.1(2)", (2000, "6.1(2)")),
        ("6.2", (2000, "6.1(2)")),
    ],
)
def test_the_release_chooses_the_limit(version, expected):
    assert sessions(apic_version=version)[1:] == expected
    assert sessions(apic_version=version, limits={"bgp-sessions": 50})[1] == 50


def limits_of(**changes: Any) -> dict[str, tuple[int, int | None, str]]:
    """Return value, limit and release of each limit."""
    return {limit["id"]: (limit["value"], limit["limit"], limit["release"]) for limit in plan_of(**changes)["limits"]}


def test_no_limit_is_given_where_no_source_gives_one():
    old = limits_of(apic_version="4.2(7f)", svi="standard", vlan="300-310", node_subnets=["10.9.0.0/24"])
    assert {(limit, release) for _value, limit, release in old.values()} == {(None, "4.2(7f)")}
    assert limits_of(limits={"l3outs": 3})["l3outs"] == (1, 3, "5.2")
    many = racks(*([f"n{number}"] for number in range(8)))
    standard = {"svi": "standard", "vlan": "300-310", "node_subnets": ["10.9.0.0/24"], "racks": many}
    assert [len(plan_of(**standard, apic_version=version)["l3outs"]) for version in ("4.2", "5.2")] == [1, 2]


def test_external_epgs_and_l3outs_are_counted():
    other = variables(cluster_name="b", cluster_asn=65009, l3out="b", vlan=400, vrf="b", racks=racks(["x", "y"]))
    segments = [{"name": "web", "subnets": ["10.1.8.0/24"]}]
    found = limits_of(apic_version="6.1(2)", microsegments=segments, options={"neighbours": {"b": other}})
    assert [found[name][:2] for name in ("l3outs", "external-epgs", "external-epgs-of-fabric")] == [(2, None), (2, 250), (3, 600)]
    assert limits_of()["external-epgs"] == (1, None, "5.2")


@pytest.mark.parametrize(
    ("planned", "running", "expected"),
    [
        ({}, "6.0(9c)", []),
        ({"apic_version": "6.1(2)"}, "6.1(3g)", []),
        ({"limits": {"bgp-sessions": 500, "external-epgs": 9, "external-epgs-of-fabric": 9}}, "6.1(2)", []),
        ({"apic_version": "6.1(2)"}, "5.2(8h)", ["bgp-sessions 400 (the plan: 2000; taken: 3)"]),
        ({}, "4.2(7f)", ["none is known for it"]),
    ],
)
def test_limits_of_another_release_differ(planned, running, expected):
    assert differing_limits(plan_of(**planned)["limits"], running)[: max(1, len(expected))] == expected


def test_sessions_of_a_leaf_count_the_other_clusters_on_it():
    other = variables(cluster_name="b", cluster_asn=65009, l3out="b", vlan=400, vrf="b", racks=racks(["x", "y"]))
    own = sessions()[0]
    assert sessions(options={"neighbours": {"b": other}})[0] == own + 2
    elsewhere = variables(other, racks=[{"id": 1, "leaves": [301, 302], "nodes": ["x", "y"]}])
    assert sessions(options={"neighbours": {"b": elsewhere}})[0] == own


def test_limits_can_be_raised():
    assert compiled(racks=racks(["a"], ["b"], ["c"], ["d"]), limits={"anchor-leaves": 8}).plan


def test_non_anchor_leaves_are_counted_against_both_of_the_papers_limits():
    plan = plan_of(FLOATING, non_anchor_leaves=[103, 101])
    assert plan["non_anchor_leaves"] == [101, 103]
    values = {limit["id"]: (limit["value"], limit["limit"]) for limit in plan["limits"]}
    assert (values["non-anchor-leaves"], values["non-anchor-leaves-text"]) == ((2, 32), (2, 2))
    sources = {limit["id"]: limit["source"] for limit in plan["limits"]}
    assert "Table 1" in sources["non-anchor-leaves"]
    assert "contradicts" in sources["non-anchor-leaves-text"]


def estimate(base: dict[str, Any] = FLOATING, **changes: Any) -> dict[str, dict[str, int]]:
    """The estimate of routes in the plan of the example with these changes."""
    return plan_of(base, **changes)["routes"]["estimate"]


def test_routes_are_blocks_services_and_subnets():
    assert estimate()["ipv4"] == {"subnets": 3, "services": 0, "blocks": 12, "hosts": 0, "total": 15}
    assert estimate(pods_per_node=64)["ipv4"]["blocks"] == 6
    assert estimate(block_size=24)["ipv4"]["blocks"] == 6
    assert estimate(exposed_services=40)["ipv4"]["total"] == 55


def test_each_family_has_routes_of_its_own():
    found = estimate(dual_stack(FLOATING))
    assert (found["ipv4"]["total"], found["ipv6"]["total"]) == (15, 14)
    limits = {limit["id"]: limit["value"] for limit in plan_of(dual_stack(FLOATING))["limits"]}
    assert limits["lpm-routes"] == 29


def test_pods_without_a_block_are_routes_by_themselves():
    found = estimate(pod_subnets=["10.1.0.0/23"])["ipv4"]
    assert (found["blocks"], found["hosts"]) == (8, 256)


@pytest.mark.parametrize(("profile", "entries"), LPM_OF_PROFILE.items())
def test_the_profile_says_how_many_routes_a_leaf_holds(profile, entries):
    plan = plan_of(FLOATING, forwarding_profile=profile)
    (limit,) = (limit for limit in plan["limits"] if limit["id"] == "lpm-routes")
    assert (limit["limit"], plan["routes"]["profile"]) == (entries, profile)
    assert 20000 <= entries <= 128000


def test_more_routes_than_the_profile_holds_are_a_warning_and_more_than_any_an_error():
    assert set(rules(compiled(FLOATING, exposed_services=25000))) == {"limit-lpm-routes"}
    assert not rules(compiled(FLOATING, exposed_services=25000, forwarding_profile="high_lpm"))
    beyond = compiled(FLOATING, exposed_services=70000, pods_per_node=10000, block_size=32, pod_subnets=["10.0.0.0/15"])
    assert {"limit-lpm-routes", "limit-lpm-routes-maximum"} <= set(rules(beyond))
