# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conditions of rules by name: functions of a change, the values of the field before and after, and the context."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..apic.tree import l3out_dn, l3out_dns
from ..calico.manifests import FILTER_NAME
from ..comparison import CREATE, DELETE, KUBERNETES, Change
from ..schema.addressing import IPNetwork
from .context import Context, Values

_BALANCES = "LoadBalancer"
# The relations by which objects name policies: ``{class: (relation, property)}``.
NAMED_BY = {
    "bgpCtxPol": ("bgpRsBgpNodeCtxPol", "tnBgpCtxPolName"),
    "bgpBestPathCtrlPol": ("bgpRsBestPathCtrlPol", "tnBgpBestPathCtrlPolName"),
    "bgpCtxAfPol": ("fvRsCtxToBgpCtxAfPol", "tnBgpCtxAfPolName"),
    "bgpPeerPfxPol": ("bgpRsPeerPfxPol", "tnBgpPeerPfxPolName"),
    "lacpLagPol": ("infraRsLacpPol", "tnLacpLagPolName"),
    "rtctrlSubjP": ("rtctrlRsCtxPToSubjP", "tnRtctrlSubjPName"),
}

Condition = Callable[[Change, Values, Context], bool]


def first(change: Change, _values: Values, context: Context) -> bool:
    """Return whether the object is created when the cluster is configured on this side for the first time.

    Objects that exist may be in use, by others or by the mesh.
    """
    return context.is_first(change.side) and change.operation == CREATE


def beside(_change: Change, _values: Values, context: Context) -> bool:
    """Return whether the L3Out is made although the cluster is configured elsewhere."""
    deployed = context.comparison.deployed
    return bool(deployed.get(KUBERNETES)) and not deployed.get("apic")


def unused(change: Change, _values: Values, context: Context) -> bool:
    """Return whether none of the nodes is in Kubernetes."""
    return KUBERNETES in context.comparison.deployed and not context.running(change)


def leaf_leaves(change: Change, _values: Values, context: Context) -> bool:
    """Return whether the leaf leaves its rack, and another one stays."""
    planned = context.planned_leaves(change)
    return bool(planned - context.new_leaves) and planned.isdisjoint(context.leaves_of(change))


def leaf_joins(change: Change, _values: Values, context: Context) -> bool:
    """Return whether a leaf joins a rack with nodes in Kubernetes, in which another leaf stays."""
    joining = set(context.leaves_of(change))
    return bool(
        joining
        and joining <= context.new_leaves
        and context.planned_leaves(change) - context.new_leaves
        and context.running(change)
    )


def password_known(_change: Change, _values: Values, context: Context) -> bool:
    """Return whether Kubernetes has the password already."""
    secrets = [one for one in context.comparison.changes if one.kind == "Secret"]
    return bool(context.comparison.deployed.get(KUBERNETES)) and not any(
        one.operation == CREATE or "data" in one.after for one in secrets
    )


def strangers(_change: Change, values: Values, context: Context) -> bool:
    """Return whether the mesh goes off, and nodes rely on it that are not planned."""
    return context.comparison.mesh and values[1] is False and bool(context.comparison.strangers)


def asn_of_strangers(_change: Change, values: Values, context: Context) -> bool:
    """Return whether nodes that are not planned get another AS number."""
    return bool(context.comparison.strangers) and context.comparison.asn != values[1]


def ungated(_change: Change, values: Values, context: Context) -> bool:
    """Return whether the mesh, which pods use, goes off without waiting for the sessions that replace it."""
    return context.comparison.mesh and values[1] is False and not context.gate and not context.idle


def mesh_restarts(_change: Change, values: Values, context: Context) -> bool:
    """Return whether a new AS number of a node ends sessions that are not planned, such as those of the mesh."""
    comparison, deployed = context.comparison, context.comparison.deployed.get(KUBERNETES)
    if (deployed and values[0] is not None) or str(values[0] or comparison.asn) == str(values[1]):
        return False
    if comparison.mesh:
        return len(comparison.nodes) > 1 and not context.idle
    return not deployed


def spreads(_change: Change, _values: Values, context: Context) -> bool:
    """Return whether the cluster is configured already, and announces services from all of its nodes."""
    kinds = ("service", "external_service", "load_balancer")
    return bool(context.comparison.deployed.get(KUBERNETES)) and any(context.plan["subnets"][kind] for kind in kinds)


def joins(change: Change, values: Values, context: Context) -> bool:
    """Return whether a node that had no sessions begins to announce services."""
    return values[0] is None and spreads(change, values, context)


def empty(change: Change, _values: Values, context: Context) -> bool:
    """Return whether no pod has an address of the pool; of an Installation, of any pool."""
    pods = context.comparison.pods.get(change.object.partition("/")[2])
    return pods == 0 if change.kind == "IPPool" else context.idle


def serves(change: Change, values: Values, _context: Context) -> bool:
    """Return whether a pool with addresses of services goes, or ceases to have them."""
    held = (change.before.get("spec") or {}).get("allowedUses") if change.operation == DELETE else values[0]
    return _BALANCES in _listed(held) and (change.operation == DELETE or _BALANCES not in _listed(values[1]))


def own_filter(_change: Change, values: Values, _context: Context) -> bool:
    """Return whether the only filter of a peer is the collection's, before and after."""
    return {*_listed(values[0]), *_listed(values[1])} <= {FILTER_NAME}


def routes_count(change: Change, values: Values, context: Context) -> bool:
    """Return whether the filter ends, and what it kept back counts against a prefix limit."""
    limit = context.plan["bgp"]["prefix_limit"]
    ends = change.operation == DELETE or FILTER_NAME in set(_listed(values[0])) - set(_listed(values[1]))
    return ends and bool(limit) and limit["action"] != "log"


def named_already(change: Change, _values: Values, context: Context) -> bool:
    """Return whether an object on APIC that does not change names this one, which is missing: it applies from now on."""
    relation, prop = NAMED_BY[change.kind]
    made = {one.object for one in context.comparison.changes if one.kind == relation}
    uses = {dn for dn, one in context.wanted.items() if one["class"] == relation}
    return any(context.wanted[dn]["attributes"].get(prop) == change.after.get("name") for dn in uses - made)


def takes_subnets(change: Change, _values: Values, context: Context) -> bool:
    """Return whether subnets of a new external EPG were part of another one."""
    mine, others = [], []
    for epg in context.plan["external_epgs"]:
        here = f"{l3out_dn(context.plan, epg['l3out'])}/instP-{epg['name']}"
        for subnet in epg["subnets"]:
            dn = f"{here}/extsubnet-[{subnet['prefix']}]"
            if dn in context.created:
                mine += [subnet["prefix"]] if f"{dn}/".startswith(f"{change.object}/") else []
            elif not f"{change.object}/".startswith(f"{here}/"):
                others.append(subnet["prefix"])
    return any(IPNetwork(inner) in IPNetwork(outer) for inner in mine for outer in others if (":" in inner) == (":" in outer))


def of_next_hop(change: Change, _values: Values, context: Context) -> bool:
    """Return whether a route map or set rule of the tenant is made before all peers that name it, or removed after them."""
    uses = {dn for dn, one in context.wanted.items() if one["class"] == "bgpRsPeerToProfile"}
    return "/out-" not in change.object and (change.operation == DELETE or uses <= context.created)


def in_own_l3out(change: Change, _values: Values, context: Context) -> bool:
    """Return whether the object is in an L3Out of the cluster."""
    return any(change.object.startswith(f"{dn}/") for dn in l3out_dns(context.plan))


def grown(_change: Change, values: Values, _context: Context) -> bool:
    """Return whether each element that was listed is still there."""
    before, after = map(_listed, values)
    return all(one in after for one in before)


def raised_limit(_change: Change, values: Values, _context: Context) -> bool:
    """Return whether a limit is higher than before; 0 is no limit."""
    before, after = map(_number, values)
    return after == 0 or 0 < before < after


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [one for one in value.split(",") if one]
    return list(value) if isinstance(value, Iterable) else []


def _number(value: Any) -> int:
    return int(value) if str(value).isdigit() else 0


CONDITIONS: dict[str, Condition] = {
    "first": first,
    "beside": beside,
    "unused": unused,
    "leaf_leaves": leaf_leaves,
    "leaf_joins": leaf_joins,
    "password_known": password_known,
    "strangers": strangers,
    "asn_of_strangers": asn_of_strangers,
    "ungated": ungated,
    "mesh_restarts": mesh_restarts,
    "local_asn": lambda _change, values, context: context.comparison.local_asn and values[1] is not None,
    "spreads": spreads,
    "joins": joins,
    "empty": empty,
    "serves": serves,
    "own_filter": own_filter,
    "routes_count": routes_count,
    "named_already": named_already,
    "ports_in_use": lambda change, _values, context: bool(context.selected(change)),
    "takes_subnets": takes_subnets,
    "of_next_hop": of_next_hop,
    "in_own_l3out": in_own_l3out,
    "grown": grown,
    "raised_limit": raised_limit,
    "raised": lambda _change, values, _context: _number(values[1]) > _number(values[0]),
    "lowered": lambda _change, values, _context: not str(values[0]).isdigit() or _number(values[1]) < _number(values[0]),
    "enabled": lambda _change, values, _context: values[1] == "enabled",
    "emptied": lambda change, values, _context: change.operation == DELETE or not values[1],
    "added": lambda _change, values, _context: values[0] is None,
    "removed": lambda _change, values, _context: values[1] is None,
    "only_logs": lambda _change, values, _context: values[1] == "log",
    "limit_only_logs": lambda _change, _values, context: (context.plan["bgp"]["prefix_limit"] or {}).get("action") == "log",
}
