# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes manifests of a plan, which configure Calico.

Sources: *ACI Calico Design White Paper*, "Calico routing and BGP configuration"; Calico's resource reference
(IPPool, BGPConfiguration, BGPPeer, BGPFilter). Its Kubernetes datastore keeps a node's BGP settings in annotations of the core
``v1`` Node, with either of Calico's API groups.
"""

from __future__ import annotations

from ...module_utils.names import (
    ADDRESS_ANNOTATIONS,
    ASN_ANNOTATION,
    CALICO_V3,
    CLUSTER_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    NEXT_SUFFIX,
    PASSWORD_MARKER,
    RBAC_GROUP,
)

AUTO = "auto"
DEFAULT_NAMESPACE = "kube-system"

ROLE_NAME = "secret-access"
FILTER_NAME = "aci-reject-learned"
BGP_CONFIGURATION = "default"
# Settings of single pools: {key in the plan: field of the IPPool}.
POOL_FIELDS = {
    "disabled": "disabled",
    "node_selector": "nodeSelector",
    "allowed_uses": "allowedUses",
    "assignment_mode": "assignmentMode",
}
# Service subnets that the nodes announce: {role in the plan: field of the BGPConfiguration}.
SERVICE_FIELDS = {
    "service": "serviceClusterIPs",
    "external_service": "serviceExternalIPs",
    "load_balancer": "serviceLoadBalancerIPs",
}


def kubernetes_objects(plan: dict, api_group: str | None = None, namespace: str | None = None) -> list[dict]:
    """Return the manifests of a plan in the order in which to apply them.

    The Secret holds the marker ``<secret:bgp_password>`` in ``stringData``; the push replaces it with ``data`` (see
    ``kubernetes_push``). Node manifests are patches of existing nodes: they must never create a Node.

    :param api_group: the ``apiVersion`` of Calico's kinds; by default the plan's, else ``projectcalico.org/v3``.
    :param namespace: the namespace of calico-node; by default the plan's, else ``kube-system`` as in the white paper.
    """
    api_group = chosen(api_group, plan["calico"]["api_group"], CALICO_V3)
    namespace = chosen(namespace, plan["calico"]["namespace"], DEFAULT_NAMESPACE)
    return [
        *(_node(plan, node) for node in plan["nodes"] if not node.get("spare")),
        _secret(plan, namespace),
        _role(plan, namespace),
        _role_binding(plan, namespace),
        *(_ip_pool(plan, pool, api_group) for pool in plan["calico"]["pools"]),
        *_bgp_filters(plan, api_group),
        *(_bgp_peer(plan, peer, api_group) for peer in plan["peers"]),
        # Last, because it turns off the node-to-node mesh, which the peers replace.
        _bgp_configuration(plan, api_group),
    ]


def chosen(*candidates: str | None) -> str:
    """Return the first candidate that is neither empty nor ``auto``."""
    return next(candidate for candidate in candidates if candidate and candidate != AUTO)


def owner_labels(plan: dict) -> dict[str, str]:
    """Return the labels that identify objects of this cluster, to find and to prune them."""
    return {MANAGED_BY_LABEL: MANAGED_BY, CLUSTER_LABEL: plan["cluster"]}


def next_key(plan: dict) -> str:
    """Return the key of the Secret that has the new password during a rotation."""
    return f"{plan['calico']['secret']['key']}{NEXT_SUFFIX}"


def _manifest(api_version: str, kind: str, name: str, labels: dict | None = None, namespace: str | None = None) -> dict:
    metadata: dict = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _node(plan: dict, node: dict) -> dict:
    """Return a node with the AS number and addresses for calico-node, and the rack label for the peers."""
    labels = {plan["calico"]["rack_label"]: node["rack"], CLUSTER_LABEL: plan["cluster"]}
    manifest = _manifest("v1", "Node", node["name"], labels)
    addresses = {ADDRESS_ANNOTATIONS[family]: network["address"] for family, network in node["networks"].items()}
    manifest["metadata"]["annotations"] = {ASN_ANNOTATION: str(node["asn"]), **addresses}
    return manifest


def _secret(plan: dict, namespace: str) -> dict:
    secret = plan["calico"]["secret"]
    return {
        **_manifest("v1", "Secret", secret["name"], owner_labels(plan), namespace),
        "type": "Opaque",
        "stringData": {secret["key"]: PASSWORD_MARKER},
    }


def _role(plan: dict, namespace: str) -> dict:
    rule = {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": [plan["calico"]["secret"]["name"]],
        "verbs": ["watch", "list", "get"],
    }
    return {**_manifest(f"{RBAC_GROUP}/v1", "Role", ROLE_NAME, owner_labels(plan), namespace), "rules": [rule]}


def _role_binding(plan: dict, namespace: str) -> dict:
    subject = {"kind": "ServiceAccount", "name": plan["calico"]["service_account"], "namespace": namespace}
    return {
        **_manifest(f"{RBAC_GROUP}/v1", "RoleBinding", ROLE_NAME, owner_labels(plan), namespace),
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "Role", "name": ROLE_NAME},
        "subjects": [subject],
    }


def _ip_pool(plan: dict, pool: dict, api_group: str) -> dict:
    """Return a pool without encapsulation and NAT, which the fabric routes natively.

    It has no owner labels: the pool is usually Calico's own, and the Tigera operator marks its pools with
    ``app.kubernetes.io/managed-by`` itself. What the plan does not say stays as it is in the cluster.
    """
    spec = {
        "cidr": pool["cidr"],
        "blockSize": block_size_of(plan, pool),
        "ipipMode": "Never",
        "vxlanMode": "Never",
        "natOutgoing": False,
        **{field: pool[name] for name, field in POOL_FIELDS.items() if name in pool},
    }
    return {**_manifest(api_group, "IPPool", pool["name"]), "spec": spec}


def block_size_of(plan: dict, pool: dict) -> int:
    """Return the block size of a pool of the plan: its own one, or that of its family."""
    size: int = pool.get("block_size") or plan["calico"]["block_size"][pool["family"]]
    return size


def _bgp_filters(plan: dict, api_group: str) -> list[dict]:
    """Return a filter that keeps nodes from announcing to a leaf the routes that they learned from the other leaf.

    The fabric's AS limit drops those routes anyway, but they count against its prefix limit.
    """
    if not plan["calico"]["bgp_filter"]:
        return []
    exports = {"ipv4": "exportV4", "ipv6": "exportV6"}
    reject = {"action": "Reject", "source": "RemotePeers"}
    spec = {exports[family]: [dict(reject)] for family in plan["address_families"]}
    return [{**_manifest(api_group, "BGPFilter", FILTER_NAME, owner_labels(plan)), "spec": spec}]


def _bgp_peer(plan: dict, peer: dict, api_group: str) -> dict:
    """Return a peer for one leaf, for the nodes of its rack or for one node.

    It never has a ``keepaliveTime``: BIRD derives it from the hold time that it negotiates with the fabric (3 s), and an
    interval above the hold time would end every session.
    """
    spec = {"peerIP": peer["address"], "asNumber": peer["asn"]}
    if peer["node"]:
        spec["node"] = peer["node"]
    else:
        spec["nodeSelector"] = f'{plan["calico"]["rack_label"]} == "{peer["rack"]}"'
    spec["password"] = {"secretKeyRef": dict(plan["calico"]["secret"])}
    if "restart_time" in plan["bgp"]:
        spec["maxRestartTime"] = go_duration(plan["bgp"]["restart_time"])
    if plan["calico"]["bgp_filter"]:
        spec["filters"] = [FILTER_NAME]
    return {**_manifest(api_group, "BGPPeer", peer["name"], owner_labels(plan)), "spec": spec}


def go_duration(seconds: int) -> str:
    """Return a duration as Go writes it, so that an API server that rounds objects through Go's types returns the same text."""
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{rest}s"


def _bgp_configuration(plan: dict, api_group: str) -> dict:
    """Return the configuration that turns off the mesh and announces service subnets.

    Its AS number is that of nodes without one of their own: a node that is reinstalled, or that an autoscaler adds, peers at
    once if the kubelet sets its rack label.
    """
    spec: dict = {"logSeverityScreen": "Info", "nodeToNodeMeshEnabled": False, "asNumber": plan["cluster_asn"]}
    for role, field in SERVICE_FIELDS.items():
        cidrs = [cidr for family in plan["address_families"] for cidr in plan["subnets"][role].get(family, [])]
        if cidrs:
            spec[field] = [{"cidr": cidr} for cidr in cidrs]
    return {**_manifest(api_group, "BGPConfiguration", BGP_CONFIGURATION), "spec": spec}
