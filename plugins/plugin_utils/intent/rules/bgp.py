# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for AS numbers, BGP timers and limits, MTU, forwarding profile and the needs of floating SVI."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema.option import CENTRAL
from ...schema.problems import Problem, some
from ..intent import Intent
from ..limits import cluster_routes, has_next_hop_propagation, own_routes, supports_floating

# AS numbers that no network may use, and why (RFC 7607, RFC 6793, RFC 7300).
RESERVED_ASNS = {
    23456: "stands for a four-byte AS number (RFC 6793)",
    65535: "is reserved (RFC 7300)",
    4294967295: "is reserved (RFC 7300)",
}
# The smallest MTU for IPv6 (RFC 8200).
IPV6_MTU = 1280


def as_numbers(intent: Intent) -> Iterator[Problem]:
    """Check that fabric and cluster have usable, different AS numbers."""
    for name in ("fabric_asn", "cluster_asn"):
        path, asn = f"aci_calico_{name}", intent[name]
        if asn in RESERVED_ASNS:
            yield Problem("asn-reserved", path, f"AS {asn} {RESERVED_ASNS[asn]}")
        elif asn is not None and asn >= 2**31:
            yield Problem(
                "asn-beyond-calico", path, f"AS {asn}: the schemas of many Calico releases refuse AS numbers from 2147483648 on"
            )
    if intent["fabric_asn"] is not None and intent["fabric_asn"] == intent["cluster_asn"]:
        yield Problem(
            "asn-equal",
            "aci_calico_cluster_asn",
            f"Fabric and cluster both have AS {intent['cluster_asn']}, but the sessions between them are eBGP",
        )


def timers(intent: Intent) -> Iterator[Problem]:
    """Check that hold time and keepalive interval fit."""
    keepalive, hold = intent["bgp_keepalive"], intent["bgp_hold"]
    if hold in (1, 2):
        yield Problem("hold-time", "aci_calico_bgp_hold", f"BGP does not allow a hold time of {hold} s")
    elif hold and keepalive is not None and keepalive * 3 > hold:
        yield Problem(
            "keepalive-too-long",
            "aci_calico_bgp_keepalive",
            f"With a keepalive every {keepalive} s, one lost keepalive exceeds the hold time of {hold} s",
        )


def prefix_limit(intent: Intent) -> Iterator[Problem]:
    """Check that a prefix limit allows what nodes send: their own routes, and those learned from the other leaf."""
    limit = intent["bgp_prefix_limit"]
    if limit is None:
        return
    count = own_routes if intent["bgp_filter"] else cluster_routes
    for family in intent.families:
        expected = count(intent, family)
        if limit < expected:
            yield Problem(
                "prefix-limit-too-small",
                "aci_calico_bgp_prefix_limit",
                f"A node is expected to send about {expected} {family} prefixes, including those learned from its other leaf;"
                f" the limit is {limit}",
            )


def mtu(intent: Intent) -> Iterator[Problem]:
    """Check that the MTU is large enough for IPv6."""
    if "ipv6" in intent.families and intent["mtu"] is not None and intent["mtu"] < IPV6_MTU:
        yield Problem("mtu-too-small-for-ipv6", "aci_calico_mtu", f"IPv6 does not work with an MTU of {intent['mtu']}")


def forwarding_profile(intent: Intent) -> Iterator[Problem]:
    """Check that the forwarding profile has room for IPv6 if the cluster has IPv6."""
    if intent["forwarding_profile"] == "ipv4" and "ipv6" in intent.families:
        yield Problem(
            "profile-without-ipv6",
            "aci_calico_forwarding_profile",
            "The forwarding scale profile ipv4 has no room for IPv6 routes, and the cluster has IPv6",
        )


def floating_needs(intent: Intent) -> Iterator[Problem]:
    """Check that a floating SVI has a physical domain, and that the release supports it."""
    if intent.kind != "floating":
        return
    if "aci_calico_physical_domain" in intent.values and not intent["physical_domain"]:
        yield Problem(
            "physical-domain-missing",
            "aci_calico_physical_domain",
            "Floating SVI needs a physical domain for its VLAN, and none is set",
        )
    if not supports_floating(intent):
        yield Problem(
            "apic-too-old", "aci_calico_apic_version", f"APIC {intent['apic_version']} has no floating SVI on physical domains"
        )


def optimal_forwarding(intent: Intent) -> Iterator[Problem]:
    """Check that central peering and next-hop propagation have floating SVI, and propagation a release and one ACI pod.

    Source: Cisco, "Floating L3Out Consideration and Restrictions": physical domains only, within a VRF, not across ACI pods.
    """
    release, propagates = intent["apic_version"], bool(intent["next_hop_propagation"])
    wanted = {"peering": intent["peering"] == CENTRAL, "next_hop_propagation": propagates}
    for name in wanted if intent.kind == "standard" else ():
        if wanted[name]:
            what = "Standard SVI has the gateway of a node on the leaves of its rack only, and the node peers with these"
            yield Problem("forwarding-needs-floating", f"aci_calico_{name}", what)
    if not propagates or intent.kind == "standard":
        return
    path = "aci_calico_next_hop_propagation"
    if release and not has_next_hop_propagation(release):
        yield Problem("next-hop-release", path, f"APIC {release} cannot ignore the IGP metric, which 6.1(2) and newer can")
    pods = sorted({rack.pod for rack in intent.places})
    if len(pods) > 1:
        yield Problem("next-hop-across-pods", path, f"The racks are in ACI pods {some(pods)}")
    leaking = [scope for scope in intent["external_epg_scopes"] or () if str(scope).startswith("shared-")]
    if leaking:
        what = f"The cluster's subnets are leaked ({some(leaking)}), and traffic of other VRFs still takes the detour"
        yield Problem("next-hop-leaked", path, what)
