# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan's access policies."""

from __future__ import annotations

from typing import Any

from ..intent.access import encap_ranges, pool_name, vpc_name
from ..intent.intent import Intent, Node, Rack


def access_plan(intent: Intent) -> dict[str, Any]:
    """Return the plan's ``access`` (docs/development/plan.md)."""
    managed = bool(intent["manage_access"])
    return {
        "managed": managed,
        "tenant": bool(intent["manage_tenant"]),
        "pool": pool_name(intent) if managed else intent["vlan_pool"],
        "aaep": (intent["aaep"] or intent["l3_domain"]) if managed else intent["aaep"],
        "lacp_policy": intent["lacp_policy"],
        "profile": intent.l3out,
        "vlans": encap_ranges(intent),
        "groups": _groups(intent) if managed else [],
    }


def _groups(intent: Intent) -> list[dict[str, Any]]:
    """Return the interface policy groups with their ports. A node with floating SVI can be on any port of the domain, so it
    has a group only if its ports are named."""
    groups: dict[str, dict[str, Any]] = {}
    for rack in intent.places:
        for node in rack.nodes:
            if intent.kind == "standard" or node.ports:
                name = vpc_name(intent, node)
                group = groups.setdefault(name, {"name": name, "vpc": False, "leaves": []})
                group["vpc"] = group["vpc"] or len(rack.leaves) > 1
                _add_leaves(group["leaves"], rack, node)
    return list(groups.values())


def _add_leaves(leaves: list[dict[str, Any]], rack: Rack, node: Node) -> None:
    for leaf in rack.leaves:
        entry = next((entry for entry in leaves if entry["id"] == leaf.id), None)
        if entry is None:
            entry = {"id": leaf.id, "ports": []}
            leaves.append(entry)
        named = (str(ports) for ports in node.ports if ports.leaf in (None, leaf.id))
        entry["ports"] += [ports for ports in named if ports not in entry["ports"]]
