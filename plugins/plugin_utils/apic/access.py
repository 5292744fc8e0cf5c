# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access policies, tenant and VRF as APIC managed objects, as far as the plan creates them.

Tenant, VRF, VLAN pool, domains, AAEP and port channel policy are shared, because several clusters may use them
(docs/development/architecture.md, "Ownership on APIC"). Policy groups, profiles and selectors belong to one cluster.
"""

from __future__ import annotations

from typing import Any

from ...module_utils.names import COMMON
from ..schema.ports import parse_ports
from .objects import Mo, Plan, Root, existing, mo, own, shared

# The port channel policy that is created if the plan names none.
LACP_POLICY = "calico-lacp-active"


def access_roots(plan: Plan) -> list[Root]:
    """Return the roots of tenants with the VRF, and of access policies, as far as the plan creates them."""
    roots = [{"dn": f"uni/tn-{name}", "scope": "bare", "tree": tenant} for name, tenant in tenants(plan).items()]
    if plan["access"]["managed"]:
        roots.append({"dn": "uni", "scope": "named", "tree": mo("polUni", access_objects(plan))})
    return roots


# --- tenant and VRF --------------------------------------------------------------------------------------------------


def tenants(plan: Plan) -> dict[str, Mo]:
    """Return ``{name: fvTenant}`` of the tenants that the plan creates, or in which it creates the VRF."""
    if not plan["access"]["tenant"]:
        return {}
    fabric, cluster = plan["fabric"], plan["cluster"]
    wanted: dict[str, list[Mo]] = {fabric["tenant"]: []}
    wanted.setdefault(fabric["vrf_tenant"], []).append(shared("fvCtx", cluster, name=fabric["vrf"]))
    return {name: _tenant(cluster, name, children) for name, children in wanted.items() if name != COMMON or children}


def lease_tenant(plan: Plan) -> str:
    """Return the DN of the tenant that has the lease of a run: the L3Out's, or ``common`` if the plan creates that tenant."""
    return f"uni/tn-{COMMON if plan['access']['tenant'] else plan['fabric']['tenant']}"


def made_dns(plan: Plan) -> list[str]:
    """Return the DNs of tenants and VRF that the plan creates: in check mode they do not exist yet."""
    fabric = plan["fabric"]
    vrf = f"uni/tn-{fabric['vrf_tenant']}/ctx-{fabric['vrf']}"
    made = tenants(plan)
    return [*(f"uni/tn-{name}" for name in made), vrf] if made else []


def _tenant(cluster: str, name: str, children: list[Mo]) -> Mo:
    if name == COMMON:
        return existing("fvTenant", children, name=name)
    return shared("fvTenant", cluster, children, name=name)


# --- access policies -------------------------------------------------------------------------------------------------


def access_objects(plan: Plan) -> list[Mo]:
    """Return ``infraInfra`` and the domains, the children of ``polUni``; none if the plan does not create them."""
    access, cluster = plan["access"], plan["cluster"]
    if not access["managed"]:
        return []
    leaves = sorted({leaf["id"] for group in access["groups"] for leaf in group["leaves"] if leaf["ports"]})
    profiles = [profile for leaf in leaves for profile in _leaf_profiles(plan, leaf)]
    groups = [_policy_group(plan, group) for group in access["groups"]]
    policies = [_vlan_pool(plan), *_lacp_policy(plan), _aaep(plan), existing("infraFuncP", groups), *profiles]
    return [
        existing("infraInfra", [own(policy, plan["names"]["owner"]) for policy in policies]),
        *(_domain(plan, cls, cluster, name) for cls, name in _domains(plan)),
    ]


def pool_dn(plan: Plan) -> str:
    """Return the DN of the VLAN pool."""
    return f"uni/infra/vlanns-[{plan['access']['pool']}]-static"


def _domains(plan: Plan) -> list[tuple[str, str]]:
    domains = {"l3extDomP": plan["domains"]["l3"], "physDomP": plan["domains"]["physical"]}
    return [(cls, name) for cls, name in domains.items() if name]


def domain_dns(plan: Plan) -> list[str]:
    """Return the DNs of the domains that the cluster uses."""
    prefixes = {"l3extDomP": "l3dom", "physDomP": "phys"}
    return [f"uni/{prefixes[cls]}-{name}" for cls, name in _domains(plan)]


def _domain(plan: Plan, cls: str, cluster: str, name: str) -> Mo:
    return shared(cls, cluster, [shared("infraRsVlanNs", cluster, tDn=pool_dn(plan))], name=name)


def _vlan_pool(plan: Plan) -> Mo:
    ranges: list[dict[str, Any]] = [{"from": f"vlan-{low}", "to": f"vlan-{high}"} for low, high in plan["access"]["vlans"]]
    blocks = [shared("fvnsEncapBlk", plan["cluster"], **one, allocMode="static") for one in ranges]
    return shared("fvnsVlanInstP", plan["cluster"], blocks, name=plan["access"]["pool"], allocMode="static")


def _lacp_policy(plan: Plan) -> list[Mo]:
    if plan["access"]["lacp_policy"] or not plan["access"]["groups"]:
        return []
    return [shared("lacpLagPol", plan["cluster"], name=LACP_POLICY, mode="active")]


def _aaep(plan: Plan) -> Mo:
    domains = [shared("infraRsDomP", plan["cluster"], tDn=dn) for dn in domain_dns(plan)]
    return shared("infraAttEntityP", plan["cluster"], domains, name=plan["access"]["aaep"])


def _policy_group(plan: Plan, group: Any) -> Mo:
    """Return the interface policy group of a vPC, or of a port channel if the rack has one leaf."""
    access = plan["access"]
    children = [
        mo("infraRsAttEntP", tDn=f"uni/infra/attentp-{access['aaep']}"),
        mo("infraRsLacpPol", tnLacpLagPolName=access["lacp_policy"] or LACP_POLICY),
    ]
    return mo("infraAccBndlGrp", children, name=group["name"], lagT="node" if group["vpc"] else "link")


def _leaf_profiles(plan: Plan, leaf: Any) -> tuple[Mo, Mo]:
    """Return a leaf's interface profile with a selector for each policy group, and the switch profile that uses it."""
    name = f"{plan['access']['profile']}-{leaf}"
    selectors = [
        _port_selector(group["name"], entry["ports"])
        for group in plan["access"]["groups"]
        for entry in group["leaves"]
        if entry["id"] == leaf and entry["ports"]
    ]
    node = mo("infraNodeBlk", name=leaf, from_=leaf, to_=leaf)
    switches = mo("infraLeafS", [node], name=leaf, type="range")
    profile = mo("infraRsAccPortP", tDn=f"uni/infra/accportprof-{name}")
    return mo("infraAccPortP", selectors, name=name), mo("infraNodeP", [switches, profile], name=name)


def _port_selector(group: Any, ports: list[str]) -> Mo:
    blocks = [_port_block(number, text) for number, text in enumerate(ports, 1)]
    uses = mo("infraRsAccBaseGrp", tDn=f"uni/infra/funcprof/accbundle-{group}")
    return mo("infraHPortS", [uses, *blocks], name=group, type="range")


def _port_block(number: int, text: str) -> Mo:
    ports = parse_ports(text)
    return mo(
        "infraPortBlk", name=f"block{number}", fromPort=ports.first, toPort=ports.last, fromCard=ports.module, toCard=ports.module
    )
