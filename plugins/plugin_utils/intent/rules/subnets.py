# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for subnets, address families, VLANs and pod blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ...schema.addressing import FAMILIES, MAX_PREFIX_LENGTH, NODE_PREFIX_LENGTH, overlap
from ...schema.problems import Problem
from ..intent import SUBNET_ROLES, Intent
from ..pools import pool_of

# Roles that must have all families of the cluster. External and load balancer addresses may have fewer.
FULL_ROLES = ("node", "pod", "service")


def subnet_overlaps(intent: Intent) -> Iterator[Problem]:
    """Check that subnets of a cluster do not overlap."""
    subnets = [subnet for role in SUBNET_ROLES for subnet in intent.subnets[role]]
    for one, other in itertools.combinations(subnets, 2):
        if overlap(one.network, other.network):
            yield Problem("subnet-overlap", other.path, f"{other.network} overlaps {one.network} ({one.path})")


def families(intent: Intent) -> Iterator[Problem]:
    """Check that nodes, pods and services have every family of the cluster."""
    present = {subnet.family for role in SUBNET_ROLES for subnet in intent.subnets[role]}
    for role in FULL_ROLES:
        own = {subnet.family for subnet in intent.subnets[role]}
        complete = intent[SUBNET_ROLES[role].removeprefix("aci_calico_")] is not None
        for family in sorted(present - own) if own and complete else ():
            yield Problem(
                "family-missing",
                SUBNET_ROLES[role],
                f"There is no {family} subnet, but other subnets of the cluster are {family}",
            )


def node_subnets(intent: Intent) -> Iterator[Problem]:
    """Check that floating SVI has a subnet of each family for each L3Out, and that supernets hold a node's subnet."""
    if intent.kind == "floating":
        yield from _floating_subnets(intent)
    if intent.kind != "standard":
        return
    lengths = {"ipv4": NODE_PREFIX_LENGTH, "ipv6": intent["ipv6_node_prefix_length"] or MAX_PREFIX_LENGTH["ipv6"]}
    for subnet in intent.subnets["node"]:
        if subnet.network.prefixlen > lengths[subnet.family]:
            yield Problem(
                "supernet-too-small",
                subnet.path,
                f"{subnet.network} is smaller than a /{lengths[subnet.family]}, which each node needs",
            )


def _floating_subnets(intent: Intent) -> Iterator[Problem]:
    wanted = max((l3out.number for l3out in intent.l3outs), default=1)
    for family in intent.families:
        subnets = [subnet for subnet in intent.subnets["node"] if subnet.family == family]
        for subnet in subnets[wanted:]:
            yield Problem(
                "floating-subnet-twice",
                subnet.path,
                f"{subnet.network} is one {family} node subnet too many: floating SVI uses one for each L3Out, and the racks need"
                f" {wanted}",
            )
        if len(subnets) < wanted:
            yield Problem(
                "subnet-for-each-l3out",
                SUBNET_ROLES["node"],
                f"The racks need {wanted} L3Outs, and each needs an {family} node subnet of its own for its floating SVI;"
                f" {len(subnets)} {'is' if len(subnets) == 1 else 'are'} named",
            )


def floating_vlans(intent: Intent) -> Iterator[Problem]:
    """Check that floating SVI has a VLAN for each L3Out."""
    vlans, wanted = intent["vlan"], len(intent.l3outs)
    if intent.kind == "floating" and vlans and len(vlans) < wanted:
        yield Problem(
            "vlan-too-few",
            "aci_calico_vlan",
            f"The racks need {wanted} L3Outs, and each needs a VLAN of its own for its floating SVI; {len(vlans)}"
            f" {'is' if len(vlans) == 1 else 'are'} named",
        )


def several_l3outs(intent: Intent) -> Iterator[Problem]:
    """Point out that the racks are spread over several L3Outs, which the white paper does not describe."""
    if len(intent.l3outs) > 1:
        shares = "; ".join(f"{l3out.name}: racks {', '.join(l3out.racks)}" for l3out in intent.l3outs)
        yield Problem(
            "several-l3outs",
            "aci_calico_racks",
            f"{len(intent.leaves)} leaves are more than one L3Out allows, so the racks are spread over {len(intent.l3outs)} ({shares})",
        )


def pod_blocks(intent: Intent) -> Iterator[Problem]:
    """Check that pod subnets hold blocks, and at least one for each node."""
    lengths = {family: intent.block_size(family) for family in FAMILIES}
    for subnet in intent.subnets["pod"]:
        own = pool_of(intent, subnet.network)
        length = lengths[subnet.family] if own is None or own.block_size is None else None  # its own one has its own rule
        if length is not None and subnet.network.prefixlen > length:
            yield Problem("pool-smaller-than-block", subnet.path, f"{subnet.network} is smaller than a block of /{length}")
    for family, length in lengths.items():
        pools = intent.networks("pod", family)
        blocks = sum(2 ** (length - pool.prefixlen) for pool in pools if pool.prefixlen <= length) if length else 0
        if pools and 0 < blocks < len(intent.nodes):
            yield Problem(
                "pool-short-of-blocks",
                SUBNET_ROLES["pod"],
                f"The {family} pod subnets hold {blocks} blocks of /{length} for {len(intent.nodes)} nodes:"
                " nodes without a block announce a host route for each pod",
            )


def imports(intent: Intent) -> Iterator[Problem]:
    """Check that the fabric accepts and announces the cluster's own subnets."""
    for variable, what in (("import_subnets", "accepted by the fabric"), ("export_subnets", "announced to the nodes")):
        allowed = intent.networks_of(variable)
        if allowed is None:
            continue
        for twice in sorted({prefix for prefix in allowed if allowed.count(prefix) > 1}):
            yield Problem("subnet-twice", f"aci_calico_{variable}", f"{twice} is named twice")
        for subnet in (subnet for role in SUBNET_ROLES for subnet in intent.subnets[role]):
            if not any(subnet.network in prefix for prefix in allowed):
                yield Problem(
                    "subnet-not-allowed", f"aci_calico_{variable}", f"Routes of {subnet.network} ({subnet.path}) are not {what}"
                )


def ipv6_alone(intent: Intent) -> Iterator[Problem]:
    """Point out that Calico takes a node's router ID from its IPv4 address."""
    if intent.families == ["ipv6"]:
        yield Problem(
            "ipv6-router-id",
            SUBNET_ROLES["node"],
            "The nodes have no IPv4 address, from which Calico's BGP daemon takes its router ID",
        )
