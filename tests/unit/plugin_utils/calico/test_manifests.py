"""The manifests of a plan: the white paper's worked example, and what each variable does to them."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import cluster_plan
from lab.example import worked_example

DUAL_STACK = {
    "aci_calico_node_subnets": ["192.168.2.0/24", "2001:db8:2::/64"],
    "aci_calico_pod_subnets": ["10.1.0.0/16", "2001:db8:1::/56"],
    "aci_calico_service_subnets": ["192.168.8.0/22", "2001:db8:8::/112"],
    "aci_calico_external_service_subnets": ["192.168.3.0/24", "2001:db8:3::/112"],
}

SHARED = """
apiVersion: v1
kind: Secret
metadata: {name: bgp-secrets, namespace: kube-system, labels: &owner {app.kubernetes.io/managed-by: netops.aci_calico, netops.aci-calico/cluster: prod1}}
type: Opaque
stringData: {rr-password: "<secret:bgp_password>"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: secret-access, namespace: kube-system, labels: {app.kubernetes.io/managed-by: netops.aci_calico, netops.aci-calico/cluster: prod1}}
rules:
  - {apiGroups: [""], resources: [secrets], resourceNames: [bgp-secrets], verbs: [watch, list, get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: secret-access, namespace: kube-system, labels: {app.kubernetes.io/managed-by: netops.aci_calico, netops.aci-calico/cluster: prod1}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: secret-access}
subjects:
  - {kind: ServiceAccount, name: calico-node, namespace: kube-system}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: default-ipv4-ippool}
spec: {cidr: 10.1.0.0/16, blockSize: 26, ipipMode: Never, vxlanMode: Never, natOutgoing: false}
---
apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {name: default}
spec:
  logSeverityScreen: Info
  nodeToNodeMeshEnabled: false
  asNumber: 65003
  serviceClusterIPs: [{cidr: 192.168.8.0/22}]
  serviceExternalIPs: [{cidr: 192.168.3.0/24}]
"""


def manifests(svi: str = "floating", **changes):
    return kubernetes_objects(cluster_plan(worked_example(svi, **changes)))


def of_kind(objects, kind):
    return [item for item in objects if item["kind"] == kind]


def test_worked_example_has_the_papers_objects():
    """Secret, Role, RoleBinding, IPPool and BGPConfiguration are the same for both kinds of SVI."""
    for svi in ("floating", "standard"):
        objects = manifests(svi)
        # A keepalive time above the fabric's hold time leaves no session up.
        assert not any({"filters", "keepaliveTime"} & set(peer["spec"]) for peer in of_kind(objects, "BGPPeer"))
        others = [item for item in objects if item["kind"] not in ("Node", "BGPPeer")]
        assert others == list(yaml.safe_load_all(SHARED))


@pytest.mark.parametrize(
    ("svi", "addresses"),
    [
        ("floating", [f"192.168.2.{number}/24" for number in (1, 2, 3, 4, 5, 6)]),
        ("standard", [f"192.168.2.{number}/29" for number in (1, 9, 17, 25, 33, 41)]),
    ],
)
def test_worked_example_nodes(svi, addresses):
    """Each node's rack, AS number (the cluster's) and address, as Calico's Kubernetes datastore keeps them."""
    nodes = of_kind(manifests(svi), "Node")
    assert [node["metadata"] for node in nodes] == [
        {
            "name": f"node-{number}",
            "labels": {"rack_id": "1" if number <= 3 else "2", "netops.aci-calico/cluster": "prod1"},
            "annotations": {"projectcalico.org/ASNumber": "65003", "projectcalico.org/IPv4Address": address},
        }
        for number, address in enumerate(addresses, 1)
    ]
    assert {node["apiVersion"] for node in nodes} == {"v1"}


def test_worked_example_floating_peers():
    """One peer for each leaf, selected by the rack's label."""
    password = {"secretKeyRef": {"name": "bgp-secrets", "key": "rr-password"}}
    expected = {
        f"aci-leaf-{leaf}": {
            "peerIP": f"192.168.2.{leaf}",
            "asNumber": 65002,
            "nodeSelector": f'rack_id == "{rack}"',
            "password": password,
        }
        for rack, leaf in ((1, 201), (1, 202), (2, 203), (2, 204))
    }
    assert {peer["metadata"]["name"]: peer["spec"] for peer in of_kind(manifests(), "BGPPeer")} == expected


def test_worked_example_standard_peers():
    """Two peers for each node, in its own /29, and no selector."""
    peers = {peer["metadata"]["name"]: peer["spec"] for peer in of_kind(manifests("standard"), "BGPPeer")}
    assert len(peers) == 12
    assert {(spec["node"], spec["peerIP"]) for spec in peers.values()} == {
        (f"node-{number}", f"192.168.2.{8 * (number - 1) + host}") for number in range(1, 7) for host in (4, 5)
    }
    assert all("nodeSelector" not in spec for spec in peers.values())


def test_mesh_goes_off_last_and_peers_find_their_secret():
    kinds = [item["kind"] for item in manifests(aci_calico_bgp_filter=True)]
    expected = ["Node", "Secret", "Role", "RoleBinding", "IPPool", "BGPFilter", "BGPPeer", "BGPConfiguration"]
    assert list(dict.fromkeys(kinds)) == expected


def test_filter_rejects_what_was_learned_in_each_family():
    objects = manifests(aci_calico_bgp_filter=True, **DUAL_STACK)
    (bgp_filter,) = of_kind(objects, "BGPFilter")
    rules = [{"action": "Reject", "source": "RemotePeers"}]
    assert bgp_filter["spec"] == {"exportV4": rules, "exportV6": rules}
    assert {tuple(peer["spec"]["filters"]) for peer in of_kind(objects, "BGPPeer")} == {(bgp_filter["metadata"]["name"],)}


def test_dual_stack_has_both_families_everywhere():
    objects = manifests(**DUAL_STACK)
    annotations = of_kind(objects, "Node")[0]["metadata"]["annotations"]
    assert set(annotations) == {f"projectcalico.org/{name}" for name in ("ASNumber", "IPv4Address", "IPv6Address")}
    assert {pool["spec"]["blockSize"] for pool in of_kind(objects, "IPPool")} == {26, 122}
    configuration = objects[-1]["spec"]
    assert [entry["cidr"] for entry in configuration["serviceClusterIPs"]] == ["192.168.8.0/22", "2001:db8:8::/112"]
    assert len(of_kind(objects, "BGPPeer")) == 8


@pytest.mark.parametrize(("seconds", "written"), [(None, None), (20, "20s"), (90, "1m30s"), (120, "2m0s"), (3600, "1h0m0s")])
def test_the_restart_time_is_written_as_go_writes_it(seconds, written):
    peers = [one["spec"] for one in of_kind(manifests(aci_calico_bgp_restart_time=seconds), "BGPPeer")]
    assert {peer.get("maxRestartTime") for peer in peers} == {written}


def test_no_external_services_no_field():
    configuration = manifests(aci_calico_external_service_subnets=[])[-1]
    assert "serviceExternalIPs" not in configuration["spec"]
    assert "serviceLoadBalancerIPs" not in configuration["spec"]


def test_load_balancer_addresses_have_a_list_of_their_own():
    configuration = manifests(aci_calico_load_balancer_subnets=["192.168.7.0/24"])[-1]
    assert configuration["spec"]["serviceLoadBalancerIPs"] == [{"cidr": "192.168.7.0/24"}]
    assert configuration["spec"]["serviceExternalIPs"] == [{"cidr": "192.168.3.0/24"}]


def test_settings_of_single_pools():
    rack = {
        "cidr": "10.2.0.0/16",
        "disabled": True,
        "racks": ["1", "2"],
        "block_size": 24,
        "allowed_uses": ["Tunnel", "Workload"],
    }
    balanced = {"cidr": "192.168.7.0/26", "assignment_mode": "Manual"}
    objects = manifests(
        aci_calico_pod_subnets=["10.1.0.0/16", "10.2.0.0/16"],
        aci_calico_load_balancer_subnets=["192.168.7.0/26", "192.168.6.0/24"],
        aci_calico_pools=[{"cidr": "10.1.0.0/16", "node_selector": "!has(gpu)"}, rack, balanced],
    )
    plain = {"ipipMode": "Never", "vxlanMode": "Never", "natOutgoing": False}
    assert [(pool["metadata"]["name"], pool["spec"]) for pool in of_kind(objects, "IPPool")] == [
        ("default-ipv4-ippool", {"cidr": "10.1.0.0/16", "blockSize": 26, **plain, "nodeSelector": "!has(gpu)"}),
        (
            "ippool-10-2-0-0-16",
            {
                "cidr": "10.2.0.0/16",
                "blockSize": 24,
                **plain,
                "disabled": True,
                "nodeSelector": 'rack_id in { "1", "2" }',
                "allowedUses": ["Workload", "Tunnel"],
            },
        ),
        (
            "ippool-192-168-7-0-26",
            {"cidr": "192.168.7.0/26", "blockSize": 26, **plain, "allowedUses": ["LoadBalancer"], "assignmentMode": "Manual"},
        ),
    ]
    assert objects[-1]["spec"]["serviceLoadBalancerIPs"] == [{"cidr": "192.168.7.0/26"}, {"cidr": "192.168.6.0/24"}]


def test_the_plans_choices_reach_the_manifests():
    objects = manifests(
        aci_calico_calico_api_group="crd.projectcalico.org/v1",
        aci_calico_calico_namespace="calico-system",
        aci_calico_rack_label="example.com/rack",
        aci_calico_bgp_secret_name="fabric",
        aci_calico_bgp_secret_key="word",
        aci_calico_service_account="calico",
        aci_calico_block_size=27,
    )
    peer, pool = of_kind(objects, "BGPPeer")[0], of_kind(objects, "IPPool")[0]
    assert {item["apiVersion"] for item in objects if "Pool" in item["kind"] or "BGP" in item["kind"]} == {
        "crd.projectcalico.org/v1"
    }
    assert {item["metadata"]["namespace"] for item in objects if "namespace" in item["metadata"]} == {"calico-system"}
    assert peer["spec"]["nodeSelector"] == 'example.com/rack == "1"'
    assert peer["spec"]["password"]["secretKeyRef"] == {"name": "fabric", "key": "word"}
    assert of_kind(objects, "Role")[0]["rules"][0]["resourceNames"] == ["fabric"]
    assert of_kind(objects, "RoleBinding")[0]["subjects"][0]["name"] == "calico"
    assert pool["spec"]["blockSize"] == 27


def test_what_was_found_wins_over_auto():
    objects = kubernetes_objects(cluster_plan(worked_example()), "crd.projectcalico.org/v1", "calico-system")
    assert objects[-1]["apiVersion"] == "crd.projectcalico.org/v1"
    assert of_kind(objects, "Secret")[0]["metadata"]["namespace"] == "calico-system"


@pytest.mark.parametrize("svi", ["floating", "standard"])
def test_names_are_valid_in_kubernetes(svi):
    for item in manifests(svi, aci_calico_bgp_filter=True):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", item["metadata"]["name"])
        for value in item["metadata"].get("labels", {}).values():
            assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value)


def test_the_password_is_a_marker():
    text = yaml.safe_dump_all(manifests(aci_calico_bgp_password="only-in-the-vault"))
    assert "only-in-the-vault" not in text
    assert text.count("<secret:bgp_password>") == 1
