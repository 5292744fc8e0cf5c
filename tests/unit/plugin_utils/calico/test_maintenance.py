"""Nodes out of service and back."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugin_utils.healthy_cluster import LOCAL_NODES, NODES, RACKS, Cluster

from ansible_collections.netops.aci_calico.plugins.module_utils.names import (
    BEFORE_MAINTENANCE_ANNOTATION,
    EXCLUDE_LABEL,
    LEAVES_OUT_ANNOTATION,
)
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.maintenance import (
    leaf_maintenance,
    leaves_out,
    node_maintenance,
    nodes_out,
)
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.report import table, verify
from lab.kube.objects import merge


def node(name, labels=None, unschedulable=None):
    """A Node object as Kubernetes keeps it: without what is empty."""
    metadata = {"name": name, "annotations": {"other": "1"}, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"unschedulable": True} if unschedulable else {}}


@pytest.fixture
def cluster():
    return Cluster()


def ask(cluster, names, begin=True, **changed):
    """The result for the healthy cluster with some nodes changed."""
    found = [changed.get(name.replace("-", ""), node(name)) for name in NODES]
    return node_maintenance(cluster.plan, found, cluster.state, names, begin)


def ids(result):
    return [problem.id for problem in result["problems"]]


def patched(before, result):
    """The node with its patch."""
    (patch,) = result["patched"]
    return merge(copy.deepcopy(before), patch)


def test_a_node_is_cordoned_and_announces_nothing(cluster):
    result = ask(cluster, ["node-2"])
    assert ids(result) == []
    after = patched(node("node-2"), result)
    assert after["metadata"]["labels"] == {EXCLUDE_LABEL: "true"}
    assert after["spec"] == {"unschedulable": True}
    assert result["differences"]["node-2"]["after"]["spec"] == {"unschedulable": True}


def test_services_that_cannot_be_read_are_told(cluster):
    cluster.state["local_services"] = None
    cluster.state["failures"] = [{"path": "/api/v1/services", "status": 403, "message": "services is forbidden"}]
    result = ask(cluster, ["node-2"])
    assert ids(result) == ["not-checked"]
    assert "services is forbidden" in result["problems"][0].problem
    assert result["patched"]


def test_nothing_is_left_to_do_for_a_node_that_is_out_of_service(cluster):
    after = patched(node("node-2"), ask(cluster, ["node-2"]))
    again = ask(cluster, ["node-2"], node2=after)
    assert (again["patched"], again["differences"]) == ([], {})


def test_what_somebody_undid_meanwhile_is_done_again(cluster):
    after = patched(node("node-2"), ask(cluster, ["node-2"]))
    after["spec"] = {}
    (patch,) = ask(cluster, ["node-2"], node2=after)["patched"]
    assert patch["spec"] == {"unschedulable": True}
    assert patch["metadata"]["annotations"] == {
        BEFORE_MAINTENANCE_ANNOTATION: after["metadata"]["annotations"][BEFORE_MAINTENANCE_ANNOTATION]
    }


@given(label=st.sampled_from([None, "", "true", "false"]), cordoned=st.booleans())
def test_the_end_is_as_the_beginning(label, cordoned):
    cluster = Cluster()
    before = node("node-2", None if label is None else {EXCLUDE_LABEL: label, "other": "2"}, cordoned)
    during = patched(before, ask(cluster, ["node-2"], node2=before))
    after = patched(during, ask(cluster, ["node-2"], begin=False, node2=during))
    if label is None:
        assert after["metadata"].pop("labels") == {}
    assert after == before


def test_a_node_that_others_cordoned_is_left_alone_at_the_end(cluster):
    result = ask(cluster, ["node-2"], begin=False, node2=node("node-2", unschedulable=True))
    assert (ids(result), result["patched"]) == (["maintenance-not-begun"], [])


def test_names_that_are_no_nodes(cluster):
    result = ask(cluster, ["node-7", "nod-1"])
    assert [(problem.id, problem.path) for problem in result["problems"]] == [
        ("maintenance-node-unknown", "node_maintenance_nodes[0]"),
        ("maintenance-node-unknown", "node_maintenance_nodes[1]"),
    ]
    assert result["problems"][1].remedy == "Did you mean node-1?"
    assert result["patched"] == []
    assert ids(ask(cluster, [])) == ["maintenance-nodes"]


def test_a_node_that_kubernetes_does_not_have(cluster):
    result = node_maintenance(cluster.plan, [node("node-1")], cluster.state, ["node-2"])
    assert ids(result) == ["maintenance-node-missing"]


def test_the_last_node_in_service_stays(cluster):
    assert ids(ask(cluster, list(NODES))) == ["maintenance-last-node"]
    cluster.state["ready"] |= dict.fromkeys(("node-2", "node-3", "node-4"), False)
    cluster.state["excluded"] = ["node-5"]
    result = ask(cluster, ["node-1"], node6=node("node-6", unschedulable=True))
    assert ids(result) == ["maintenance-last-node"]
    assert result["patched"] == []


def test_what_is_lost_with_the_nodes_is_said(cluster):
    result = ask(cluster, list(RACKS["1"]))
    assert ids(result) == ["maintenance-rack"]
    assert len(result["patched"]) == 3
    cluster.state["local_services"][0]["nodes"] = ["node-2"]
    assert ids(ask(cluster, ["node-2"])) == ["maintenance-only-endpoints"]
    assert ids(ask(cluster, ["node-1"])) == []
    out = patched(node("node-6"), ask(cluster, ["node-6"]))
    assert ids(ask(cluster, ["node-1"], node6=out)) == ["maintenance-others"]


# --- leaves ----------------------------------------------------------------------------------------------------------


def test_a_leaf_is_marked_at_the_nodes_of_its_rack(cluster):
    found = [node(name) for name in NODES]
    change = leaf_maintenance(cluster.plan, found, [201, 203], True)
    assert [patch["metadata"]["name"] for patch in change["patched"]] == list(NODES)
    marked = [merge(copy.deepcopy(one), patch) for one, patch in zip(found, change["patched"], strict=True)]
    assert [one["metadata"]["annotations"][LEAVES_OUT_ANNOTATION] for one in marked] == ["201"] * 3 + ["203"] * 3
    assert (leaves_out(marked), nodes_out(marked)) == ([201, 203], [])
    assert leaf_maintenance(cluster.plan, marked, [201], True)["differences"] == {}
    both = leaf_maintenance(cluster.plan, marked, [202], True)["patched"]
    assert {patch["metadata"]["annotations"][LEAVES_OUT_ANNOTATION] for patch in both} == {"201,202"}
    ended = leaf_maintenance(cluster.plan, marked, [201], False)
    assert list(ended["differences"]) == list(RACKS["1"])
    assert merge(copy.deepcopy(marked[0]), ended["patched"][0]) == found[0]


def test_the_mark_of_a_leaf_ends_also_at_a_node_that_left_the_plan(cluster):
    found = [node("node-1"), node("gone-1")]
    found[1]["metadata"]["annotations"][LEAVES_OUT_ANNOTATION] = "201"
    assert [patch["metadata"]["name"] for patch in leaf_maintenance(cluster.plan, found, [201], True)["patched"]] == ["node-1"]
    (patch,) = leaf_maintenance(cluster.plan, found, [201], False)["patched"]
    assert (patch["metadata"]["name"], patch["metadata"]["annotations"]) == ("gone-1", {LEAVES_OUT_ANNOTATION: None})


# --- what the leaves say ---------------------------------------------------------------------------------------------


def drained(cluster, *names):
    return verify(cluster.plan, cluster.aci, None, "drained", list(names))


def test_leaves_that_still_balance_over_a_node(cluster):
    report = drained(cluster, "node-2")
    (finding,) = report["findings"]
    assert (finding["id"], finding["nodes"], finding["leaves"]) == ("drained-node-announced", ["node-2"], [201, 202])
    assert finding["what"] == "192.168.3.0/24, 192.168.8.0/22 still lead to node-2"
    assert report["waiting"]
    assert table(report) == [], "there are no racks in this report"


def test_leaves_that_do_not(cluster):
    services = [prefix for prefix in cluster.aci["leaves"]["201"]["routes"]["ipv4"] if prefix.startswith("192.168.")]
    for leaf, rack in (("201", "1"), ("202", "1")):
        others = [name for name in RACKS[rack] if name != "node-2"]
        for prefix in services:
            cluster.aci["leaves"][leaf]["routes"]["ipv4"][prefix] = cluster.hops(rack, others)
    assert drained(cluster, "node-2")["ok"]
    assert not drained(cluster, "node-2", LOCAL_NODES[0])["ok"]
