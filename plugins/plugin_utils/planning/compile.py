# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compiler: checks a cluster's intent and assembles its plan, one dictionary (docs/development/plan.md)."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils.names import owner_of
from ..intent.access import vpc_name
from ..intent.check import check_neighbours, check_rules
from ..intent.connectivity import cluster_contract, outside
from ..intent.intent import SUBNET_ROLES, Intent, L3Out, Node, Rack, Subnet
from ..intent.limits import Others, limit_problems, limit_report, override_problems, route_estimate, usage
from ..intent.nodes import nics_of
from ..intent.pools import read_pools
from ..intent.reading import SECRETS_OPTIONAL, read_intent
from ..schema.addressing import by_family, family_of
from ..schema.option import BARE_METAL, CENTRAL, LOAD_BALANCER
from ..schema.problems import IntentError, Problem, errors, warnings
from .access import access_plan
from .advice import advise
from .allocation import allocate
from .connectivity import plan_connectivity
from .ledger import Ledger, dump_ledger, unproven, usable
from .neighbours import Neighbours
from .networks import floating_networks, leaf_networks, node_networks
from .peering import SIDES, leaf_peers, node_peers, sessions
from .record import Allocation, record_of
from .spread import retired, spread
from .svi import choose_svi, recommend_svi

SCHEMA = 1
# Calico's own name for the pool that it makes when it is installed.
DEFAULT_POOL = {"ipv4": "default-ipv4-ippool", "ipv6": "default-ipv6-ippool"}
# Without these, nodes of one AS reject each other's routes (white paper, "AS Per Cluster design - overview").
PEER_CONTROLS = ("as-override", "dis-peer-as-check")
# The BGP policies that are valid for the VRF, or for the VRF on a leaf, whichever L3Out names them.
POLICY_KINDS = ("timers", "best_path", "ecmp")


@dataclass
class Compiled:
    """The result for a cluster.

    :ivar plan: the plan, or None if there is an error among the problems.
    :ivar record: the new text of the allocation file, or None.
    :ivar problems: all errors and warnings.
    """

    cluster: str
    plan: dict[str, Any] | None
    record: str | None
    problems: list[Problem]

    def require(self) -> dict[str, Any]:
        """Return the plan.

        :raises IntentError: there is none.
        """
        if self.plan is None:
            raise IntentError(self.cluster, self.problems)
        return self.plan


def compile_cluster(
    variables: Mapping[str, Any],
    host: str,
    *,
    node_hosts: Mapping[str, Mapping[str, Any]] | None = None,
    ledger: Ledger | None = None,
    neighbours: Neighbours | None = None,
    secrets: str = SECRETS_OPTIONAL,
    unreadable: Collection[str] = (),
    problems: Iterable[Problem] = (),
) -> Compiled:
    """Check a cluster's intent and plan it.

    :param variables: the cluster's variables.
    :param host: the inventory host that stands for the cluster.
    :param node_hosts: the other hosts of its groups, with their variables.
    :param ledger: the allocation file.
    :param neighbours: the inventory's other clusters.
    :param secrets: how strictly to check the password (see ``intent.reading``).
    :param unreadable: variables that are declared and have no readable value.
    :param problems: problems that were found before.
    :returns: the plan, or all problems. No value of a variable raises an exception.
    """
    intent, found = read_intent(variables, host, node_hosts, secrets=secrets, unreadable=unreadable)
    others = neighbours.others(intent) if neighbours else Others()
    recommended = recommend_svi(intent, others)
    intent.kind, intent.reasons = choose_svi(intent, recommended)
    ledger = ledger or Ledger()
    record, refused = usable(ledger, intent)
    intent.l3outs = spread(intent, record.racks_of(intent.kind))
    between = check_neighbours(intent, neighbours.in_conflict(intent)) if neighbours else []
    found = [*problems, *refused, *found, *check_rules(intent), *between, *override_problems(intent)]
    used = usage(intent, others)
    if intent.sound:
        found += limit_problems(intent.kind, used)
    allocations: dict[int, Allocation] = {}
    if _can_allocate(intent, found):
        allocations, collisions = allocate(intent, record)
        found += collisions
    if not allocations or errors(found):
        return Compiled(intent.cluster, None, None, found)
    now = record_of(intent, allocations, record)
    unknown = unproven(ledger, intent, now)
    if unknown:
        return Compiled(intent.cluster, None, None, [*found, *unknown])
    gone = retired(intent, record.racks_of(intent.kind))
    advice = advise(intent, recommended, others)
    plan = _assemble(intent, allocations, gone, advice, limit_report(intent.kind, used), warnings(found))
    return Compiled(intent.cluster, plan, dump_ledger(intent.cluster, now), found)


# Problems that the allocation would only repeat in other words.
_FUNDAMENTAL = frozenset({"floating-subnet-twice", "subnet-for-each-l3out", "supernet-too-small", "family-missing", "rack-twice"})


def _can_allocate(intent: Intent, problems: Iterable[Problem]) -> bool:
    """Return whether node subnets and claimants are sound, so that the allocation finds no consequences of other problems."""
    if not intent.sound or not intent.subnets["node"]:
        return False
    return not any(
        problem.id in _FUNDAMENTAL or (problem.path.startswith(SUBNET_ROLES["node"]) and problem.id != "subnet-overlap-clusters")
        for problem in errors(problems)
    )


# --- putting it together ---------------------------------------------------------------------------------------------


def _assemble(
    intent: Intent,
    allocations: Mapping[int, Allocation],
    gone: list[str],
    advice: dict[str, Any],
    limits: list[dict[str, Any]],
    found: Iterable[Problem],
) -> dict[str, Any]:
    homes = {rack: allocations[l3out.number] for l3out in intent.l3outs for rack in l3out.racks}
    leaves = [leaf for rack in intent.racks for leaf in _leaves(rack, homes[rack.id])]
    racks = [_rack(intent, rack) for rack in intent.racks]
    nodes = [_node(intent, node, homes[node.rack]) for node in intent.nodes]
    _attach(intent, nodes)
    peers = _peers(intent, racks, leaves, nodes)
    in_rack: dict[str, list[dict[str, Any]]] = {}
    for peer in peers:
        in_rack.setdefault(peer["rack"], []).append(peer)
    for node in nodes:
        node["peers"] = sessions(node, in_rack.get(node["rack"], ()))
    return {
        "schema": SCHEMA,
        "cluster": intent.cluster,
        "address_families": intent.families,
        "fabric": _fabric(intent),
        "cluster_asn": intent["cluster_asn"],
        "svi": {"kind": intent.kind, "requested": intent["svi"], "reasons": intent.reasons, "advice": advice},
        "interface": {
            "mtu": intent["mtu"],
            "mode": intent["vlan_mode"],
            "encap_scope": intent["encap_scope"],
            **({"autostate": intent["autostate"]} if intent["autostate"] is not None else {}),
        },
        "node_network": {
            "dns": [str(server) for server in intent["dns_servers"]],
            "configs": list(intent["node_configs"]),
            "vm_mobility": intent["vm_mobility"],
        },
        "domains": {"l3": intent["l3_domain"], "physical": intent["physical_domain"]},
        "access": access_plan(intent),
        "bgp": _bgp(intent),
        "subnets": {role: _by_family(subnets) for role, subnets in intent.subnets.items()},
        "route_control": _route_control(intent),
        "names": _names(intent),
        "l3outs": [_l3out(l3out, allocations[l3out.number]) for l3out in intent.l3outs],
        "retired_l3outs": gone,
        "non_anchor_leaves": intent.non_anchors,
        "routes": {
            "profile": intent["forwarding_profile"],
            "estimate": {family: route_estimate(intent, family) for family in intent.families},
        },
        "racks": racks,
        "leaves": leaves,
        "nodes": nodes,
        "peers": peers,
        **plan_connectivity(intent, {l3out.name: _held_subnets(intent, l3out, nodes) for l3out in intent.l3outs}),
        "calico": _calico(intent),
        "limits": limits,
        "warnings": [
            {"id": problem.id, "path": problem.path, "problem": problem.problem, "remedy": problem.remedy} for problem in found
        ],
    }


def _fabric(intent: Intent) -> dict[str, Any]:
    return {
        "asn": intent["fabric_asn"],
        "tenant": intent["tenant"],
        "vrf": intent["vrf"],
        "vrf_tenant": intent.vrf[0],
        "router_id_base": str(intent["router_id_base"]),
    }


def _by_family(subnets: Iterable[Subnet]) -> dict[str, list[str]]:
    return by_family(subnet.network for subnet in subnets)


def _bgp(intent: Intent) -> dict[str, Any]:
    limit = intent["bgp_prefix_limit"]
    return {
        "keepalive": intent["bgp_keepalive"],
        "hold": intent["bgp_hold"],
        "as_limit": intent["bgp_as_limit"],
        "graceful_restart": intent["bgp_graceful_restart"],
        **({"restart_time": intent["bgp_restart_time"]} if intent["bgp_restart_time"] else {}),
        "as_path_relax": intent["bgp_as_path_relax"],
        "ecmp_ebgp": intent["bgp_ecmp_ebgp"],
        "ecmp_ibgp": intent["bgp_ecmp_ibgp"],
        **({"next_hop_propagation": True} if intent["next_hop_propagation"] else {}),
        **({"peering": CENTRAL} if intent["peering"] == CENTRAL else {}),
        "controls": list(PEER_CONTROLS),
        "existing_policies": [kind for kind in POLICY_KINDS if intent[f"bgp_{kind}_policy"]],
        "prefix_limit": limit
        and {"maximum": limit, "action": intent["bgp_prefix_limit_action"], "threshold": intent["bgp_prefix_limit_threshold"]},
    }


def _route_control(intent: Intent) -> dict[str, dict[str, list[str]]]:
    """Return what the fabric accepts and announces: the cluster's subnets unless the user names others, and those outside."""
    own = [subnet for subnets in intent.subnets.values() for subnet in subnets]
    control = {}
    for direction in ("import", "export"):
        named = intent.networks_of(f"{direction}_subnets")
        subnets = own if named is None else [Subnet(direction, network, "") for network in named]
        control[direction] = _by_family(subnets + outside(intent) if direction == "export" else subnets)
    return control


def _names(intent: Intent) -> dict[str, str]:
    """Return the names of policies: the cluster's are named after its L3Out, the VRF's after their content, to be shared."""
    name = intent.l3out
    shared = _shared_names(intent)
    return {
        "owner": owner_of(intent.cluster),
        **{kind: intent[f"bgp_{kind}_policy"] or shared[kind] for kind in POLICY_KINDS},
        "prefix_limit": name,
        **({"next_hop": f"{name}-next-hop", "attached_hosts": f"{name}-hosts"} if intent["next_hop_propagation"] else {}),
        "import_match": f"{name}-import",
        "export_match": f"{name}-export",
        "import_context": f"{name}-import",
        "export_context": f"{name}-export",
        "transit": f"calico-{intent.cluster}-transit",
        "external_epg": intent["external_epg"],
        "cluster_contract": cluster_contract(intent),
    }


def _shared_names(intent: Intent) -> dict[str, str]:
    """Return the names of the policies of the VRF: two policies with equal content and different names would conflict."""
    timers = [intent[f"bgp_{name}"] for name in ("keepalive", "hold", "as_limit")]
    timers += ["helper" if intent["bgp_graceful_restart"] else "no-restart"]
    timers += [intent["bgp_restart_time"]] if intent["bgp_restart_time"] else []
    return {
        "timers": "-".join(map(str, ("calico-timers", *timers))),
        "best_path": f"calico-best-path-{'relax' if intent['bgp_as_path_relax'] else 'strict'}"
        f"{'-ignore-igp' if intent['next_hop_propagation'] else ''}",
        "ecmp": f"calico-ecmp-{intent['bgp_ecmp_ebgp']}-{intent['bgp_ecmp_ibgp']}",
    }


def _l3out(l3out: L3Out, allocation: Allocation) -> dict[str, Any]:
    return {"name": l3out.name, "racks": list(l3out.racks), "floating": floating_networks(allocation)}


def _held_subnets(intent: Intent, l3out: L3Out, nodes: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the prefixes of the L3Out's external EPG, by family.

    A VRF allows a prefix in one external EPG only. The first L3Out therefore has the prefixes that all racks share (pods,
    services, the supernets of standard SVI); the others have those of their own nodes only.
    """
    first = l3out is intent.l3outs[0]
    held: dict[str, list[str]] = {}
    for family, networks in intent.node_networks(l3out.number).items():
        if first or intent.kind == "floating":
            held[family] = [str(network) for network in networks]
        else:
            held[family] = [node["networks"][family]["subnet"] for node in nodes if node["rack"] in l3out.racks]
        if first:
            held[family] += [str(one) for role in SUBNET_ROLES if role != "node" for one in intent.networks(role, family)]
    return held


def _rack(intent: Intent, rack: Rack) -> dict[str, Any]:
    return {
        "id": rack.id,
        "pod": rack.pod,
        "l3out": intent.l3out_of(rack.id).name,
        "node_profile": f"rack-{rack.id}",
        "leaves": [leaf.id for leaf in rack.leaves],
        "nodes": [node.name for node in rack.nodes],
    }


def _leaves(rack: Rack, allocation: Allocation) -> list[dict[str, Any]]:
    return [
        {
            "id": leaf.id,
            "pod": rack.pod,
            "rack": rack.id,
            "side": side,
            "router_id": str(leaf.router_id),
            "networks": leaf_networks(allocation, leaf.name),
        }
        for side, leaf in zip(SIDES, rack.leaves, strict=False)
    ]


def _node(intent: Intent, node: Node, allocation: Allocation) -> dict[str, Any]:
    assignment = allocation.nodes[node.claimant]
    standard = allocation.kind == "standard"
    rack = next(rack for rack in intent.racks if rack.id == node.rack)
    return {
        "name": node.name,
        "rack": node.rack,
        "slot": assignment.slot,
        "asn": intent["cluster_asn"],
        "vlan": assignment.vlan if standard else allocation.vlan,
        "vpc": vpc_name(intent, node) if standard else None,
        "system": _system(intent, node),
        "networks": node_networks(allocation, node.claimant, len(rack.leaves)),
        **({"slot_name": node.spare} if node.spare else {}),
        **({"spare": True} if node.is_spare else {}),
    }


def _attach(intent: Intent, nodes: Iterable[dict[str, Any]]) -> None:
    """Add to each node that is connected elsewhere than to the leaves with which it peers where that is."""
    places = {node.name: rack for rack in intent.places for node in rack.nodes}
    for node in nodes:
        place = places[node["name"]]
        if place.id != node["rack"]:
            node["attached"] = {"rack": place.id, "leaves": [leaf.id for leaf in place.leaves]}


def _system(intent: Intent, node: Node) -> dict[str, Any]:
    return {
        "kind": node.kind,
        "nics": nics_of(intent, node),
        "bond": intent["bond"] if node.kind == BARE_METAL else None,
        "hypervisor": node.hypervisor,
    }


def _peers(
    intent: Intent, racks: list[dict[str, Any]], leaves: list[dict[str, Any]], nodes: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    asn = intent["fabric_asn"]
    if intent.kind == "floating":
        return [peer for rack in racks for peer in leaf_peers(rack, leaves, asn)]
    by_id = {rack["id"]: rack for rack in racks}
    return [peer for node in nodes if not node.get("spare") for peer in node_peers(by_id[node["rack"]], node, asn)]


def _calico(intent: Intent) -> dict[str, Any]:
    return {
        "api_group": intent["calico_api_group"],
        "namespace": intent["calico_namespace"],
        "rack_label": intent["rack_label"],
        "secret": {"name": intent["bgp_secret_name"], "key": intent["bgp_secret_key"]},
        "service_account": intent["service_account"],
        "block_size": {family: intent.block_size(family) for family in intent.families},
        "pools": _pools(intent),
        "bgp_filter": intent["bgp_filter"],
    }


def _pools(intent: Intent) -> list[dict[str, Any]]:
    """Return the IP pools. The first of a family is Calico's own; further ones are named by their subnet, so that adding a
    pool renames none. Load balancer subnets have a pool if the user names one."""
    said = {pool.cidr: pool.settings(intent["rack_label"]) for pool in read_pools(intent)}
    pools = []
    for family in intent.families:
        for index, network in enumerate(intent.networks("pod", family)):
            name = DEFAULT_POOL[family] if index == 0 else pool_name(str(network))
            pools.append({"name": name, "cidr": str(network), "family": family, **said.get(network, {})})
    for network in (subnet.network for subnet in intent.subnets["load_balancer"]):
        if network in said:
            own = {"name": pool_name(str(network)), "cidr": str(network), "family": family_of(network)}
            pools.append({**own, "allowed_uses": [LOAD_BALANCER], **said[network]})
    return pools


def pool_name(cidr: str) -> str:
    """Return a Kubernetes name for a pool: ``ippool-10-2-0-0-16``; IPv6 is written in full."""
    network = ipaddress.ip_network(cidr)
    address = network.network_address.exploded.replace(":", "-").replace(".", "-")
    return f"ippool-{address}-{network.prefixlen}"
