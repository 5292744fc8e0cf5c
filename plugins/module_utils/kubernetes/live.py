# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live state of a cluster's network in short, from the objects that Kubernetes and Calico keep of it."""

from __future__ import annotations

from ..names import EXCLUDE_LABEL, EXCLUDED, MANAGED_BY, MANAGED_BY_LABEL, SERVICE_NAME_LABEL

# The seconds between two reports of a node while a verification runs.
REPORT_EVERY = 5


def readiness(nodes):
    """``{node: ready}``; None where Kubernetes does not say."""
    return {node["metadata"]["name"]: _ready(node) for node in nodes}


def _ready(node):
    conditions = (node.get("status") or {}).get("conditions") or ()
    status = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), None)
    return None if status is None else status == "True"


def excluded(nodes):
    """The nodes that announce no services."""
    labels = {node["metadata"]["name"]: node["metadata"].get("labels") or {} for node in nodes}
    return sorted(name for name, own in labels.items() if own.get(EXCLUDE_LABEL) == EXCLUDED)


def blocks(affinities):
    """``[{"cidr", "node"}]`` of the IPAM blocks that are a node's for good."""
    specs = [affinity["spec"] for affinity in affinities]
    return [
        {"cidr": spec["cidr"], "node": spec["node"]}
        for spec in specs
        if spec.get("state") == "confirmed" and str(spec.get("deleted", "false")).lower() != "true"
    ]


def local_services(services, slices):
    """``[{"name", "addresses", "nodes"}]`` of the services that only nodes with an endpoint of theirs announce.

    Addresses go by their kind, for Calico announces each kind by a list of its own: ``service`` (cluster IPs),
    ``external_service`` and ``load_balancer``.
    """
    nodes = {}
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


def _endpoint_nodes(piece):
    """The nodes of the endpoints that are ready; an endpoint that does not say is. v1beta1 has the node in its topology."""
    for endpoint in piece.get("endpoints") or ():
        node = endpoint.get("nodeName") or (endpoint.get("topology") or {}).get("kubernetes.io/hostname")
        if node and (endpoint.get("conditions") or {}).get("ready") is not False:
            yield node


def _addresses(service):
    spec = service["spec"]
    cluster = spec.get("clusterIPs") or [spec.get("clusterIP")]
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    kinds = {
        "service": cluster,
        "external_service": spec.get("externalIPs") or (),
        "load_balancer": [entry.get("ip") for entry in ingress],
    }
    return {kind: [one for one in addresses if one and one != "None"] for kind, addresses in kinds.items()}


def node_statuses(statuses):
    """``{node: {"peers", "routes", "updated"}}`` of the nodes that have reported, the latest report of each."""
    found = {}
    for item in statuses:
        status = item.get("status") or {}
        updated = status.get("lastUpdated") or ""
        node = item["spec"]["node"]
        if updated and (node not in found or found[node]["updated"] < updated):
            found[node] = {"peers": _peers(status.get("bgp") or {}), "routes": _routes(status), "updated": updated}
    return found


def _peers(bgp):
    return {
        peer["peerIP"]: {"state": peer.get("state", ""), "type": peer.get("type", "")}
        for version in ("peersV4", "peersV6")
        for peer in bgp.get(version) or ()
    }


def _routes(status):
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


def status_request(api_group, node):
    """The object by which a node is asked to report (Calico's CalicoNodeStatus)."""
    return {
        "apiVersion": api_group,
        "kind": "CalicoNodeStatus",
        "metadata": {"name": status_name(node), "labels": {MANAGED_BY_LABEL: MANAGED_BY}},
        "spec": {"node": node, "classes": ["Agent", "BGP", "Routes"], "updatePeriodSeconds": REPORT_EVERY},
    }


def status_name(node):
    """The name of our own request, so that nobody else's is touched."""
    return f"aci-calico-verify-{node}"
