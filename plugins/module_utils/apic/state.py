# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live state of a VRF on the leaves: the requests that read it, and a summary of APIC's replies.

Each request reads one class on all leaves, so that their number does not grow with the fabric or the cluster.
Sources are the operational classes of the APIC object model (``bgpDom``, ``bgpPeerEntry``, ``uribv4Route``, …).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .mo import is_report, is_tag
from .roots import LONGEST_PATH, any_of, plain_prefix

_FAMILIES = {"ipv4": ("uribv4Route", "uribv4Nexthop", "uribv4"), "ipv6": ("uribv6Route", "uribv6Nexthop", "uribv6")}
_AF_TYPES = {"ipv4-ucast": "ipv4", "ipv6-ucast": "ipv6"}
_LPM_USED, _LPM_LIMIT = "eqptcapacityPrefixEntriesUsage5min", "eqptcapacityPrefixEntriesUsageCap5min"
_GRACEFUL = frozenset({"gr", "gr-helper", "dynamic-gr"})
# The most characters of a path beside its filter.
_HEAD = 200
# The queries for objects of the cluster's leaves; the others are for the whole VRF, or for L3Outs.
OF_LEAVES = ("leaves", "instances", "routes_ipv4", "routes_ipv6", "lpm_used", "lpm_limit")


# --- requests --------------------------------------------------------------------------------------------------------


def queries(vrf: str, families: Iterable[str], leaves: list[str], l3outs: Iterable[str]) -> dict[str, str]:
    """Return the paths of the GETs by name.

    :param vrf: ``tenant:vrf``, the name of the VRF on the leaves.
    :param families: ``ipv4`` and ``ipv6``, as far as the cluster has them.
    :param leaves: DNs of the leaves (``topology/pod-1/node-201``).
    :param l3outs: DNs of the cluster's L3Outs.
    """
    tenant, name = vrf.split(":")
    return {
        "vrf": f"/api/mo/uni/tn-{tenant}/ctx-{name}.json",
        "leaves": _of_class("fabricNode", _any_of("eq", "fabricNode", leaves, "")),
        "instances": _of_class("bgpInst", _any_of("eq", "bgpInst", leaves, "/sys/bgp/inst")),
        "domains": _of_class("bgpDom", f'eq(bgpDom.name,"{vrf}")', "bgpPeer,bgpPeerEntry,bgpPeerAfEntry"),
        **{f"routes_{family}": _routes(family, vrf, leaves) for family in families},
        "faults": _of_class("faultInst", _fault_filter(vrf, l3outs)),
        "delegates": _of_class("faultDelegate", any_of([f'wcard(faultDelegate.dn,"{dn}/")' for dn in l3outs])),
        "lpm_used": _of_class(_LPM_USED, _any_of("wcard", _LPM_USED, leaves, "/sys/")),
        "lpm_limit": _of_class(_LPM_LIMIT, _any_of("wcard", _LPM_LIMIT, leaves, "/sys/")),
    }


def _of_class(cls: str, condition: str, below: str | None = None) -> str:
    subtree = f"&rsp-subtree=full&rsp-subtree-class={below}" if below else ""
    return f"/api/class/{cls}.json?query-target-filter={condition}{subtree}"


def _any_of(operator: str, cls: str, dns: Sequence[str], tail: str) -> str:
    """Return a filter for objects on leaves; if it would be too long, one by the common beginning of the leaves' DNs."""
    named = any_of([f'{operator}({cls}.dn,"{dn}{tail}")' for dn in dns])
    if len(named) < LONGEST_PATH - _HEAD:
        return named
    return f'and(wcard({cls}.dn,"{plain_prefix(dns)}"),wcard({cls}.dn,"{tail}"))'


def _routes(family: str, vrf: str, leaves: Sequence[str]) -> str:
    route, hop, entity = _FAMILIES[family]
    return _of_class(route, _any_of("wcard", route, leaves, f"/sys/{entity}/dom-{vrf}/db-rt/"), hop)


def _fault_filter(vrf: str, l3outs: Iterable[str]) -> str:
    places = [*(f"{dn}/" for dn in l3outs), f"/dom-{vrf}/"]
    return any_of([f'wcard(faultInst.dn,"{place}")' for place in places])


# --- replies ---------------------------------------------------------------------------------------------------------


def on_leaves(imdata: Iterable[dict[str, Any]], leaves: Iterable[str]) -> list[dict[str, Any]]:
    """Return the objects on leaves: a query for many of them selects others, too."""
    wanted = set(map(_leaf, leaves))
    return [item for item in imdata if all(_leaf(body["attributes"]["dn"]) in wanted for body in item.values())]


def flatten(imdata: Iterable[dict[str, Any]], tags: bool = False) -> dict[str, dict[str, Any]]:
    """Return the objects and all objects below them as ``{dn: {"class": …, "attributes": …}}``, without faults.

    :param tags: whether to include tags.
    """
    objects: dict[str, dict[str, Any]] = {}
    for item in imdata:
        for cls, body in item.items():
            _flatten(cls, body, None, objects, tags)
    return objects


def _flatten(cls: str, body: dict[str, Any], parent: str | None, objects: dict[str, dict[str, Any]], tags: bool) -> None:
    if is_report(cls) or (is_tag(cls) and not tags):
        return
    attributes = dict(body["attributes"])
    # Objects below another one have only a relative name.
    dn = attributes.pop("dn", None) or f"{parent}/{attributes['rn']}"
    objects[dn] = {"class": cls, "attributes": attributes}
    for child in body.get("children", ()):
        for child_cls, child_body in child.items():
            _flatten(child_cls, child_body, dn, objects, tags)


def leaf_states(replies: Mapping[str, list[dict[str, Any]]], families: list[str]) -> dict[str, dict[str, Any]]:
    """Return the state of each leaf of the VRF: ``{leaf: {"up", "router_id", "tep", "sessions", "routes", "lpm"}}``.

    :param replies: the ``imdata`` of each of the queries, by name.
    """
    teps = {_leaf(mo["dn"]): mo["address"] for mo in _plain(replies["leaves"])}
    asns = {_leaf(mo["dn"]): int(mo["asn"]) for mo in _plain(replies["instances"])}
    used = {_leaf(mo["dn"]): int(mo["totalLpmLast"]) for mo in _plain(replies["lpm_used"])}
    limits = {_leaf(mo["dn"]): int(mo["totalLpmCapLast"]) for mo in _plain(replies["lpm_limit"])}
    states: dict[str, dict[str, Any]] = {}
    for item in replies["domains"]:
        domain = item["bgpDom"]["attributes"]
        leaf = _leaf(domain["dn"])
        states[leaf] = {
            "router_id": domain["operRtrId"] if _is_set(domain.get("operRtrId")) else domain["rtrId"],
            "up": domain["operSt"] != "down",
            "tep": teps.get(leaf, ""),
            "sessions": list(_sessions(item, asns.get(leaf, 0))),
            "routes": {family: {} for family in families},
            "lpm": {"used": used[leaf], "limit": limits[leaf]} if leaf in used and leaf in limits else None,
        }
    for family in families:
        for item in replies[f"routes_{family}"]:
            _add_route(states, family, item)
    return states


def _plain(imdata: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [body["attributes"] for item in imdata for body in item.values()]


def _leaf(dn: str) -> str:
    """Return the leaf's ID in a DN: ``topology/pod-1/node-201/sys/…``."""
    return dn.split("/node-")[1].partition("/")[0]


def _is_set(router_id: str | None) -> bool:
    return router_id not in (None, "", "0.0.0.0")


def _children(body: dict[str, Any], cls: str) -> list[dict[str, Any]]:
    return [child[cls] for child in body.get("children", ()) if cls in child]


def _sessions(item: dict[str, Any], asn: int) -> Iterator[dict[str, Any]]:
    for peer in _children(item["bgpDom"], "bgpPeer"):
        for entry in _children(peer, "bgpPeerEntry"):
            yield _session(peer["attributes"], entry, asn)


def _session(peer: dict[str, Any], entry: dict[str, Any], asn: int) -> dict[str, Any]:
    """Return the session with one neighbour. A peer that is a subnet has an entry for each neighbour."""
    attributes = entry["attributes"]
    received, flags = _flags(attributes, "rcvCap"), _flags(attributes, "flags")
    return {
        "address": attributes["addr"],
        "state": attributes["operSt"],
        "type": attributes["type"],
        "local_asn": asn,
        "remote_asn": int(peer["asn"]),
        "keepalive": int(attributes["kaIntvl"]),
        "hold": int(attributes["holdIntvl"]),
        "graceful_restart": "gr-enabled" in flags and bool(received & _GRACEFUL),
        "password": "enabled" in (attributes["passwdSet"], peer["passwdSet"]),
        "router_id": attributes["rtrId"],
        "shut_reason": attributes["shutStQual"],
        "families": dict(
            _counts(mo["attributes"]) for mo in _children(entry, "bgpPeerAfEntry") if mo["attributes"]["type"] in _AF_TYPES
        ),
    }


def _flags(attributes: dict[str, Any], name: str) -> set[str]:
    return set(attributes[name].split(",")) - {""}


def _counts(attributes: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    counts = {
        "accepted": int(attributes["acceptedPaths"]),
        "sent": int(attributes["pfxSent"]),
        "flags": sorted(_flags(attributes, "flags")),
    }
    return _AF_TYPES[attributes["type"]], counts


def _add_route(states: dict[str, dict[str, Any]], family: str, item: dict[str, Any]) -> None:
    route, hop, _entity = _FAMILIES[family]
    attributes = item[route]["attributes"]
    leaf = _leaf(attributes["dn"])
    if leaf not in states:
        return
    hops = [mo["attributes"] for mo in _children(item[route], hop)]
    states[leaf]["routes"][family][attributes["prefix"]] = [
        {"address": mo["addr"].split("/")[0], "type": mo["routeType"]} for mo in hops if mo["active"] == "yes"
    ]


def faults(imdata: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the active faults, without those that APIC only retains."""
    return [
        {name: mo[name] for name in ("code", "severity", "descr", "dn")}
        for mo in _plain(imdata)
        if mo["severity"] not in ("cleared", "info") and not _flags(mo, "lc") & {"retaining", "raised-clearing"}
    ]
