# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""External EPGs, contracts and transit as managed objects.

Contracts, relations of others' EPGs and created route maps are shared: each cluster that uses them puts its tag on them. The
EPGs, L3Outs and tenants of others are containers and never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .objects import Mo, Plan, existing, mo, own, shared

# Classes of which a cluster may have objects in any tenant, or had them there before its inventory changed.
CLASSES = (
    "fvRsCons",
    "fvRsConsIf",
    "fvRsProv",
    "rtctrlCtxP",
    "rtctrlProfile",
    "rtctrlSubjP",
    "vzBrCP",
    "vzCPIf",
    "vzFilter",
    "vzRsSubjGraphAtt",
)

# Ethernet type and IP protocol of a filter entry (vzEntry) by the plan's protocol.
_PROTOCOLS = {
    "any": ("unspecified", "unspecified"),
    "ip": ("ip", "unspecified"),
    "icmp": ("ip", "icmp"),
    "icmpv6": ("ipv6", "icmpv6"),
    "tcp": ("ip", "tcp"),
    "udp": ("ip", "udp"),
}


def external_epgs(plan: Plan, l3out: Any) -> list[Mo]:
    """Return the external EPGs of an L3Out (white paper, "ACI BGP configuration", step 5, and "Microsegmentation").

    :param l3out: the L3Out's name.
    """
    return [_external_epg(epg) for epg in plan["external_epgs"] if epg["l3out"] == l3out]


def _external_epg(epg: Any) -> Mo:
    relations = [mo(cls, **attributes) for cls, attributes in _relations(epg)]
    return mo("l3extInstP", [*map(_external_subnet, epg["subnets"]), *relations], name=epg["name"])


def _external_subnet(subnet: Any) -> Mo:
    """Return a subnet. Leaked routes (pod blocks, service addresses) are more specific, so the subnet must aggregate them."""
    leaked = "shared-rtctrl" if "shared-rtctrl" in subnet["scope"] else ""
    return mo("l3extSubnet", ip=subnet["prefix"], scope=",".join(subnet["scope"]), aggregate=leaked)


def _relations(epg: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield class and attributes of an EPG's relations with contracts."""
    yield from (("fvRsProv", {"tnVzBrCPName": name}) for name in epg["provides"])
    yield from (("fvRsCons", {"tnVzBrCPName": name}) for name in epg["consumes"])
    yield from (("fvRsConsIf", {"tnVzCPIfName": name}) for name in epg["consumes_interfaces"])


def match_destination(prefix: str) -> Mo:
    """Return a prefix of a match rule, which also matches the routes inside it, unless it is a default route."""
    return mo("rtctrlMatchRtDest", ip=prefix, aggregate="no" if prefix.endswith("/0") else "yes")


# --- beside the cluster's L3Outs -------------------------------------------------------------------------------------


def tenant_objects(plan: Plan) -> dict[str, list[Mo]]:
    """Return the cluster's objects in tenants outside its own L3Outs: ``{tenant: [object, …]}``."""
    tenants: dict[str, list[Mo]] = {}
    for tenant, one in (*_contracts(plan), *_match_rules(plan)):
        tenants.setdefault(tenant, []).append(one)
    for tenant, containers in _containers(plan).items():
        tenants.setdefault(tenant, []).extend(containers)
    return tenants


def _contracts(plan: Plan) -> Iterator[tuple[str, Mo]]:
    """Yield the contracts, the interfaces that export them, and their filters, each filter once."""
    filters: dict[tuple[str, str], Any] = {}
    for contract in plan["contracts"]:
        tenant = contract["tenant"]
        yield tenant, _contract(plan, contract)
        filters.update(((tenant, one["name"]), one) for one in contract["filters"] if one["entries"])
        for importer in contract["export_to"]:
            target = shared("vzRsIf", plan["cluster"], tDn=f"uni/tn-{tenant}/brc-{contract['name']}")
            yield importer, shared("vzCPIf", plan["cluster"], [target], name=contract["name"])
    for (tenant, _name), one in filters.items():
        yield tenant, _filter(plan, one)


def _contract(plan: Plan, contract: Any) -> Mo:
    cluster = plan["cluster"]
    attached = [shared("vzRsSubjFiltAtt", cluster, tnVzFilterName=one["name"]) for one in contract["filters"]]
    if contract["service_graph"]:
        attached.append(shared("vzRsSubjGraphAtt", cluster, tnVnsAbsGraphName=contract["service_graph"]))
    subject = shared("vzSubj", cluster, attached, name=contract["name"])
    return shared("vzBrCP", cluster, [subject], name=contract["name"], scope=contract["scope"])


def _filter(plan: Plan, one: Any) -> Mo:
    entries = [_entry(plan, entry) for entry in one["entries"]]
    return shared("vzFilter", plan["cluster"], entries, name=one["name"])


def _entry(plan: Plan, entry: Any) -> Mo:
    ethernet, protocol = _PROTOCOLS[entry["protocol"]]
    low, high = entry["ports"] or ("unspecified", "unspecified")
    name = "-".join(dict.fromkeys(map(str, (entry["protocol"], *(entry["ports"] or ())))))
    return shared("vzEntry", plan["cluster"], name=name, etherT=ethernet, prot=protocol, dFromPort=low, dToPort=high)


def _match_rules(plan: Plan) -> Iterator[tuple[str, Mo]]:
    """Yield a match rule with the cluster's prefixes for each tenant with transit L3Outs."""
    inside = {one["tenant"]: one["inside"] for one in plan["transit"]}
    for tenant, prefixes in inside.items():
        destinations = [match_destination(prefix) for family in prefixes.values() for prefix in family]
        yield tenant, own(mo("rtctrlSubjP", destinations, name=plan["names"]["transit"]), plan["names"]["owner"])


def _containers(plan: Plan) -> dict[str, list[Mo]]:
    """Return the application profiles and L3Outs of others by tenant, with the cluster's objects below them."""
    l3outs: dict[tuple[str, str], list[Mo]] = {}
    profiles: dict[tuple[str, str], list[Mo]] = {}
    for transit in plan["transit"]:
        l3outs.setdefault((transit["tenant"], transit["l3out"]), []).append(_transit_route_map(plan, transit))
    for epg in plan["epg_contracts"]:
        relations = [shared(cls, plan["cluster"], **attributes) for cls, attributes in _relations(epg)]
        if epg["epg"]:
            profile = profiles.setdefault((epg["tenant"], epg["application_profile"]), [])
            profile.append(existing("fvAEPg", relations, name=epg["epg"]))
        else:
            l3out = l3outs.setdefault((epg["tenant"], epg["l3out"]), [])
            l3out.append(existing("l3extInstP", relations, name=epg["external_epg"]))
    tenants: dict[str, list[Mo]] = {}
    for cls, containers in (("fvAp", profiles), ("l3extOut", l3outs)):
        for (tenant, name), children in containers.items():
            tenants.setdefault(tenant, []).append(existing(cls, children, name=name))
    return tenants


def _transit_route_map(plan: Plan, transit: Any) -> Mo:
    """Return the cluster's entry in a transit L3Out's export route map.

    The owner of the route map chooses its type. A new route map gets APIC's default (``combinable``), which does not change
    the routes that the L3Out exports without it.
    """
    names = plan["names"]
    entry = mo(
        "rtctrlCtxP",
        [mo("rtctrlRsCtxPToSubjP", tnRtctrlSubjPName=names["transit"])],
        name=names["transit"],
        order=transit["order"],
        action="permit",
    )
    return shared("rtctrlProfile", plan["cluster"], [own(entry, names["owner"])], name="default-export")
