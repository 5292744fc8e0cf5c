"""The report as a whole: verdict, table, and what could not be read."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import STANDARD, Cluster, ids

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.report import progress, table, verdict


@pytest.mark.parametrize("variables", [{}, STANDARD])
@pytest.mark.parametrize("kubernetes", [True, False])
def test_a_healthy_cluster_has_no_findings(variables, kubernetes):
    report = Cluster(**variables).verify(kubernetes)
    assert report["findings"] == []
    assert report["ok"]
    assert not report["waiting"]
    assert progress(report) == "12/12 sessions established; all routes in place"
    assert verdict(report) == "cluster prod1: 12 of 12 sessions established, everything as planned"


def test_the_table_has_a_line_for_each_leaf(cluster):
    cluster.drop_session(203, "node-4")
    assert [line.split() for line in table(cluster.verify())] == [
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
