"""The faults of servers: what was sent, what the run said, and whether the next run converged.

Each fault strikes a module at its reads or writes: ``aci_tree`` against the APIC emulator, ``calico_objects`` against an API
server in memory. ``make faults`` writes the table into ``docs/failures.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from unit.module_utils.fabric import an
from unit.module_utils.kubernetes.api_server import ApiServer, Fault
from unit.modules.running import Runner

HTML = "<html><title>Sign in</title></html>"
OTHER = json.dumps({"totalCount": "9", "imdata": []})
Row = tuple[str, str, str]

# What APIC does: the rule of the emulator, and how often it strikes (0: as long as the run lasts).
APIC: dict[str, dict[str, Any]] = {
    "HTTP 429 once, at the first POST": {"action": "status", "status": 429, "method": "POST", "path": "/mo/"},
    "HTTP 500 once, at the first POST": {"action": "status", "status": 500, "method": "POST", "path": "/mo/"},
    "HTTP 503 once, at the first GET": {"action": "status", "method": "GET"},
    "HTTP 503 at every request": {"action": "status", "count": 0},
    "connection closed before the POST is carried out": {"action": "drop", "method": "POST", "path": "/mo/"},
    "connection closed after the POST was carried out": {"action": "drop-after", "method": "POST", "path": "/mo/"},
    "connection closed at every request": {"action": "drop", "count": 0},
    "token expires before the POST": {"action": "expire", "method": "POST", "path": "/mo/"},
    "HTML with status 200 at every GET": {"action": "answer", "body": HTML, "method": "GET", "count": 0},
    "`imdata: null`": {"action": "answer", "body": '{"imdata": null}', "method": "GET", "count": 0},
    "`imdata` is a list of texts": {"action": "answer", "body": '{"imdata": ["fvTenant"]}', "method": "GET", "count": 0},
    "`totalCount` 9 with an empty list": {"action": "answer", "body": OTHER, "method": "GET", "count": 0},
    "answer cut in the middle, once": {"action": "cut", "method": "GET"},
    "answer cut in the middle, each time": {"action": "cut", "method": "GET", "count": 0},
    "HTML with status 200 at the POST": {"action": "answer", "body": HTML, "method": "POST", "path": "/mo/"},
}
ROOT = {"dn": "uni/tn-common", "scope": "named"}
TREE = an("fvTenant", an("bgpCtxPol", name="faults", holdIntvl="3"), name="common", status="modified")


def apic_rows(run: Runner) -> Iterator[Row]:
    """Yield a row for each fault of APIC."""
    for what, rule in APIC.items():
        run.server.reset()
        run.server.misbehave(**rule)
        result = run([{**ROOT, "tree": TREE}])
        run.server.misbehaviour.clear()
        again = run([{**ROOT, "tree": TREE}])
        yield f"APIC: {what}", _said(result), _converged(again, run([{**ROOT, "tree": TREE}]))


# What the API server does: the faults, and whether the object is there before.
KUBERNETES: dict[str, tuple[str, list[Fault]]] = {
    "409 at the creation": ("post", [Fault("post", 409)]),
    "409 at the patch": ("patch", [Fault("patch", 409)]),
    "429 with `Retry-After: 1`": ("patch", [Fault("patch", 429, Retry_After="1")]),
    "500 before the patch is carried out": ("patch", [Fault("patch", 500)]),
    "503 after the creation was carried out": ("post", [Fault("post", 503, after=True)]),
    "connection reset before the deletion is carried out": ("delete", [Fault("delete")]),
    "connection reset after the deletion was carried out": ("delete", [Fault("delete", after=True)]),
    "503 at every write": ("patch", [Fault("patch", 503)] * 9),
    "expired token": ("post", [Fault("get", 401)]),
    "HTML with status 200": ("post", [Fault("get", 200, body=HTML)] * 9),
    "a stale cache: an object that exists is not in the answer": ("patch", [Fault("get", 404)]),
}
PATH = "/apis/projectcalico.org/v3/bgppeers/leaf-201"


def kubernetes_rows() -> Iterator[Row]:
    """Yield a row for each fault of the API server."""
    for what, (method, faults) in KUBERNETES.items():
        server = ApiServer({} if method == "post" else {PATH: _peer(1)}, *faults)
        state = "absent" if method == "delete" else "present"
        result = _change(server, state)
        server.faults.clear()
        yield f"Kubernetes: {what}", _said(result), _converged(_change(server, state), _change(server, state))


def _peer(asn: int) -> dict[str, Any]:
    metadata = {"name": "leaf-201"}
    return {"apiVersion": "projectcalico.org/v3", "kind": "BGPPeer", "metadata": metadata, "spec": {"asNumber": asn}}


def _change(server: ApiServer, state: str) -> dict[str, Any]:
    from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeApi, KubeError
    from ansible_collections.netops.aci_calico.plugins.modules import calico_objects

    done = {"changed": False, "created": [], "modified": [], "deleted": []}
    params = {"changes": [{"state": state, "manifest": _peer(2)}], "secrets": {}}
    try:
        return calico_objects.run(KubeApi(server), params, done)
    except KubeError as error:
        return {**done, "failed": True, "msg": str(error)}


def _said(result: dict[str, Any]) -> str:
    if result.get("failed"):
        return re.sub(r":\d{4,5}\b", "", f"failed: {result['msg']}").replace("|", "\\|")
    listed = [one if isinstance(one, str) else one["dn"] for name in ("created", "modified", "deleted") for one in result[name]]
    return f"changed: {', '.join(listed)}" if result["changed"] else "not changed"


def _converged(next_run: dict[str, Any], after_it: dict[str, Any]) -> str:
    """Return whether a run without faults completed, and left nothing for the run after it."""
    if next_run.get("failed") or after_it.get("failed") or after_it["changed"]:
        return "no"
    return "yes, and changed the rest" if next_run["changed"] else "yes, nothing was left"
