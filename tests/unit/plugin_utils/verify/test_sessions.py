"""Findings of sessions, and the symptoms that they explain."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import BLOCKS, LEAVES, RACKS, STANDARD, Cluster, ids, only, set_attribute

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.report import progress, verdict, verify


def test_a_missing_session_takes_its_routes_along(cluster):
    cluster.drop_session(201, "node-1")
    report = cluster.verify(kubernetes=False)
    finding = only(report)
    assert (finding["id"], finding["nodes"], finding["leaves"]) == ("session-missing", ["node-1"], [201])
    assert any("192.168.8.0/22 has 2 of 3 next hops on leaf 201" in text for text in finding["evidence"])
    assert report["waiting"]
    assert progress(report) == "11/12 sessions established (waiting for node-1/201)"


def test_one_node_of_many_behind_a_peer_is_no_matter_of_the_password(cluster):
    for leaf in (201, 202):
        cluster.drop_session(leaf, "node-1")
        cluster.peer("node-1", f"192.168.2.{leaf}")["state"] = "Connect"
    assert only(cluster.verify())["id"] == "session-missing"


def test_one_node_with_a_peer_of_its_own_may_have_another_password():
    cluster = Cluster(**STANDARD)
    for leaf in (201, 202):
        cluster.drop_session(leaf, "node-1")
    for peer in cluster.state["status"]["node-1"]["peers"].values():
        peer["state"] = "Connect"
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"]) == ("password-differs", ["node-1"])
    assert "Ping the leaf" in finding["remedy"]


def test_a_leaf_that_is_cut_off(cluster):
    cluster.leaf(204)["sessions"].clear()
    cluster.routes(204).clear()
    for node in RACKS["2"]:
        cluster.peer(node, "192.168.2.204")["state"] = "Connect"
    finding = only(cluster.verify())
    assert (finding["id"], finding["leaves"]) == ("leaf-silent", [204])
    assert finding["what"] == "leaf 204 has neither a session nor a route of another leaf"


def test_a_dead_node_is_not_taken_for_a_wrong_password(cluster):
    for leaf in (201, 202):
        cluster.drop_session(leaf, "node-2")
    for leaf in (203, 204):
        del cluster.routes(leaf)[BLOCKS["node-2"]]
    assert ids(cluster.verify(kubernetes=False)) == ["session-missing"]
    cluster.state["ready"]["node-2"] = False
    del cluster.state["status"]["node-2"]
    finding = cluster.verify()["findings"][0]
    assert (finding["id"], finding["severity"]) == ("node-not-ready", "error")
    assert any("node-2/202" in text for text in finding["evidence"])


@pytest.mark.parametrize("seen", ["nothing", "connect", "active"])
def test_a_password_that_differs_on_the_leaf(cluster, seen):
    for node in RACKS["1"]:
        if seen == "nothing":
            cluster.drop_session(201, node)
        else:
            cluster.seen(201, node)["state"] = seen
        cluster.peer(node, "192.168.2.201")["state"] = "Connect"
    report = cluster.verify()
    finding = only(report)
    assert finding["id"] == "password-differs"
    assert finding["leaves"] == [201]
    assert finding["nodes"] == list(RACKS["1"])
    assert "MD5" in finding["cause"]


def test_a_rotation_that_is_not_finished_explains_its_leaves(cluster):
    cluster.info |= {"password_matches": False, "secret_keys": ["rr-password", "rr-password-next"]}
    cluster.manifest("BGPPeer")["spec"]["password"]["secretKeyRef"]["key"] = "rr-password-next"
    for node in RACKS["1"]:
        cluster.drop_session(202, node)
    assert only(cluster.verify())["id"] == "rotation-unfinished"


def test_a_password_that_differs_in_kubernetes(cluster):
    cluster.info["password_matches"] = False
    for leaf in LEAVES:
        for session in cluster.leaf(leaf)["sessions"]:
            session["state"] = "connect"
    report = cluster.verify()
    assert ids(report) == ["password-differs"]
    assert not report["waiting"]
    assert "has another password than the inventory" in report["findings"][0]["what"]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"state": "open-confirm"}, "session-refused"),
        ({"local_asn": 65000}, "session-asn"),
        ({"remote_asn": 65000}, "session-asn"),
        ({"keepalive": 60, "hold": 180}, "session-timers"),
        ({"graceful_restart": False}, "session-graceful-restart"),
        ({"password": False}, "session-password"),
        ({"state": "idle", "shut_reason": "exceeded-pfxlimit"}, "prefix-limit-exceeded"),
    ],
)
def test_a_session_that_is_not_as_planned(cluster, change, cause):
    cluster.seen(202, "node-3").update(change)
    finding = only(cluster.verify(kubernetes=False))
    assert (finding["id"], finding["nodes"], finding["leaves"]) == (cause, ["node-3"], [202])


def test_timers_at_default_explain_what_was_negotiated(cluster):
    for name, value in (("kaIntvl", "60"), ("holdIntvl", "180")):
        set_attribute(cluster, "bgpCtxPol", name, value)
    for leaf in LEAVES:
        for session in cluster.leaf(leaf)["sessions"]:
            session.update(keepalive=60, hold=180)
    finding = only(cluster.verify())
    assert finding["id"] == "timers"
    assert "node-6/204: timers are 60 s/180 s, not 1 s/3 s" in finding["evidence"]


def test_a_leaf_whose_bgp_is_down_or_missing(cluster):
    cluster.leaf(204)["up"] = False
    assert only(cluster.verify())["what"] == "BGP of leaf 204 is down"
    del cluster.aci["leaves"]["204"]
    report = cluster.verify(kubernetes=False)
    assert "leaf-silent" in ids(report)
    assert not any("node-4/204" in finding["what"] for finding in report["findings"])
    assert report["racks"][3]["services"] == [0, 2]
    report = established(cluster)
    assert ids(report) == ["leaf-silent"]
    assert report["waiting"]


def test_a_fault_of_a_session_belongs_to_it(cluster):
    dn = "topology/pod-1/node-201/sys/bgp/inst/dom-common:calico/peer-[192.168.2.0/24]/ent-[192.168.2.1]/fault-F1215"
    cluster.aci["faults"] = [{"code": "F1215", "severity": "major", "descr": "too many", "dn": dn}]
    assert only(cluster.verify())["id"] == "session-fault"
    cluster.seen(201, "node-1")["state"] = "open-sent"
    assert only(cluster.verify(kubernetes=False))["id"] == "session-refused"


def established(cluster):
    """Return the report on the sessions only, for which the module reads nothing else."""
    for leaf in cluster.aci["leaves"].values():
        leaf["routes"] = {family: {} for family in leaf["routes"]}
    return verify(cluster.plan, {**cluster.aci, "objects": {}}, None, only="sessions")


def test_with_sessions_only_established_sessions_are_enough(cluster):
    cluster.seen(201, "node-1")["hold"] = 180
    cluster.leaf(203)["sessions"].append(cluster.session("node-1"))
    cluster.leaf(203)["sessions"].append(cluster.session("192.168.2.66", remote_asn=65066))
    report = established(cluster)
    assert report["ok"]
    assert report["findings"] == report["racks"] == []
    assert progress(report) == "12/12 sessions established"
    assert verdict(report) == "cluster prod1: 12 of 12 sessions established"


def test_with_sessions_only_each_session_counts(cluster):
    cluster.drop_session(203, "node-4")
    cluster.seen(201, "node-1")["state"] = "open-sent"
    report = established(cluster)
    assert set(report["rules"]) >= {"session-missing", "session-refused"}
    assert (report["ok"], report["waiting"]) == (False, True)
    assert progress(report) == "10/12 sessions established (waiting for node-1/201, node-4/203)"


def test_with_sessions_only_no_leaf_is_reported_as_cut_off(cluster):
    """Only its routes, which were not read, would show that."""
    for node in RACKS["2"]:
        cluster.drop_session(204, node)
    assert "leaf-silent" not in established(cluster)["rules"]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (("node-1", {}), ("session-cross-rack", ["node-1"], [203])),
        (("192.168.2.66", {"remote_asn": 65066}), ("session-stranger", [], [203])),
        (("192.168.2.66", {"state": "idle"}), None),
        (("172.16.0.1", {"remote_asn": 65500}), None),
        (("10.0.0.4", {"remote_asn": 65500}), None),
    ],
)
def test_a_session_that_is_not_planned(cluster, session, expected):
    address, changes = session
    cluster.leaf(203)["sessions"].append(cluster.session(address, **changes))
    found = [(one["id"], one["nodes"], one["leaves"]) for one in cluster.verify()["findings"]]
    assert found == ([expected] if expected else [])


def test_a_session_that_the_node_sees_down(cluster):
    cluster.peer("node-2", "192.168.2.202")["state"] = "Connect"
    report = cluster.verify()
    assert only(report)["id"] == "calico-session-down"
    assert report["waiting"]


def test_a_node_with_unplanned_peers(cluster):
    peers = cluster.state["status"]["node-2"]["peers"]
    peers["192.168.2.203"] = {"state": "Connect", "type": "GlobalPeer"}
    peers["172.16.0.1"] = {"state": "Established", "type": "NodePeer"}
    assert set(ids(cluster.verify())) == {"session-cross-rack", "session-stranger"}
