# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to the Kubernetes API by path, over the client that kubernetes.core creates."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

try:
    from kubernetes.dynamic.exceptions import DynamicApiError
except ImportError:  # AnsibleK8SModule reports it
    DynamicApiError = Exception


class KubeApi:
    """Sends requests by path, and records those that the API server refuses.

    :param client: a ``kubernetes.dynamic.DynamicClient``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.failures: list[dict[str, Any]] = []

    def get(self, path: str) -> dict[str, Any] | None:
        """Return the object or list at a path, or None if there is none or it cannot be read."""
        return self._call("get", path, (404,))

    def items(self, path: str) -> list[dict[str, Any]]:
        """Return the items of the list at a path, none if there is no list."""
        return (self.get(path) or {}).get("items") or []

    def first(self, paths: Iterable[str]) -> list[dict[str, Any]] | None:
        """Return the items of the first list that is served, or None if none is."""
        for path in paths:
            found = self.get(path)
            if found is not None:
                return found.get("items") or []
        return None

    def create(self, path: str, body: dict[str, Any]) -> bool:
        """Create an object in a collection and return whether it was created. An existing object is not a failure."""
        return self._call("post", path, (404, 409), body=body) is not None

    def review(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Create a review and return its ``status``, or None if the API server does not answer it. An unknown one is no failure."""
        return (self._call("post", path, (404, 405), body=body) or {}).get("status")

    def replace(self, path: str, body: dict[str, Any]) -> bool:
        """Replace the version of an object that ``body`` names, and return whether it was still that version."""
        return self._call("put", path, (404, 409), body=body) is not None

    def delete(self, path: str, version: str = "") -> bool:
        """Delete an object if it exists, and still has that version if one is given; return whether it was deleted."""
        if not version:
            return self._call("delete", path, (404,)) is not None
        return self._call("delete", path, (404, 409), body={"preconditions": {"resourceVersion": version}}) is not None

    def _call(self, method: str, path: str, expected: tuple[int, ...], **body: Any) -> dict[str, Any] | None:
        """Return the answer, or None if the API server refuses. Expected statuses are not failures."""
        try:
            return json.loads(self._client.request(method, path, serialize=False, **body).data)
        except DynamicApiError as error:
            if error.status not in expected:
                self.failures.append({"path": path, "status": error.status, "message": message_of(error.body)})
            return None


def message_of(body: str | bytes) -> str:
    """Return the API server's message in an error."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text
