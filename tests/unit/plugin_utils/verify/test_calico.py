"""Findings of Calico's configuration, and the symptoms that they explain."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import BLOCKS, LEAVES, RACKS, Cluster, ids, only

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.report import verify

STRANGE = "172.31.0.0/16"


def test_a_wrong_rack_label_explains_sessions_and_routes(cluster):
    cluster.info["nodes"]["node-1"]["labels"]["rack_id"] = "2"
    for leaf in (201, 202):
        cluster.drop_session(leaf, "node-1")
        cluster.routes(leaf)[BLOCKS["node-1"]] = cluster.hops("1", ["node-4"])
    for leaf in (203, 204):
        cluster.leaf(leaf)["sessions"].append(cluster.session("node-1"))
        cluster.routes(leaf)[BLOCKS["node-1"]] = [{"address": "192.168.2.1", "type": "ebgp"}]
        cluster.routes(leaf)["192.168.8.0/22"].append({"address": "192.168.2.1", "type": "ebgp"})
    cluster.state["status"]["node-1"]["peers"] = {
        address: {"state": "Established", "type": "NodePeer"} for address in ("192.168.2.203", "192.168.2.204")
    }
    report = cluster.verify()
    finding = only(report)
    assert (finding["id"], finding["nodes"]) == ("rack-label", ["node-1"])
    assert finding["what"] == "node-1: label rack_id is 2, not 1"
    assert not report["waiting"]


@pytest.mark.parametrize(
    ("annotation", "value", "cause"),
    [("projectcalico.org/ASNumber", "64512", "node-asn"), ("projectcalico.org/IPv4Address", "10.9.9.9/24", "node-address")],
)
def test_a_nodes_annotations(cluster, annotation, value, cause):
    cluster.info["nodes"]["node-5"]["annotations"][annotation] = value
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"], finding["rack"]) == (cause, ["node-5"], "2")


def test_a_node_that_came_by_itself_has_the_configurations_as_number(cluster):
    del cluster.info["nodes"]["node-5"]["annotations"]["projectcalico.org/ASNumber"]
    assert cluster.verify()["findings"] == []
    del cluster.manifest("BGPConfiguration")["spec"]["asNumber"]
    assert only(cluster.verify())["id"] == "node-asn"


def test_a_node_that_left_kubernetes_and_still_runs_bgp(cluster):
    del cluster.info["nodes"]["node-3"]
    report = cluster.verify()
    assert (only(report)["id"], only(report)["severity"], report["ok"]) == ("node-pending", "warning", True)
    assert len(report["sessions"]) == 12


def test_sessions_of_a_pending_node_are_not_expected(cluster):
    del cluster.info["nodes"]["node-3"]
    for leaf in (201, 202):
        cluster.drop_session(leaf, "node-3")
    report = cluster.verify()
    assert len(report["sessions"]) == 10
    assert not {"session-missing", "node-status-missing"} & set(report["rules"])
    assert verify(cluster.plan, cluster.aci, None, only="sessions", pending=["node-3"])["ok"]
    assert not verify(cluster.plan, cluster.aci, None, only="sessions")["ok"]


def test_unreadable_nodes_are_not_pending(cluster):
    cluster.info["nodes"] = {}
    cluster.info["failures"] = [{"path": "/api/v1/nodes", "status": 403, "message": "no"}]
    assert len(cluster.verify()["sessions"]) == 12


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"environment": {"AS": "64512"}}, "asn-variable"),
        ({"installation": {"version": "3.32.1"}}, "not-ready-announced"),
        ({"installation": {"routing": "felix"}}, "routes-by-felix"),
        ({"installation": {"data_plane": "vpp"}}, "vpp"),
    ],
)
def test_settings_that_undo_the_plan(cluster, changes, finding):
    cluster.info.update(changes)
    assert only(cluster.verify())["id"] == finding


def test_detection_explains_a_wrong_address(cluster):
    cluster.info["environment"] = {"IP": "autodetect"}
    cluster.info["nodes"]["node-3"]["annotations"]["projectcalico.org/IPv4Address"] = "10.9.9.9/24"
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"]) == ("address-detection", ["node-3"])


def test_configuration_that_undoes_the_plan(cluster):
    cluster.manifest("BGPConfiguration")["spec"]["listenPort"] = 1179
    assert only(cluster.verify())["id"] == "listen-port"


def test_load_balancers_without_aggregation():
    cluster = Cluster(aci_calico_load_balancer_subnets=["10.4.0.0/16"])
    cluster.manifest("BGPConfiguration")["spec"]["serviceLoadBalancerAggregation"] = "Disabled"
    assert "load-balancer-aggregation" in cluster.verify()["rules"]


def test_a_windows_node(cluster):
    cluster.info["nodes"]["node-3"]["labels"]["kubernetes.io/os"] = "windows"
    assert only(cluster.verify())["id"] == "windows-node"


def test_the_mesh_explains_sessions_between_nodes(cluster):
    cluster.manifest("BGPConfiguration")["spec"].pop("nodeToNodeMeshEnabled")
    cluster.state["status"]["node-1"]["peers"]["192.168.2.4"] = {"state": "Established", "type": "NodeMesh"}
    finding = only(cluster.verify())
    assert finding["id"] == "mesh-on"
    assert "node-1 meshes with 192.168.2.4" in finding["evidence"]


@pytest.mark.parametrize(
    ("kind", "change", "cause"),
    [
        ("IPPool", {"ipipMode": "Always"}, "pool-encapsulation"),
        ("IPPool", {"vxlanMode": "CrossSubnet"}, "pool-encapsulation"),
        ("IPPool", {"natOutgoing": True}, "pool-nat"),
        ("IPPool", {"blockSize": 28}, "pool-differs"),
        ("IPPool", {"disabled": True, "nodeSelector": "!has(gpu)"}, None),
        ("BGPPeer", {"nodeSelector": "all()"}, "cross-rack-peer"),
        ("BGPPeer", {"nodeSelector": 'rack_id == "9"'}, "bgppeer-differs"),
        ("BGPPeer", {"asNumber": 65099}, "bgppeer-differs"),
        ("BGPPeer", {"peerIP": "192.168.2.99"}, "bgppeer-differs"),
        ("BGPPeer", {"password": None}, "bgppeer-password"),
        ("BGPPeer", {"password": {"secretKeyRef": {"name": "other", "key": "rr-password"}}}, "bgppeer-password"),
        ("BGPPeer", {"keepaliveTime": "10s"}, "bgppeer-keepalive"),
        ("BGPPeer", {"keepaliveTime": "1m30s"}, "bgppeer-keepalive"),
        ("BGPPeer", {"keepaliveTime": "1s"}, None),
    ],
)
def test_a_changed_object(cluster, kind, change, cause):
    cluster.manifest(kind)["spec"].update(change)
    assert ids(cluster.verify()) == ([cause] if cause else [])


def test_a_peer_that_was_taken_over_is_the_planned_one(cluster):
    peer = cluster.manifest("BGPPeer")
    peer["metadata"]["name"] = "tor-a"
    assert cluster.verify()["ok"]
    peer["spec"]["asNumber"] = 65099
    assert ids(cluster.verify()) == ["bgppeer-differs"]


def test_fields_of_a_pool_that_are_left_out_have_their_defaults(cluster):
    spec = cluster.manifest("IPPool")["spec"]
    for field in ("ipipMode", "vxlanMode", "natOutgoing"):
        spec.pop(field)
    assert cluster.verify()["ok"]


@pytest.mark.parametrize(
    ("said", "held", "cause"),
    [
        ({"disabled": True}, {}, ["pool-differs"]),
        ({"disabled": False}, {}, []),
        ({"node_selector": "!has(gpu)"}, {}, ["pool-differs"]),
        ({"allowed_uses": ["Workload", "Tunnel"]}, {}, []),
        ({"assignment_mode": "Manual"}, {"assignmentMode": "Manual"}, []),
    ],
)
def test_settings_of_a_pool_that_the_plan_names(cluster, said, held, cause):
    cluster.plan["calico"]["pools"][0].update(said)
    cluster.manifest("IPPool")["spec"].update(held)
    assert ids(cluster.verify()) == cause


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("IPPool", "pool-missing"),
        ("Secret", "secret-missing"),
        ("RoleBinding", "secret-unreadable"),
        ("BGPFilter", "bgpfilter-missing"),
    ],
)
def test_a_missing_object(kind, cause):
    cluster = Cluster(aci_calico_bgp_filter=True)
    cluster.remove(kind)
    assert only(cluster.verify())["id"] == cause


@pytest.mark.parametrize(
    ("kind", "spec", "cause"),
    [
        ("IPPool", {"cidr": STRANGE}, "foreign-prefix"),
        ("IPPool", {"cidr": STRANGE, "disableBGPExport": True}, None),
        ("IPPool", {"cidr": "10.1.64.0/20"}, None),
        ("IPPool", {"cidr": "10.1.64.0/20", "ipipMode": "Always"}, "pool-encapsulation"),
        ("BGPPeer", {"peerIP": "192.168.2.203", "nodeSelector": 'rack_id == "1"'}, "cross-rack-peer"),
        ("BGPPeer", {"peerIP": "192.168.2.203", "node": "node-1"}, "cross-rack-peer"),
        ("BGPPeer", {"peerIP": "192.168.2.203"}, "cross-rack-peer"),
        ("BGPPeer", {"peerIP": "192.168.2.203", "nodeSelector": 'rack_id == "2"'}, "bgppeer-extra"),
        ("BGPPeer", {"peerIP": "192.168.2.203", "nodeSelector": "rack_id in {'1'}"}, "bgppeer-extra"),
        ("BGPPeer", {"peerIP": "172.16.0.1", "asNumber": 65500}, "bgppeer-extra"),
        ("BGPPeer", {"nodeSelector": "all()", "peerSelector": "has(route-reflector)"}, "bgppeer-extra"),
    ],
)
def test_an_object_that_is_not_planned(cluster, kind, spec, cause):
    cluster.info["objects"].append({"kind": kind, "metadata": {"name": "other"}, "spec": spec})
    assert ids(cluster.verify()) == ([cause] if cause else [])


def test_a_foreign_prefix_among_the_advertised_subnets(cluster):
    cluster.manifest("BGPConfiguration")["spec"]["serviceExternalIPs"].append({"cidr": STRANGE})
    finding = only(cluster.verify())
    assert (finding["id"], finding["prefix"]) == ("foreign-prefix", STRANGE)


def test_a_service_subnet_that_is_not_advertised_explains_its_routes(cluster):
    cluster.manifest("BGPConfiguration")["spec"]["serviceClusterIPs"] = []
    for leaf in LEAVES:
        del cluster.routes(leaf)["192.168.8.0/22"]
    finding = only(cluster.verify())
    assert finding["id"] == "service-cidr-missing"
    assert len(finding["evidence"]) == 4


def test_a_cross_rack_peer_explains_the_session(cluster):
    spec = {"peerIP": "192.168.2.203", "asNumber": 65002, "node": "node-1"}
    cluster.info["objects"].append({"kind": "BGPPeer", "metadata": {"name": "other"}, "spec": spec})
    cluster.leaf(203)["sessions"].append(cluster.session("node-1"))
    cluster.state["status"]["node-1"]["peers"]["192.168.2.203"] = {"state": "Established", "type": "NodePeer"}
    cluster.routes(203)[BLOCKS["node-1"]] = [{"address": "192.168.2.1", "type": "ebgp"}]
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"], finding["leaves"]) == ("cross-rack-peer", ["node-1"], [203])
    assert len(finding["evidence"]) == 3


def test_a_missing_bgppeer_explains_its_sessions(cluster):
    cluster.remove("BGPPeer", "aci-leaf-201")
    for node in RACKS["1"]:
        cluster.drop_session(201, node)
        del cluster.state["status"][node]["peers"]["192.168.2.201"]
    finding = only(cluster.verify())
    assert (finding["id"], finding["leaves"]) == ("bgppeer-missing", [201])
    assert "node-1/201: leaf 201 knows no session with 192.168.2.1" in finding["evidence"]


def test_a_role_may_grant_more_than_planned_but_not_less(cluster):
    rule = cluster.manifest("Role")["rules"][0]
    del rule["resourceNames"]
    rule["verbs"] = ["*"]
    assert cluster.verify()["ok"]
    rule["verbs"] = ["get"]
    assert only(cluster.verify())["id"] == "secret-unreadable"


def test_a_filter_that_lets_learned_routes_through():
    cluster = Cluster(aci_calico_bgp_filter=True)
    cluster.manifest("BGPFilter")["spec"]["exportV4"][0]["action"] = "Accept"
    assert only(cluster.verify())["id"] == "bgpfilter-missing"
