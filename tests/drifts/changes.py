"""Changes that others make on both sides, each with the object that drift must name, and the way back."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integration.site.harness import Cluster

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from lab.apic.tree import ManagedObject
from lab.kube.interface import MERGE_PATCH
from lab.kube.schema import SERVER_SET

EVE = {"user": "eve", "password": "lab-eve-1"}
GROUP = "/apis/crd.projectcalico.org/v1"
# Values that are planned nowhere, by attribute.
_OTHERS = {"mtu": ("1500", "8100"), "holdIntvl": ("90", "120"), "maxEcmp": ("8", "16"), "asn": ("64999", "64998")}
_DELETED = ("l3extSubnet", "l3extVirtualLIfP", "bgpPeerP", "l3extIp", "rtctrlMatchRtDest", "l3extInstP", "l3extLNodeP")


@dataclass
class Change:
    """One change by somebody else.

    :ivar object: what drift must name.
    :ivar make: makes it.
    :ivar undo: takes it back, as the same user.
    """

    side: str
    what: str
    object: str
    make: Callable[[], Any]
    undo: Callable[[], Any]


def admit_eve(cluster: Cluster) -> None:
    """Give the other user an account on APIC."""
    role = {"aaaUserRole": {"attributes": {"name": "admin", "privType": "writePriv"}}}
    domain = {"aaaUserDomain": {"attributes": {"name": "all"}, "children": [role]}}
    user = {"aaaUser": {"attributes": {"name": EVE["user"], "pwd": EVE["password"]}, "children": [domain]}}
    cluster.post("uni/userext", user)


def chosen(cluster: Cluster, plan: dict[str, Any], dice: random.Random, count: int) -> list[Change]:
    """Return changes of different objects, none below another one."""
    result: list[Change] = []
    while len(result) < count:
        change = dice.choice([_modified, _deleted, _added, _in_kubernetes, _in_kubernetes])(cluster, plan, dice)
        places = [one.object for one in result]
        if not any(f"{a}/".startswith(f"{b}/") for one in places for a, b in ((one, change.object), (change.object, one))):
            result.append(change)
    return result


# --- APIC ------------------------------------------------------------------------------------------------------------


def _planned(cluster: Cluster, plan: dict[str, Any]) -> Iterator[tuple[ManagedObject, Mapping[str, str]]]:
    for dn, one in flat(apic_tree(plan)).items():
        if one["attributes"].get("status") != "modified" and dn in cluster.apic.tree.by_dn:
            yield cluster.apic.tree.by_dn[dn], one["attributes"]


def _modified(cluster: Cluster, plan: dict[str, Any], dice: random.Random) -> Change:
    places = [(mo, name) for mo, attributes in _planned(cluster, plan) for name in attributes if name in _OTHERS]
    mo, name = dice.choice(places)
    before, after = mo.values[name], dice.choice(_OTHERS[name])

    def write(value: str) -> None:
        cluster.post(mo.dn, {mo.cls: {"attributes": {name: value}}}, **EVE)

    return Change("apic", f"{mo.cls}.{name}", mo.dn, lambda: write(after), lambda: write(before))


def _deleted(cluster: Cluster, plan: dict[str, Any], dice: random.Random) -> Change:
    mo = dice.choice([mo for mo, _attributes in _planned(cluster, plan) if mo.cls in _DELETED])
    kept, above = _kept(mo), mo.container.dn
    gone = {mo.cls: {"attributes": {"status": "deleted"}}}
    return Change(
        "apic", f"{mo.cls} deleted", mo.dn, lambda: cluster.post(mo.dn, gone, **EVE), lambda: cluster.post(above, kept, **EVE)
    )


def _kept(mo: ManagedObject) -> dict[str, Any]:
    """Return what creates an object with all below it again, passwords among it."""
    writable = [name for name, prop in mo.info.properties.items() if not prop.read_only and name not in ("uid", "userdom")]
    attributes = {
        name: value for name, value in {**mo.values, **mo.secrets}.items() if name in writable or name in mo.info.naming
    }
    below = [
        _kept(one) for one in mo.children.values() if not one.info.operational and not one.cls.startswith(("fault", "health"))
    ]
    return {mo.cls: {"attributes": {**attributes, "rn": mo.rn}, "children": below}}


def _added(cluster: Cluster, plan: dict[str, Any], dice: random.Random) -> Change:
    out = plan["l3outs"][0]["name"]
    dn = f"uni/tn-{plan['fabric']['tenant']}/out-{out}/instP-guest-{dice.randrange(10**6)}"
    name = dn.rpartition("/instP-")[2]

    def write(**status: str) -> None:
        cluster.post(dn, {"l3extInstP": {"attributes": {"name": name, **status}}}, **EVE)

    return Change("apic", "l3extInstP added", dn, write, lambda: write(status="deleted"))


# --- Kubernetes ------------------------------------------------------------------------------------------------------


def _in_kubernetes(cluster: Cluster, plan: dict[str, Any], dice: random.Random) -> Change:
    assert cluster.kube is not None
    api = cluster.kube
    peer = dice.choice(sorted(one["metadata"]["name"] for one in api.request("GET", f"{GROUP}/bgppeers")["items"]))
    node = dice.choice(plan["nodes"])["name"]
    label, namespace = plan["calico"]["rack_label"], "/api/v1/namespaces/kube-system"
    number = dice.randrange(1, 10**6)
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/secret-access"
    secret = f"{namespace}/secrets/{plan['calico']['secret']['name']}"
    ways: dict[str, tuple[str, str, dict[str, Any]]] = {
        f"BGPPeer/{peer}": ("PATCH", f"{GROUP}/bgppeers/{peer}", {"spec": {"asNumber": number}}),
        f"Node/{node}": ("PATCH", f"/api/v1/nodes/{node}", {"metadata": {"labels": {label: f"other-{number}"}}}),
        "BGPConfiguration/default": ("PATCH", f"{GROUP}/bgpconfigurations/default", {"spec": {"asNumber": number}}),
        "Role/secret-access": ("PATCH", roles, {"rules": []}),
        f"Secret/{plan['calico']['secret']['name']}": ("PATCH", secret, {"data": {plan["calico"]["secret"]["key"]: "b3RoZXI="}}),
        f"BGPPeer/{peer} ": ("DELETE", f"{GROUP}/bgppeers/{peer}", {}),
        f"BGPPeer/guest-{number}": ("POST", f"{GROUP}/bgppeers", _guest(f"guest-{number}")),
    }
    title = dice.choice(list(ways))
    method, path, body = ways[title]
    own = f"{path}/guest-{number}" if method == "POST" else path
    before = None if method == "POST" else api.request("GET", path)

    def make() -> None:
        api.request(method, f"{path}?fieldManager=eve", body or None, MERGE_PATCH if method == "PATCH" else "application/json")

    def undo() -> None:
        if before is None:
            api.request("DELETE", own)
        elif method == "DELETE":
            metadata = {name: value for name, value in before["metadata"].items() if name not in SERVER_SET}
            api.request("POST", path.rpartition("/")[0], {**before, "metadata": metadata})
        else:
            api.request("PATCH", f"{path}?fieldManager=eve", _back(before, body), MERGE_PATCH)

    return Change("kubernetes", f"{title.split('/')[0]} {method.lower()}", title.strip(), make, undo)


def _guest(name: str) -> dict[str, Any]:
    spec = {"peerIP": "10.99.0.1", "asNumber": 65099}
    return {"apiVersion": "crd.projectcalico.org/v1", "kind": "BGPPeer", "metadata": {"name": name}, "spec": spec}


def _back(before: Any, patch: Any) -> Any:
    """Return the merge patch that takes another one back."""
    if not isinstance(patch, dict):
        return json.loads(json.dumps(before))
    return {name: _back(before.get(name) if isinstance(before, dict) else None, inner) for name, inner in patch.items()}
