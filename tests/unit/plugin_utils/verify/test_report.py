"""Each rule of the verification with its green and its red case, and the causes that it names."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import BLOCKS, LEAVES, LOCAL_SERVICE, RACKS, STANDARD, Cluster, ids

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.report import (
    explain,
    progress,
    table,
    verdict,
    verify,
)

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


# --- the fabric's configuration ---


def set_attribute(cluster, cls, name, value):
    """Change a property of all objects of a class."""
    for attributes in cluster.objects(cls).values():
        attributes[name] = value


@pytest.mark.parametrize(
    ("cls", "name", "value", "cause"),
    [
        ("bgpPeerP", "ctrl", "dis-peer-as-check", "as-override-off"),
        ("bgpPeerP", "ctrl", "as-override", "peer-as-check-on"),
        ("bgpCtxPol", "kaIntvl", "60", "timers"),
        ("bgpCtxPol", "maxAsLimit", "0", "as-limit"),
        ("bgpCtxPol", "grCtrl", "", "graceful-restart-off"),
        ("bgpRsBgpNodeCtxPol", "tnBgpCtxPolName", "", "timers"),
        ("bgpBestPathCtrlPol", "ctrl", "", "as-path-relax-off"),
        ("bgpCtxAfPol", "maxEcmp", "1", "ecmp"),
        ("bgpCtxAfPol", "maxEcmpIbgp", "16", "ecmp"),
        ("l3extOut", "enforceRtctrl", "export", "import-control-off"),
        ("rtctrlCtxP", "action", "deny", "import-prefix-missing"),
        ("bgpAsP", "asn", "65099", "peer-asn"),
        ("l3extVirtualLIfP", "mtu", "1500", "aci-differs"),
    ],
)
def test_a_changed_setting_is_named(cluster, cls, name, value, cause):
    set_attribute(cluster, cls, name, value)
    report = cluster.verify()
    assert cause in ids(report)
    assert not report["ok"]
    assert not report["waiting"], "time does not heal a setting"


@pytest.mark.parametrize(
    ("cls", "cause"),
    [
        ("l3extIp", "secondary-address"),
        ("bgpProtP", "timers"),
        ("bgpRsBestPathCtrlPol", "as-path-relax-off"),
        ("fvRsCtxToBgpCtxAfPol", "ecmp"),
        ("l3extSubnet", "external-subnet"),
    ],
)
def test_a_removed_object_is_named(cluster, cls, cause):
    for dn in cluster.objects(cls):
        cluster.delete_object(dn)
    assert ids(cluster.verify()) == [cause]


def test_what_hangs_below_a_missing_object_is_not_told_again(cluster):
    cluster.delete_object(f"{L3OUT}/lnodep-rack-1")
    finding = only(cluster.verify())
    assert finding["id"] == "aci-missing"
    assert finding["what"] == f"{L3OUT}/lnodep-rack-1 is missing"
    assert finding["leaves"] == [201, 202]


def test_values_are_compared_in_apics_own_form(cluster):
    set_attribute(cluster, "bgpPeerP", "ctrl", "dis-peer-as-check,as-override")
    assert cluster.verify()["ok"]


def test_a_setting_on_one_leaf_is_located(cluster):
    dn = next(dn for dn in cluster.objects("bgpPeerP") if "node-203]" in dn)
    cluster.objects("bgpPeerP")[dn]["ctrl"] = "dis-peer-as-check"
    finding = only(cluster.verify())
    assert (finding["rack"], finding["leaves"]) == ("2", [203])


def test_a_setting_of_a_standard_svi_is_located():
    cluster = Cluster(**STANDARD)
    dn = next(dn for dn in cluster.objects("l3extMember") if "vpc-node-5" in dn and dn.endswith("mem-B"))
    cluster.objects("l3extMember")[dn]["addr"] = "192.168.2.99/29"
    finding = only(cluster.verify())
    assert (finding["rack"], finding["nodes"], finding["leaves"]) == ("2", ["node-5"], [204])


def test_as_override_off_explains_what_nodes_do_not_learn(cluster):
    set_attribute(cluster, "bgpPeerP", "ctrl", "dis-peer-as-check")
    for node in BLOCKS:
        cluster.forget(node)
    finding = only(cluster.verify())
    assert finding["id"] == "as-override-off"
    assert sum("has not learned" in text for text in finding["evidence"]) == 6


def test_import_control_without_the_pod_subnet(cluster):
    cluster.delete_object("uni/tn-common/subj-calico-prod1-import/dest-[10.1.0.0/16]")
    for leaf in (201, 202, 203, 204):
        for block in BLOCKS.values():
            del cluster.routes(leaf)[block]
    for node in BLOCKS:
        cluster.forget(node)
    finding = only(cluster.verify())
    assert (finding["id"], finding["prefix"]) == ("import-prefix-missing", "10.1.0.0/16")
    assert len(finding["evidence"]) == 4 * 6 + 6


def test_import_control_for_another_prefix_does_not_explain_missing_pod_blocks(cluster):
    cluster.delete_object("uni/tn-common/subj-calico-prod1-import/dest-[192.168.3.0/24]")
    for leaf in (201, 202, 203, 204):
        del cluster.routes(leaf)[BLOCKS["node-1"]]
    assert ids(cluster.verify()) == ["import-prefix-missing", "pod-block-missing"]


def test_a_prefix_that_is_not_the_clusters_in_the_import_rule(cluster):
    dn = "uni/tn-common/subj-calico-prod1-import/dest-[0.0.0.0/0]"
    cluster.aci["objects"][dn] = {"class": "rtctrlMatchRtDest", "attributes": {"ip": "0.0.0.0/0", "aggregate": "yes"}}
    assert only(cluster.verify())["id"] == "import-prefix-extra"


def test_a_peer_beside_the_planned_ones(cluster):
    svi = next(iter(cluster.objects("l3extVirtualLIfP")))
    cluster.aci["objects"][f"{svi}/peerP-[192.168.2.77]"] = {
        "class": "bgpPeerP",
        "attributes": {"addr": "192.168.2.77"},
    }
    assert only(cluster.verify())["id"] == "aci-extra-peer"


def test_other_peoples_objects_are_none_of_our_business(cluster):
    cluster.aci["objects"][f"{L3OUT}/instP-other"] = {"class": "l3extInstP", "attributes": {"name": "other"}}
    assert cluster.verify()["ok"]


def test_bridge_domain_enforcement_keeps_sessions_down(cluster):
    cluster.aci["objects"]["uni/tn-common/ctx-calico"] = {"class": "fvCtx", "attributes": {"bdEnforcedEnable": "yes"}}
    cluster.leaf(201)["sessions"].clear()
    assert only(cluster.verify())["id"] == "bd-enforced"


def test_a_router_id_of_two_leaves_in_the_configuration(cluster):
    dn = next(dn for dn in cluster.objects("l3extRsNodeL3OutAtt") if "node-203]" in dn)
    cluster.objects("l3extRsNodeL3OutAtt")[dn]["rtrId"] = "1.1.4.201"
    finding = only(cluster.verify())
    assert (finding["id"], finding["leaves"]) == ("duplicate-router-id", [201, 203])
    assert "rtrId is 1.1.4.201 instead of 1.1.4.203" in finding["evidence"][0]


def test_a_router_id_of_a_leaf_that_is_not_the_clusters(cluster):
    cluster.aci["leaves"]["301"] = {**cluster.leaf(201), "sessions": [], "routes": {"ipv4": {}}}
    assert only(cluster.verify())["leaves"] == [201, 301]


def test_a_router_id_of_two_nodes(cluster):
    for leaf in (201, 202):
        cluster.seen(leaf, "node-2")["router_id"] = "192.168.2.1"
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"]) == ("duplicate-router-id", ["node-1", "node-2"])


@pytest.mark.parametrize(
    ("severity", "code", "expected"),
    [("critical", "F1298", "error"), ("minor", "F1298", "warning"), ("major", "F0299", None), ("info", "F1298", None)],
)
def test_faults_by_severity(cluster, severity, code, expected):
    cluster.aci["faults"] = [{"code": code, "severity": severity, "descr": "it broke", "dn": f"{L3OUT}/fault-{code}"}]
    report = cluster.verify()
    assert [finding["severity"] for finding in report["findings"]] == ([expected] if expected else [])
    assert report["ok"] == (expected != "error")


@pytest.mark.parametrize(("used", "severity"), [(15999, None), (16000, "warning"), (20000, "error")])
def test_use_of_the_lpm_table(cluster, used, severity):
    cluster.leaf(202)["lpm"]["used"] = used
    report = cluster.verify()
    assert [finding["severity"] for finding in report["findings"]] == ([severity] if severity else [])


def test_a_leaf_without_table_statistics_is_fine(cluster):
    cluster.leaf(202)["lpm"] = None
    assert cluster.verify()["ok"]


# --- sessions ---


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


def test_a_password_that_differs_in_kubernetes(cluster):
    cluster.info["password_matches"] = False
    for leaf in (201, 202, 203, 204):
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
    for leaf in (201, 202, 203, 204):
        for session in cluster.leaf(leaf)["sessions"]:
            session.update(keepalive=60, hold=180)
    finding = only(cluster.verify())
    assert finding["id"] == "timers"
    assert "node-6/204: timers are 60 s/180 s, not 1 s/3 s" in finding["evidence"]


def test_a_leaf_whose_bgp_is_down(cluster):
    cluster.leaf(204)["up"] = False
    assert only(cluster.verify())["what"] == "BGP of leaf 204 is down"


def test_a_fault_of_a_session_belongs_to_it(cluster):
    dn = "topology/pod-1/node-201/sys/bgp/inst/dom-common:calico/peer-[192.168.2.0/24]/ent-[192.168.2.1]/fault-F1215"
    cluster.aci["faults"] = [{"code": "F1215", "severity": "major", "descr": "too many", "dn": dn}]
    assert only(cluster.verify())["id"] == "session-fault"
    cluster.seen(201, "node-1")["state"] = "open-sent"
    assert only(cluster.verify(kubernetes=False))["id"] == "session-refused"


def test_a_leaf_without_bgp(cluster):
    del cluster.aci["leaves"]["204"]
    report = cluster.verify(kubernetes=False)
    assert "leaf-silent" in ids(report)
    assert not any("node-4/204" in finding["what"] for finding in report["findings"])
    assert report["racks"][3]["services"] == [0, 2]


def established(cluster):
    """The report of a look at the sessions alone, as the module reads them then."""
    for leaf in cluster.aci["leaves"].values():
        leaf["routes"] = {family: {} for family in leaf["routes"]}
    return verify(cluster.plan, {**cluster.aci, "objects": {}}, None, only="sessions")


def test_a_look_at_the_sessions_alone_is_content_with_sessions(cluster):
    """Whatever else is wrong: the mesh is in nobody's way as soon as the leaves have taken over."""
    cluster.seen(201, "node-1")["hold"] = 180
    cluster.leaf(203)["sessions"].append(cluster.session("node-1"))
    cluster.leaf(203)["sessions"].append(cluster.session("192.168.2.66", remote_asn=65066))
    report = established(cluster)
    assert report["ok"]
    assert report["findings"] == report["racks"] == []
    assert progress(report) == "12/12 sessions established"
    assert verdict(report) == "cluster prod1: 12 of 12 sessions established"


def test_a_look_at_the_sessions_alone_misses_none_of_them(cluster):
    cluster.drop_session(203, "node-4")
    cluster.seen(201, "node-1")["state"] = "open-sent"
    report = established(cluster)
    assert set(report["rules"]) >= {"session-missing", "session-refused"}
    assert (report["ok"], report["waiting"]) == (False, True)
    assert progress(report) == "10/12 sessions established (waiting for node-1/201, node-4/203)"


def test_a_look_at_the_sessions_alone_names_a_leaf_without_bgp(cluster):
    del cluster.aci["leaves"]["204"]
    report = established(cluster)
    assert ids(report) == ["leaf-silent"]
    assert report["waiting"]


def test_a_look_at_the_sessions_alone_knows_no_routes_and_claims_nothing_about_them(cluster):
    """A leaf that is cut off is told by its routes, which were not read."""
    for node in RACKS["2"]:
        cluster.drop_session(204, node)
    assert "leaf-silent" not in established(cluster)["rules"]


def test_a_session_across_racks(cluster):
    cluster.leaf(203)["sessions"].append(cluster.session("node-1"))
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"], finding["leaves"]) == ("session-cross-rack", ["node-1"], [203])


def test_a_session_with_a_stranger(cluster):
    cluster.leaf(203)["sessions"].append(cluster.session("192.168.2.66", remote_asn=65066))
    assert only(cluster.verify())["id"] == "session-stranger"


@pytest.mark.parametrize("address", ["172.16.0.1", "10.0.0.4"])
def test_sessions_of_others_in_the_vrf_are_none_of_our_business(cluster, address):
    cluster.leaf(203)["sessions"].append(cluster.session(address, remote_asn=65500))
    cluster.leaf(203)["sessions"].append(cluster.session("192.168.2.66", state="idle"))
    assert cluster.verify()["ok"]


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


# --- routes ---


def test_a_pod_block_that_is_not_on_a_leaf(cluster):
    del cluster.routes(204)[BLOCKS["node-1"]]
    report = cluster.verify()
    finding = only(report)
    assert (finding["id"], finding["nodes"], finding["leaves"]) == ("pod-block-missing", ["node-1"], [204])
    assert report["waiting"]
    assert report["racks"][3]["pod_blocks"] == [5, 6]


def test_without_kubernetes_each_node_is_to_advertise_something(cluster):
    for leaf in (201, 202, 203, 204):
        del cluster.routes(leaf)[BLOCKS["node-5"]]
    finding = only(cluster.verify(kubernetes=False))
    assert finding["what"] == "no leaf of rack 2 has a pod prefix from node-5"


def test_without_kubernetes_other_leaves_are_to_have_what_a_nodes_own_leaves_have(cluster):
    del cluster.routes(202)[BLOCKS["node-3"]]
    finding = only(cluster.verify(kubernetes=False))
    assert (finding["id"], finding["leaves"]) == ("pod-block-missing", [202])


def test_a_block_with_the_wrong_next_hop(cluster):
    cluster.routes(201)[BLOCKS["node-1"]] = cluster.hops("1", ["node-2"])
    assert set(ids(cluster.verify())) == {"route-next-hop", "pod-block-missing"}


def test_a_block_in_no_nodes_hands(cluster):
    cluster.routes(201)["10.1.200.0/26"] = cluster.hops("1", ["node-2"])
    finding = only(cluster.verify())
    assert finding["id"] == "route-next-hop"
    assert "not in a block of any node" in finding["what"]
    set_attribute(cluster, "bgpCtxPol", "maxAsLimit", "0")
    assert only(cluster.verify())["id"] == "as-limit"


def test_a_borrowed_address_is_fine(cluster):
    cluster.routes(201)["10.1.1.7/32"] = cluster.hops("1", ["node-2"])
    assert cluster.verify()["ok"]


@pytest.mark.parametrize("prefix", ["192.168.8.0/22", f"{LOCAL_SERVICE}/32"])
def test_a_service_that_is_not_on_a_leaf(cluster, prefix):
    del cluster.routes(202)[prefix]
    finding = only(cluster.verify())
    assert (finding["id"], finding["prefix"]) == ("service-route-missing", prefix)


def test_a_local_service_with_too_few_next_hops(cluster):
    cluster.routes(201)[f"{LOCAL_SERVICE}/32"] = cluster.hops("1", ["node-1"])
    finding = only(cluster.verify())
    assert finding["what"] == f"{LOCAL_SERVICE}/32 has 1 of 2 next hops on leaf 201, without node-3"


def test_a_local_service_over_too_few_leaves(cluster):
    cluster.state["local_services"][0]["nodes"] = ["node-6"]
    for leaf in (201, 202):
        cluster.routes(leaf)[f"{LOCAL_SERVICE}/32"] = cluster.hops("1", ["node-6"])
    assert cluster.verify()["ok"]
    cluster.routes(201)[f"{LOCAL_SERVICE}/32"].pop()
    finding = only(cluster.verify())
    assert finding["what"] == f"{LOCAL_SERVICE}/32 is reached over 1 of 2 leaves from leaf 201, without 204"


def test_an_address_is_expected_by_the_list_that_announces_its_kind():
    """Calico announces a load balancer's address by serviceLoadBalancerIPs alone, wherever else it would fit."""
    planned = Cluster(aci_calico_load_balancer_subnets=["192.168.7.0/24"])
    for leaf, rack in LEAVES.items():
        planned.routes(leaf)["192.168.7.0/24"] = planned.hops(rack, list(BLOCKS))
    addresses = planned.state["local_services"][0]["addresses"]
    addresses["load_balancer"] = ["192.168.3.1"]
    assert planned.verify()["ok"]
    addresses["load_balancer"] = ["192.168.7.1"]
    assert only(planned.verify())["prefix"] == "192.168.7.1/32"


def test_a_local_service_without_endpoints_is_not_expected(cluster):
    cluster.state["local_services"][0]["nodes"] = []
    for leaf in (201, 202, 203, 204):
        del cluster.routes(leaf)[f"{LOCAL_SERVICE}/32"]
    assert cluster.verify()["ok"]


def test_a_node_that_announces_no_services(cluster):
    cluster.state["excluded"] = ["node-1"]
    for leaf in (201, 202):
        for prefix in ("192.168.8.0/22", "192.168.3.0/24", f"{LOCAL_SERVICE}/32"):
            hops = cluster.routes(leaf)[prefix]
            cluster.routes(leaf)[prefix] = [hop for hop in hops if hop["address"] != "192.168.2.1"]
    assert cluster.verify()["ok"]


def test_ecmp_at_one_explains_the_narrow_routes(cluster):
    set_attribute(cluster, "bgpCtxAfPol", "maxEcmp", "1")
    for leaf in (201, 202, 203, 204):
        for prefix, hops in cluster.routes(leaf).items():
            cluster.routes(leaf)[prefix] = hops[:1]
    finding = only(cluster.verify())
    assert finding["id"] == "ecmp"
    assert any("192.168.8.0/22 has 1 of 3 next hops on leaf 201" in text for text in finding["evidence"])


def test_a_foreign_route_on_a_leaf(cluster):
    cluster.routes(203)["172.31.0.0/24"] = cluster.hops("2", ["node-4"])
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"], finding["prefix"]) == ("foreign-route", ["node-4"], "172.31.0.0/24")
    set_attribute(cluster, "l3extOut", "enforceRtctrl", "export")
    assert only(cluster.verify())["id"] == "import-control-off"


def test_a_foreign_prefix_of_a_node_though_the_fabric_refuses_it(cluster):
    route = {"destination": "172.31.0.0/24", "source": "Static", "peer": "", "interface": "blackhole"}
    cluster.state["status"]["node-4"]["routes"].append(route)
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"], finding["prefix"]) == ("foreign-prefix", ["node-4"], "172.31.0.0/24")


def test_routes_of_others_in_the_vrf_are_none_of_our_business(cluster):
    cluster.routes(203)["0.0.0.0/0"] = [{"address": "172.16.0.1", "type": "ebgp"}]
    cluster.routes(203)["172.31.0.0/24"] = [{"address": "10.0.0.1", "type": "ibgp"}]
    assert cluster.verify()["ok"]


def test_nothing_accepted_from_a_node(cluster):
    cluster.seen(204, "node-6")["families"]["ipv4"]["accepted"] = 0
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"], finding["leaves"]) == ("nothing-accepted", ["node-6"], [204])


def test_a_node_that_learns_nothing(cluster):
    cluster.forget("node-4")
    finding = only(cluster.verify())
    assert finding["what"] == "node-4 has not learned 10.1.1.0/26, 10.1.2.0/26, 10.1.3.0/26 and 2 more"


def test_a_node_that_routes_through_a_tunnel(cluster):
    cluster.state["status"]["node-4"]["routes"][0]["interface"] = "tunl0"
    assert only(cluster.verify())["id"] == "node-route-tunnel"
    cluster.manifest("IPPool")["spec"]["ipipMode"] = "Always"
    assert only(cluster.verify())["id"] == "pool-encapsulation"


# --- the prefix limit ---


def limited(maximum, **variables):
    return Cluster(aci_calico_bgp_prefix_limit=maximum, **variables)


@pytest.mark.parametrize(("maximum", "cause"), [(8, "prefix-limit-small"), (10, "prefix-limit-near"), (20, None)])
def test_the_prefix_limit_and_what_nodes_send_on(maximum, cause):
    report = limited(maximum).verify()
    assert ids(report) == ([cause] if cause else [])
    assert report["ok"] == (cause != "prefix-limit-small")


def test_a_filter_makes_room_under_the_prefix_limit():
    assert limited(8, aci_calico_bgp_filter=True).verify()["ok"]


def test_a_filter_that_peers_do_not_use_makes_no_room():
    cluster = limited(8, aci_calico_bgp_filter=True)
    del cluster.manifest("BGPPeer", "aci-leaf-202")["spec"]["filters"]
    assert set(ids(cluster.verify())) == {"bgpfilter-missing", "prefix-limit-small"}


def test_an_exceeded_prefix_limit_is_the_small_limits_doing():
    cluster = limited(8)
    for leaf in (202, 204):
        for session in cluster.leaf(leaf)["sessions"]:
            session["families"]["ipv4"]["flags"] = ["pfxlimit-exceeded"]
    finding = only(cluster.verify())
    assert finding["id"] == "prefix-limit-small"
    assert (
        finding["what"]
        == "node-1 sends a leaf up to 9 prefixes (4 of its own, 5 learned from the other leaf), the limit is 8"
    )
    assert len(finding["evidence"]) == 6


# --- Calico's configuration ---


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
    ("annotation", "cause"),
    [("projectcalico.org/ASNumber", "node-asn"), ("projectcalico.org/IPv4Address", "node-address")],
)
def test_a_nodes_annotations(cluster, annotation, cause):
    del cluster.info["nodes"]["node-5"]["annotations"][annotation]
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"], finding["rack"]) == (cause, ["node-5"], "2")


def test_a_node_that_is_not_in_kubernetes(cluster):
    del cluster.info["nodes"]["node-3"]
    assert only(cluster.verify())["id"] == "node-missing"


def test_the_mesh_is_on(cluster):
    cluster.manifest("BGPConfiguration")["spec"].pop("nodeToNodeMeshEnabled")
    cluster.state["status"]["node-1"]["peers"]["192.168.2.4"] = {"state": "Established", "type": "NodeMesh"}
    finding = only(cluster.verify())
    assert finding["id"] == "mesh-on"
    assert "node-1 meshes with 192.168.2.4" in finding["evidence"]


@pytest.mark.parametrize(
    ("field", "value", "cause"),
    [
        ("ipipMode", "Always", "pool-encapsulation"),
        ("vxlanMode", "CrossSubnet", "pool-encapsulation"),
        ("natOutgoing", True, "pool-nat"),
        ("blockSize", 28, "pool-differs"),
        ("disabled", True, "pool-differs"),
    ],
)
def test_a_pools_settings(cluster, field, value, cause):
    cluster.manifest("IPPool")["spec"][field] = value
    assert only(cluster.verify())["id"] == cause


def test_a_pools_fields_that_are_left_out_have_their_defaults(cluster):
    spec = cluster.manifest("IPPool")["spec"]
    for field in ("ipipMode", "vxlanMode", "natOutgoing", "disabled", "nodeSelector"):
        spec.pop(field)
    assert cluster.verify()["ok"]


def test_a_missing_pool(cluster):
    cluster.info["objects"] = [obj for obj in cluster.info["objects"] if obj["kind"] != "IPPool"]
    assert only(cluster.verify())["id"] == "pool-missing"


def pool(cidr, **spec):
    return {"kind": "IPPool", "metadata": {"name": "other"}, "spec": {"cidr": cidr, **spec}}


@pytest.mark.parametrize(
    ("extra", "cause"),
    [
        (pool("172.31.0.0/16"), "foreign-prefix"),
        (pool("172.31.0.0/16", disableBGPExport=True), None),
        (pool("10.1.64.0/20"), None),
        (pool("10.1.64.0/20", ipipMode="Always"), "pool-encapsulation"),
    ],
)
def test_a_pool_beside_the_planned_ones(cluster, extra, cause):
    cluster.info["objects"].append(extra)
    assert ids(cluster.verify()) == ([cause] if cause else [])


def test_a_foreign_prefix_among_the_advertised_subnets(cluster):
    cluster.manifest("BGPConfiguration")["spec"]["serviceExternalIPs"].append({"cidr": "172.31.0.0/24"})
    finding = only(cluster.verify())
    assert (finding["id"], finding["prefix"]) == ("foreign-prefix", "172.31.0.0/24")


def test_a_service_subnet_that_is_not_advertised(cluster):
    cluster.manifest("BGPConfiguration")["spec"]["serviceClusterIPs"] = []
    for leaf in (201, 202, 203, 204):
        del cluster.routes(leaf)["192.168.8.0/22"]
    finding = only(cluster.verify())
    assert finding["id"] == "service-cidr-missing"
    assert len(finding["evidence"]) == 4


def peer(**spec):
    return {"kind": "BGPPeer", "metadata": {"name": "other"}, "spec": spec}


@pytest.mark.parametrize(
    ("extra", "cause"),
    [
        (peer(peerIP="192.168.2.203", asNumber=65002, nodeSelector='rack_id == "1"'), "cross-rack-peer"),
        (peer(peerIP="192.168.2.203", asNumber=65002, node="node-1"), "cross-rack-peer"),
        (peer(peerIP="192.168.2.203", asNumber=65002), "cross-rack-peer"),
        (peer(peerIP="192.168.2.203", asNumber=65002, nodeSelector='rack_id == "2"'), "bgppeer-extra"),
        (peer(peerIP="172.16.0.1", asNumber=65500), "bgppeer-extra"),
        (peer(nodeSelector="all()", peerSelector="has(route-reflector)"), "bgppeer-extra"),
    ],
)
def test_a_bgppeer_beside_the_planned_ones(cluster, extra, cause):
    cluster.info["objects"].append(extra)
    assert only(cluster.verify())["id"] == cause


def test_a_cross_rack_peer_explains_the_session(cluster):
    cluster.info["objects"].append(peer(peerIP="192.168.2.203", asNumber=65002, node="node-1"))
    cluster.leaf(203)["sessions"].append(cluster.session("node-1"))
    cluster.state["status"]["node-1"]["peers"]["192.168.2.203"] = {"state": "Established", "type": "NodePeer"}
    cluster.routes(203)[BLOCKS["node-1"]] = [{"address": "192.168.2.1", "type": "ebgp"}]
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"], finding["leaves"]) == ("cross-rack-peer", ["node-1"], [203])
    assert len(finding["evidence"]) == 3


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"nodeSelector": "all()"}, "cross-rack-peer"),
        ({"nodeSelector": 'rack_id == "9"'}, "bgppeer-differs"),
        ({"asNumber": 65099}, "bgppeer-differs"),
        ({"peerIP": "192.168.2.99"}, "bgppeer-differs"),
        ({"password": None}, "bgppeer-password"),
        ({"password": {"secretKeyRef": {"name": "other", "key": "rr-password"}}}, "bgppeer-password"),
        ({"keepaliveTime": "10s"}, "bgppeer-keepalive"),
        ({"keepaliveTime": "1m30s"}, "bgppeer-keepalive"),
        ({"keepaliveTime": "1s"}, None),
    ],
)
def test_a_bgppeer_that_was_changed(cluster, change, cause):
    cluster.manifest("BGPPeer", "aci-leaf-201")["spec"].update(change)
    assert ids(cluster.verify()) == ([cause] if cause else [])


def test_a_missing_bgppeer_explains_its_sessions(cluster):
    cluster.info["objects"].remove(cluster.manifest("BGPPeer", "aci-leaf-201"))
    for node in RACKS["1"]:
        cluster.drop_session(201, node)
        del cluster.state["status"][node]["peers"]["192.168.2.201"]
    finding = only(cluster.verify())
    assert (finding["id"], finding["leaves"]) == ("bgppeer-missing", [201])
    assert "node-1/201: leaf 201 knows no session with 192.168.2.1" in finding["evidence"]


@pytest.mark.parametrize(("kind", "cause"), [("Secret", "secret-missing"), ("RoleBinding", "secret-unreadable")])
def test_what_calico_needs_for_the_password(cluster, kind, cause):
    cluster.info["objects"].remove(cluster.manifest(kind))
    assert only(cluster.verify())["id"] == cause


def test_a_role_that_grants_more_is_fine_and_one_that_grants_less_is_not(cluster):
    rule = cluster.manifest("Role")["rules"][0]
    del rule["resourceNames"]
    rule["verbs"] = ["*"]
    assert cluster.verify()["ok"]
    rule["verbs"] = ["get"]
    assert only(cluster.verify())["id"] == "secret-unreadable"


def test_a_missing_filter():
    cluster = Cluster(aci_calico_bgp_filter=True)
    cluster.info["objects"].remove(cluster.manifest("BGPFilter"))
    assert only(cluster.verify())["id"] == "bgpfilter-missing"


def test_a_filter_that_lets_learned_routes_through():
    cluster = Cluster(aci_calico_bgp_filter=True)
    cluster.manifest("BGPFilter")["spec"]["exportV4"][0]["action"] = "Accept"
    assert only(cluster.verify())["id"] == "bgpfilter-missing"


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


# --- connectivity ---

CONNECTED = {
    "aci_calico_contracts": [
        {
            "name": "web",
            "filters": [{"name": "https", "entries": ["tcp/443"]}],
            "service_graph": "firewall",
            "export_to": ["b"],
        }
    ],
    "aci_calico_provided_contracts": ["web"],
    "aci_calico_consumed_interfaces": ["theirs"],
    "aci_calico_transit": [{"l3out": "core", "external_epg": "corporate", "consume": ["web"]}],
}


@pytest.fixture
def connected():
    return Cluster(**CONNECTED)


def test_a_connected_cluster_has_no_findings(connected):
    assert connected.verify()["findings"] == []


@pytest.mark.parametrize(
    ("end", "rule"),
    [
        ("/brc-web", "contract-differs"),
        ("/brc-web/subj-web/rsSubjGraphAtt", "contract-differs"),
        ("/flt-https/e-tcp-443", "contract-differs"),
        ("/cif-web/rsif", "contract-differs"),
        ("/instP-default/rsprov-web", "contract-differs"),
        ("/out-core/instP-corporate/rscons-web", "contract-differs"),
        ("/out-core/prof-default-export/ctx-calico-prod1-transit", "transit-route"),
        ("/subj-calico-prod1-transit/dest-[10.1.0.0/16]", "transit-route"),
    ],
)
def test_what_is_missing_for_connectivity_is_named(connected, end, rule):
    (dn,) = [dn for dn in connected.aci["objects"] if dn.endswith(end)]
    for below in [other for other in connected.aci["objects"] if f"{other}/".startswith(f"{dn}/")]:
        del connected.aci["objects"][below]
    finding = only(connected.verify())
    assert finding["id"] == rule
    assert end in finding["what"]


def test_a_relation_that_finds_nothing_is_named(connected):
    (dn,) = [dn for dn in connected.aci["objects"] if dn.endswith("/rsconsIf-theirs")]
    connected.aci["objects"][dn]["attributes"]["state"] = "missing-target"
    finding = only(connected.verify())
    assert finding["id"] == "contract-unresolved"
    assert "theirs" in finding["what"]
    connected.aci["objects"][dn]["attributes"]["state"] = "formed"
    assert connected.verify()["findings"] == []


@pytest.mark.parametrize(
    ("dn", "cls", "rule"),
    [
        (f"{L3OUT}/instP-default/extsubnet-[10.9.0.0/16]", "l3extSubnet", "external-subnet"),
        ("uni/tn-common/subj-calico-prod1-transit/dest-[10.9.0.0/16]", "rtctrlMatchRtDest", "transit-route"),
    ],
)
def test_what_somebody_added_to_connectivity_is_named(connected, dn, cls, rule):
    connected.aci["objects"][dn] = {"class": cls, "attributes": {"ip": "10.9.0.0/16"}}
    finding = only(connected.verify())
    assert finding["id"] == rule
    assert "10.9.0.0/16" in finding["what"]
