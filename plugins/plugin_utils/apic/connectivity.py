# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""External EPGs, contracts and transit as managed objects.

What clusters may have in common (contracts, relations of somebody else's EPG, a route map that was missing) is shared:
each cluster hangs its tag on it. The EPGs, L3Outs and tenants of others are containers, which nobody here changes.
"""

from __future__ import annotations

from .objects import existing, mo, own, shared

# Classes of which a cluster may have objects in any tenant, or have had them before its inventory changed.
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

# What filter entries call an Ethernet type and an IP protocol (vzEntry).
_PROTOCOLS = {
    "any": ("unspecified", "unspecified"),
    "ip": ("ip", "unspecified"),
    "icmp": ("ip", "icmp"),
    "icmpv6": ("ipv6", "icmpv6"),
    "tcp": ("ip", "tcp"),
    "udp": ("ip", "udp"),
}


def external_epgs(plan, l3out):
    """The external EPGs of an L3Out (white paper, "ACI BGP configuration", step 5, and "Microsegmentation").

    :param l3out: its name.
    """
    return [_external_epg(epg) for epg in plan["external_epgs"] if epg["l3out"] == l3out]


def _external_epg(epg):
    relations = [mo(cls, **attributes) for cls, attributes in _relations(epg)]
    return mo("l3extInstP", [*map(_external_subnet, epg["subnets"]), *relations], name=epg["name"])


def _external_subnet(subnet):
    """Leaked routes are more specific than the subnet: pod blocks, service addresses. APIC leaks them only if it aggregates."""
    leaked = "shared-rtctrl" if "shared-rtctrl" in subnet["scope"] else ""
    return mo("l3extSubnet", ip=subnet["prefix"], scope=",".join(subnet["scope"]), aggregate=leaked)


def _relations(epg):
    """Class and attributes of an EPG's relations with contracts."""
    yield from (("fvRsProv", {"tnVzBrCPName": name}) for name in epg["provides"])
    yield from (("fvRsCons", {"tnVzBrCPName": name}) for name in epg["consumes"])
    yield from (("fvRsConsIf", {"tnVzCPIfName": name}) for name in epg["consumes_interfaces"])


def match_destination(prefix):
    """A prefix of a match rule: with all that it contains, pod blocks and host routes; a default route is just that."""
    return mo("rtctrlMatchRtDest", ip=prefix, aggregate="no" if prefix.endswith("/0") else "yes")


# --- beside the cluster's L3Outs -------------------------------------------------------------------------------------


def tenant_objects(plan):
    """What the cluster has in tenants outside its own L3Outs: ``{tenant: [object, …]}``."""
    tenants = {}
    for tenant, one in (*_contracts(plan), *_match_rules(plan)):
        tenants.setdefault(tenant, []).append(one)
    for tenant, containers in _containers(plan).items():
        tenants.setdefault(tenant, []).extend(containers)
    return tenants


def _contracts(plan):
    """The contracts, their filters (each once, whichever contracts name it), and the interfaces that export them."""
    filters = {}
    for contract in plan["contracts"]:
        tenant = contract["tenant"]
        yield tenant, _contract(plan, contract)
        filters.update(((tenant, one["name"]), one) for one in contract["filters"] if one["entries"])
        for importer in contract["export_to"]:
            target = shared("vzRsIf", plan["cluster"], tDn=f"uni/tn-{tenant}/brc-{contract['name']}")
            yield importer, shared("vzCPIf", plan["cluster"], [target], name=contract["name"])
    for (tenant, _name), one in filters.items():
        yield tenant, _filter(plan, one)


def _contract(plan, contract):
    cluster = plan["cluster"]
    attached = [shared("vzRsSubjFiltAtt", cluster, tnVzFilterName=one["name"]) for one in contract["filters"]]
    if contract["service_graph"]:
        attached.append(shared("vzRsSubjGraphAtt", cluster, tnVnsAbsGraphName=contract["service_graph"]))
    subject = shared("vzSubj", cluster, attached, name=contract["name"])
    return shared("vzBrCP", cluster, [subject], name=contract["name"], scope=contract["scope"])


def _filter(plan, one):
    entries = [_entry(plan, entry) for entry in one["entries"]]
    return shared("vzFilter", plan["cluster"], entries, name=one["name"])


def _entry(plan, entry):
    ethernet, protocol = _PROTOCOLS[entry["protocol"]]
    low, high = entry["ports"] or ("unspecified", "unspecified")
    name = "-".join(dict.fromkeys(map(str, (entry["protocol"], *(entry["ports"] or ())))))
    return shared("vzEntry", plan["cluster"], name=name, etherT=ethernet, prot=protocol, dFromPort=low, dToPort=high)


def _match_rules(plan):
    """The cluster's prefixes, for the route maps of transit L3Outs: a rule in each of their tenants."""
    inside = {one["tenant"]: one["inside"] for one in plan["transit"]}
    for tenant, prefixes in inside.items():
        destinations = [match_destination(prefix) for family in prefixes.values() for prefix in family]
        yield tenant, own(mo("rtctrlSubjP", destinations, name=plan["names"]["transit"]), plan["names"]["owner"])


def _containers(plan):
    """Application profiles and L3Outs of others by tenant, with what the cluster has below them."""
    l3outs, profiles = {}, {}
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
    tenants = {}
    for cls, containers in (("fvAp", profiles), ("l3extOut", l3outs)):
        for (tenant, name), children in containers.items():
            tenants.setdefault(tenant, []).append(existing(cls, children, name=name))
    return tenants


def _transit_route_map(plan, transit):
    """The cluster's entry in a transit L3Out's export route map.

    The route map's type is its owner's choice; where there was none, APIC's default (``combinable``) leaves everything
    that the L3Out exports without it as it was.
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
