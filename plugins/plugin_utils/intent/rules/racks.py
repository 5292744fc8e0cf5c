# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for racks, leaves, nodes and router IDs."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from ...schema.option import CENTRAL, INVALID
from ...schema.problems import Problem, did_you_mean, repeated, some
from ..intent import LAST_ROUTER_ID, Intent


def racks(intent: Intent) -> Iterator[Problem]:
    """Check that each rack is named once and has a pair of leaves."""
    for rack, first in repeated(intent.places, attrgetter("id")):
        path, problem = f"{rack.path}.id", f"Rack '{rack.id}' is also {first.path}"
        yield Problem("rack-twice", path, problem)
    for rack in intent.places:
        path = f"{rack.path}.leaves"
        if rack.leaf_entries == 0:
            yield Problem("rack-without-leaves", path, f"Rack '{rack.id}' has no leaf")
        elif rack.leaf_entries == 1:
            yield Problem(
                "rack-with-one-leaf", path, f"Rack '{rack.id}' has one leaf only, and is cut off when that leaf fails or reloads"
            )
        elif rack.leaf_entries > 2:
            yield Problem(
                "rack-with-too-many-leaves", path, f"Rack '{rack.id}' has {rack.leaf_entries} leaves; a vPC pair has two"
            )
        anchors_only = intent["peering"] == CENTRAL and rack is intent.places[0]
        if intent.sound and not rack.nodes and not anchors_only:
            yield Problem("rack-without-nodes", f"{rack.path}.nodes", f"Rack '{rack.id}' has no node")


def leaves(intent: Intent) -> Iterator[Problem]:
    """Check that each leaf is in one rack, once."""
    everywhere = [leaf for rack in intent.places for leaf in rack.leaves]
    for leaf, first in repeated(everywhere, attrgetter("id")):
        yield Problem("leaf-twice", leaf.path, f"Leaf {leaf.id} is also {first.path} (rack '{first.rack}')")


def nodes(intent: Intent) -> Iterator[Problem]:
    """Check that each node is in one rack, once."""
    for node, first in repeated(intent.nodes, attrgetter("name")):
        yield Problem("node-twice", node.path, f"Node {node.name} is also {first.path} (rack '{first.rack}')")


def spares(intent: Intent) -> Iterator[Problem]:
    """Check that each spare slot is taken once, has a name of its own, and is of use."""
    for node, first in repeated(intent.nodes, attrgetter("claimant")):
        if node.name != first.name:
            text = f"{node.name} has the name {node.claimant} on APIC, which {first.name} ({first.path}) has"
            yield Problem("spare-twice", node.path, text)
    if intent.kind == "floating" and intent["spare_nodes"]:
        text = "The cluster has floating SVI, whose leaves accept each node of the node subnet without a path of its own"
        yield Problem("spare-with-floating-svi", "aci_calico_spare_nodes", text)


def router_ids(intent: Intent) -> Iterator[Problem]:
    """Check that every leaf has a router ID of its own."""
    known = [leaf for leaf in intent.leaves if leaf.router_id is not None]
    for leaf, first in repeated(known, attrgetter("router_id.value")):
        if first.id != leaf.id:
            yield Problem(
                "router-id-repeats",
                leaf.path,
                f"Leaf {leaf.id} has router ID {leaf.router_id}, which leaf {first.id} ({first.path}) has",
            )
    base = intent["router_id_base"]
    for leaf in intent.leaves:
        if leaf.router_id is None and base is not None and base.value + leaf.id > LAST_ROUTER_ID:
            yield Problem(
                "router-id-out-of-range",
                "aci_calico_router_id_base",
                f"{base} plus leaf ID {leaf.id} is beyond the last unicast address",
            )


def non_anchors(intent: Intent) -> Iterator[Problem]:
    """Check that non-anchor leaves are not anchors, and are used with floating SVI only."""
    given = [leaf for leaf in intent["non_anchor_leaves"] or () if leaf is not INVALID]
    path = "aci_calico_non_anchor_leaves"
    anchors = {leaf.id: leaf for leaf in intent.leaves}
    for leaf in given:
        if leaf in anchors:
            yield Problem(
                "non-anchor-is-anchor", path, f"Leaf {leaf} is an anchor of rack '{anchors[leaf].rack}' ({anchors[leaf].path})"
            )
    if len(set(given)) < len(given):
        yield Problem("non-anchor-twice", path, f"A leaf is named twice: {some(given)}")
    if given and intent.kind == "standard":
        yield Problem(
            "non-anchor-with-standard-svi",
            path,
            "Standard SVI has no non-anchor leaves: the leaves of a node's rack have its gateway addresses",
        )
    elif intent.non_anchors and intent.kind == "floating" and not intent["next_hop_propagation"]:
        yield Problem(
            "non-anchor-detour",
            path if given else "aci_calico_peering",
            f"Traffic of nodes behind leaves {some(intent.non_anchors)} takes a detour through the anchors that they peer with",
        )


def renumbered(intent: Intent) -> Iterator[Problem]:
    """Check that ``aci_calico_renumber`` names nodes and leaves of the cluster."""
    known = ["all", "svi", *(leaf.name for leaf in intent.leaves), *(node.claimant for node in intent.nodes)]
    for index, name in enumerate(intent["renumber"] or []):
        if isinstance(name, str) and intent.sound and name not in known:
            yield Problem(
                "unknown-renumber", f"aci_calico_renumber[{index}]", f"There is no node or leaf {name}", did_you_mean(name, known)
            )
