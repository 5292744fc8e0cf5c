# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verify the routes: each route is on its leaves with the right next hops, and there are no others.

Next hops on a leaf (white paper, "Verify that ACI is receiving the correct routes"): if nodes of its own rack advertise a
prefix, these nodes (eBGP is preferred over iBGP); if only other racks advertise it, the leaves of those racks, or with
next-hop propagation the nodes there.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..calico.manifests import SERVICE_FIELDS
from .causes import Finding, within, within_any
from .observed import Kubernetes
from .sessions import ESTABLISHED, name_of, node_addresses, place_of, with_states

_TUNNELS = ("tunl", "vxlan")


@dataclass(frozen=True)
class Route:
    """A prefix and the nodes that advertise it."""

    kind: str  # block, service or local
    family: str
    prefix: str
    nodes: frozenset[str]


def verify_routes(expected: dict, aci: dict, kubernetes: Kubernetes | None) -> list[Finding]:
    """Compare the routes of the leaves and the routes that nodes learned with the routes that the cluster advertises.

    :param expected: see ``expectations``.
    :param aci: the ``state`` of the module ``aci_state``.
    :param kubernetes: the state of Kubernetes, None if it is not verified.
    """
    routes = advertised(expected, aci, kubernetes)
    findings = _nodes_without_block(expected, aci, routes, kubernetes)
    for leaf in expected["leaves"]:
        if str(leaf) in aci["leaves"]:
            for route in routes:
                findings += on_leaf(expected, aci, leaf, route)
            findings += _foreign(expected, aci, leaf, routes, kubernetes)
    findings += _nothing_accepted(expected, aci)
    findings += _prefix_limit(expected, aci, routes, kubernetes)
    if kubernetes:
        findings += _learned(expected, routes, kubernetes)
    return findings


def verify_exchanged(expected: dict, aci: dict, kubernetes: Kubernetes | None) -> list[Finding]:
    """Report pod blocks that a leaf lacks, or that a node has not learned from a leaf.

    While the node-to-node mesh is on, pods are reached without them; once it is off, only by them. Routes that a node learned
    and does not use count: CalicoNodeStatus lists them as well (projectcalico/calico, ``node/pkg/status/populators``).
    """
    routes = [route for route in advertised(expected, aci, kubernetes) if route.kind == "block"]
    on_leaves = [
        finding
        for leaf in expected["leaves"]
        if str(leaf) in aci["leaves"]
        for route in routes
        for finding in on_leaf(expected, aci, leaf, route)
    ]
    learned = _learned(expected, routes, kubernetes) if kubernetes else []
    return [one for one in (*on_leaves, *learned) if one.id in ("pod-block-missing", "node-route-missing")]


def verify_drained(expected: dict, aci: dict, nodes: list[str]) -> list[Finding]:
    """Report nodes that are being drained and to which leaves still send services' traffic.

    :param nodes: names of nodes of the plan.
    """
    owners = node_addresses(expected)
    subnets = {"service": [prefix for prefixes in _service_subnets(expected).values() for prefix in prefixes]}
    leading: dict[str, dict[str, set]] = {}
    for leaf in expected["leaves"]:
        for __, prefix, hops in _routes_of(aci, leaf):
            for node in {owners.get(hop["address"], "") for hop in hops} & set(nodes):
                if within_any(prefix, subnets):
                    leading.setdefault(node, {}).setdefault(prefix, set()).add(leaf)
    return [
        Finding(
            "drained-node-announced",
            f"{', '.join(sorted(prefixes))} still {'lead' if len(prefixes) > 1 else 'leads'} to {node}",
            rack=expected["nodes"][node]["rack"],
            node=node,
            leaves=frozenset().union(*prefixes.values()),
        )
        for node, prefixes in sorted(leading.items())
    ]


# --- the cluster's routes --------------------------------------------------------------------------------------------


def advertised(expected: dict, aci: dict, kubernetes: Kubernetes | None) -> list[Route]:
    """Return the routes that the leaves should have.

    Pod blocks come from Calico if they can be read, otherwise from the routes that the leaves of a node's rack got from it.
    """
    excluded = kubernetes.excluded if kubernetes else frozenset()
    announcing = frozenset(expected["nodes"]) - excluded
    routes = _blocks(expected, kubernetes)
    routes = _seen_blocks(expected, aci) if routes is None else routes
    for role in SERVICE_FIELDS:
        for family, prefixes in expected["prefixes"][role].items():
            routes += [Route("service", family, prefix, announcing) for prefix in prefixes]
    for service in (kubernetes.local_services if kubernetes else None) or ():
        nodes = frozenset(service["nodes"]) & announcing
        for role, addresses in service["addresses"].items():
            announced = [address for address in addresses if within_any(address, expected["prefixes"][role])]
            routes += [_host_route(address, nodes) for address in announced if nodes]
    return routes


def _service_subnets(expected: dict) -> dict:
    prefixes = expected["prefixes"]
    return {
        family: [prefix for role in SERVICE_FIELDS for prefix in prefixes[role].get(family, ())]
        for family in expected["families"]
    }


def _host_route(address: str, nodes: frozenset) -> Route:
    family, length = ("ipv6", 128) if ":" in address else ("ipv4", 32)
    return Route("local", family, f"{address}/{length}", nodes)


def _blocks(expected: dict, kubernetes: Kubernetes | None) -> list[Route] | None:
    """Return the pod blocks of the nodes as Calico has them, None if that is not known."""
    if kubernetes is None or kubernetes.blocks is None:
        return None
    return [
        Route("block", "ipv6" if ":" in block["cidr"] else "ipv4", block["cidr"], frozenset({block["node"]}))
        for block in kubernetes.blocks
        if block["node"] in expected["nodes"] and within_any(block["cidr"], expected["prefixes"]["pod"])
    ]


def _seen_blocks(expected: dict, aci: dict) -> list[Route]:
    owners = node_addresses(expected)
    found: dict[tuple, set] = {}
    for leaf, facts in expected["leaves"].items():
        for family, prefix, hops in _routes_of(aci, leaf):
            if not within_any(prefix, expected["prefixes"]["pod"]):
                continue
            for hop in hops:
                node = owners.get(hop["address"])
                if node and expected["nodes"][node]["rack"] == facts["rack"]:
                    found.setdefault((family, prefix), set()).add(node)
    return [Route("block", family, prefix, frozenset(nodes)) for (family, prefix), nodes in found.items()]


def _routes_of(aci: dict, leaf: int) -> list[tuple]:
    routes = aci["leaves"].get(str(leaf), {}).get("routes", {})
    return [(family, prefix, hops) for family, table in routes.items() for prefix, hops in table.items()]


def _nodes_without_block(expected: dict, aci: dict, routes: list[Route], kubernetes: Kubernetes | None) -> list[Finding]:
    """Report nodes without a pod prefix; without Calico's list of blocks, each node must advertise one in each family."""
    if kubernetes and kubernetes.blocks is not None:
        return []
    with_block = {(node, route.family) for route in routes if route.kind == "block" for node in route.nodes}
    return [
        Finding(
            "pod-block-missing",
            f"no leaf of rack {facts['rack']} has a pod prefix from {node}",
            rack=facts["rack"],
            node=node,
            family=family,
            leaves=frozenset(expected["racks"][facts["rack"]]["leaves"]),
        )
        for node, facts in expected["nodes"].items()
        for family in facts["addresses"]
        if (node, family) not in with_block and expected["prefixes"]["pod"].get(family)
    ]


# --- one route on one leaf -------------------------------------------------------------------------------------------


def on_leaf(expected: dict, aci: dict, leaf: int, route: Route) -> list[Finding]:
    """Return the findings of one route on one leaf."""
    rack = expected["leaves"][leaf]["rack"]
    hops = aci["leaves"][str(leaf)]["routes"].get(route.family, {}).get(route.prefix, [])
    local = {node for node in route.nodes if expected["nodes"][node]["rack"] == rack}
    if local:
        return _from_own_rack(expected, leaf, route, local, hops)
    return _from_other_racks(expected, aci, leaf, route, hops)


def _scope(expected: dict, leaf: int, route: Route, nodes: set) -> dict:
    """Return the place of a missing route, and the nodes and leaves on its way."""
    home = {expected["nodes"][node]["rack"] for node in nodes}
    own = expected["leaves"][leaf]["rack"]
    through = {other for rack in home if rack != own for other in expected["racks"][rack]["leaves"]}
    return {
        "rack": own,
        "leaf": leaf,
        "family": route.family,
        "prefix": route.prefix,
        "nodes": frozenset(nodes),
        "leaves": frozenset({leaf} | through),
    }


def _missing(expected: dict, leaf: int, route: Route, nodes: set) -> Finding:
    rule = "pod-block-missing" if route.kind == "block" else "service-route-missing"
    whose = f" of {next(iter(nodes))}" if route.kind == "block" else ""
    return Finding(rule, f"{route.prefix}{whose} is not on leaf {leaf}", **_scope(expected, leaf, route, nodes))


def _from_own_rack(expected: dict, leaf: int, route: Route, local: set, hops: list) -> list[Finding]:
    addresses = {expected["nodes"][node]["addresses"].get(route.family): node for node in local}
    seen = {hop["address"] for hop in hops if hop["type"] == "ebgp"}
    findings = _wrong_hops(expected, leaf, route, seen - set(addresses))
    present = seen & set(addresses)
    wanted = _preferred(expected, addresses)
    absent = {node for address, node in wanted.items() if address not in seen}
    width = min(len(wanted), expected["ecmp"]["ebgp"])
    if not present:
        findings.append(_missing(expected, leaf, route, local))
    elif len(present) < width:
        what = f"{route.prefix} has {len(present)} of {width} next hops on leaf {leaf}, without {', '.join(sorted(absent))}"
        findings.append(Finding("ecmp-width", what, **_scope(expected, leaf, route, absent)))
    return findings


def _preferred(expected: dict, addresses: dict) -> dict:
    """Return the nodes that a leaf uses as next hops: attached ones come before distant ones, unless it ignores the IGP metric."""
    near = {address: node for address, node in addresses.items() if not expected["nodes"][node]["distant"]}
    return addresses if expected["next_hop_propagation"] or not near else near


def _wrong_hops(expected: dict, leaf: int, route: Route, addresses: set) -> list[Finding]:
    owners = node_addresses(expected) if addresses else {}
    findings = []
    for address in sorted(addresses):
        node = owners.get(address)
        what = (
            f"{route.prefix} on leaf {leaf} has next hop {address}{f' ({node})' if node else ''}, which does not own the prefix"
        )
        if node in route.nodes:
            what = f"{route.prefix} on leaf {leaf} comes straight from {node} of rack {expected['nodes'][node]['rack']}"
        findings.append(Finding("route-next-hop", what, **_scope(expected, leaf, route, {node} if node else set())))
    return findings


def _from_other_racks(expected: dict, aci: dict, leaf: int, route: Route, hops: list) -> list[Finding]:
    direct = {
        hop["address"] for hop in hops if hop["type"] == "ebgp" and within_any(hop["address"], expected["prefixes"]["node"])
    }
    findings = _wrong_hops(expected, leaf, route, direct)
    nodes = set(route.nodes)
    through = {hop["address"] for hop in hops if hop["type"] == "ibgp"}
    if not through:
        return findings if direct else [*findings, _missing(expected, leaf, route, nodes)]
    if expected["next_hop_propagation"]:
        return [*findings, *_from_other_nodes(expected, leaf, route, through)]
    racks = {expected["nodes"][node]["rack"] for node in nodes}
    home = {other for rack in racks for other in expected["racks"][rack]["leaves"]}
    teps = {aci["leaves"][str(other)]["tep"]: other for other in home if str(other) in aci["leaves"]}
    width = min(len(home), expected["ecmp"]["ibgp"])
    if len(through) < width:
        absent = {other for tep, other in teps.items() if tep not in through}
        names = f", without {', '.join(map(str, sorted(absent)))}" if len(teps) == len(home) and len(absent) < len(home) else ""
        what = f"{route.prefix} is reached over {len(through)} of {width} leaves from leaf {leaf}{names}"
        findings.append(Finding("ecmp-width", what, **_scope(expected, leaf, route, nodes)))
    return findings


def _from_other_nodes(expected: dict, leaf: int, route: Route, through: set) -> list[Finding]:
    """Compare the next hops on a leaf with the nodes of other racks, which leaves with sessions tell of."""
    addresses = {expected["nodes"][node]["addresses"].get(route.family): node for node in route.nodes}
    absent = {node for address, node in addresses.items() if address not in through}
    width = min(len(addresses), expected["ecmp"]["ibgp"])
    findings = _wrong_hops(expected, leaf, route, through - set(addresses))
    if len(addresses) - len(absent) < width:
        what = f"{route.prefix} has {len(addresses) - len(absent)} of {width} nodes as next hops on leaf {leaf}, without {', '.join(sorted(absent))}"
        findings.append(Finding("ecmp-width", what, **_scope(expected, leaf, route, absent)))
    return findings


# --- unexpected routes -----------------------------------------------------------------------------------------------


def _foreign(expected: dict, aci: dict, leaf: int, routes: list[Route], kubernetes: Kubernetes | None) -> list[Finding]:
    """Report routes that the leaf should not have from a node or another host in the node subnets."""
    owners = node_addresses(expected)
    blocks = [route.prefix for route in routes if route.kind == "block"]
    known = kubernetes and kubernetes.blocks is not None
    findings = []
    for family, prefix, hops in _routes_of(aci, leaf):
        senders = [
            hop["address"] for hop in hops if hop["type"] == "ebgp" and within_any(hop["address"], expected["prefixes"]["node"])
        ]
        if not senders:
            continue
        at = {"rack": expected["leaves"][leaf]["rack"], "leaf": leaf, "family": family, "prefix": prefix}
        nodes = frozenset(owners[address] for address in senders if address in owners)
        who = ", ".join(sorted(owners.get(address, address) for address in senders))
        if not within_any(prefix, expected["allowed"]):
            findings.append(Finding("foreign-route", f"leaf {leaf} accepted {prefix} from {who}", nodes=nodes, **at))
        elif known and within_any(prefix, expected["prefixes"]["pod"]) and not within(prefix, blocks):
            what = f"leaf {leaf} accepted {prefix} from {who}, which is not in a block of any node"
            findings.append(Finding("route-next-hop", what, nodes=nodes, **at))
    return findings


# --- counts ----------------------------------------------------------------------------------------------------------


def _nothing_accepted(expected: dict, aci: dict) -> list[Finding]:
    findings = []
    for session, state in with_states(expected, aci):
        if not state or state["state"] != ESTABLISHED:
            continue
        counts = state["families"].get(session["family"])
        if counts and not counts["accepted"] and _offers(expected, session["family"]):
            findings.append(Finding("nothing-accepted", f"{name_of(session)}: no prefix accepted", **place_of(session)))
    return findings


def _offers(expected: dict, family: str) -> bool:
    """Return whether every node advertises a prefix, with or without pods."""
    return any(expected["prefixes"][role].get(family) for role in SERVICE_FIELDS)


def offered(expected: dict, routes: list[Route], kubernetes: Kubernetes | None) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the number of prefixes that each node may send to a leaf: ``{(node, family): (own, learned and sent on)}``.

    A node advertises to a leaf its own prefixes and, unless a BGPFilter rejects them, in the worst case all prefixes of the
    cluster's pods and services that it learned from the other leaf of the pair. Calico sends on no others.
    """
    counts = {}
    sent_on = {
        family: [*prefixes, *_service_subnets(expected)[family]] for family, prefixes in expected["prefixes"]["pod"].items()
    }
    for node, facts in expected["nodes"].items():
        for family in facts["addresses"]:
            mine = {route.prefix for route in routes if route.family == family and node in route.nodes}
            others = {route.prefix for route in routes if route.family == family} - mine
            reported = kubernetes.routes_of(node) if kubernetes else None
            if reported is not None:
                learned = {route["destination"] for route in reported if route["source"] == "BGPPeer"}
                others = {prefix for prefix in learned - mine if within_any(prefix, {family: sent_on.get(family, ())})}
            counts[node, family] = (len(mine), 0 if _filtered(expected, kubernetes) else len(others))
    return counts


def _filtered(expected: dict, kubernetes: Kubernetes | None) -> bool:
    """Return whether a BGPFilter on every peer (or in the plan) rejects learned routes."""
    if not kubernetes:
        return expected["filtered"]
    names = {name for name, obj in kubernetes.of_kind("BGPFilter").items() if _rejects_learned(obj["spec"])}
    peers = kubernetes.of_kind("BGPPeer").values()
    return bool(names) and all(names & set(peer["spec"].get("filters") or ()) for peer in peers)


def _rejects_learned(spec: dict) -> bool:
    rules = [*(spec.get("exportV4") or ()), *(spec.get("exportV6") or ())]
    return any(rule.get("source") == "RemotePeers" and rule.get("action") == "Reject" for rule in rules)


def _prefix_limit(expected: dict, aci: dict, routes: list[Route], kubernetes: Kubernetes | None) -> list[Finding]:
    findings = _over_limit(expected, aci)
    limit = expected["prefix_limit"]
    if not limit:
        return findings
    counts = offered(expected, routes, kubernetes)
    (node, family), (own, learned) = max(counts.items(), key=lambda item: sum(item[1]))
    total, maximum = own + learned, limit["maximum"]
    what = f"{node} sends a leaf up to {total} prefixes ({own} of its own, {learned} learned from the other leaf), the limit is {maximum}"
    if total > maximum:
        findings.append(Finding("prefix-limit-small", what, family=family))
    elif total * 100 > maximum * limit["threshold"]:
        findings.append(Finding("prefix-limit-near", what, family=family))
    return findings


def _over_limit(expected: dict, aci: dict) -> list[Finding]:
    findings = []
    for session, state in with_states(expected, aci):
        counts = state["families"].get(session["family"]) if state else None
        if counts and "pfxlimit-exceeded" in counts["flags"]:
            what = f"{name_of(session)}: the leaf refuses prefixes beyond the limit ({counts['accepted']} accepted)"
            findings.append(Finding("prefix-limit-exceeded", what, **place_of(session)))
    return findings


# --- the nodes' routes -----------------------------------------------------------------------------------------------


def _learned(expected: dict, routes: list[Route], kubernetes: Kubernetes) -> list[Finding]:
    blocks = [route for route in routes if route.kind == "block"]
    findings = []
    for node, facts in expected["nodes"].items():
        reported = kubernetes.routes_of(node)
        if reported is None:
            continue
        learned = {route["destination"]: route for route in reported if route["source"] == "BGPPeer"}
        absent = [route for route in blocks if node not in route.nodes and route.prefix not in learned]
        if absent:
            findings.append(_not_learned(expected, node, absent))
        findings += _foreign_origin(expected, node, reported)
        tunnels = sorted(
            route.prefix
            for route in blocks
            if route.prefix in learned and (learned[route.prefix]["interface"] or "").startswith(_TUNNELS)
        )
        if tunnels:
            what = f"{node} reaches {', '.join(tunnels[:3])} through a tunnel"
            findings.append(Finding("node-route-tunnel", what, rack=facts["rack"], node=node))
    return findings


def _foreign_origin(expected: dict, node: str, reported: list[dict]) -> list[Finding]:
    """Report static routes of the node's daemon that import route control does not permit."""
    origins = dict.fromkeys(route["destination"] for route in reported if route["source"] == "Static")
    at = {"rack": expected["nodes"][node]["rack"], "node": node}
    return [
        Finding("foreign-prefix", f"{node} originates {prefix}, which is not the cluster's", prefix=prefix, **at)
        for prefix in origins
        if not within_any(prefix, expected["allowed"])
    ]


def _not_learned(expected: dict, node: str, absent: list[Route]) -> Finding:
    owners = frozenset(owner for route in absent for owner in route.nodes)
    racks = {expected["nodes"][name]["rack"] for name in (node, *owners)}
    shown = ", ".join(route.prefix for route in absent[:3]) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
    return Finding(
        "node-route-missing",
        f"{node} has not learned {shown}",
        rack=expected["nodes"][node]["rack"],
        node=node,
        nodes=owners,
        leaves=frozenset(leaf for rack in racks for leaf in expected["racks"][rack]["leaves"]),
    )
