"""AS numbers, timers, limits and profiles that are refused."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import FLOATING, assert_named, broken, compiled, dual_stack, rules

BROKEN = [
    ("asn-equal", "aci_calico_cluster_asn", FLOATING, {"cluster_asn": 65002}),
    ("asn-reserved", "aci_calico_cluster_asn", FLOATING, {"cluster_asn": 65535}),
    ("asn-beyond-calico", "aci_calico_cluster_asn", FLOATING, {"cluster_asn": 4200000000}),
    ("hold-time", "aci_calico_bgp_hold", FLOATING, {"bgp_hold": 2}),
    ("keepalive-too-long", "aci_calico_bgp_keepalive", FLOATING, {"bgp_keepalive": 2}),
    ("prefix-limit-too-small", "aci_calico_bgp_prefix_limit", FLOATING, {"bgp_prefix_limit": 10}),
    ("mtu-too-small-for-ipv6", "aci_calico_mtu", dual_stack(FLOATING), {"mtu": 1200}),
    ("physical-domain-missing", "aci_calico_physical_domain", FLOATING, {"physical_domain": None}),
    ("apic-too-old", "aci_calico_apic_version", FLOATING, {"apic_version": "4.2(7)"}),
]
WARNINGS = {"asn-beyond-calico", "prefix-limit-too-small"}


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes, WARNINGS)


def test_the_profile_for_ipv4_has_no_room_for_ipv6():
    assert set(rules(compiled(dual_stack(FLOATING), forwarding_profile="ipv4"))) == {"profile-without-ipv6"}
