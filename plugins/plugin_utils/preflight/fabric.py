# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is everything there, right and free in the fabric that a plan builds on? Rules over what was read before a push.

Each rule is a function of the plan and the fabric that yields faults; ``RULES`` names them all. Of what has to be there and is
not, ``preflight_named`` knows. A fault's path is the variable that it concerns.
"""

from __future__ import annotations

import ipaddress
import re

from ...module_utils.names import SHARED
from ..apic.access import domain_dns
from ..intent.limits import has_floating
from ..intent.rules.connectivity import LEAKING
from ..schema.messages import ERROR, WARNING
from ..schema.problems import Problem, some
from .facts import (
    FABRIC_AS,
    INTERFACE_ADDRESSES,
    LPM_LIMIT,
    LPM_USED,
    Fabric,
    group_dn,
    group_names,
    holder_of,
    l3out_dns,
    queries,
    similar_query,
    transit_dns,
    vrf_dn,
)
from .prerequisites import missing, missing_problems

RACKS = "aci_calico_racks"
# Share of a leaf's longest-prefix-match entries above which to warn.
LPM_WARNING = 0.8


def fabric_problems(plan, read, adopt=False, beside=()):
    """What in the fabric keeps a plan from being carried out or from working, and what is odd.

    :param read: a function that returns ``{dn: {"class": …, "attributes": …}}`` of what a list of queries selects.
    :param adopt: whether objects of others are to be taken over.
    :param beside: the plans of other clusters of the fabric that are configured in the same run.
    """
    objects = read(queries(plan))
    absent = missing(plan, objects, beside)
    similar = read([similar_query(absent)]) if absent else ()
    rules = RULES if adopt else (*RULES, foreign_objects)
    fabric = Fabric(plan, objects)
    return [*missing_problems(absent, similar), *(problem for rule in rules for problem in rule(plan, fabric))]


# --- the fabric and its switches -------------------------------------------------------------------------------------


def fabric_asn(plan, fabric):
    """The fabric's AS number is the one that the nodes expect."""
    found, wanted = fabric.get(FABRIC_AS), plan["fabric"]["asn"]
    if found is None:
        yield Problem(
            "fabric-asn-missing",
            "aci_calico_fabric_asn",
            "The fabric has no AS number, and so no BGP between its leaves",
        )
    elif int(found["asn"]) != wanted:
        yield Problem(
            "fabric-asn-differs",
            "aci_calico_fabric_asn",
            f"The fabric's AS number is {found['asn']}, the inventory's {wanted}: no session would come up",
            f"Set aci_calico_fabric_asn: {found['asn']}.",
        )


def releases(plan, fabric):
    """Floating SVI needs a release that has it, on the controllers and on the leaves."""
    if plan["svi"]["kind"] != "floating":
        return
    controllers = {mo["version"] for mo in fabric.of_class("firmwareCtrlrRunning").values()}
    old = sorted(version for version in controllers if _is_too_old(version))
    if old:
        yield Problem("apic-too-old", "aci_calico_svi", f"APIC {some(old)} has no floating SVI on physical domains")
    for leaf in plan["leaves"]:
        running = [mo["version"] for mo in fabric.on_leaf("firmwareRunning", leaf["id"])]
        if any(map(_is_too_old, running)):
            yield Problem(
                "leaf-too-old", "aci_calico_svi", f"Leaf {leaf['id']} runs {running[0]}, which has no floating SVI"
            )


def _is_too_old(version):
    """Switches write ``n9000-15.2(3e)`` for release 5.2(3e). What cannot be read is not judged."""
    release = re.match(r"(?:n9000-1)?(\d+\.\d+.*)", version)
    return bool(release) and not has_floating(release.group(1))


def leaves(plan, fabric):
    """The racks' leaves are leaves of the fabric, in the pods that the plan has them in."""
    for leaf in plan["leaves"]:
        node, pod = fabric.leaf(leaf["id"])
        if not _is_leaf(node):
            yield _no_leaf(leaf["id"], node, RACKS)
        elif pod != leaf["pod"]:
            yield Problem(
                "leaf-in-another-pod",
                RACKS,
                f"Leaf {leaf['id']} is in pod {pod}, rack '{leaf['rack']}' in pod {leaf['pod']}",
                f"Set the rack's pod: {pod}.",
            )
        elif node["fabricSt"] != "active":
            yield Problem(
                "leaf-inactive",
                RACKS,
                f"Leaf {leaf['id']} is {node['fabricSt']}: its sessions come up only when it is back",
            )


def non_anchors(plan, fabric):
    """The leaves that nodes of a floating SVI may also be behind are leaves of the fabric."""
    path = "aci_calico_non_anchor_leaves"
    for number in plan["non_anchor_leaves"]:
        node, _pod = fabric.leaf(number)
        if not _is_leaf(node):
            yield _no_leaf(number, node, path)
        elif node["fabricSt"] != "active":
            what = f"Leaf {number} is {node['fabricSt']}: nodes behind it are reached only when it is back"
            yield Problem("leaf-inactive", path, what)


def _is_leaf(node):
    return node is not None and node["role"] == "leaf"


def _no_leaf(number, node, path):
    what = "no such node" if node is None else f"a {node['role']} of this number"
    return Problem("leaf-missing", path, f"Leaf {number}: the fabric has {what}")


def pairs(plan, fabric):
    """The two leaves of a rack are a vPC pair, and that pair works."""
    severity = ERROR if plan["svi"]["kind"] == "standard" else WARNING
    for rack in plan["racks"]:
        if len(rack["leaves"]) < 2 or not all(fabric.leaf(leaf)[0] for leaf in rack["leaves"]):
            continue
        one, other = rack["leaves"]
        if fabric.vpc_peer(one) != other:
            yield Problem(
                "leaves-not-paired",
                RACKS,
                f"Leaves {one} and {other} of rack '{rack['id']}' are no vPC pair: {_peers(fabric, rack)}",
                severity=severity,
            )
            continue
        down = [leaf for leaf in rack["leaves"] if any(mo["peerSt"] != "up" for mo in fabric.on_leaf("vpcDom", leaf))]
        if down:
            yield Problem(
                "vpc-peer-down",
                RACKS,
                f"The vPC pair {one}, {other} of rack '{rack['id']}' is not up on leaf {some(down)}",
            )


def _peers(fabric, rack):
    peers = {leaf: fabric.vpc_peer(leaf) for leaf in rack["leaves"]}
    return "; ".join(
        f"{leaf} is paired with {peer}" if peer else f"{leaf} is in no pair" for leaf, peer in peers.items()
    )


def forwarding_tables(plan, fabric):
    """The leaves have room for the cluster's routes. Of a cluster that is there already, verify sees what it takes."""
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
                f"Leaf {leaf['id']} uses {used} of {limit} LPM entries, and the cluster brings about {needed}",
                severity=ERROR if used + needed > limit else WARNING,
            )


# --- tenant and VRF --------------------------------------------------------------------------------------------------


def bd_enforcement(plan, fabric):
    """The VRF lets the leaves talk to the nodes."""
    vrf = fabric.get(vrf_dn(plan))
    if vrf and vrf["bdEnforcedEnable"] == "yes":
        yield Problem(
            "bd-enforced",
            "aci_calico_vrf",
            f"BD enforcement is on in the VRF {plan['fabric']['vrf']}, which keeps the nodes from reaching the leaves' addresses",
        )


def transit(plan, fabric):
    """What leads outside is in the cluster's VRF, unless the cluster's subnets are leaked to others."""
    scopes = {scope for subnet in plan["external_epgs"][0]["subnets"] for scope in subnet["scope"]}
    if scopes.issuperset(LEAKING):
        return
    for index, dn in enumerate(transit_dns(plan)):
        relation = fabric.get(f"{dn}/rsectx")
        if relation and relation["tDn"] != vrf_dn(plan):
            yield Problem(
                "transit-in-another-vrf",
                f"aci_calico_transit[{index}].l3out",
                f"{dn} is in {relation['tDn'] or 'no VRF'}, the cluster in {vrf_dn(plan)}: no route crosses",
            )


def foreign_objects(plan, fabric):
    """The places of the L3Outs, and of the policy groups that the plan makes, are free or have what is ours."""
    places = dict.fromkeys(l3out_dns(plan), "aci_calico_l3out")
    if plan["access"]["managed"]:
        places |= {group_dn(name): "aci_calico_vpc_name" for name in group_names(plan)}
    for dn, variable in places.items():
        found = fabric.get(dn)
        if found is not None and found["annotation"] != plan["names"]["owner"]:
            whose = f"belongs to {found['annotation']}" if found["annotation"] else "was made by somebody else"
            yield Problem("object-taken", variable, f"{dn} is there, and {whose}")


def router_ids(plan, fabric):
    """A leaf has one router ID in all L3Outs of the VRF, and no other leaf has it."""
    by_leaf = {f"topology/pod-{leaf['pod']}/node-{leaf['id']}": leaf for leaf in plan["leaves"]}
    by_router_id = {leaf["router_id"]: leaf for leaf in plan["leaves"]}
    for dn, node in sorted(fabric.of_class("l3extRsNodeL3OutAtt").items()):
        router_id, l3out = node["rtrId"], holder_of(dn)
        if l3out not in fabric.l3outs or ipaddress.ip_address(router_id).is_unspecified:
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


def subnets(plan, fabric):
    """No bridge domain and no other L3Out of the VRF has the cluster's subnets."""
    own = [
        (role, ipaddress.ip_network(text))
        for role, families in plan["subnets"].items()
        for networks in families.values()
        for text in networks
    ]
    taken = [*_bridge_domain_subnets(fabric), *_interface_subnets(fabric)]
    for role, network in own:
        for rule, theirs, where in sorted(set(taken), key=str):
            if _overlap(network, theirs):
                yield _subnet_problem(rule, role, network, f"overlaps {theirs} of {where}")
        for theirs, where in _external_subnets(fabric):
            if _within(theirs, network):
                yield _subnet_problem("subnet-in-external-epg", role, network, f"is {where}'s too: {theirs}")


def _subnet_problem(rule, role, network, problem):
    path = f"aci_calico_{role}_subnets"
    return Problem(rule, path, f"{network} {problem}, in the same VRF")


def _bridge_domain_subnets(fabric):
    for dn, subnet in fabric.of_class("fvSubnet").items():
        bridge_domain = "/".join(dn.split("/")[:3])
        if bridge_domain in fabric.bridge_domains:
            yield "subnet-in-bridge-domain", _network(subnet["ip"]), bridge_domain


def _interface_subnets(fabric):
    for cls, name in INTERFACE_ADDRESSES:
        for dn, interface in fabric.of_class(cls).items():
            network = _network(interface[name])
            if holder_of(dn) in fabric.l3outs and not network.network_address.is_unspecified:
                yield "subnet-on-interface", network, holder_of(dn)


def _external_subnets(fabric):
    """What external EPGs of other L3Outs take in. What they only pass on is no contradiction, nor is a larger subnet: the
    more specific one wins."""
    for dn, subnet in sorted(fabric.of_class("l3extSubnet").items()):
        if holder_of(dn) in fabric.l3outs and "import-security" in subnet["scope"].split(","):
            yield _network(subnet["ip"]), dn.rpartition("/extsubnet-")[0]


def _network(text):
    return ipaddress.ip_network(text, strict=False)


def _overlap(one, other):
    return one.version == other.version and one.overlaps(other)


def _within(inner, outer):
    return inner.version == outer.version and inner.subnet_of(outer)


# --- VLANs, domains, AAEP --------------------------------------------------------------------------------------------


def vlans(plan, fabric):
    """The cluster's VLANs are used for nothing else on its leaves."""
    wanted = {(leaf, node["vlan"]) for node in plan["nodes"] for leaf in _leaves_of(plan, node)}
    shared = plan["interface"]["encap_scope"] == "ctx"
    taken = {}
    for holder, leaf, vlan, scope in _deployed(fabric):
        in_same_vrf = shared and scope == "ctx" and holder in fabric.l3outs
        if (leaf, vlan) in wanted and holder not in fabric.own_l3outs and not in_same_vrf:
            taken.setdefault(holder, set()).add((vlan, leaf))
    for holder, uses in sorted(taken.items()):
        numbers, places = sorted({vlan for vlan, _leaf in uses}), sorted({leaf for _vlan, leaf in uses})
        yield Problem("vlan-taken", "aci_calico_vlan", f"{holder} has VLAN {some(numbers)} on leaf {some(places)}")


def _leaves_of(plan, node):
    """Where a node's VLAN is: on its rack's leaves; with floating SVI on all of its L3Out."""
    home = next(rack for rack in plan["racks"] if rack["id"] == node["rack"])
    if plan["svi"]["kind"] != "floating":
        return home["leaves"]
    return [leaf for rack in plan["racks"] if rack["l3out"] == home["l3out"] for leaf in rack["leaves"]]


def _deployed(fabric):
    """``(DN of the EPG or L3Out, leaf, VLAN, scope)`` of every path that was read."""
    for cls in ("fvRsPathAtt", "l3extRsPathL3OutAtt"):
        for dn, path in fabric.of_class(cls).items():
            for leaf in re.search(r"paths-([\d-]+)/", path["tDn"]).group(1).split("-"):
                yield holder_of(dn), int(leaf), _vlan(path["encap"]), path.get("encapScope")
    for dn, interface in fabric.of_class("l3extVirtualLIfP").items():
        leaf = int(interface["nodeDn"].rpartition("/node-")[2])
        yield holder_of(dn), leaf, _vlan(interface["encap"]), interface["encapScope"]


def _vlan(encap):
    kind, _dash, number = encap.partition("-")
    return int(number) if kind == "vlan" else None


def domains(plan, fabric):
    """The domains have a pool with the cluster's VLANs, and an AAEP joins them with ports."""
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


def _needed_domains(plan):
    """A standard SVI needs the L3 domain only; a floating one binds its VLAN by the physical domain."""
    names = ["aci_calico_l3_domain", "aci_calico_physical_domain"]
    needed = zip(names, domain_dns(plan), strict=False)
    return list(needed) if plan["svi"]["kind"] == "floating" else list(needed)[:1]


def _pool(plan, fabric, domain, pool):
    name = re.search(r"vlanns-\[([^]]+)\]", pool).group(1)
    wanted = plan["access"]["pool"]
    if name != wanted and fabric.of_class("fvnsVlanInstP"):  # it is there, so it is another one
        yield Problem(
            "pool-differs", "aci_calico_vlan_pool", f"The domain {domain} has the VLAN pool {name}, not {wanted}"
        )
    blocks = fabric.blocks_of(pool)
    used = sorted({node["vlan"] for node in plan["nodes"]})
    outside = [vlan for vlan in used if not any(first <= vlan <= last for first, last, _block in blocks)]
    if outside:
        yield Problem(
            "vlan-outside-pool",
            "aci_calico_vlan",
            f"VLAN {some(outside)} is not in the VLAN pool {name} of the domain {domain}",
        )


def _managed_pool(plan, fabric):
    """What others have put in the place of what the plan makes."""
    pool = f"uni/infra/vlanns-[{plan['access']['pool']}]-static"
    for dn in domain_dns(plan):
        if fabric.pool_of(dn) not in (None, pool):
            yield Problem(
                "pool-differs",
                "aci_calico_vlan_pool",
                f"The domain {dn} has the VLAN pool {fabric.pool_of(dn)}, not {pool}",
            )
    for first, last, block in fabric.blocks_of(pool):
        for low, high in plan["access"]["vlans"]:
            if [first, last] != [low, high] and first <= high and low <= last and block["annotation"] != SHARED:
                yield Problem(
                    "encap-blocks-overlap",
                    "aci_calico_vlan",
                    f"VLANs {low}-{high} overlap the block {first}-{last} that the VLAN pool {plan['access']['pool']} has",
                )


def _entity_profiles(plan, fabric, variable, domain):
    named, found = plan["access"]["aaep"], fabric.aaeps_of(domain)
    aaep = f"uni/infra/attentp-{named}"
    if fabric.get(aaep) and aaep not in found:
        problem = f"The AAEP {named} does not have the domain {domain}"
    elif not found:
        problem = f"No AAEP has the domain {domain}"
    else:
        return
    yield Problem("domain-without-aaep", variable, f"{problem}: its VLANs are allowed on no port")


def policy_groups(plan, fabric):
    """With standard SVI each node's vPC is a vPC, and its AAEP has the L3 domain."""
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
                f"The interface policy group {name} has {f'the AAEP {entity}' if entity else 'no AAEP'}, which does not have"
                f" the domain {domain}",
            )


def floating_addresses(plan, fabric):
    """The fabric has room for the cluster's floating addresses."""
    if plan["svi"]["kind"] != "floating":
        return
    others = set()
    for dn, path in fabric.of_class("l3extRsDynPathAtt").items():
        if holder_of(dn) not in fabric.own_l3outs and not _network(path["floatingAddr"]).network_address.is_unspecified:
            encap = re.search(r"-\[([^]]+)\]/rsdynPathAtt-", dn).group(1)
            others.add((holder_of(dn), encap, path["floatingAddr"]))
    own = len(plan["l3outs"]) * len(plan["address_families"])
    (limit,) = [limit["limit"] for limit in plan["limits"] if limit["id"] == "floating-addresses"]
    if len(others) + own > limit:
        yield Problem(
            "floating-addresses",
            "aci_calico_svi",
            f"The fabric has {len(others)} floating addresses, the cluster brings {own}, and the limit is {limit}",
        )


RULES = (
    fabric_asn,
    releases,
    leaves,
    non_anchors,
    pairs,
    forwarding_tables,
    bd_enforcement,
    transit,
    router_ids,
    subnets,
    vlans,
    domains,
    policy_groups,
    floating_addresses,
)
