"""What the module reads and asks for, and what it takes back."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import api_exception

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeApi
from ansible_collections.netops.aci_calico.plugins.module_utils.names import CALICO_GROUPS
from ansible_collections.netops.aci_calico.plugins.modules import calico_state

V3, V1 = CALICO_GROUPS
STATUSES = f"/apis/{V1}/caliconodestatuses"
PARAMS = {"api_group": V1, "nodes": ["a", "b"], "node_status": "request"}


class Api:
    """An API server of a few lists; everything else is 404."""

    def __init__(self, **refused: int) -> None:
        self.lists: dict[str, Any] = {
            "/api/v1/nodes": [{"metadata": {"name": "a"}}],
            "/api/v1/services": [],
            calico_state.SLICES[1]: [],
            f"/apis/{V1}/blockaffinities": [],
            STATUSES: [],
        }
        self.refused = refused
        self.written: list[tuple[str, str]] = []

    def request(self, method: str, path: str, serialize: bool, body: Any = None) -> SimpleNamespace:
        assert not serialize
        if method != "get":
            self.written.append((method, path))
        status = self.refused.get(method) or (method != "delete" and path not in self.lists and 404)
        if status:
            error = ApiException(status=status, reason="no")
            error.body = json.dumps({"message": f"refused with {status}"})
            raise api_exception(error)
        if method == "post":
            self.lists[path].append(body)
        if method == "delete":
            collection, __, name = path.rpartition("/")
            self.lists[collection] = [item for item in self.lists[collection] if item["metadata"]["name"] != name]
        return SimpleNamespace(data=json.dumps({"items": self.lists.get(path, [])}))


def run(api: Api, check: bool = False, **params: Any) -> dict:
    return calico_state.run(KubeApi(api), {**PARAMS, **params}, check)


def test_each_node_is_asked_once():
    api = Api()
    assert run(api)["changed"]
    assert [item["spec"]["node"] for item in api.lists[STATUSES]] == ["a", "b"]
    assert api.lists[STATUSES][0]["spec"]["classes"] == ["Agent", "BGP", "Routes"]
    assert not run(api)["changed"]
    assert len(api.written) == 2


def test_what_is_asked_is_taken_back_and_nothing_else():
    api = Api()
    api.lists[STATUSES].append({"metadata": {"name": "somebodys"}, "spec": {"node": "a"}})
    run(api)
    assert run(api, node_status="remove")["changed"]
    assert [item["metadata"]["name"] for item in api.lists[STATUSES]] == ["somebodys"]
    assert not run(api, node_status="remove")["changed"]


@pytest.mark.parametrize("node_status", ["request", "remove"])
def test_check_mode_writes_nothing(node_status):
    api = Api()
    run(api)
    api.written.clear()
    del api.lists[STATUSES][0]
    assert not run(api, check=True, node_status=node_status)["changed"]
    assert api.written == []


@pytest.mark.parametrize(("node_status", "status"), [("ignore", None), ("read", {})])
def test_reports_are_read_without_asking(node_status, status):
    api = Api()
    state = run(api, node_status=node_status)["state"]
    assert state["status"] == status
    assert api.written == []


def test_what_the_cluster_does_not_have_is_unknown():
    api = Api()
    for path in (f"/apis/{V1}/blockaffinities", calico_state.SLICES[1], STATUSES):
        del api.lists[path]
    state = run(api)["state"]
    assert (state["blocks"], state["local_services"], state["status"]) == (None, None, None)
    assert state["failures"] == []


def test_blocks_may_be_in_calicos_other_group():
    assert run(Api(), api_group=V3)["state"]["blocks"] == []


def test_a_missing_permission_is_told():
    state = run(Api(post=403))["state"]
    assert state["failures"][0] == {"path": STATUSES, "status": 403, "message": "refused with 403"}
    assert state["status"] == {}
