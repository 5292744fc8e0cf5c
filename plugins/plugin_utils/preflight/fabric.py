# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the fabric before a push: what the plan needs exists and is right, and what it makes does not collide.

Each rule is a function of the plan and the fabric that yields problems; ``RULES`` lists them all. ``prerequisites`` finds
missing objects. The path of a problem is the variable that it concerns.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeGuard

from ...module_utils.names import SHARED
from ..apic.access import domain_dns
from ..apic.rights import ACCESS_POLICIES, in_words, lacking, needed
from ..apic.tree import l3out_dns, node_dn
from ..intent.limits import differing_limits, has_floating, has_next_hop_propagation
from ..intent.rules.connectivity import LEAKING
from ..schema.addressing import IPAddress, IPNetwork, overlap
from ..schema.messages import ERROR, WARNING
from ..schema.problems import Problem, some
from .adoption import in_the_way
from .facts import (
    FABRIC_AS,
    INTERFACE_ADDRESSES,
    LPM_LIMIT,
    LPM_USED,
    Attributes,
    Fabric,
    Objects,
    group_dn,
    group_names,
    holder_of,
    queries,
    similar_query,
    transit_dns,
    vrf_dn,
)
from .policies import policy_problems
from .prerequisites import Plan, missing, missing_problems

RACKS = "aci_calico_racks"
# Share of a leaf's longest-prefix-match entries above which to warn.
LPM_WARNING = 0.8


def fabric_problems(
    plan: Plan, read: Callable[[list[str]], Objects], adopt: bool = False, beside: Iterable[Plan] = ()
) -> list[Problem]:
    """Return the problems that prevent a plan from being pushed or from working, and warnings.

    :param read: a function that returns the objects which a list of queries selects.
    :param adopt: whether the push takes over objects of others.
    :param beside: the plans of other clusters of the fabric that are configured in the same run.
    """
    objects = read(queries(plan))
    beside, others = itertools.tee(beside)  # read only if they are needed
    absent = missing(plan, objects, beside)
    similar = read([similar_query(absent)]) if absent else ()
    rules = RULES if adopt else (*RULES, foreign_objects)
    fabric = Fabric(plan, objects)
    return [
        *missing_problems(absent, similar),
        *(problem for rule in rules for problem in rule(plan, fabric)),
        *policy_problems(plan, fabric, read, adopt, others),
    ]


def privilege_problems(plan: Plan, told: Mapping[str, Collection[str]] | None) -> Iterator[Problem]:
    """Say which privileges the user lacks, as far as the login told them.

    :param told: the ``privileges`` of the module ``aci_info``.
    """
    if told is None or told.get("uni"):  # the roles in the domain all are told by their names only
        return
    if "uni" not in told:
        problem = (
            "The user of the connection has no role in the security domain all: what it cannot see looks as if it were missing"
        )
        yield Problem("reads-limited", "aci_calico_apic_username", problem)
    for holder, classes in sorted(needed(plan).items()):
        held = told.get("uni/tn-infra" if holder == ACCESS_POLICIES else holder, ())
        if absent := lacking(classes, set(held)):
            problem = f"The user of the connection lacks these privileges to write {holder}: {in_words(absent)}"
            yield Problem("privileges-missing", "aci_calico_apic_username", problem)


# --- the fabric and its switches -------------------------------------------------------------------------------------


def fabric_asn(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the fabric has the AS number that the nodes expect."""
    found, wanted = fabric.get(FABRIC_AS), plan["fabric"]["asn"]
    if found is None:
        yield Problem(
            "fabric-asn-missing", "aci_calico_fabric_asn", "The fabric has no AS number, so no BGP runs between its leaves"
        )
    elif int(found["asn"]) != wanted:
        yield Problem(
            "fabric-asn-differs",
            "aci_calico_fabric_asn",
            f"The fabric has AS number {found['asn']}, and the inventory {wanted}: no session would come up",
            f"Set aci_calico_fabric_asn: {found['asn']}.",
        )


def releases(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that controllers and leaves run a release that supports floating SVI, and next-hop propagation if it is wanted."""
    if plan["svi"]["kind"] != "floating":
        return
    controllers = {mo["version"] for mo in fabric.of_class("firmwareCtrlrRunning").values()}
    old = sorted(version for version in controllers if _lacks(version, has_floating))
    if old:
        yield Problem("apic-too-old", "aci_calico_svi", f"APIC {some(old)} has no floating SVI on physical domains")
    of_leaves = {leaf["id"]: mo["version"] for leaf in plan["leaves"] for mo in fabric.on_leaf("firmwareRunning", leaf["id"])}
    for leaf, version in of_leaves.items():
        if _lacks(version, has_floating):
            yield Problem("leaf-too-old", "aci_calico_svi", f"Leaf {leaf} runs {version}, which has no floating SVI")
    if plan["bgp"].get("next_hop_propagation"):
        running = {
            **{f"APIC {version}": version for version in sorted(controllers)},
            **{f"leaf {leaf}": one for leaf, one in of_leaves.items()},
        }
        behind = [f"{name} ({version})" for name, version in running.items() if _lacks(version, has_next_hop_propagation)]
        if behind:
            yield Problem(
                "next-hop-release", "aci_calico_next_hop_propagation", f"Too old to ignore the IGP metric: {some(behind)}"
            )


def limits_of_release(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the plan counts with the scale limits of the release that APIC runs."""
    for version in sorted({mo["version"] for mo in fabric.of_class("firmwareCtrlrRunning").values()}):
        differing = differing_limits(plan["limits"], version) if re.match(r"\d+\.\d+", version) else []
        if differing:
            yield Problem(
                "limits-of-release",
                "aci_calico_apic_version",
                f"APIC runs {version}, whose scale limits are not those of the plan: {', '.join(differing)}",
                f'Set aci_calico_apic_version: "{version}".',
            )


def _lacks(version: str, feature: Callable[[str], bool]) -> bool:
    """Return whether a release lacks a feature. Switches write ``n9000-15.2(3e)`` for 5.2(3e); other formats are ignored."""
    release = re.match(r"(?:n9000-1)?(\d+\.\d+.*)", version)
    return release is not None and not feature(release[1])


def leaves(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the racks' leaves are active leaves of the fabric, in the planned ACI pods."""
    for leaf in plan["leaves"]:
        node, pod = fabric.leaf(leaf["id"])
        if not _is_leaf(node):
            yield _no_leaf(leaf["id"], node, RACKS)
        elif pod != leaf["pod"]:
            yield Problem(
                "leaf-in-another-pod",
                RACKS,
                f"Leaf {leaf['id']} is in ACI pod {pod}, rack '{leaf['rack']}' in ACI pod {leaf['pod']}",
                f"Set the rack's pod: {pod}.",
            )
        elif node["fabricSt"] != "active":
            yield Problem(
                "leaf-inactive", RACKS, f"Leaf {leaf['id']} is {node['fabricSt']}: its sessions cannot come up until it is active"
            )


def non_anchors(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that non-anchor leaves are active leaves of the fabric."""
    path = "aci_calico_non_anchor_leaves"
    for number in plan["non_anchor_leaves"]:
        node, _pod = fabric.leaf(number)
        if not _is_leaf(node):
            yield _no_leaf(number, node, path)
        elif node["fabricSt"] != "active":
            what = f"Leaf {number} is {node['fabricSt']}: nodes behind it cannot be reached until it is active"
            yield Problem("leaf-inactive", path, what)


def _is_leaf(node: Attributes | None) -> TypeGuard[Attributes]:
    return node is not None and node["role"] == "leaf"


def _no_leaf(number: int, node: Attributes | None, path: str) -> Problem:
    what = "no such node" if node is None else f"a {node['role']} of this number"
    return Problem("leaf-missing", path, f"Leaf {number}: the fabric has {what}")


def pairs(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the two leaves of a rack are a vPC pair that is up."""
    severity = ERROR if plan["svi"]["kind"] == "standard" else WARNING
    for rack in plan["racks"]:
        if len(rack["leaves"]) < 2 or not all(fabric.leaf(leaf)[0] for leaf in rack["leaves"]):
            continue
        one, other = rack["leaves"]
        if fabric.vpc_peer(one) != other:
            yield Problem(
                "leaves-not-paired",
                RACKS,
                f"Leaves {one} and {other} of rack '{rack['id']}' are not a vPC pair: {_peers(fabric, rack)}",
                severity=severity,
            )
            continue
        down = [leaf for leaf in rack["leaves"] if any(mo["peerSt"] != "up" for mo in fabric.on_leaf("vpcDom", leaf))]
        if down:
            yield Problem(
                "vpc-peer-down", RACKS, f"The vPC pair {one}, {other} of rack '{rack['id']}' is not up on leaf {some(down)}"
            )


def _peers(fabric: Fabric, rack: dict[str, Any]) -> str:
    peers = {leaf: fabric.vpc_peer(leaf) for leaf in rack["leaves"]}
    return "; ".join(f"{leaf} is paired with {peer}" if peer else f"{leaf} is in no pair" for leaf, peer in peers.items())


def forwarding_tables(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the leaves have room for the routes of a new cluster; ``verify`` measures a configured one."""
    if any(fabric.get(dn) for dn in l3out_dns(plan)):
        return
    needed = next((limit["value"] for limit in plan["limits"] if limit["id"] == "lpm-routes"), 0)
    for leaf in plan["leaves"]:
        used = sum(int(mo["totalLpmLast"]) for mo in fabric.on_leaf(LPM_USED, leaf["id"]))
        limit = sum(int(mo["totalLpmCapLast"]) for mo in fabric.on_leaf(LPM_LIMIT, leaf["id"]))
        if limit and used + needed > LPM_WARNING * limit:
            yield Problem(
                "lpm-headroom",
                RACKS,
                f"Leaf {leaf['id']} uses {used} of {limit} LPM entries, and the cluster adds about {needed}",
                severity=ERROR if used + needed > limit else WARNING,
            )


# --- tenant and VRF --------------------------------------------------------------------------------------------------


def bd_enforcement(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the VRF does not enforce bridge domain addresses, which would block the sessions."""
    vrf = fabric.get(vrf_dn(plan))
    if vrf and vrf["bdEnforcedEnable"] == "yes":
        yield Problem(
            "bd-enforced",
            "aci_calico_vrf",
            f"BD enforcement is on in the VRF {plan['fabric']['vrf']}, which keeps the nodes from reaching the leaves' addresses",
        )


def transit(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that transit L3Outs are in the cluster's VRF, unless the cluster's subnets are leaked."""
    scopes = {scope for subnet in plan["external_epgs"][0]["subnets"] for scope in subnet["scope"]}
    if scopes.issuperset(LEAKING):
        return
    for index, dn in enumerate(transit_dns(plan)):
        relation = fabric.get(f"{dn}/rsectx")
        if relation and relation["tDn"] != vrf_dn(plan):
            yield Problem(
                "transit-in-another-vrf",
                f"aci_calico_transit[{index}].l3out",
                f"{dn} is in {relation['tDn'] or 'no VRF'}, the cluster in {vrf_dn(plan)}: no route crosses between them",
            )


def foreign_objects(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that L3Outs and policy groups that the plan makes do not exist, or are the cluster's own."""
    made = dict.fromkeys(l3out_dns(plan), "aci_calico_l3out")
    if plan["access"]["managed"]:
        made |= {group_dn(name): "aci_calico_vpc_name" for name in group_names(plan)}
    for dn, variable in made.items():
        found = fabric.get(dn)
        if found is not None and found["annotation"] != plan["names"]["owner"]:
            whose = f"belongs to {found['annotation']}" if found["annotation"] else "was not made by this collection"
            yield Problem("object-taken", variable, f"{dn} exists and {whose}")


def router_ids(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that a leaf has one router ID in all L3Outs of the VRF, and that no other leaf has it."""
    by_leaf = {node_dn(leaf): leaf for leaf in plan["leaves"]}
    by_router_id = {leaf["router_id"]: leaf for leaf in plan["leaves"]}
    for dn, node in sorted(fabric.of_class("l3extRsNodeL3OutAtt").items()):
        router_id, l3out = node["rtrId"], holder_of(dn)
        if l3out not in fabric.l3outs or not int(IPAddress(router_id)):
            continue
        leaf, namesake = by_leaf.get(node["tDn"]), by_router_id.get(router_id)
        if leaf and leaf["router_id"] != router_id:
            yield Problem(
                "router-id-contradicts",
                RACKS,
                f"Leaf {leaf['id']} has router ID {leaf['router_id']} here and {router_id} in {l3out}, in the same VRF",
                f"Set the leaf's router_id: {router_id}.",
            )
        elif namesake and namesake is not leaf:
            yield Problem(
                "router-id-repeats",
                RACKS,
                f"Leaf {namesake['id']} has router ID {router_id}, which {node['tDn']} has in {l3out}, in the same VRF",
            )


# --- subnets ---------------------------------------------------------------------------------------------------------


def subnets(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that no bridge domain and no other L3Out of the VRF has subnets of the cluster."""
    own = [
        (role, IPNetwork(text))
        for role, families in plan["subnets"].items()
        for networks in families.values()
        for text in networks
    ]
    taken = [*_bridge_domain_subnets(fabric), *_interface_subnets(fabric)]
    for role, network in own:
        for rule, theirs, where in sorted(set(taken), key=str):
            if overlap(network, theirs):
                yield _subnet_problem(rule, role, network, f"overlaps {theirs} of {where}")
        for theirs, where in _external_subnets(fabric):
            if theirs in network:
                yield _subnet_problem("subnet-in-external-epg", role, network, f"is also in {where}: {theirs}")


def _subnet_problem(id_: str, role: str, network: IPNetwork, problem: str) -> Problem:
    path = f"aci_calico_{role}_subnets"
    return Problem(id_, path, f"{network} {problem}, in the same VRF")


def _bridge_domain_subnets(fabric: Fabric) -> Iterator[tuple[str, IPNetwork, str]]:
    for dn, subnet in fabric.of_class("fvSubnet").items():
        bridge_domain = "/".join(dn.split("/")[:3])
        if bridge_domain in fabric.bridge_domains:
            yield "subnet-in-bridge-domain", _network(subnet["ip"]), bridge_domain


def _interface_subnets(fabric: Fabric) -> Iterator[tuple[str, IPNetwork, str]]:
    for cls, name in INTERFACE_ADDRESSES:
        for dn, interface in fabric.of_class(cls).items():
            network = _network(interface[name])
            if holder_of(dn) in fabric.l3outs and network.first:
                yield "subnet-on-interface", network, holder_of(dn)


def _external_subnets(fabric: Fabric) -> Iterator[tuple[IPNetwork, str]]:
    """Yield subnets by which external EPGs of other L3Outs classify traffic. Subnets that are only exported do not collide."""
    for dn, subnet in sorted(fabric.of_class("l3extSubnet").items()):
        if holder_of(dn) in fabric.l3outs and "import-security" in subnet["scope"].split(","):
            yield _network(subnet["ip"]), dn.rpartition("/extsubnet-")[0]


def _network(text: str) -> IPNetwork:
    return IPNetwork(text).cidr


# --- VLANs, domains, AAEP --------------------------------------------------------------------------------------------


def vlans(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that nothing else uses the cluster's VLANs on its leaves."""
    wanted = {(leaf, node["vlan"]) for node in plan["nodes"] for leaf in _leaves_of(plan, node)}
    shared = plan["interface"]["encap_scope"] == "ctx"
    taken: dict[str, set[tuple[int, int]]] = {}
    for holder, leaf, vlan, scope in _deployed(fabric):
        in_same_vrf = shared and scope == "ctx" and holder in fabric.l3outs
        if (leaf, vlan) in wanted and holder not in fabric.own_l3outs and not in_same_vrf:
            taken.setdefault(holder, set()).add((vlan, leaf))
    for holder, uses in sorted(taken.items()):
        numbers, ids = sorted({vlan for vlan, _leaf in uses}), sorted({leaf for _vlan, leaf in uses})
        yield Problem("vlan-taken", "aci_calico_vlan", f"{holder} uses VLAN {some(numbers)} on leaf {some(ids)}")


def _leaves_of(plan: Plan, node: dict[str, Any]) -> list[int]:
    """Return the leaves with a node's VLAN: those of its rack, or with floating SVI all of its L3Out and those without anchor."""
    home = next(rack for rack in plan["racks"] if rack["id"] == node["rack"])
    if plan["svi"]["kind"] != "floating":
        return home["leaves"]
    anchors = [leaf for rack in plan["racks"] if rack["l3out"] == home["l3out"] for leaf in rack["leaves"]]
    return [*anchors, *plan["non_anchor_leaves"]]


def _deployed(fabric: Fabric) -> Iterator[tuple[str, int, int, str | None]]:
    """Yield ``(DN of the EPG or L3Out, leaf, VLAN, scope)`` of every path that was read."""
    for cls in ("fvRsPathAtt", "l3extRsPathL3OutAtt"):
        for dn, path in fabric.of_class(cls).items():
            for leaf in re.findall(r"paths-([\d-]+)/", path["tDn"])[0].split("-"):
                yield holder_of(dn), int(leaf), _vlan(path["encap"]), path.get("encapScope")
    for dn, interface in fabric.of_class("l3extVirtualLIfP").items():
        leaf = int(interface["nodeDn"].rpartition("/node-")[2])
        yield holder_of(dn), leaf, _vlan(interface["encap"]), interface["encapScope"]


def _vlan(encap: str) -> int:
    """Return the VLAN of an encapsulation; 0 for VXLAN."""
    kind, _dash, number = encap.partition("-")
    return int(number) if kind == "vlan" else 0


def domains(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the domains have a pool with the cluster's VLANs, and an AAEP."""
    if plan["access"]["managed"]:
        yield from _managed_pool(plan, fabric)
        return
    for variable, dn in _needed_domains(plan):
        if fabric.get(dn) is None:
            continue
        pool = fabric.pool_of(dn)
        name = dn.partition("-")[2]
        if pool is None:
            yield Problem("domain-without-pool", variable, f"The domain {name} has no VLAN pool")
        else:
            yield from _pool(plan, fabric, name, pool)
        yield from _entity_profiles(plan, fabric, variable, dn)


def _needed_domains(plan: Plan) -> list[tuple[str, str]]:
    """Return variable and DN of the domains: floating SVI also needs the physical domain, for its VLAN."""
    names = ["aci_calico_l3_domain", "aci_calico_physical_domain"]
    needed = zip(names, domain_dns(plan), strict=False)
    return list(needed) if plan["svi"]["kind"] == "floating" else list(needed)[:1]


def _pool(plan: Plan, fabric: Fabric, domain: str, pool: str) -> Iterator[Problem]:
    name = pool.partition("[")[2].partition("]")[0]
    wanted = plan["access"]["pool"]
    if name != wanted and fabric.of_class("fvnsVlanInstP"):  # the planned pool exists, so the names differ
        yield Problem("pool-differs", "aci_calico_vlan_pool", f"The domain {domain} has the VLAN pool {name}, not {wanted}")
    blocks = fabric.blocks_of(pool)
    used = sorted({node["vlan"] for node in plan["nodes"]})
    outside = [vlan for vlan in used if not any(first <= vlan <= last for first, last, _block in blocks)]
    if outside:
        yield Problem(
            "vlan-outside-pool", "aci_calico_vlan", f"VLAN {some(outside)} is not in the VLAN pool {name} of the domain {domain}"
        )


def _managed_pool(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the pool that the plan makes fits the domain's pool and the blocks of others."""
    pool = f"uni/infra/vlanns-[{plan['access']['pool']}]-static"
    for dn in domain_dns(plan):
        if fabric.pool_of(dn) not in (None, pool):
            yield Problem(
                "pool-differs", "aci_calico_vlan_pool", f"The domain {dn} has the VLAN pool {fabric.pool_of(dn)}, not {pool}"
            )
    for first, last, block in fabric.blocks_of(pool):
        for low, high in plan["access"]["vlans"]:
            if [first, last] != [low, high] and first <= high and low <= last and block["annotation"] != SHARED:
                yield Problem(
                    "encap-blocks-overlap",
                    "aci_calico_vlan",
                    f"VLANs {low}-{high} overlap the block {first}-{last} of the VLAN pool {plan['access']['pool']}",
                )


def _entity_profiles(plan: Plan, fabric: Fabric, variable: str, domain: str) -> Iterator[Problem]:
    named, found = plan["access"]["aaep"], fabric.aaeps_of(domain)
    aaep = f"uni/infra/attentp-{named}"
    if fabric.get(aaep) and aaep not in found:
        problem = f"The AAEP {named} does not have the domain {domain}"
    elif not found:
        problem = f"No AAEP has the domain {domain}"
    else:
        return
    yield Problem("domain-without-aaep", variable, f"{problem}: its VLANs are allowed on no port")


def policy_groups(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that each node's policy group is a vPC with standard SVI, and that its AAEP has the L3 domain."""
    if plan["access"]["managed"]:
        return
    domain = domain_dns(plan)[0]
    paired = {node["vpc"] for node in plan["nodes"] if len(_leaves_of(plan, node)) > 1}
    for name in group_names(plan):
        group, entity = fabric.group(name)
        if group is None:
            continue
        if name in paired and group["lagT"] != "node":
            yield Problem(
                "group-is-no-vpc",
                "aci_calico_vpc_name",
                f"The interface policy group {name} is a port channel, and the rack has two leaves",
            )
        elif fabric.get(domain) is not None and entity not in fabric.aaeps_of(domain):
            yield Problem(
                "group-without-domain",
                "aci_calico_vpc_name",
                f"The interface policy group {name} has {f'the AAEP {entity}' if entity else 'no AAEP'}, without the"
                f" domain {domain}",
            )


def floating_addresses(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the fabric has room for the cluster's floating addresses."""
    if plan["svi"]["kind"] != "floating":
        return
    others = set()
    for dn, path in fabric.of_class("l3extRsDynPathAtt").items():
        if holder_of(dn) not in fabric.own_l3outs and _network(path["floatingAddr"]).first:
            encap = re.findall(r"-\[([^]]+)\]/rsdynPathAtt-", dn)[0]
            others.add((holder_of(dn), encap, path["floatingAddr"]))
    own = len(plan["l3outs"]) * len(plan["address_families"])
    (limit,) = [limit["limit"] for limit in plan["limits"] if limit["id"] == "floating-addresses"]
    if limit is not None and len(others) + own > limit:
        yield Problem(
            "floating-addresses",
            "aci_calico_svi",
            f"The fabric has {len(others)} floating addresses, the cluster adds {own}, and the limit is {limit}",
        )


RULES = (
    fabric_asn,
    releases,
    limits_of_release,
    leaves,
    non_anchors,
    pairs,
    forwarding_tables,
    bd_enforcement,
    in_the_way,
    transit,
    router_ids,
    subnets,
    vlans,
    domains,
    policy_groups,
    floating_addresses,
)
