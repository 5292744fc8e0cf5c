"""Runs the module in this process or, to be killed, in one of its own, against the lab's emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.netops.aci_calico.plugins.modules import aci_tree
from lab.apic.server import ApicServer

TESTS = Path(__file__).parents[2]
CLUSTER = "prod1"
OURS = f"orchestrator:aci-calico:{CLUSTER}"
SHARED = "orchestrator:aci-calico"
PASSWORD = "a-Password-that-appears-nowhere"

# A process that forks for each line of arguments, runs the module in the child, and says when the child has ended.
_STANDALONE = """
import os
import sys
from conftest import pytest_configure
pytest_configure()
import json
from ansible.module_utils.testing import patch_module_args
from ansible_collections.netops.aci_calico.plugins.modules import aci_tree
for line in sys.stdin:
    child = os.fork()
    if not child:
        sys.stdout = open(os.devnull, "w")
        with patch_module_args(json.loads(line)):
            aci_tree.main()
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


class _Done(Exception):
    pass


def an(cls: str, *children: dict[str, Any], **attributes: str) -> dict[str, Any]:
    """A managed object in APIC's JSON."""
    return {cls: {"attributes": attributes, "children": list(children)}}


def arguments(server: ApicServer, roots: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The module's arguments for a server without TLS; ``None`` takes one away."""
    given = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": "admin",
        "password": "lab-admin",
        "use_ssl": False,
        "cluster": CLUSTER,
        "secrets": {"bgp_password": PASSWORD},
        "roots": roots,
        **more,
    }
    return {name: value for name, value in given.items() if value is not None}


class Runner:
    """Calls the module; ``result`` is the last one, with ``failed`` where it failed."""

    def __init__(self, server: ApicServer, monkeypatch: Any) -> None:
        self.server = server
        self.warnings: list[str] = []
        self.result: dict[str, Any] = {}
        monkeypatch.setattr(AnsibleModule, "exit_json", lambda _module, **result: self._exit(**result))
        monkeypatch.setattr(AnsibleModule, "fail_json", lambda _module, **result: self._exit(**result, failed=True))
        monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: self.warnings.append(text))

    def _exit(self, **result: Any) -> None:
        self.result = result
        raise _Done

    def __call__(
        self, roots: list[dict[str, Any]], check: bool = False, diff: bool = True, **more: Any
    ) -> dict[str, Any]:
        given = {**arguments(self.server, roots, **more), "_ansible_check_mode": check, "_ansible_diff": diff}
        try:
            with patch_module_args(given):
                aci_tree.main()
        except _Done:
            pass
        return self.result

    def objects(self, volatile: bool = False) -> dict[str, tuple[str, dict[str, str]]]:
        """What the emulator holds, by DN: class and attributes, secrets as digests; times only if ``volatile``."""
        found: dict[str, tuple[str, dict[str, str]]] = {}

        def collect(node: dict[str, Any]) -> None:
            for cls, body in node.items():
                found[body["attributes"]["dn"]] = (cls, body["attributes"])
                for child in body["children"]:
                    collect(child)

        collect(self.server.snapshot(volatile))
        return found

    def make(self, dn: str, tree: dict[str, Any]) -> None:
        """Somebody configures something by hand."""
        path = f"/api/mo/{dn}.json"
        login = self._request(
            "POST", "/api/aaaLogin.json", {"aaaUser": {"attributes": {"name": "admin", "pwd": "lab-admin"}}}
        )
        self._request("POST", path, tree, {"Cookie": login.headers["Set-Cookie"]})
        self.server.log.clear()

    def _request(self, method: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        data = json.dumps(body).encode()
        return urllib.request.urlopen(
            urllib.request.Request(self.server.url + path, data, headers or {}, method=method)
        )


class Standalone:
    """Runs the module in processes of its own, which can be killed."""

    def __enter__(self) -> Standalone:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _STANDALONE], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_error: object) -> None:
        with self.process:
            self.process.stdin.close()

    def kill_when(self, event: threading.Event, server: ApicServer, roots: list[dict[str, Any]]) -> None:
        """Start the module, and kill it at the event."""
        self.process.stdin.write(f"{json.dumps(arguments(server, roots))}\n")
        self.process.stdin.flush()
        child = int(self.process.stdout.readline())
        try:
            assert event.wait(30)
        finally:
            os.kill(child, signal.SIGKILL)
        assert self.process.stdout.readline() == "ended\n"
