"""The real server as a program of the lab: its end, its state, and the rights of its restricted user."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from lab.kube.interface import CALICO_V1, ApiFailure, KubeApi
from lab.kube.real import OPERATOR, RealKubeServer

MERGE = "application/merge-patch+json"
PEERS = f"/apis/{CALICO_V1}/bgppeers"
PEER = {"apiVersion": CALICO_V1, "kind": "BGPPeer", "metadata": {"name": "kept"}, "spec": {"peerIP": "192.0.2.1"}}


def servers_of(state: Path) -> list[str]:
    """Return the programs that run with a state folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text().split("\0")
        except OSError:  # it has ended in the meantime
            continue
        if any(argument.startswith(f"--{option}={state}") for argument in command for option in ("data-dir", "cert-dir")):
            found.append(command[0])
    return found


def eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@contextmanager
def program(root: Path, assets: Path, state: Path) -> Iterator[tuple[subprocess.Popen[str], KubeApi]]:
    """Run ``python tests/lab/kube`` on a state folder during the block, once it is ready."""
    seed = state.with_suffix(".yml")
    seed.write_text(yaml.safe_dump({"nodes": ["node-1"], "service_subnets": ["192.168.8.0/22"]}))
    command = [sys.executable, root / "tests" / "lab" / "kube", "--state", state, "--seed", seed]
    environment = {**os.environ, "KUBEBUILDER_ASSETS": str(assets)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert re.search(r"real kube-apiserver \d+\.\d+", ready)
            yield process, access(state)
        finally:
            process.kill()


def access(state: Path) -> KubeApi:
    """Return a client with the access of the kubeconfig."""
    config = yaml.safe_load((state / "kubeconfig").read_text())
    api = KubeApi()
    api.url, api.token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"]
    api.ca_file = state / "pki" / "ca.crt"
    return api


def test_server_ends_by_signal_and_keeps_its_state(root: Path, assets: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with program(root, assets, state) as (process, api):
        api.request("POST", PEERS, PEER)
        first_token = api.token
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert servers_of(state) == []
    with program(root, assets, state) as (__, api):
        assert api.token == first_token
        assert api.request("GET", f"{PEERS}/kept")["spec"] == PEER["spec"]


def test_killed_server_leaves_nothing_running(root: Path, assets: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with program(root, assets, state) as (process, __):
        assert len(servers_of(state)) == 2
        process.kill()
        process.wait()
        eventually(lambda: not servers_of(state), seconds=10)


@pytest.fixture(scope="module")
def server(assets: Path) -> Iterator[RealKubeServer]:
    with RealKubeServer(["node-1"], service_subnets=["192.168.8.0/22"], assets=assets) as running:
        yield running


def test_server_accepts_service_addresses_of_its_subnet_only(server: RealKubeServer) -> None:
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}], "clusterIP": "192.168.8.80"}}
    server.request("POST", "/api/v1/namespaces/default/services", service)
    foreign = {"metadata": {"name": "foreign"}, "spec": {"ports": [{"port": 80}], "clusterIP": "10.0.0.1"}}
    with pytest.raises(ApiFailure) as failure:
        server.request("POST", "/api/v1/namespaces/default/services", foreign)
    assert failure.value.status == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/nodes", {"metadata": {"name": "node-9"}}),
        ("DELETE", "/api/v1/nodes/node-1", None),
        ("GET", "/api/v1/secrets", None),
        ("GET", "/api/v1/namespaces/kube-system/secrets", None),
        ("GET", "/api/v1/namespaces/kube-system/secrets/another", None),
        ("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "bgp-secrets"}}),
        ("DELETE", "/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node", None),
        ("DELETE", f"/apis/{CALICO_V1}/bgppeers", None),
        (
            "POST",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles",
            {"metadata": {"name": "more"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]},
        ),
    ],
)
def test_restricted_user_may_not(server: RealKubeServer, method: str, path: str, body: object) -> None:
    with pytest.raises(ApiFailure) as failure:
        server.as_user(OPERATOR).request(method, path, body)
    assert failure.value.status == 403


def test_restricted_user_may_label_nodes(server: RealKubeServer) -> None:
    operator = server.as_user(OPERATOR)
    operator.request("PATCH", "/api/v1/nodes/node-1", {"metadata": {"labels": {"rack_id": "1"}}}, MERGE)
    assert operator.request("GET", "/api/v1/nodes/node-1")["metadata"]["labels"]["rack_id"] == "1"
