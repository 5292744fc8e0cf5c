# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of the plan for use without an inventory: the functions behind the filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..intent import check as rules
from ..intent.intent import Intent, L3Out
from ..intent.reading import read_intent
from ..schema.addressing import AddressError, IPNetwork, last_usable, parse_subnet, with_prefix
from ..schema.problems import IntentError, Problem, errors
from .allocation import allocate
from .compile import compile_cluster
from .ledger import Ledger, read_ledger, unproven, usable
from .neighbours import Neighbours
from .networks import floating_networks, leaf_networks, node_networks
from .record import Allocation, record_of


def cluster_plan(
    variables: Mapping[str, Any],
    host: str = "cluster",
    node_hosts: Mapping[str, Mapping[str, Any]] | None = None,
    allocation: Any = None,
    neighbours: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return a cluster's plan.

    :param variables: its ``aci_calico_*`` variables; others are ignored.
    :param host: the cluster's name if ``aci_calico_cluster_name`` is not set.
    :param node_hosts: variables of hosts that are its nodes, by host.
    :param allocation: the text or the content of its allocation file.
    :param neighbours: variables of the fabric's other clusters, by host.
    :raises IntentError: with all problems.
    """
    ledger, problems = _read(allocation)
    for name, value in (("variables", variables), ("node_hosts", node_hosts), ("neighbours", neighbours)):
        if value is not None and not isinstance(value, Mapping):
            raise TypeError(f"{name} must be a dictionary")
    return compile_cluster(
        variables,
        str(host),
        node_hosts=node_hosts,
        ledger=ledger,
        neighbours=Neighbours.read(neighbours or {}),
        problems=problems,
    ).require()


def floating_svi_plan(
    subnets: str | Sequence[str],
    nodes: Sequence[Any],
    leaves: Sequence[Any],
    floating: Sequence[str] = (),
    secondary: Sequence[str] = (),
    allocation: Any = None,
) -> dict[str, Any]:
    """Return the addresses of a cluster with floating SVI, in the shape of the plan.

    :param subnets: the node subnet, or one of each family.
    :param nodes: names, or dictionaries as in a rack's ``nodes``.
    :param leaves: the anchor leaves: IDs, or dictionaries as in a rack's ``leaves``.
    :param floating: pinned floating addresses.
    :param secondary: pinned secondary addresses.
    :param allocation: the text or the content of an allocation file.
    :returns: ``{"networks": {family: …}, "leaves": [{"id", "networks"}], "nodes": [{"name", "slot", "networks"}]}``.
    :raises IntentError: with all problems.
    """
    variables = {
        "aci_calico_node_subnets": subnets,
        "aci_calico_racks": [{"id": "rack", "leaves": leaves, "nodes": nodes}],
        "aci_calico_floating_addresses": list(floating),
        "aci_calico_secondary_addresses": list(secondary),
    }
    intent, result = _allocate("floating", variables, allocation)
    shared = floating_networks(result) or {}
    return {
        "networks": shared["networks"],
        "leaves": [{"id": leaf.id, "networks": leaf_networks(result, leaf.name)} for leaf in intent.leaves],
        "nodes": [
            {"name": node.name, "slot": result.nodes[node.name].slot, "networks": node_networks(result, node.name)}
            for node in intent.nodes
        ],
    }


def standard_svi_plan(
    subnets: str | Sequence[str], nodes: Sequence[Any], vlans: Any = None, ipv6_prefix_length: int = 64, allocation: Any = None
) -> list[dict[str, Any]]:
    """Return the subnets, addresses and VLANs of a cluster with standard SVI, in the shape of the plan's ``nodes``.

    :param subnets: the supernet or supernets of the nodes.
    :param nodes: names, or dictionaries as in a rack's ``nodes``.
    :param vlans: a VLAN for each node, as in ``aci_calico_vlan``; None for a result without VLANs.
    :param ipv6_prefix_length: the length of an IPv6 node's own prefix.
    :param allocation: the text or the content of an allocation file.
    :returns: ``[{"name", "slot", "vlan", "networks": {family: {"subnet", "address", "gateway", "leaf_a", "leaf_b",
        "secondary"}}}]``.
    :raises IntentError: with all problems.
    """
    variables = {
        "aci_calico_node_subnets": subnets,
        "aci_calico_racks": [{"id": "rack", "leaves": [], "nodes": nodes}],
        "aci_calico_vlan": vlans,
        "aci_calico_ipv6_node_prefix_length": ipv6_prefix_length,
    }
    intent, result = _allocate("standard", variables, allocation)
    return [
        {
            "name": node.name,
            "slot": result.nodes[node.name].slot,
            "vlan": result.nodes[node.name].vlan,
            "networks": node_networks(result, node.name),
        }
        for node in intent.nodes
    ]


def _read(allocation: Any) -> tuple[Ledger, list[Problem]]:
    return (Ledger(), []) if allocation is None else read_ledger(allocation, "allocation")


def _allocate(kind: str, variables: Mapping[str, Any], allocation: Any) -> tuple[Intent, Allocation]:
    """Allocate from these variables alone, and ignore that required ones are missing."""
    ledger, problems = _read(allocation)
    intent, found = read_intent(variables, ledger.cluster or "cluster")
    intent.kind = kind
    intent.l3outs = [L3Out(1, intent.l3out, tuple(rack.id for rack in intent.racks))]
    record, refused = usable(ledger, intent)
    given = {name for name, value in variables.items() if value is not None}
    problems += [problem for problem in found if problem.id != "required" or problem.path.split("[")[0] in given]
    problems += [problem for rule in (rules.leaves, rules.nodes, rules.node_subnets) for problem in rule(intent)]
    problems += refused
    if not errors(problems):
        allocations, collisions = allocate(intent, record)
        problems += collisions
    if not errors(problems):
        problems += unproven(ledger, intent, replace(record_of(intent, allocations, record), l3outs={}))
    if errors(problems):
        raise IntentError(intent.cluster, problems)
    return intent, allocations[1]


def secondary_ip(subnet: str, prefix: bool = True) -> str:
    """Return the secondary address of a subnet, which is its last usable one.

    :param subnet: the cluster's subnet (floating SVI) or a node's own (standard SVI).
    :param prefix: True for an address with prefix length, as ACI expects it; False for a node's gateway.
    :raises ValueError: the text is not a subnet, or the subnet has no usable addresses.
    """
    network = _subnet(subnet)
    if network.size < 4:
        raise ValueError(f"{network} has no room for a node and a secondary address")
    address = last_usable(network)
    return with_prefix(address, network) if prefix else str(address)


def _subnet(text: Any) -> IPNetwork:
    try:
        return parse_subnet(str(text))
    except AddressError as problem:
        raise ValueError(f"{problem.problem}. {problem.remedy}") from problem
