# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an L3Out stands on, as APIC managed objects: access policies, and tenant and VRF where they are wanted.

VLAN pool, domains, AAEP and port channel policy may be those of several clusters, tenant and VRF too: they are shared
with everything in them that names no cluster (docs/development/architecture.md, "Ownership on APIC"). Policy groups, profiles and selectors
are one cluster's.
"""

from __future__ import annotations

from ...module_utils.names import COMMON
from ..schema.ports import parse_ports
from .objects import existing, mo, own, shared

# The port channel policy that is made where none is named.
LACP_POLICY = "calico-lacp-active"


def access_roots(plan):
    """What ``aci_tree`` is to push, as far as the plan asks for it: tenants with the VRF, access policies.

    :returns: roots as ``apic.apic_roots`` gives them.
    """
    roots = [{"dn": f"uni/tn-{name}", "scope": "bare", "tree": tenant} for name, tenant in tenants(plan).items()]
    if plan["access"]["managed"]:
        roots.append({"dn": "uni", "scope": "named", "tree": mo("polUni", access_objects(plan))})
    return roots


# --- tenant and VRF --------------------------------------------------------------------------------------------------


def tenants(plan):
    """``{name: fvTenant}`` of the tenants that the plan makes, or makes the VRF in."""
    if not plan["access"]["tenant"]:
        return {}
    fabric, cluster = plan["fabric"], plan["cluster"]
    wanted = {fabric["tenant"]: []}
    wanted.setdefault(fabric["vrf_tenant"], []).append(shared("fvCtx", cluster, name=fabric["vrf"]))
    return {name: _tenant(cluster, name, children) for name, children in wanted.items() if name != COMMON or children}


def made_dns(plan):
    """DNs of tenants and VRF that the plan makes: in a dry run they are not there yet."""
    fabric = plan["fabric"]
    vrf = f"uni/tn-{fabric['vrf_tenant']}/ctx-{fabric['vrf']}"
    made = tenants(plan)
    return [*(f"uni/tn-{name}" for name in made), vrf] if made else []


def _tenant(cluster, name, children):
    if name == COMMON:
        return existing("fvTenant", children, name=name)
    return shared("fvTenant", cluster, children, name=name)


# --- access policies -------------------------------------------------------------------------------------------------


def access_objects(plan):
    """The children of ``polUni``: ``infraInfra`` and the domains; none where the plan leaves them to others."""
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


def pool_dn(plan):
    """DN of the VLAN pool."""
    return f"uni/infra/vlanns-[{plan['access']['pool']}]-static"


def _domains(plan):
    domains = {"l3extDomP": plan["domains"]["l3"], "physDomP": plan["domains"]["physical"]}
    return [(cls, name) for cls, name in domains.items() if name]


def domain_dns(plan):
    """DNs of the domains that the cluster uses."""
    prefixes = {"l3extDomP": "l3dom", "physDomP": "phys"}
    return [f"uni/{prefixes[cls]}-{name}" for cls, name in _domains(plan)]


def _domain(plan, cls, cluster, name):
    return shared(cls, cluster, [shared("infraRsVlanNs", cluster, tDn=pool_dn(plan))], name=name)


def _vlan_pool(plan):
    blocks = [
        shared("fvnsEncapBlk", plan["cluster"], **{"from": f"vlan-{low}", "to": f"vlan-{high}"}, allocMode="static")
        for low, high in plan["access"]["vlans"]
    ]
    return shared("fvnsVlanInstP", plan["cluster"], blocks, name=plan["access"]["pool"], allocMode="static")


def _lacp_policy(plan):
    if plan["access"]["lacp_policy"] or not plan["access"]["groups"]:
        return []
    return [shared("lacpLagPol", plan["cluster"], name=LACP_POLICY, mode="active")]


def _aaep(plan):
    domains = [shared("infraRsDomP", plan["cluster"], tDn=dn) for dn in domain_dns(plan)]
    return shared("infraAttEntityP", plan["cluster"], domains, name=plan["access"]["aaep"])


def _policy_group(plan, group):
    """The interface policy group of a vPC, or of a port channel where the rack has one leaf."""
    access = plan["access"]
    children = [
        mo("infraRsAttEntP", tDn=f"uni/infra/attentp-{access['aaep']}"),
        mo("infraRsLacpPol", tnLacpLagPolName=access["lacp_policy"] or LACP_POLICY),
    ]
    return mo("infraAccBndlGrp", children, name=group["name"], lagT="node" if group["vpc"] else "link")


def _leaf_profiles(plan, leaf):
    """A leaf's interface profile with a selector for each policy group on it, and the switch profile that uses it."""
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


def _port_selector(group, ports):
    blocks = [_port_block(number, text) for number, text in enumerate(ports, 1)]
    uses = mo("infraRsAccBaseGrp", tDn=f"uni/infra/funcprof/accbundle-{group}")
    return mo("infraHPortS", [uses, *blocks], name=group, type="range")


def _port_block(number, text):
    ports = parse_ports(text)
    cards = {"fromCard": ports.module, "toCard": ports.module}
    return mo("infraPortBlk", name=f"block{number}", fromPort=ports.first, toPort=ports.last, **cards)
