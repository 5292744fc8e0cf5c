# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes' API by path, on top of the client that kubernetes.core makes."""

from __future__ import annotations

import json

try:
    from kubernetes.dynamic.exceptions import DynamicApiError
except ImportError:  # AnsibleK8SModule says so
    DynamicApiError = Exception


class KubeApi:
    """Asks by path, and remembers what it may not or cannot do.

    :param client: a ``kubernetes.dynamic.DynamicClient``.
    """

    def __init__(self, client):
        self._client = client
        self.failures = []

    def get(self, path):
        """What is at a path, or None where there is nothing or it cannot be read."""
        return self._call("get", path, (404,))

    def items(self, path):
        """The items of the list at a path, none where there is no list."""
        return (self.get(path) or {}).get("items") or []

    def first(self, paths):
        """The items of the first of several lists that is served, None when none is."""
        for path in paths:
            found = self.get(path)
            if found is not None:
                return found.get("items") or []
        return None

    def create(self, path, body):
        """Create an object in a collection; whether it was. One that is there already is no failure."""
        return self._call("post", path, (404, 409), body=body) is not None

    def review(self, path, body):
        """The ``status`` of a review, which is a question in the form of an object; None where it is not answered."""
        return (self._call("post", path, (403, 404, 405), body=body) or {}).get("status")

    def delete(self, path):
        """Delete an object, if it is there."""
        self._call("delete", path, (404,))

    def _call(self, method, path, expected, **body):
        """The answer, or None where the API refuses. Statuses that are expected are no failures."""
        try:
            return json.loads(self._client.request(method, path, serialize=False, **body).data)
        except DynamicApiError as error:
            if error.status not in expected:
                self.failures.append({"path": path, "status": error.status, "message": message_of(error.body)})
            return None


def message_of(body):
    """The API server's own words in an error."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text
