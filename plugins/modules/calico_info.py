#!/usr/bin/python

# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_info
short_description: Read the BGP configuration of Calico in a cluster
version_added: 1.0.0
description:
  - Reads, with one login and one request for each kind, the API group of Calico's kinds that the cluster serves, the namespace of calico-node,
    the nodes with their labels and Calico's annotations, and the existing pools, peers, filters and BGP configuration.
  - Compares a password with the one in the cluster without returning either.
  - Objects that cannot be read are listed in RV(calico.failures); the module fails only if the cluster does not answer at all.
options:
  api_group:
    description: The API group and version of Calico's kinds. V(auto) prefers V(projectcalico.org/v3) if it is served.
    type: str
    choices: [auto, projectcalico.org/v3, crd.projectcalico.org/v1]
    default: auto
  namespace:
    description: The namespace that calico-node runs in. V(auto) looks for its DaemonSet.
    type: str
    default: auto
  secret_name:
    description: The Secret that holds the BGP password.
    type: str
    default: bgp-secrets
  secret_key:
    description: The key of the password in the Secret.
    type: str
    default: rr-password
  role_name:
    description: The Role and the RoleBinding that let calico-node read the Secret.
    type: str
    default: secret-access
  password_sha256:
    description:
      - The SHA-256 digest (hexadecimal) of the password to compare with the one in the Secret.
      - It is a digest because Ansible masks a secret everywhere in a result, and a password may also be part of a node's name.
    type: str
  pad:
    description:
      - A random text, for M(netops.aci_calico.rotate). With it, RV(calico.sealed) has the passwords in the Secret, so that they never appear as they are.
    type: str
  lease_namespace:
    description: The namespace of the lease, or V(auto) (see M(netops.aci_calico.calico_lease)). The lease is read too if this is given.
    type: str
  checks:
    description:
      - Whether to read also the permissions of the connection's user and the networking backend of calico-node.
    type: bool
    default: false
  details:
    description:
      - Whether to return also who wrote the fields of the objects (RV(calico.managers)), and the version of the server, which takes one more request.
    type: bool
    default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - netops.aci_calico.reading # before the common attributes, whose texts would count otherwise
  - ansible.builtin.action_common_attributes
attributes:
  platform:
    platforms: posix
requirements:
  - "python >= 3.11"
  - "kubernetes >= 24.2.0"
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Read the cluster
  netops.aci_calico.calico_info:
    kubeconfig: ~/.kube/prod1.yml
  register: found

- name: Say which peers there are
  ansible.builtin.debug:
    msg: "{{ found.calico.objects | selectattr('kind', 'equalto', 'BGPPeer') | map(attribute='metadata.name') }}"
"""

RETURN = r"""
calico:
  description: The configuration.
  returned: success
  type: dict
  contains:
    api_group:
      description: The C(apiVersion) to use for Calico's kinds; none when the cluster serves none.
      type: str
      sample: crd.projectcalico.org/v1
    api_groups:
      description: Every C(apiVersion) of Calico's kinds that the cluster serves.
      type: list
      elements: str
    namespace:
      description: The namespace that calico-node runs in; none when there is no such DaemonSet, or more than one.
      type: str
      sample: kube-system
    namespaces:
      description: Every namespace with a DaemonSet C(calico-node).
      type: list
      elements: str
    nodes:
      description: The nodes by name, each with its C(labels), those C(annotations) that concern Calico, and its internal C(addresses), and whether
        it is C(unschedulable).
      type: dict
    objects:
      description:
        - The objects as manifests, without what the API server adds; a Secret is shown without its data. The operator's Installation is
          among them.
      type: list
      elements: dict
    password_matches:
      description: Whether the Secret holds the password of O(password_sha256); none when there is no such Secret or no digest was given.
      type: bool
    secret_keys:
      description: The names of the keys in the Secret.
      type: list
      elements: str
      sample: [rr-password]
    sealed:
      description:
        - With O(pad), the passwords in the Secret by key, of O(secret_key) and of the second key that a rotation uses. Only the caller, who knows
          the pad, can read them.
      type: dict
    installation:
      description:
        - How Calico is installed, with C(installer) (V(operator), V(rke2), V(kubespray), V(manifests), or V(unknown) if it cannot be read),
          C(version), C(data_plane), and C(routing), the component that programs the routes between nodes.
        - C(degraded) lists what the operator reports as degraded, C(pools) the pools of its Installation.
      type: dict
    environment:
      description: The environment variables of calico-node that determine AS numbers and addresses, by name; none that refer to another object.
      type: dict
    stored_metadata:
      description:
        - The metadata that Calico's aggregated API server stored in an annotation of objects of C(crd.projectcalico.org/v1), by C(Kind/name).
          RV(calico.objects) has these labels and annotations in their places.
      type: dict
    backend:
      description: With O(checks), the networking backend of calico-node, V(bird) for BGP; none if it is unknown.
      type: str
      sample: bird
    pool_pods:
      description: The number of pods with an address of each pool, by the pool's name; none if no pool is disabled or has source NAT, or
        pods cannot be listed.
      type: dict
    rights:
      description:
        - With O(checks), the user's permissions in the namespace, as rules of Kubernetes' SelfSubjectRulesReview; none if they are not
          completely known.
      type: list
      elements: dict
    unchecked:
      description:
        - The requests for RV(calico.installation), RV(calico.backend) and RV(calico.rights) that failed, as in RV(calico.failures).
      type: list
      elements: dict
    managers:
      description:
        - With O(details), the C(managedFields) of the objects by C(Kind/name); of nodes only the entries with labels and annotations.
      type: dict
    server:
      description: With O(details), what the server tells of its version, such as C(gitVersion); none if it cannot be read.
      type: dict
    lease:
      description: With O(lease_namespace), the content of the lease; none if there is none.
      type: dict
    failures:
      description: The requests that failed, each with C(path), C(status) and C(message).
      type: list
      elements: dict
"""

import base64
import copy
import hashlib
import hmac
import ipaddress
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule

from ..module_utils.kubernetes import installation
from ..module_utils.kubernetes.api import KubeApi
from ..module_utils.kubernetes.calico import restored, stored_metadata
from ..module_utils.kubernetes.connection import run_with_api
from ..module_utils.kubernetes.lease import read_lease
from ..module_utils.kubernetes.live import calico_namespaces, lease_namespace
from ..module_utils.masking import sealed
from ..module_utils.names import ANNOTATIONS, CALICO_GROUPS, CALICO_V1, NEXT_SUFFIX, OPERATOR_V1, RBAC_GROUP

CALICO_PLURALS = {"ippools": "IPPool", "bgpconfigurations": "BGPConfiguration", "bgppeers": "BGPPeer", "bgpfilters": "BGPFilter"}
RBAC = f"{RBAC_GROUP}/v1"
AUTHORIZATION = "authorization.k8s.io/v1"
BACKEND = "CALICO_NETWORKING_BACKEND"
SHOWN = ("spec", "rules", "roleRef", "subjects", "type")
NOTED = ("manager", "operation", "time", "subresource", "fieldsV1")
Managers = dict[str, list[dict]]
NO_SECRET: dict[str, Any] = {"password_matches": None, "secret_keys": [], "sealed": {}}


def manifest(api_version: str, kind: str, obj: dict) -> dict:
    """Return an object without fields of the API server, and without the data of a Secret."""
    whole = restored(obj["metadata"]) if api_version == CALICO_V1 else obj["metadata"]
    metadata = {name: copy.deepcopy(whole[name]) for name in ("name", "namespace", "labels", "annotations") if name in whole}
    metadata.get("annotations", {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **{name: obj[name] for name in SHOWN if name in obj}}


def note_managers(managers: Managers, kind: str, obj: dict, *parts: str) -> None:
    """Note who wrote the fields of an object.

    :param parts: note only the fields in these parts of the object.
    """
    entries = obj["metadata"].get("managedFields") or []
    shown = [{name: entry[name] for name in NOTED if name in entry} for entry in entries]
    if parts:
        shown = [{**entry, "fieldsV1": {part: (entry.get("fieldsV1") or {}).get(part, {}) for part in parts}} for entry in shown]
        shown = [entry for entry in shown if any(entry["fieldsV1"].values())]
    managers[f"{kind}/{obj['metadata']['name']}"] = shown


def served_versions(reader: KubeApi) -> set[str]:
    """Return the API versions that the cluster serves, as ``group/version``."""
    groups = (reader.get("/apis") or {}).get("groups", [])
    return {version["groupVersion"] for group in groups for version in group["versions"]}


def read_nodes(reader: KubeApi, managers: Managers) -> dict[str, dict]:
    """Return the nodes by name, with the labels, annotations and addresses that concern Calico."""
    nodes = {}
    for node in reader.items("/api/v1/nodes"):
        note_managers(managers, "Node", node, "f:metadata")
        annotations = node["metadata"].get("annotations") or {}
        nodes[node["metadata"]["name"]] = {
            "labels": node["metadata"].get("labels") or {},
            "annotations": {key: value for key, value in annotations.items() if key.startswith(ANNOTATIONS)},
            "unschedulable": bool((node.get("spec") or {}).get("unschedulable")),
            "addresses": [entry["address"] for entry in _addresses(node) if entry["type"] == "InternalIP"],
        }
    return nodes


def _addresses(node: dict) -> list[dict]:
    return (node.get("status") or {}).get("addresses") or []


def read_backend(reader: KubeApi, namespace: str, daemonsets: list[dict]) -> str | None:
    """Return calico-node's networking backend, from its environment or the ConfigMap that it refers to."""
    pod = next((item["spec"]["template"]["spec"] for item in daemonsets if item["metadata"]["namespace"] == namespace), {})
    environment = [entry for container in pod.get("containers", []) for entry in container.get("env") or []]
    setting = next((entry for entry in environment if entry["name"] == BACKEND), {})
    reference = (setting.get("valueFrom") or {}).get("configMapKeyRef")
    if not reference:
        return setting.get("value")
    config = reader.get(f"/api/v1/namespaces/{namespace}/configmaps/{reference['name']}") or {}
    return (config.get("data") or {}).get(reference["key"])


def read_rights(reader: KubeApi, namespace: str) -> list[dict] | None:
    """Return the rules of the user's permissions in a namespace and in the whole cluster."""
    body = {"apiVersion": AUTHORIZATION, "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
    status = reader.review(f"/apis/{AUTHORIZATION}/selfsubjectrulesreviews", body)
    return None if status is None or status.get("incomplete") else status.get("resourceRules") or []


def read_calico(reader: KubeApi, api_group: str, managers: Managers) -> tuple[list[dict], dict[str, dict]]:
    """Return Calico's objects and their stored metadata. Without the kind BGPFilter, Calico answers 404: there are no filters."""
    objects, stored = [], {}
    for plural, kind in CALICO_PLURALS.items():
        for item in reader.items(f"/apis/{api_group}/{plural}"):
            objects.append(manifest(api_group, kind, item))
            note_managers(managers, kind, item)
            metadata = stored_metadata(item["metadata"]) if api_group == CALICO_V1 else None
            if metadata is not None:
                stored[f"{kind}/{item['metadata']['name']}"] = metadata
    return objects, stored


def read_pool_pods(reader: KubeApi, objects: list[dict]) -> dict[str, int] | None:
    """Return how many pods have an address of each pool. The pods are listed only if a pool is disabled or has source NAT."""
    pools = {obj["metadata"]["name"]: obj["spec"] for obj in objects if obj["kind"] == "IPPool"}
    counted = {name: ipaddress.ip_network(spec["cidr"], strict=False) for name, spec in pools.items()}
    asked = any(spec.get("disabled") or spec.get("natOutgoing") for spec in pools.values())
    pods = reader.first(["/api/v1/pods"]) if asked else None
    if pods is None:
        return None
    addresses = [_pod_addresses(pod) for pod in pods]
    return {name: sum(any(one in network for one in own) for own in addresses) for name, network in counted.items()}


def _pod_addresses(pod: dict) -> list:
    """Return the addresses of a pod; none of a pod that has ended, or that has its node's network."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed") or pod["spec"].get("hostNetwork"):
        return []
    return [
        ipaddress.ip_address(entry["ip"]) for entry in status.get("podIPs") or [{"ip": status.get("podIP")}] if entry.get("ip")
    ]


def read_access(reader: KubeApi, namespace: str, params: dict, managers: Managers) -> tuple[list[dict], dict]:
    """Return the Secret, its Role and RoleBinding, and what is known of the Secret's data."""
    rbac = f"/apis/{RBAC}/namespaces/{namespace}"
    wanted = (
        ("v1", "Secret", f"/api/v1/namespaces/{namespace}/secrets/{params['secret_name']}"),
        (RBAC, "Role", f"{rbac}/roles/{params['role_name']}"),
        (RBAC, "RoleBinding", f"{rbac}/rolebindings/{params['role_name']}"),
    )
    objects, known = [], copy.deepcopy(NO_SECRET)
    for api_version, kind, path in wanted:
        obj = reader.get(path)
        if obj is None:
            continue
        objects.append(manifest(api_version, kind, obj))
        note_managers(managers, kind, obj)
        if kind == "Secret":
            known = about_secret({key: base64.b64decode(value or "") for key, value in (obj.get("data") or {}).items()}, params)
    return objects, known


def about_secret(held: dict[str, bytes], params: dict) -> dict:
    """Return what is known of the Secret's data, without any of it."""
    main, digest, pad = params["secret_key"], params["password_sha256"], params.get("pad")
    matches = hmac.compare_digest(hashlib.sha256(held.get(main, b"")).hexdigest(), digest.lower()) if digest else None
    keys = [key for key in (main, f"{main}{NEXT_SUFFIX}") if key in held and pad]
    return {
        "password_matches": matches,
        "secret_keys": sorted(held),
        "sealed": {key: sealed(held[key], pad, key) for key in keys},
    }


def read(reader: KubeApi, params: dict) -> dict:
    """Return the module's ``calico``."""
    served = served_versions(reader)
    groups = [group for group in CALICO_GROUPS if group in served]
    api_group = params["api_group"] if params["api_group"] in groups else None
    if params["api_group"] == "auto":
        api_group = groups[0] if groups else None
    daemonsets = reader.items("/apis/apps/v1/daemonsets?fieldSelector=metadata.name%3Dcalico-node")
    namespaces = calico_namespaces(daemonsets)
    namespace = params["namespace"]
    if namespace == "auto":
        namespace = namespaces[0] if len(namespaces) == 1 else None
    leased = params.get("lease_namespace")
    if leased == "auto":
        leased = lease_namespace(namespaces)
    managers: Managers = {}
    objects, stored = read_calico(reader, api_group, managers) if api_group else ([], {})
    curious = reader.apart()  # the push does not depend on what it reads
    installed = installation.read(curious, served, api_group)
    objects += [manifest(OPERATOR_V1, "Installation", item) for item in installed.objects]
    for item in installed.objects:
        note_managers(managers, "Installation", item)
    environment = installation.environment(daemonsets, namespace)
    known, backend, rights = NO_SECRET, None, None
    if namespace:
        access, known = read_access(reader, namespace, params, managers)
        objects += access
    if namespace and params["checks"]:
        backend, rights = read_backend(curious, namespace, daemonsets), read_rights(curious, namespace)
    return {
        "api_group": api_group,
        "api_groups": groups,
        "namespace": namespace,
        "namespaces": namespaces,
        "nodes": read_nodes(reader, managers),
        "objects": objects,
        "stored_metadata": stored,
        "installation": installed.describe(environment),
        "environment": environment,
        **known,
        "backend": backend,
        "pool_pods": read_pool_pods(curious, objects),
        "rights": rights,
        "unchecked": curious.failures,
        **({"managers": managers, "server": curious.get("/version")} if params.get("details") else {}),
        "lease": read_lease(reader, leased) if leased else None,
        "failures": reader.failures,
    }


def main(module_class: Any = AnsibleModule) -> None:
    """Run the module."""
    spec = copy.deepcopy(AUTH_ARG_SPEC)
    spec.update(
        api_group={"type": "str", "choices": ["auto", *CALICO_GROUPS], "default": "auto"},
        namespace={"type": "str", "default": "auto"},
        secret_name={"type": "str", "default": "bgp-secrets", "no_log": False},
        secret_key={"type": "str", "default": "rr-password", "no_log": False},
        role_name={"type": "str", "default": "secret-access"},
        password_sha256={"type": "str", "no_log": True},
        pad={"type": "str", "no_log": True},
        lease_namespace={"type": "str"},
        checks={"type": "bool", "default": False},
        details={"type": "bool", "default": False},
    )
    module = AnsibleK8SModule(module_class=module_class, argument_spec=spec, supports_check_mode=True)
    run_with_api(module, lambda api: {"changed": False, "calico": read(api, module.params)})


if __name__ == "__main__":
    main()
