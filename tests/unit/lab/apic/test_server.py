"""The emulator on the network: TLS, misbehaviour, the log, the lab's own interface and the command line."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from lab.apic.seed import APIC_PASSWORD
from lab.apic.server import ApicServer

FOLDER = Path(__file__).resolve().parents[3] / "lab" / "apic"


class Browser:
    """A client on the network; ``call`` returns (status, JSON)."""

    def __init__(self, url: str, password: str, ca: Path | None = None) -> None:
        self.url = url
        self.password = password
        self.context = ssl.create_default_context(cafile=ca) if ca else None
        self.cookie = ""

    def call(self, method: str, target: str, document: Any = None, timeout: float = 10) -> tuple[int, Any]:
        data = json.dumps(document).encode() if document is not None else None
        headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + target, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=timeout) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def log_in(self) -> Browser:
        attributes = {"name": "admin", "pwd": self.password}
        _status, answer = self.call("POST", "/api/aaaLogin.json", {"aaaUser": {"attributes": attributes}})
        self.cookie = f"APIC-cookie={answer['imdata'][0]['aaaLogin']['attributes']['token']}"
        return self

    def create(self, name: str) -> int:
        return self.call("POST", "/api/mo/uni.json", {"fvTenant": {"attributes": {"name": name}}})[0]


@pytest.fixture(name="server")
def _server(fabric):
    with ApicServer(fabric, https=False, expose_secrets=True) as server:
        yield server


@pytest.fixture(name="browser")
def _browser(server):
    browser = Browser(server.url, "marker-password").log_in()
    server.log.clear()
    return browser


def test_https_with_a_certificate_that_can_be_checked(fabric) -> None:
    with ApicServer(fabric) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert Browser(server.url, "marker-password", server.ca_path).log_in().create("t") == 200
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(server.url, timeout=10)


def test_the_log(server, browser) -> None:
    browser.create("t")
    browser.call("GET", "/api/mo/uni/tn-t.json?rsp-subtree=full")
    browser.call("GET", "/_lab/status")
    post, get = server.log
    assert (post["method"], post["path"], post["status"], post["changed"][0]) == ("POST", "/api/mo/uni.json", 200, "uni/tn-t")
    assert (get["query"], get["changed"]) == ("rsp-subtree=full", [])
    assert get["out"] > 100
    assert browser.call("GET", "/_lab/log?since=1")[1] == [get]
    assert server.log.count("POST") == 1


def test_no_password_is_logged(server) -> None:
    Browser(server.url, "marker-password").log_in()
    assert "marker-password" not in json.dumps(server.log.entries)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_errors_at_a_chosen_request(server, browser, status) -> None:
    server.misbehave("status", nth=2, count=2, status=status)
    assert [browser.create(name) for name in ("a", "b", "c", "d")] == [200, status, status, 200]
    assert server.tree.get("uni/tn-b") is None


@pytest.mark.parametrize(
    ("action", "changed"), [("drop", []), ("drop-after", ["uni/tn-t", "uni/tn-t/rsTenantMonPol", "uni/tn-t/svcCont"])]
)
def test_dropped_connections(server, browser, action, changed) -> None:
    server.misbehave(action, method="POST", path="/api/mo/")
    with pytest.raises((RemoteDisconnected, ConnectionError)):
        browser.create("t")
    assert (server.tree.get("uni/tn-t") is not None) == bool(changed)
    assert (server.log.entries[-1]["status"], server.log.entries[-1]["changed"]) == (0, changed)
    assert browser.create("t") == 200


@pytest.mark.parametrize(("action", "applied"), [("hang", False), ("hang-after", True)])
def test_a_request_that_hangs_until_it_is_released(server, browser, action, applied) -> None:
    server.misbehave(action)
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(browser.create("t")))
    thread.start()
    assert server.misbehaviour.hung.wait(10)
    assert (server.tree.get("uni/tn-t") is not None) == applied
    assert answers == []
    server.misbehaviour.release()
    thread.join(10)
    assert answers == [200]


def test_latency_and_expiry(server, browser) -> None:
    server.misbehave("latency", seconds=0.2)
    started = time.monotonic()
    assert browser.create("t") == 200
    assert time.monotonic() - started >= 0.2
    server.misbehave("expire", nth=2)
    assert [browser.create("a"), browser.create("b"), browser.log_in().create("c")] == [200, 403, 200]


def test_a_controller_that_fails(fabric) -> None:
    with ApicServer(fabric, https=False, controllers=2) as server:
        server.misbehave("drop", count=0, controller=1)
        first, second = (Browser(url, "marker-password") for url in server.urls)
        with pytest.raises((RemoteDisconnected, ConnectionError)):
            first.log_in()
        assert second.log_in().create("t") == 200


def test_misbehaviour_over_the_network(server, browser) -> None:
    assert browser.call("POST", "/_lab/misbehave", {"action": "status", "status": 503})[0] == 200
    assert browser.call("GET", "/_lab/misbehave")[1][0]["action"] == "status"
    assert browser.create("t") == 503
    for nonsense in ({"action": "explode"}, {"action": "status", "nth": 0}, {"verb": "status"}):
        assert browser.call("POST", "/_lab/misbehave", nonsense)[0] == 400
    assert browser.call("GET", "/_lab/nonsense")[0] == 404
    browser.call("POST", "/_lab/misbehave", {"action": "status", "count": 0})
    browser.call("DELETE", "/_lab/misbehave")
    assert browser.create("t") == 200


def test_live_state_is_served_like_anything_else(server, browser) -> None:
    node = "topology/pod-1/node-201"
    entry = {"bgpPeerEntry": {"attributes": {"addr": "192.168.2.1", "operSt": "established"}}}
    peer = {
        "bgpPeer": {"attributes": {"dn": f"{node}/sys/bgp/inst/dom-common:calico/peer-[192.168.2.0/24]"}, "children": [entry]}
    }
    assert browser.call("PUT", "/_lab/operational", {"source": "twin", "objects": [peer]}) == (200, {"objects": 2})
    target = f"/api/node/class/{node}/bgpPeerEntry.json"
    (found,) = browser.call("GET", target)[1]["imdata"]
    assert found["bgpPeerEntry"]["attributes"]["operSt"] == "established"
    status, problem = browser.call("PUT", "/_lab/operational", {"source": "twin", "objects": [{"bgpFoo": {"attributes": {}}}]})
    assert (status, problem) == (400, {"error": "unknown managed object class bgpFoo"})
    assert len(browser.call("GET", target)[1]["imdata"]) == 1
    browser.call("PUT", "/_lab/operational", {"source": "twin", "objects": []})
    assert browser.call("GET", target)[1]["imdata"] == []


def test_the_tree_and_reset(server, browser) -> None:
    before = browser.call("GET", "/_lab/tree?volatile=no")[1]
    browser.create("t")
    assert browser.call("GET", "/_lab/tree?volatile=no")[1] != before
    browser.call("POST", "/_lab/reset")
    assert browser.call("GET", "/_lab/tree?volatile=no")[1] == before == server.snapshot(volatile=False)
    assert len(server.log) == 0


def test_secrets_only_when_asked_for(server, browser, fabric) -> None:
    dn = "uni/userext/user-admin"
    assert browser.call("GET", f"/_lab/secrets?dn={dn}")[1] == {dn: {"pwd": "marker-password"}}
    with ApicServer(fabric, https=False) as closed:
        assert Browser(closed.url, "").call("GET", f"/_lab/secrets?dn={dn}")[0] == 400


def test_the_command_line_survives_being_killed(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER), "--state", str(tmp_path)]

    def start(*options: str) -> tuple[subprocess.Popen, Browser]:
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        about = json.loads(process.stdout.readline())
        assert json.loads((tmp_path / "apic.json").read_text()) == about
        return process, Browser(about["url"], APIC_PASSWORD, None if options else about["ca"]).log_in()

    process, browser = start()
    assert browser.create("kept") == 200
    subprocess.run([*command, "--misbehave", "status", "--status", "429"], check=True)
    assert browser.create("t") == 429
    shown = subprocess.run([*command, "--show", "log"], check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.split()[1:3] for line in shown] == [["200", "POST"], ["200", "POST"], ["429", "POST"]]
    outside = {
        "l3extOut": {
            "attributes": {"dn": "uni/tn-kept/out-o"},
            "children": [{"l3extRsEctx": {"attributes": {"tnFvCtxName": "no"}}}],
        }
    }
    assert browser.call("POST", "/api/mo/uni.json", outside)[0] == 200
    faults = subprocess.run([*command, "--show", "faults"], check=True, capture_output=True, text=True).stdout
    assert "uni/tn-kept/out-o/rsectx" in faults
    process.kill()
    process.communicate(timeout=10)
    process, browser = start("--http")
    assert browser.call("GET", "/api/mo/uni/tn-kept.json")[1]["totalCount"] == "1"
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert not (tmp_path / "apic.json").exists()
    assert (tmp_path / "requests.jsonl").read_text().count("\n") == 6
