# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes that joined by themselves: Kubernetes has them, the plan has not, and they peer with the leaves of their rack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils.names import ADDRESS_ANNOTATIONS, ASN_ANNOTATION
from ..schema.addressing import IPNetwork
from .mesh import bgp_configuration


def joined_nodes(plan: Mapping[str, Any], found: dict) -> list[dict[str, Any]]:
    """Return the nodes that joined by themselves, in the form of the plan's nodes.

    They need a rack label (the kubelet can set it), the AS number of the cluster (that of the BGPConfiguration is enough), and an
    address in the node subnets, which the leaves of a floating SVI accept.

    :param found: what ``calico_info`` returned as ``calico``.
    """
    if plan["svi"]["kind"] != "floating":
        return []
    planned = {node["name"] for node in plan["nodes"]}
    racks = {rack["id"] for rack in plan["racks"]}
    joined = []
    for name, node in sorted(found["nodes"].items()):
        rack = node["labels"].get(plan["calico"]["rack_label"])
        asn = node["annotations"].get(ASN_ANNOTATION) or bgp_configuration(found).get("asNumber")
        networks = _networks(plan, node)
        if name not in planned and rack in racks and str(asn) == str(plan["cluster_asn"]) and networks:
            joined.append(
                {
                    "name": name,
                    "rack": rack,
                    "asn": plan["cluster_asn"],
                    "networks": networks,
                    "peers": _peers(plan, rack, networks),
                }
            )
    return joined


def with_joined(plan: Mapping[str, Any], joined: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the plan with the nodes that joined by themselves, whose sessions and routes are expected as well."""
    racks = [
        {**rack, "nodes": [*rack["nodes"], *(node["name"] for node in joined if node["rack"] == rack["id"])]}
        for rack in plan["racks"]
    ]
    return {**plan, "nodes": [*plan["nodes"], *joined], "racks": racks}


def _networks(plan: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the addresses of a node in the node subnets by family."""
    networks = {}
    for family, subnets in plan["subnets"]["node"].items():
        address = node["annotations"].get(ADDRESS_ANNOTATIONS[family], "")
        if address and any(address.split("/")[0] in IPNetwork(subnet) for subnet in subnets):
            networks[family] = {"address": address}
    return networks


def _peers(plan: Mapping[str, Any], rack: str, families: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = [peer for peer in plan["peers"] if peer["rack"] == rack and peer["node"] is None and peer["family"] in families]
    return [{name: peer[name] for name in ("leaf", "family", "address")} for peer in own]
