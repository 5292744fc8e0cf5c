"""Findings of routes and prefix limits, and the symptoms that they explain."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import BLOCKS, LEAVES, LOCAL_SERVICE, NODES, RACKS, Cluster, ids, only, set_attribute

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.expectations import expectations
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.observed import Kubernetes
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.report import explain, progress, verify
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.routes import Route, on_leaf, verify_drained


def test_a_pod_block_that_is_not_on_a_leaf(cluster):
    del cluster.routes(204)[BLOCKS["node-1"]]
    report = cluster.verify()
    finding = only(report)
    assert (finding["id"], finding["nodes"], finding["leaves"]) == ("pod-block-missing", ["node-1"], [204])
    assert report["waiting"]
    assert report["racks"][3]["pod_blocks"] == [5, 6]


def gate(cluster, kubernetes=True):
    """Return the report that decides whether the mesh can go off."""
    return verify(cluster.plan, cluster.aci, Kubernetes(cluster.info, cluster.state) if kubernetes else None, only="routes")


def test_the_mesh_can_go_off_when_each_node_has_the_others_routes_from_a_leaf(cluster):
    cluster.manifest("BGPConfiguration")["spec"]["nodeToNodeMeshEnabled"] = True
    report = gate(cluster)
    assert (report["ok"], report["waiting"], report["findings"]) == (True, False, [])
    assert progress(report) == "12/12 sessions established; all pod routes in place"
    assert gate(cluster, kubernetes=False)["ok"]
    del cluster.routes(202)[BLOCKS["node-3"]]
    assert ids(gate(cluster)) == ids(gate(cluster, kubernetes=False)) == ["pod-block-missing"]


@pytest.mark.parametrize(("control", "cause"), [("dis-peer-as-check", "as-override-off"), ("as-override", "peer-as-check-on")])
def test_routes_that_no_node_gets_keep_the_mesh_and_have_a_named_cause(cluster, control, cause):
    set_attribute(cluster, "bgpPeerP", "ctrl", control)
    assert gate(cluster)["ok"], "a setting alone is no reason"
    for status in cluster.state["status"].values():
        for route in status["routes"]:
            route["source"] = "NodeMesh" if route["source"] == "BGPPeer" else route["source"]
    report = gate(cluster)
    assert (report["ok"], ids(report)) == (False, [cause])
    assert all(session["state"] == "established" for session in report["sessions"])


def test_a_node_that_does_not_report_proves_nothing(cluster):
    cluster.state["status"].pop("node-2")
    report = gate(cluster)
    assert (report["ok"], report["waiting"], ids(report)) == (False, True, ["node-status-missing"])


def test_without_kubernetes_each_node_is_to_advertise_something(cluster):
    for leaf in LEAVES:
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


def test_a_load_balancers_address_is_expected_from_service_load_balancer_ips_only():
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
    for leaf in LEAVES:
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
    for leaf in LEAVES:
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


@pytest.mark.parametrize(
    ("prefix", "hop"),
    [
        ("10.1.1.7/32", {"address": "192.168.2.2", "type": "ebgp"}),  # an address that node-2 borrowed
        ("0.0.0.0/0", {"address": "172.16.0.1", "type": "ebgp"}),
        ("172.31.0.0/24", {"address": "10.0.0.1", "type": "ibgp"}),
    ],
)
def test_routes_that_may_be_there(cluster, prefix, hop):
    cluster.routes(201)[prefix] = [hop]
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


def test_leaves_that_still_lead_to_a_drained_node(cluster):
    expected = expectations(cluster.plan)
    (finding,) = verify_drained(expected, cluster.aci, ["node-1"])
    assert finding.what == f"192.168.3.0/24, 192.168.8.0/22, {LOCAL_SERVICE}/32 still lead to node-1"
    assert finding.leaves == {201, 202}
    for leaf in (201, 202):
        for hops in cluster.routes(leaf).values():
            hops[:] = [hop for hop in hops if hop["address"] != "192.168.2.1"]
    assert verify_drained(expected, cluster.aci, ["node-1"]) == []


# --- the prefix limit ---


@pytest.mark.parametrize(("maximum", "cause"), [(8, "prefix-limit-small"), (10, "prefix-limit-near"), (20, None)])
def test_the_prefix_limit_and_what_nodes_send_on(maximum, cause):
    report = Cluster(aci_calico_bgp_prefix_limit=maximum).verify()
    assert ids(report) == ([cause] if cause else [])
    assert report["ok"] == (cause != "prefix-limit-small")


def test_a_filter_that_peers_use_makes_room_under_the_prefix_limit():
    cluster = Cluster(aci_calico_bgp_prefix_limit=8, aci_calico_bgp_filter=True)
    assert cluster.verify()["ok"]
    assert cluster.verify(kubernetes=False)["ok"]
    del cluster.manifest("BGPPeer", "aci-leaf-202")["spec"]["filters"]
    assert set(ids(cluster.verify())) == {"bgpfilter-missing", "prefix-limit-small"}


def test_an_exceeded_prefix_limit_is_the_small_limits_doing():
    cluster = Cluster(aci_calico_bgp_prefix_limit=8)
    for leaf in (202, 204):
        for session in cluster.leaf(leaf)["sessions"]:
            session["families"]["ipv4"]["flags"] = ["pfxlimit-exceeded"]
    finding = only(cluster.verify())
    assert finding["id"] == "prefix-limit-small"
    count = "9 prefixes (4 of its own, 5 learned from the other leaf)"
    assert finding["what"] == f"node-1 sends a leaf up to {count}, the limit is 8"
    assert len(finding["evidence"]) == 6


def test_with_next_hop_propagation_other_racks_have_the_nodes_as_next_hops():
    cluster = Cluster(aci_calico_next_hop_propagation=True)
    routes = {"192.168.8.0/22": NODES, **{block: [node] for node, block in BLOCKS.items()}}
    for leaf, rack in LEAVES.items():
        for prefix, nodes in routes.items():
            if not set(nodes) & set(RACKS[rack]):
                cluster.routes(leaf)[prefix] = [{"address": NODES[node], "type": "ibgp"} for node in nodes]
    assert cluster.verify()["ok"], explain(cluster.verify())
    cluster.routes(203)[BLOCKS["node-1"]] = [{"address": NODES["node-2"], "type": "ibgp"}]
    assert set(ids(cluster.verify())) == {"route-next-hop", "ecmp-width"}
    assert set(ids(Cluster().verify())) == set()


def test_an_anchor_prefers_the_nodes_that_are_connected_to_it():
    central = Cluster(aci_calico_peering="central").plan
    expected = expectations(central)
    route = Route("service", "ipv4", "192.168.8.0/22", frozenset(NODES))
    near = [{"address": NODES[node], "type": "ebgp"} for node in RACKS["1"]]
    aci = {"leaves": {"201": {"routes": {"ipv4": {route.prefix: near}}}}}
    assert [finding.id for finding in on_leaf(expected, aci, 201, route)] == []
    propagated = {**expected, "next_hop_propagation": True}
    assert [finding.id for finding in on_leaf(propagated, aci, 201, route)] == ["ecmp-width"]
    alone = Route("block", "ipv4", BLOCKS["node-6"], frozenset({"node-6"}))
    aci["leaves"]["201"]["routes"]["ipv4"][alone.prefix] = [{"address": NODES["node-6"], "type": "ebgp"}]
    assert [finding.id for finding in on_leaf(expected, aci, 201, alone)] == []
