"""Each rule of the verification with its green and its red case, and the causes that it names."""

from __future__ import annotations

import pytest
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verification import explain, progress, table, verdict
from unit.plugin_utils.healthy_cluster import BLOCKS, LOCAL_SERVICE, RACKS, STANDARD, Cluster, ids

L3OUT = "uni/tn-common/out-calico-prod1"


@pytest.fixture
def cluster():
    return Cluster()


def only(report):
    """The one finding of a report."""
    assert len(report["findings"]) == 1, explain(report)
    return report["findings"][0]


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
