"""The rights of ``docs/examples/rbac.yml`` are exactly those that the playbooks use on a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.site.harness import Site, intent, racks
from unit.plugin_utils.sample_plans import FLOATING, plan_of

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.lease import manifest as lease_manifest
from ansible_collections.netops.aci_calico.plugins.module_utils.lease import HOLDS, Lease
from ansible_collections.netops.aci_calico.plugins.module_utils.names import BEFORE_ANNOTATION
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import BGP_CONFIGURATION, kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.push import OWNED_KINDS
from lab.kube.interface import CALICO_V1, CALICO_V3, ApiFailure
from lab.kube.real import OPERATOR, RBAC, RealKubeServer

from .test_real_server import MERGE, eventually

NAME, NODE = "prod", "n1-1"
#: API group, resource with its subresource, verb, and the name if the right is limited to one.
Right = tuple[str, str, str, str]

#: What the API server asks for itself before it lets a user grant rights, without a request of that kind.
GRANTING = {("", "secrets", "list", "bgp-secrets"), ("", "secrets", "watch", "bgp-secrets")} | {
    ("rbac.authorization.k8s.io", "roles", "bind", "secret-access")
}
#: What is only read after an answer of the server was lost.
RECOVERING = {(CALICO_V1.partition("/")[0], "caliconodestatuses", "get", "")}
#: The groups of those who install Calico, which are only asked where they are served.
INSTALLERS = ("operator.tigera.io", "helm.cattle.io")
#: Every authenticated user may ask what it may do itself.
BASIC = "authorization.k8s.io"
RACKS = racks(1, 2)
CONFIGURATION = {"apiVersion": CALICO_V3, "kind": "BGPConfiguration", "metadata": {"name": BGP_CONFIGURATION}, "spec": {}}
#: A pool that the collection has made, so that teardown removes it.
POOL = {
    "apiVersion": CALICO_V3,
    "kind": "IPPool",
    "metadata": {"name": "default-ipv4-ippool", "annotations": {BEFORE_ANNOTATION: "null"}},
    "spec": {"cidr": "10.1.0.0/16", "blockSize": 26, "ipipMode": "Always", "natOutgoing": True, "nodeSelector": "all()"},
}
AT_ONCE = {"force": True, "terminate_grace_period": 0, "wait_timeout": 30}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"nodeName": NODE, "containers": [{"name": "web", "image": "web"}]},
}


ACCESS = [
    one for one in kubernetes_objects(plan_of(FLOATING), CALICO_V3, "kube-system") if one["kind"] in ("Role", "RoleBinding")
]


def granted() -> set[Right]:
    """Return the rights in the file, one for each verb; both groups of Calico count as one."""
    rules = [rule for manifest in yaml.safe_load_all(RBAC.read_text()) for rule in manifest.get("rules", ())]
    return {
        (_group(group), resource, verb, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def _group(name: str) -> str:
    return CALICO_V1.partition("/")[0] if name == CALICO_V3.partition("/")[0] else name


def used(events: list[dict[str, Any]]) -> Iterator[tuple[Right, int]]:
    """Yield the right that each request needs, with the object's name, and the status of its answer."""
    for event in events:
        about = event.get("objectRef")
        if about and about.get("apiGroup") != BASIC:
            resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
            right = (_group(about.get("apiGroup", "")), resource, event["verb"], about.get("name", ""))
            yield right, event["responseStatus"]["code"]


def covering(rights: set[Right], needed: Right) -> set[Right]:
    return {right for right in rights if right[:3] == needed[:3] and right[3] in ("", needed[3])}


@pytest.fixture(scope="module")
def server(assets: Path) -> Iterator[RealKubeServer]:
    nodes = [node for rack in RACKS for node in rack["nodes"]]
    with RealKubeServer(nodes, service_subnets=["192.168.8.0/22"], assets=assets, api_groups=(CALICO_V3,)) as running:
        yield running


@pytest.fixture(scope="module")
def events(server: RealKubeServer, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return the requests of the playbooks in a cluster's life, sent by a bare ServiceAccount with the rights of the file."""
    changes = {"bgp_filter": True, "verify_timeout": 0, "update_password": "always"}
    with Site(tmp_path_factory.mktemp("rights")) as site:
        cluster = site.add(NAME, intent("floating", RACKS, **changes), kube=False)
        cluster.kube = server.as_user(OPERATOR)
        # Check mode sends what creates an object, the other runs what changes and removes it; the configuration the other way.
        pool, configuration = (server.path(one) for one in (POOL, CONFIGURATION))
        server.request("DELETE", pool)
        server.apply([CONFIGURATION])
        tried = site.run("site", "--check", "--tags", "calico")
        (plan,) = (result["plan"] for __, __, result in tried.results if "plan" in result)
        server.request("DELETE", configuration)
        server.apply([POOL, *outdated(kubernetes_objects(plan, CALICO_V3, "kube-system"))])
        server.apply([lease_manifest(Lease("killed").renewal("", HOLDS, 0), NAME, "kube-system")])
        accepted = {"aci_calico_consent": "session-reset,traffic-interruption", "aci_calico_take_lease": "killed"}
        site.run("site", "--tags", "calico", "-e", json.dumps(accepted))
        assert "unreadable" not in site.run("verify", check=False).output
        server.apply([POD])
        options = {"node_maintenance_nodes": NODE, "node_maintenance_delete_options": AT_ONCE}
        site.run("maintenance", "-e", json.dumps(options))
        site.run("teardown", "--tags", "calico")
    return server.requests()


def outdated(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects that a cluster owns with other contents, so that a run changes each of them."""
    content = {"Secret": "stringData", "Role": "rules", "RoleBinding": "subjects"}
    owned = [manifest for manifest in manifests if manifest["kind"] in OWNED_KINDS]
    for manifest in owned:
        if manifest["kind"] in content:
            manifest[content[manifest["kind"]]] = {} if manifest["kind"] == "Secret" else []
        else:
            manifest["spec"] = {}
    return owned


def test_no_request_is_refused(events: list[dict[str, Any]]) -> None:
    assert [right for right, status in used(events) if status in (401, 403)] == []


def test_every_request_needs_a_right_of_the_file_and_every_right_has_a_request(events: list[dict[str, Any]]) -> None:
    rights = {right for right in granted() if right[0] not in INSTALLERS}
    needed = {right for right, __ in used(events)}
    assert {right for right in needed if not covering(rights, right)} == set()
    assert rights - GRANTING - RECOVERING - {right for one in needed for right in covering(rights, one)} == set()


@pytest.mark.parametrize("right", sorted(GRANTING))
def test_api_server_asks_for_rights_before_it_lets_grant_them(server: RealKubeServer, right: Right) -> None:
    """Without the right, neither the Role of calico-node nor its binding can be created on a new cluster."""
    role = next(one for one in yaml.safe_load_all(RBAC.read_text()) if one["kind"] == "Role")
    path, (__, resource, verb, __) = server.path(role), right
    fewer = [
        rule | {"verbs": [one for one in rule["verbs"] if one != verb or resource not in rule["resources"]]}
        for rule in role["rules"]
    ]
    fewer = [rule for rule in fewer if rule["verbs"]]
    assert fewer != role["rules"]
    try:
        server.request("PATCH", path, {"rules": fewer}, MERGE)
        eventually(lambda: not may_let_calico_read(server))
    finally:
        server.request("PATCH", path, {"rules": role["rules"]}, MERGE)
    eventually(lambda: may_let_calico_read(server))


def may_let_calico_read(server: RealKubeServer) -> bool:
    """Return whether the ServiceAccount may create the Role and the RoleBinding of the Secret, in a dry run."""
    operator = server.as_user(OPERATOR)
    for manifest in ACCESS:
        collection = server.path(manifest).rpartition("/")[0]
        try:
            operator.request("POST", f"{collection}?dryRun=All", manifest)
        except ApiFailure as failure:
            # Without the right to bind a Role that does not exist, the API server misses the Role.
            if failure.status in (403, 404):
                return False
            raise
    return True
