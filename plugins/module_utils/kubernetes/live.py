# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live state of a cluster's network, from the objects of Kubernetes and Calico."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..names import ANNOTATIONS, EXCLUDE_LABEL, EXCLUDED, MANAGED_BY, MANAGED_BY_LABEL, SERVICE_NAME_LABEL

# The seconds between two reports of a node while a verification runs.
REPORT_EVERY = 5
# The namespace of the lease if calico-node runs in none, or in several.
LEASE_ELSEWHERE = "kube-system"

Items = Iterable[dict[str, Any]]


def calico_namespaces(daemonsets: Items) -> list[str]:
    """Return the namespaces of calico-node's DaemonSets."""
    return sorted(daemonset["metadata"]["namespace"] for daemonset in daemonsets)


def lease_namespace(namespaces: list[str]) -> str:
    """Return the namespace of the lease where none is named.

    :param namespaces: those of calico-node's DaemonSets.
    """
    return namespaces[0] if len(namespaces) == 1 else LEASE_ELSEWHERE


def readiness(nodes: Items) -> dict[str, bool | None]:
    """Return ``{node: ready}``; None if Kubernetes reports no such condition."""
    return {node["metadata"]["name"]: _ready(node) for node in nodes}


def _ready(node: dict[str, Any]) -> bool | None:
    conditions = (node.get("status") or {}).get("conditions") or ()
    status = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), None)
    return None if status is None else status == "True"


def in_short(node: dict[str, Any]) -> dict[str, Any]:
    """Return what the maintenance of a node changes, and what it needs to know."""
    metadata = node["metadata"]
    annotations = metadata.get("annotations") or {}
    return {
        "metadata": {
            "name": metadata["name"],
            "labels": metadata.get("labels") or {},
            "annotations": {key: value for key, value in annotations.items() if key.startswith(ANNOTATIONS)},
        },
        "spec": {"unschedulable": (node.get("spec") or {}).get("unschedulable")},
    }


def excluded(nodes: Items) -> list[str]:
    """Return the nodes that advertise no services."""
    labels = {node["metadata"]["name"]: node["metadata"].get("labels") or {} for node in nodes}
    return sorted(name for name, own in labels.items() if own.get(EXCLUDE_LABEL) == EXCLUDED)


def blocks(affinities: Items) -> list[dict[str, str]]:
    """Return ``[{"cidr", "node"}]`` of the confirmed IPAM blocks."""
    specs = [affinity["spec"] for affinity in affinities]
    return [
        {"cidr": spec["cidr"], "node": spec["node"]}
        for spec in specs
        if spec.get("state") == "confirmed" and str(spec.get("deleted", "false")).lower() != "true"
    ]


def local_services(services: Items, slices: Items) -> list[dict[str, Any]]:
    """Return ``[{"name", "addresses", "nodes"}]`` of the services that only nodes with an endpoint advertise.

    Addresses are grouped by kind, because Calico advertises each kind by its own list: ``service`` (cluster IPs),
    ``external_service`` and ``load_balancer``.
    """
    nodes: dict[tuple[str, str | None], set[str]] = {}
    for piece in slices:
        metadata = piece["metadata"]
        key = (metadata["namespace"], (metadata.get("labels") or {}).get(SERVICE_NAME_LABEL))
        nodes.setdefault(key, set()).update(_endpoint_nodes(piece))
    found = []
    for service in services:
        if service["spec"].get("externalTrafficPolicy") == "Local":
            namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
            entry = {"name": f"{namespace}/{name}", "addresses": _addresses(service)}
            found.append({**entry, "nodes": sorted(nodes.get((namespace, name), ()))})
    return found


def _endpoint_nodes(piece: dict[str, Any]) -> Iterator[str]:
    """Yield the nodes of ready endpoints; those without the condition are ready. In v1beta1 the topology names the node."""
    for endpoint in piece.get("endpoints") or ():
        node = endpoint.get("nodeName") or (endpoint.get("topology") or {}).get("kubernetes.io/hostname")
        if node and (endpoint.get("conditions") or {}).get("ready") is not False:
            yield node


def _addresses(service: dict[str, Any]) -> dict[str, list[str]]:
    spec = service["spec"]
    cluster = spec.get("clusterIPs") or [spec.get("clusterIP")]
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    kinds = {
        "service": cluster,
        "external_service": spec.get("externalIPs") or (),
        "load_balancer": [entry.get("ip") for entry in ingress],
    }
    return {kind: [one for one in addresses if one and one != "None"] for kind, addresses in kinds.items()}


def node_statuses(statuses: Items) -> dict[str, dict[str, Any]]:
    """Return ``{node: {"peers", "routes", "updated"}}`` of the latest report of each node that has reported."""
    found: dict[str, dict[str, Any]] = {}
    for item in statuses:
        status = item.get("status") or {}
        updated = status.get("lastUpdated") or ""
        node = item["spec"]["node"]
        if updated and (node not in found or found[node]["updated"] < updated):
            found[node] = {"peers": _peers(status.get("bgp") or {}), "routes": _routes(status), "updated": updated}
    return found


def _peers(bgp: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        peer["peerIP"]: {"state": peer.get("state", ""), "type": peer.get("type", "")}
        for version in ("peersV4", "peersV6")
        for peer in bgp.get(version) or ()
    }


def _routes(status: dict[str, Any]) -> list[dict[str, str]]:
    routes = status.get("routes") or {}
    return [
        {
            "destination": route["destination"],
            "source": (route.get("learnedFrom") or {}).get("sourceType", ""),
            "peer": (route.get("learnedFrom") or {}).get("peerIP", ""),
            "interface": route.get("interface", ""),
        }
        for version in ("routesV4", "routesV6")
        for route in routes.get(version) or ()
    ]


def status_request(api_group: str, node: str) -> dict[str, Any]:
    """Return the object that makes a node report (Calico's CalicoNodeStatus)."""
    return {
        "apiVersion": api_group,
        "kind": "CalicoNodeStatus",
        "metadata": {"name": status_name(node), "labels": {MANAGED_BY_LABEL: MANAGED_BY}},
        "spec": {"node": node, "classes": ["Agent", "BGP", "Routes"], "updatePeriodSeconds": REPORT_EVERY},
    }


def status_name(node: str) -> str:
    """Return the name of our own request, which differs from the names of others' requests."""
    return f"aci-calico-verify-{node}"
