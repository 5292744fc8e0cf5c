# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Maintenance: the changes in Kubernetes that take nodes out of service and back, and the reasons against it; marks for leaves.

Source: *ACI Calico Design White Paper*, "Kubernetes node maintenance and failure". Draining is not enough: each node announces
the services' subnets even without pods. A label makes Calico withdraw them, so that services leave the node before its pods do.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from ...module_utils.names import BEFORE_MAINTENANCE_ANNOTATION, EXCLUDE_LABEL, EXCLUDED, LEAVES_OUT_ANNOTATION
from ..schema.problems import Problem, did_you_mean, errors
from .joined import joined_nodes, with_joined
from .manifests import BGP_CONFIGURATION
from .push import differing

NAMES = "node_maintenance_nodes"


def node_maintenance(plan: dict, found: list[dict], live: dict, names: list[str], begin: bool = True) -> dict:
    """Return how to take nodes out of service, or back into it.

    :param plan: the cluster's plan.
    :param found: all Node objects of the cluster.
    :param live: the ``state`` of the module ``calico_state``.
    :param names: the nodes.
    :returns: the ``problems``; the ``nodes``; ``patched``,
        merge patches of the nodes that change, none with errors; ``differences``, each with ``before`` and ``after``.
    """
    nodes = {node["metadata"]["name"]: node for node in found}
    problems = list(_unknown(plan, nodes, names))
    if not problems:
        problems = list(_against(plan, nodes, live, names) if begin else _not_begun(nodes, names))
    changed = [] if errors(problems) else [_begun(nodes[name]) if begin else _ended(nodes[name]) for name in names]
    return {"nodes": names, **_changes(nodes, changed), "problems": problems}


def _changes(nodes: dict, patches: list[dict]) -> dict:
    """Return the patches that change something, and the differences that they make."""
    parts = {
        patch["metadata"]["name"]: {name: patch[name] for name in ("metadata", "spec") if name in patch} for patch in patches
    }
    differences = {name: differing(nodes[name], part) for name, part in parts.items()}
    return {
        "patched": [patch for patch in patches if any(differences[patch["metadata"]["name"]])],
        "differences": {
            name: {"before": before, "after": after} for name, (before, after) in differences.items() if before or after
        },
    }


# --- leaves ----------------------------------------------------------------------------------------------------------


def leaves_out(found: list[dict]) -> list[int]:
    """Return the leaves that are out for maintenance, as the nodes' annotations say."""
    return sorted({leaf for node in found for leaf in _out(node)})


def leaf_maintenance(plan: dict, found: list[dict], leaves: Collection[int], begin: bool) -> dict:
    """Return how to mark leaves as out for maintenance at the nodes that peer with them, or to remove all of their marks.

    :returns: ``patched`` and ``differences``, as of ``node_maintenance``.
    """
    nodes = {node["metadata"]["name"]: node for node in found}
    peers = {node["name"]: {peer["leaf"] for peer in node["peers"]} for node in plan["nodes"]}
    patches = []
    for name, node in nodes.items():
        # A node that has left the plan or its rack since may have a mark, too.
        concerned = (peers.get(name, set()) if begin else _out(node)) & set(leaves)
        if concerned:
            out = _out(node) | concerned if begin else _out(node) - concerned
            value = ",".join(map(str, sorted(out))) or None
            metadata = {"name": name, "annotations": {LEAVES_OUT_ANNOTATION: value}}
            patches.append({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
    return _changes(nodes, patches)


def _out(node: dict) -> set[int]:
    text = (node["metadata"].get("annotations") or {}).get(LEAVES_OUT_ANNOTATION) or ""
    return {int(leaf) for leaf in text.split(",") if leaf.isdecimal()}


def with_live_nodes(plan: dict, found: list[dict]) -> dict:
    """Return the plan with the nodes that joined by themselves. The cluster is configured, so the AS number is the planned one."""
    configuration = {
        "kind": "BGPConfiguration",
        "metadata": {"name": BGP_CONFIGURATION},
        "spec": {"asNumber": plan["cluster_asn"]},
    }
    nodes = {node["metadata"]["name"]: node["metadata"] for node in found}
    return with_joined(plan, joined_nodes(plan, {"nodes": nodes, "objects": [configuration]}))


def nodes_out(found: list[dict]) -> list[str]:
    """Return the nodes that were taken out of service by this collection."""
    return [node["metadata"]["name"] for node in found if _before(node) is not None]


# --- problems ------------------------------------------------------------------------------------------


def _unknown(plan: dict, nodes: dict, names: list[str]) -> Iterator[Problem]:
    planned = [node["name"] for node in plan["nodes"] if not node.get("spare")]
    if not names:
        yield Problem("maintenance-nodes", NAMES, "No node is named")
    for index, name in enumerate(names):
        path = f"{NAMES}[{index}]"
        if name not in planned:
            problem = f"Cluster {plan['cluster']} has no node {name}"
            yield Problem("maintenance-node-unknown", path, problem, did_you_mean(name, planned))
        elif name not in nodes:
            yield Problem("maintenance-node-missing", path, f"Kubernetes has no node {name}")


def _against(plan: dict, nodes: dict, live: dict, names: list[str]) -> Iterator[Problem]:
    """Yield what the cluster loses with the nodes."""
    others = [node for node in plan["nodes"] if node["name"] not in names]
    serving = {node["name"] for node in others if _serves(nodes.get(node["name"]), live)}
    if not serving:
        yield Problem("maintenance-last-node", NAMES, "No other node is ready and in service: the pods would have nowhere to go")
        return
    away = sorted(name for name in nodes if name not in names and _before(nodes[name]) is not None)
    if away:
        yield Problem("maintenance-others", NAMES, f"Nodes are out of service already: {', '.join(away)}")
    for rack in plan["racks"]:
        if set(rack["nodes"]) & set(names) and not set(rack["nodes"]) & serving:
            yield Problem("maintenance-rack", NAMES, f"Rack {rack['id']} is left without a node in service")
    if live["local_services"] is None:
        reasons = "; ".join(f"{one['path']}: {one['message']}" for one in live["failures"]) or "the API server does not list them"
        problem = f"Services or their endpoints cannot be read, so it is unknown whether one loses its last endpoint ({reasons})"
        yield Problem("not-checked", NAMES, problem)
    for service in live["local_services"] or ():
        if service["nodes"] and set(service["nodes"]) <= set(names):
            yield Problem(
                "maintenance-only-endpoints",
                NAMES,
                f"Service {service['name']} (externalTrafficPolicy: Local) has no endpoint on another node",
            )


def _serves(node: dict | None, live: dict) -> bool:
    if node is None or (node.get("spec") or {}).get("unschedulable"):
        return False
    name = node["metadata"]["name"]
    return live["ready"].get(name) is not False and name not in live["excluded"]


def _not_begun(nodes: dict, names: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if _before(nodes[name]) is None:
            problem = f"Node {name} was not taken out of service by this collection, and is left as it is"
            yield Problem("maintenance-not-begun", f"{NAMES}[{index}]", problem)


# --- patches ---------------------------------------------------------------------------------------------------------


def _before(node: dict) -> dict | None:
    """Return label and cordon from before the maintenance; None for a node in service."""
    text = (node["metadata"].get("annotations") or {}).get(BEFORE_MAINTENANCE_ANNOTATION)
    return None if text is None else json.loads(text)


def _begun(node: dict) -> dict:
    before = _before(node)
    if before is None:
        before = {
            "label": (node["metadata"].get("labels") or {}).get(EXCLUDE_LABEL),
            "unschedulable": bool((node.get("spec") or {}).get("unschedulable")),
        }
    return _patch(node, EXCLUDED, True, json.dumps(before, sort_keys=True))


def _ended(node: dict) -> dict:
    before = _before(node)
    if before is None:
        return {"metadata": {"name": node["metadata"]["name"]}}
    return _patch(node, before["label"], before["unschedulable"] or None, None)


def _patch(node: dict, label: str | None, unschedulable: bool | None, before: str | None) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node["metadata"]["name"],
            "labels": {EXCLUDE_LABEL: label},
            "annotations": {BEFORE_MAINTENANCE_ANNOTATION: before},
        },
        "spec": {"unschedulable": unschedulable},
    }
