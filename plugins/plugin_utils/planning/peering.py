# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""BGP peers: each node peers with the leaves of its own rack, and with no other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Suffixes that distinguish the BGPPeers of one leaf in a dual-stack cluster.
FAMILY_SUFFIX = {"ipv4": "", "ipv6": "-ipv6"}
SIDES = ("A", "B")


def leaf_peers(rack: Mapping[str, Any], leaves: Iterable[Mapping[str, Any]], asn: int) -> list[dict[str, Any]]:
    """Return a peer for each anchor leaf and family, for all nodes of its rack (floating SVI).

    :param rack: a rack of the plan.
    :param leaves: the plan's leaves.
    :param asn: the fabric's AS number.
    """
    return [
        {
            "name": f"aci-leaf-{leaf['id']}{FAMILY_SUFFIX[family]}",
            "leaf": leaf["id"],
            "rack": rack["id"],
            "family": family,
            "address": network["address"].split("/")[0],
            "asn": asn,
            "node": None,
        }
        for leaf in leaves
        if leaf["id"] in rack["leaves"]
        for family, network in leaf["networks"].items()
    ]


def node_peers(rack: Mapping[str, Any], node: Mapping[str, Any], asn: int) -> list[dict[str, Any]]:
    """Return a peer for each leaf of the node's rack and each family, for this node only (standard SVI)."""
    return [
        {
            "name": f"aci-{node['name']}-leaf-{leaf}{FAMILY_SUFFIX[family]}",
            "leaf": leaf,
            "rack": rack["id"],
            "family": family,
            "address": network[f"leaf_{side.lower()}"].split("/")[0],
            "asn": asn,
            "node": node["name"],
        }
        for family, network in node["networks"].items()
        for side, leaf in zip(SIDES, rack["leaves"], strict=False)
    ]


def sessions(node: Mapping[str, Any], peers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the plan's ``peers`` of a node: those of its rack, or its own."""
    return [
        {"leaf": peer["leaf"], "family": peer["family"], "address": peer["address"]}
        for peer in peers
        if peer["rack"] == node["rack"] and peer["node"] in (None, node["name"])
    ]


def rack_peer_map(plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the sessions of a plan, rack by rack.

    :returns: ``{rack: {"leaves": [201, 202], "nodes": {node: [{"leaf", "family", "address"}]}}}``.
    """
    return {
        rack["id"]: {
            "leaves": list(rack["leaves"]),
            "nodes": {node["name"]: list(node["peers"]) for node in plan["nodes"] if node["rack"] == rack["id"]},
        }
        for rack in plan["racks"]
    }
