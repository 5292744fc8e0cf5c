"""Each knob broken in APIC or in Kubernetes: what it does to real BGP daemons, and that the verification names it.

Every test leaves the cluster as it found it, and waits until the verification says so.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from integration.verify.live import Json, Live

POLICIES = "uni/tn-common"
TIMERS = f"{POLICIES}/bgpCtxP-calico-prod1"
ECMP = f"{POLICIES}/bgpCtxAfP-calico-ecmp-64-64"


@pytest.fixture(autouse=True)
def _in_order_again(cluster: Live) -> Iterator[None]:
    yield
    cluster.configure()
    cluster.until_green()


def change_each(cluster: Live, cls: str, **attributes: str) -> None:
    """Change attributes of all objects of a class below the L3Out."""
    for dn in cluster.each(cls):
        cluster.bench.change(cls, dn, **attributes)


def test_as_override_off(cluster: Live) -> None:
    change_each(cluster, "bgpPeerP", ctrl="dis-peer-as-check")
    finding = cluster.until_named("as-override-off", "node-route-missing")
    assert any("has not learned" in text for text in finding["evidence"])


def test_peer_as_check_on(cluster: Live) -> None:
    change_each(cluster, "bgpPeerP", ctrl="as-override")
    finding = cluster.until_named("peer-as-check-on", "node-route-missing")
    assert any("has not learned" in text for text in finding["evidence"])


def test_wrong_password_on_a_leaf(cluster: Live) -> None:
    peers = [dn for dn in cluster.each("bgpPeerP") if "node-201]" in dn] or cluster.each("bgpPeerP")[:1]
    for dn in peers:
        cluster.bench.change("bgpPeerP", dn, password="another-password")
    finding = cluster.until_named("password-differs", "session-missing")
    assert 201 in finding["leaves"]
    assert "MD5" in finding["cause"]


def test_wrong_password_in_kubernetes(cluster: Live) -> None:
    cluster.patch("Secret", "bgp-secrets", {"data": {"rr-password": "YW5vdGhlcg=="}})
    finding = cluster.until_named("password-differs", "session-missing")
    assert "holds another password than the inventory" in finding["what"]


def test_wrong_rack_label(cluster: Live) -> None:
    cluster.patch("Node", "node-1", {"metadata": {"labels": {"rack_id": "2"}}})
    if cluster.plan["svi"]["kind"] == "standard":
        finding = cluster.until_named("rack-label")  # its peers name the node: the label means nothing to them
    else:
        finding = cluster.until_named("rack-label", "session-missing")
        assert any("node-1/201" in text for text in finding["evidence"])
    assert finding["nodes"] == ["node-1"]


def test_import_control_without_the_pod_subnet(cluster: Live) -> None:
    cluster.bench.delete(f"{POLICIES}/subj-calico-prod1-import/dest-[10.1.0.0/16]")
    finding = cluster.until_named("import-prefix-missing", "pod-block-missing")
    assert finding["prefix"] == "10.1.0.0/16"
    assert len(finding["evidence"]) >= 24


def test_import_control_off_with_a_foreign_route(cluster: Live) -> None:
    cluster.bench.change("l3extOut", "uni/tn-common/out-calico-prod1", enforceRtctrl="export")
    cluster.bench.twin.ask("announce", node="node-2", prefix="172.31.0.0/24", prepend=0)
    try:
        finding = cluster.until_named("import-control-off", "foreign-route")
    finally:
        cluster.bench.twin.ask("withdraw", node="node-2")
    assert any("accepted 172.31.0.0/24 from node-2" in text for text in finding["evidence"])


def test_as_limit_off_with_a_prepended_route(cluster: Live) -> None:
    cluster.bench.twin.ask("announce", node="node-2", prefix="10.1.200.0/26", prepend=2)
    try:
        refused = cluster.verify()
        assert "as-limit" not in refused["rules"]
        assert "route-next-hop" not in refused["rules"], "the limit keeps a prepended route out"
        cluster.bench.change("bgpCtxPol", TIMERS, maxAsLimit="0")
        finding = cluster.until_named("as-limit", "route-next-hop")
    finally:
        cluster.bench.twin.ask("withdraw", node="node-2")
    assert any("accepted 10.1.200.0/26 from node-2" in text for text in finding["evidence"])


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
    finding = cluster.until_named("ecmp", "ecmp-width")
    assert any("192.168.8.0/22 has 1 of 3 next hops on leaf 201" in text for text in finding["evidence"])


def test_timers_at_default(cluster: Live) -> None:
    cluster.bench.change("bgpCtxPol", TIMERS, kaIntvl="60", holdIntvl="180")
    finding = cluster.until_named("timers")
    assert any("kaIntvl is 60 instead of 1" in text for text in [finding["what"], *finding["evidence"]])


def test_mesh_on(cluster: Live) -> None:
    cluster.patch("BGPConfiguration", "default", {"spec": {"nodeToNodeMeshEnabled": True}})
    finding = cluster.until_named("mesh-on", "session-mesh")
    assert any("meshes with" in text for text in finding["evidence"])


def test_ip_in_ip_on(cluster: Live) -> None:
    cluster.patch("IPPool", "default-ipv4-ippool", {"spec": {"ipipMode": "Always"}})
    assert "ipipMode is Always" in cluster.until_named("pool-encapsulation")["what"]


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
