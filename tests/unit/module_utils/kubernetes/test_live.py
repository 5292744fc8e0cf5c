"""Kubernetes' and Calico's objects in short."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes import live as cluster_state
from ansible_collections.netops.aci_calico.plugins.module_utils.names import EXCLUDE_LABEL, SERVICE_NAME_LABEL


def node(name, labels=None, **status):
    return {"metadata": {"name": name, "labels": labels}, **({"status": status} if status else {})}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({}, None),
        ({"conditions": [{"type": "DiskPressure", "status": "False"}]}, None),
        ({"conditions": [{"type": "Ready", "status": "True"}]}, True),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}]}, False),
    ],
)
def test_readiness(status, ready):
    assert cluster_state.readiness([node("a", **status)]) == {"a": ready}


def test_nodes_that_announce_no_services():
    # kubeadm marks its control plane nodes with an empty label, which Calico does not heed.
    nodes = [node("a"), node("b", {EXCLUDE_LABEL: "true"}), node("c", {EXCLUDE_LABEL: ""})]
    assert cluster_state.excluded(nodes) == ["b"]


@pytest.mark.parametrize(
    ("change", "counts"), [({}, True), ({"state": "pending"}, False), ({"deleted": "true"}, False), ({"deleted": True}, False)]
)
def test_blocks_that_are_a_nodes_for_good(change, counts):
    spec = {"cidr": "10.1.0.0/26", "node": "a", "state": "confirmed", "deleted": "false", **change}
    assert cluster_state.blocks([{"spec": spec}]) == ([{"cidr": "10.1.0.0/26", "node": "a"}] if counts else [])


def service(**spec):
    return {"metadata": {"namespace": "shop", "name": "front"}, "spec": {"externalTrafficPolicy": "Local", **spec}}


def endpoints(*entries, name="front"):
    labels = {SERVICE_NAME_LABEL: name}
    return {"metadata": {"namespace": "shop", "name": f"{name}-x", "labels": labels}, "endpoints": list(entries)}


def test_a_local_service_and_the_nodes_of_its_ready_endpoints():
    slices = [
        endpoints({"nodeName": "a"}, {"nodeName": "b", "conditions": {"ready": True}}),
        endpoints({"nodeName": "c", "conditions": {"ready": False}}, {"addresses": ["10.1.0.1"]}),
        endpoints({"topology": {"kubernetes.io/hostname": "d"}}),
        endpoints({"nodeName": "e"}, name="other"),
    ]
    assert cluster_state.local_services([service(clusterIP="192.168.8.1")], slices) == [
        {
            "name": "shop/front",
            "addresses": {"service": ["192.168.8.1"], "external_service": [], "load_balancer": []},
            "nodes": ["a", "b", "d"],
        }
    ]


def test_every_address_of_a_service():
    full = service(clusterIP="192.168.8.1", clusterIPs=["192.168.8.1", "fd00::1"], externalIPs=["192.168.3.1"])
    full["status"] = {"loadBalancer": {"ingress": [{"ip": "192.168.3.2"}, {"hostname": "lb"}]}}
    found = cluster_state.local_services([full], [])
    assert found[0]["addresses"] == {
        "service": ["192.168.8.1", "fd00::1"],
        "external_service": ["192.168.3.1"],
        "load_balancer": ["192.168.3.2"],
    }


@pytest.mark.parametrize("spec", [{"externalTrafficPolicy": "Cluster"}, {"externalTrafficPolicy": None}])
def test_other_services_are_everybodys(spec):
    assert cluster_state.local_services([service(clusterIP="192.168.8.1", **spec)], []) == []


def test_a_headless_service_has_no_address():
    assert cluster_state.local_services([service(clusterIP="None")], [])[0]["addresses"]["service"] == []


def report(updated, state="Established"):
    return {
        "spec": {"node": "a"},
        "status": {
            "lastUpdated": updated,
            "bgp": {"peersV4": [{"peerIP": "192.168.2.201", "state": state, "type": "NodePeer"}]},
            "routes": {
                "routesV4": [
                    {
                        "destination": "10.1.1.0/26",
                        "interface": "eth0",
                        "learnedFrom": {"sourceType": "BGPPeer", "peerIP": "192.168.2.201"},
                    },
                    {"destination": "10.1.0.0/26"},
                ]
            },
        },
    }


def test_a_nodes_report():
    assert cluster_state.node_statuses([report("2026-01-01T00:00:00Z")]) == {
        "a": {
            "peers": {"192.168.2.201": {"state": "Established", "type": "NodePeer"}},
            "routes": [
                {"destination": "10.1.1.0/26", "source": "BGPPeer", "peer": "192.168.2.201", "interface": "eth0"},
                {"destination": "10.1.0.0/26", "source": "", "peer": "", "interface": ""},
            ],
            "updated": "2026-01-01T00:00:00Z",
        }
    }


def test_the_latest_report_counts_and_an_empty_one_does_not():
    reports = [report("2026-01-01T00:00:02Z", "Idle"), report("2026-01-01T00:00:01Z"), {"spec": {"node": "b"}}]
    found = cluster_state.node_statuses(reports)
    assert list(found) == ["a"]
    assert found["a"]["peers"]["192.168.2.201"]["state"] == "Idle"
