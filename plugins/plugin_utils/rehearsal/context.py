# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Derive what a change touches (nodes, leaves, sessions, prefixes) from the object's name, the plan and the nodes in Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from ...module_utils.apic.mo import CLASSES, last_rn, topmost_above
from ...module_utils.names import ADDRESS_ANNOTATIONS, ASN_ANNOTATION
from ..apic.tree import apic_tree, flat
from ..comparison import APIC, CREATE, DELETE, KUBERNETES, MODIFY, Change, Comparison, Plan

_PROFILE = re.compile(r"/lnodep-([^/]+)")
_INTERFACES = re.compile(r"/lifp-([^/]+)-ipv[46](?:/|$)")
_LEAVES = re.compile(r"/(?:node|protpaths|paths)-(\d+(?:-\d+)?)\b")
_L3OUT = re.compile(r"/out-([^/]+)")
_GROUP = re.compile(r"/(?:accbundle|hports)-([^/]+?)(?:-typ-range)?(?:/|$)")
# The names of the plan's peers hold their leaf.
_PEER = re.compile(r"^BGPPeer/.*leaf-(\d+)")
_PREFIX = re.compile(r"/(?:dest|extsubnet)-\[([^\]]+)\]")
_QUOTED = re.compile(r" *['\"]([^'\"]*)['\"] *")
_SELECTOR = re.compile(r"/hports-([^/]+?)(?:-typ-range)?(?:/|$)")
_NODE_FIELDS = {ASN_ANNOTATION: "asn", **dict.fromkeys(ADDRESS_ANNOTATIONS.values(), "address")}
# Classes whose creation is more than that of the object above them: a service graph redirects what a contract only permits.
_APART = ("vzRsSubjGraphAtt",)
# Kinds whose creation is that of their fields: defaults apply without the object.
_BY_FIELD = ("BGPConfiguration",)

Values = tuple[Any, Any]


class Context:
    """A comparison and its plan, as rules and conditions see them.

    :ivar gate: whether the mesh stays on until the leaves have replaced it (``aci_calico_sessions_timeout`` is not 0).
    """

    def __init__(self, plan: Plan, comparison: Comparison, gate: bool = True) -> None:
        self.plan = plan
        self.gate = gate
        self.comparison = comparison
        self.created = {one.object for one in comparison.changes if one.operation == CREATE}
        self.racks: Mapping[str, Any] = {rack["node_profile"]: rack for rack in plan["racks"]}
        self.nodes_of_slots = {node["slot_name"]: node["name"] for node in plan["nodes"] if "slot_name" in node}
        self.planned: dict[str, Any] = {node["name"]: node for node in plan["nodes"]}

    def is_first(self, side: str) -> bool:
        """Return whether the cluster is configured on a side for the first time."""
        deployed = self.comparison.deployed
        return not deployed.get(side) and not (side == APIC and deployed.get(KUBERNETES))

    def whole_of(self, change: Change) -> str:
        """Return the topmost created object that a created object is a part of; empty if it is none."""
        if change.side != APIC or change.operation != CREATE or change.kind in _APART:
            return ""
        return topmost_above(change.object, self.created)

    # --- nodes and leaves ----------------------------------------------------------------------------------------------

    def nodes_of(self, change: Change) -> list[str]:
        """Return the nodes that a change touches, whether they are planned or not."""
        return sorted(set(self._kubernetes_nodes(change) if change.side == KUBERNETES else self._apic_nodes(change)))

    def running(self, change: Change) -> list[str]:
        """Return the nodes of a change that are in Kubernetes, without drained ones that leave; all if that was not read."""
        nodes = self.nodes_of(change)
        if KUBERNETES not in self.comparison.deployed:
            return nodes
        gone = set(self.comparison.drained) - set(self.planned)
        return [name for name in nodes if name in self.comparison.nodes and name not in gone]

    def leaves_of(self, change: Change) -> list[int]:
        """Return the leaves that a change touches; none if it touches all leaves of its nodes."""
        if change.side == KUBERNETES:
            return [int(leaf) for leaf in _PEER.findall(change.object)]
        ids = [int(one) for match in _LEAVES.findall(change.object) for one in match.split("-")]
        return sorted(set(ids))

    def planned_leaves(self, change: Change) -> set[int]:
        """Return the leaves of the change's rack that are in the plan."""
        rack = self.racks.get(_first(_PROFILE, change.object), {"leaves": []})
        return set(rack["leaves"])

    @cached_property
    def new_leaves(self) -> set[int]:
        """Return the leaves that the changes add to an L3Out."""
        return {leaf for dn in self.created if "/rsnodeL3OutAtt-" in dn for leaf in map(int, _LEAVES.findall(dn))}

    def sessions(self, change: Change) -> list[str]:
        """Return the planned sessions of the nodes with the leaves of a change, as text."""
        leaves = self.leaves_of(change)
        return [
            f"{name} - leaf {peer['leaf']} ({peer['family']})"
            for name in self.running(change)
            for peer in self.planned.get(name, {"peers": []})["peers"]
            if not leaves or peer["leaf"] in leaves
        ]

    def _apic_nodes(self, change: Change) -> Iterable[str]:
        dns = (change.object, *change.below)
        named = [node for dn in dns for node in self._of_interfaces(dn)]
        profile, group = _first(_PROFILE, change.object), _first(_GROUP, change.object)
        selectors = self._selectors(change)
        if named and (profile or change.kind == "l3extOut"):
            return named
        if profile:
            return self._of_profile(profile)
        if group:
            return self._of_group(group)
        if selectors:
            return {name for one in selectors for name in self._of_group(one)}
        l3out = _first(_L3OUT, change.object)
        racks = [rack["id"] for rack in self.plan["racks"] if rack["l3out"] == l3out]
        if racks:
            return [name for name, node in self.planned.items() if node["rack"] in racks]
        return {*self.planned, *self.comparison.nodes}

    def _of_interfaces(self, dn: str) -> Iterator[str]:
        """Yield the node of an interface profile; with floating SVI the profile is that of a rack."""
        name = _first(_INTERFACES, dn)
        if name and name != _first(_PROFILE, dn):
            yield self.nodes_of_slots.get(name, name)

    def _of_profile(self, profile: str) -> list[str]:
        rack = self.racks.get(profile)
        planned = rack["nodes"] if rack else []
        # A node without a label can be in any rack that is not planned.
        labels = (rack["id"],) if rack else (profile.removeprefix("rack-"), "")
        return [*planned, *(name for name, held in self.comparison.nodes.items() if held in labels)]

    def _of_group(self, group: str) -> Iterable[str]:
        """Return the nodes that have a policy group or whose names are in its name; if there are none and groups change their names, all nodes."""
        everyone = {*self.planned, *self.comparison.nodes}
        planned = [name for name, node in self.planned.items() if node["vpc"] == group]
        named = [name for name in everyone if re.search(rf"(?<![a-zA-Z0-9]){re.escape(name)}(?![a-zA-Z0-9])", group)]
        if planned or named:
            return planned or named
        known = group in {one["name"] for one in self.plan["access"]["groups"]}
        return everyone if known or any(_GROUP.search(dn) for dn in self.created) else ()

    def _selectors(self, change: Change) -> set[str]:
        """Return the policy groups on the ports of a leaf whose profile goes; the profile of its ports has the same name."""
        if change.kind not in ("infraAccPortP", "infraNodeP") or change.operation != DELETE:
            return set()
        name = last_rn(change.object).partition("-")[2]
        ports = (one for one in self.comparison.changes if one.kind == "infraAccPortP" and one.operation == DELETE)
        below = (dn for one in ports if last_rn(one.object).partition("-")[2] == name for dn in one.below)
        return {_first(_SELECTOR, dn) for dn in below} - {""}

    @property
    def idle(self) -> bool:
        """Return whether no pod has an address of a pool, so that nothing relies on the mesh: nodes announce pools only."""
        return not any(self.comparison.pods.values())

    def selected(self, change: Change) -> list[str]:
        """Return the nodes that are in Kubernetes and on the ports of the selectors that a change creates."""
        dns = [change.object, *(dn for dn in self.created if dn.startswith(f"{change.object}/"))]
        groups = {_first(_SELECTOR, dn) for dn in dns} - {""}
        nodes = {name for group in groups for name in self._of_group(group)}
        if KUBERNETES in self.comparison.deployed:
            nodes &= set(self.comparison.nodes)
        return [] if self.is_first(APIC) and KUBERNETES not in self.comparison.deployed else sorted(nodes)

    @cached_property
    def wanted(self) -> dict[str, dict[str, Any]]:
        """Return the objects of the plan on APIC by DN."""
        return flat(apic_tree(self.plan))

    def _kubernetes_nodes(self, change: Change) -> Iterable[str]:
        name = change.object.partition("/")[2]
        if change.kind == "Node":
            return [name]
        if change.kind == "BGPPeer":
            spec = change.before.get("spec") or {}
            peer: dict[str, Any] = next((one for one in self.plan["peers"] if one["name"] == name), {})
            node, selector = spec.get("node") or peer.get("node"), str(spec.get("nodeSelector", ""))
            rack = self._selected_rack(selector) if selector else peer.get("rack")
            if rack is not None:
                return [node] if node else [one for one, held in self.comparison.nodes.items() if held == rack]
            return [node] if node else {*self.planned, *self.comparison.nodes}
        return {*self.planned, *self.comparison.nodes}

    def _selected_rack(self, selector: str) -> str | None:
        """Return the rack whose nodes a selector of the plan's form selects; None for another selector."""
        label, _equal, value = selector.partition("==")
        match = _QUOTED.fullmatch(value)
        return match.group(1) if match and label.strip() == self.plan["calico"]["rack_label"] else None

    # --- prefixes and fields -------------------------------------------------------------------------------------------

    def prefixes_of(self, change: Change) -> list[str]:
        """Return the prefixes that a change touches."""
        if change.kind == "BGPConfiguration":
            lists = [values for values in fields_of(change, self.plan).values() if isinstance(values[0] or values[1], list)]
            before, after = ({one["cidr"] for values in lists for one in values[side] or ()} for side in (0, 1))
            return sorted(before - after or after - before)
        return list(dict.fromkeys(prefix for dn in (change.object, *change.below) for prefix in _PREFIX.findall(dn)))

    def policy(self, cls: str, name: str) -> Mapping[str, Any]:
        """Return the attributes of a BGP policy by its name, empty if it is unknown."""
        made = [one.after for one in self.comparison.changes if (one.kind, one.operation) == (cls, CREATE)]
        known = [attributes for dn, attributes in self.comparison.policies.items() if CLASSES[cls].naming_of(last_rn(dn))]
        return next((one for one in (*made, *known) if one.get("name") == name), {})


def fields_of(change: Change, plan: Plan) -> dict[str, Values]:
    """Return the values of each field that changes, before and after; one field without a name for a whole object."""
    if change.operation != MODIFY and change.kind not in _BY_FIELD:
        return {"": (None, None)}
    if change.side == APIC:
        return {name: (change.before.get(name), change.after.get(name)) for name in change.fields}
    before, after = _flat(change.before), _flat(change.after)
    fields: dict[str, Values] = {}
    for path in {**before, **after}:
        fields.setdefault(_field(path, change.kind, plan), (before.get(path), after.get(path)))
    return fields


def _flat(manifest: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    """Return the fields of a manifest: labels and annotations one by one, and those of its specification."""
    found: dict[tuple[str, ...], Any] = {}
    for name, value in manifest.items():
        if name in ("metadata", "spec") and isinstance(value, Mapping):
            for inner, one in value.items():
                if inner in ("labels", "annotations") and isinstance(one, Mapping):
                    found.update({(name, inner, key): text for key, text in one.items()})
                else:
                    found[name, inner] = one
        elif name not in ("apiVersion", "kind", "metadata"):
            found[(name,)] = value
    return found


def _field(path: tuple[str, ...], kind: str, plan: Plan) -> str:
    if path[0] == "spec":
        return path[1]
    if path[0] == "metadata" and kind == "Node":
        if path[-1] == plan["calico"]["rack_label"]:
            return "rack"
        return _NODE_FIELDS.get(path[-1], path[1])
    return path[0]


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group(1) if match else ""
