"""The embedded server: its state, logs and misbehaviour.

``tests/integration/kube`` compares its answers with those of a real API server.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.kube.interface import CALICO_V1, CALICO_V3, MERGE_PATCH, ApiFailure, KubeApi
from lab.kube.server import KubeServer, State

PEERS = f"/apis/{CALICO_V1}/bgppeers"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
ROOT = Path(__file__).resolve().parents[4]


def peer(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": CALICO_V1, "kind": "BGPPeer", "metadata": {"name": name}, "spec": {"asNumber": 65002, **spec}}


@pytest.fixture
def server() -> Iterator[KubeServer]:
    with KubeServer(["node-1", {"name": "node-2", "addresses": ["192.168.2.2/24", "2001:db8::2/64"]}]) as server:
        yield server


def test_a_new_cluster_has_calico_with_its_defaults(server):
    titles = {f"{item['kind']}/{item['metadata']['name']}" for item in server.objects()}
    assert titles == {
        *("Namespace/default", "Namespace/kube-system", "Node/node-1", "Node/node-2"),
        *("ServiceAccount/calico-node", "ConfigMap/calico-config", "DaemonSet/calico-node", "IPPool/default-ipv4-ippool"),
    }
    (pool,) = server.objects("IPPool")
    assert pool["spec"]["ipipMode"] == "Always"
    annotations = server.request("GET", "/api/v1/nodes/node-2")["metadata"]["annotations"]
    assert annotations == {"projectcalico.org/IPv4Address": "192.168.2.2/24", "projectcalico.org/IPv6Address": "2001:db8::2/64"}


def test_state_outlives_the_server(tmp_path):
    with KubeServer(["node-1"], state_dir=tmp_path) as first:
        first.request("POST", PEERS, peer("kept"))
        first.request("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"k": "kept in secret"}})
        before, kubeconfig = first.objects(), yaml.safe_load(first.kubeconfig.read_text())
    journal = tmp_path / "objects.jsonl"
    journal.write_text(journal.read_text() + '{"event": "ADDED", "object": {"apiV')  # as SIGKILL leaves it
    with KubeServer(["node-1"], state_dir=tmp_path) as second:
        assert sorted(map(json.dumps, second.objects())) == sorted(map(json.dumps, before))
        assert yaml.safe_load(second.kubeconfig.read_text())["users"] == kubeconfig["users"]


def test_versions_are_never_given_out_again(tmp_path):
    with KubeServer(state_dir=tmp_path) as server:
        server.request("POST", PEERS, peer())
        server.request("DELETE", f"{PEERS}/p")
        version = server.request("GET", PEERS)["metadata"]["resourceVersion"]
    for __ in range(2):
        with KubeServer(state_dir=tmp_path) as server:
            assert server.request("GET", PEERS)["metadata"]["resourceVersion"] == version


def test_keys_are_private_and_secrets_in_no_file(tmp_path):
    with KubeServer(state_dir=tmp_path) as server:
        server.request("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"k": "the password"}})
        server.request("PATCH", f"{SECRETS}/s", {"stringData": {"k": "the password 2"}}, MERGE_PATCH)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"the password" not in written
    assert b"dGhlIHBhc3N3b3Jk" not in written
    assert State(tmp_path).load()[1][-1]["data"] == {"k": "dGhlIHBhc3N3b3JkIDI="}
    with KubeServer(state_dir=tmp_path) as server:
        private = [server.kubeconfig, *(tmp_path / name for name in ("token", "secrets.key", "server.pem"))]
        assert [path.stat().st_mode & 0o077 for path in private] == [0] * 4


def test_requests_and_dropped_fields_are_logged_without_bodies(tmp_path):
    with KubeServer(state_dir=tmp_path) as server:
        with pytest.raises(ApiFailure):
            server.request("POST", f"{PEERS}?dryRun=All", peer(asNumber="x"))
        assert (server.requests[-1].method, server.requests[-1].status) == ("POST", 422)
        last = json.loads((tmp_path / "requests.jsonl").read_text().splitlines()[-1])
    assert {**last, "time": None} == {"time": None, "method": "POST", "path": PEERS, "query": "dryRun=All", "status": 422}
    with KubeServer(state_dir=tmp_path) as server:
        server.request("POST", PEERS, peer(typo=1))
    assert json.loads((tmp_path / "pruned.jsonl").read_text()) == {"kind": "BGPPeer", "name": "p", "fields": ["spec.typo"]}


def test_two_groups_are_two_views_of_the_same_objects():
    with KubeServer(api_groups=(CALICO_V1, CALICO_V3)) as server:
        created = server.request("POST", PEERS, peer())
        seen = server.request("GET", f"/apis/{CALICO_V3}/bgppeers/p")
        assert (created["apiVersion"], seen["apiVersion"]) == (CALICO_V1, CALICO_V3)
        assert seen["metadata"]["uid"] == created["metadata"]["uid"]
        same = server.request("PATCH", f"/apis/{CALICO_V3}/bgppeers/p", {"spec": {"asNumber": 65002}}, MERGE_PATCH)
        assert same["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]


def test_strangers_are_refused_and_all_clients_while_unavailable(server):
    stranger = KubeApi()
    stranger.url, stranger.ca_file, stranger.token = server.url, server.ca_file, "guess"
    with pytest.raises(ApiFailure, match="401"):
        stranger.request("GET", "/api/v1/nodes")
    server.misbehaviour.unavailable = 2
    for __ in range(2):
        with pytest.raises(ApiFailure, match="503"):
            server.request("GET", "/api/v1/nodes")
    assert server.request("GET", "/api/v1/nodes")["items"]


def test_hangs_at_a_request(server):
    """Stop the server although a client waits forever."""
    server.misbehaviour.hang_at = 1
    server.request("GET", "/api/v1/nodes")
    server._connection.timeout = 0.3
    server.close()
    with pytest.raises(TimeoutError):
        server.request("GET", "/api/v1/nodes")


def test_a_watch_tells_what_happens(server):
    connection = http.client.HTTPSConnection(server.url.removeprefix("https://"), context=server._connection._context)
    connection.request("GET", f"{PEERS}?watch=True", headers={"Authorization": f"Bearer {server.token}"})
    stream = connection.getresponse()
    time.sleep(0.1)
    server.request("POST", PEERS, peer())
    server.request("PATCH", f"{PEERS}/p", {"spec": {"asNumber": 1}}, MERGE_PATCH)
    server.request("DELETE", f"{PEERS}/p")
    events = [json.loads(stream.readline()) for __ in range(3)]
    connection.close()
    assert [(event["type"], event["object"]["spec"]["asNumber"]) for event in events] == [
        ("ADDED", 65002),
        ("MODIFIED", 1),
        ("DELETED", 1),
    ]


def watched(server, query):
    """Return an open watch of the peers."""
    connection = http.client.HTTPSConnection(server.url.removeprefix("https://"), context=server._connection._context)
    connection.request("GET", f"{PEERS}?watch=1&{query}", headers={"Authorization": f"Bearer {server.token}"})
    return connection, connection.getresponse()


def test_a_watch_goes_on_from_a_version_and_ends_with_a_bookmark(server):
    server.request("POST", PEERS, peer())
    version = server.request("GET", PEERS)["metadata"]["resourceVersion"]
    server.request("PATCH", f"{PEERS}/p", {"spec": {"asNumber": 1}}, MERGE_PATCH)
    newest = server.request("PATCH", "/api/v1/nodes/node-1", {"metadata": {"labels": {"a": "b"}}}, MERGE_PATCH)
    connection, stream = watched(server, f"resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds=0.2")
    events = [json.loads(line) for line in stream.read().splitlines()]
    connection.close()
    assert [event["type"] for event in events] == ["MODIFIED", "BOOKMARK"]
    assert events[1]["object"]["metadata"] == {"resourceVersion": newest["metadata"]["resourceVersion"]}


def test_a_version_that_is_no_longer_known_is_gone(server):
    version = server.request("GET", PEERS)["metadata"]["resourceVersion"]
    server.request("POST", PEERS, peer())
    server.emulator.watches.compact()
    connection, stream = watched(server, f"resourceVersion={version}")
    event = json.loads(stream.read())
    connection.close()
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_watches_are_dropped_on_demand(server):
    connection, stream = watched(server, "fieldSelector=metadata.name%3Dp")
    server.request("POST", PEERS, peer())
    assert json.loads(stream.readline())["object"]["metadata"]["name"] == "p"
    server._loop.call_soon_threadsafe(server.emulator.watches.disconnect)
    with pytest.raises((http.client.HTTPException, OSError)):
        stream.read()
    connection.close()


def test_status_is_written_by_itself(server):
    """Write a status only through the subresource, if the kind has one."""
    path = f"/apis/{CALICO_V1}/caliconodestatuses"
    manifest = {"metadata": {"name": "s"}, "spec": {"node": "node-1"}, "status": {"bgp": {}}}
    assert "status" not in server.request("POST", path, manifest)
    counts = {f"number{what}V{version}": 1 for what in ("Established", "NotEstablished") for version in (4, 6)}
    patched = server.request("PATCH", f"{path}/s/status", {"spec": {"node": "x"}, "status": {"bgp": counts}}, MERGE_PATCH)
    assert (patched["spec"], patched["status"]["bgp"]) == ({"node": "node-1"}, counts)
    assert patched["metadata"]["generation"] == 1
    with pytest.raises(ApiFailure, match="422"):
        server.request("PATCH", f"{path}/s/status", {"status": {"bgp": {"numberEstablishedV4": None}}}, MERGE_PATCH)


def test_a_collection_is_deleted_by_label(server):
    for name, rack in (("a", "1"), ("b", "2"), ("c", "1")):
        manifest = peer(name)
        manifest["metadata"]["labels"] = {"rack": rack}
        server.request("POST", PEERS, manifest)
    server.request("DELETE", f"{PEERS}?labelSelector=rack%3D1")
    assert [item["metadata"]["name"] for item in server.objects("BGPPeer")] == ["b"]


def test_many_clients_at_once(server):
    """Lose no write and answer each with a version of its own."""
    versions: list[str] = []

    def work(number: int) -> None:
        api = KubeApi()
        api.url, api.ca_file, api.token = server.url, server.ca_file, server.token
        versions.append(api.request("POST", PEERS, peer(f"p{number}"))["metadata"]["resourceVersion"])
        api.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(versions)) == len(server.objects("BGPPeer")) == 8


def test_the_command_serves_a_seed_until_it_is_stopped(tmp_path):
    seed = {"nodes": ["node-1"], "namespace": "calico-system", "api_groups": [CALICO_V3], "objects": []}
    (tmp_path / "seed.yml").write_text(yaml.safe_dump(seed))
    options = ["--state", tmp_path / "state", "--seed", tmp_path / "seed.yml", "--kubeconfig", tmp_path / "config"]
    command = [sys.executable, ROOT / "tests" / "lab" / "kube", *options]
    # Empty, because the variable may name a real server's programs outside of the test.
    environment = {"KUBEBUILDER_ASSETS": "", "PATH": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[0]
            config = yaml.safe_load((tmp_path / "config").read_text())
            api = KubeApi()
            api.url, api.ca_file = url, tmp_path / "state" / "ca.pem"
            api.token = config["users"][0]["user"]["token"]
            (daemonset,) = api.objects("DaemonSet")
            assert daemonset["metadata"]["namespace"] == "calico-system"
            assert api.objects("IPPool")[0]["apiVersion"] == CALICO_V3
            api.close()
        finally:
            process.terminate()
    assert process.returncode == 0
