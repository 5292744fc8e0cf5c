"""The embedded API server answers as a real one does: each scenario is played on both, and the answers are compared.

Status codes must agree, and of objects all that a client relies on: names, labels, annotations and the fields that the
roles write. A uid, a time, a version or the wording of a message may differ.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from lab.kube.interface import CALICO_V1, CALICO_V3, ApiFailure, KubeApi

from .conftest import EMBEDDED, REAL

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
RBAC = "rbac.authorization.k8s.io"

NODE = "/api/v1/nodes/node-1"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
ROLES = f"/apis/{RBAC}/v1/namespaces/kube-system/roles"
BINDINGS = f"/apis/{RBAC}/v1/namespaces/kube-system/rolebindings"


#: Defaults that came into Calico's definitions after 3.26.
NEWER = ("assignmentMode", "logSeverityScreen", "serviceLoadBalancerAggregation")


class Protocol:
    """Sends requests to a server and records the parts of the answers on which both servers must agree."""

    def __init__(self, api: KubeApi, group: str) -> None:
        self.api = api
        self.group = group
        self.lines: list[Any] = []

    def __call__(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> dict:
        try:
            answer, status = self.api.request(method, path, body, content_type), "success"
        except ApiFailure as failure:
            answer, status = failure.body, failure.status
        self.lines.append((method, path, status, self._agreed(answer)))
        return answer

    def path(self, plural: str, name: str = "") -> str:
        """Return the path of a Calico resource."""
        return f"/apis/{self.group}/{plural}" + (f"/{name}" if name else "")

    def calico(self, kind: str, name: str, spec: Any) -> dict[str, Any]:
        """Return a Calico object."""
        return {"apiVersion": self.group, "kind": kind, "metadata": {"name": name}, "spec": spec}

    def _agreed(self, answer: dict[str, Any]) -> Any:
        if answer.get("kind") == "Status":
            causes = (answer.get("details") or {}).get("causes", [])
            # Newer servers say which entry of a list is wrong.
            fields = sorted({re.sub(r"\[\d+\]", "", cause.get("field", "")) for cause in causes})
            return answer["status"], answer.get("reason") or "", fields
        if "items" in answer:
            return answer["kind"], sorted((self._agreed(item) for item in answer["items"]), key=str)
        if "metadata" not in answer:
            return answer
        metadata = answer["metadata"]
        kept = {name: metadata[name] for name in ("name", "namespace", "labels", "annotations") if name in metadata}
        if answer.get("apiVersion") == self.group:
            kept["generation"] = metadata["generation"]
        if answer.get("spec") and self.group == CALICO_V1:
            answer = {**answer, "spec": {name: value for name, value in answer["spec"].items() if name not in NEWER}}
        # Every built-in kind has fields of its own that nobody here writes: a node's status, a pod's defaults.
        fields = {name: value for name, value in answer.items() if name not in ("metadata", "status") and value}
        return {**fields, "metadata": kept}


def peer(**spec: Any) -> dict[str, Any]:
    return {"peerIP": "192.168.2.201", "asNumber": 65002, "nodeSelector": 'rack_id == "1"', **spec}


def pool(**spec: Any) -> dict[str, Any]:
    return {"cidr": "10.9.0.0/16", "blockSize": 26, "ipipMode": "Never", "vxlanMode": "Never", **spec}


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bgp-secrets"}, "type": "Opaque", **fields}


def life_of_a_custom_object(send: Protocol) -> None:
    manifest = send.calico("BGPPeer", "drift", peer())
    send("GET", send.path("bgppeers", "drift"))
    send("POST", send.path("bgppeers"), manifest)
    send("POST", send.path("bgppeers"), manifest)
    send("GET", send.path("bgppeers", "drift"))
    send("GET", send.path("bgppeers"))
    send("PATCH", send.path("bgppeers", "drift"), {"spec": {"asNumber": 65009}}, MERGE)
    send("PATCH", send.path("bgppeers", "drift"), {"spec": {"asNumber": 65009}}, MERGE)
    send("PATCH", send.path("bgppeers", "drift"), {"spec": {"nodeSelector": None, "node": "node-1"}}, MERGE)
    send("PATCH", send.path("bgppeers", "drift"), {"metadata": {"labels": {"a": "b"}}}, MERGE)
    send("DELETE", send.path("bgppeers", "drift"))
    send("DELETE", send.path("bgppeers", "drift"))
    send("GET", send.path("bgppeers"))


def nothing_is_versioned_when_nothing_changes(send: Protocol) -> None:
    send("POST", send.path("bgppeers"), send.calico("BGPPeer", "drift", peer()))
    before = send("GET", send.path("bgppeers", "drift"))["metadata"]["resourceVersion"]
    send("PATCH", send.path("bgppeers", "drift"), {"spec": peer()}, MERGE)
    same = send("GET", send.path("bgppeers", "drift"))["metadata"]["resourceVersion"]
    send("PATCH", send.path("bgppeers", "drift"), {"spec": {"asNumber": 1}}, MERGE)
    other = send("GET", send.path("bgppeers", "drift"))["metadata"]["resourceVersion"]
    send.lines.append((same == before, other == before))
    send("DELETE", send.path("bgppeers", "drift"))


def replacing_wants_the_newest_version(send: Protocol) -> None:
    path = send.path("bgppeers", "drift")
    first = send("POST", send.path("bgppeers"), send.calico("BGPPeer", "drift", peer()))
    send("PUT", path, {**first, "spec": peer(asNumber=65010)})
    send("PUT", path, {**first, "spec": peer(asNumber=65011)})
    send("PATCH", path, {"metadata": {"resourceVersion": "1"}, "spec": {"asNumber": 1}}, MERGE)
    send("PUT", path, send.calico("BGPPeer", "drift", peer()))
    send("PUT", path, {**send.calico("BGPPeer", "other", peer())})
    send("PUT", send.path("bgppeers", "none"), send.calico("BGPPeer", "none", peer()))
    send("DELETE", path)


def dry_runs_answer_and_store_nothing(send: Protocol) -> None:
    everything = "?dryRun=All"
    send("POST", send.path("bgppeers") + everything, send.calico("BGPPeer", "drift", peer()))
    send("GET", send.path("bgppeers", "drift"))
    send("POST", send.path("bgppeers") + everything, send.calico("BGPPeer", "drift", peer(asNumber="many")))
    send("POST", send.path("bgppeers"), send.calico("BGPPeer", "drift", peer()))
    send("POST", send.path("bgppeers") + everything, send.calico("BGPPeer", "drift", peer()))
    send("PATCH", send.path("bgppeers", "drift") + everything, {"spec": {"asNumber": 7}}, MERGE)
    send("DELETE", send.path("bgppeers", "drift") + everything)
    send("GET", send.path("bgppeers", "drift"))
    send("PATCH", NODE + everything, {"metadata": {"labels": {"rack_id": "9"}}}, MERGE)
    send("GET", NODE)
    send("POST", SECRETS + everything, secret(stringData={"a": "b"}))
    send("GET", f"{SECRETS}/bgp-secrets")
    send("DELETE", send.path("bgppeers", "drift"))


def unknown_fields_vanish_and_defaults_appear(send: Protocol) -> None:
    send("POST", send.path("bgppeers"), send.calico("BGPPeer", "drift", peer(keepAlive="10s", asnumber=1)))
    send("PATCH", send.path("bgppeers", "drift"), {"spec": {"nodeselector": "x"}, "extra": 1}, MERGE)
    send("DELETE", send.path("bgppeers", "drift"))
    send("POST", send.path("bgpconfigurations"), send.calico("BGPConfiguration", "default", {"asNumber": 65003}))
    send("PATCH", send.path("bgpconfigurations", "default"), {"spec": {"nodeToNodeMeshEnabled": False}}, MERGE)
    send("DELETE", send.path("bgpconfigurations", "default"))


def nodes_are_patched_and_never_made(send: Protocol) -> None:
    labels = {"metadata": {"labels": {"rack_id": "1"}, "annotations": {"projectcalico.org/ASNumber": "65003"}}}
    send("PATCH", NODE, labels, MERGE)
    send("PATCH", NODE, labels, STRATEGIC)
    send("PATCH", NODE, {"metadata": {"labels": {"rack_id": None}}}, STRATEGIC)
    send("PATCH", NODE, {"metadata": {"annotations": {"projectcalico.org/ASNumber": None}}}, MERGE)
    send("PATCH", "/api/v1/nodes/node-99", labels, MERGE)
    send("GET", "/api/v1/nodes/node-99")
    send("PATCH", NODE, {"metadata": {"labels": {"rack_id": "no good!"}}}, MERGE)
    send("PATCH", NODE, {"metadata": {"labels": {"rack_id": 1}}}, MERGE)
    send("GET", NODE)


def nodes_are_selected_by_label_and_name(send: Protocol) -> None:
    send("PATCH", NODE, {"metadata": {"labels": {"rack_id": "1"}}}, MERGE)
    for selector in ("rack_id=1", "rack_id!=1", "rack_id", "!rack_id", "rack_id+in+(1,2)", "rack_id=1,x=y", "rack_id+is+1"):
        send("GET", f"/api/v1/nodes?labelSelector={selector}")
    for selector in ("metadata.name=node-2", "metadata.name!=node-2", "spec.nonsense=1"):
        send("GET", f"/api/v1/nodes?fieldSelector={selector}")
        send("GET", f"{send.path('ippools')}?fieldSelector={selector}")
    send("PATCH", NODE, {"metadata": {"labels": {"rack_id": None}}}, MERGE)


def secrets_hold_bytes(send: Protocol) -> None:
    encoded = base64.b64encode(b"first").decode()
    send("POST", SECRETS, secret(stringData={"rr-password": "first"}))
    send("GET", f"{SECRETS}/bgp-secrets")
    send("PATCH", f"{SECRETS}/bgp-secrets", {"data": {"rr-password": encoded}}, MERGE)
    send("PATCH", f"{SECRETS}/bgp-secrets", {"stringData": {"rr-password": "second"}}, MERGE)
    send("PATCH", f"{SECRETS}/bgp-secrets", {"data": {"rr-password": "no base64!"}}, MERGE)
    send("PATCH", f"{SECRETS}/bgp-secrets", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    send("DELETE", f"{SECRETS}/bgp-secrets")
    send("POST", SECRETS, secret(data={"rr-password": "no base64!"}))
    send("POST", "/api/v1/namespaces/nowhere/secrets", secret(data={}))
    send("POST", SECRETS, {**secret(), "metadata": {"name": "bgp-secrets", "namespace": "default"}})


def rights_are_granted_and_a_binding_keeps_its_role(send: Protocol) -> None:
    api = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": "secret-access"}}
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["bgp-secrets"], "verbs": ["get"]}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": "secret-access"}
    subjects = [{"kind": "ServiceAccount", "name": "calico-node", "namespace": "kube-system"}]
    send("POST", ROLES, {**api, "kind": "Role", "rules": [rule]})
    send("POST", BINDINGS, {**api, "kind": "RoleBinding", "roleRef": reference, "subjects": subjects})
    send("PATCH", f"{ROLES}/secret-access", {"rules": [{**rule, "verbs": ["get", "watch"]}]}, MERGE)
    send("PATCH", f"{BINDINGS}/secret-access", {"roleRef": {**reference, "name": "another"}}, MERGE)
    send("GET", f"{BINDINGS}/secret-access")
    send("DELETE", f"{BINDINGS}/secret-access")
    send("DELETE", f"{ROLES}/secret-access")
    send("GET", f"{ROLES}/secret-access")


def what_is_not_served(send: Protocol) -> None:
    send("GET", send.path("bgpersons"))
    send("GET", send.path("bgpersons", "x"))
    send("POST", send.path("bgpersons"), send.calico("BGPerson", "x", {}))
    send("GET", "/apis/nobody.test/v1")
    send("GET", "/apis/nobody.test/v1/things")
    send("GET", "/apis/apps/v1/namespaces/nowhere/daemonsets")
    send("GET", "/apis/apps/v1/namespaces/kube-system/daemonsets/other")
    send("PATCH", send.path("ippools", "default-ipv4-ippool"), {"spec": {}}, STRATEGIC)
    send("PATCH", send.path("ippools", "default-ipv4-ippool"), {"spec": {}}, "text/plain")


def what_does_not_fit_its_address(send: Protocol) -> None:
    manifest = send.calico("BGPPeer", "drift", peer())
    send("POST", send.path("bgppeers"), {**manifest, "kind": "IPPool"})
    send("POST", send.path("bgppeers"), {**manifest, "apiVersion": "v1"})
    send("POST", send.path("bgppeers"), {**manifest, "metadata": {}})
    send("POST", send.path("bgppeers"), {**manifest, "metadata": {"name": "Not_A_Name"}})
    send("POST", send.path("bgppeers"), {**manifest, "metadata": {"name": "drift", "labels": {"a": "b c"}}})
    send("POST", send.path("bgppeers"), {**manifest, "metadata": {"name": "drift", "labels": {"a": 1}}})
    send("POST", send.path("bgppeers"), {**manifest, "metadata": {"name": "drift", "resourceVersion": "1"}})
    send("PATCH", send.path("bgppeers", "none"), {"spec": {}}, MERGE)
    send("PATCH", send.path("ippools", "default-ipv4-ippool"), {"metadata": {"labels": {"a": 1}}}, MERGE)
    send("PATCH", send.path("ippools", "default-ipv4-ippool"), {"metadata": {"labels": {"a": "b c"}}}, MERGE)
    send("PATCH", send.path("ippools", "default-ipv4-ippool"), {"kind": "BGPPeer"}, MERGE)


def calico_node_is_found_in_every_namespace(send: Protocol) -> None:
    for daemonset in send.api.request("GET", "/apis/apps/v1/daemonsets?labelSelector=k8s-app=calico-node")["items"]:
        send.lines.append((daemonset["metadata"]["name"], daemonset["metadata"]["namespace"]))


SCENARIOS = (
    life_of_a_custom_object,
    nothing_is_versioned_when_nothing_changes,
    replacing_wants_the_newest_version,
    dry_runs_answer_and_store_nothing,
    unknown_fields_vanish_and_defaults_appear,
    nodes_are_patched_and_never_made,
    nodes_are_selected_by_label_and_name,
    secrets_hold_bytes,
    rights_are_granted_and_a_binding_keeps_its_role,
    what_is_not_served,
    what_does_not_fit_its_address,
    calico_node_is_found_in_every_namespace,
)


@pytest.fixture
def play(pair: dict[str, KubeApi], calico_group: str) -> Callable[[Callable[[Protocol], None]], list[Any]]:
    """Return a function that plays a scenario on both servers, fails where they differ, and returns the protocol."""

    def both(scenario: Callable[[Protocol], None]) -> list[Any]:
        protocols = {name: Protocol(api, calico_group) for name, api in pair.items()}
        for protocol in protocols.values():
            scenario(protocol)
        embedded, real = (protocols[name].lines for name in (EMBEDDED, REAL))
        apart = [(ours, theirs) for ours, theirs in zip(embedded, real, strict=True) if ours != theirs]
        assert not apart, "\n".join(f"embedded: {ours}\nreal:     {theirs}\n" for ours, theirs in apart)
        return real

    return both


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_both_servers_answer_alike(play: Any, scenario: Callable[[Protocol], None]) -> None:
    assert play(scenario)


@pytest.mark.parametrize(
    ("kind", "plural", "spec"),
    [
        ("BGPPeer", "bgppeers", peer(asNumber="65002")),
        ("BGPPeer", "bgppeers", peer(asNumber=65002.5)),
        ("BGPPeer", "bgppeers", peer(peerIP=1)),
        ("BGPPeer", "bgppeers", peer(filters="aci")),
        ("BGPPeer", "bgppeers", peer(filters=[1])),
        ("BGPPeer", "bgppeers", peer(password={"secretKeyRef": {"name": "bgp-secrets"}})),
        ("BGPPeer", "bgppeers", peer(password="secret")),
        ("BGPPeer", "bgppeers", []),
        ("IPPool", "ippools", {"blockSize": 26}),
        ("IPPool", "ippools", pool(blockSize="26")),
        ("IPPool", "ippools", pool(natOutgoing="yes")),
        ("BGPConfiguration", "bgpconfigurations", {"nodeToNodeMeshEnabled": "false"}),
        ("BGPConfiguration", "bgpconfigurations", {"listenPort": 0}),
        ("BGPConfiguration", "bgpconfigurations", {"serviceClusterIPs": [{"cidr": 1}]}),
        ("BGPConfiguration", "bgpconfigurations", {"communities": [{"name": "a", "value": "b"}]}),
        ("BGPFilter", "bgpfilters", {"exportV4": [{"cidr": "10.0.0.0/8", "matchOperator": "In"}]}),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict | list) else value,
)
def test_both_servers_refuse_invalid_objects(play: Any, kind: str, plural: str, spec: Any) -> None:
    def create(send: Protocol) -> None:
        send("POST", send.path(plural), send.calico(kind, "drift", spec))

    ((_method, _path, status, _body),) = play(create)
    assert status == 422


@pytest.mark.parametrize(
    ("kind", "plural", "spec"),
    [
        ("IPPool", "ippools", pool(cidr="10.9.0.0")),
        ("IPPool", "ippools", pool(ipipMode="Sometimes")),
        ("IPPool", "ippools", pool(blockSize=129)),
        ("BGPConfiguration", "bgpconfigurations", {"serviceClusterIPs": [{"cidr": "10.0.0.0/33"}]}),
        ("BGPFilter", "bgpfilters", {"exportV4": [{"action": "Maybe"}]}),
        ("BGPFilter", "bgpfilters", {"exportV4": [{"action": "Reject", "source": "Anyone"}]}),
        ("BGPConfiguration", "bgpconfigurations", {"logSeverityScreen": "loud"}),
        ("BGPPeer", "bgppeers", peer(nextHopMode="Me")),
        ("BGPPeer", "bgppeers", peer(asNumber=4_200_000_000)),
        ("BGPPeer", "bgppeers", None),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict | list) else value,
)
@pytest.mark.parametrize("calico_group", [CALICO_V3], ids=["v3"], scope="module", indirect=True)
def test_both_servers_refuse_objects_invalid_in_newer_schemas(play: Any, kind: str, plural: str, spec: Any) -> None:
    """The definitions of ``crd.projectcalico.org`` are those of Calico 3.26, which does not have these rules."""
    test_both_servers_refuse_invalid_objects(play, kind, plural, spec)


def test_both_servers_refuse_an_unknown_token(pair: dict[str, KubeApi]) -> None:
    for server in pair.values():
        stranger = KubeApi()
        stranger.url, stranger.ca_file, stranger.token = server.url, server.ca_file, "guessed"
        with pytest.raises(ApiFailure) as failure:
            stranger.request("GET", "/api/v1/nodes")
        assert failure.value.status == 401


def test_both_servers_offer_the_same_resources(pair: dict[str, KubeApi], calico_group: str) -> None:
    """Compare the parts of discovery by which clients find the path of a kind."""
    offers = {}
    for name, server in pair.items():
        resources = server.request("GET", f"/apis/{calico_group}")["resources"]
        offers[name] = {
            resource["kind"]: (resource["name"], resource["namespaced"], sorted(resource["verbs"]))
            for resource in resources
            if "/" not in resource["name"]
        }
    assert offers[EMBEDDED] == offers[REAL]
