# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease in Kubernetes: one object of the kind Lease (``coordination.k8s.io/v1``).

Kubernetes refuses to create what exists, and to replace or delete another version than the request names (409). Of several runs
that take a stale lease one succeeds. The name does not contain the cluster's, so that rights can be limited to it: a Kubernetes
cluster belongs to one cluster of this collection.

The steps are generators of requests, as those of ``apic.lease``.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Generator
from dataclasses import asdict
from typing import Any

from ..lease import HOLDS, RENEW_AFTER, Lease, Outcome, parse
from ..names import CLUSTER_LABEL, LEASE_ANNOTATION, LEASE_GROUP, LEASE_NAME, MANAGED_BY, MANAGED_BY_LABEL
from .api import KubeApi

API_VERSION = f"{LEASE_GROUP}/v1"
_MOST_ROUNDS = 8

# A request: its verb (get, create, replace, delete) and the object. The reply to get is the object or None, to the others
# whether the server accepted it.
Request = tuple[str, dict[str, Any]]
Steps = Generator[Request, Any, Outcome]


def manifest(lease: Lease, cluster: str, namespace: str, version: str = "") -> dict[str, Any]:
    """Return the object with a lease; ``version`` is the one that it replaces."""
    metadata: dict[str, Any] = {
        "name": LEASE_NAME,
        "namespace": namespace,
        "labels": {MANAGED_BY_LABEL: MANAGED_BY, CLUSTER_LABEL: cluster},
        "annotations": {LEASE_ANNOTATION: lease.text()},
    }
    if version:
        metadata["resourceVersion"] = version
    spec = {
        "holderIdentity": f"{lease.holder} {lease.run}",
        "leaseDurationSeconds": lease.seconds,
        "acquireTime": _micro(lease.since),
        "renewTime": _micro(lease.renewed),
    }
    return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}


def _micro(stamp: str) -> str:
    return stamp.replace("Z", ".000000Z")


def held(obj: dict[str, Any]) -> Lease:
    """Return the lease in an object."""
    return parse((obj["metadata"].get("annotations") or {}).get(LEASE_ANNOTATION, ""))


def read_lease(api: KubeApi, namespace: str) -> dict[str, Any] | None:
    """Return the content of the lease, None if there is none."""
    found = api.get(f"/apis/{API_VERSION}/namespaces/{namespace}/leases/{LEASE_NAME}")
    return asdict(held(found)) if found else None


def acquire(cluster: str, namespace: str, mine: Lease, take: Collection[str] = ()) -> Steps:
    """Take the lease if it is free or held by one of the runs in ``take``."""
    holder: Lease | None = None
    for _round in range(_MOST_ROUNDS):
        if (yield "create", manifest(mine, cluster, namespace)):
            return Outcome(True, mine)
        found = yield "get", {}
        if found is None:
            continue
        holder = held(found)
        if holder.run == mine.run:
            return Outcome(True, mine)
        if holder.run not in take:
            break
        if (yield "replace", manifest(mine, cluster, namespace, found["metadata"]["resourceVersion"])):
            return Outcome(True, mine)
    return Outcome(False, holder)


def renew(cluster: str, namespace: str, run: str, doing: str, seconds: int, now: float) -> Steps:
    """Check that the run still holds the lease, and renew it unless that was done a moment ago."""
    lease = None
    for _round in range(_MOST_ROUNDS):
        found = yield "get", {}
        lease = held(found) if found else None
        if lease is None or lease.run != run:
            break
        if lease.age(now) < RENEW_AFTER and lease.seconds >= seconds:
            return Outcome(True, lease)
        lease = lease.renewal(doing, seconds, now)
        if (yield "replace", manifest(lease, cluster, namespace, found["metadata"]["resourceVersion"])):
            return Outcome(True, lease)
    return Outcome(False, lease)


def release(run: str) -> Steps:
    """Remove the lease if the run holds it."""
    for _round in range(_MOST_ROUNDS):
        found = yield "get", {}
        if found is None or held(found).run != run:
            break
        if (yield "delete", found):
            break
    return Outcome(False)


class KubeLease:
    """The lease of a cluster in its Kubernetes."""

    def __init__(self, api: KubeApi, cluster: str, namespace: str) -> None:
        self._api = api
        self._cluster = cluster
        self._namespace = namespace
        self._collection = f"/apis/{API_VERSION}/namespaces/{namespace}/leases"

    def acquire(self, mine: Lease, take: Collection[str]) -> Outcome:
        """Take the lease; see ``acquire``."""
        return self._drive(acquire(self._cluster, self._namespace, mine, take))

    def renew(self, run: str, doing: str, seconds: int = HOLDS) -> Outcome:
        """Check and renew the lease; see ``renew``."""
        return self._drive(renew(self._cluster, self._namespace, run, doing, seconds, time.time()))

    def release(self, run: str) -> Outcome:
        """Remove the lease; see ``release``."""
        return self._drive(release(run))

    def _drive(self, steps: Steps) -> Outcome:
        reply: Any = None
        while not self._api.failures:
            try:
                verb, obj = steps.send(reply)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            reply = self._send(verb, obj)
        return Outcome(False)

    def _send(self, verb: str, obj: dict[str, Any]) -> Any:
        path = f"{self._collection}/{LEASE_NAME}"
        if verb == "get":
            return self._api.get(path)
        if verb == "create":
            return self._api.create(self._collection, obj)
        if verb == "replace":
            return self._api.replace(path, obj)
        return self._api.delete(path, obj["metadata"]["resourceVersion"])
