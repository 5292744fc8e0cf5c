"""The playbooks against the bench: output, files, failures and waits."""

from __future__ import annotations

import json
import math
import sys
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import pytest
from integration.verify.live import PASSWORD, Live
from integration.verify.play import Play
from unit.plugin_utils.healthy_cluster import VARIABLES

from lab.twin.bench import APIC_PASSWORD

# The longest time after which BIRD notices that a leaf has gone without a word.
SILENCE_NOTICED = 4.3
# What happens to leaf 201 while it is handed over: the other leaf is asked for, and 201 reloads as in a graceful upgrade.
WORK = """
- name: Ask for the other leaf of the pair
  ansible.builtin.command:
    argv: [ansible-playbook, -i, hosts.yml, {playbook}, -e, node_maintenance_state=ask, -e, node_maintenance_leaves=202]
    chdir: {folder}
  register: other_leaf
  changed_when: false
  failed_when: other_leaf.rc != 2 or 'maintenance-node-alone' not in other_leaf.stdout

- name: Reload the leaf
  ansible.builtin.command:
    argv: [{python}, {twin}, "{{{{ item }}}}", --dir, {folder}, leaf-201]
  loop: [drain, "off", kill, "on", start]
  changed_when: true
"""


@pytest.fixture
def play(cluster: Live, tmp_path: Path, root: Path) -> Play:
    return Play(tmp_path, root, cluster, VARIABLES)


def test_verify_reports_a_cluster_in_order(play: Play, cluster: Live) -> None:
    done = play("-vvvv", "--diff")
    assert done.returncode == 0, done.stdout
    assert "12/12 sessions established; all routes in place" in done.stdout
    assert "1 201 3 3/3 6/6 2/2 9" in " ".join(done.stdout.split())
    assert json.loads(play.artifact("verify.json"))["ok"]
    assert not list(ElementTree.fromstring(play.artifact("verify.xml").encode()).iter("failure"))
    assert PASSWORD not in done.stdout + done.stderr
    assert APIC_PASSWORD not in done.stdout + done.stderr
    kept = cluster.kube.request("GET", "/apis/crd.projectcalico.org/v1/caliconodestatuses")["items"]
    assert kept == []


def test_verify_fails_with_findings_and_remedies(play: Play, cluster: Live) -> None:
    cluster.patch("BGPConfiguration", "default", {"spec": {"nodeToNodeMeshEnabled": True}})
    try:
        done = play("-e", "aci_calico_verify_timeout=2")
    finally:
        cluster.configure()
        cluster.until_green()
    assert done.returncode == 2
    assert "nodeToNodeMeshEnabled is not false [mesh-on]" in done.stdout
    assert "   remedy: Run netops.aci_calico.site for this cluster." in done.stdout
    assert json.loads(play.artifact("verify.json"))["findings"][0]["id"] == "mesh-on"


def test_verify_writes_nothing_in_check_mode(play: Play) -> None:
    done = play("--check", "-e", "aci_calico_verify_timeout=0")
    assert done.returncode == 0, done.stdout
    assert not (play.folder / "artifacts").exists()


def test_site_keeps_the_mesh_until_sessions_and_routes_replace_it(play: Play, cluster: Live) -> None:
    """The cluster has Calico's defaults, and first another password than the leaves; then the leaves do not override the AS."""
    pool = cluster.plan["calico"]["pools"][0]["name"]
    peers = cluster.bench.objects("bgpPeerP")

    def now() -> tuple[object, object]:
        return (
            cluster.get("BGPConfiguration", "default")["spec"]["nodeToNodeMeshEnabled"],
            cluster.get("IPPool", pool)["spec"]["ipipMode"],
        )

    cluster.patch("BGPConfiguration", "default", {"spec": {"nodeToNodeMeshEnabled": True}})
    cluster.patch("IPPool", pool, {"spec": {"ipipMode": "Always"}})
    cluster.patch("Secret", "bgp-secrets", {"data": {"rr-password": "YW5vdGhlcg=="}})
    cluster.delete("BGPPeer", "aci-leaf-201")
    try:
        cluster.until(lambda report: all(session["state"] != "established" for session in report["sessions"]))
        consents = ("-e", "aci_calico_consent=session-reset,traffic-interruption")
        kept = play("--tags", "calico", "-e", "aci_calico_sessions_timeout=1", *consents, playbook="site")
        assert kept.returncode == 2, kept.stdout
        assert "The node-to-node mesh stays on" in kept.stdout, kept.stdout
        assert "0 of 12 sessions established" in kept.stdout
        assert cluster.get("BGPPeer", "aci-leaf-201"), "everything else is configured"
        assert now() == (True, "Always")

        agreed = ("-e", "aci_calico_update_password=always", *consents)
        for peer in peers:
            cluster.bench.change("bgpPeerP", peer["dn"], ctrl="dis-peer-as-check")
        routeless = play("--tags", "calico", *agreed, playbook="site")
        assert routeless.returncode == 2, routeless.stdout
        assert "12 of 12 sessions established" in " ".join(routeless.stdout.split())
        assert "as-override-off" in routeless.stdout
        assert "The node-to-node mesh stays on" in routeless.stdout
        assert now() == (True, "Always")

        for peer in peers:
            cluster.bench.change("bgpPeerP", peer["dn"], ctrl=peer["ctrl"])
        done = play("--tags", "calico", *agreed, playbook="site")
        assert done.returncode == 0, done.stdout
        assert "12/12 sessions established" in done.stdout
        assert now() == (False, "Never")
    finally:
        cluster.configure()
        cluster.until_green()


def test_maintenance_takes_a_node_out_of_service_and_back(play: Play, cluster: Live) -> None:
    """Leaves stop sending traffic for services to the node before it is drained, and resume afterwards."""

    def play_maintenance(*options: str) -> str:
        done = play("-e", "node_maintenance_nodes=node-2", *options, playbook="maintenance")
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert play(playbook="plan").returncode == 0  # which records the addresses
    subnet = cluster.plan["subnets"]["service"]["ipv4"][0]
    node_2 = next(node for node in cluster.plan["nodes"] if node["name"] == "node-2")
    address = node_2["networks"]["ipv4"]["address"].split("/")[0]
    before = cluster.get("Node", "node-2")
    try:
        announced = play_maintenance("--check", "--diff")
        assert "changed=1 " in announced
        assert "unschedulable" in announced
        assert cluster.get("Node", "node-2") == before

        assert "no leaf sends services' traffic to the drained nodes" in play_maintenance()
        assert address not in cluster.bench.routes("leaf-201")[subnet]
        assert cluster.get("Node", "node-2")["spec"]["unschedulable"]
        assert "changed=0 " in play_maintenance()
        cluster.until_green()
    finally:
        play_maintenance("-e", "node_maintenance_state=end")
    after = cluster.get("Node", "node-2")
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert "unschedulable" not in after["spec"]
    cluster.until_green()
    assert address in cluster.bench.routes("leaf-201")[subnet]


def test_a_leaf_goes_only_while_its_partner_stays(play: Play, cluster: Live, root: Path) -> None:
    """The conductor hands leaf 201 over, refuses leaf 202 meanwhile, and waits for sessions and routes; flows go on."""
    work = play.folder / "work.yml"
    places = {"playbook": root / "playbooks/maintenance.yml", "twin": root / "tests/lab/twin", "python": sys.executable}
    work.write_text(WORK.format(folder=cluster.bench.twin.folder, **places), encoding="utf-8")
    (cluster.bench.twin.folder / "hosts.yml").write_bytes((play.folder / "hosts.yml").read_bytes())
    longest = math.inf
    for __ in range(3):  # the delays of a busy machine are left out
        with ExitStack() as stack:
            near, far = cluster.pod("node-1"), cluster.pod("node-4")
            flows = [stack.enter_context(cluster.bench.flow("node-4", near, "-I", far)) for _flow in range(4)]
            done = play("-e", "node_maintenance_leaves=201", "-e", f"node_maintenance_work={work}", playbook="maintenance")
        assert done.returncode == 0, done.stdout
        longest = min(longest, max(silence for (silence,) in flows))
        if longest < SILENCE_NOTICED:
            break
    said = " ".join(done.stdout.split())
    assert "prod1: leaf 201 is out for maintenance: no node loses its last session" in said
    assert "prod1: leaf 201 is in service" in said
    record = json.loads(play.artifact("maintenance.json"))
    assert (record["open"], record["conduct"], record["missing"]) == ([], None, [])
    assert longest < SILENCE_NOTICED
    cluster.until_green()
