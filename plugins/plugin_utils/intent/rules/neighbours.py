# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for two clusters of one inventory: names, L3Outs, subnets, VLANs, router IDs and ECMP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

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
    """Check that clusters on the same leaves have different VLANs."""
    leaves_ = sorted({leaf.id for leaf in intent.leaves} & {leaf.id for leaf in other.leaves})
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


def shared_ecmp(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that clusters set the same ECMP paths, which are a setting of the VRF."""
    for name in ("bgp_ecmp_ebgp", "bgp_ecmp_ibgp"):
        if None not in (intent[name], other[name]) and intent[name] != other[name]:
            yield Problem(
                "ecmp-contradicts",
                f"aci_calico_{name}",
                f"{intent[name]} here and {other[name]} in cluster {other.cluster}, but the VRF has one value",
            )
