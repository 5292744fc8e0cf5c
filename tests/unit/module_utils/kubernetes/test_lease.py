"""The lease in Kubernetes: one holder in each order of requests, and nothing left behind."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import api_exception
from unit.module_utils.leasing import Client, every_order

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeApi
from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.lease import acquire, held, release, renew
from ansible_collections.netops.aci_calico.plugins.module_utils.lease import Lease, stamp
from ansible_collections.netops.aci_calico.plugins.modules import calico_lease

NOW = 1_800_000_000.0
WHERE = ("prod1", "kube-system")
COLLECTION = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
DAEMONSETS = "/apis/apps/v1/daemonsets?fieldSelector=metadata.name%3Dcalico-node"


def lease(run: str) -> Lease:
    return Lease(run, f"{run}@host", renewed=stamp(NOW))


class Server:
    """An API server with one Lease, whose version counts the writes."""

    def __init__(self) -> None:
        self.object: Any = None
        self.version = 0

    def handle(self, request: tuple[str, Any]) -> Any:
        verb, obj = request
        if verb == "get":
            return copy.deepcopy(self.object)
        if verb == "create":
            return self.object is None and self._write(obj)
        if self.object is None or obj["metadata"]["resourceVersion"] != self.object["metadata"]["resourceVersion"]:
            return False
        return self._write(obj if verb == "replace" else None)

    def _write(self, obj: Any) -> bool:
        self.version += 1
        self.object = obj and copy.deepcopy(obj)
        if obj:
            self.object["metadata"]["resourceVersion"] = str(self.version)
        return True

    def play(self, steps: Any) -> Any:
        client = Client(steps)
        while not client.ended:
            client.advance(self)
        return client.outcome


@pytest.mark.parametrize(("stale", "runs"), [(False, "abc"), (True, "ab")])
def test_one_of_several_runs_gets_the_lease(stale: bool, runs: str) -> None:
    start = Server()
    if stale:
        start.play(acquire(*WHERE, lease("dead")))
    for server, clients, order in every_order(start, lambda: [acquire(*WHERE, lease(run), ["dead"]) for run in runs]):
        (winner,) = [run for run, client in zip(runs, clients, strict=True) if client.outcome[0]]
        assert held(server.object).run == winner, order
        assert {client.outcome[1].run for client in clients} == {winner}


def test_the_run_that_was_taken_over_notices_and_removes_nothing() -> None:
    start = Server()
    start.play(acquire(*WHERE, lease("a")))

    def clients() -> list[Any]:
        return [acquire(*WHERE, lease("b"), ["a"]), renew(*WHERE, "a", "write", 400, NOW + 60)]

    for server, (taker, _renewal), order in every_order(start, clients):
        server.play(release("a"))
        assert taker.outcome[0], order
        assert held(server.object).run == "b"
        assert server.play(renew(*WHERE, "a", "write", 180, NOW)) == (False, held(server.object))


def test_a_renewal_is_written_when_it_says_something_new() -> None:
    server = Server()
    server.play(acquire(*WHERE, lease("a")))
    server.play(renew(*WHERE, "a", "wait", 180, NOW + 5))
    assert server.version == 1
    server.play(renew(*WHERE, "a", "wait", 300, NOW + 5))
    assert (held(server.object).doing, server.object["spec"]["leaseDurationSeconds"]) == ("wait", 300)


class Http:
    """The server by its paths."""

    def __init__(self, namespaces: list[str], refused: int = 0) -> None:
        self.server, self.refused = Server(), refused
        self.daemonsets = [{"metadata": {"namespace": namespace}} for namespace in namespaces]
        self.paths: list[str] = []

    def request(self, method: str, path: str, serialize: bool, body: Any = None) -> SimpleNamespace:
        self.paths.append(path)
        if path == DAEMONSETS:
            return SimpleNamespace(data=json.dumps({"items": self.daemonsets}))
        if self.refused:
            self._refuse(self.refused)
        verb = {"get": "get", "post": "create", "put": "replace", "delete": "delete"}[method]
        obj = {"metadata": body["preconditions"]} if verb == "delete" else body
        reply = self.server.handle((verb, obj))
        if not reply:
            self._refuse(404 if verb == "get" else 409)
        return SimpleNamespace(data=json.dumps(reply if verb == "get" else {}))

    def _refuse(self, status: int) -> None:
        error = ApiException(status=status, reason="no")
        error.body = json.dumps({"message": f"refused with {status}"})
        raise api_exception(error)


def change(http: Http, state: str, run: str, **more: Any) -> dict[str, Any]:
    params = {"cluster": "prod1", "namespace": "auto", "state": state, "lease": {"run": run}, "take": [], **more}
    return calico_lease.run(KubeApi(http), params)


@pytest.mark.parametrize(
    ("namespaces", "where"), [(["calico-system"], "calico-system"), ([], "kube-system"), (["a", "b"], "kube-system")]
)
def test_the_life_of_a_lease(namespaces: list[str], where: str) -> None:
    http = Http(namespaces)
    result = change(http, "acquired", "a")
    assert (result["held"], result["namespace"], result["changed"]) == (True, where, False)
    assert http.paths == [DAEMONSETS, COLLECTION.replace("kube-system", where)]
    assert change(http, "acquired", "b")["holder"]["run"] == "a"
    assert change(http, "acquired", "b", take=["a"])["held"]
    assert not change(http, "renewed", "a")["held"]
    assert change(http, "renewed", "b")["held"]
    change(http, "released", "a")
    assert http.server.object
    change(http, "released", "b", namespace=where)
    assert http.server.object is None


def test_missing_rights_are_named() -> None:
    result = change(Http([], refused=403), "acquired", "a")
    assert result["failed"]
    assert result["msg"] == f"{COLLECTION}: refused with 403"
