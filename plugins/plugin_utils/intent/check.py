# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for the variables of a cluster, and for those of several clusters of one inventory.

Each rule is a function of the intent that yields problems; ``RULES`` lists them all. Rules skip values that were refused when
they were read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..schema.problems import Problem
from .intent import Intent
from .rules.access import cabling, shared_blocks, shared_domains, shared_ports, unknown_ports
from .rules.bgp import as_numbers, floating_needs, forwarding_profile, mtu, optimal_forwarding, prefix_limit, timers
from .rules.connectivity import connectivity_problems, contracts_between, l3outs_between, microsegments_between
from .rules.names import names
from .rules.neighbours import cluster_names, l3outs, shared_ecmp, shared_policies, shared_router_ids, shared_subnets, shared_vlans
from .rules.nodes import hypervisors, mobility, nics
from .rules.pools import disabled_pools, load_balancer_blocks, pools
from .rules.racks import leaves, nodes, non_anchors, racks, renumbered, router_ids, spares
from .rules.subnets import (
    families,
    floating_vlans,
    imports,
    ipv6_alone,
    node_subnets,
    pod_blocks,
    several_l3outs,
    subnet_overlaps,
)

Rule = Callable[[Intent], Iterator[Problem]]
NeighbourRule = Callable[[Intent, Intent], Iterator[Problem]]


def check_rules(intent: Intent) -> list[Problem]:
    """Return the problems within a cluster."""
    return [problem for rule in RULES for problem in rule(intent)]


def check_neighbours(intent: Intent, neighbours: Iterable[Intent]) -> list[Problem]:
    """Return the problems between a cluster and the others of its inventory."""
    return [problem for other in neighbours for rule in _neighbour_rules(intent, other) for problem in rule(intent, other)]


def _neighbour_rules(intent: Intent, other: Intent) -> Iterator[NeighbourRule]:
    yield from NEIGHBOUR_RULES
    if intent.shares_fabric(other):
        yield from FABRIC_RULES
    if intent.shares_vrf(other):
        yield from VRF_RULES


RULES: Sequence[Rule] = (
    racks,
    leaves,
    nodes,
    spares,
    router_ids,
    subnet_overlaps,
    families,
    node_subnets,
    floating_vlans,
    several_l3outs,
    pod_blocks,
    pools,
    disabled_pools,
    load_balancer_blocks,
    imports,
    as_numbers,
    timers,
    prefix_limit,
    mtu,
    ipv6_alone,
    non_anchors,
    forwarding_profile,
    floating_needs,
    optimal_forwarding,
    names,
    cabling,
    unknown_ports,
    nics,
    hypervisors,
    mobility,
    renumbered,
    connectivity_problems,
)


# Rules for any two clusters of the inventory, for two of one fabric, and for two of one VRF.
NEIGHBOUR_RULES: Sequence[NeighbourRule] = (cluster_names,)
FABRIC_RULES: Sequence[NeighbourRule] = (
    l3outs,
    shared_vlans,
    shared_domains,
    shared_blocks,
    shared_ports,
    contracts_between,
    l3outs_between,
)
VRF_RULES: Sequence[NeighbourRule] = (shared_subnets, shared_router_ids, shared_ecmp, shared_policies, microsegments_between)
