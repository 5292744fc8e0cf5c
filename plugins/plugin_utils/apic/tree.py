# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as APIC managed objects.

A managed object is ``{class: {"attributes": {name: text}, "children": [object, …]}}``, the JSON form of APIC; every
attribute value is a string. The functions depend on the plan only and do not contact APIC.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...module_utils.apic.mo import rn_from
from ...module_utils.names import PASSWORD_MARKER
from . import connectivity as apic_connectivity
from .access import access_objects, access_roots, made_dns
from .access import tenants as made_tenants
from .objects import Mo, Plan, Root, existing, merge_child, mo, own, shared

# Classes of which a cluster may have objects in its tenants.
OPTIONAL_CLASSES = ("bgpPeerPfxPol", "rtctrlAttrP", *apic_connectivity.CLASSES)
# Classes of policies that L3Outs name, ``{class: key of the plan's names}``: unused ones are removed after the L3Outs changed.
_NAMED = {"bgpCtxPol": "timers", "bgpBestPathCtrlPol": "best_path", "bgpPeerPfxPol": "prefix_limit"}
# Policies of the tenant that L3Outs name as well. Route maps inside L3Outs are not among them.
_NAMED_ROUTE_MAPS = ("rtctrlAttrP", "rtctrlProfile")
_KEPT = (*_NAMED, "rtctrlAttrP", "fvTenant/rtctrlProfile")

# The default of ``bgpCtxPol.staleIntvl`` in seconds (class metadata of 6.0).
STALE_DEFAULT = 300
AF_OF_FAMILY = {"ipv4": "ipv4-ucast", "ipv6": "ipv6-ucast"}


def apic_tree(plan: Plan) -> Mo:
    """Return the whole wanted configuration as one ``polUni`` (the artifact ``apic.json``).

    :param plan: a cluster's plan (see docs/development/plan.md).
    :returns: ``{"polUni": …}`` with one ``fvTenant`` for each tenant in which the cluster has objects.
    """
    tenants = _policy_tenants(plan)
    for l3out in plan["l3outs"]:
        merge_child(tenants[plan["fabric"]["tenant"]], _l3out(plan, l3out))
    for name, made in made_tenants(plan).items():
        _merge(tenants[name], made)
    return mo("polUni", [*access_objects(plan), *(tenants[name] for name in sorted(tenants))])


def _merge(container: Mo, made: Mo) -> None:
    """Merge an object that is created into its counterpart that is only a container."""
    ((cls, body),) = made.items()
    container[cls]["attributes"] = body["attributes"]
    mine = {_identity(child): child for child in container[cls]["children"]}
    for child in body["children"]:
        if _identity(child) in mine:
            _merge(mine[_identity(child)], child)
        else:
            container[cls]["children"].append(child)


def _identity(managed: Mo) -> tuple[str, str | None]:
    ((cls, body),) = managed.items()
    return cls, body["attributes"].get("name") or body["attributes"].get("key")


def apic_roots(plan: Plan, part: str) -> list[Root]:
    """Return the roots that the module ``aci_tree`` pushes for one part of the configuration.

    :param part: ``access``: tenant, VRF and access policies, as far as the plan creates them; ``policies``: the cluster's
        objects in tenants outside its L3Outs (BGP policies, contracts); ``hardening``: these and the import enforcement and
        route maps of each L3Out; ``l3out``: each L3Out with everything below it, policies included.
    :returns: roots as described in ``module_utils.apic.roots.Root``; those with ``state: absent`` are L3Outs without racks.
    :raises ValueError: for an unknown part.
    """
    if part == "access":
        return access_roots(plan)
    return [{**root, "assumed": made_dns(plan)} if made_dns(plan) else root for root in _roots(plan, part)]


def _roots(plan: Plan, part: str) -> list[Root]:
    if part == "l3out":
        return [
            *(_retired_root(plan, name) for name in plan["retired_l3outs"]),
            *({"dn": l3out_dn(plan, one["name"]), "scope": "subtree", "tree": _l3out(plan, one)} for one in plan["l3outs"]),
            _unused_policies(plan),
        ]
    if part not in ("policies", "hardening"):
        raise ValueError(f"unknown part {part!r}: expected access, policies, hardening or l3out")
    tenants = _policy_tenants(plan)
    elsewhere = retired_l3out_dns(plan)
    if part == "hardening":
        for l3out in plan["l3outs"]:
            merge_child(tenants[plan["fabric"]["tenant"]], _l3out_policies(plan, l3out))
        elsewhere += [f"{l3out_dn(plan, epg['l3out'])}/instP-{epg['name']}" for epg in plan["external_epgs"]]
    else:
        elsewhere += l3out_dns(plan)
    roots = [_tenant_root(name, tenants[name], elsewhere) for name in sorted(tenants)]
    return [*roots, _other_tenants([root["dn"] for root in roots])]


def _tenant_root(name: str, tree: Mo, elsewhere: list[str]) -> Root:
    classes = list(OPTIONAL_CLASSES)
    return {"dn": f"uni/tn-{name}", "scope": "named", "tree": tree, "classes": classes, "except": elsewhere, "keep": list(_KEPT)}


def _other_tenants(known: list[str]) -> Root:
    """Return the root for other tenants, where the cluster may have had objects before its inventory changed."""
    classes = list(apic_connectivity.CLASSES)
    return {"dn": "uni", "scope": "named", "tree": mo("polUni"), "classes": classes, "except": known}


def _unused_policies(plan: Plan) -> Root:
    """Return the root that removes policies which the L3Outs do not name any more, such as those of an earlier version.

    It comes after the L3Outs: a relation without its target would fall back to the default policy, and reset sessions.
    """
    made = flat(mo("polUni", _policy_tenants(plan).values()))
    classes = [*_NAMED, *_NAMED_ROUTE_MAPS]
    used = [dn for dn, one in made.items() if one["class"] in classes]
    tenants = {plan["fabric"]["tenant"], plan["fabric"]["vrf_tenant"]}
    existing_policies = {cls: plan["names"][kind] for cls, kind in _NAMED.items() if kind in plan["bgp"]["existing_policies"]}
    used += [f"uni/tn-{tenant}/{rn_from(cls, {'name': name})}" for cls, name in existing_policies.items() for tenant in tenants]
    used += [*l3out_dns(plan), *retired_l3out_dns(plan)]
    return {"dn": "uni", "scope": "named", "tree": mo("polUni"), "classes": classes, "except": sorted(used)}


def _retired_root(plan: Plan, name: str) -> Root:
    return {"dn": l3out_dn(plan, name), "scope": "subtree", "state": "absent", "tree": mo("l3extOut", name=name)}


def l3out_dn(plan: Plan, name: str) -> str:
    """Return the DN of an L3Out of the cluster."""
    return f"uni/tn-{plan['fabric']['tenant']}/out-{name}"


def l3out_dns(plan: Plan) -> list[str]:
    """Return the DNs of the cluster's own L3Outs."""
    return [l3out_dn(plan, l3out["name"]) for l3out in plan["l3outs"]]


def about_fabric(plan: Plan) -> dict[str, Any]:
    """Return the arguments of ``aci_state`` for the live state of a plan's leaves."""
    fabric = plan["fabric"]
    return {
        "cluster": plan["cluster"],
        "vrf": f"{fabric['vrf_tenant']}:{fabric['vrf']}",
        "address_families": plan["address_families"],
        "leaves": [node_dn(leaf) for leaf in plan["leaves"]],
        "l3outs": l3out_dns(plan),
    }


def retired_l3out_dns(plan: Plan) -> list[str]:
    """Return the DNs of the L3Outs that have no racks any more."""
    return [l3out_dn(plan, name) for name in plan["retired_l3outs"]]


# --- policies of the tenant and the VRF ------------------------------------------------------------------------------


def _policy_tenants(plan: Plan) -> dict[str, Mo]:
    """Return ``{tenant: fvTenant}`` with the BGP policies (white paper, steps 8, 9, 10, 11 to 13), contracts and transit."""
    fabric, owner = plan["fabric"], plan["names"]["owner"]
    vrf_tenant = fabric.get("vrf_tenant") or fabric["tenant"]
    policies = _prefix_limit(plan) + _match_rules(plan) + _cluster_contract(plan) + _next_hop(plan)
    children = {fabric["tenant"]: [own(policy, owner) for policy in policies]}
    children.setdefault(vrf_tenant, []).extend(_vrf_policies(plan))
    for name, mos in apic_connectivity.tenant_objects(plan).items():
        children.setdefault(name, []).extend(mos)
    return {name: existing("fvTenant", mos, name=name) for name, mos in children.items()}


def _prefix_limit(plan: Plan) -> list[Mo]:
    limit = plan["bgp"]["prefix_limit"]
    if not limit:
        return []
    values = {"action": limit["action"], "maxPfx": limit["maximum"], "thresh": limit["threshold"]}
    return [mo("bgpPeerPfxPol", name=plan["names"]["prefix_limit"], **values)]


def _match_rules(plan: Plan) -> list[Mo]:
    """Return a match rule for each direction; it aggregates, so that pod blocks and host routes match their subnet."""
    return [
        mo(
            "rtctrlSubjP",
            [apic_connectivity.match_destination(prefix) for family in sorted(prefixes) for prefix in prefixes[family]],
            name=plan["names"][f"{direction}_match"],
        )
        for direction, prefixes in plan["route_control"].items()
    ]


def _next_hop(plan: Plan) -> list[Mo]:
    """Return the route map by which leaves keep nodes as next hops, and the one by which they announce attached nodes.

    Sources: Cisco's ACI design for Cilium, "Advanced Design Config Example" (match rule, set rule and route map, in the import
    direction of each peer; ignore IGP metric); Cisco, "Avoiding Suboptimal Traffic From a Cisco ACI Internal Endpoint to a Floating
    L3Out" (leaves announce attached hosts, so that others find the leaf of a next hop), and its appendix A (without the set
    rule's multipath, from 6.0(2) on, other leaves get one next hop from each leaf). Classes: cisco.aci,
    ``aci_tenant_action_rule_profile`` and ``aci_l3out_bgp_peer``; netascode's terraform-aci-set-rule and -route-control-route-map.
    The leaves that a node peers with accept the same prefixes as by ``default-import``, whichever of the two applies.
    """
    if "next_hop" not in plan["names"]:
        return []
    names = plan["names"]
    scope = mo("rtctrlScope", [mo("rtctrlRsScopeToAttrP", tnRtctrlAttrPName=names["next_hop"])])
    return [
        mo("rtctrlAttrP", [mo("rtctrlSetNhUnchanged"), mo("rtctrlSetRedistMultipath")], name=names["next_hop"]),
        _route_map(names["next_hop"], names["next_hop"], names["import_match"], scope),
        _route_map(names["attached_hosts"], names["attached_hosts"], names["import_match"]),
    ]


def _cluster_contract(plan: Plan) -> list[Mo]:
    """Return the contract that permits all traffic between the external EPGs of a cluster with several L3Outs."""
    if len(plan["l3outs"]) < 2:
        return []
    name = plan["names"]["cluster_contract"]
    subject = mo("vzSubj", [mo("vzRsSubjFiltAtt", tnVzFilterName=name)], name="any")
    return [mo("vzFilter", [mo("vzEntry", name="any")], name=name), mo("vzBrCP", [subject], name=name, scope="context")]


def vrf_policies(plan: Plan) -> dict[str, Mo]:
    """Return the BGP policies that clusters share, by kind.

    Timers, AS limit and best path exist once for each VRF on a leaf, and ECMP once for a VRF. The policies are in the VRF's
    tenant, where every L3Out of the VRF finds them, so equal values have one policy.
    """
    bgp, names, cluster = plan["bgp"], plan["names"], plan["cluster"]
    timers = {"kaIntvl": bgp["keepalive"], "holdIntvl": bgp["hold"], "maxAsLimit": bgp["as_limit"]}
    restart = "helper" if bgp["graceful_restart"] else ""
    stale: dict[str, Any] = {"staleIntvl": _stale_interval(bgp["restart_time"])} if "restart_time" in bgp else {}
    relax = ["asPathMultipathRelax"] if bgp["as_path_relax"] else []
    # The flag is that of netascode's terraform-aci-bgp-best-path-policy.
    relax += ["ignoreIgpMetric"] if "next_hop_propagation" in bgp else []
    paths = {"maxEcmp": bgp["ecmp_ebgp"], "maxEcmpIbgp": bgp["ecmp_ibgp"]}
    return {
        "timers": shared("bgpCtxPol", cluster, name=names["timers"], **timers, grCtrl=restart, **stale),
        "best_path": shared("bgpBestPathCtrlPol", cluster, name=names["best_path"], ctrl=",".join(relax)),
        "ecmp": shared("bgpCtxAfPol", cluster, name=names["ecmp"], **paths),
    }


def _stale_interval(seconds: int) -> str:
    """Return a stale interval as APIC returns it: it has a name for its default."""
    return "default" if seconds == STALE_DEFAULT else str(seconds)


def _vrf_policies(plan: Plan) -> list[Mo]:
    """Return the shared policies that do not exist already, and the relation of the VRF with the ECMP policy."""
    policies = [policy for kind, policy in vrf_policies(plan).items() if kind not in plan["bgp"]["existing_policies"]]
    relations = [
        shared("fvRsCtxToBgpCtxAfPol", plan["cluster"], tnBgpCtxAfPolName=plan["names"]["ecmp"], af=AF_OF_FAMILY[family])
        for family in plan["address_families"]
    ]
    return [*policies, existing("fvCtx", relations, name=plan["fabric"]["vrf"])]


# --- the L3Out -------------------------------------------------------------------------------------------------------


def _l3out_policies(plan: Plan, l3out: Any) -> Mo:
    """Return the L3Out without interfaces: VRF, BGP, import enforcement and route maps (white paper, steps 3, 7, 10)."""
    fabric, domains = plan["fabric"], plan["domains"]
    children = [
        mo("l3extRsEctx", tnFvCtxName=fabric["vrf"]),
        mo("l3extRsL3DomAtt", tDn=f"uni/l3dom-{domains['l3']}"),
        mo("bgpExtP"),
        *_route_maps(plan),
    ]
    if "next_hop" in plan["names"]:
        # Each leaf, anchor or not, announces the nodes that are connected to it.
        children.append(mo("l3extRsRedistributePol", src="attached-host", tnRtctrlProfileName=plan["names"]["attached_hosts"]))
    return own(mo("l3extOut", children, name=l3out["name"], enforceRtctrl="export,import"), plan["names"]["owner"])


def _route_maps(plan: Plan) -> list[Mo]:
    names = plan["names"]
    return [
        _route_map(f"default-{direction}", names[f"{direction}_context"], names[f"{direction}_match"])
        for direction in plan["route_control"]
    ]


def _route_map(name: str, context: str, match_rule: str, *settings: Mo) -> Mo:
    rule = mo("rtctrlRsCtxPToSubjP", tnRtctrlSubjPName=match_rule)
    return mo(
        "rtctrlProfile",
        [mo("rtctrlCtxP", [rule, *settings], name=context, order=0, action="permit")],
        name=name,
        type="combinable",
    )


def _l3out(plan: Plan, l3out: Any) -> Mo:
    """Return the whole L3Out: policies first, then node profiles and external EPGs."""
    managed = _l3out_policies(plan, l3out)
    for rack in plan["racks"]:
        if rack["l3out"] == l3out["name"]:
            merge_child(managed, _node_profile(plan, rack, l3out["floating"]))
    for epg in apic_connectivity.external_epgs(plan, l3out["name"]):
        merge_child(managed, epg)
    return own(managed, plan["names"]["owner"])


def _node_profile(plan: Plan, rack: Any, floating: Any) -> Mo:
    """Return a rack's leaves and their interfaces (white paper, steps 4 to 6, 8, 9 and 14)."""
    leaves = [leaf for leaf in plan["leaves"] if leaf["id"] in rack["leaves"]]
    interfaces = _floating_interfaces(plan, rack, leaves, floating) if floating else _standard_interfaces(plan, rack, leaves)
    children = [_protocol_profile(plan), *map(_border_leaf, leaves), *interfaces]
    return mo("l3extLNodeP", children, name=rack["node_profile"])


def _protocol_profile(plan: Plan) -> Mo:
    names = plan["names"]
    return mo(
        "bgpProtP",
        [
            mo("bgpRsBgpNodeCtxPol", tnBgpCtxPolName=names["timers"]),
            mo("bgpRsBestPathCtrlPol", tnBgpBestPathCtrlPolName=names["best_path"]),
        ],
    )


def _border_leaf(leaf: Any) -> Mo:
    """Return a leaf. Its router ID is not a loopback, because a loopback can belong to only one L3Out of a VRF."""
    return mo("l3extRsNodeL3OutAtt", tDn=node_dn(leaf), rtrId=leaf["router_id"], rtrIdLoopBack="no")


def node_dn(leaf: Any) -> str:
    """Return the DN of a leaf of the plan."""
    return f"topology/pod-{leaf['pod']}/node-{leaf['id']}"


def _svi(plan: Plan, cls: str, vlan: int, children: Iterable[Mo], **attributes: Any) -> Mo:
    """Return an SVI with the attributes that floating and standard SVIs share."""
    interface = plan["interface"]
    return mo(
        cls,
        children,
        encap=f"vlan-{vlan}",
        ifInstT="ext-svi",
        mtu=interface["mtu"],
        mode=interface["mode"],
        encapScope=interface["encap_scope"],
        autostate={True: "enabled", False: "disabled"}.get(interface.get("autostate")),
        **attributes,
    )


def _secondary(address: str, family: str) -> Mo:
    """Return the shared address of both leaves, without duplicate address detection."""
    return mo("l3extIp", addr=address, ipv6Dad="disabled" if family == "ipv6" else None)


def _peer(plan: Plan, address: str) -> Mo:
    names, bgp = plan["names"], plan["bgp"]
    children = [mo("bgpAsP", asn=plan["cluster_asn"])]
    if bgp["prefix_limit"]:
        children.append(mo("bgpRsPeerPfxPol", tnBgpPeerPfxPolName=names["prefix_limit"]))
    if "next_hop" in names:
        profile = f"uni/tn-{plan['fabric']['tenant']}/prof-{names['next_hop']}"
        children.append(mo("bgpRsPeerToProfile", tDn=profile, direction="import"))
    return mo("bgpPeerP", children, addr=address, ctrl=",".join(sorted(bgp["controls"])), password=PASSWORD_MARKER)


def _floating_interfaces(plan: Plan, rack: Any, leaves: list[Any], floating: Any) -> list[Mo]:
    """Return a logical interface profile for each family, as APIC requires, with an SVI on each anchor leaf."""
    return [
        mo(
            "l3extLIfP",
            [_floating_svi(plan, leaf, family, floating["vlan"], network) for leaf in leaves],
            name=f"{rack['node_profile']}-{family}",
        )
        for family, network in floating["networks"].items()
    ]


def _floating_svi(plan: Plan, leaf: Any, family: str, vlan: int, network: Any) -> Mo:
    domain = mo("l3extRsDynPathAtt", tDn=f"uni/phys-{plan['domains']['physical']}", floatingAddr=network["floating"])
    children = [domain, _secondary(network["secondary"], family), _peer(plan, network["subnet"])]
    address = leaf["networks"][family]["address"]
    return _svi(plan, "l3extVirtualLIfP", vlan, children, nodeDn=node_dn(leaf), addr=address)


def _standard_interfaces(plan: Plan, rack: Any, leaves: list[Any]) -> list[Mo]:
    """Return a logical interface profile for each node and family.

    The name of a path does not contain its VLAN, so two nodes behind one vPC cannot share a profile.
    """
    nodes = [node for node in plan["nodes"] if node["rack"] == rack["id"]]
    return [
        mo(
            "l3extLIfP",
            [_path(plan, rack, leaves, node, family, network)],
            name=f"{node.get('slot_name', node['name'])}-{family}",
        )
        for node in nodes
        for family, network in node["networks"].items()
    ]


def _path(plan: Plan, rack: Any, leaves: list[Any], node: Any, family: str, network: Any) -> Mo:
    peer = _peer(plan, network["address"].split("/")[0])
    if len(leaves) == 1:
        # Without a pair there are no sides: the path has the leaf's address itself.
        target = f"topology/pod-{rack['pod']}/paths-{leaves[0]['id']}/pathep-[{node['vpc']}]"
        addresses, address = [_secondary(network["secondary"], family)], network["leaf_a"]
    else:
        pair = "-".join(str(leaf["id"]) for leaf in leaves)
        target = f"topology/pod-{rack['pod']}/protpaths-{pair}/pathep-[{node['vpc']}]"
        addresses, address = [_side(side, family, network) for side in ("A", "B")], None
    return _svi(plan, "l3extRsPathL3OutAtt", node["vlan"], [*addresses, peer], tDn=target, addr=address)


def _side(side: str, family: str, network: Any) -> Mo:
    """Return one leaf of a vPC pair: its own address, and the address that it shares with the other."""
    address = network[f"leaf_{side.lower()}"]
    return mo("l3extMember", [_secondary(network["secondary"], family)], side=side, addr=address)


def flat(tree: Mo, parent: str = "", tags: bool = False) -> dict[str, dict[str, Any]]:
    """Return a tree of managed objects as ``{dn: {"class": …, "attributes": …}}``.

    :param tags: whether to include tags.
    """
    objects: dict[str, dict[str, Any]] = {}
    for cls, body in tree.items():
        if cls == "tagAnnotation" and not tags:
            continue
        rn = rn_from(cls, body["attributes"]) or ""
        dn = f"{parent}/{rn}" if parent else rn
        objects[dn] = {"class": cls, "attributes": body["attributes"]}
        for child in body.get("children", ()):
            objects.update(flat(child, dn, tags))
    return objects
