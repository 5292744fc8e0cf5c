"""Nodes that join by themselves behind a floating SVI: expected like planned ones, and named."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from unit.plugin_utils.healthy_cluster import BLOCKS, STANDARD, Cluster

from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.joined import joined_nodes
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.push import kubernetes_push

ADDRESS = "192.168.2.9"


@pytest.fixture
def cluster() -> Any:
    """Yield the cluster with node-9, which an autoscaler added to rack 1: its rack label is the kubelet's."""
    made = Cluster()
    annotations = {"projectcalico.org/IPv4Address": f"{ADDRESS}/24"}
    made.info["nodes"]["node-9"] = {"labels": {"rack_id": "1"}, "annotations": annotations}
    made.state["ready"]["node-9"] = True
    made.state["blocks"].append({"cidr": "10.1.9.0/26", "node": "node-9"})
    seen = copy.deepcopy(made.state["status"]["node-1"])
    own = {"destination": BLOCKS["node-1"], "source": "BGPPeer", "peer": next(iter(seen["peers"])), "interface": "eth0"}
    made.state["status"]["node-9"] = {**seen, "routes": [*seen["routes"][:5], own, *seen["routes"][6:]]}
    for node, status in made.state["status"].items():
        place = (
            {"source": "Static", "peer": "", "interface": "blackhole"}
            if node == "node-9"
            else {**own, "peer": next(iter(status["peers"]))}
        )
        status["routes"].append({**place, "destination": "10.1.9.0/26"})
    for leaf in (201, 202, 203, 204):
        near = leaf < 203
        made.routes(leaf)["10.1.9.0/26"] = made.hops("2", ("node-1",)) if not near else [{"address": ADDRESS, "type": "ebgp"}]
        if near:
            made.leaf(leaf)["sessions"].append(made.session(ADDRESS))
            for prefix in ("192.168.8.0/22", "192.168.3.0/24"):
                made.routes(leaf)[prefix].append({"address": ADDRESS, "type": "ebgp"})
    return made


def test_a_node_that_joined_by_itself_is_a_warning_alone(cluster: Any) -> None:
    report = cluster.verify()
    assert ([finding["id"] for finding in report["findings"]], report["ok"]) == (["node-joined"], True)
    assert {session["node"] for session in report["sessions"]} >= {"node-9"}


def test_its_sessions_are_expected(cluster: Any) -> None:
    cluster.leaf(202)["sessions"].pop()
    report = cluster.verify()
    assert not report["ok"]
    assert "node-9/202" in str(report["rules"])


@pytest.mark.parametrize("wrong", ["label", "asn", "address"])
def test_a_node_that_cannot_peer_is_none(cluster: Any, wrong: str) -> None:
    node = cluster.info["nodes"]["node-9"]
    if wrong == "label":
        node["labels"] = {}
    elif wrong == "asn":
        node["annotations"]["projectcalico.org/ASNumber"] = "64512"
    else:
        node["annotations"]["projectcalico.org/IPv4Address"] = "10.9.9.9/24"
    assert joined_nodes(cluster.plan, cluster.info) == []
    assert "session-stranger" in cluster.verify()["rules"]


def test_behind_a_standard_svi_no_node_joins_by_itself(cluster: Any) -> None:
    assert joined_nodes(Cluster(**STANDARD).plan, cluster.info) == []


def test_preflight_does_not_say_that_its_pods_cannot_be_reached(cluster: Any) -> None:
    found = {**cluster.info, "api_groups": [], "namespaces": []}
    (problem,) = [one for one in kubernetes_push(cluster.plan, found)["problems"] if one.id == "node-unplanned"]
    assert "it has joined by itself" in problem.problem
