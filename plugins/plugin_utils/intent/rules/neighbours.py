# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for two clusters of one inventory: names, L3Outs, subnets, VLANs, router IDs and BGP policies."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from ...schema.addressing import overlap
from ...schema.problems import Problem, some
from ..intent import SUBNET_ROLES, Intent


def cluster_names(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that clusters have different names, which mark their objects and name their artifacts."""
    if intent.cluster == other.cluster:
        yield Problem(
            "cluster-name-shared", "aci_calico_cluster_name", f"Another cluster of the inventory is also called '{other.cluster}'"
        )


def l3outs(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that clusters have different L3Outs, after which their policies are named."""
    tenant = intent["tenant"]
    if tenant is None or tenant != other["tenant"]:
        return
    for name in sorted(intent.l3out_names & other.l3out_names):
        yield Problem(
            "l3out-shared", "aci_calico_l3out", f"Cluster {other.cluster} also has an L3Out '{name}' in tenant {tenant}"
        )


def shared_subnets(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that the subnets of two clusters do not overlap."""
    for role, other_role in itertools.product(SUBNET_ROLES, SUBNET_ROLES):
        for one, two in itertools.product(intent.subnets[role], other.subnets[other_role]):
            if overlap(one.network, two.network):
                yield Problem(
                    "subnet-overlap-clusters",
                    one.path,
                    f"{one.network} overlaps {two.network} ({two.path} of cluster {other.cluster}), in the same VRF",
                )


def shared_vlans(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that clusters on the same leaves, anchors or not, have different VLANs."""
    mine, theirs = ({*one.non_anchors, *(leaf.id for leaf in one.leaves)} for one in (intent, other))
    leaves_ = sorted(mine & theirs)
    vlans = sorted(_vlans(intent) & _vlans(other))
    if leaves_ and vlans:
        yield Problem(
            "vlan-shared",
            "aci_calico_vlan",
            f"Cluster {other.cluster} also uses VLAN {some(vlans)} on the same leaves ({some(leaves_)})",
        )


def _vlans(intent: Intent) -> set[int]:
    pinned = {node.vlan for node in intent.nodes if node.vlan is not None}
    return pinned.union(intent["vlan"] or [])


def shared_router_ids(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that a leaf has the same router ID in two clusters, and that no other leaf has it."""
    for leaf, neighbour in itertools.product(intent.leaves, other.leaves):
        if leaf.router_id is None or neighbour.router_id is None:
            continue
        if leaf.id == neighbour.id and leaf.router_id != neighbour.router_id:
            yield Problem(
                "router-id-contradicts",
                leaf.path,
                f"Leaf {leaf.id} has router ID {leaf.router_id} here and {neighbour.router_id} in cluster {other.cluster},"
                " in the same VRF",
            )
        elif leaf.id != neighbour.id and leaf.router_id == neighbour.router_id:
            yield Problem(
                "router-id-repeats",
                leaf.path,
                f"Leaf {leaf.id} has router ID {leaf.router_id}, which leaf {neighbour.id} has in cluster {other.cluster},"
                " in the same VRF",
            )


# Settings that the VRF has once, and those that it has once on each leaf.
OF_VRF = ("bgp_ecmp_ebgp", "bgp_ecmp_ibgp", "bgp_ecmp_policy")
OF_VRF_ON_LEAF = (
    "bgp_keepalive",
    "bgp_hold",
    "bgp_as_limit",
    "bgp_graceful_restart",
    "bgp_restart_time",
    "bgp_timers_policy",
    "bgp_as_path_relax",
    "bgp_best_path_policy",
    "next_hop_propagation",
)

# Settings that mean something else if they are unset: a policy that is made from the other settings, and the default.
_MAY_BE_UNSET = ("_policy", "_restart_time")


def shared_ecmp(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that clusters set the same ECMP paths, which are a setting of the VRF."""
    for name in _contradicting(intent, other, OF_VRF):
        yield _contradiction("ecmp-contradicts", intent, other, name, "but the VRF has one value")


def shared_policies(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that clusters with a common leaf set the same timers and best path, which the VRF has once on a leaf."""
    common = sorted({leaf.id for leaf in intent.leaves} & {leaf.id for leaf in other.leaves})
    for name in _contradicting(intent, other, OF_VRF_ON_LEAF) if common else ():
        where = f"but the VRF has one value on leaf {some(common)}"
        yield _contradiction("bgp-policy-contradicts", intent, other, name, where)


def _contradicting(intent: Intent, other: Intent, names: Iterable[str]) -> list[str]:
    """Return the settings in which clusters differ. A policy without a name is made from the other settings."""
    unset = {name for name in names if not name.endswith(_MAY_BE_UNSET) and None in (intent[name], other[name])}
    return [name for name in names if name not in unset and intent[name] != other[name]]


def _contradiction(id_: str, intent: Intent, other: Intent, name: str, where: str) -> Problem:
    mine, theirs = ("no value" if value is None else value for value in (intent[name], other[name]))
    return Problem(id_, f"aci_calico_{name}", f"{mine} here and {theirs} in cluster {other.cluster}, {where}")
