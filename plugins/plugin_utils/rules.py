# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a cluster's variables must fit together, and with those of the other clusters of the fabric.

Each rule is a function of the intent that yields faults; ``RULES`` names them all. Rules judge what is there: a value
that was refused by itself is not judged again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from .access import cabling, shared_blocks, shared_domains, shared_ports, unknown_ports, vpc_name
from .addressing import MAX_PREFIX_LENGTH, NODE_PREFIX_LENGTH, overlap
from .connectivity_rules import connectivity_faults, contracts_between, l3outs_between, microsegments_between
from .faults import Fault, did_you_mean, error, repeated, some, warning
from .intent import LAST_ROUTER_ID, SUBNET_ROLES, Intent, Node
from .limits import cluster_routes, own_routes, supports_floating
from .node_system import hypervisors, mobility, nics
from .variables import INVALID

# AS numbers that no network may use, and why (RFC 7607, RFC 6793, RFC 7300).
RESERVED_ASNS = {
    23456: "stands for a four-byte AS number (RFC 6793)",
    65535: "is reserved (RFC 7300)",
    4294967295: "is reserved (RFC 7300)",
}
# APIC's limit for names, and the longest that is put behind a name of the user's.
APIC_NAME_LENGTH = 64
LONGEST_POLICY_SUFFIX = "-import"
LONGEST_INTERFACE_SUFFIX = "-ipv6"
KUBERNETES_NAME_LENGTH = 253
# The smallest MTU that IPv6 runs over (RFC 8200).
IPV6_MTU = 1280
# Families that the roles other than nodes must have too. External and load balancer addresses may do with fewer.
FULL_ROLES = ("node", "pod", "service")

Rule = Callable[[Intent], Iterator[Fault]]
NeighbourRule = Callable[[Intent, Intent], Iterator[Fault]]


def check_rules(intent: Intent) -> list[Fault]:
    """What is wrong within a cluster."""
    return [fault for rule in RULES for fault in rule(intent)]


def check_neighbours(intent: Intent, neighbours: Iterable[Intent]) -> list[Fault]:
    """What is wrong between a cluster and the others of the same inventory."""
    return [fault for other in neighbours for rule in _neighbour_rules(intent, other) for fault in rule(intent, other)]


def _neighbour_rules(intent: Intent, other: Intent) -> Iterator[NeighbourRule]:
    yield from NEIGHBOUR_RULES
    if intent.shares_fabric(other):
        yield from FABRIC_RULES
    if intent.shares_vrf(other):
        yield from VRF_RULES


# --- racks, leaves, nodes --------------------------------------------------------------------------------------------


def racks(intent: Intent) -> Iterator[Fault]:
    """Each rack is named once and has a pair of leaves."""
    for rack, first in repeated(intent.racks, attrgetter("id")):
        path, problem = f"{rack.path}.id", f"Rack '{rack.id}' is also {first.path}"
        yield error("rack-twice", path, problem, "Give each rack its own id.")
    for rack in intent.racks:
        path = f"{rack.path}.leaves"
        if rack.leaf_entries == 0:
            yield error("rack-without-leaves", path, f"Rack '{rack.id}' has no leaf", "Name its pair of leaves.")
        elif rack.leaf_entries == 1:
            yield warning(
                "rack-with-one-leaf",
                path,
                f"Rack '{rack.id}' has one leaf only: when it fails or reloads, the rack is cut off",
                "Name the other leaf of the vPC pair.",
            )
        elif rack.leaf_entries > 2:
            yield error(
                "rack-with-too-many-leaves",
                path,
                f"Rack '{rack.id}' has {rack.leaf_entries} leaves; a vPC pair has two",
                "Make racks of two leaves each.",
            )
        if intent.sound and not rack.nodes:
            yield warning(
                "rack-without-nodes",
                f"{rack.path}.nodes",
                f"Rack '{rack.id}' has no node",
                "Name its nodes, or drop it.",
            )


def leaves(intent: Intent) -> Iterator[Fault]:
    """Each leaf is in one rack, once."""
    for leaf, first in repeated(intent.leaves, attrgetter("id")):
        yield error(
            "leaf-twice",
            leaf.path,
            f"Leaf {leaf.id} is also {first.path} (rack '{first.rack}')",
            "A leaf belongs to one rack: name it once.",
        )


def nodes(intent: Intent) -> Iterator[Fault]:
    """Each node is in one rack, once."""
    for node, first in repeated(intent.nodes, attrgetter("name")):
        yield error(
            "node-twice",
            node.path,
            f"Node {node.name} is also {first.path} (rack '{first.rack}')",
            "A node belongs to one rack: name it once, in the rack's list or as an inventory host.",
        )


def router_ids(intent: Intent) -> Iterator[Fault]:
    """Every leaf has a router ID of its own."""
    known = [leaf for leaf in intent.leaves if leaf.router_id is not None]
    for leaf, first in repeated(known, attrgetter("router_id.value")):
        if first.id != leaf.id:
            yield error(
                "router-id-repeats",
                leaf.path,
                f"Leaf {leaf.id} has router ID {leaf.router_id}, which leaf {first.id} ({first.path}) has",
                "Give the leaf a router_id of its own.",
            )
    base = intent["router_id_base"]
    for leaf in intent.leaves:
        if leaf.router_id is None and base is not None and base.value + leaf.id > LAST_ROUTER_ID:
            yield error(
                "router-id-out-of-range",
                "aci_calico_router_id_base",
                f"{base} plus leaf ID {leaf.id} is beyond the last unicast address",
                "Choose a lower base, such as 1.1.4.0.",
            )


# --- subnets ---------------------------------------------------------------------------------------------------------


def subnet_overlaps(intent: Intent) -> Iterator[Fault]:
    """No two subnets of a cluster share an address."""
    subnets = [subnet for role in SUBNET_ROLES for subnet in intent.subnets[role]]
    for one, other in itertools.combinations(subnets, 2):
        if overlap(one.network, other.network):
            yield error(
                "subnet-overlap",
                other.path,
                f"{other.network} overlaps {one.network} ({one.path})",
                "Choose subnets that share no address.",
            )


def families(intent: Intent) -> Iterator[Fault]:
    """A family that one role has, nodes, pods and services have."""
    present = {subnet.family for role in SUBNET_ROLES for subnet in intent.subnets[role]}
    for role in FULL_ROLES:
        own = {subnet.family for subnet in intent.subnets[role]}
        complete = intent[SUBNET_ROLES[role].removeprefix("aci_calico_")] is not None
        for family in sorted(present - own) if own and complete else ():
            yield error(
                "family-missing",
                SUBNET_ROLES[role],
                f"There is no {family} subnet, but other subnets of the cluster are {family}",
                f"Add an {family} subnet here, or take those of the others out.",
            )


def node_subnets(intent: Intent) -> Iterator[Fault]:
    """Floating SVI: one subnet of a family for each L3Out. Standard SVI: each supernet holds at least one node's subnet."""
    if intent.kind == "floating":
        yield from _floating_subnets(intent)
    if intent.kind != "standard":
        return
    lengths = {"ipv4": NODE_PREFIX_LENGTH, "ipv6": intent["ipv6_node_prefix_length"] or MAX_PREFIX_LENGTH["ipv6"]}
    for subnet in intent.subnets["node"]:
        if subnet.network.prefixlen > lengths[subnet.family]:
            yield error(
                "supernet-too-small",
                subnet.path,
                f"{subnet.network} does not hold a /{lengths[subnet.family]}, which each node needs",
                "Use a larger supernet"
                + (" or a longer aci_calico_ipv6_node_prefix_length." if subnet.family == "ipv6" else "."),
            )


def _floating_subnets(intent: Intent) -> Iterator[Fault]:
    wanted = max((l3out.number for l3out in intent.l3outs), default=1)
    for family in intent.families:
        subnets = [subnet for subnet in intent.subnets["node"] if subnet.family == family]
        for subnet in subnets[wanted:]:
            yield error(
                "floating-subnet-twice",
                subnet.path,
                f"{subnet.network} is one {family} node subnet too many: floating SVI has one for each L3Out, and the racks need"
                f" {wanted}",
                "Use one larger subnet, or standard SVI (aci_calico_svi: standard).",
            )
        if len(subnets) < wanted:
            yield error(
                "subnet-for-each-l3out",
                SUBNET_ROLES["node"],
                f"The racks need {wanted} L3Outs, each with a floating SVI and so with an {family} node subnet of its own;"
                f" {len(subnets)} {'is' if len(subnets) == 1 else 'are'} named",
                f"Name {wanted} {family} subnets in the order of the L3Outs, or use standard SVI (aci_calico_svi: standard).",
            )


def floating_vlans(intent: Intent) -> Iterator[Fault]:
    """Floating SVI: a VLAN for each L3Out."""
    vlans, wanted = intent["vlan"], len(intent.l3outs)
    if intent.kind == "floating" and vlans and len(vlans) < wanted:
        yield error(
            "vlan-too-few",
            "aci_calico_vlan",
            f"The racks need {wanted} L3Outs, each with a floating SVI and so with a VLAN of its own; {len(vlans)}"
            f" {'is' if len(vlans) == 1 else 'are'} named",
            f"Name {wanted} VLANs in the order of the L3Outs, such as 300-{299 + wanted}.",
        )


def several_l3outs(intent: Intent) -> Iterator[Fault]:
    """Beyond what the paper describes, the racks are spread."""
    if len(intent.l3outs) > 1:
        shares = "; ".join(f"{l3out.name}: racks {', '.join(l3out.racks)}" for l3out in intent.l3outs)
        yield warning(
            "several-l3outs",
            "aci_calico_racks",
            f"{len(intent.leaves)} leaves are more than one L3Out holds: the racks are spread over {len(intent.l3outs)} ({shares})",
            "Nothing, where that is wanted. Where the release allows more leaves in an L3Out, set aci_calico_limits.",
        )


def pod_blocks(intent: Intent) -> Iterator[Fault]:
    """Pools hold blocks, and one for each node at least."""
    lengths = {"ipv4": intent["block_size"], "ipv6": intent["ipv6_block_size"]}
    for subnet in intent.subnets["pod"]:
        length = lengths[subnet.family]
        if length is not None and subnet.network.prefixlen > length:
            yield error(
                "pool-smaller-than-block",
                subnet.path,
                f"{subnet.network} does not hold a block of /{length}",
                "Use a larger pod subnet or a longer block size.",
            )
    for family, length in lengths.items():
        pools = intent.networks("pod", family)
        blocks = sum(2 ** (length - pool.prefixlen) for pool in pools if pool.prefixlen <= length) if length else 0
        if pools and 0 < blocks < len(intent.nodes):
            yield warning(
                "pool-short-of-blocks",
                SUBNET_ROLES["pod"],
                f"The {family} pod subnets hold {blocks} blocks of /{length} for {len(intent.nodes)} nodes:"
                " nodes without a block announce a host route for each pod",
                "Use a larger pod subnet or a longer block size.",
            )


def imports(intent: Intent) -> Iterator[Fault]:
    """What the fabric accepts and tells covers the cluster's own subnets."""
    for variable, what in (("import_subnets", "accepted by the fabric"), ("export_subnets", "told to the nodes")):
        allowed = intent.networks_of(variable)
        if allowed is None:
            continue
        for twice in sorted({prefix for prefix in allowed if allowed.count(prefix) > 1}):
            yield error("subnet-twice", f"aci_calico_{variable}", f"{twice} is named twice", "Name each subnet once.")
        for subnet in (subnet for role in SUBNET_ROLES for subnet in intent.subnets[role]):
            if not any(subnet.network in prefix for prefix in allowed):
                yield warning(
                    "subnet-not-allowed",
                    f"aci_calico_{variable}",
                    f"Routes of {subnet.network} ({subnet.path}) are not {what}",
                    "Add the subnet, or leave the variable out.",
                )


# --- ACI and BGP -----------------------------------------------------------------------------------------------------


def as_numbers(intent: Intent) -> Iterator[Fault]:
    """Fabric and cluster have usable AS numbers that differ."""
    for name in ("fabric_asn", "cluster_asn"):
        path, asn = f"aci_calico_{name}", intent[name]
        if asn in RESERVED_ASNS:
            yield error(
                "asn-reserved", path, f"AS {asn} {RESERVED_ASNS[asn]}", "Choose a private AS number: 64512-65534."
            )
        elif asn is not None and asn >= 2**31:
            yield warning(
                "asn-beyond-calico",
                path,
                f"AS {asn}: the schemas of many Calico releases refuse AS numbers from 2147483648",
                "Check that your Calico takes it, or choose a lower one.",
            )
    if intent["fabric_asn"] is not None and intent["fabric_asn"] == intent["cluster_asn"]:
        yield error(
            "asn-equal",
            "aci_calico_cluster_asn",
            f"Fabric and cluster both have AS {intent['cluster_asn']}; the sessions between them are eBGP",
            "Give the cluster an AS number of its own.",
        )


def timers(intent: Intent) -> Iterator[Fault]:
    """Hold time and keepalive interval fit."""
    keepalive, hold = intent["bgp_keepalive"], intent["bgp_hold"]
    if hold in (1, 2):
        yield error(
            "hold-time", "aci_calico_bgp_hold", f"A hold time of {hold} s is refused by BGP", "Use 0, or 3 and more."
        )
    elif hold and keepalive is not None and keepalive * 3 > hold:
        yield error(
            "keepalive-too-long",
            "aci_calico_bgp_keepalive",
            f"Keepalives every {keepalive} s leave no room for a lost one in a hold time of {hold} s",
            "Use a third of the hold time at most.",
        )


def prefix_limit(intent: Intent) -> Iterator[Fault]:
    """A prefix limit leaves room for what nodes send: their own routes, and those learned from the other leaf."""
    limit = intent["bgp_prefix_limit"]
    if limit is None:
        return
    count = own_routes if intent["bgp_filter"] else cluster_routes
    for family in intent.families:
        expected = count(intent, family)
        if limit < expected:
            yield warning(
                "prefix-limit-too-small",
                "aci_calico_bgp_prefix_limit",
                f"A node is expected to send about {expected} {family} prefixes, those learned from its other leaf included,"
                f" and the limit is {limit}",
                "Raise the limit, or keep nodes from sending learned routes (aci_calico_bgp_filter: true).",
            )


def mtu(intent: Intent) -> Iterator[Fault]:
    """IPv6 needs 1280 bytes."""
    if "ipv6" in intent.families and intent["mtu"] is not None and intent["mtu"] < IPV6_MTU:
        yield error(
            "mtu-too-small-for-ipv6",
            "aci_calico_mtu",
            f"IPv6 does not run over an MTU of {intent['mtu']}",
            f"Use {IPV6_MTU} or more; 9000 is recommended.",
        )


def non_anchors(intent: Intent) -> Iterator[Fault]:
    """Leaves without anchors belong to a floating SVI, and have none."""
    given = [leaf for leaf in intent["non_anchor_leaves"] or () if leaf is not INVALID]
    path = "aci_calico_non_anchor_leaves"
    anchors = {leaf.id: leaf for leaf in intent.leaves}
    for leaf in given:
        if leaf in anchors:
            yield error(
                "non-anchor-is-anchor",
                path,
                f"Leaf {leaf} is an anchor of rack '{anchors[leaf].rack}' ({anchors[leaf].path})",
                "Name it in one place: a rack's own leaves are its anchors.",
            )
    if len(set(given)) < len(given):
        yield error("non-anchor-twice", path, f"A leaf is named twice: {some(given)}", "Name each leaf once.")
    if given and intent.kind == "standard":
        yield error(
            "non-anchor-with-standard-svi",
            path,
            "A standard SVI has no non-anchor leaves: a node's leaves have its addresses",
            "Make racks of these leaves, or use floating SVI.",
        )
    elif given:
        yield warning(
            "non-anchor-detour",
            path,
            f"Traffic of nodes behind leaves {some(given)} takes a detour over the anchors that they peer with",
            "Give the rack anchors of its own where a further L3Out is no trouble; nothing, where the detour is bearable.",
        )


def forwarding_profile(intent: Intent) -> Iterator[Fault]:
    """The profile for IPv4 has no room for IPv6."""
    if intent["forwarding_profile"] == "ipv4" and "ipv6" in intent.families:
        yield error(
            "profile-without-ipv6",
            "aci_calico_forwarding_profile",
            "The forwarding scale profile ipv4 leaves the leaves without IPv6, and the cluster has it",
            "Use another profile, such as dual_stack or high_lpm.",
        )


def ipv6_alone(intent: Intent) -> Iterator[Fault]:
    """Calico takes a node's router ID from its IPv4 address; without one it has to be told otherwise."""
    if intent.families == ["ipv6"]:
        yield warning(
            "ipv6-router-id",
            SUBNET_ROLES["node"],
            "The nodes have no IPv4 address, which Calico's BGP daemon takes its router ID from",
            "Set CALICO_ROUTER_ID=hash in calico-node's environment (with the Tigera operator, let Calico have no IPv4 pool).",
        )


def floating_needs(intent: Intent) -> Iterator[Fault]:
    """Floating SVI needs a physical domain, and a release that has it."""
    if intent.kind != "floating":
        return
    if "aci_calico_physical_domain" in intent.values and not intent["physical_domain"]:
        yield error(
            "physical-domain-missing",
            "aci_calico_physical_domain",
            "Floating SVI binds its VLAN through a physical domain, and there is none",
            "Name the physical domain of the nodes' ports.",
        )
    if not supports_floating(intent):
        yield error(
            "apic-too-old",
            "aci_calico_apic_version",
            f"APIC {intent['apic_version']} has no floating SVI on physical domains",
            "Use standard SVI (aci_calico_svi: standard).",
        )


def names(intent: Intent) -> Iterator[Fault]:
    """Names that are made of the user's stay within what APIC and Kubernetes take: nothing is ever cut off."""
    longest = APIC_NAME_LENGTH - len(LONGEST_POLICY_SUFFIX)
    if len(intent.l3out) > longest:
        path = "aci_calico_l3out" if intent["l3out"] else "aci_calico_cluster_name"
        yield error(
            "name-too-long",
            path,
            f"'{intent.l3out}' has {len(intent.l3out)} characters; policies named after it leave room for {longest}",
            "Set a shorter aci_calico_l3out.",
        )
    if intent.kind == "standard":
        for node in intent.nodes:
            yield from _standard_node_names(intent, node)


def _standard_node_names(intent: Intent, node: Node) -> Iterator[Fault]:
    longest = APIC_NAME_LENGTH - len(LONGEST_INTERFACE_SUFFIX)
    if len(node.name) > longest:
        yield error(
            "name-too-long",
            node.path,
            f"Node name '{node.name}' has {len(node.name)} characters; its interface profile on APIC leaves room for {longest}",
            "Use floating SVI, or a shorter node name.",
        )
    pattern = intent["vpc_name"]
    if node.vpc is None and pattern is not None:
        vpc = vpc_name(intent, node)
        if len(vpc) > APIC_NAME_LENGTH:
            yield error(
                "name-too-long",
                node.path,
                f"The vPC's name '{vpc}' has {len(vpc)} characters; APIC takes {APIC_NAME_LENGTH}",
                "Set the node's vpc, or a shorter aci_calico_vpc_name.",
            )


def renumbered(intent: Intent) -> Iterator[Fault]:
    """What may be renumbered is there."""
    known = ["all", "svi", *(leaf.name for leaf in intent.leaves), *(node.name for node in intent.nodes)]
    for index, name in enumerate(intent["renumber"] or []):
        if isinstance(name, str) and intent.sound and name not in known:
            yield error(
                "unknown-renumber",
                f"aci_calico_renumber[{index}]",
                f"There is no node or leaf {name}",
                did_you_mean(name, known) or "Name nodes, leaves (leaf-201), svi, or all.",
            )


RULES: Sequence[Rule] = (
    racks,
    leaves,
    nodes,
    router_ids,
    subnet_overlaps,
    families,
    node_subnets,
    floating_vlans,
    several_l3outs,
    pod_blocks,
    imports,
    as_numbers,
    timers,
    prefix_limit,
    mtu,
    ipv6_alone,
    non_anchors,
    forwarding_profile,
    floating_needs,
    names,
    cabling,
    unknown_ports,
    nics,
    hypervisors,
    mobility,
    renumbered,
    connectivity_faults,
)


# --- between clusters ------------------------------------------------------------------------------------------------


def cluster_names(intent: Intent, other: Intent) -> Iterator[Fault]:
    """Each cluster has its own name: it marks what it owns, and names its artifacts."""
    if intent.cluster == other.cluster:
        yield error(
            "cluster-name-shared",
            "aci_calico_cluster_name",
            f"Another cluster of the inventory is also called '{other.cluster}'",
            "Give each cluster a name of its own.",
        )


def l3outs(intent: Intent, other: Intent) -> Iterator[Fault]:
    """Each L3Out, and with it the names of a cluster's policies, is one cluster's."""
    tenant = intent["tenant"]
    if tenant is None or tenant != other["tenant"]:
        return
    for name in sorted(intent.l3out_names & other.l3out_names):
        yield error(
            "l3out-shared",
            "aci_calico_l3out",
            f"Cluster {other.cluster} has an L3Out '{name}' in tenant {tenant}, too",
            "Give each cluster an L3Out of its own.",
        )


def shared_subnets(intent: Intent, other: Intent) -> Iterator[Fault]:
    """They share no address."""
    for role, other_role in itertools.product(SUBNET_ROLES, SUBNET_ROLES):
        for one, two in itertools.product(intent.subnets[role], other.subnets[other_role]):
            if overlap(one.network, two.network):
                yield error(
                    "subnet-overlap-clusters",
                    one.path,
                    f"{one.network} overlaps {two.network} ({two.path} of cluster {other.cluster}), in the same VRF",
                    "Choose subnets that share no address, or another VRF.",
                )


def shared_vlans(intent: Intent, other: Intent) -> Iterator[Fault]:
    """On the same leaves they have different VLANs."""
    leaves_ = sorted({leaf.id for leaf in intent.leaves} & {leaf.id for leaf in other.leaves})
    vlans = sorted(_vlans(intent) & _vlans(other))
    if leaves_ and vlans:
        yield error(
            "vlan-shared",
            "aci_calico_vlan",
            f"Cluster {other.cluster} uses VLAN {some(vlans)} on the same leaves ({some(leaves_)}), too",
            "Choose other VLANs.",
        )


def _vlans(intent: Intent) -> set[int]:
    pinned = {node.vlan for node in intent.nodes if node.vlan is not None}
    return pinned.union(intent["vlan"] or [])


def shared_router_ids(intent: Intent, other: Intent) -> Iterator[Fault]:
    """A leaf has one router ID, and no other leaf has it."""
    for leaf, neighbour in itertools.product(intent.leaves, other.leaves):
        if leaf.router_id is None or neighbour.router_id is None:
            continue
        if leaf.id == neighbour.id and leaf.router_id != neighbour.router_id:
            yield error(
                "router-id-contradicts",
                leaf.path,
                f"Leaf {leaf.id} has router ID {leaf.router_id} here and {neighbour.router_id} in cluster {other.cluster},"
                " in the same VRF",
                "Use one router ID for a leaf in all clusters of the VRF.",
            )
        elif leaf.id != neighbour.id and leaf.router_id == neighbour.router_id:
            yield error(
                "router-id-repeats",
                leaf.path,
                f"Leaf {leaf.id} has router ID {leaf.router_id}, which leaf {neighbour.id} has in cluster {other.cluster},"
                " in the same VRF",
                "Give each leaf a router ID of its own.",
            )


def shared_ecmp(intent: Intent, other: Intent) -> Iterator[Fault]:
    """ECMP is a setting of the VRF: they agree on it."""
    for name in ("bgp_ecmp_ebgp", "bgp_ecmp_ibgp"):
        if None not in (intent[name], other[name]) and intent[name] != other[name]:
            yield error(
                "ecmp-contradicts",
                f"aci_calico_{name}",
                f"{intent[name]} here and {other[name]} in cluster {other.cluster}, and the VRF has one value",
                "Use one value for all clusters of the VRF.",
            )


# For any two clusters of the inventory, for those of one fabric, and for those of one VRF.
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
VRF_RULES: Sequence[NeighbourRule] = (shared_subnets, shared_router_ids, shared_ecmp, microsegments_between)
