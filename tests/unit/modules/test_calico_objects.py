"""Writes to Kubernetes: what is sent, what is repeated after which failure, and what is reported as changed."""

from __future__ import annotations

import base64
import copy
import json

import pytest
from unit.module_utils.kubernetes.api_server import ApiServer, Fault

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes import api as api_module
from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeApi, KubeError
from ansible_collections.netops.aci_calico.plugins.modules import calico_objects

PASSWORD = "correct-horse"
PEERS = "/apis/projectcalico.org/v3/bgppeers"
PEER = f"{PEERS}/leaf-201"
SECRET = "/api/v1/namespaces/kube-system/secrets/bgp-secrets"


def peer(**spec):
    return {"apiVersion": "projectcalico.org/v3", "kind": "BGPPeer", "metadata": {"name": "leaf-201"}, "spec": spec}


def secret():
    metadata = {"name": "bgp-secrets", "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"rr-password": "<secret:bgp_password>"}}


def run(server, *changes, dry_run=False):
    """Return the module's result; ``failed`` is its error."""
    done = {"changed": False, "created": [], "modified": [], "deleted": []}
    params = {"changes": [{"state": state, "manifest": manifest} for state, manifest in changes]}
    try:
        api = KubeApi(server, [PASSWORD], dry_run)
        return calico_objects.run(api, {**params, "secrets": {"bgp_password": PASSWORD}}, done)
    except KubeError as error:
        return {**done, "failed": error}


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    pauses = []
    monkeypatch.setattr(api_module.time, "sleep", pauses.append)
    return pauses


OLD, NEW = peer(asNumber=1, keep=True), peer(asNumber=2)
# State, what is there before and after, and under which name the result lists the change.
CHANGES = {
    "post": ("present", {}, {PEER: NEW}, "created"),
    "patch": ("present", {PEER: OLD}, {PEER: peer(asNumber=2, keep=True)}, "modified"),
    "delete": ("absent", {PEER: OLD}, {}, "deleted"),
}


@pytest.mark.parametrize("method", CHANGES)
def test_each_change_is_sent_once_and_a_second_run_sends_nothing(method):
    state, before, after, listed = CHANGES[method]
    server = ApiServer(copy.deepcopy(before))
    result = run(server, (state, NEW))
    assert (result["changed"], result[listed], server.objects) == (True, ["BGPPeer/leaf-201"], after)
    again = run(server, (state, NEW))
    assert (again["changed"], again["created"] + again["modified"] + again["deleted"]) == (False, [])


@pytest.mark.parametrize("method", CHANGES)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("status", [409, 429, 500, 502, 503, 504, None])
def test_a_write_survives_a_failure(method, status, after):
    state, before, wanted, listed = CHANGES[method]
    server = ApiServer(copy.deepcopy(before), Fault(method, status, after=after), Fault(method, status))
    result = run(server, (state, NEW))
    assert server.objects == wanted
    reads = [position for position, asked in enumerate(server.asked) if asked.startswith("get")]
    writes = [position for position, asked in enumerate(server.asked) if not asked.startswith("get")]
    assert all(position - 1 in reads for position in writes), "each write follows a read"
    # A change that was made and refused with 409 or 429 does not exist in reality.
    applied_by_others = after and status in (409, 429)
    assert applied_by_others or (result["changed"], result[listed]) == (True, ["BGPPeer/leaf-201"])


def test_an_object_that_others_made_meanwhile_is_no_change():
    """A list from a stale cache says that the object is missing; the creation meets it."""
    server = ApiServer({PEER: NEW}, Fault("get", 404))
    result = run(server, ("present", NEW))
    assert (result["changed"], result["created"]) == (False, [])
    assert server.asked == [f"get {PEER}", f"post {PEERS}", f"get {PEER}"]


def test_a_node_that_has_gone_is_not_made_again():
    assert not run(ApiServer(), ("patched", NEW))["changed"]
    server = ApiServer({PEER: OLD}, Fault("patch", 404))
    server.objects = {PEER: OLD}
    assert run(server, ("patched", NEW))["changed"]


def test_what_was_done_before_a_failure_is_reported():
    other = {**peer(), "metadata": {"name": "leaf-202"}}
    server = ApiServer({}, Fault("get", 404), Fault("get", 403))
    result = run(server, ("present", NEW), ("present", other))
    assert (result["changed"], result["created"]) == (True, ["BGPPeer/leaf-201"])
    assert str(result["failed"]) == "BGPPeer/leaf-202: refused with 403"


@pytest.mark.parametrize("status", [503, None])
def test_a_server_that_remains_down_is_given_up(status, slept):
    server = ApiServer({}, *[Fault("post", status)] * 99)
    result = run(server, ("present", NEW))
    assert result["failed"].status == (status or -1)
    assert not result["changed"]
    assert sum(slept) < 20


def test_check_mode_changes_nothing():
    server = ApiServer({PEER: OLD})
    result = run(server, ("present", NEW), ("absent", {**peer(), "metadata": {"name": "leaf-202"}}), dry_run=True)
    assert result["modified"] == ["BGPPeer/leaf-201"]
    assert server.objects == {PEER: OLD}


def test_a_secret_is_sent_and_never_shown():
    server = ApiServer()
    result = run(server, ("present", secret()))
    assert base64.b64decode(server.objects[SECRET]["data"]["rr-password"]).decode() == PASSWORD
    assert result["objects"] == []
    assert not run(server, ("present", secret()))["changed"]


def test_an_api_server_that_repeats_a_secret_gives_nothing_away():
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    body = json.dumps({"message": f"denied: {encoded[:9]} … {PASSWORD}"})
    failure = run(ApiServer({}, Fault("post", 403, body=body)), ("present", secret()))["failed"]
    assert str(failure) == "Secret/bgp-secrets: no"
    failure = run(ApiServer({}, Fault("post", 403, body=body)), ("present", NEW))["failed"]
    assert str(failure) == "BGPPeer/leaf-201: denied: (hidden) … (hidden)"


def test_a_patch_that_the_server_ignores_is_no_change():
    server = ApiServer({PEER: OLD})
    server._answer = lambda method, path, body, dry_run: {**OLD, "metadata": {"name": "leaf-201", "resourceVersion": "9"}}
    assert not run(server, ("present", NEW))["changed"]
