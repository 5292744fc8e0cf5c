"""Preflight of Kubernetes, including the rules of the push."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.plugin_utils.sample_plans import FLOATING, dual_stack, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.preflight.kubernetes import calico_mode, cluster_problems

ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
POOL = {
    "apiVersion": "crd.projectcalico.org/v1",
    "kind": "IPPool",
    "metadata": {"name": "default-ipv4-ippool"},
    "spec": {"cidr": "10.1.0.0/16", "blockSize": 26, "ipipMode": "Always", "vxlanMode": "Never"},
}


def cluster(plan: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A cluster with Calico's defaults, whose nodes have the plan's addresses."""
    nodes = {
        node["name"]: {
            "labels": {},
            "annotations": {},
            "addresses": [network["address"].split("/")[0] for network in node["networks"].values()],
        }
        for node in plan["nodes"]
    }
    found = {
        "api_group": "crd.projectcalico.org/v1",
        "api_groups": ["crd.projectcalico.org/v1"],
        "namespace": "kube-system",
        "namespaces": ["kube-system"],
        "nodes": nodes,
        "objects": [copy.deepcopy(POOL)],
        "password_matches": None,
        "backend": "bird",
        "rights": [ALL],
        "failures": [],
        "unchecked": [],
    }
    return found | changes


def found(plan: dict[str, Any], cluster_: dict[str, Any], **options: Any) -> dict[str, str]:
    """``{rule: severity}``."""
    return {problem.id: problem.severity for problem in cluster_problems(plan, cluster_, **options)}


PLAN = plan_of(FLOATING)


CONFIG_REFUSED = {"path": "/api/v1/namespaces/kube-system/configmaps/calico-config", "status": 403, "message": "no"}
REVIEW_REFUSED = {"path": "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "status": 403, "message": "no"}


def changed_nodes(**addresses: list[str]) -> dict[str, Any]:
    """The cluster with other addresses of some nodes, ``node_1=[…]``."""
    made = cluster(PLAN)
    for name, values in addresses.items():
        made["nodes"][name.replace("_", "-")]["addresses"] = values
    return made


@pytest.mark.parametrize("plan", [PLAN, plan_of(dual_stack(FLOATING))], ids=["ipv4", "dual stack"])
def test_a_good_cluster_is_silent(plan: dict[str, Any]) -> None:
    made = cluster(plan)
    made["objects"] = [] if len(plan["address_families"]) > 1 else made["objects"]
    assert found(plan, made) == {}


@pytest.mark.parametrize(
    ("rule", "severity", "made"),
    [
        ("node-address-differs", "warning", changed_nodes(node_1=["10.9.9.9"])),
        ("node-address-taken", "error", changed_nodes(node_1=["192.168.2.2"], node_2=["192.168.2.1"])),
        ("calico-without-bgp", "error", cluster(PLAN, backend="vxlan")),
        ("calico-without-bgp", "error", cluster(PLAN, backend="none")),
        ("rights-missing", "error", cluster(PLAN, rights=[])),
        ("node-pending", "warning", cluster(PLAN, nodes={k: v for k, v in cluster(PLAN)["nodes"].items() if k != "node-1"})),
        (
            "pool-in-the-way",
            "error",
            cluster(PLAN, objects=[{**POOL, "metadata": {"name": "other"}, "spec": {**POOL["spec"], "cidr": "10.0.0.0/8"}}]),
        ),
        ("calico-missing", "error", cluster(PLAN, api_group=None, api_groups=[])),
        ("calico-node-missing", "error", cluster(PLAN, namespace=None, namespaces=[])),
        ("secret-differs", "warning", cluster(PLAN, password_matches=False)),
        ("not-checked", "warning", cluster(PLAN, backend=None, unchecked=[CONFIG_REFUSED])),
        ("not-checked", "warning", cluster(PLAN, rights=None, unchecked=[REVIEW_REFUSED])),
        ("not-checked", "warning", cluster(PLAN, rights=None)),
        ("unreadable", "error", cluster(PLAN, failures=[{"path": "/api/v1/nodes", "status": 403, "message": "no"}])),
    ],
)
def test_a_condition_is_found(rule: str, severity: str, made: dict[str, Any]) -> None:
    assert found(PLAN, made) == {rule: severity}


@pytest.mark.parametrize(
    "made",
    [
        # Kubernetes does not say.
        changed_nodes(node_1=[]),
        cluster(PLAN, backend=None),
        # More addresses than the planned one.
        changed_nodes(node_1=["10.9.9.9", "192.168.2.1"]),
        changed_nodes(node_1=["192.168.2.1", "fd00::1"]),
    ],
)
def test_what_is_no_finding(made: dict[str, Any]) -> None:
    assert found(PLAN, made) == {}


def test_what_calico_itself_found_counts_as_an_address() -> None:
    made = changed_nodes(node_1=["10.9.9.9"])
    made["nodes"]["node-1"]["annotations"] = {"projectcalico.org/IPv4Address": "192.168.2.1/24"}
    assert found(PLAN, made) == {}


def test_a_password_that_is_going_to_be_replaced_is_not_pointed_out() -> None:
    changed = cluster(PLAN, password_matches=False)
    assert found(PLAN, changed, update_password="always") == {}


def rules_of(*, without: tuple[str, str] = ("", ""), bgp_filter: bool = False) -> list[dict[str, Any]]:
    """The least that the roles need, as Kubernetes lists it; ``without`` is a resource and verb that are left out."""
    calico = ["bgppeers", "ippools", "bgpconfigurations", *(["bgpfilters"] if bgp_filter else [])]
    needed = [
        ([""], ["nodes"], ["get", "patch"], []),
        (["crd.projectcalico.org"], calico, ["create", "patch", "delete"], []),
        ([""], ["secrets"], ["create"], []),
        ([""], ["secrets"], ["get", "list", "watch", "patch", "delete"], ["bgp-secrets"]),
        (["rbac.authorization.k8s.io"], ["roles", "rolebindings"], ["create"], []),
        (["rbac.authorization.k8s.io"], ["roles", "rolebindings"], ["patch", "delete"], ["secret-access"]),
        (["coordination.k8s.io"], ["leases"], ["create"], []),
        (["coordination.k8s.io"], ["leases"], ["get", "update", "delete"], ["netops-aci-calico"]),
    ]
    resource, verb = without
    return [
        {
            "apiGroups": groups,
            "resources": resources,
            "verbs": [each for each in verbs if not (resource in resources and each == verb)],
            "resourceNames": names,
        }
        for groups, resources, verbs, names in needed
    ]


def test_the_least_rights_suffice() -> None:
    assert found(PLAN, cluster(PLAN, rights=rules_of())) == {}
    filtered = plan_of(FLOATING, bgp_filter=True)
    assert found(filtered, cluster(filtered, rights=rules_of())) == {"rights-missing": "error"}
    assert found(filtered, cluster(filtered, rights=rules_of(bgp_filter=True))) == {}


def test_the_documented_rights_suffice(root: Path) -> None:
    manifests = list(yaml.safe_load_all((root / "docs/examples/rbac.yml").read_text()))
    documented = [rule for manifest in manifests for rule in manifest.get("rules", ())]
    filtered = plan_of(FLOATING, bgp_filter=True)
    assert found(filtered, cluster(filtered, rights=documented)) == {}


@pytest.mark.parametrize(
    ("resource", "verb", "named"),
    [
        ("nodes", "patch", "patch nodes"),
        ("secrets", "create", "create secrets"),
        ("secrets", "patch", "patch secrets bgp-secrets"),
        ("secrets", "watch", "watch secrets bgp-secrets"),
        ("bgppeers", "delete", "delete bgppeers.crd.projectcalico.org"),
        ("rolebindings", "create", "create rolebindings.rbac.authorization.k8s.io"),
        ("leases", "update", "update leases.coordination.k8s.io netops-aci-calico"),
    ],
)
def test_each_right_is_needed_and_named(resource: str, verb: str, named: str) -> None:
    (problem,) = cluster_problems(PLAN, cluster(PLAN, rights=rules_of(without=(resource, verb))))
    assert problem.id == "rights-missing"
    assert named in problem.problem


def test_the_mode_in_a_line() -> None:
    vxlan = {**POOL, "metadata": {"name": "b"}, "spec": {"cidr": "10.2.0.0/16", "ipipMode": "Never", "vxlanMode": "CrossSubnet"}}
    plain = {**POOL, "metadata": {"name": "c"}, "spec": {"cidr": "10.3.0.0/16"}}
    assert calico_mode(cluster(PLAN, objects=[POOL, vxlan, plain])) == (
        "Calico, installed by unknown means; crd.projectcalico.org/v1 in kube-system, backend bird, pools: default-ipv4-ippool 10.1.0.0/16 with IP-in-IP,"
        " b 10.2.0.0/16 with VXLAN, c 10.3.0.0/16 without encapsulation"
    )
