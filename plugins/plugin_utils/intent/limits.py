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

from ..schema.messages import ERROR, WARNING
from ..schema.option import INVALID, VM
from ..schema.problems import Problem, did_you_mean, shown
from .intent import SUBNET_ROLES, Intent, Rack

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
# LPM entries of a leaf by forwarding scale profile ("Cisco APIC Forwarding Scale Profiles", EX, FX and FX2 hardware).
LPM_OF_PROFILE = {
    "dual_stack": 20000,
    "high_dual_stack": 38000,
    "high_lpm": 128000,
    "high_policy": 20000,
    "ipv4": 38000,
}
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
        Limit(
            "non-anchor-leaves",
            32,
            "non-anchor leaves of an L3Out",
            ("floating",),
            ERROR,
            f"{PAPER}, Table 1",
            "Give racks anchors of their own (a further L3Out), or use standard SVI.",
        ),
        Limit(
            "non-anchor-leaves-text",
            2,
            "non-anchor leaves of an L3Out",
            ("floating",),
            WARNING,
            f"{PAPER}, 'Nodes per cluster' (contradicts its Table 1)",
            "The paper's table allows 32: ask Cisco, or set aci_calico_limits: {non-anchor-leaves-text: 32} if that is settled.",
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
            LPM_OF_PROFILE["dual_stack"],
            "routes (estimate) of a leaf with its forwarding scale profile",
            BOTH,
            WARNING,
            f"{PAPER}, 'Longest prefix match scale'; Cisco APIC Forwarding Scale Profiles",
            "Choose a forwarding scale profile with more LPM entries (aci_calico_forwarding_profile), or larger pod blocks"
            " (aci_calico_block_size).",
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


def block_length(intent: Intent, family: str) -> int:
    """The prefix length of a pod block."""
    return intent["block_size" if family == "ipv4" else "ipv6_block_size"] or {"ipv4": 26, "ipv6": 122}[family]


def _blocks_of_node(intent: Intent, family: str) -> int:
    width = 32 if family == "ipv4" else 128
    return -(-(intent["pods_per_node"] or 1) // 2 ** (width - block_length(intent, family)))


def _shared_routes(intent: Intent, family: str) -> int:
    """Prefixes that every node announces: node, service and external service subnets, and services of its own pods."""
    subnets = sum(len(intent.networks(role, family)) for role in SUBNET_ROLES if role != "pod")
    return subnets + (intent["exposed_services"] or 0)


def own_routes(intent: Intent, family: str) -> int:
    """How many prefixes of a family a node has of its own to announce, at most."""
    return _blocks_of_node(intent, family) + _shared_routes(intent, family)


def route_estimate(intent: Intent, family: str) -> dict[str, int]:
    """The routes of a family that the cluster brings to each leaf of its VRF (white paper, "Longest prefix match scale").

    :returns: ``subnets`` and ``services`` that all nodes announce, counted once; pod ``blocks``; ``hosts``, single pods that
        the pools have no block left for; and the ``total``.
    """
    length = block_length(intent, family)
    pods = len(intent.nodes) * (intent["pods_per_node"] or 1)
    wanted = len(intent.nodes) * _blocks_of_node(intent, family)
    there = sum(2 ** (length - pool.prefixlen) for pool in intent.networks("pod", family) if pool.prefixlen <= length)
    blocks = min(wanted, there)
    per_block = 2 ** ((32 if family == "ipv4" else 128) - length)
    # A pod without a block of its own node takes an address out of another node's block, and is a route by itself.
    hosts = min(pods, (wanted - blocks) * per_block)
    services = intent["exposed_services"] or 0
    subnets = _shared_routes(intent, family) - services
    return {
        "subnets": subnets,
        "services": services,
        "blocks": blocks,
        "hosts": hosts,
        "total": subnets + services + blocks + hosts,
    }


def cluster_routes(intent: Intent, family: str) -> int:
    """How many prefixes of a family the whole cluster announces, those that all nodes share counted once."""
    return route_estimate(intent, family)["total"]


def usage(intent: Intent, kind: str, others: Iterable[Intent] = ()) -> dict[str, int]:
    """How much of each limit the cluster takes: ``{limit id: amount}``; of what an L3Out has, the fullest one.

    :param others: the fabric's other clusters with floating SVI.
    """
    groups = _racks_by_l3out(intent)
    leaves = max((sum(len(rack.leaves) for rack in racks) for racks in groups), default=0)
    pairs = max((sum(len(rack.leaves) >= 2 for rack in racks) for racks in groups), default=0)
    families = len(intent.families)
    non_anchors = len([leaf for leaf in intent["non_anchor_leaves"] or () if leaf is not INVALID])
    routes = sum(cluster_routes(intent, family) for family in intent.families)
    return {
        "anchor-leaves": leaves,
        "border-leaves": leaves,
        "racks-floating": pairs,
        "racks-standard": pairs,
        "non-anchor-leaves": non_anchors,
        "non-anchor-leaves-text": non_anchors,
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
    """The limit's value for this cluster: what the user says, else with LPM that of the leaves' profile."""
    overrides = intent["limits"] or {}
    value = overrides.get(limit.id)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if limit.id == "lpm-routes":
        return LPM_OF_PROFILE.get(intent["forwarding_profile"], limit.value)
    return limit.value


def override_problems(intent: Intent) -> list[Problem]:
    """What is wrong with ``aci_calico_limits``."""
    problems = []
    for name, value in (intent["limits"] or {}).items():
        path = f"aci_calico_limits.{name}"
        if name not in LIMITS:
            problems.append(Problem("unknown-limit", path, f"There is no limit {name}", did_you_mean(name, LIMITS)))
        elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
            problems.append(
                Problem(
                    "wrong-type", path, f"{shown(value)} is not a whole number from 0", "Write a whole number from 0."
                )
            )
    return problems


def limit_problems(intent: Intent, kind: str, others: Iterable[Intent] = ()) -> list[Problem]:
    """A fault for each limit that the cluster exceeds."""
    used = usage(intent, kind, others)
    return [
        Problem(
            f"limit-{limit.id}",
            "aci_calico_racks",
            f"{used[limit.id]} {limit.unit}: the limit is {limit_value(intent, limit)} ({limit.source}; ACI {limit.release})",
            limit.remedy,
            limit.severity,
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
    """The kind of SVI, and why.

    :param others: the fabric's other clusters with floating SVI.
    """
    requested = intent["svi"] or "auto"
    if requested != "auto":
        return requested, [f"aci_calico_svi asks for {requested}"]
    return recommend_svi(intent, others)


def recommend_svi(intent: Intent, others: Iterable[Intent] = ()) -> tuple[str, list[str]]:
    """The kind of SVI that suits the cluster, whatever was asked for (white paper, "Standard SVI vs. floating SVI":
    floating where it fits).

    :param others: the fabric's other clusters with floating SVI.
    """
    never, rather_not = _against_floating(intent, others)
    if not never and moving_machines(intent):
        return "floating", ["virtual machines are to move, which standard SVI does not allow", *rather_not]
    if never or rather_not:
        return "standard", [*never, *rather_not]
    used = usage(intent, "floating", others)
    reasons = ["floating SVI is the simpler design, and the limits allow it"]
    for limit in (LIMITS["anchor-leaves"], LIMITS["floating-addresses"]):
        reasons += [f"{used[limit.id]} of {limit_value(intent, limit)} {limit.unit}"]
    return "floating", reasons


def moving_machines(intent: Intent) -> bool:
    """Whether nodes are virtual machines that move to other hypervisors."""
    return bool(intent["vm_mobility"]) and any(node.kind == VM for node in intent.nodes)


def _against_floating(intent: Intent, others: Iterable[Intent]) -> tuple[list[str], list[str]]:
    """What rules floating SVI out, and what only makes it cost more: several L3Outs, each with a subnet and a VLAN."""
    used = usage(intent, "floating", others)
    beyond = {
        limit.id: [f"{used[limit.id]} {limit.unit}, and floating SVI allows {limit_value(intent, limit)}"]
        if used[limit.id] > limit_value(intent, limit)
        else []
        for limit in (LIMITS["anchor-leaves"], LIMITS["floating-addresses"])
    }
    never = beyond["floating-addresses"]
    if not supports_floating(intent):
        never = [*never, f"APIC {intent['apic_version']} has no floating SVI on physical domains"]
    several = [
        f"several {family} node subnets, and floating SVI has one for each L3Out"
        for family in intent.families
        if len(intent.networks("node", family)) > 1
    ]
    return never, [*beyond["anchor-leaves"], *several]


def supports_floating(intent: Intent) -> bool:
    """Whether the fabric's release, where the user names it, has floating SVI on physical domains."""
    version = intent["apic_version"]
    return version is None or has_floating(version)


def has_floating(release: str) -> bool:
    """Floating SVI on physical domains came with ACI 5.0(1). The release is written as ``5.2(3)``."""
    return int(release.split(".")[0]) >= 5
