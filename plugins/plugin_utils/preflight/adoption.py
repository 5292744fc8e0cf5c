# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check an existing L3Out that the cluster takes over: nothing in it may be made a second time under another name.

APIC tells objects apart by their names only. A push would add the planned node profiles, interfaces and external EPGs beside
those of another name: two profiles with the same leaves, VLAN and addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...module_utils.apic.mo import last_rn, parent_dn
from ..apic.tree import apic_tree, flat
from ..schema.problems import Problem
from .facts import Fabric, holder_of
from .prerequisites import Plan


def in_the_way(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that an L3Out of the plan has no profiles, interfaces and external EPGs of others with what the plan makes."""
    planned = flat(apic_tree(plan))
    found: dict[str, dict[str, list[str]]] = {}
    for l3out, kind, name, what in (
        *_profiles(plan, fabric, planned),
        *_interfaces(plan, fabric, planned),
        *_subnets(plan, fabric, planned),
    ):
        found.setdefault(l3out, {}).setdefault(f"{kind} {name}", []).append(what)
    for l3out, objects in sorted(found.items()):
        listed = "; ".join(f"{name} ({', '.join(dict.fromkeys(what))})" for name, what in objects.items())
        own = [f"{rack['node_profile']} on leaf {', '.join(map(str, rack['leaves']))}" for rack in plan["racks"]]
        yield Problem(
            "adopted-in-the-way",
            "aci_calico_l3out",
            f"{l3out} has objects of others with what the plan makes under other names: {listed}. Planned node profiles:"
            f" {'; '.join(own)}",
        )


def _profiles(plan: Plan, fabric: Fabric, planned: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for dn, node, leaf in fabric.on_own_leaves():
        if _is_others(plan, fabric, dn, node) and parent_dn(dn) not in planned:
            yield holder_of(dn), "node profile", _name(parent_dn(dn)), f"leaf {leaf['id']}"


def _interfaces(plan: Plan, fabric: Fabric, planned: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    vlans = {f"vlan-{node['vlan']}" for node in plan["nodes"]}
    for cls in ("l3extVirtualLIfP", "l3extRsPathL3OutAtt"):
        for dn, interface in sorted(fabric.of_class(cls).items()):
            if _is_others(plan, fabric, dn, interface) and dn not in planned and interface["encap"] in vlans:
                where = interface.get("nodeDn") or interface["tDn"]
                yield holder_of(dn), "interface profile", _name(parent_dn(dn)), f"{interface['encap']} on {where}"


def _subnets(plan: Plan, fabric: Fabric, planned: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    prefixes = {mo["attributes"]["ip"] for mo in planned.values() if mo["class"] == "l3extSubnet"}
    for dn, subnet in sorted(fabric.of_class("l3extSubnet").items()):
        classifies = subnet["ip"] in prefixes and "import-security" in subnet["scope"].split(",")
        if classifies and dn not in planned and _is_others(plan, fabric, dn, subnet):
            yield holder_of(dn), "external EPG", _name(parent_dn(dn)), subnet["ip"]


def _is_others(plan: Plan, fabric: Fabric, dn: str, attributes: dict[str, str]) -> bool:
    """Return whether an object of the cluster's L3Outs is not its own; the push removes its own if they are not planned."""
    return holder_of(dn) in fabric.own_l3outs and attributes["annotation"] != plan["names"]["owner"]


def _name(dn: str) -> str:
    return last_rn(dn).partition("-")[2]
