"""AS numbers, timers, limits and profiles that are refused."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import FLOATING, assert_named, broken, case, compiled, dual_stack, rules

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
]
WARNINGS = {"asn-beyond-calico", "prefix-limit-too-small"}


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes, WARNINGS)


def test_the_profile_for_ipv4_has_no_room_for_ipv6():
    assert set(rules(compiled(dual_stack(FLOATING), forwarding_profile="ipv4"))) == {"profile-without-ipv6"}
