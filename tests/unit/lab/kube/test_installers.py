"""Each installation of Calico with its forces, and the collection on it: configured once, unchanged twice, removed without a trace."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import api_exception

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeApi as ModuleApi
from ansible_collections.netops.aci_calico.plugins.modules import calico_info
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.protection import threats
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.push import kubernetes_push, operated_pools
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import cluster_plan
from lab.example import worked_example
from lab.kube import views
from lab.kube.installers import INSTALLERS, VERSIONS, CalicoNode, Operator, access, cluster, kubespray_run
from lab.kube.interface import MERGE_PATCH, ApiFailure, KubeApi
from lab.kube.schema import load_kinds
from lab.kube.server import KubeServer

PLAN = cluster_plan(worked_example())
NODES = [
    {"name": node["name"], "addresses": [network["address"] for network in node["networks"].values()]} for node in PLAN["nodes"]
]
PARAMS = {
    "api_group": "auto",
    "namespace": "auto",
    "secret_name": "bgp-secrets",
    "secret_key": "rr-password",
    "role_name": "secret-access",
    "password_sha256": None,
    "checks": False,
}
SEND = {"create": "POST", "patch": "PATCH"}


class Cluster:
    """A cluster with its forces, which act when they are told to."""

    def __init__(self, server: KubeServer, name: str, version: str) -> None:
        self.server = server
        self.forces: list[Operator | CalicoNode] = [CalicoNode(access(server))]
        if INSTALLERS[name].operator:
            self.forces.insert(0, Operator(access(server), version))
        self.act()

    def act(self) -> None:
        for force in self.forces:
            force.act()

    def request(self, method: str, path: str, serialize: bool, body: Any = None) -> SimpleNamespace:
        """Answer as the Kubernetes client of the modules."""
        try:
            return SimpleNamespace(data=json.dumps(self.server.request(method.upper(), path, body)).encode())
        except ApiFailure as failure:
            error = ApiException(status=failure.status, reason="no")
            error.body = json.dumps(failure.body)
            raise api_exception(error) from None

    def found(self) -> dict[str, Any]:
        """Return what ``calico_info`` finds."""
        return calico_info.read(ModuleApi(self), PARAMS)

    def push(self, state: str = "present") -> dict[str, Any]:
        """Send what the collection would send, as kubernetes.core sends it: merge patches of what exists."""
        push = kubernetes_push(PLAN, self.found(), state, manage_installation=True)
        batches = (push["patched"], [push["secret"]], push["applied"], [push["installation"]], push["postponed"])
        for manifest in [one for batch in batches for one in batch if one]:
            path = self.server.path(manifest)
            try:
                self.server.request("PATCH", path, manifest, MERGE_PATCH)
            except ApiFailure as failure:
                if failure.status != 404:
                    raise
                self.server.request("POST", path.rpartition("/")[0], manifest)
        for manifest in push["deleted"]:
            self.server.request("DELETE", self.server.path(manifest))
        return push

    def state(self) -> dict[str, Any]:
        """Return all objects, without what changes with each write."""
        kept = ("labels", "annotations", "name")
        return {
            f"{obj['apiVersion']}/{obj['kind']}/{obj['metadata']['name']}": {
                "metadata": {name: obj["metadata"].get(name) or {} for name in kept},
                "spec": views.rounded(obj.get("spec")),
            }
            for obj in self.server.objects()
        }


Start = Callable[..., Cluster]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[KubeServer] = []

    def started(name: str, version: str = VERSIONS[-1], **seed: Any) -> Cluster:
        server = KubeServer(**cluster({"nodes": NODES, **seed}, name, version))
        running.append(server.__enter__())
        return Cluster(server, name, version)

    yield started
    for server in running:
        server.__exit__(None, None, None)


def nothing(push: dict[str, Any]) -> bool:
    sent = ("patched", "secret", "applied", "deleted", "installation", "snippet", "postponed", "differences")
    return not any(push[name] for name in sent)


SAMPLE = [("operator", "3.28"), ("operator", "3.32"), ("operator-native", "3.32"), ("manifests", "3.26"), ("kubespray", "3.32")]
EVERY = [
    *(("operator", version) for version in ("3.28", "3.30", "3.32")),
    ("operator-native", "3.32"),
    *(("manifests", version) for version in VERSIONS),
    *(("kubespray", version) for version in ("3.28", "3.32")),
]


# ``make matrix`` runs them all.
@pytest.mark.parametrize(("name", "version"), EVERY if os.environ.get("ACI_CALICO_MATRIX") else SAMPLE)
def test_a_second_run_changes_nothing_and_a_teardown_leaves_no_trace(start: Start, name: str, version: str) -> None:
    calico = start(name, version)
    before = calico.state()
    about = calico.found()["installation"]
    assert (about["installer"], about["version"]) == (name.split("-")[0], f"{version}.2")
    first = calico.push()
    assert {problem.id for problem in first["problems"]} <= {"kubespray-undoes"}
    assert not nothing(first)
    for _round in range(2):
        calico.act()
        found = calico.found()
        assert operated_pools(PLAN, found) == []
        assert nothing(kubernetes_push(PLAN, found, manage_installation=True))
        assert nothing(kubernetes_push(PLAN, found)), "without leave to change the Installation, too"
        assert threats(PLAN, found) == []
    calico.push("absent")
    calico.act()
    after = calico.state()
    # calico-node maintains the addresses of its nodes, and an operator the annotations of its pools.
    assert {title: obj["spec"] for title, obj in after.items()} == {title: obj["spec"] for title, obj in before.items()}
    assert "netops.aci-calico" not in str(after).replace(str(before), "")


# --- the forces ----------------------------------------------------------------------------------------------------------


POOL = "/apis/projectcalico.org/v3/ippools/default-ipv4-ippool"
V1_POOL = POOL.replace("projectcalico.org/v3", "crd.projectcalico.org/v1")


def test_the_operator_makes_and_labels_pools_and_puts_them_back(start: Start) -> None:
    calico = start("operator")
    pool = calico.server.request("GET", POOL)
    assert pool["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tigera-operator"}
    assert (pool["spec"]["ipipMode"], pool["spec"]["natOutgoing"]) == ("Always", True)
    assert "disabled" not in pool["spec"]
    calico.server.request("PATCH", POOL, {"spec": {"ipipMode": "Never", "natOutgoing": False}}, MERGE_PATCH)
    calico.act()
    assert calico.server.request("GET", POOL)["spec"] == pool["spec"]


def test_the_operator_is_degraded_by_a_pool_of_another(start: Start) -> None:
    calico = start("operator")
    calico.server.request("PATCH", POOL, {"metadata": {"labels": None}, "spec": {"ipipMode": "Never"}}, MERGE_PATCH)
    calico.act()
    assert calico.found()["installation"]["degraded"] == ["Cannot update an IP pool not owned by the operator"]
    assert "ipipMode" in calico.server.request("GET", POOL)["spec"]


def test_older_operators_write_their_defaults_into_the_installation(start: Start) -> None:
    path = "/apis/operator.tigera.io/v1/installations/default"
    (entry,) = start("operator", "3.28").server.request("GET", path)["spec"]["calicoNetwork"]["ipPools"]
    assert (entry["name"], entry["encapsulation"]) == ("default-ipv4-ippool", "IPIP")
    newest = start("operator").server.request("GET", path)
    assert newest["spec"]["calicoNetwork"]["ipPools"] == [{"cidr": "10.1.0.0/16"}]
    assert newest["status"]["computed"]["calicoNetwork"]["ipPools"] == [entry]


def test_the_aggregated_server_shows_what_go_types_keep(start: Start) -> None:
    server = start("operator").server
    raw = server.request("GET", V1_POOL)
    assert "labels" not in raw["metadata"]
    assert "tigera-operator" in raw["metadata"]["annotations"]["projectcalico.org/metadata"]
    written = {"metadata": {"annotations": {"a": "b"}}, "spec": {"natOutgoing": False, "nodeSelector": ""}}
    shown = server.request("PATCH", POOL, written, MERGE_PATCH)
    assert shown["metadata"]["annotations"] == {"a": "b"}
    assert "natOutgoing" not in shown["spec"]
    assert "natOutgoing" not in server.request("GET", V1_POOL)["spec"]


def test_calico_node_replaces_a_planned_address(start: Start) -> None:
    calico = start("manifests")
    node = "/api/v1/nodes/node-1"
    annotations = {"lab/interfaces": f"10.9.9.9/24,{NODES[0]['addresses'][0]}"}
    calico.server.request("PATCH", node, {"metadata": {"annotations": annotations}}, MERGE_PATCH)
    calico.act()
    assert [threat.id for threat in threats(PLAN, calico.found())] == ["address-detection"], "preflight finds it beforehand"
    calico.push()
    calico.act()
    assert calico.found()["nodes"]["node-1"]["annotations"]["projectcalico.org/IPv4Address"] == "10.9.9.9/24"


def test_a_variable_replaces_an_as_number_when_calico_node_starts(start: Start) -> None:
    calico = start("manifests")
    daemonset = "/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node"
    spec = calico.server.request("GET", daemonset)["spec"]
    spec["template"]["spec"]["containers"][0]["env"].append({"name": "AS", "value": "64512"})
    calico.server.request("PATCH", daemonset, {"spec": spec}, MERGE_PATCH)
    calico.push()
    (calico_node,) = calico.forces
    calico_node.restart("node-1")
    calico.act()
    found = calico.found()
    assert found["nodes"]["node-1"]["annotations"]["projectcalico.org/ASNumber"] == "64512"
    assert [threat.id for threat in threats(PLAN, found)] == ["asn-variable"]


def test_kubespray_turns_the_mesh_on_again(start: Start) -> None:
    calico = start("kubespray")
    assert [problem.id for problem in calico.push()["problems"]] == ["kubespray-undoes"]
    assert calico.push()["problems"] == []
    kubespray_run(calico.server)
    assert [problem.id for problem in calico.push()["problems"]] == ["kubespray-undoes"]


def names(shape: Any) -> set[str]:
    if isinstance(shape, dict):
        return set(shape).union(*(names(item) for item in shape.values()))
    return names(shape[0]) if isinstance(shape, list) else set()


@pytest.mark.parametrize(
    ("kind", "field", "since"),
    [("BGPFilter", "source", "3.28"), ("BGPPeer", "localASNumber", "3.32"), ("IPPool", "assignmentMode", "3.30")],
)
def test_releases_differ_in_their_fields(kind: str, field: str, since: str) -> None:
    for version in VERSIONS:
        shape = next(one.shape for one in load_kinds(("crd.projectcalico.org/v1",), version) if one.kind == kind)
        assert (field in names(shape)) == (VERSIONS.index(version) >= VERSIONS.index(since))


def test_an_older_release_refuses_a_younger_value(start: Start) -> None:
    api: KubeApi = start("manifests", "3.28").server
    metadata, spec = {"name": "lb"}, {"cidr": "10.8.0.0/16", "allowedUses": ["LoadBalancer"]}
    with pytest.raises(ApiFailure, match="Unsupported value"):
        api.request("POST", V1_POOL.rpartition("/")[0], {"metadata": metadata, "spec": spec})
