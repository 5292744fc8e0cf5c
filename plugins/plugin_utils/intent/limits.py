# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scale limits as data, and how much of each limit a cluster uses.

The values are those of ACI 5.2, the oldest release with a source; ``Limit.newer`` holds those of later releases for which Cisco
has published others. ``aci_calico_apic_version`` chooses them, and ``aci_calico_limits`` overrides any limit by its id. No value
holds for a release that is older than its source: such a limit is counted and not checked, and the plan says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..schema.messages import ERROR, WARNING
from ..schema.problems import Problem, did_you_mean, shown
from .intent import SUBNET_ROLES, Intent, Rack

RELEASE = "5.2"
PAPER = "ACI Calico Design White Paper"
# Cisco's own design for another BGP network plugin has the figures of 6.1(2): datacenter/Cilium-ACI-Design, "Scalability".
DESIGN_6_1 = "Cisco's ACI design for Cilium (read November 2026)"
NO_SOURCE = "no public value found (November 2026)"


@dataclass(frozen=True)
class Newer:
    """The value of a limit from a release on."""

    release: str
    value: int
    source: str


@dataclass(frozen=True)
class Others:
    """The amounts that the fabric's other clusters use of what they share with a cluster.

    :ivar sessions: their BGP sessions by the leaves of the cluster.
    """

    sessions: Mapping[int, int] = field(default_factory=dict)
    floating_addresses: int = 0
    l3outs: int = 0
    external_epgs: int = 0


@dataclass(frozen=True)
class Limit:
    """One limit.

    :param value: the highest amount allowed; None if no source gives one.
    :param used: the amount that a cluster uses, from its intent and from what the other clusters use.
    :param kinds: the kinds of SVI to which it applies.
    :param severity: of the problem beyond it; None: only shown in the plan, because another limit implies it.
    :param remedy: what to do beyond it.
    :param newer: the values of later releases, in their order.
    """

    id: str
    value: int | None
    unit: str
    used: Callable[[Intent, Others], int]
    kinds: tuple[str, ...]
    severity: str | None
    source: str
    remedy: str = ""
    release: str = RELEASE
    newer: tuple[Newer, ...] = ()

    def of(self, release: str | None) -> Limit:
        """Return the limit with value, source and release of the newest entry for a release; of 5.2 if it is not known."""
        if release and _numbers(release) < _numbers(RELEASE):
            return replace(self, value=None, source=NO_SOURCE, release=release)
        known = [one for one in self.newer if release and _numbers(one.release) <= _numbers(release)]
        return replace(self, **vars(known[-1])) if known else self


def _numbers(release: str) -> list[int]:
    """Return the numbers of a release, such as ``6.1(2f)``, to compare it with others."""
    return [int(number) for number in re.findall(r"\d+", release)]


BOTH = ("floating", "standard")
# LPM entries of a leaf by forwarding scale profile ("Cisco APIC Forwarding Scale Profiles", EX, FX and FX2 hardware).
LPM_OF_PROFILE = {"dual_stack": 20000, "high_dual_stack": 38000, "high_lpm": 128000, "high_policy": 20000, "ipv4": 38000}
# The limit on the leaves of an L3Out by kind of SVI: beyond it, racks are spread over several L3Outs (``planning.spread``).
LEAVES_OF_L3OUT = {"floating": "anchor-leaves", "standard": "border-leaves"}
_MORE_L3OUTS = (
    "A rack cannot be divided between L3Outs: remove leaves from the racks that the allocation file records together, or raise"
    " the limit in aci_calico_limits if your release allows more."
)


def block_length(intent: Intent, family: str) -> int:
    """Return the prefix length of a pod block."""
    return intent.block_size(family) or {"ipv4": 26, "ipv6": 122}[family]


def _blocks_of_node(intent: Intent, family: str) -> int:
    width = 32 if family == "ipv4" else 128
    return -(-(intent["pods_per_node"] or 1) // 2 ** (width - block_length(intent, family)))


def _shared_routes(intent: Intent, family: str) -> int:
    """Return how many prefixes every node announces: the subnets of nodes and services, and exposed services."""
    subnets = sum(len(intent.networks(role, family)) for role in SUBNET_ROLES if role != "pod")
    return subnets + (intent["exposed_services"] or 0)


def own_routes(intent: Intent, family: str) -> int:
    """Return how many prefixes of a family a node originates, at most."""
    return _blocks_of_node(intent, family) + _shared_routes(intent, family)


def route_estimate(intent: Intent, family: str) -> dict[str, int]:
    """Estimate the routes of a family that the cluster adds to each leaf of its VRF.

    Source: white paper, "Longest prefix match scale".

    :returns: ``subnets`` and ``services`` that all nodes announce, counted once; pod ``blocks``; ``hosts``, single pods for
        which the pools have no block left; and the ``total``.
    """
    length = block_length(intent, family)
    pods = len(intent.nodes) * (intent["pods_per_node"] or 1)
    wanted = len(intent.nodes) * _blocks_of_node(intent, family)
    there = sum(2 ** (length - pool.prefixlen) for pool in intent.networks("pod", family) if pool.prefixlen <= length)
    blocks = min(wanted, there)
    per_block = 2 ** ((32 if family == "ipv4" else 128) - length)
    # A pod without a block of its own node takes an address of another node's block, and is a route by itself.
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
    """Return how many prefixes of a family the cluster announces; prefixes that all nodes share count once."""
    return route_estimate(intent, family)["total"]


def floating_addresses(intent: Intent) -> int:
    """Return how many floating addresses a cluster with floating SVI has."""
    return len(intent.families) * max(1, len(intent.l3outs))


def _racks_by_l3out(intent: Intent) -> list[list[Rack]]:
    """Return the racks of each L3Out; all in one list before they have been spread."""
    if not intent.l3outs:
        return [intent.racks]
    return [[rack for rack in intent.racks if rack.id in l3out.racks] for l3out in intent.l3outs]


def _leaves(intent: Intent, _others: Others) -> int:
    return max((sum(len(rack.leaves) for rack in racks) for racks in _racks_by_l3out(intent)), default=0)


def _pairs(intent: Intent, _others: Others) -> int:
    return max((sum(len(rack.leaves) >= 2 for rack in racks) for racks in _racks_by_l3out(intent)), default=0)


def _non_anchors(intent: Intent, _others: Others) -> int:
    return len(intent.non_anchors)


def _nodes(intent: Intent, _others: Others) -> int:
    return len(intent.nodes)


def sessions_by_leaf(intent: Intent) -> dict[int, int]:
    """Return the cluster's BGP sessions on each of its leaves."""
    on_leaf: dict[int, int] = {}
    for rack in intent.racks:
        for leaf in rack.leaves:
            on_leaf[leaf.id] = on_leaf.get(leaf.id, 0) + len(rack.nodes) * len(intent.families)
    return on_leaf


def _sessions(intent: Intent, others: Others) -> int:
    """Return the sessions of the fullest leaf of the cluster, with those of other clusters on it."""
    own = sessions_by_leaf(intent)
    return max((count + others.sessions.get(leaf, 0) for leaf, count in own.items()), default=0)


def _external_epgs(intent: Intent, _others: Others) -> int:
    """Return the external EPGs of the first L3Out, which has the microsegments as well."""
    return 1 + len(intent["microsegments"] or ())


def amounts_on_fabric(intent: Intent) -> dict[str, int]:
    """Return what the cluster uses of the limits of a fabric, by the fields of ``Others``."""
    l3outs = max(1, len(intent.l3outs))
    return {
        "floating_addresses": floating_addresses(intent) if intent.kind == "floating" else 0,
        "l3outs": l3outs,
        "external_epgs": l3outs + len(intent["microsegments"] or ()),
    }


def _l3outs(intent: Intent, others: Others) -> int:
    return amounts_on_fabric(intent)["l3outs"] + others.l3outs


def _external_epgs_of_fabric(intent: Intent, others: Others) -> int:
    return amounts_on_fabric(intent)["external_epgs"] + others.external_epgs


def _routes(intent: Intent, _others: Others) -> int:
    return sum(cluster_routes(intent, family) for family in intent.families)


def _floating_addresses(intent: Intent, others: Others) -> int:
    return floating_addresses(intent) + others.floating_addresses


LIMITS: dict[str, Limit] = {
    limit.id: limit
    for limit in (
        Limit(
            "anchor-leaves",
            6,
            "anchor leaves of an L3Out",
            _leaves,
            ("floating",),
            ERROR,
            f"{PAPER}, Table 1 and 'Nodes per cluster'",
            _MORE_L3OUTS,
        ),
        Limit(
            "border-leaves",
            12,
            "border leaves of an L3Out",
            _leaves,
            ("standard",),
            ERROR,
            f"{PAPER}, Table 1 and 'Nodes per cluster'",
            _MORE_L3OUTS,
        ),
        Limit("racks-floating", 3, "racks of two anchor leaves", _pairs, ("floating",), None, f"{PAPER}, Table 1"),
        Limit("racks-standard", 6, "racks of two border leaves", _pairs, ("standard",), None, f"{PAPER}, Table 1"),
        Limit(
            "non-anchor-leaves",
            32,
            "non-anchor leaves of an L3Out",
            _non_anchors,
            ("floating",),
            ERROR,
            f"{PAPER}, Table 1",
            "Make these leaves anchors of racks of their own (in a further L3Out), or use standard SVI.",
        ),
        Limit(
            "non-anchor-leaves-text",
            2,
            "non-anchor leaves of an L3Out",
            _non_anchors,
            ("floating",),
            WARNING,
            f"{PAPER}, 'Nodes per cluster' (contradicts its Table 1)",
            "The paper's table allows 32: ask Cisco, and set aci_calico_limits: {non-anchor-leaves-text: 32} if they confirm it.",
        ),
        Limit(
            "floating-addresses",
            200,
            "floating SVI addresses of a fabric",
            _floating_addresses,
            ("floating",),
            ERROR,
            f"{PAPER}, Table 1 (dual stack takes two)",
            "Use standard SVI for some of the clusters (aci_calico_svi: standard).",
        ),
        Limit(
            "ecmp-paths",
            64,
            "equal paths to a service",
            _nodes,
            BOTH,
            WARNING,
            f"{PAPER}, 'Max BGP ECMP path'",
            "Traffic to a service on more nodes reaches only as many of them as there are paths: run exposed services on fewer"
            " nodes (externalTrafficPolicy: Local).",
        ),
        Limit(
            "bgp-sessions",
            400,
            "BGP sessions of a leaf",
            _sessions,
            BOTH,
            ERROR,
            "Verified Scalability Guide for Cisco APIC 5.2, BGP neighbours of a leaf",
            "Spread the nodes over more racks, or the clusters over more leaves.",
            newer=(Newer("6.1(2)", 2000, f"{DESIGN_6_1}, BGP neighbours of a leaf"),),
        ),
        Limit(
            "l3outs",
            None,
            "L3Outs of the inventory's clusters on the fabric",
            _l3outs,
            BOTH,
            ERROR,
            NO_SOURCE,
            "Use fewer racks for each cluster, so that one L3Out has room for them.",
        ),
        Limit(
            "external-epgs",
            None,
            "external EPGs of an L3Out",
            _external_epgs,
            BOTH,
            ERROR,
            NO_SOURCE,
            "Use fewer microsegments.",
            newer=(Newer("6.1(2)", 250, f"{DESIGN_6_1}, external EPGs of an L3Out"),),
        ),
        Limit(
            "external-epgs-of-fabric",
            None,
            "external EPGs of the inventory's clusters on the fabric",
            _external_epgs_of_fabric,
            BOTH,
            ERROR,
            NO_SOURCE,
            "Use fewer microsegments.",
            newer=(Newer("6.1(2)", 600, f"{DESIGN_6_1}, external EPGs of a fabric"),),
        ),
        Limit(
            "lpm-routes",
            LPM_OF_PROFILE["dual_stack"],
            "routes (estimate) of a leaf with its forwarding scale profile",
            _routes,
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
            _routes,
            BOTH,
            ERROR,
            f"{PAPER}, 'Longest prefix match scale'",
            "Use larger pod blocks (aci_calico_block_size) or fewer nodes.",
        ),
    )
}


@dataclass(frozen=True)
class Usage:
    """The amount of a limit that a cluster uses. For limits of an L3Out, the fullest one counts."""

    limit: Limit
    value: int
    allowed: int | None

    @property
    def exceeded(self) -> bool:
        """Whether the cluster exceeds the limit; False if there is none."""
        return self.allowed is not None and self.value > self.allowed


def usage(intent: Intent, others: Others) -> dict[str, Usage]:
    """Return how much of each limit the cluster uses, by the limit's id."""
    limits = {id_: limit.of(intent["apic_version"]) for id_, limit in LIMITS.items()}
    return {id_: Usage(limit, limit.used(intent, others), _allowed(intent, limit)) for id_, limit in limits.items()}


def limit_value(intent: Intent, id_: str) -> int | None:
    """Return the limit that applies to the cluster; None if no value is known for its release."""
    return _allowed(intent, LIMITS[id_].of(intent["apic_version"]))


def _allowed(intent: Intent, limit: Limit) -> int | None:
    """Return the limit that applies to the cluster: the user's, or for LPM that of the forwarding scale profile."""
    overrides = intent["limits"] or {}
    value = overrides.get(limit.id)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if limit.id == "lpm-routes" and limit.value is not None:
        return LPM_OF_PROFILE.get(intent["forwarding_profile"], limit.value)
    return limit.value


def override_problems(intent: Intent) -> list[Problem]:
    """Return what is wrong with ``aci_calico_limits``."""
    problems = []
    for name, value in (intent["limits"] or {}).items():
        path = f"aci_calico_limits.{name}"
        if name not in LIMITS:
            problems.append(Problem("unknown-limit", path, f"There is no limit {name}", did_you_mean(name, LIMITS)))
        elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
            text = f"{shown(value)} is not a whole number from 0"
            problems.append(Problem("wrong-type", path, text, "Write a whole number from 0."))
    return problems


def limit_problems(kind: str, used: Mapping[str, Usage]) -> list[Problem]:
    """Return a problem for each limit that a cluster with that kind of SVI exceeds."""
    return [
        Problem(
            f"limit-{limit.id}",
            "aci_calico_racks",
            f"{one.value} {limit.unit}: the limit is {one.allowed} ({limit.source}; ACI {limit.release})",
            limit.remedy,
            limit.severity,
        )
        for one in used.values()
        if (limit := one.limit).severity and kind in limit.kinds and one.exceeded
    ]


def limit_report(kind: str, used: Mapping[str, Usage]) -> list[dict[str, Any]]:
    """Return the plan's ``limits``: how much of each the cluster uses."""
    return [
        {
            "id": one.limit.id,
            "value": one.value,
            "limit": one.allowed,
            "unit": one.limit.unit,
            "source": one.limit.source,
            "release": one.limit.release,
        }
        for one in used.values()
        if kind in one.limit.kinds
    ]


def differing_limits(rows: Iterable[Mapping[str, Any]], release: str) -> list[str]:
    """Return which of a plan's ``limits`` have another value in a release, as text. Overridden ones stay out."""
    if _numbers(release) < _numbers(RELEASE):
        return ["none is known for it"] if any(_numbers(row["release"]) >= _numbers(RELEASE) for row in rows) else []
    texts = []
    for row in rows:
        limit, other = LIMITS[row["id"]].of(row["release"]), LIMITS[row["id"]].of(release)
        if row["limit"] == limit.value != other.value:
            values = [("none" if value is None else str(value)) for value in (limit.value, other.value)]
            texts.append(f"{row['id']} {values[1]} (the plan: {values[0]}; taken: {row['value']})")
    return texts


def supports_floating(intent: Intent) -> bool:
    """Return whether the fabric's release has floating SVI on physical domains; True if the user does not name it."""
    version = intent["apic_version"]
    return version is None or has_floating(version)


def has_floating(release: str) -> bool:
    """Return whether a release such as ``5.2(3)`` has floating SVI on physical domains, as 5.0(1) and later do."""
    return int(release.split(".")[0]) >= 5


def has_next_hop_propagation(release: str) -> bool:
    """Return whether a release can ignore the IGP metric, without which propagated next hops do not reach all nodes.

    Source: "Advanced Design Config Example" of Cisco's ACI design for Cilium, "Requires ACI 6.1(2) or newer".
    """
    return _numbers(release) >= [6, 1, 2]
