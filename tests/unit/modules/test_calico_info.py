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

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeApi
from ansible_collections.netops.aci_calico.plugins.module_utils.masking import unsealed
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
    return calico_info.read(KubeApi(api), {**PARAMS, **params})


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
            "unschedulable": False,
        },
        "node-2": {"labels": {}, "annotations": {}, "addresses": [], "unschedulable": False},
    }


def test_objects_are_manifests():
    """As they would be applied: nothing that the server added."""
    api = Api()
    peer = {"metadata": {"name": "p", "uid": "u", "resourceVersion": "7"}, "spec": {"peerIP": "192.0.2.1"}, "status": {}}
    api.answers[f"/apis/{V1}/bgppeers"] = {"items": [peer]}
    assert read(api)["objects"] == [
        {"apiVersion": V1, "kind": "BGPPeer", "metadata": {"name": "p"}, "spec": {"peerIP": "192.0.2.1"}}
    ]


def test_pods_are_counted_if_a_pool_is_disabled():
    api = Api()
    pools = {"old": ("10.1.0.0/16", True), "new": ("10.2.0.0/16", False)}
    items = [{"metadata": {"name": name}, "spec": {"cidr": cidr, "disabled": off}} for name, (cidr, off) in pools.items()]
    api.answers[f"/apis/{V1}/ippools"] = {"items": items}
    assert read(api)["pool_pods"] is None, "the list of pods is missing"
    statuses = [{"podIP": "10.1.0.9"}, {"podIPs": [{"ip": "10.2.0.1"}]}, {"podIP": "10.1.0.8", "phase": "Succeeded"}, {}]
    pods = [{"metadata": {}, "spec": {}, "status": status} for status in statuses]
    pods.append({"metadata": {}, "spec": {"hostNetwork": True}, "status": {"podIP": "10.1.0.7"}})
    api.answers["/api/v1/pods"] = {"items": pods}
    assert read(api)["pool_pods"] == {"old": 1, "new": 1}
    items[0]["spec"]["disabled"] = False
    assert read(api)["pool_pods"] is None


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


def test_passwords_leave_the_module_sealed():
    api = Api()
    api.answers[SECRETS] = secret("one-Password")
    api.answers[SECRETS]["data"] |= {"rr-password-next": base64.b64encode(b"two-Password").decode(), "other": "eA=="}
    assert read(api)["sealed"] == {}
    found = read(api, pad="a random text")
    assert found["secret_keys"] == ["other", "rr-password", "rr-password-next"]
    opened = {key: unsealed(text, "a random text", key) for key, text in found["sealed"].items()}
    assert opened == {"rr-password": "one-Password", "rr-password-next": "two-Password"}
    assert not [
        text for text in (b"Password", b"UGFzc3dvcm") if text in json.dumps(found).encode() or text.hex() in json.dumps(found)
    ]


def test_another_key_of_the_secret_is_no_match():
    api = Api()
    api.answers[SECRETS] = secret("one")
    digest = hashlib.sha256(b"one").hexdigest()
    assert read(api, secret_key="other", password_sha256=digest)["password_matches"] is False


@pytest.mark.parametrize("status", [403, 503])
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
    assert len(api.asked) == len(set(api.asked)) == 12


@pytest.mark.parametrize(
    ("namespaces", "asked", "read_in"),
    [
        (("calico-system",), "auto", "calico-system"),
        (("a", "b"), "auto", "kube-system"),
        (("a",), "leases", "leases"),
        (("a",), None, None),
    ],
)
def test_the_lease_is_read_where_the_runs_take_it(namespaces, asked, read_in):
    api = Api(namespaces=namespaces)
    assert read(api, lease_namespace=asked)["lease"] is None
    leases = [path for path in api.asked if "/leases/" in path]
    assert leases == ([f"/apis/coordination.k8s.io/v1/namespaces/{read_in}/leases/netops-aci-calico"] if read_in else [])


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
    ("answer", "rights", "unchecked"),
    [
        ({"status": {"resourceRules": [{"verbs": ["*"]}], "incomplete": False}}, [{"verbs": ["*"]}], []),
        ({"status": {"resourceRules": [{"verbs": ["*"]}], "incomplete": True}}, None, []),
        (404, None, []),
        (403, None, [(REVIEW, 403)]),
        (500, None, [(REVIEW, 500)]),
    ],
)
def test_rights_are_known_whole_or_not_at_all(answer: Any, rights: Any, unchecked: Any) -> None:
    api = _with_backend(Api(), value="bird")
    api.answers[REVIEW] = answer
    found = read(api, checks=True)
    assert found["rights"] == rights
    assert found["failures"] == []
    assert [(failure["path"], failure["status"]) for failure in found["unchecked"]] == unchecked


def test_backend_that_must_not_be_read_is_told() -> None:
    api = _with_backend(Api(), valueFrom={"configMapKeyRef": {"name": "calico-config", "key": "calico_backend"}})
    api.answers["/api/v1/namespaces/kube-system/configmaps/calico-config"] = 403
    found = read(api, checks=True)
    assert (found["backend"], found["failures"]) == (None, [])
    assert [failure["status"] for failure in found["unchecked"]] == [403]


OPERATOR_V1, HELM_V1 = "operator.tigera.io/v1", "helm.cattle.io/v1"
INSTALLATION = f"/apis/{OPERATOR_V1}/installations/default"
INFORMATION = f"/apis/{V1}/clusterinformations/default"


def information(kind: str, version: str = "v3.30.4") -> dict:
    return {"metadata": {"name": "default"}, "spec": {"calicoVersion": version, "clusterType": kind}}


@pytest.mark.parametrize(
    ("answers", "installer"),
    [
        ({INFORMATION: information("typha,kdd,k8s,operator,bgp")}, "operator"),
        ({INSTALLATION: {"metadata": {"name": "default"}, "spec": {}}}, "operator"),
        ({INFORMATION: information("kubespray,bgp,kubeadm")}, "kubespray"),
        ({INFORMATION: information("k8s,bgp")}, "manifests"),
        ({f"/apis/{HELM_V1}/namespaces/kube-system/helmcharts/rke2-calico": {"metadata": {}}}, "rke2"),
        ({}, "unknown"),
        ({INFORMATION: 403}, "unknown"),
    ],
)
def test_installer(answers, installer):
    api = Api((V1, OPERATOR_V1, HELM_V1))
    api.answers |= answers
    found = read(api)
    assert found["installation"]["installer"] == installer
    assert found["failures"] == []
    assert found["installation"]["version"] == ("3.30.4" if "spec" in str(answers.get(INFORMATION)) else "")


@pytest.mark.parametrize(
    ("network", "felix", "expected"),
    [
        ({"linuxDataplane": "Iptables"}, {}, ("iptables", "bird")),
        ({"linuxDataplane": "BPF"}, {}, ("ebpf", "bird")),
        ({"linuxDataplane": "Nftables", "clusterRoutingMode": "Felix"}, {}, ("nftables", "felix")),
        ({"linuxDataplane": "VPP"}, {}, ("vpp", "bird")),
        ({}, {"bpfEnabled": True}, ("ebpf", "bird")),
        ({}, {"nftablesMode": "Enabled", "programClusterRoutes": "Enabled"}, ("nftables", "felix")),
    ],
)
def test_data_plane_and_routing(network, felix, expected):
    api = Api((V1, OPERATOR_V1))
    api.answers[INSTALLATION] = {"metadata": {"name": "default"}, "spec": {"calicoNetwork": network}}
    api.answers[f"/apis/{V1}/felixconfigurations/default"] = {"metadata": {"name": "default"}, "spec": felix}
    about = read(api)["installation"]
    assert (about["data_plane"], about["routing"]) == expected


def test_pools_of_the_installation_with_the_operators_defaults():
    """Newer operators publish the spec with its defaults in the status, and leave the declared spec as it is."""
    api = Api((V1, OPERATOR_V1))
    pools = [{"cidr": "10.1.0.0/16", "encapsulation": "IPIP"}]
    status = {"computed": {"calicoNetwork": {"ipPools": pools}}}
    api.answers[INSTALLATION] = {"metadata": {"name": "default"}, "spec": {}, "status": status}
    conditions = [{"type": "Degraded", "status": "True", "message": "no"}, {"type": "Available", "status": "True"}]
    api.answers[f"/apis/{OPERATOR_V1}/tigerastatuses/ippools"] = {"status": {"conditions": conditions}}
    found = read(api)
    assert (found["installation"]["pools"], found["installation"]["degraded"]) == (pools, ["no"])
    assert {"apiVersion": OPERATOR_V1, "kind": "Installation", "metadata": {"name": "default"}, "spec": {}} in found["objects"]


def test_environment_of_calico_node():
    api = Api()
    environment = [
        {"name": "IP", "value": "autodetect"},
        {"name": "AS", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}},
        {"name": "FELIX_LOGSEVERITYSCREEN", "value": "info"},
    ]
    (daemonset,) = api.answers["/apis/apps/v1/daemonsets?fieldSelector=metadata.name%3Dcalico-node"]["items"]
    daemonset["spec"] = {"template": {"spec": {"containers": [{"name": "calico-node", "env": environment}]}}}
    assert read(api)["environment"] == {"IP": "autodetect"}


def test_metadata_of_the_aggregated_server_is_restored():
    """It keeps labels and annotations of v3 objects in an annotation of the v1 objects."""
    api = Api()
    stored = {"labels": {"a": "new"}, "annotations": {"b": "1"}, "creationTimestamp": None}
    metadata = {"name": "p", "labels": {"a": "old", "c": "2"}, "annotations": {"projectcalico.org/metadata": json.dumps(stored)}}
    api.answers[f"/apis/{V1}/bgppeers"] = {"items": [{"metadata": metadata, "spec": {}}]}
    found = read(api)
    (peer,) = found["objects"]
    assert peer["metadata"] == {"name": "p", "labels": {"a": "new", "c": "2"}, "annotations": {"b": "1"}}
    assert found["stored_metadata"] == {"BGPPeer/p": stored}


def test_details_tell_who_wrote_what_and_the_version():
    api = Api()
    labels, status = {"f:metadata": {"f:labels": {"f:rack_id": {}}}}, {"f:status": {"f:conditions": {}}}
    entries = [
        {
            "manager": "kubectl-edit",
            "operation": "Update",
            "time": "t1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {**labels, **status},
        },
        {"manager": "kubelet", "operation": "Update", "time": "t2", "subresource": "status", "fieldsV1": status},
    ]
    api.answers["/api/v1/nodes"] = {"items": [{"metadata": {"name": "n1", "managedFields": entries}}]}
    spec = [{"manager": "ansible", "operation": "Update", "time": "t3", "fieldsV1": {"f:spec": {"f:peerIP": {}}}}]
    peer = {"metadata": {"name": "p", "managedFields": spec}, "spec": {"peerIP": "192.0.2.1"}}
    api.answers[f"/apis/{V1}/bgppeers"] = {"items": [peer]}
    api.answers["/version"] = {"gitVersion": "v1.30.0"}
    found = read(api, details=True)
    assert found["managers"] == {
        "Node/n1": [{"manager": "kubectl-edit", "operation": "Update", "time": "t1", "fieldsV1": labels}],
        "BGPPeer/p": spec,
    }
    assert found["server"] == {"gitVersion": "v1.30.0"}
    assert not {"managers", "server"} & set(read(api))
