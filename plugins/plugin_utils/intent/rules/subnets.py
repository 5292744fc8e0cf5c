# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TODO"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ...schema.addressing import MAX_PREFIX_LENGTH, NODE_PREFIX_LENGTH, overlap
from ...schema.problems import Problem, error, warning
from ..intent import SUBNET_ROLES, Intent

# Families that the roles other than nodes must have too. External and load balancer addresses may do with fewer.
FULL_ROLES = ("node", "pod", "service")


def subnet_overlaps(intent: Intent) -> Iterator[Problem]:
    """No two subnets of a cluster share an address."""
    subnets = [subnet for role in SUBNET_ROLES for subnet in intent.subnets[role]]
    for one, other in itertools.combinations(subnets, 2):
        if overlap(one.network, other.network):
            yield error(
                "subnet-overlap",
                other.path,
                f"{other.network} overlaps {one.network} ({one.path})",
                "Choose subnets that share no address.",
            )


def families(intent: Intent) -> Iterator[Problem]:
    """A family that one role has, nodes, pods and services have."""
    present = {subnet.family for role in SUBNET_ROLES for subnet in intent.subnets[role]}
    for role in FULL_ROLES:
        own = {subnet.family for subnet in intent.subnets[role]}
        complete = intent[SUBNET_ROLES[role].removeprefix("aci_calico_")] is not None
        for family in sorted(present - own) if own and complete else ():
            yield error(
                "family-missing",
                SUBNET_ROLES[role],
                f"There is no {family} subnet, but other subnets of the cluster are {family}",
                f"Add an {family} subnet here, or take those of the others out.",
            )


def node_subnets(intent: Intent) -> Iterator[Problem]:
    """Floating SVI: one subnet of a family for each L3Out. Standard SVI: each supernet holds at least one node's subnet."""
    if intent.kind == "floating":
        yield from _floating_subnets(intent)
    if intent.kind != "standard":
        return
    lengths = {"ipv4": NODE_PREFIX_LENGTH, "ipv6": intent["ipv6_node_prefix_length"] or MAX_PREFIX_LENGTH["ipv6"]}
    for subnet in intent.subnets["node"]:
        if subnet.network.prefixlen > lengths[subnet.family]:
            yield error(
                "supernet-too-small",
                subnet.path,
                f"{subnet.network} does not hold a /{lengths[subnet.family]}, which each node needs",
                "Use a larger supernet"
                + (" or a longer aci_calico_ipv6_node_prefix_length." if subnet.family == "ipv6" else "."),
            )


def _floating_subnets(intent: Intent) -> Iterator[Problem]:
    wanted = max((l3out.number for l3out in intent.l3outs), default=1)
    for family in intent.families:
        subnets = [subnet for subnet in intent.subnets["node"] if subnet.family == family]
        for subnet in subnets[wanted:]:
            yield error(
                "floating-subnet-twice",
                subnet.path,
                f"{subnet.network} is one {family} node subnet too many: floating SVI has one for each L3Out, and the racks need"
                f" {wanted}",
                "Use one larger subnet, or standard SVI (aci_calico_svi: standard).",
            )
        if len(subnets) < wanted:
            yield error(
                "subnet-for-each-l3out",
                SUBNET_ROLES["node"],
                f"The racks need {wanted} L3Outs, each with a floating SVI and so with an {family} node subnet of its own;"
                f" {len(subnets)} {'is' if len(subnets) == 1 else 'are'} named",
                f"Name {wanted} {family} subnets in the order of the L3Outs, or use standard SVI (aci_calico_svi: standard).",
            )


def floating_vlans(intent: Intent) -> Iterator[Problem]:
    """Floating SVI: a VLAN for each L3Out."""
    vlans, wanted = intent["vlan"], len(intent.l3outs)
    if intent.kind == "floating" and vlans and len(vlans) < wanted:
        yield error(
            "vlan-too-few",
            "aci_calico_vlan",
            f"The racks need {wanted} L3Outs, each with a floating SVI and so with a VLAN of its own; {len(vlans)}"
            f" {'is' if len(vlans) == 1 else 'are'} named",
            f"Name {wanted} VLANs in the order of the L3Outs, such as 300-{299 + wanted}.",
        )


def several_l3outs(intent: Intent) -> Iterator[Problem]:
    """Beyond what the paper describes, the racks are spread."""
    if len(intent.l3outs) > 1:
        shares = "; ".join(f"{l3out.name}: racks {', '.join(l3out.racks)}" for l3out in intent.l3outs)
        yield warning(
            "several-l3outs",
            "aci_calico_racks",
            f"{len(intent.leaves)} leaves are more than one L3Out holds: the racks are spread over {len(intent.l3outs)} ({shares})",
            "Nothing, where that is wanted. Where the release allows more leaves in an L3Out, set aci_calico_limits.",
        )


def pod_blocks(intent: Intent) -> Iterator[Problem]:
    """Pools hold blocks, and one for each node at least."""
    lengths = {"ipv4": intent["block_size"], "ipv6": intent["ipv6_block_size"]}
    for subnet in intent.subnets["pod"]:
        length = lengths[subnet.family]
        if length is not None and subnet.network.prefixlen > length:
            yield error(
                "pool-smaller-than-block",
                subnet.path,
                f"{subnet.network} does not hold a block of /{length}",
                "Use a larger pod subnet or a longer block size.",
            )
    for family, length in lengths.items():
        pools = intent.networks("pod", family)
        blocks = sum(2 ** (length - pool.prefixlen) for pool in pools if pool.prefixlen <= length) if length else 0
        if pools and 0 < blocks < len(intent.nodes):
            yield warning(
                "pool-short-of-blocks",
                SUBNET_ROLES["pod"],
                f"The {family} pod subnets hold {blocks} blocks of /{length} for {len(intent.nodes)} nodes:"
                " nodes without a block announce a host route for each pod",
                "Use a larger pod subnet or a longer block size.",
            )


def imports(intent: Intent) -> Iterator[Problem]:
    """What the fabric accepts and tells covers the cluster's own subnets."""
    for variable, what in (("import_subnets", "accepted by the fabric"), ("export_subnets", "told to the nodes")):
        allowed = intent.networks_of(variable)
        if allowed is None:
            continue
        for twice in sorted({prefix for prefix in allowed if allowed.count(prefix) > 1}):
            yield error("subnet-twice", f"aci_calico_{variable}", f"{twice} is named twice", "Name each subnet once.")
        for subnet in (subnet for role in SUBNET_ROLES for subnet in intent.subnets[role]):
            if not any(subnet.network in prefix for prefix in allowed):
                yield warning(
                    "subnet-not-allowed",
                    f"aci_calico_{variable}",
                    f"Routes of {subnet.network} ({subnet.path}) are not {what}",
                    "Add the subnet, or leave the variable out.",
                )


def ipv6_alone(intent: Intent) -> Iterator[Problem]:
    """Calico takes a node's router ID from its IPv4 address; without one it has to be told otherwise."""
    if intent.families == ["ipv6"]:
        yield warning(
            "ipv6-router-id",
            SUBNET_ROLES["node"],
            "The nodes have no IPv4 address, which Calico's BGP daemon takes its router ID from",
            "Set CALICO_ROUTER_ID=hash in calico-node's environment (with the Tigera operator, let Calico have no IPv4 pool).",
        )
