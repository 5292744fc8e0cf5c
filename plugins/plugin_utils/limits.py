# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scale limits as data, and how much of each a cluster takes.

The values are those of ACI 5.2; newer releases raise some of them: ``aci_calico_limits`` overrides any by its id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .faults import ERROR, WARNING, Fault, did_you_mean, error, shown
from .intent import SUBNET_ROLES, Intent, Rack

# What a node is taken to run, to estimate its pod blocks: the kubelet's own default limit.
PODS_PER_NODE = 110
RELEASE = "5.2"
PAPER = "ACI Calico Design White Paper"


@dataclass(frozen=True)
class Limit:
    """One limit.

    :param value: the highest amount allowed.
    :param kinds: the kinds of SVI that it concerns.
    :param severity: of the fault beyond it; None: shown in the plan, never a fault (another limit implies it).
    :param remedy: what to do beyond it.
    """

    id: str
    value: int
    unit: str
    kinds: tuple[str, ...]
    severity: str | None
    source: str
    remedy: str = ""
    release: str = RELEASE


BOTH = ("floating", "standard")
# The limit that says how many leaves an L3Out holds, by kind of SVI: beyond it racks are spread over several (``spread``).
LEAVES_OF_L3OUT = {"floating": "anchor-leaves", "standard": "border-leaves"}
_MORE_L3OUTS = (
    "Racks are spread over several L3Outs, but none is divided: keep those that are recorded together within the limit, or"
    " raise it in aci_calico_limits where the release allows more."
)

LIMITS: dict[str, Limit] = {
    limit.id: limit
    for limit in (
        Limit(
            "anchor-leaves",
            6,
            "anchor leaves of an L3Out",
            ("floating",),
            ERROR,
            f"{PAPER}, Table 1 and 'Nodes per cluster'",
            _MORE_L3OUTS,
        ),
        Limit(
            "border-leaves",
            12,
            "border leaves of an L3Out",
            ("standard",),
            ERROR,
            f"{PAPER}, Table 1 and 'Nodes per cluster'",
            _MORE_L3OUTS,
        ),
        Limit("racks-floating", 3, "racks of two anchor leaves", ("floating",), None, f"{PAPER}, Table 1"),
        Limit("racks-standard", 6, "racks of two border leaves", ("standard",), None, f"{PAPER}, Table 1"),
        Limit("non-anchor-leaves", 32, "non-anchor leaves of an L3Out", ("floating",), None, f"{PAPER}, Table 1"),
        Limit(
            "non-anchor-leaves-text",
            2,
            "non-anchor leaves of an L3Out",
            ("floating",),
            None,
            f"{PAPER}, 'Nodes per cluster' (contradicts its Table 1)",
        ),
        Limit(
            "floating-addresses",
            200,
            "floating SVI addresses of a fabric",
            ("floating",),
            ERROR,
            f"{PAPER}, Table 1 (dual stack takes two)",
            "Use standard SVI for some of the clusters (aci_calico_svi: standard).",
        ),
        Limit(
            "ecmp-paths",
            64,
            "equal paths to a service",
            BOTH,
            WARNING,
            f"{PAPER}, 'Max BGP ECMP path'",
            "A service on more nodes than that is spread over that many of them: let exposed services run on fewer nodes"
            " (externalTrafficPolicy: Local).",
        ),
        Limit(
            "bgp-sessions",
            400,
            "BGP sessions of a leaf",
            BOTH,
            ERROR,
            "Verified Scalability Guide for Cisco APIC 5.2, BGP neighbours of a leaf",
            "Spread the nodes over more racks.",
        ),
        Limit(
            "lpm-routes",
            20000,
            "routes (estimate) of a leaf with the smallest scale profile",
            BOTH,
            WARNING,
            f"{PAPER}, 'Longest prefix match scale'",
            "Choose a forwarding scale profile with more LPM entries, or larger pod blocks (aci_calico_block_size).",
        ),
        Limit(
            "lpm-routes-maximum",
            128000,
            "routes (estimate) of a leaf with the largest scale profile",
            BOTH,
            ERROR,
            f"{PAPER}, 'Longest prefix match scale'",
            "Use larger pod blocks (aci_calico_block_size) or fewer nodes.",
        ),
    )
}


def own_routes(intent: Intent, family: str) -> int:
    """How many prefixes of a family a node has of its own to announce: pod blocks, service and node subnets."""
    variable = "block_size" if family == "ipv4" else "ipv6_block_size"
    bits = (32 if family == "ipv4" else 128) - (intent[variable] or 26)
    blocks = -(-PODS_PER_NODE // 2**bits)
    return blocks + sum(len(intent.networks(role, family)) for role in SUBNET_ROLES if role != "pod")


def cluster_routes(intent: Intent, family: str) -> int:
    """How many prefixes of a family the whole cluster announces, those that all nodes share counted once."""
    shared = sum(len(intent.networks(role, family)) for role in SUBNET_ROLES if role != "pod")
    return shared + len(intent.nodes) * (own_routes(intent, family) - shared)


def usage(intent: Intent, kind: str, others: Iterable[Intent] = ()) -> dict[str, int]:
    """How much of each limit the cluster takes: ``{limit id: amount}``; of what an L3Out has, the fullest one.

    :param others: the fabric's other clusters with floating SVI.
    """
    groups = _racks_by_l3out(intent)
    leaves = max((sum(len(rack.leaves) for rack in racks) for racks in groups), default=0)
    pairs = max((sum(len(rack.leaves) >= 2 for rack in racks) for racks in groups), default=0)
    families = len(intent.families)
    routes = sum(cluster_routes(intent, family) for family in intent.families)
    return {
        "anchor-leaves": leaves,
        "border-leaves": leaves,
        "racks-floating": pairs,
        "racks-standard": pairs,
        "non-anchor-leaves": 0,
        "non-anchor-leaves-text": 0,
        "floating-addresses": families * len(groups)
        + sum(len(other.families) * max(1, len(other.l3outs)) for other in others),
        "ecmp-paths": len(intent.nodes),
        "bgp-sessions": max((len(rack.nodes) * families for rack in intent.racks), default=0),
        "lpm-routes": routes,
        "lpm-routes-maximum": routes,
    }


def _racks_by_l3out(intent: Intent) -> list[list[Rack]]:
    """The racks of each L3Out; all of them together before they have been spread."""
    if not intent.l3outs:
        return [intent.racks]
    return [[rack for rack in intent.racks if rack.id in l3out.racks] for l3out in intent.l3outs]


def limit_value(intent: Intent, limit: Limit) -> int:
    """The limit's value for this cluster."""
    overrides = intent["limits"] or {}
    value = overrides.get(limit.id)
    return value if isinstance(value, int) and not isinstance(value, bool) else limit.value


def override_faults(intent: Intent) -> list[Fault]:
    """What is wrong with ``aci_calico_limits``."""
    faults = []
    for name, value in (intent["limits"] or {}).items():
        path = f"aci_calico_limits.{name}"
        if name not in LIMITS:
            remedy = did_you_mean(name, LIMITS) or f"The limits are {', '.join(LIMITS)}."
            faults.append(error("unknown-limit", path, f"There is no limit {name}", remedy))
        elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
            faults.append(error("wrong-type", path, f"{shown(value)} is not a whole number from 0", "Write a number."))
    return faults


def limit_faults(intent: Intent, kind: str, others: Iterable[Intent] = ()) -> list[Fault]:
    """A fault for each limit that the cluster exceeds."""
    used = usage(intent, kind, others)
    return [
        Fault(
            f"limit-{limit.id}",
            limit.severity,
            "aci_calico_racks",
            f"{used[limit.id]} {limit.unit}: the limit is {limit_value(intent, limit)} ({limit.source}; ACI {limit.release})",
            limit.remedy,
        )
        for limit in LIMITS.values()
        if limit.severity and kind in limit.kinds and used[limit.id] > limit_value(intent, limit)
    ]


def limit_report(intent: Intent, kind: str, others: Iterable[Intent] = ()) -> list[dict[str, Any]]:
    """The plan's ``limits``: what is taken of what is there."""
    used = usage(intent, kind, others)
    return [
        {
            "id": limit.id,
            "value": used[limit.id],
            "limit": limit_value(intent, limit),
            "unit": limit.unit,
            "source": limit.source,
            "release": limit.release,
        }
        for limit in LIMITS.values()
        if kind in limit.kinds
    ]


# --- the kind of SVI -------------------------------------------------------------------------------------------------


def choose_svi(intent: Intent, others: Iterable[Intent] = ()) -> tuple[str, list[str]]:
    """The kind of SVI, and why (white paper, "Standard SVI vs. floating SVI": floating where it fits).

    :param others: the fabric's other clusters with floating SVI.
    """
    requested = intent["svi"] or "auto"
    if requested != "auto":
        return requested, [f"aci_calico_svi asks for {requested}"]
    against = _against_floating(intent, others)
    if against:
        return "standard", against
    used = usage(intent, "floating", others)
    reasons = ["floating SVI is the simpler design, and the limits allow it"]
    for limit in (LIMITS["anchor-leaves"], LIMITS["floating-addresses"]):
        reasons += [f"{used[limit.id]} of {limit_value(intent, limit)} {limit.unit}"]
    return "floating", reasons


def _against_floating(intent: Intent, others: Iterable[Intent]) -> list[str]:
    used = usage(intent, "floating", others)
    reasons = [
        f"{used[limit.id]} {limit.unit}, and floating SVI allows {limit_value(intent, limit)}"
        for limit in (LIMITS["anchor-leaves"], LIMITS["floating-addresses"])
        if used[limit.id] > limit_value(intent, limit)
    ]
    reasons += [
        f"several {family} node subnets, and floating SVI has one"
        for family in intent.families
        if len(intent.networks("node", family)) > 1
    ]
    if not supports_floating(intent):
        reasons.append(f"APIC {intent['apic_version']} has no floating SVI on physical domains")
    return reasons


def supports_floating(intent: Intent) -> bool:
    """Whether the fabric's release, where the user names it, has floating SVI on physical domains."""
    version = intent["apic_version"]
    return version is None or has_floating(version)


def has_floating(release: str) -> bool:
    """Floating SVI on physical domains came with ACI 5.0(1). The release is written as ``5.2(3)``."""
    return int(release.split(".")[0]) >= 5
