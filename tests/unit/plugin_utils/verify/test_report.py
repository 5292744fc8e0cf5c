"""The report as a whole: verdict, table, and what could not be read."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import LOCAL_SERVICE, STANDARD, Cluster, ids

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify import report as reports


@pytest.mark.parametrize("variables", [{}, STANDARD])
@pytest.mark.parametrize("kubernetes", [True, False])
def test_a_healthy_cluster_has_no_findings(variables, kubernetes):
    report = Cluster(**variables).verify(kubernetes)
    assert report["findings"] == []
    assert report["ok"]
    assert not report["waiting"]
    assert reports.progress(report) == "12/12 sessions established; all routes in place"
    assert reports.verdict(report) == "cluster prod1: 12 of 12 sessions established, everything as planned"


def test_the_table_has_a_line_for_each_leaf(cluster):
    cluster.drop_session(203, "node-4")
    assert [line.split() for line in reports.table(cluster.verify())] == [
        ["rack", "leaf", "nodes", "sessions", "pod", "blocks", "services", "accepted"],
        ["1", "201", "3", "3/3", "6/6", "3/3", "12"],
        ["1", "202", "3", "3/3", "6/6", "3/3", "12"],
        ["2", "203", "3", "2/3", "5/6", "3/3", "8"],
        ["2", "204", "3", "3/3", "6/6", "3/3", "12"],
    ]


def test_what_cannot_be_read_is_a_warning(cluster):
    path = "/api/v1/namespaces/calico-system/secrets/bgp-secrets"
    cluster.info["failures"] = [{"path": path, "status": 403, "message": "forbidden"}]
    cluster.info["objects"].remove(cluster.manifest("Secret"))
    report = cluster.verify()
    assert ids(report) == ["unreadable"]
    assert report["ok"]


def test_a_node_that_does_not_report_is_waited_for(cluster):
    del cluster.state["status"]["node-6"]
    report = cluster.verify()
    assert ids(report) == ["node-status-missing"]
    assert report["ok"]
    assert report["waiting"]


def test_without_the_permission_to_ask_for_reports_nobody_waits(cluster):
    path = "/apis/projectcalico.org/v3/caliconodestatuses"
    cluster.state["failures"] = [{"path": path, "status": 403, "message": "forbidden"}]
    cluster.state["status"] = {}
    assert not cluster.verify()["waiting"]


def test_findings_as_text(cluster):
    for leaf, node in ((203, "node-4"), (203, "node-5"), (204, "node-4")):
        cluster.seen(leaf, node)["password"] = False
    cluster.leaf(201)["lpm"]["used"] = 17000
    cluster.info["nodes"]["node-1"]["labels"]["rack_id"] = "2"
    cluster.drop_session(201, "node-1")
    report = cluster.verify()
    text = reports.explain(report)
    assert text[:5] == [
        "",
        "1. error: node-1: label rack_id is 2, not 1 [rack-label]",
        "   where:  rack 1, node-1",
        "   cause:  The label selects the leaves that the node peers with: it peers with",
        "           those of another rack, or with none.",
    ]
    assert "   seen:   and 1 more" in text
    assert "   where:  rack 2, leaves 203, 204, node-4, node-5" in text
    assert reports.in_short(report)[-1] == "leaf 201 uses 17000 of 20000 LPM entries [lpm-usage]"
    assert reports.verdict(report) == "cluster prod1: 11 of 12 sessions established, 2 errors, 1 warning"


def test_a_warning_leaves_everything_as_planned(cluster):
    cluster.leaf(201)["lpm"]["used"] = 17000
    assert reports.verdict(cluster.verify()).endswith(", everything as planned, 1 warning")


def test_a_report_on_drained_nodes(cluster):
    report = reports.verify(cluster.plan, cluster.aci, None, "drained", ["node-6"])
    still = f"192.168.3.0/24, 192.168.8.0/22, {LOCAL_SERVICE}/32 still lead to node-6"
    assert (reports.progress(report), report["racks"]) == (still, [])
    for leaf in cluster.aci["leaves"].values():
        leaf["routes"] = {}
    report = reports.verify(cluster.plan, cluster.aci, None, "drained", ["node-6"])
    assert reports.verdict(report) == "cluster prod1: no leaf sends services' traffic to the drained nodes"
