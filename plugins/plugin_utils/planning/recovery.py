# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recover what was allocated to a cluster: from its plan, or from what APIC and Kubernetes hold.

The cluster's own L3Outs on APIC name racks, VLANs and leaves. With standard SVI they name each node and its address; with
floating SVI the leaves peer with the whole subnet, and the nodes' addresses come from Kubernetes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.apic.roots import any_of
from ...module_utils.names import ADDRESS_ANNOTATIONS, owner_of
from ..intent.intent import Intent
from ..schema.addressing import AddressError, family_of, parse_address
from .record import BadRecordError, Record, load_content

CLASSES = ("l3extOut", "l3extLNodeP", "l3extVirtualLIfP", "l3extRsDynPathAtt", "l3extIp", "l3extRsPathL3OutAtt", "bgpPeerP")
_RACK = re.compile(r"/out-(?P<l3out>[^/]+)/lnodep-rack-(?P<rack>[^/]+)")
_FLOATING = re.compile(r"/vlifp-\[[^]]*/node-(?P<leaf>\d+)\]-\[vlan-(?P<vlan>\d+)\]")
_STANDARD = re.compile(r"/lifp-(?P<node>[^/]+)-ipv[46]/rspathL3OutAtt-\[")


def record_of_plan(plan: Any, intent: Intent) -> Record:
    """Return what a plan of the cluster allocates.

    :raises BadRecordError: it is not a plan, or one of another cluster.
    """
    try:
        if plan["cluster"] != intent.cluster:
            raise BadRecordError(f"it is the plan of cluster {plan['cluster']}")
        l3outs: dict[str, Any] = {_number(intent, name): {"racks": []} for name in plan["retired_l3outs"]}
        for l3out in plan["l3outs"]:
            l3outs[_number(intent, l3out["name"])] = {"racks": l3out["racks"], **_shared(l3out["floating"])}
        leaves = {f"leaf-{leaf['id']}": _addresses(leaf["networks"]) for leaf in plan["leaves"] if leaf["networks"]}
        nodes = {node.get("slot_name", node["name"]): _node(node, plan["svi"]["kind"]) for node in plan["nodes"]}
        return load_content({"svi": {"kind": plan["svi"]["kind"]}, "l3outs": l3outs, "leaves": leaves, "nodes": nodes})
    except (KeyError, TypeError, AttributeError) as reason:
        raise BadRecordError(f"it is not a plan: {reason}") from None


def _number(intent: Intent, name: str) -> str:
    """Return the number of an L3Out as text."""
    beginning, number = f"{intent.l3out}-", name.removeprefix(f"{intent.l3out}-")
    if name == intent.l3out:
        return "1"
    if not name.startswith(beginning) or not number.isdecimal():
        raise BadRecordError(f"L3Out {name} is not named after {intent.l3out}")
    return number


def _shared(floating: Any) -> dict[str, Any]:
    if not floating:
        return {}
    families = floating["networks"]
    shared = {name: {family: _host(families[family][name]) for family in families} for name in ("secondary", "floating")}
    return {"vlan": floating["vlan"], **shared}


def _node(node: Any, kind: str) -> dict[str, Any]:
    return {"slot": node["slot"], **({"vlan": node["vlan"]} if kind == "standard" else {}), **_addresses(node["networks"])}


def _addresses(networks: Any) -> dict[str, str]:
    return {family: _host(network["address"]) for family, network in networks.items()}


def _host(address: str) -> str:
    return address.partition("/")[0]


# --- from APIC and Kubernetes ----------------------------------------------------------------------------------------


def query(intent: Intent) -> str:
    """Return the path of the request for the cluster's own L3Outs."""
    own = [f'eq({cls}.annotation,"{owner_of(intent.cluster)}")' for cls in CLASSES]
    return (
        f"/api/mo/uni/tn-{intent['tenant']}.json?query-target=subtree&target-subtree-class={','.join(CLASSES)}"
        f"&query-target-filter={any_of(own)}"
    )


def record_of_objects(objects: Mapping[str, Mapping[str, Any]], nodes: Mapping[str, Any], intent: Intent) -> Record:
    """Return what the cluster's objects on APIC and its nodes in Kubernetes say.

    :param objects: ``{dn: {"class": …, "attributes": …}}``, the answer to ``query``.
    :param nodes: the ``nodes`` of ``calico_info``; with standard SVI they are not needed.
    :raises BadRecordError: APIC has no L3Out of the cluster, or one that the collection did not make.
    """
    found = _Found(intent)
    for dn, one in sorted(objects.items()):
        found.add(dn, one["class"], one["attributes"])
    if not found.kind:
        raise BadRecordError(f"APIC has no L3Out of cluster {intent.cluster} with interfaces in tenant {intent['tenant']}")
    if found.kind == "floating":
        found.nodes = {name: _in_subnets(nodes[name], intent) for name in _names(intent) if name in nodes}
    held = {name: entry for name, entry in found.nodes.items() if entry}
    return load_content({"svi": {"kind": found.kind}, "l3outs": found.l3outs, "leaves": found.leaves, "nodes": held})


class _Found:
    """The allocations that the objects show, as the content of an allocation file."""

    def __init__(self, intent: Intent) -> None:
        self.intent = intent
        self.kind = ""
        self.l3outs: dict[str, Any] = {}
        self.leaves: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, dict[str, Any]] = {}

    def add(self, dn: str, cls: str, attributes: Mapping[str, str]) -> None:
        """Add an object; those outside the racks' node profiles say nothing."""
        if cls == "l3extOut":
            self.l3outs.setdefault(_number(self.intent, attributes["name"]), {"racks": []})
        place = _RACK.search(dn)
        if not place:
            return
        l3out = self.l3outs.setdefault(_number(self.intent, place["l3out"]), {"racks": []})
        if cls == "l3extLNodeP":
            l3out["racks"].append(place["rack"])
        floating, standard = _FLOATING.search(dn), _STANDARD.search(dn)
        if floating:
            self.kind = "floating"
            self._add_floating(l3out, cls, attributes, floating)
        elif standard:
            self.kind = "standard"
            self._add_standard(cls, attributes, standard["node"])

    def _add_floating(self, l3out: dict[str, Any], cls: str, attributes: Mapping[str, str], place: re.Match[str]) -> None:
        if cls == "l3extVirtualLIfP":
            l3out["vlan"] = int(place["vlan"])
            _note(self.leaves, f"leaf-{place['leaf']}", attributes["addr"])
        elif cls == "l3extIp":
            _note(l3out, "secondary", attributes["addr"])
        elif cls == "l3extRsDynPathAtt":
            _note(l3out, "floating", attributes["floatingAddr"])

    def _add_standard(self, cls: str, attributes: Mapping[str, str], node: str) -> None:
        if cls == "l3extRsPathL3OutAtt":
            self.nodes.setdefault(node, {})["vlan"] = int(attributes["encap"].removeprefix("vlan-"))
        elif cls == "bgpPeerP":
            _note(self.nodes, node, attributes["addr"])


def _note(entries: dict[str, Any], name: str, text: str) -> None:
    """Note an address of an entry by its family."""
    try:
        address = parse_address(_host(text))
    except AddressError as problem:
        raise BadRecordError(f"{name}: {problem.problem}") from None
    entries.setdefault(name, {})[family_of(address)] = str(address)


def _names(intent: Intent) -> Iterable[str]:
    return [node.claimant for node in intent.nodes]


def _in_subnets(node: Mapping[str, Any], intent: Intent) -> dict[str, Any]:
    """Return the addresses of a Kubernetes node that are in the node subnets."""
    annotations = node.get("annotations") or {}
    named = [_host(annotations.get(name) or "") for name in ADDRESS_ANNOTATIONS.values()]
    entry: dict[str, Any] = {}
    for text in [*node.get("addresses", ()), *filter(None, named)]:
        address = parse_address(text)
        family = family_of(address)
        if family not in entry and any(address in network for network in intent.networks("node", family)):
            entry[family] = str(address)
    return entry
