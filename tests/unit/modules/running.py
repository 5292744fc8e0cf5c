"""Runs the module in this process or, to be killed, in one of its own, against the lab's emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from unit.module_utils.fabric import CLUSTER, SHARED, an

from ansible_collections.netops.aci_calico.plugins.modules import aci_tree
from lab.apic.server import ApicServer

TESTS = Path(__file__).parents[2]
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


TENANT, OUT = "uni/tn-common", "uni/tn-common/out-calico"
LEAVES = (201, 202)
PEERS = [f"{OUT}/lnodep-rack-1/lifp-ipv4/vlifp-[topology/pod-1/node-{leaf}]-[vlan-300]/peerP-[192.168.2.0/24]" for leaf in LEAVES]


def policies(max_ecmp="64", **timers):
    """Guards: the tenant's policies, the VRF's ECMP, and the L3Out with its route map."""
    return {
        "dn": TENANT,
        "scope": "named",
        "tree": an(
            "fvTenant",
            an("bgpCtxPol", name="timers", **{"kaIntvl": "1", "holdIntvl": "3", **timers}),
            an("bgpCtxAfPol", name="ecmp", maxEcmp=max_ecmp, annotation=SHARED),
            an("rtctrlSubjP", an("rtctrlMatchRtDest", ip="10.1.0.0/16", aggregate="yes"), name="pods"),
            guarded(),
            an("fvCtx", ecmp_relation("ecmp"), name="calico", status="modified"),
            name="common",
            status="modified",
        ),
    }


def ecmp_relation(name, **more):
    return an("fvRsCtxToBgpCtxAfPol", tnBgpCtxAfPolName=name, af="ipv4-ucast", **{"annotation": SHARED, **more})


def guarded(*doors):
    context = an("rtctrlCtxP", an("rtctrlRsCtxPToSubjP", tnRtctrlSubjPName="pods"), name="pods", order="0", action="permit")
    return an(
        "l3extOut",
        an("l3extRsEctx", tnFvCtxName="calico"),
        an("l3extRsL3DomAtt", tDn="uni/l3dom-k8s-l3"),
        an("bgpExtP"),
        an("rtctrlProfile", context, name="default-import", type="combinable"),
        *doors,
        name="calico",
        enforceRtctrl="import,export",
    )


def doors(subnets=("10.1.0.0/16", "192.168.8.0/22"), leaves=LEAVES):
    """The whole L3Out: guards, a floating SVI with a peer on each leaf, the external EPG."""
    svis = [
        an(
            "l3extVirtualLIfP",
            an("l3extRsDynPathAtt", tDn="uni/phys-k8s", floatingAddr="192.168.2.253/24"),
            an("l3extIp", addr="192.168.2.254/24"),
            an(
                "bgpPeerP",
                an("bgpAsP", asn="65003"),
                addr="192.168.2.0/24",
                ctrl="dis-peer-as-check,as-override",
                password="<secret:bgp_password>",
            ),
            nodeDn=f"topology/pod-1/node-{leaf}",
            encap="vlan-300",
            addr=f"192.168.2.{leaf}/24",
            ifInstT="ext-svi",
            mtu="9000",
        )
        for leaf in leaves
    ]
    nodes = [
        an("l3extRsNodeL3OutAtt", tDn=f"topology/pod-1/node-{leaf}", rtrId=f"1.1.4.{leaf}", rtrIdLoopBack="no") for leaf in leaves
    ]
    protocol = an("bgpProtP", an("bgpRsBgpNodeCtxPol", tnBgpCtxPolName="timers"))
    profile = an("l3extLNodeP", protocol, *nodes, an("l3extLIfP", *svis, name="ipv4"), name="rack-1")
    epg = an("l3extInstP", *[an("l3extSubnet", ip=ip, scope="import-security") for ip in subnets], name="default")
    return {"dn": OUT, "tree": guarded(profile, epg)}


ROOTS = [policies(), doors()]


def told(result):
    return {name: result[name] for name in ("changed", "created", "modified", "deleted", "diff")}


def digest(text):
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def asked(server):
    """The requests since the last look: method and what was asked."""
    entries = [(entry["method"], entry["path"].removeprefix("/api/").removesuffix(".json")) for entry in server.log]
    server.log.clear()
    return entries


def tenant(cluster="prod1"):
    tag = an("tagAnnotation", key=f"{SHARED}:{cluster}", value="user")
    vrf = an("fvCtx", tag, name="v", annotation=SHARED)
    return {"dn": "uni/tn-new", "scope": "bare", "tree": an("fvTenant", tag, vrf, name="new", annotation=SHARED)}


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

    def __call__(self, roots: list[dict[str, Any]], check: bool = False, diff: bool = True, **more: Any) -> dict[str, Any]:
        return self.invoke(aci_tree, check, _ansible_diff=diff, **arguments(self.server, roots, **more))

    def invoke(self, module: Any, check: bool = False, **given: Any) -> dict[str, Any]:
        """Run any module."""
        try:
            with patch_module_args({**given, "_ansible_check_mode": check}):
                module.main()
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
        login = self._request("POST", "/api/aaaLogin.json", {"aaaUser": {"attributes": {"name": "admin", "pwd": "lab-admin"}}})
        self._request("POST", path, tree, {"Cookie": login.headers["Set-Cookie"]})
        self.server.log.clear()

    def _request(self, method: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        data = json.dumps(body).encode()
        return urllib.request.urlopen(urllib.request.Request(self.server.url + path, data, headers or {}, method=method))


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
