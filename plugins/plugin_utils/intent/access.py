# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, VLAN ranges and ports of a cluster's access policies (white paper, 'Physical connectivity')."""

from __future__ import annotations

from collections.abc import Iterator

from .intent import Intent, Node


def vpc_name(intent: Intent, node: Node) -> str:
    """Return the name of the vPC interface policy group of a node."""
    return node.vpc or intent["vpc_name"].format(node=node.claimant, rack=node.rack)


def pool_name(intent: Intent) -> str | None:
    """Return the name of the VLAN pool: by default the domain's, so that it is the same for every cluster of the domain."""
    return intent["vlan_pool"] or intent["l3_domain"]


def encap_ranges(intent: Intent) -> list[list[int]]:
    """Return the VLANs that the cluster's nodes have or may get, as ranges ``[first, last]``."""
    vlans = {*(intent["vlan"] or ()), *(node.vlan for node in intent.nodes if node.vlan is not None)}
    ranges: list[list[int]] = []
    for vlan in sorted(vlans):
        if ranges and ranges[-1][1] == vlan - 1:
            ranges[-1][1] = vlan
        else:
            ranges.append([vlan, vlan])
    return ranges


def ports_of(node: Node, leaves: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield leaf, module and number of every port of a node."""
    for ports in node.ports:
        for leaf in leaves if ports.leaf is None else [ports.leaf]:
            yield from ((leaf, module, port) for module, port in ports.each())
