# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for cabling and for access policies of clusters on one fabric."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema.problems import Problem, some
from ..access import encap_ranges, pool_name, ports_of, vpc_name
from ..intent import Intent, Node


def cabling(intent: Intent) -> Iterator[Problem]:
    """Check that ports are on the node's own leaves, and that a port has one node, or nodes of one vPC."""
    holders: dict[tuple[int, int, int], tuple[Node, str]] = {}
    for rack in intent.places:
        leaves = [leaf.id for leaf in rack.leaves]
        for node in rack.nodes:
            for ports in node.ports:
                if ports.leaf not in (None, *leaves):
                    yield Problem(
                        "port-of-another-rack",
                        node.path,
                        f"Node {node.name} is cabled to leaf {ports.leaf}, but the leaves of rack '{rack.id}' are {some(leaves)}",
                    )
            yield from _shared_ports(intent, node, leaves, holders)


def _shared_ports(
    intent: Intent, node: Node, leaves: list[int], holders: dict[tuple[int, int, int], tuple[Node, str]]
) -> Iterator[Problem]:
    group = vpc_name(intent, node) if intent["vpc_name"] is not None else node.name
    for leaf, module, port in ports_of(node, leaves):
        first, first_group = holders.setdefault((leaf, module, port), (node, group))
        if first is not node and first_group != group:
            yield Problem(
                "port-twice", node.path, f"Port {module}/{port} of leaf {leaf} also belongs to node {first.name} ({first.path})"
            )
            return


def unknown_ports(intent: Intent) -> Iterator[Problem]:
    """Check that nodes with standard SVI name their ports if access policies are managed."""
    nodes = [node.name for node in intent.nodes if not node.ports]
    if intent["manage_access"] and intent.kind == "standard" and nodes:
        yield Problem(
            "node-without-interfaces",
            "aci_calico_racks",
            f"The ports of {some(nodes)} are not known, so no port will use their interface policy groups",
        )


# --- between clusters of one fabric ----------------------------------------------------------------------------------


def shared_domains(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that two clusters give a domain the same VLAN pool."""
    if not (intent["manage_access"] and other["manage_access"]):
        return
    mine, theirs = pool_name(intent), pool_name(other)
    for name in ("l3_domain", "physical_domain"):
        if intent[name] is not None and intent[name] == other[name] and mine != theirs:
            yield Problem(
                "pool-contradicts",
                "aci_calico_vlan_pool",
                f"The domain {intent[name]} gets the VLAN pool {mine} here and {theirs} in cluster {other.cluster}",
            )


def shared_blocks(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that encap blocks of one pool are the same or do not overlap."""
    if not (intent["manage_access"] and other["manage_access"]) or pool_name(intent) != pool_name(other):
        return
    for low, high in encap_ranges(intent):
        for other_low, other_high in encap_ranges(other):
            if [low, high] != [other_low, other_high] and low <= other_high and other_low <= high:
                yield Problem(
                    "encap-blocks-overlap",
                    "aci_calico_vlan",
                    f"VLANs {low}-{high} overlap {other_low}-{other_high} of cluster {other.cluster} in the VLAN pool {pool_name(intent)}",
                )


def shared_ports(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that two clusters have no port and no interface policy group in common."""
    if not (intent["manage_access"] and other["manage_access"]):
        return
    theirs = {port: node for node, leaves in cabled(other) for port in ports_of(node, leaves)}
    groups = {vpc_name(other, node) for node, _leaves in cabled(other)}
    for node, leaves in cabled(intent):
        taken = next((port for port in ports_of(node, leaves) if port in theirs), None)
        if taken:
            yield Problem(
                "port-shared",
                node.path,
                f"Port {taken[1]}/{taken[2]} of leaf {taken[0]} belongs to node {theirs[taken].name} of cluster {other.cluster}",
            )
        elif vpc_name(intent, node) in groups:
            yield Problem(
                "group-shared",
                node.path,
                f"The interface policy group {vpc_name(intent, node)} is also made by cluster {other.cluster}",
            )


def cabled(intent: Intent) -> Iterator[tuple[Node, list[int]]]:
    """Yield the nodes that get an interface policy group, with the leaves of their racks."""
    if intent["vpc_name"] is None:
        return
    for rack in intent.places:
        for node in rack.nodes:
            if intent.kind == "standard" or node.ports:
                yield node, [leaf.id for leaf in rack.leaves]
