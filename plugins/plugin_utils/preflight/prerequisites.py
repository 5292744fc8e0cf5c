# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects on APIC that the inventory names and the plan does not make: they must exist before a push.

APIC resolves a name in a relation in the tenant of the relation, and then in ``common``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...module_utils.apic.mo import CLASSES, last_rn, parent_dn, split_dn
from ...module_utils.names import COMMON
from ..apic.tree import apic_tree, flat, vrf_policies
from ..schema.messages import MESSAGES
from ..schema.problems import Problem, closest, some

Plan = dict[str, Any]

INFRA = "uni/infra"
GROUPS = f"{INFRA}/funcprof"
_MAKE_ACCESS, _MAKE_TENANT = "aci_calico_manage_access", "aci_calico_manage_tenant"
# Variables that name objects which the plan can make: {variable: switch that makes them}.
_SWITCHES = {
    "aci_calico_tenant": _MAKE_TENANT,
    "aci_calico_vrf_tenant": _MAKE_TENANT,
    "aci_calico_vrf": _MAKE_TENANT,
    "aci_calico_l3_domain": _MAKE_ACCESS,
    "aci_calico_physical_domain": _MAKE_ACCESS,
    "aci_calico_aaep": _MAKE_ACCESS,
    "aci_calico_vlan_pool": _MAKE_ACCESS,
    "aci_calico_vpc_name": _MAKE_ACCESS,
}
# The keys of EPGs in the inventory that name contracts.
_KEYS = ("provide", "consume", "consume_interfaces")
# Kinds of containers by the prefix of their relative name.
_HOLDERS = {"tn": "tenant", "ap": "application profile", "epg": "EPG", "out": "L3Out", "instP": "external EPG"}


class Kind(NamedTuple):
    """The name of a class in problems, and the id of the problem if an object is missing."""

    text: str
    missing: str


KINDS = {
    "fvTenant": Kind("tenant", "tenant-missing"),
    "fvCtx": Kind("VRF", "vrf-missing"),
    "l3extDomP": Kind("external routed domain", "domain-missing"),
    "physDomP": Kind("physical domain", "domain-missing"),
    "fvnsVlanInstP": Kind("VLAN pool", "pool-missing"),
    "infraAttEntityP": Kind("AAEP", "aaep-missing"),
    "lacpLagPol": Kind("port channel policy", "lacp-policy-missing"),
    "infraAccBndlGrp": Kind("vPC interface policy group", "group-missing"),
    "bgpCtxPol": Kind("BGP timers policy", "bgp-policy-missing"),
    "bgpBestPathCtrlPol": Kind("BGP best path policy", "bgp-policy-missing"),
    "bgpCtxAfPol": Kind("BGP address family context policy", "bgp-policy-missing"),
    "fvAp": Kind("application profile", "application-profile-missing"),
    "fvAEPg": Kind("EPG", "epg-missing"),
    "l3extOut": Kind("L3Out", "l3out-missing"),
    "l3extInstP": Kind("external EPG", "external-epg-missing"),
    "vzBrCP": Kind("contract", "contract-missing"),
    "vzCPIf": Kind("contract interface", "contract-interface-missing"),
    "vzFilter": Kind("filter", "filter-missing"),
    "vnsAbsGraph": Kind("service graph", "service-graph-missing"),
}


@dataclass(frozen=True)
class Named:
    """An object that must exist.

    :param holders: DNs of the containers that it may be in, the nearest first.
    :param path: the variable that names it.
    :param user: DN of the EPG that uses it, if the path does not show it.
    """

    cls: str
    name: str
    holders: tuple[str, ...]
    path: str
    user: str = ""

    @property
    def dns(self) -> list[str]:
        """The DNs that it may have."""
        modes = [{"allocMode": mode} for mode in ("static", "dynamic")] if self.cls == "fvnsVlanInstP" else [{}]
        rns = [CLASSES[self.cls].rn({"name": self.name, **mode}) for mode in modes]
        return [f"{holder}/{rn}" for holder in self.holders for rn in rns]


# --- objects that must exist ---------------------------------------------------------------------------------------------------


def named(plan: Plan) -> list[Named]:
    """Return all objects that a plan needs and does not make, each once; containers before their content."""
    made = made_by(plan)
    found: dict[tuple[str, ...], Named] = {}
    for one in (
        *_fabric(plan),
        *_access(plan),
        *_policies(plan),
        *_transit(plan),
        *_epgs(plan),
        *_contracts(plan),
        *_relations(plan),
    ):
        if made.isdisjoint(one.dns):
            found.setdefault((one.cls, *one.dns), one)
    return list(found.values())


def made_by(plan: Plan) -> set[str]:
    """Return the DNs of all objects that a plan makes."""
    return {dn for dn, mo in flat(apic_tree(plan)).items() if mo["attributes"].get("status") != "modified"}


def _tenant(name: str) -> str:
    return f"uni/tn-{name}"


def _seen_from(tenant: str) -> tuple[str, ...]:
    """Return the tenants in which APIC resolves a name."""
    return tuple(dict.fromkeys((_tenant(tenant), _tenant(COMMON))))


def _fabric(plan: Plan) -> Iterator[Named]:
    names = plan["fabric"]
    yield Named("fvTenant", names["tenant"], ("uni",), "aci_calico_tenant")
    yield Named("fvTenant", names["vrf_tenant"], ("uni",), "aci_calico_vrf_tenant")
    yield Named("fvCtx", names["vrf"], (_tenant(names["vrf_tenant"]),), "aci_calico_vrf")


def _access(plan: Plan) -> Iterator[Named]:
    """Yield domains, pool, AAEP, policies and groups. Floating SVI also needs the physical domain, for its VLAN."""
    access, domains = plan["access"], plan["domains"]
    yield Named("l3extDomP", domains["l3"], ("uni",), "aci_calico_l3_domain")
    if plan["svi"]["kind"] == "floating":
        yield Named("physDomP", domains["physical"], ("uni",), "aci_calico_physical_domain")
    if access["pool"]:
        yield Named("fvnsVlanInstP", access["pool"], (INFRA,), "aci_calico_vlan_pool")
    if access["aaep"]:
        yield Named("infraAttEntityP", access["aaep"], (INFRA,), "aci_calico_aaep")
    if access["lacp_policy"] and access["groups"]:
        yield Named("lacpLagPol", access["lacp_policy"], (INFRA,), "aci_calico_lacp_policy")
    for node in plan["nodes"]:
        if node["vpc"]:
            yield Named("infraAccBndlGrp", node["vpc"], (GROUPS,), "aci_calico_vpc_name")


def _policies(plan: Plan) -> Iterator[Named]:
    """Yield the BGP policies that the inventory names. The relation with the ECMP policy is in the VRF, the others in the L3Out."""
    fabric = plan["fabric"]
    for kind, policy in vrf_policies(plan).items():
        if kind in plan["bgp"]["existing_policies"]:
            (cls,) = policy
            home = fabric["vrf_tenant" if kind == "ecmp" else "tenant"]
            yield Named(cls, plan["names"][kind], _seen_from(home), f"aci_calico_bgp_{kind}_policy")


def _transit(plan: Plan) -> Iterator[Named]:
    for index, one in enumerate(plan["transit"]):
        yield Named("fvTenant", one["tenant"], ("uni",), f"aci_calico_transit[{index}].tenant")
        yield Named("l3extOut", one["l3out"], (_tenant(one["tenant"]),), f"aci_calico_transit[{index}].l3out")


def _epgs(plan: Plan) -> Iterator[Named]:
    """Yield the EPGs of others that provide or consume contracts."""
    for epg in plan["epg_contracts"]:
        path, tenant = _epg_path(plan, epg, "external_epg"), _tenant(epg["tenant"])
        yield Named("fvTenant", epg["tenant"], ("uni",), path)
        if epg["epg"]:
            yield Named("fvAp", epg["application_profile"], (tenant,), path)
            yield Named("fvAEPg", epg["epg"], (f"{tenant}/ap-{epg['application_profile']}",), path)
        else:
            yield Named("l3extOut", epg["l3out"], (tenant,), path)
            yield Named("l3extInstP", epg["external_epg"], (f"{tenant}/out-{epg['l3out']}",), path)


def _epg_path(plan: Plan, epg: dict[str, Any], key: str) -> str:
    """Return the variable that names an EPG. The plan has each EPG once, so the index of an entry is not known."""
    l3outs = [(one["tenant"], one["l3out"]) for one in plan["transit"]]
    l3out = (epg["tenant"], epg["l3out"])
    return f"aci_calico_transit[{l3outs.index(l3out)}].{key}" if l3out in l3outs else "aci_calico_epg_contracts"


def _contracts(plan: Plan) -> Iterator[Named]:
    """Yield the tenants, filters and service graphs of the contracts that the plan makes."""
    for index, contract in enumerate(plan["contracts"]):
        path, holders = f"aci_calico_contracts[{index}]", _seen_from(contract["tenant"])
        yield Named("fvTenant", contract["tenant"], ("uni",), f"{path}.tenant")
        for number, tenant in enumerate(contract["export_to"]):
            yield Named("fvTenant", tenant, ("uni",), f"{path}.export_to[{number}]")
        for number, one in enumerate(contract["filters"]):
            yield Named("vzFilter", one["name"], holders, f"{path}.filters[{number}]")
        if contract["service_graph"]:
            yield Named("vnsAbsGraph", contract["service_graph"], holders, f"{path}.service_graph")


def _relations(plan: Plan) -> Iterator[Named]:
    """Yield the contracts of EPGs: of the cluster's own, of its microsegments, and of others."""
    own, tenant = plan["external_epgs"], plan["fabric"]["tenant"]
    paths = ["aci_calico_provided_contracts", "aci_calico_consumed_contracts", "aci_calico_consumed_interfaces"]
    yield from _contracts_of(own[0], tenant, paths)
    for index, epg in enumerate(own[len(plan["l3outs"]) :]):
        yield from _contracts_of(epg, tenant, [f"aci_calico_microsegments[{index}].{key}" for key in _KEYS])
    for epg in plan["epg_contracts"]:
        yield from _contracts_of(epg, epg["tenant"], [_epg_path(plan, epg, key) for key in _KEYS], _epg_dn(epg))


def _contracts_of(epg: dict[str, Any], tenant: str, paths: list[str], user: str = "") -> Iterator[Named]:
    relations = (("vzBrCP", "provides"), ("vzBrCP", "consumes"), ("vzCPIf", "consumes_interfaces"))
    for (cls, relation), path in zip(relations, paths, strict=True):
        for index, name in enumerate(epg[relation]):
            yield Named(cls, name, _seen_from(tenant), path if user else f"{path}[{index}]", user)


def _epg_dn(epg: dict[str, Any]) -> str:
    if epg["epg"]:
        return f"{_tenant(epg['tenant'])}/ap-{epg['application_profile']}/epg-{epg['epg']}"
    return f"{_tenant(epg['tenant'])}/out-{epg['l3out']}/instP-{epg['external_epg']}"


# --- missing objects -----------------------------------------------------------------------------------------------


def missing(plan: Plan, objects: Collection[str], beside: Iterator[Plan]) -> list[Named]:
    """Return the objects that a plan needs and nobody makes. Objects inside a missing container are not reported.

    :param objects: DNs of objects that exist.
    :param beside: the plans of other clusters that are configured in the same run, read until one makes what is missing.
    """
    there = set(objects)
    absent = [one for one in named(plan) if there.isdisjoint(one.dns)]
    while absent and (other := next(beside, None)):
        made = made_by(other)
        absent = [one for one in absent if made.isdisjoint(one.dns)]
    gone = {dn for one in absent for dn in one.dns}
    return [one for one in absent if one.holders[0] not in gone]


def missing_problems(absent: Iterable[Named], similar: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each class, container and variable with missing objects.

    :param similar: DNs of objects in the containers of missing ones, to suggest names.
    """
    together: dict[tuple[str, tuple[str, ...], str, str], list[Named]] = {}
    for one in absent:
        together.setdefault((one.cls, one.holders, one.path, one.user), []).append(one)
    for (cls, holders, path, user), alike in together.items():
        names = list(dict.fromkeys(one.name for one in alike))
        where = " or ".join(filter(None, map(_place, holders)))
        problem = f"There is no {KINDS[cls].text} {some(names)}{where and f' in {where}'}{user and f', for {_place(user)}'}"
        switch = _SWITCHES.get(path)
        remedy = f"Create it, correct its name, or set {switch}: true." if switch else MESSAGES[KINDS[cls].missing].remedy
        yield Problem(KINDS[cls].missing, path, problem, " ".join([remedy, *_guess(alike, similar)]))


def _place(dn: str) -> str:
    """Return a container in words, such as ``application profile shop of tenant prod``; empty for those of the whole fabric."""
    parts = [rn.partition("-") for rn in split_dn(dn)]
    return " of ".join(f"{_HOLDERS[kind]} {name}" for kind, _dash, name in reversed(parts) if kind in _HOLDERS)


def _guess(alike: list[Named], similar: Collection[str], most: int = 8) -> Iterator[str]:
    cls, holders = alike[0].cls, alike[0].holders
    rns = [CLASSES[cls].naming_of(last_rn(dn)) for dn in similar if parent_dn(dn) in holders]
    known = {naming["name"] for naming in rns if naming}
    meant = filter(None, (closest(one.name, known) for one in alike[:most]))
    names = ", ".join(dict.fromkeys(meant))
    if names:
        yield f"Did you mean {names}?"
