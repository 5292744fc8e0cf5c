"""Which kind of SVI suits a cluster, how much room its limits leave, and how many routes it brings."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, plan_of, racks, rules

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.plan import plan_document, svi_advice
from ansible_collections.netops.aci_calico.plugins.plugin_utils.intent.limits import LPM_OF_PROFILE

AUTO = {"svi": "auto", "vlan": "300-363"}
FOUR = racks(["a"], ["b"], ["c"], ["d"])
VM = {"node_kind": "vm", "vm_mobility": True}
SUBNETS = {"node_subnets": ["192.168.2.0/24", "192.168.4.0/24"]}


def advice(base: dict[str, Any] = FLOATING, options: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The advice in the plan of the example with these changes."""
    return plan_of(base, options, **changes)["svi"]["advice"]


def criteria(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows by what they judge."""
    return {row["criterion"]: row for row in found["criteria"]}


def test_floating_is_advised_where_it_fits():
    found = advice()
    assert found["recommended"] == "floating"
    assert "4 of 6 anchor leaves of an L3Out" in found["reasons"]
    rows = criteria(found)
    assert rows["racks"]["floating"] == "one L3Out, 4 of 6 leaves; room for 1 more racks of two"
    assert rows["racks"]["standard"] == "one L3Out, 4 of 12 leaves; room for 4 more racks of two"
    assert rows["node subnets"]["standard"] == "6 of /29, and 6 VLANs"
    assert rows["static paths"]["better"] == "floating"
    assert rows["floating addresses of the fabric"]["floating"].startswith("1 of 200")
    assert all("Table 1" in row["source"] for row in rows.values())


@pytest.mark.parametrize("base", [FLOATING, STANDARD])
def test_the_advice_does_not_depend_on_what_was_asked_for(base):
    assert advice(base)["recommended"] == "floating"
    assert criteria(advice(base)) == criteria(advice())


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"racks": FOUR}, "standard", "8 anchor leaves"),
        ({"apic_version": "4.2(7)"}, "standard", "APIC 4.2(7)"),
        (SUBNETS, "standard", "several ipv4 node subnets"),
        ({"limits": {"floating-addresses": 0}}, "standard", "1 floating SVI addresses"),
        ({"racks": FOUR, **VM, **SUBNETS}, "floating", "virtual machines move"),
        ({"racks": FOUR, "node_kind": "vm"}, "standard", "8 anchor leaves"),
    ],
)
def test_the_kind_follows_from_what_the_cluster_is(changes, kind, reason):
    plan = plan_of(FLOATING, **AUTO, **changes)
    assert plan["svi"]["kind"] == plan["svi"]["advice"]["recommended"] == kind
    assert any(text.startswith(reason) for text in plan["svi"]["reasons"])


def test_what_floating_costs_beyond_one_l3out_is_said():
    rows = criteria(advice(FLOATING, racks=FOUR, vlan="300-301", **SUBNETS))
    assert rows["racks"]["floating"] == "2 L3Outs of at most 6 leaves"
    assert rows["racks"]["better"] == "standard"
    assert rows["node subnets"]["floating"] == "2 and as many VLANs"
    assert rows["floating addresses of the fabric"]["floating"].startswith("2 of 200")


def test_other_clusters_take_floating_addresses_too():
    both = {"neighbours": {"other": dual_stack(FLOATING) | {"aci_calico_cluster_name": "other"}}}
    outcome = compiled(FLOATING, both)
    assert "limit-floating-addresses" not in rules(outcome)
    several = {"neighbours": {"other": dual_stack(FLOATING) | {"aci_calico_cluster_name": "other"}}}
    assert "limit-floating-addresses" in rules(compiled(FLOATING, several, limits={"floating-addresses": 2}))


def test_it_reads_well():
    text = svi_advice(plan_of(STANDARD))
    assert text.startswith(
        "Floating SVI suits cluster prod1, and it has standard SVI: aci_calico_svi asks for standard."
    )
    assert "border-leaves" in text
    assert "12 pod blocks" in text
    document = plan_document(plan_of(FLOATING, non_anchor_leaves=[101]))
    assert "## Choosing the SVI" in document
    assert "Nodes may also be behind leaves 101" in document


# --- non-anchor leaves -------------------------------------------------------------------------------------------------


def test_non_anchor_leaves_are_counted_against_both_of_the_papers_limits():
    plan = plan_of(FLOATING, non_anchor_leaves=[103, 101])
    assert plan["non_anchor_leaves"] == [101, 103]
    values = {limit["id"]: (limit["value"], limit["limit"]) for limit in plan["limits"]}
    assert (values["non-anchor-leaves"], values["non-anchor-leaves-text"]) == ((2, 32), (2, 2))
    sources = {limit["id"]: limit["source"] for limit in plan["limits"]}
    assert "Table 1" in sources["non-anchor-leaves"]
    assert "contradicts" in sources["non-anchor-leaves-text"]


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


# --- routes --------------------------------------------------------------------------------------------------------------


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


def test_the_profile_for_ipv4_has_no_room_for_ipv6():
    assert set(rules(compiled(dual_stack(FLOATING), forwarding_profile="ipv4"))) == {"profile-without-ipv6"}
