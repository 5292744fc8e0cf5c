# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verify the fabric: APIC's configuration, its faults, router IDs and the leaves' tables."""

from __future__ import annotations

import re

from ...module_utils.apic.mo import canonical, parent_dn
from ..apic.tree import apic_tree, flat
from ..schema.messages import ERROR, WARNING
from .causes import SESSION_FAULTS, Finding

# Attributes that mark the owner or control the push, and attributes that APIC never returns.
_NOT_COMPARED = frozenset({"annotation", "status", "password"})
# Classes of which additional objects change a policy of the cluster.
_CLOSED_CLASSES = frozenset({"bgpPeerP", "l3extSubnet", "rtctrlMatchRtDest"})
# Relations whose target others may have to create, and which must resolve.
_RELATIONS = frozenset(
    {"fvRsCons", "fvRsConsIf", "fvRsProv", "rtctrlRsCtxPToSubjP", "vzRsIf", "vzRsSubjFiltAtt", "vzRsSubjGraphAtt"}
)

# (class, attribute) or class: the rule that names a difference. Where neither is listed: aci-missing and aci-differs.
_RULE_OF: dict[tuple[str, str | None] | str, str] = {
    ("bgpCtxPol", "maxAsLimit"): "as-limit",
    ("bgpCtxPol", "grCtrl"): "graceful-restart-off",
    "bgpCtxPol": "timers",
    "bgpProtP": "timers",
    "bgpRsBgpNodeCtxPol": "timers",
    "bgpBestPathCtrlPol": "as-path-relax-off",
    "bgpRsBestPathCtrlPol": "as-path-relax-off",
    "bgpCtxAfPol": "ecmp",
    "fvRsCtxToBgpCtxAfPol": "ecmp",
    ("l3extOut", "enforceRtctrl"): "import-control-off",
    "l3extIp": "secondary-address",
    "bgpPeerPfxPol": "prefix-limit-differs",
    "bgpRsPeerPfxPol": "prefix-limit-differs",
    ("l3extRsNodeL3OutAtt", "rtrId"): "router-id-differs",
    "bgpAsP": "peer-asn",
    "l3extSubnet": "external-subnet",
    **dict.fromkeys(("fvRsCons", "fvRsConsIf", "fvRsProv"), "contract-differs"),
    **dict.fromkeys(("vzBrCP", "vzCPIf", "vzEntry", "vzFilter", "vzRsIf"), "contract-differs"),
    **dict.fromkeys(("vzRsSubjFiltAtt", "vzRsSubjGraphAtt", "vzSubj"), "contract-differs"),
}
_ROUTE_MAP_CLASSES = frozenset({"rtctrlProfile", "rtctrlCtxP", "rtctrlRsCtxPToSubjP", "rtctrlSubjP", "rtctrlMatchRtDest"})
_PEER_FLAGS = {"as-override": "as-override-off", "dis-peer-as-check": "peer-as-check-on"}

_SEVERITIES = {"critical": ERROR, "major": ERROR, "minor": WARNING, "warning": WARNING}
NO_ROUTER_ID = ("", "0.0.0.0")
# The used share of a leaf's longest-prefix-match entries from which a warning is reported.
LPM_WARNING = 0.8


def verify_aci(plan: dict, aci: dict) -> list[Finding]:
    """Compare APIC's configuration, faults, router IDs and table usage with the plan.

    :param aci: the ``state`` of the module ``aci_state``.
    """
    return [
        *_drift(plan, aci["objects"]),
        *_bd_enforcement(plan, aci["objects"]),
        *_router_ids(aci),
        *_faults(plan, aci["faults"]),
        *_lpm(aci),
    ]


# --- configuration ---------------------------------------------------------------------------------------------------


def _drift(plan: dict, observed: dict) -> list[Finding]:
    wanted = flat(apic_tree(plan))
    missing: set[str] = set()
    findings = []
    for dn, mo in wanted.items():
        if mo["attributes"].get("status") == "modified" or mo["class"] == "polUni":
            continue  # a container of somebody else
        if dn not in observed:
            missing.add(dn)
        if parent_dn(dn) not in missing:  # objects inside a missing container are not reported
            findings += _compare(plan, dn, mo, observed.get(dn))
    for dn, mo in observed.items():
        if mo["class"] in _CLOSED_CLASSES and dn not in wanted and parent_dn(dn) in wanted:
            findings.append(_extra(plan, dn, mo))
    return findings


def _compare(plan: dict, dn: str, wanted: dict, observed: dict | None) -> list[Finding]:
    cls, attributes = wanted["class"], wanted["attributes"]
    if observed is None:
        return [_finding(plan, dn, wanted, None, f"{dn} is missing")]
    findings = []
    for name, value in attributes.items():
        if name in _NOT_COMPARED:
            continue
        value, seen = canonical(name, value), canonical(name, observed["attributes"].get(name, ""))
        if value == seen:
            continue
        what = f"{name} is {seen or 'empty'} instead of {value or 'empty'} ({dn})"
        if (cls, name) == ("bgpPeerP", "ctrl"):
            findings += _peer_controls(plan, dn, set(value.split(",")), set(seen.split(",")), what)
        else:
            findings.append(_finding(plan, dn, wanted, name, what))
    if cls in _RELATIONS and observed["attributes"].get("state", "formed") != "formed":
        what = f"its state is {observed['attributes']['state']} ({dn})"
        findings.append(Finding("contract-unresolved", what))
    return findings


def _peer_controls(plan: dict, dn: str, wanted: set, seen: set, what: str) -> list[Finding]:
    rules = [rule for flag, rule in _PEER_FLAGS.items() if flag in wanted - seen] or ["aci-differs"]
    return [Finding(rule, what, **_where(plan, dn)) for rule in rules]


def _finding(plan: dict, dn: str, mo: dict, attribute: str | None, what: str) -> Finding:
    cls = mo["class"]
    if cls in _ROUTE_MAP_CLASSES:
        return _route_map(plan, dn, mo, what)
    rule = _RULE_OF.get((cls, attribute)) or _RULE_OF.get(cls) or ("aci-differs" if attribute else "aci-missing")
    return Finding(rule, what, **_where(plan, dn))


def _route_map(plan: dict, dn: str, mo: dict, what: str) -> Finding:
    """Return the finding for a part of a route map or of its match rule."""
    names = plan["names"]
    if names["transit"] in dn or not _of_own_l3out(plan, dn):
        return Finding("transit-route", what)
    exported = f"/subj-{names['export_match']}" in dn or "/prof-default-export" in dn
    prefix = mo["attributes"].get("ip")
    return Finding("export-prefix-missing" if exported else "import-prefix-missing", what, prefix=prefix)


def _of_own_l3out(plan: dict, dn: str) -> bool:
    """Return whether a route map does not belong to an L3Out of somebody else."""
    return "/out-" not in dn or any(f"/out-{l3out['name']}/" in f"{dn}/" for l3out in plan["l3outs"])


def _extra(plan: dict, dn: str, mo: dict) -> Finding:
    if mo["class"] == "bgpPeerP":
        return Finding("aci-extra-peer", f"peer {mo['attributes']['addr']} is not planned ({dn})", **_where(plan, dn))
    prefix = mo["attributes"]["ip"]
    if mo["class"] == "l3extSubnet":
        return Finding("external-subnet", f"{prefix} is not planned ({dn})", prefix=prefix)
    if f"/subj-{plan['names']['transit']}/" in dn:
        return Finding("transit-route", f"transit L3Outs advertise {prefix}, which is not planned ({dn})")
    if f"/subj-{plan['names']['export_match']}/" in dn:
        return Finding("aci-differs", f"export route control permits {prefix}, which is not planned ({dn})")
    return Finding("import-prefix-extra", f"import route control permits {prefix}, which is not planned ({dn})", prefix=prefix)


def _where(plan: dict, dn: str) -> dict:
    """Return the leaves, nodes and rack of an object of the L3Out, as far as its DN names them."""
    rack = next((rack for rack in plan["racks"] if f"/lnodep-{rack['node_profile']}/" in f"{dn}/"), None)
    if rack is None:
        return {}
    leaves = {leaf for leaf in rack["leaves"] if f"/node-{leaf}]" in dn} or set(rack["leaves"])
    side = next((side for side in ("A", "B") if f"/mem-{side}/" in f"{dn}/"), None)
    if side:
        leaves = {leaf["id"] for leaf in plan["leaves"] if leaf["rack"] == rack["id"] and leaf["side"] == side}
    where = {"rack": rack["id"], "leaves": frozenset(leaves)}
    node = next((node for node in plan["nodes"] if node["vpc"] and f"/pathep-[{node['vpc']}]" in dn), None)
    return {**where, "node": node["name"]} if node else where


def _bd_enforcement(plan: dict, objects: dict) -> list[Finding]:
    fabric = plan["fabric"]
    dn = f"uni/tn-{fabric.get('vrf_tenant') or fabric['tenant']}/ctx-{fabric['vrf']}"
    vrf = objects.get(dn, {}).get("attributes", {})
    return [Finding("bd-enforced", f"bdEnforcedEnable is yes ({dn})")] if vrf.get("bdEnforcedEnable") == "yes" else []


# --- the leaves' state -----------------------------------------------------------------------------------------------


def _router_ids(aci: dict) -> list[Finding]:
    """Report router IDs that several leaves of the VRF use or are configured with."""
    holders: dict[str, set] = {}
    for leaf, state in aci["leaves"].items():
        holders.setdefault(state["router_id"], set()).add(int(leaf))
    for mo in aci["objects"].values():
        if mo["class"] == "l3extRsNodeL3OutAtt":
            leaf = int(mo["attributes"]["tDn"].rpartition("/node-")[2])
            holders.setdefault(mo["attributes"]["rtrId"], set()).add(leaf)
    return [
        Finding(
            "duplicate-router-id",
            f"router ID {router_id} is used by leaves {' '.join(map(str, sorted(leaves)))}",
            leaves=frozenset(leaves),
        )
        for router_id, leaves in holders.items()
        if len(leaves) > 1 and router_id not in NO_ROUTER_ID
    ]


def _faults(plan: dict, faults: list) -> list[Finding]:
    nodes = {network["address"].split("/")[0]: node["name"] for node in plan["nodes"] for network in node["networks"].values()}
    return [_fault(nodes, fault) for fault in faults if fault["severity"] in _SEVERITIES and fault["code"] not in SESSION_FAULTS]


def _fault(nodes: dict, fault: dict) -> Finding:
    """Return the finding for a fault; a fault of a BGP neighbour belongs to its session."""
    what = f"{fault['code']} ({fault['severity']}): {fault['descr']} ({fault['dn']})"
    severity = _SEVERITIES[fault["severity"]]
    neighbour = re.search(r"/node-(\d+)/sys/bgp/.*/ent-\[([^]]+)\]", fault["dn"])
    if neighbour:
        leaf, address = neighbour.groups()
        return Finding("session-fault", what, node=nodes.get(address), leaf=int(leaf), severity=severity)
    return Finding("aci-fault", what, severity=severity)


def _lpm(aci: dict) -> list[Finding]:
    findings = []
    for leaf, state in aci["leaves"].items():
        lpm = state.get("lpm")
        if lpm and lpm["limit"] and lpm["used"] >= LPM_WARNING * lpm["limit"]:
            severity = ERROR if lpm["used"] >= lpm["limit"] else WARNING
            what = f"leaf {leaf} uses {lpm['used']} of {lpm['limit']} LPM entries"
            findings.append(Finding("lpm-usage", what, leaf=int(leaf), severity=severity))
    return findings
