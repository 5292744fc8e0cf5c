"""Wrong settings in APIC and Kubernetes: their effect on real BGP daemons, and the finding of the verification.

Each test restores the cluster and waits until the verification has no findings.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from integration.verify.live import Json, Live
from unit.plugin_utils.healthy_cluster import Cluster

from lab.twin.bench import eventually

POLICIES = "uni/tn-common"
TIMERS = f"{POLICIES}/bgpCtxP-calico-timers-1-3-1-helper"
ECMP = f"{POLICIES}/bgpCtxAfP-calico-ecmp-64-64"
LIMIT = 7  # a node's own three prefixes fit, the blocks of the five other nodes do not


@pytest.fixture(autouse=True)
def _in_order_again(cluster: Live) -> Iterator[None]:
    yield
    cluster.configure()
    cluster.until_green()


def change_each(cluster: Live, cls: str, **attributes: str) -> None:
    """Change attributes of all objects of a class below the L3Out."""
    for dn in cluster.each(cls):
        cluster.bench.change(cls, dn, **attributes)


def prefixes_from(cluster: Live, node: str) -> int:
    """Return how many prefixes a node sends to leaf 201, including refused ones."""
    (family,) = (mo for mo in cluster.bench.objects("bgpPeerAfEntry", 201) if f"/ent-[{node}]/" in mo["dn"])
    return int(family["pfxSaved"])


def test_as_override_off(cluster: Live) -> None:
    change_each(cluster, "bgpPeerP", ctrl="dis-peer-as-check")
    cluster.until_named("as-override-off", "node-route-missing", evidence="node-6 has not learned")


def test_peer_as_check_on(cluster: Live) -> None:
    change_each(cluster, "bgpPeerP", ctrl="as-override")
    cluster.until_named("peer-as-check-on", "node-route-missing", evidence="node-6 has not learned")


def test_wrong_password_on_a_leaf(cluster: Live) -> None:
    (peer,) = (dn for dn in cluster.each("bgpPeerP") if "node-201]" in dn)
    cluster.bench.change("bgpPeerP", peer, password="another-password")
    finding = cluster.until_named("password-differs", "session-missing", evidence="node-3/201")
    assert finding["leaves"] == [201]
    assert "MD5" in finding["cause"]


def test_wrong_password_in_kubernetes(cluster: Live) -> None:
    cluster.patch("Secret", "bgp-secrets", {"data": {"rr-password": "YW5vdGhlcg=="}})
    cluster.until_named("password-differs", "session-missing", evidence="has another password than the inventory")


def test_wrong_rack_label(cluster: Live) -> None:
    cluster.patch("Node", "node-1", {"metadata": {"labels": {"rack_id": "2"}}})
    finding = cluster.until_named("rack-label", "session-missing", evidence="node-1/201")
    assert finding["nodes"] == ["node-1"]


def test_import_control_without_the_pod_subnet(cluster: Live) -> None:
    cluster.bench.delete(f"{POLICIES}/subj-calico-prod1-import/dest-[10.1.0.0/16]")
    # Six blocks on four leaves.
    finding = cluster.until_named("import-prefix-missing", "pod-block-missing", pieces=24)
    assert finding["prefix"] == "10.1.0.0/16"


def test_import_control_off_with_a_foreign_route(cluster: Live) -> None:
    cluster.bench.change("l3extOut", "uni/tn-common/out-calico-prod1", enforceRtctrl="export")
    cluster.bench.twin.ask("announce", node="node-2", prefix="172.31.0.0/24", prepend=0)
    try:
        cluster.until_named("import-control-off", "foreign-route", evidence="accepted 172.31.0.0/24 from node-2")
    finally:
        cluster.bench.twin.ask("withdraw", node="node-2")


def test_as_limit_off_with_a_prepended_route(cluster: Live) -> None:
    received = prefixes_from(cluster, "192.168.2.2")
    cluster.bench.twin.ask("announce", node="node-2", prefix="10.1.200.0/26", prepend=2)
    try:
        eventually(lambda: prefixes_from(cluster, "192.168.2.2") > received)
        assert cluster.verify()["ok"], "the limit keeps a prepended route out"
        cluster.bench.change("bgpCtxPol", TIMERS, maxAsLimit="0")
        cluster.until_named("as-limit", "route-next-hop", evidence="accepted 10.1.200.0/26 from node-2")
    finally:
        cluster.bench.twin.ask("withdraw", node="node-2")


def test_a_foreign_prefix_from_a_node(cluster: Live) -> None:
    cluster.bench.twin.ask("announce", node="node-5", prefix="172.31.0.0/24", prepend=0)
    try:
        finding = cluster.until_named("foreign-prefix")
        assert "foreign-route" not in cluster.verify()["rules"], "import control keeps it out of the fabric"
    finally:
        cluster.bench.twin.ask("withdraw", node="node-5")
    assert (finding["nodes"], finding["prefix"]) == (["node-5"], "172.31.0.0/24")


def test_ecmp_at_one(cluster: Live) -> None:
    cluster.bench.change("bgpCtxAfPol", ECMP, maxEcmp="1", maxEcmpIbgp="1")
    cluster.until_named("ecmp", "ecmp-width", evidence="192.168.8.0/22 has 1 of 3 next hops on leaf 201")


def test_timers_at_default(cluster: Live) -> None:
    cluster.bench.change("bgpCtxPol", TIMERS, kaIntvl="60", holdIntvl="180")
    cluster.until_named("timers", evidence="kaIntvl is 60 instead of 1")
    # Timers are negotiated when a session opens, here by the restart of a node.
    cluster.bench.twin.ask("kill", machine="node-1")
    cluster.bench.twin.ask("start", machine="node-1")
    cluster.until_named("timers", "session-timers", evidence="node-1/201: timers are 60 s/180 s, not 1 s/3 s")


def test_mesh_on(cluster: Live) -> None:
    cluster.patch("BGPConfiguration", "default", {"spec": {"nodeToNodeMeshEnabled": True}})
    cluster.until_named("mesh-on", "session-mesh", evidence="node-1 meshes with 192.168.2.6")


def test_ip_in_ip_on(cluster: Live) -> None:
    pool = cluster.plan["calico"]["pools"][0]["name"]
    cluster.patch("IPPool", pool, {"spec": {"ipipMode": "Always"}})
    cluster.until_named("pool-encapsulation", evidence="ipipMode is Always")


def test_a_peer_across_racks(cluster: Live) -> None:
    address = next(peer["address"] for peer in cluster.plan["peers"] if peer["leaf"] == 203)
    password = {"secretKeyRef": cluster.plan["calico"]["secret"]}
    manifest: Json = {
        "apiVersion": "crd.projectcalico.org/v1",
        "kind": "BGPPeer",
        "metadata": {"name": "across"},
        "spec": {"peerIP": address, "asNumber": 65002, "node": "node-1", "password": password},
    }
    cluster.apply(manifest)
    try:
        finding = cluster.until_named("cross-rack-peer", "session-cross-rack")
    finally:
        cluster.delete("BGPPeer", "across")
    assert (finding["nodes"], finding["leaves"]) == (["node-1"], [203])


def test_a_router_id_of_two_leaves(cluster: Live) -> None:
    for dn in cluster.each("l3extRsNodeL3OutAtt"):
        if "node-203]" in dn:
            cluster.bench.change("l3extRsNodeL3OutAtt", dn, rtrId="1.1.4.201")
    assert cluster.until_named("duplicate-router-id")["leaves"] == [201, 203]


def test_bridge_domain_enforcement(cluster: Live) -> None:
    cluster.bench.change("fvCtx", "uni/tn-common/ctx-calico", bdEnforcedEnable="yes")
    try:
        cluster.until_named("bd-enforced", "session-missing")
    finally:
        cluster.bench.change("fvCtx", "uni/tn-common/ctx-calico", bdEnforcedEnable="no")


@pytest.fixture
def limited(cluster: Live) -> Iterator[Live]:
    before = cluster.plan
    cluster.plan = Cluster(aci_calico_bgp_prefix_limit=LIMIT).plan
    yield cluster
    cluster.plan = before
    for dn in cluster.each("bgpPeerP"):
        cluster.bench.change("bgpRsPeerPfxPol", f"{dn}/rspeerPfxPol", tnBgpPeerPfxPolName="")
    for peer in before["peers"]:
        cluster.patch("BGPPeer", peer["name"], {"spec": {"filters": None}})
    cluster.until_green()


def test_small_prefix_limit_is_found_and_the_filter_helps(limited: Live) -> None:
    assert "prefix-limit-too-small" in [warning["id"] for warning in limited.plan["warnings"]]
    limited.configure()
    finding = limited.until_named("prefix-limit-small", "prefix-limit-exceeded")
    assert f"the limit is {LIMIT}" in finding["what"]
    assert "aci_calico_bgp_filter" in finding["remedy"]

    limited.plan = Cluster(aci_calico_bgp_prefix_limit=LIMIT, aci_calico_bgp_filter=True).plan
    assert limited.plan["warnings"] == []
    limited.configure()
    report = limited.until_green()
    assert {session["accepted"] for session in report["sessions"]} == {3}


@pytest.mark.parametrize("leaves", [[203, 204], [101, 102]], ids=["another rack", "leaves without anchor"])
def test_node_behind_floating_svi_keeps_its_sessions_when_it_moves(cluster: Live, leaves: list[int]) -> None:
    cluster.bench.twin.ask("move", machine="node-1", leaves=leaves)
    try:
        assert cluster.bench.twin.ask("machines")["nodes"]["node-1"]["cable"]["rack"] == leaves
        # The anchors prefer the nodes that are connected to them for what several announce, such as services.
        report = cluster.until(lambda report: {finding["id"] for finding in report["findings"]} == {"ecmp-width"})
        assert {node for finding in report["findings"] for node in finding["nodes"]} == {"node-1"}
        assert {session["leaf"] for session in report["sessions"] if session["node"] == "node-1"} == {201, 202}
        # A node of its own rack, one of another, and an endpoint in the fabric.
        for other in ("node-2", "node-6"):
            eventually(lambda other=other: cluster.reaches("node-1", other) and cluster.reaches(other, "node-1"), 10)
        assert cluster.bench.pings("endpoint", cluster.pod("node-1"))
        # The nodes are in one subnet: from node to node, no leaf routes.
        assert cluster.bench.pings("node-4", "192.168.2.1")
    finally:
        cluster.bench.twin.ask("move", machine="node-1", leaves=[201, 202])
