# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the fabric and the cluster that a plan expects, as a pure function of the plan.

Sources: *ACI Calico Design White Paper*, "BGP hardening", "Kubernetes node ingress routing" and "Calico routing and BGP
configuration"; RFC 4271 section 4.2 for the negotiated timers.
"""

from __future__ import annotations

from collections.abc import Collection

# The hold time in seconds that BIRD offers by default; Calico's configuration of BIRD sets none.
BIRD_HOLD = 240


def expectations(plan: dict, pending: Collection[str] = ()) -> dict:
    """Return the expected state that the live state is compared with.

    :param plan: a cluster's plan (see docs/development/plan.md).
    :param pending: planned nodes that are not in Kubernetes yet: neither sessions nor routes of them are expected.
    :returns: a dictionary of plain values: ``sessions`` (one entry for each node, leaf and family), ``nodes``,
        ``leaves`` and ``racks`` by name, ``prefixes`` (the plan's subnets by role and family), ``allowed`` (the prefixes
        that import route control permits, by family), ``ecmp``, ``prefix_limit``, ``filtered``, ``shared_peers``
        (whether one peer on APIC covers all nodes of a leaf), ``next_hop_propagation`` and the VRF as ``tenant:vrf``.
    """
    fabric, bgp = plan["fabric"], plan["bgp"]
    nodes = [node for node in plan["nodes"] if node["name"] not in pending]
    return {
        "cluster": plan["cluster"],
        "vrf": f"{fabric.get('vrf_tenant') or fabric['tenant']}:{fabric['vrf']}",
        "families": list(plan["address_families"]),
        "fabric_asn": fabric["asn"],
        "cluster_asn": plan["cluster_asn"],
        "racks": {
            rack["id"]: {"leaves": rack["leaves"], "nodes": [name for name in rack["nodes"] if name not in pending]}
            for rack in plan["racks"]
        },
        "leaves": {leaf["id"]: {"rack": leaf["rack"], "pod": leaf["pod"]} for leaf in plan["leaves"]},
        "nodes": {node["name"]: _node(node) for node in nodes},
        "sessions": [session for node in nodes for session in _sessions(plan, node)],
        "prefixes": plan["subnets"],
        "allowed": plan["route_control"]["import"],
        "ecmp": {"ebgp": bgp["ecmp_ebgp"], "ibgp": bgp["ecmp_ibgp"]},
        "prefix_limit": bgp["prefix_limit"],
        "filtered": plan["calico"]["bgp_filter"],
        "shared_peers": plan["svi"]["kind"] == "floating",
        "next_hop_propagation": bool(bgp.get("next_hop_propagation")),
    }


def negotiated_timers(keepalive: int, hold: int) -> dict:
    """Return the timers in seconds of a session between a leaf and BIRD.

    The hold time is the smaller of both; the keepalive interval is at most a third of it.
    """
    hold = min(hold, BIRD_HOLD)
    return {"keepalive": min(keepalive, hold // 3), "hold": hold}


def _node(node: dict) -> dict:
    addresses = {family: network["address"].split("/")[0] for family, network in node["networks"].items()}
    return {"rack": node["rack"], "addresses": addresses, "distant": "attached" in node}


def _sessions(plan: dict, node: dict) -> list[dict]:
    bgp = plan["bgp"]
    return [
        {
            "rack": node["rack"],
            "node": node["name"],
            "leaf": peer["leaf"],
            "family": peer["family"],
            "node_address": node["networks"][peer["family"]]["address"].split("/")[0],
            "leaf_address": peer["address"],
            "local_asn": plan["fabric"]["asn"],
            "remote_asn": node["asn"],
            **negotiated_timers(bgp["keepalive"], bgp["hold"]),
            "graceful_restart": bgp["graceful_restart"],
        }
        for peer in node["peers"]
    ]
