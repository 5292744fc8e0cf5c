"""The common interface of the lab's Kubernetes API servers, embedded and real: address, kubeconfig and objects.

Objects are written and read through the API, so that callers can use either server.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from lab.files import write_private

CALICO_V1 = "crd.projectcalico.org/v1"
CALICO_V3 = "projectcalico.org/v3"
DEFAULT_NAMESPACE = "kube-system"
#: The API version and the namespace of each way to install Calico: v1 by manifests, v3 by its operator.
INSTALLATIONS = {"v1": (CALICO_V1, DEFAULT_NAMESPACE), "v3": (CALICO_V3, "calico-system")}
MERGE_PATCH = "application/merge-patch+json"
USER = "lab-admin"


class ApiFailure(Exception):
    """An error answer of the server: HTTP status and body."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status}: {body.get('message', body)}")
        self.status = status
        self.body = body


class KubeApi:
    """Access to one API server. Subclasses run the server and set the four attributes."""

    url: str
    token: str
    ca_file: Path
    kubeconfig: Path

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> dict[str, Any]:
        """Send one request and return the answer; raise ``ApiFailure`` for an error answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", "Content-Type": content_type}
        payload = None if body is None else json.dumps(body)
        try:
            status, answer = self._exchange(method, path, payload, headers)
        except (http.client.RemoteDisconnected, ConnectionError):
            # A server drops idle connections after a while; the second attempt opens a new one.
            status, answer = self._exchange(method, path, payload, headers)
        if status >= 300:
            raise ApiFailure(status, answer)
        return answer

    def _exchange(self, method: str, path: str, payload: str | None, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        try:
            self._connection.request(method, path, payload, headers)
            response = self._connection.getresponse()
            return response.status, _document(response.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request opens it again
            raise

    def objects(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return every object in its current state, or only those of one kind."""
        found = []
        for api_version in self._versions():
            for resource in self._resources(api_version).values():
                if kind in (None, resource["kind"]) and "list" in resource["verbs"]:
                    items = self.request("GET", f"{_root(api_version)}/{resource['name']}")["items"]
                    # Items of a built-in list do not repeat its version and kind.
                    found += [{**item, "apiVersion": api_version, "kind": resource["kind"]} for item in items]
        return found

    def apply(self, objects: Iterable[dict[str, Any]]) -> None:
        """Create missing objects with their status; leave existing ones unchanged."""
        for obj in objects:
            path = self.path(obj)
            try:
                self.request("POST", path.rpartition("/")[0], obj)
            except ApiFailure as failure:
                if failure.status != 409:
                    raise
                continue
            if "status" in obj:
                # Kinds with a status subresource lose it on creation.
                with suppress(ApiFailure):
                    self.request("PATCH", f"{path}/status", {"status": obj["status"]}, MERGE_PATCH)

    def path(self, obj: dict[str, Any]) -> str:
        """Return the path of an object; raise ``KeyError`` if its kind is not served."""
        api_version, metadata = obj["apiVersion"], obj["metadata"]
        resource = self._resources(api_version)[obj["kind"]]
        namespace = f"/namespaces/{metadata.get('namespace', 'default')}" if resource["namespaced"] else ""
        return f"{_root(api_version)}{namespace}/{resource['name']}/{metadata['name']}"

    def close(self) -> None:
        self._connection.close()

    @cached_property
    def _connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        return http.client.HTTPSConnection(urlsplit(self.url).netloc, context=context, timeout=30)

    def _versions(self) -> list[str]:
        groups = self.request("GET", "/apis")["groups"]
        return ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]

    def _resources(self, api_version: str) -> dict[str, dict[str, Any]]:
        """Return the resources of one version by kind, without subresources. Discovery is read once: it does not change."""
        known = self.__dict__.setdefault("_discovered", {})
        if api_version not in known:
            resources = self.request("GET", _root(api_version))["resources"]
            known[api_version] = {resource["kind"]: resource for resource in resources if "/" not in resource["name"]}
        return known[api_version]


class ClusterServer(KubeApi):
    """A server that starts with a cluster in it; a context manager.

    :param nodes: names or ``{name, addresses}``.
    :param state_dir: keeps the objects; without it they end with the server.
    :param api_groups: the versions that Calico serves.
    :param namespace: the one that calico-node runs in.
    :param objects: manifests in addition to the default installation.
    :param seeded: False leaves out the default installation.
    :param service_subnets: the addresses that a real server gives services, one subnet for each family.
    :param version: Calico's release, by default the newest.
    :param operator: whether the Tigera operator's kinds are served.
    :param aggregated: whether v3 is the aggregated API server's view of v1 objects (embedded server only).
    :param assets: the folder with a real server's programs, by default that of ``find_assets``.
    """

    def __init__(
        self,
        nodes: Iterable[str | dict[str, Any]] = (),
        state_dir: Path | None = None,
        api_groups: tuple[str, ...] = (CALICO_V1,),
        namespace: str = DEFAULT_NAMESPACE,
        pod_subnets: Iterable[str] = ("10.1.0.0/16",),
        objects: Iterable[dict[str, Any]] = (),
        seeded: bool = True,
        port: int = 0,
        kubeconfig: Path | None = None,
        *,
        service_subnets: Iterable[str] = ("10.96.0.0/16",),
        assets: Path | None = None,
        version: str = "",
        operator: bool = False,
        aggregated: bool = False,
    ) -> None:
        self._state_dir, self._port, self._kubeconfig = state_dir, port, kubeconfig
        self._api_groups, self._namespace = api_groups, namespace
        self._seed = cluster_objects(nodes, pod_subnets, namespace, api_groups[0]) if seeded and api_groups else []
        self._seed += objects
        self._service_subnets, self._assets = tuple(service_subnets), assets
        self._release, self._operator, self._aggregated = version, operator, aggregated


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {"message": content.decode(errors="replace")}
    return document if isinstance(document, dict) else {"message": document}


def write_kubeconfig(path: Path, url: str, ca_pem: bytes, token: str, context: str = "lab") -> None:
    """Write a kubeconfig for the owner of a token. Only the file's owner may read it."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": context, "cluster": {"server": url, "certificate-authority-data": base64.b64encode(ca_pem).decode()}}
        ],
        "users": [{"name": USER, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": USER}}],
        "current-context": context,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    write_private(draft, yaml.safe_dump(config, sort_keys=False))
    draft.replace(path)


def cluster_objects(
    nodes: Iterable[str | dict[str, Any]],
    pod_subnets: Iterable[str] = ("10.1.0.0/16",),
    namespace: str = DEFAULT_NAMESPACE,
    calico_group: str = CALICO_V1,
) -> list[dict[str, Any]]:
    """Return the objects of a cluster after Kubernetes and Calico were installed with their defaults.

    A node is a name or ``{name, addresses}``; addresses are prefixes such as ``192.168.2.1/24``, one for each family.
    """
    namespaces = dict.fromkeys(("default", DEFAULT_NAMESPACE, namespace))
    return [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces),
        *(_node(node if isinstance(node, dict) else {"name": node}) for node in nodes),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "calico-node", "namespace": namespace}},
        *_calico_node(namespace),
        *(_default_pool(subnet, calico_group) for subnet in pod_subnets),
    ]


def _node(node: dict[str, Any]) -> dict[str, Any]:
    """Return a node as kubelet registers it, with the addresses that calico-node detected."""
    metadata: dict[str, Any] = {
        "name": node["name"],
        "labels": {"kubernetes.io/hostname": node["name"], "kubernetes.io/os": "linux"},
    }
    addresses = node.get("addresses", [])
    if addresses:
        family = {False: "IPv4", True: "IPv6"}
        metadata["annotations"] = {f"projectcalico.org/{family[':' in item]}Address": item for item in addresses}
    status = [{"type": "InternalIP", "address": item.partition("/")[0]} for item in addresses]
    status.append({"type": "Hostname", "address": node["name"]})
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"addresses": status}}


def _calico_node(namespace: str) -> list[dict[str, Any]]:
    """Return calico-node: Calico's manifest in kube-system names its backend in a ConfigMap, the operator in the DaemonSet."""
    labels = {"k8s-app": "calico-node"}
    config = {"name": "calico-config", "namespace": namespace}
    stock = namespace == DEFAULT_NAMESPACE
    source = {"valueFrom": {"configMapKeyRef": {"name": config["name"], "key": "calico_backend"}}} if stock else {"value": "bird"}
    backend = {"name": "CALICO_NETWORKING_BACKEND", **source}
    environment = [backend, {"name": "IP", "value": "autodetect"}]
    container = {"name": "calico-node", "image": "docker.io/calico/node:v3.32.2", "env": environment}
    daemonset = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "calico-node", "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": "calico-node", "containers": [container]},
            },
        },
    }
    configmap = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": config, "data": {"calico_backend": "bird"}}
    return [configmap, daemonset] if stock else [daemonset]


def _default_pool(subnet: str, calico_group: str) -> dict[str, Any]:
    ipv6 = ":" in subnet
    return {
        "apiVersion": calico_group,
        "kind": "IPPool",
        "metadata": {"name": f"default-ipv{6 if ipv6 else 4}-ippool"},
        "spec": {
            "cidr": subnet,
            "blockSize": 122 if ipv6 else 26,
            "ipipMode": "Never" if ipv6 else "Always",
            "vxlanMode": "Never",
            "natOutgoing": not ipv6,
            "nodeSelector": "all()",
        },
    }
