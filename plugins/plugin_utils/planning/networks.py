# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subnets and addresses of an allocation, in the shape of the plan."""

from __future__ import annotations

from typing import Any

from ..schema.addressing import pair_addresses, with_prefix
from .record import Allocation


def leaf_networks(allocation: Allocation, leaf: str) -> dict[str, dict[str, str]]:
    """Return the plan's ``networks`` of an anchor leaf; empty with standard SVI, where it has an address for each node."""
    if allocation.kind != "floating":
        return {}
    addresses = allocation.leaves[leaf].addresses
    return {
        family: {"address": with_prefix(addresses[family], space.subnet_at(0))} for family, space in allocation.spaces.items()
    }


def floating_networks(allocation: Allocation) -> dict[str, Any] | None:
    """Return the plan's ``floating`` of an L3Out: VLAN and shared addresses; None with standard SVI."""
    if allocation.kind != "floating":
        return None
    networks = {}
    for family, space in allocation.spaces.items():
        subnet = space.subnet_at(0)
        networks[family] = {"subnet": str(subnet)} | {
            name: with_prefix(allocation.shared[name].addresses[family], subnet) for name in ("floating", "secondary")
        }
    return {"vlan": allocation.vlan, "networks": networks}


def node_networks(allocation: Allocation, node: str, leaves: int = 2) -> dict[str, dict[str, Any]]:
    """Return the plan's ``networks`` of a node: its addresses by family.

    :param leaves: the number of leaves of its rack; without a second leaf, ``leaf_b`` is None.
    """
    networks = {}
    for family, space in allocation.spaces.items():
        address = allocation.nodes[node].addresses[family]
        subnet = space.subnet_at(space.slot_of(address) or 0)
        network: dict[str, Any] = {"subnet": str(subnet), "address": with_prefix(address, subnet)}
        if allocation.kind == "floating":
            network["gateway"] = str(allocation.shared["secondary"].addresses[family])
        else:
            shared = pair_addresses(subnet)
            network["gateway"] = str(shared["secondary"])
            network |= {name: with_prefix(one, subnet) for name, one in shared.items()}
            if leaves < 2:
                network["leaf_b"] = None
        networks[family] = network
    return networks
