"""The Kubernetes API as the twin's source and sink: plain REST with the access of a kubeconfig."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

import requests
import yaml

from lab.twin.calico import Object
from lab.twin.model import TwinError

TIMEOUT = 30
CALICO_GROUPS = ("projectcalico.org/v3", "crd.projectcalico.org/v1")
CALICO_KINDS = {
    "BGPConfiguration": "bgpconfigurations",
    "BGPFilter": "bgpfilters",
    "BGPPeer": "bgppeers",
    "BlockAffinity": "blockaffinities",
    "IPPool": "ippools",
}
NODE_STATUS = "caliconodestatuses"
# The collections of a cluster's state; of several paths, the first that is served is read.
COLLECTIONS: dict[str, tuple[str, ...]] = {
    "Node": ("/api/v1/nodes",),
    "Service": ("/api/v1/services",),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1/endpointslices", "/apis/discovery.k8s.io/v1beta1/endpointslices"),
    "ServiceAccount": ("/api/v1/serviceaccounts",),
    "Secret": ("/api/v1/secrets",),
    "Role": ("/apis/rbac.authorization.k8s.io/v1/roles",),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1/rolebindings",),
}


def clients(kubeconfigs: list[Path]) -> list[KubernetesClient]:
    """Return access to several clusters with different names.

    If the kubeconfigs call two clusters alike, as installers do (``kubernetes``, here ``lab``), the files' names are
    used.

    :raises TwinError: when these are alike, too.
    """
    found = [KubernetesClient(path) for path in kubeconfigs]
    if len({client.name for client in found}) < len(found):
        for client, path in zip(found, kubeconfigs, strict=True):
            client.name = path.stem
    names = [client.name for client in found]
    for name in names:
        if names.count(name) > 1:
            raise TwinError(f"two clusters would be called {name}: give the kubeconfigs the names of the clusters")
    return found


class KubernetesClient:
    """Access to the cluster of a kubeconfig's current context, by token, client certificate or neither."""

    def __init__(self, kubeconfig: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        context = _entry(document, "contexts", document["current-context"])["context"]
        cluster = _entry(document, "clusters", context["cluster"])["cluster"]
        user = _entry(document, "users", context["user"])["user"]
        self.name = context["cluster"]
        self._url = cluster["server"].rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._files: list[Any] = []
        insecure = cluster.get("insecure-skip-tls-verify")
        self._session.verify = False if insecure else self._file(cluster, "certificate-authority", kubeconfig) or True
        certificate = self._file(user, "client-certificate", kubeconfig)
        if certificate:
            self._session.cert = (certificate, self._file(user, "client-key", kubeconfig))
        if user.get("token"):
            self._session.headers["Authorization"] = f"Bearer {user['token']}"

    def read(self) -> dict[str, list[Object]]:
        """Return every object that the twin uses, by kind. Objects of v3 replace those of the same name in v1."""
        objects: dict[str, list[Object]] = {kind: self._first(paths) for kind, paths in COLLECTIONS.items()}
        for kind, plural in CALICO_KINDS.items():
            found: dict[str, Object] = {}
            for group in reversed(CALICO_GROUPS):
                found |= {item["metadata"]["name"]: item for item in self._list(f"/apis/{group}/{plural}") or ()}
            objects[kind] = list(found.values())
        return objects

    def node_statuses(self) -> dict[str, Object]:
        """Return each existing CalicoNodeStatus by its path."""
        statuses: dict[str, Object] = {}
        for group in CALICO_GROUPS:
            collection = f"/apis/{group}/{NODE_STATUS}"
            for item in self._list(collection) or ():
                statuses[f"{collection}/{item['metadata']['name']}"] = item
        return statuses

    def write_status(self, path: str, item: Object, status: dict[str, Any]) -> None:
        """Write an object's status, through the subresource if the kind has one."""
        body = {**item, "status": status}
        for target in (f"{path}/status", path):
            answer = self._session.put(self._url + target, json=body, timeout=TIMEOUT)
            if answer.status_code != 404:
                break
        if answer.status_code != 409:  # another client was faster; the next attempt follows soon
            answer.raise_for_status()

    def claim_block(self, node: str, block: str) -> None:
        """Give a node a block, as Calico's IPAM does."""
        name = f"{node}-{block.replace('.', '-').replace(':', '-').replace('/', '-')}"
        for group in CALICO_GROUPS:
            deleted: bool | str = False if group.endswith("/v3") else "false"
            spec = {"node": node, "cidr": block, "state": "confirmed", "deleted": deleted}
            metadata = {"name": name}
            body: Object = {"apiVersion": group, "kind": "BlockAffinity", "metadata": metadata, "spec": spec}
            answer = self._session.post(f"{self._url}/apis/{group}/{CALICO_KINDS['BlockAffinity']}", json=body, timeout=TIMEOUT)
            if answer.status_code != 404:
                if answer.status_code != 409:
                    answer.raise_for_status()
                return

    def _first(self, paths: tuple[str, ...]) -> list[Object]:
        for path in paths:
            items = self._list(path)
            if items is not None:
                return items
        return []

    def _list(self, path: str) -> list[Object] | None:
        """Return a collection's objects, or None if the server has no such collection."""
        answer = self._session.get(self._url + path, timeout=TIMEOUT)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return list(answer.json().get("items") or ())

    def _file(self, section: dict[str, Any], key: str, kubeconfig: Path) -> str:
        """Return a file with a certificate or key. Inline data goes to an unnamed file that only this process can open."""
        if inline := section.get(f"{key}-data"):
            file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the client
            file.write(base64.b64decode(inline))
            file.flush()
            self._files.append(file)
            return f"/proc/self/fd/{file.fileno()}"
        path = section.get(key)
        return str(kubeconfig.parent / path) if path else ""


def _entry(document: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return next(entry for entry in document[kind] if entry["name"] == name)
