"""Checks and completions across properties and objects that APIC makes before it commits a transaction."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable

from . import errors
from .tree import ManagedObject, Tree

Rule = Callable[[Tree, ManagedObject], None]

_RULES: dict[str, list[Rule]] = {}


def check(tree: Tree, touched: Iterable[ManagedObject]) -> None:
    """Run the rules of every touched object. Raises the first error."""
    for mo in touched:
        for rule in _RULES.get(mo.cls, ()):
            rule(tree, mo)


def _rule(*classes: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        for cls in classes:
            _RULES.setdefault(cls, []).append(rule)
        return rule

    return register


def _flags(mo: ManagedObject, prop: str) -> set[str]:
    return set(mo.values[prop].split(",")) - {""}


@_rule("l3extOut")
def _export_is_always_controlled(_tree: Tree, mo: ManagedObject) -> None:
    if "export" not in _flags(mo, "enforceRtctrl"):
        raise errors.invalid_configuration("Unenforced Route Control is not supported for Export direction.")


@_rule("l3extSubnet")
def _scopes_fit(_tree: Tree, mo: ManagedObject) -> None:
    scope = _flags(mo, "scope")
    if "shared-security" in scope and "import-security" not in scope:
        raise errors.invalid_configuration(f"- shared-security requires import-security scope: {mo.dn}")


@_rule("l3extSubnet")
def _aggregate_only_the_default_route(_tree: Tree, mo: ManagedObject) -> None:
    aggregate = _flags(mo, "aggregate") & {"import-rtctrl", "export-rtctrl"}
    if aggregate and mo.values["ip"] not in ("0.0.0.0/0", "::/0"):
        raise errors.invalid_configuration("- Import/Export Subnet Aggregation Supported Only for 0.0.0.0/0 or ::/0")


@_rule("l3extVirtualLIfP", "l3extRsPathL3OutAtt")
def _interface_has_a_network(_tree: Tree, mo: ManagedObject) -> None:
    interface = ipaddress.ip_interface(mo.values["addr"])
    if "/" in mo.values["addr"] and interface.network.prefixlen == interface.max_prefixlen:
        raise errors.invalid_configuration("Invalid External Interface Address")


def _is_unset(address: str) -> bool:
    return ipaddress.ip_interface(address).ip.is_unspecified


@_rule("l3extVirtualLIfP", "l3extRsPathL3OutAtt", "l3extMember", "l3extIp")
def _one_family_for_an_interface(_tree: Tree, mo: ManagedObject) -> None:
    """Refuse IPv4 and IPv6 on one interface; dual stack needs a second logical interface profile."""
    interface = mo
    while interface.cls not in ("l3extVirtualLIfP", "l3extRsPathL3OutAtt"):
        interface = interface.container
    families = {
        ipaddress.ip_interface(each.values["addr"]).version
        for each in interface.descendants()
        if each.cls in ("l3extVirtualLIfP", "l3extRsPathL3OutAtt", "l3extMember", "l3extIp")
        and not _is_unset(each.values["addr"])
    }
    if len(families) > 1:
        raise errors.validation_failed(f"IPv4 and IPv6 addresses on one interface: Dn0={interface.dn}, ")


@_rule("bgpPeerP")
def _private_as_flags_go_together(_tree: Tree, mo: ManagedObject) -> None:
    flags = _flags(mo, "privateASctrl")
    if ("remove-all" in flags and "remove-exclusive" not in flags) or ("replace-as" in flags and "remove-all" not in flags):
        raise errors.invalid_configuration("replace-as requires remove-all, and remove-all requires remove-exclusive")


@_rule("bgpCtxPol")
def _graceful_restart_is_helper(_tree: Tree, mo: ManagedObject) -> None:
    if not _flags(mo, "grCtrl") <= {"helper"}:
        raise errors.invalid_configuration("graceful restart supports helper mode only")


@_rule("fvnsEncapBlk")
def _range_runs_upwards(_tree: Tree, mo: ManagedObject) -> None:
    low, high = mo.values["from"], mo.values["to"]
    if low.partition("-")[0] != high.partition("-")[0] or int(low.partition("-")[2]) > int(high.partition("-")[2]):
        raise errors.invalid_configuration(f"Range from {low} to {high} is invalid. From value cannot be larger than To value")


_L4 = ("prot", "sFromPort", "sToPort", "dFromPort", "dToPort", "tcpRules")


@_rule("vzEntry")
def _entry_is_consistent(_tree: Tree, mo: ManagedObject) -> None:
    unset = ("unspecified", "")
    ethernet = mo.values["etherT"]
    if ethernet not in ("ip", "ipv4", "ipv6") and any(mo.values[prop] not in unset for prop in _L4):
        raise errors.invalid_configuration("non-IP Ethertype cannot be combined with other l4 properties")
    if ethernet != "arp" and mo.values["arpOpc"] not in unset:
        raise errors.invalid_configuration("ArpOpcode cannot be combined with non arp Ethertype")
    rules = _flags(mo, "tcpRules")
    if "est" in rules and len(rules) > 1:
        raise errors.invalid_configuration("established cannot be combined with other tcp rules")


@_rule("vzEntry")
def _ports_are_ranges(tree: Tree, mo: ManagedObject) -> None:
    """Complete a range without an end to one port; refuse a range without a start."""
    for first, last in (("sFromPort", "sToPort"), ("dFromPort", "dToPort")):
        if mo.values[last] == "unspecified" and mo.values[first] != "unspecified":
            tree.update(mo, {last: mo.values[first]})
        elif mo.values[last] != "unspecified" and mo.values[first] == "unspecified":
            raise errors.invalid_configuration("port range cannot start at 0")


@_rule("l3extBdProfileCont")
def _profile_needs_a_physical_domain(_tree: Tree, mo: ManagedObject) -> None:
    interface = mo.container
    paths = interface.children_of("l3extRsDynPathAtt")
    if paths and not any(path.values["tDn"].startswith("uni/phys-") for path in paths):
        raise errors.validation_failed(f"BD profile requires a physical domain: Dn0={interface.dn}, ")


@_rule("l3extConsLbl")
def _label_leads_to_its_provider(tree: Tree, mo: ManagedObject) -> None:
    target = f"resPolCont/tn-[uni/tn-infra]/provlbl-{mo.values['name']}"
    for definition in mo.children_of("l3extRsProvLblDef"):
        tree.update(definition, {"tDn": target})


def _vrf_dn(tree: Tree, l3out: ManagedObject) -> str | None:
    """Return the DN of an L3Out's VRF, which is in the same tenant or in ``common``."""
    names = [relation.values["tnFvCtxName"] for relation in l3out.children_of("l3extRsEctx")]
    candidates = [f"uni/tn-{tenant}/ctx-{name}" for name in names for tenant in (l3out.container.values["name"], "common")]
    return next((dn for dn in candidates if tree.get(dn)), None)


def _nodes_of_vrf(tree: Tree, l3out: ManagedObject) -> list[ManagedObject]:
    """Return the node attachments of every L3Out in the VRF of this one, itself included."""
    vrf = _vrf_dn(tree, l3out)
    same = {l3out.dn: True}
    nodes = []
    for node in tree.of_class("l3extRsNodeL3OutAtt"):
        other = node.container.container
        if other.dn not in same:
            same[other.dn] = vrf is not None and _vrf_dn(tree, other) == vrf
        if same[other.dn]:
            nodes.append(node)
    return nodes


@_rule("l3extRsNodeL3OutAtt", "l3extRsEctx")
def _one_router_id_for_a_node(tree: Tree, mo: ManagedObject) -> None:
    """Refuse a second router ID of a leaf in a VRF, whichever L3Out it comes from."""
    l3out = mo.ancestor("l3extOut")
    known: dict[str, ManagedObject] = {}
    for node in _nodes_of_vrf(tree, l3out):
        if _is_unset(node.values["rtrId"]):
            continue
        first = known.setdefault(node.values["tDn"], node)
        if first.values["rtrId"] != node.values["rtrId"]:
            raise errors.validation_failed(
                f"Router ID of {node.values['tDn']} differs within the VRF: {first.dn} has {first.values['rtrId']}, "
                f"{node.dn} has {node.values['rtrId']}"
            )


@_rule("l3extLoopBackIfP")
def _loopback_belongs_to_one_l3out(tree: Tree, mo: ManagedObject) -> None:
    node, l3out = mo.container, mo.ancestor("l3extOut")
    for other in _nodes_of_vrf(tree, l3out):
        if other.values["tDn"] != node.values["tDn"] or other.ancestor("l3extOut") is l3out:
            continue
        if any(loopback.values["addr"] == mo.values["addr"] for loopback in other.children_of("l3extLoopBackIfP")):
            raise errors.validation_failed(f"Loopback {mo.values['addr']} belongs to two L3Outs: {mo.dn}, {other.dn}")
