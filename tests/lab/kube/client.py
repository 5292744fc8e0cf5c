"""A Kubernetes client that is small enough to see through: one request, one answer, nothing hidden."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

APPLY_PATCH = "application/apply-patch+yaml"
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"

#: Kinds that come and go by themselves, and answers that are no objects.
NOT_OBJECTS = ("Binding", "ComponentStatus", "Event", "Lease")


@dataclass(frozen=True)
class Answer:
    """What the server said: the HTTP status and the JSON document."""

    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        return self.status < 300


class KubeError(Exception):
    """The server refused what it had to accept; the message names the request and the answer."""


class KubeClient:
    """Requests to one API server as one user."""

    def __init__(self, url: str, ca: str, token: str, timeout: float = 30) -> None:
        """``ca`` is the PEM text of the authority that signed the server's certificate; ``timeout`` in seconds."""
        self._address = urlsplit(url)
        self._context = ssl.create_default_context(cadata=ca)
        self._token = token
        self._timeout = timeout
        self._known: dict[str, dict[str, dict[str, Any]]] = {}

    @classmethod
    def from_kubeconfig(cls, path: Path) -> KubeClient:
        """The client of a kubeconfig's current context, with the authority inline or in a file, and a token."""
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
        return cls(cluster["server"], _authority(cluster, path.parent), user["token"])

    def request(self, method: str, path: str, body: Any = None, content_type: str = JSON) -> Answer:
        """Send one request. An answer that is an error is returned too; ``OSError`` means that there was none."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": JSON, "Content-Type": content_type}
        connection = http.client.HTTPSConnection(
            self._address.hostname or "", self._address.port, context=self._context, timeout=self._timeout
        )
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return Answer(response.status, _document(response.read()))
        finally:
            connection.close()

    def path(self, manifest: dict[str, Any], *, collection: bool = False) -> str:
        """The path of an object, or of the collection that it is created in. ``KubeError`` when nobody serves its kind."""
        api_version, kind = manifest["apiVersion"], manifest["kind"]
        resource = self._resource(api_version, kind)
        metadata = manifest["metadata"]
        namespace = f"/namespaces/{metadata.get('namespace', 'default')}" if resource["namespaced"] else ""
        name = "" if collection else f"/{metadata['name']}"
        return f"{_root(api_version)}{namespace}/{resource['name']}{name}"

    def resources(self, api_version: str) -> dict[str, dict[str, Any]]:
        """The resources that the server has in a version now, by kind, subresources left out."""
        answer = self.request("GET", _root(api_version))
        found = answer.body.get("resources", []) if answer.ok else []
        return {resource["kind"]: resource for resource in found if "/" not in resource["name"]}

    def _resource(self, api_version: str, kind: str) -> dict[str, Any]:
        if kind not in self._known.get(api_version, {}):
            self._known[api_version] = self.resources(api_version)
        try:
            return self._known[api_version][kind]
        except KeyError:
            raise KubeError(f"{kind} of {api_version} is not served") from None

    def ensure(self, manifest: dict[str, Any]) -> None:
        """Create an object that is not there; one that is there stays as it is. The status is written as well."""
        answer = self.request("POST", self.path(manifest, collection=True), manifest)
        if answer.status == http.HTTPStatus.CONFLICT:
            return
        if not answer.ok:
            raise KubeError(f"{manifest['kind']} {manifest['metadata']['name']}: {answer.status} {answer.body}")
        if "status" in manifest:
            # Kinds with a status subresource lose it on creation; for those without, this finds nothing to do.
            self.request("PATCH", f"{self.path(manifest)}/status", {"status": manifest["status"]}, MERGE_PATCH)

    def objects(self) -> Iterator[dict[str, Any]]:
        """Every object that the server holds, of every kind in its preferred version, each with apiVersion and kind."""
        groups = self.request("GET", "/apis").body.get("groups", [])
        for api_version in ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]:
            for kind, resource in self.resources(api_version).items():
                if "list" in resource["verbs"] and kind not in NOT_OBJECTS:
                    listing = self.request("GET", f"{_root(api_version)}/{resource['name']}")
                    for item in listing.body.get("items", []) if listing.ok else []:
                        yield {**item, "apiVersion": api_version, "kind": kind}


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")}
    return document if isinstance(document, dict) else {"message": document}


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _authority(cluster: dict[str, Any], folder: Path) -> str:
    if "certificate-authority" in cluster:
        return (folder / cluster["certificate-authority"]).read_text(encoding="utf-8")
    return base64.b64decode(cluster["certificate-authority-data"]).decode()
