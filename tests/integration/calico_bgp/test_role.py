"""The role calico_bgp against the embedded API server."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.watch import Watch, traces

from lab.example import worked_example
from lab.kube.objects import Refusal
from lab.kube.server import KubeServer

ROOT = Path(__file__).resolve().parents[3]
MARKER = "marker-of-the-BGP-password"
PLAY = """
- hosts: aci_calico_clusters
  gather_facts: false
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  roles:
    - netops.aci_calico.calico_bgp
"""


@dataclass
class Outcome:
    """One run of the playbook."""

    code: int
    output: str
    changed: int
    written: list[tuple[str, str]]
    dry: bool

    @property
    def said(self) -> str:
        """Return the output as one line."""
        return " ".join(self.output.split())


class Cluster:
    """A cluster with a server of its own, and the playbook that configures it."""

    def __init__(self, folder: Path, nodes: int = 6, svi: str = "floating", **server: Any) -> None:
        addresses = [{"name": f"node-{number}", "addresses": [f"192.168.2.{number}/24"]} for number in range(1, nodes + 1)]
        self.folder = folder
        self.server = KubeServer(addresses, state_dir=folder / "state", **server)
        self.variables = worked_example(
            svi,
            nodes,
            aci_calico_bgp_password=MARKER,
            aci_calico_kubeconfig=str(folder / "state" / "kubeconfig"),
            aci_calico_sessions_timeout=0,  # there is no APIC to see any
        )
        (folder / "play.yml").write_text(PLAY)
        (folder / "hosts.yml").write_text(yaml.safe_dump({"aci_calico_clusters": {"hosts": {"prod1": None}}}))

    def run(self, *arguments: str, **variables: Any) -> Outcome:
        """Run the role; ``written`` are the requests that write, or would without check mode."""
        (self.folder / "vars.json").write_text(json.dumps({**self.variables, **variables}))
        before = len(self.server.requests)
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "hosts.yml",
            "play.yml",
            "-e",
            "@vars.json",
            *arguments,
        ]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_PIPELINING": "0",  # the action asks for it
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "home" / "remote"),
            "TMPDIR": str(self.folder / "home"),
        }
        (self.folder / "home").mkdir(exist_ok=True)
        process = subprocess.run(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        output = process.stdout
        requests = self.server.requests[before:]
        written = [request for request in requests if request.method != "GET"]
        recap = [word for line in output.splitlines() if line.startswith("prod1") for word in line.split()]
        changed = next((int(word.partition("=")[2]) for word in recap if word.startswith("changed=")), -1)
        dry = all("dryRun=All" in request.query for request in written)
        return Outcome(process.returncode, output, changed, [(item.method, item.path) for item in written], dry)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    with cluster.server:
        yield cluster


def test_password_is_kept_unless_update_password_is_always(cluster: Cluster) -> None:
    """``tests/integration/kube`` tests first, second and teardown runs on both API servers."""
    assert cluster.run().code == 0

    kept = cluster.run(aci_calico_bgp_password="another")
    assert (kept.code, kept.changed, kept.written) == (0, 0, [])
    assert "It holds another password" in kept.said

    new = {"aci_calico_bgp_password": "another", "aci_calico_update_password": "always"}
    predicted = cluster.run("--check", **new)
    refused = cluster.run(**new)
    assert (refused.code, refused.written) == (2, [])
    assert "-e aci_calico_consent=session-reset" in refused.said
    rotated = cluster.run("-e", "aci_calico_consent=session-reset", **new)
    assert rotated.written == predicted.written == [("PATCH", "/api/v1/namespaces/kube-system/secrets/bgp-secrets")]
    assert rotated.changed == predicted.changed == 1
    assert (predicted.dry, rotated.dry) == (True, False)


def test_apic_password_is_needed_only_to_wait_for_sessions(cluster: Cluster) -> None:
    login = {"aci_calico_apic_password": "{{ vault_apic_password }}"}
    asked = cluster.run(**login, aci_calico_sessions_timeout=1)
    assert asked.code == 2
    assert "'vault_apic_password' is undefined" in asked.said
    assert "The node-to-node mesh stays on" in asked.said
    outcome = cluster.run(**login)
    assert outcome.code == 0, outcome.output


def test_dry_run_reports_that_it_does_not_wait_for_sessions(cluster: Cluster) -> None:
    """``tests/integration/verify`` tests real runs, with sessions."""
    outcome = cluster.run("--check", aci_calico_sessions_timeout=45)
    assert (outcome.code, outcome.dry) == (0, True), outcome.output
    assert "wait for up to 45 s" in outcome.said
    assert "before it sends IPPool and BGPConfiguration" in outcome.said


def test_password_is_not_shown_or_stored(cluster: Cluster) -> None:
    """Look at output, files and command lines of a run that works and one that fails, at the highest verbosity."""
    with Watch(cluster.folder / "home", MARKER) as watch:
        worked = cluster.run("-vvvv", "--diff")
    assert worked.code == 0, worked.output
    assert [trace for trace in traces(MARKER) if trace in worked.output] == []
    assert watch.found == set()

    def refuse(kind, namespace, name, patch, *_args):
        """Refuse with a message that repeats the request."""
        raise Refusal(422, "Invalid", f"Secret is invalid: {json.dumps(patch)}")

    cluster.server.emulator.store.patch = refuse
    cluster.variables.update(aci_calico_update_password="always")
    secret = cluster.server.emulator.store.get(cluster.server.emulator.kinds["", "v1", "secrets"], "kube-system", "bgp-secrets")
    secret["data"]["rr-password"] = base64.b64encode(b"of old").decode()
    with Watch(cluster.folder / "home", MARKER) as watch:
        failed = cluster.run("-vvvv", "--diff", "-e", "aci_calico_consent=session-reset")
    assert failed.code == 2
    assert "HTTP status 422: Secret/bgp-secrets: Unprocessable" in failed.said  # RFC 9110 renamed "Entity"; Python 3.13 follows
    assert "Secret is invalid" not in failed.said
    assert [line for line in failed.output.splitlines() if any(trace in line for trace in traces(MARKER))] == []
    assert watch.found == set()
    kept = [path for path in (cluster.folder / "state").iterdir() if MARKER in path.read_text(errors="replace")]
    assert kept == []


def test_standard_svi_is_configured_in_another_namespace(tmp_path: Path) -> None:
    """The server has both API groups, and calico-node is in calico-system. Its nodes have other addresses until then."""
    groups = ("projectcalico.org/v3", "crd.projectcalico.org/v1")
    cluster = Cluster(tmp_path, svi="standard", api_groups=groups, namespace="calico-system")
    with cluster.server:
        outcome = cluster.run("-e", "aci_calico_consent=traffic-interruption")
        assert outcome.code == 0, outcome.output
        peers = cluster.server.request("GET", "/apis/projectcalico.org/v3/bgppeers")["items"]
        assert sorted(peer["spec"]["node"] for peer in peers) == sorted([f"node-{number}" for number in range(1, 7)] * 2)
        assert cluster.server.request("GET", "/api/v1/namespaces/calico-system/secrets/bgp-secrets")


def test_64_nodes_take_no_more_tasks_than_six(tmp_path: Path) -> None:
    """The number of objects grows with the cluster, the number of tasks does not."""
    cluster = Cluster(tmp_path, nodes=64)
    with cluster.server:
        first = cluster.run()
        assert first.code == 0, first.output
        assert first.changed == 1
        assert sum(path.startswith("/api/v1/nodes/") for __, path in first.written) == 64
        second = cluster.run()
        assert (second.changed, second.written) == (0, [])


def test_problems_are_reported_before_anything_is_sent(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, nodes=6, pod_subnets=("10.1.0.0/20",))
    with cluster.server:
        outcome = cluster.run(aci_calico_racks=worked_example(nodes=8)["aci_calico_racks"])
    assert outcome.code == 2
    assert outcome.written == []
    for told in ("IPPool/default-ipv4-ippool", "pool-cidr", "Correct aci_calico_pod_subnets"):
        assert told in outcome.output


def test_server_that_does_not_answer_is_reported(cluster: Cluster) -> None:
    outcome = cluster.run(aci_calico_kubeconfig="", aci_calico_kube_host="https://127.0.0.1:9", aci_calico_kube_api_key="x")
    assert outcome.code == 2
    assert "kubernetes-unreachable" in outcome.said
