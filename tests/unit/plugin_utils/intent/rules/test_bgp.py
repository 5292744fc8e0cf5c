"""AS numbers, timers, limits and profiles that are refused."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import FLOATING, STANDARD, assert_named, broken, case, compiled, dual_stack, racks, rules

BROKEN = [
    case("asn-equal", "cluster_asn", cluster_asn=65002),
    case("asn-reserved", "cluster_asn", cluster_asn=65535),
    case("asn-beyond-calico", "cluster_asn", cluster_asn=4200000000),
    case("hold-time", "bgp_hold", bgp_hold=2),
    case("keepalive-too-long", "bgp_keepalive", bgp_keepalive=2),
    case("prefix-limit-too-small", "bgp_prefix_limit", bgp_prefix_limit=10),
    case("mtu-too-small-for-ipv6", "mtu", dual_stack(FLOATING), mtu=1200),
    case("physical-domain-missing", "physical_domain", physical_domain=None),
    case("apic-too-old", "apic_version", apic_version="4.2(7)"),
    case("forwarding-needs-floating", "next_hop_propagation", STANDARD, next_hop_propagation=True),
    case("forwarding-needs-floating", "peering", STANDARD, peering="central"),
    case("next-hop-release", "next_hop_propagation", apic_version="6.1(1f)", next_hop_propagation=True),
    case(
        "next-hop-across-pods",
        "next_hop_propagation",
        next_hop_propagation=True,
        racks=[{**one, "pod": one["id"]} for one in racks(["a"], ["b"])],
    ),
    case(
        "next-hop-leaked",
        "next_hop_propagation",
        next_hop_propagation=True,
        external_epg_scopes=["import-security", "shared-security", "shared-rtctrl"],
    ),
]
WARNINGS = {"asn-beyond-calico", "prefix-limit-too-small", "next-hop-leaked"}


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes, WARNINGS)


def test_the_profile_for_ipv4_has_no_room_for_ipv6():
    assert set(rules(compiled(dual_stack(FLOATING), forwarding_profile="ipv4"))) == {"profile-without-ipv6"}


def test_next_hops_are_propagated_from_6_1_2_on_and_then_there_is_no_detour():
    for release in (None, "6.1(2)", "6.1(3b)", "6.2(1g)"):
        assert rules(compiled(apic_version=release, next_hop_propagation=True, non_anchor_leaves=[101])) == {}


def test_central_peering_takes_the_detour_unless_next_hops_are_propagated():
    assert rules(compiled(peering="central")) == {"non-anchor-detour": ["aci_calico_peering"]}
    assert rules(compiled(peering="central", next_hop_propagation=True)) == {}
    alone = racks([], ["a"])
    assert rules(compiled(peering="central", next_hop_propagation=True, racks=alone)) == {}, "anchors need no node of their own"


def test_racks_without_anchors_are_checked_like_others():
    twice = [{"id": 1, "leaves": [201, 202], "nodes": ["a"]}, {"id": 2, "leaves": [202], "nodes": ["a"]}]
    found = rules(compiled(peering="central", next_hop_propagation=True, racks=twice))
    assert set(found) == {"leaf-twice", "node-twice", "rack-with-one-leaf"}
