"""What the module reads, chooses and keeps to itself."""

from __future__ import annotations

import base64
import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import api_exception

from ansible_collections.netops.aci_calico.plugins.module_utils.names import CALICO_GROUPS
from ansible_collections.netops.aci_calico.plugins.modules import calico_info

V3, V1 = CALICO_GROUPS
PARAMS = {
    "api_group": "auto",
    "namespace": "auto",
    "secret_name": "bgp-secrets",
    "secret_key": "rr-password",
    "role_name": "secret-access",
    "password_sha256": None,
    "checks": False,
}
SECRETS = "/api/v1/namespaces/kube-system/secrets/bgp-secrets"


class Api:
    """An API server of a few answers; everything else is 404."""

    def __init__(self, groups: tuple[str, ...] = (V1,), namespaces: tuple[str, ...] = ("kube-system",)) -> None:
        self.answers: dict[str, Any] = {
            "/apis": {"groups": [{"versions": [{"groupVersion": group}]} for group in groups]},
            "/apis/apps/v1/daemonsets?fieldSelector=metadata.name%3Dcalico-node": {
                "items": [{"metadata": {"name": "calico-node", "namespace": name}} for name in namespaces]
            },
        }
        self.asked: list[str] = []

    def request(self, method: str, path: str, serialize: bool, body: Any = None) -> SimpleNamespace:
        assert (method, serialize) == ("post" if body else "get", False)
        self.asked.append(path)
        answer = self.answers.get(path, 404)
        if isinstance(answer, int):
            error = ApiException(status=answer, reason="no")
            error.body = json.dumps({"message": f"refused with {answer}"})
            raise api_exception(error)
        return SimpleNamespace(data=json.dumps(answer).encode())


def read(api: Api, **params: Any) -> dict:
    return calico_info.read(api, {**PARAMS, **params})


@pytest.mark.parametrize(
    ("served", "asked", "chosen"),
    [((V1,), "auto", V1), ((V1, V3), "auto", V3), ((V1, V3), V1, V1), ((V1,), V3, None), ((), "auto", None)],
)
def test_api_group(served, asked, chosen):
    found = read(Api(served), api_group=asked)
    assert found["api_group"] == chosen
    assert sorted(found["api_groups"]) == sorted(served)


@pytest.mark.parametrize(
    ("namespaces", "asked", "chosen"),
    [
        (("calico-system",), "auto", "calico-system"),
        ((), "auto", None),
        (("calico-system", "kube-system"), "auto", None),
        ((), "elsewhere", "elsewhere"),
    ],
)
def test_namespace(namespaces, asked, chosen):
    found = read(Api(namespaces=namespaces), namespace=asked)
    assert (found["namespace"], found["namespaces"]) == (chosen, list(namespaces))


def test_nodes_come_with_what_concerns_calico():
    api = Api()
    annotations = {"projectcalico.org/ASNumber": "65003", "kubeadm/cri-socket": "x"}
    node = {"metadata": {"name": "node-1", "labels": {"rack_id": "1"}, "annotations": annotations, "uid": "u"}}
    node["status"] = {"addresses": [{"type": "InternalIP", "address": "192.168.2.1"}, {"type": "Hostname", "address": "node-1"}]}
    api.answers["/api/v1/nodes"] = {"items": [node, {"metadata": {"name": "node-2"}}]}
    assert read(api)["nodes"] == {
        "node-1": {
            "labels": {"rack_id": "1"},
            "annotations": {"projectcalico.org/ASNumber": "65003"},
            "addresses": ["192.168.2.1"],
        },
        "node-2": {"labels": {}, "annotations": {}, "addresses": []},
    }


def test_objects_are_manifests():
    """As they would be applied: nothing that the server added."""
    api = Api()
    peer = {"metadata": {"name": "p", "uid": "u", "resourceVersion": "7"}, "spec": {"peerIP": "192.0.2.1"}, "status": {}}
    api.answers[f"/apis/{V1}/bgppeers"] = {"items": [peer]}
    assert read(api)["objects"] == [
        {"apiVersion": V1, "kind": "BGPPeer", "metadata": {"name": "p"}, "spec": {"peerIP": "192.0.2.1"}}
    ]


def secret(value: str, annotations: dict | None = None) -> dict:
    data = {"rr-password": base64.b64encode(value.encode()).decode()}
    return {"metadata": {"name": "bgp-secrets", "annotations": annotations or {}}, "type": "Opaque", "data": data}


@pytest.mark.parametrize(
    ("held", "given", "matches"),
    [("one", "one", True), ("one", "two", False), ("", "two", False), ("one", None, None), (None, "one", None)],
)
def test_the_password_is_compared_and_not_returned(held, given, matches):
    api = Api()
    if held is not None:
        applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(secret(held))}
        api.answers[SECRETS] = secret(held, applied)
    found = read(api, password_sha256=hashlib.sha256(given.encode()).hexdigest() if given else None)
    assert found["password_matches"] is matches
    assert "rr-password" not in json.dumps(found["objects"])
    assert (len(found["objects"]) == 1) == (held is not None)


def test_another_key_of_the_secret_is_no_match():
    api = Api()
    api.answers[SECRETS] = secret("one")
    digest = hashlib.sha256(b"one").hexdigest()
    assert read(api, secret_key="other", password_sha256=digest)["password_matches"] is False


@pytest.mark.parametrize("status", [401, 403, 503])
def test_what_cannot_be_read_is_told_and_the_rest_read(status):
    api = Api()
    api.answers[f"/apis/{V1}/ippools"] = status
    api.answers[f"/apis/{V1}/bgppeers"] = {"items": [{"metadata": {"name": "p"}}]}
    found = read(api)
    assert found["failures"] == [{"path": f"/apis/{V1}/ippools", "status": status, "message": f"refused with {status}"}]
    assert [item["metadata"]["name"] for item in found["objects"]] == ["p"]


def test_the_number_of_requests_does_not_grow_with_the_cluster():
    api = Api()
    api.answers["/api/v1/nodes"] = {"items": [{"metadata": {"name": f"node-{number}"}} for number in range(200)]}
    read(api)
    assert len(api.asked) == len(set(api.asked)) == 10


REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
DAEMONSETS = "/apis/apps/v1/daemonsets?fieldSelector=metadata.name%3Dcalico-node"


def _with_backend(api: Api, **entry: Any) -> Api:
    container = {"name": "calico-node", "env": [{"name": "CALICO_NETWORKING_BACKEND", **entry}]}
    api.answers[DAEMONSETS]["items"][0]["spec"] = {"template": {"spec": {"containers": [container]}}}
    return api


def test_nobody_is_asked_for_rights_unless_it_is_wanted() -> None:
    api = Api()
    found = read(api)
    assert REVIEW not in api.asked
    assert (found["backend"], found["rights"]) == (None, None)


def test_the_backend_is_in_the_environment_or_where_it_points() -> None:
    assert read(_with_backend(Api(), value="vxlan"), checks=True)["backend"] == "vxlan"
    api = _with_backend(Api(), valueFrom={"configMapKeyRef": {"name": "calico-config", "key": "calico_backend"}})
    assert read(api, checks=True)["backend"] is None
    api.answers["/api/v1/namespaces/kube-system/configmaps/calico-config"] = {"data": {"calico_backend": "bird"}}
    assert read(api, checks=True)["backend"] == "bird"


@pytest.mark.parametrize(
    ("answer", "rights"),
    [
        ({"status": {"resourceRules": [{"verbs": ["*"]}], "incomplete": False}}, [{"verbs": ["*"]}]),
        ({"status": {"resourceRules": [{"verbs": ["*"]}], "incomplete": True}}, None),
        (404, None),
        (403, None),
        (500, None),
    ],
)
def test_rights_are_known_whole_or_not_at_all(answer: Any, rights: Any) -> None:
    api = _with_backend(Api(), value="bird")
    api.answers[REVIEW] = answer
    found = read(api, checks=True)
    assert found["rights"] == rights
    assert found["failures"] == []
