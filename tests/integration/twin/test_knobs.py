"""Wrong settings in APIC and Kubernetes: the twin breaks as a fabric does, and recovers when they are corrected."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.kube.schema import SERVER_SET
from lab.twin.bench import Bench, eventually
from lab.twin.paper import CALICO, PASSWORD, Figure, calico, mo

POD_1, POD_4 = "10.1.0.0/26", "10.1.0.192/26"
LEAVES = (201, 202, 203, 204)
OUT = "uni/tn-common/out-k8s"
SERVICE = "192.168.8.10"


def vlif(leaf: int, vlan: int = 300) -> str:
    """Return the DN of a leaf's floating SVI."""
    rack = 1 if leaf in (201, 202) else 2
    return f"{OUT}/lnodep-rack-{rack}/lifp-ipv4/vlifp-[topology/pod-1/node-{leaf}]-[vlan-{vlan}]"


def peer(leaf: int) -> str:
    """Return the DN of a leaf's dynamic peer."""
    return f"{vlif(leaf)}/peerP-[192.168.0.0/22]"


def patch(bench: Bench, kind: str, name: str, body: dict[str, Any], version: str = CALICO) -> None:
    """Merge a change into a Kubernetes object."""
    path = bench.kube.path({"apiVersion": version, "kind": kind, "metadata": {"name": name}})
    bench.kube.request("PATCH", path, body, "application/merge-patch+json")


@contextmanager
def mended(bench: Bench, undo: Callable[[], object]) -> Iterator[None]:
    """Undo the block's changes after it, and wait until everything is as before."""
    try:
        yield
    finally:
        undo()
        bench.twin.ask("apply")
        bench.settle()


def set_peers(bench: Bench, **attributes: str) -> None:
    """Change every leaf's peer."""
    for leaf in LEAVES:
        bench.change("bgpPeerP", peer(leaf), **attributes)


def state(bench: Bench, node: str, leaf: int) -> str:
    """Return the state of a session as the node sees it."""
    return bench.sessions().get((node, f"192.168.2.{leaf}"), "none")


def sees(bench: Bench, machine: str, prefix: str) -> bool:
    """Return whether a machine has a route."""
    return prefix in bench.routes(machine)


@pytest.mark.parametrize("controls", ["dis-peer-as-check", "as-override"], ids=["no AS override", "peer AS check"])
def test_nodes_learn_nothing_from_each_other_without_both_controls(floating: Bench, controls: str) -> None:
    with mended(floating, lambda: set_peers(floating, ctrl="as-override,dis-peer-as-check")):
        set_peers(floating, ctrl=controls)
        eventually(lambda: not sees(floating, "node-1", POD_4) and not sees(floating, "node-4", POD_1))
        eventually(floating.converged)
        assert sees(floating, "leaf-203", POD_1)


def test_wrong_password_on_one_side_keeps_the_session_down(floating: Bench) -> None:
    with mended(floating, lambda: floating.change("bgpPeerP", peer(201), password=PASSWORD)):
        floating.change("bgpPeerP", peer(201), password="another")
        eventually(lambda: {state(floating, f"node-{node}", 201) for node in (1, 2, 3)} <= {"Connect", "Active"})
        eventually(lambda: floating.twin.ask("status")["md5_failures"]["201"] > 0)
        assert state(floating, "node-1", 202) == "Established"
        assert floating.pings("node-4", "10.1.0.1", "-I", "10.1.0.193")


def test_password_rotated_on_both_sides_brings_the_sessions_back(floating: Bench) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bgp-secrets", "namespace": "kube-system"}}

    def rotate(password: str) -> None:
        set_peers(floating, password=password)
        data = {"rr-password": base64.b64encode(password.encode()).decode()}
        floating.kube.request("PATCH", floating.kube.path(secret), {"data": data}, "application/merge-patch+json")

    with mended(floating, lambda: rotate(PASSWORD)):
        rotate("rotated")
        eventually(lambda: not floating.twin.ask("apply")["problems"])
        floating.settle()


def test_calico_cannot_read_the_secret_without_the_role_binding(floating: Bench) -> None:
    (binding,) = (it for it in floating.kube.objects("RoleBinding") if it["metadata"]["name"] == "secret-access")
    for name in SERVER_SET:
        binding["metadata"].pop(name, None)
    with mended(floating, lambda: floating.kube.apply([binding])):
        floating.kube.request("DELETE", floating.kube.path(binding))
        eventually(lambda: "Established" not in floating.sessions().values())


def test_wrong_rack_label_moves_the_sessions_to_the_other_rack(floating: Bench) -> None:
    def label(rack: str) -> None:
        patch(floating, "Node", "node-1", {"metadata": {"labels": {"rack_id": rack}}}, "v1")

    with mended(floating, lambda: label("1")):
        label("2")
        eventually(lambda: state(floating, "node-1", 203) == "Established")
        assert state(floating, "node-1", 201) == "none"
        eventually(lambda: floating.routes("leaf-203").get(POD_1) == ["192.168.0.1"])
        eventually(lambda: "192.168.0.1" not in {it["addr"] for it in floating.objects("bgpPeerEntry", 201)})


def test_peer_across_racks_comes_up(floating: Bench) -> None:
    password = {"secretKeyRef": {"name": "bgp-secrets", "key": "rr-password"}}
    extra = calico("BGPPeer", "across", peerIP="192.168.2.203", asNumber=65002, nodeSelector='rack_id == "1"', password=password)
    path = floating.kube.path(extra)
    with mended(floating, lambda: floating.kube.request("DELETE", path)):
        floating.kube.apply([extra])
        eventually(lambda: state(floating, "node-2", 203) == "Established")
        eventually(lambda: len(floating.objects("bgpPeerEntry", 203)) == 6)


@pytest.mark.parametrize(
    ("direction", "machine", "still"), [("import", "leaf-201", "leaf-201"), ("export", "node-4", "leaf-203")]
)
def test_route_control_without_the_pod_subnet_hides_pods(floating: Bench, direction: str, machine: str, still: str) -> None:
    """Without import nobody has routes to pods; without export only the nodes lack them."""
    rule = f"uni/tn-common/subj-allowed-{direction}"
    pods = mo("rtctrlMatchRtDest", ip="10.1.0.0/16", aggregate="yes")
    with mended(floating, lambda: floating.post(rule, pods)):
        floating.delete(f"{rule}/dest-[10.1.0.0/16]")
        eventually(lambda: not sees(floating, machine, POD_1))
        assert sees(floating, still, SERVICE)
        assert sees(floating, still, POD_1) is (direction == "export")
        assert floating.converged()


def test_import_without_aggregate_refuses_pod_blocks(floating: Bench) -> None:
    dest = "uni/tn-common/subj-allowed-import/dest-[10.1.0.0/16]"
    with mended(floating, lambda: floating.change("rtctrlMatchRtDest", dest, aggregate="yes")):
        floating.change("rtctrlMatchRtDest", dest, aggregate="no")
        eventually(lambda: not sees(floating, "leaf-201", POD_1))


def test_foreign_prefix_is_refused_where_import_is_enforced(floating: Bench) -> None:
    foreign = "10.99.0.0/24"

    def undo() -> None:
        floating.change("l3extOut", OUT, enforceRtctrl="export,import")
        floating.twin.ask("withdraw", node="node-1")

    with mended(floating, undo):
        floating.twin.ask("announce", node="node-1", prefix=foreign)
        eventually(lambda: foreign in floating.daemons_of("node-1", "bird4", "show route export Node_192_168_2_201"))
        assert not sees(floating, "leaf-201", foreign)
        floating.change("l3extOut", OUT, enforceRtctrl="export")
        eventually(lambda: floating.routes("leaf-201").get(foreign) == ["192.168.0.1"])


def test_prepended_route_is_refused_where_the_as_limit_is_on(floating: Bench) -> None:
    inside = "10.1.200.0/24"

    def undo() -> None:
        floating.change("bgpCtxPol", "uni/tn-common/bgpCtxP-fast", maxAsLimit="1")
        floating.twin.ask("withdraw", node="node-1")

    with mended(floating, undo):
        floating.twin.ask("announce", node="node-1", prefix=inside, prepend=1)
        eventually(lambda: inside in floating.daemons_of("node-1", "bird4", "show route export Node_192_168_2_201"))
        assert not sees(floating, "leaf-201", inside)
        floating.change("bgpCtxPol", "uni/tn-common/bgpCtxP-fast", maxAsLimit="0")
        eventually(lambda: sees(floating, "leaf-201", inside))


def test_ecmp_of_one_leaves_one_next_hop(floating: Bench) -> None:
    policy = "uni/tn-common/bgpCtxAfP-wide"
    with mended(floating, lambda: floating.change("bgpCtxAfPol", policy, maxEcmp="64", maxEcmpIbgp="64")):
        floating.change("bgpCtxAfPol", policy, maxEcmp="1", maxEcmpIbgp="1")
        eventually(lambda: len(floating.routes("leaf-201")[SERVICE]) == 1 == len(floating.routes("leaf-101")[SERVICE]))


def test_default_timers_are_negotiated(floating: Bench) -> None:
    policy = "uni/tn-common/bgpCtxP-fast"
    with mended(floating, lambda: floating.change("bgpCtxPol", policy, kaIntvl="1", holdIntvl="3")):
        floating.change("bgpCtxPol", policy, kaIntvl="60", holdIntvl="180")
        eventually(lambda: {it["holdIntvl"] for it in floating.objects("bgpPeerEntry")} == {"180"})
        eventually(lambda: len(floating.objects("bgpPeerEntry")) == 12)
    eventually(lambda: {it["holdIntvl"] for it in floating.objects("bgpPeerEntry")} == {"3"})


def test_keepalive_longer_than_the_hold_time_prevents_sessions(floating: Bench) -> None:
    with mended(floating, lambda: patch(floating, "BGPPeer", "leaf-201-v4", {"spec": {"keepaliveTime": None}})):
        patch(floating, "BGPPeer", "leaf-201-v4", {"spec": {"keepaliveTime": "10s"}})
        eventually(lambda: {state(floating, f"node-{node}", 201) for node in (1, 2, 3)} == {"Idle"})


def test_mesh_opens_sessions_between_nodes(floating: Bench) -> None:
    with mended(floating, lambda: patch(floating, "BGPConfiguration", "default", {"spec": {"nodeToNodeMeshEnabled": False}})):
        patch(floating, "BGPConfiguration", "default", {"spec": {"nodeToNodeMeshEnabled": True}})
        eventually(lambda: len(floating.sessions()) == 12 + 6 * 5)
        eventually(floating.converged)


def test_pool_with_ipip_is_not_routed_natively(floating: Bench) -> None:
    with mended(floating, lambda: patch(floating, "IPPool", "pool-4", {"spec": {"ipipMode": "Never"}})):
        patch(floating, "IPPool", "pool-4", {"spec": {"ipipMode": "Always"}})
        eventually(lambda: not sees(floating, "node-1", POD_4))


def test_duplicate_router_id_separates_two_leaves(floating: Bench) -> None:
    attachment = f"{OUT}/lnodep-rack-2/rsnodeL3OutAtt-[topology/pod-1/node-203]"
    with mended(floating, lambda: floating.change("l3extRsNodeL3OutAtt", attachment, rtrId="1.1.4.203")):
        floating.change("l3extRsNodeL3OutAtt", attachment, rtrId="1.1.4.201")
        eventually(lambda: len(floating.routes("leaf-201").get(POD_4, [])) == 1)
        eventually(lambda: len(floating.routes("leaf-202").get(POD_4, [])) == 2)


def test_bd_enforcement_keeps_all_sessions_down(floating: Bench) -> None:
    with mended(floating, lambda: floating.change("fvCtx", "uni/tn-common/ctx-calico", bdEnforcedEnable="no")):
        floating.change("fvCtx", "uni/tn-common/ctx-calico", bdEnforcedEnable="yes")
        eventually(lambda: "Established" not in floating.sessions().values())
        assert floating.pings("node-1", "192.168.3.254")


def test_an_mtu_below_the_nodes_loses_large_packets_only(floating: Bench) -> None:
    def set_mtu(mtu: str) -> None:
        for leaf in LEAVES:
            floating.change("l3extVirtualLIfP", vlif(leaf), mtu=mtu)

    with mended(floating, lambda: set_mtu("9000")):
        set_mtu("1500")
        eventually(lambda: "1500" in floating.twin.run_in("leaf-201", "ip", "link", "show", "vlan300").stdout)
        floating.settle()
        assert floating.pings("node-1", "192.0.2.10")
        assert not floating.pings("node-1", "192.0.2.10", "-s", "4000", "-M", "do")


def move(bench: Bench, leaf: int, old: int, new: int) -> None:
    """Change the VLAN of a leaf's floating SVI, which is part of its DN."""
    bench.delete(vlif(leaf, old))
    (profile,) = (it for it in Figure().tenant()["fvTenant"]["children"] if "l3extOut" in it)
    for node_profile in (it["l3extLNodeP"] for it in profile["l3extOut"]["children"] if "l3extLNodeP" in it):
        for interfaces in (it["l3extLIfP"] for it in node_profile["children"] if "l3extLIfP" in it):
            for item in interfaces["children"]:
                attributes = item["l3extVirtualLIfP"]["attributes"]
                if attributes["nodeDn"].endswith(f"-{leaf}"):
                    attributes["encap"] = f"vlan-{new}"
                    bench.post(vlif(leaf, new).rpartition("/vlifp-")[0], item)


@pytest.mark.parametrize("vlan", [301, 3000], ids=["another VLAN", "a VLAN outside of the pool"])
def test_leaf_on_another_vlan_loses_its_sessions(floating: Bench, vlan: int) -> None:
    with mended(floating, lambda: move(floating, 201, vlan, 300)):
        move(floating, 201, 300, vlan)
        eventually(lambda: "Established" not in {state(floating, f"node-{node}", 201) for node in (1, 2, 3)})
        deployed = f"vlan{vlan}" in floating.twin.run_in("leaf-201", "ip", "link").stdout
        assert deployed is (vlan == 301)
        eventually(lambda: state(floating, "node-1", 202) == "Established")


@pytest.mark.parametrize("what", ["bgpExtP", "secondary"])
def test_missing_part_of_the_l3out_breaks(floating: Bench, what: str) -> None:
    if what == "bgpExtP":
        with mended(floating, lambda: floating.post(OUT, mo("bgpExtP"))):
            floating.delete(f"{OUT}/bgpExtP")
            eventually(lambda: "Established" not in floating.sessions().values())
        return
    address = "192.168.3.254/22"

    def undo() -> None:
        for leaf in LEAVES:
            floating.post(vlif(leaf), mo("l3extIp", addr=address))

    with mended(floating, undo):
        for leaf in LEAVES:
            floating.delete(f"{vlif(leaf)}/addr-[{address}]")
        eventually(lambda: "default" not in floating.routes("node-1"))
        assert not floating.pings("node-1", "192.0.2.10", count=1)


def test_traffic_of_a_subnet_in_no_external_epg_is_dropped(floating: Bench) -> None:
    """Sessions and routes stay; no contract admits packets across racks from such an address."""
    epg, subnet = f"{OUT}/instP-default", "10.1.0.0/16"
    with mended(floating, lambda: floating.post(epg, mo("l3extSubnet", ip=subnet))):
        floating.delete(f"{epg}/extsubnet-[{subnet}]")
        eventually(lambda: not floating.pings("node-1", "10.1.0.193", "-I", "10.1.0.1", count=1))
        assert floating.settled()
        assert floating.pings("node-1", "192.0.2.10")
    eventually(lambda: floating.pings("node-1", "10.1.0.193", "-I", "10.1.0.1", count=1))


def test_small_prefix_limit_is_exceeded_without_the_filter(floating: Bench) -> None:
    """Routes that nodes pass on from one leaf to the other count as well; a BGPFilter stops them."""
    reject = [{"action": "Reject", "source": "RemotePeers"}]
    own_only = calico("BGPFilter", "own-only", exportV4=reject)

    def use(filters: list[str]) -> None:
        for leaf in LEAVES:
            patch(floating, "BGPPeer", f"leaf-{leaf}-v4", {"spec": {"filters": filters}})

    def undo() -> None:
        use([])
        floating.kube.request("DELETE", floating.kube.path(own_only))
        for leaf in LEAVES:
            floating.change("bgpRsPeerPfxPol", f"{peer(leaf)}/rspeerPfxPol", tnBgpPeerPfxPolName="")

    def exceeded() -> int:
        return sum("pfxlimit-exceeded" in it["flags"] for it in floating.objects("bgpPeerAfEntry"))

    with mended(floating, undo):
        floating.kube.apply([own_only])
        floating.post("uni/tn-common", mo("bgpPeerPfxPol", name="limit", maxPfx="6", action="reject"))
        for leaf in LEAVES:
            floating.change("bgpRsPeerPfxPol", f"{peer(leaf)}/rspeerPfxPol", tnBgpPeerPfxPolName="limit")
        eventually(lambda: exceeded() == 12)
        assert "F1215" in {it["code"] for it in floating.objects("faultInst", 201)}
        use(["own-only"])
        eventually(lambda: exceeded() == 0)
        assert max(int(it["pfxSaved"]) for it in floating.objects("bgpPeerAfEntry")) <= 4


def test_host_route_of_a_service_follows_its_endpoints(floating: Bench) -> None:
    (slice_,) = (it for it in floating.kube.objects("EndpointSlice") if it["metadata"]["name"] == "frontend")

    def place(nodes: list[str]) -> None:
        endpoints = [{"addresses": [f"10.1.255.{at}"], "nodeName": node} for at, node in enumerate(nodes, 1)]
        floating.kube.request("PATCH", floating.kube.path(slice_), {"endpoints": endpoints}, "application/merge-patch+json")

    with mended(floating, lambda: place(["node-1", "node-3", "node-6"])):
        place(["node-2"])
        eventually(lambda: floating.routes("leaf-201").get(SERVICE) == ["192.168.0.2"])
        assert floating.pings("endpoint", SERVICE)
        place([])
        eventually(lambda: not sees(floating, "leaf-201", SERVICE))
