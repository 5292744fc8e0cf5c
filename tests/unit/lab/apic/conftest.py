"""A controller without a network, and a client that is logged in to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from lab.apic.apic import Apic, Request, Response
from lab.apic.seed import Seed
from lab.twin.paper import mo

FABRIC: dict[str, Any] = {
    "users": {"admin": "marker-password"},
    "pods": [{"id": 1, "spines": [1001], "leaves": [101, 201, 202], "vpc_pairs": [[201, 202]]}],
    "vlan_pools": [{"name": "k8s", "ranges": [[300, 499]]}],
    "physical_domains": [{"name": "k8s", "pool": "k8s"}],
    "l3_domains": [{"name": "k8s-l3", "pool": "k8s"}],
    "aaeps": [{"name": "k8s", "domains": ["k8s", "k8s-l3"]}],
    "tenants": [{"name": "common", "vrfs": ["calico"]}, {"name": "prod"}],
}


class Client:
    """Talks to an ``Apic`` as a user; answers are (status, imdata) unless raw ones are asked for."""

    def __init__(self, apic: Apic) -> None:
        self.apic = apic
        self.cookies = f"APIC-cookie={apic.gate.issue('admin')}"

    def send(self, method: str, target: str, body: str = "") -> Response:
        path, __, query = target.partition("?")
        return self.apic.handle(Request(method, target, unquote(path), dict(parse_qsl(query)), self.cookies, body))

    def get(self, target: str) -> list[dict[str, Any]]:
        response = self.send("GET", target)
        assert response.status == 200, response.body
        return json.loads(response.body)["imdata"]

    def post(self, dn: str, document: dict[str, Any], query: str = "?rsp-subtree=modified") -> list[dict[str, Any]]:
        response = self.send("POST", f"/api/mo/{dn}.json{query}", json.dumps(document))
        assert response.status == 200, response.body
        return json.loads(response.body)["imdata"]

    def delete(self, dn: str) -> None:
        response = self.send("DELETE", f"/api/mo/{dn}.json")
        assert response.status == 200, response.body

    def refusal(self, method: str, target: str, body: Any = "") -> tuple[int, str, str]:
        """Return status, code and text of a request that is refused."""
        response = self.send(method, target, body if isinstance(body, str) else json.dumps(body))
        assert response.status != 200
        attributes = json.loads(response.body)["imdata"][0]["error"]["attributes"]
        return response.status, attributes["code"], attributes["text"]

    def attributes(self, dn: str) -> dict[str, str]:
        ((found,),) = [list(each.values()) for each in self.get(f"/api/mo/{dn}.json")]
        return found["attributes"]

    def faults(self, dn: str) -> list[str]:
        """Return the codes of the faults of an object and of those below it."""
        found = self.get(f"/api/mo/{dn}.json?rsp-subtree-include=faults,no-scoped")
        return sorted(each["faultInst"]["attributes"]["code"] for each in found)


@pytest.fixture(name="fabric")
def _fabric() -> dict[str, Any]:
    return FABRIC


@pytest.fixture(name="apic")
def _apic() -> Apic:
    return Apic(Seed(FABRIC))


@pytest.fixture(name="client")
def _client(apic: Apic) -> Client:
    return Client(apic)


@pytest.fixture(name="make_client")
def _make_client():
    def make(state_dir: Path | None = None, **options: Any) -> Client:
        return Client(Apic(Seed(FABRIC), state_dir, **options))

    return make


@pytest.fixture(name="floating")
def _floating() -> Callable[..., dict[str, Any]]:
    """Return a function that returns a floating SVI on leaf 201."""
    interface = {"nodeDn": "topology/pod-1/node-201", "encap": "vlan-300", "addr": "192.168.2.201/24"}
    return lambda *children, **attributes: mo("l3extVirtualLIfP", *children, **{**interface, **attributes})


@pytest.fixture(name="l3out")
def _l3out(client: Client) -> str:
    """Create an L3Out of tenant common with a node and an interface profile; return its DN."""
    client.post(
        "uni/tn-common",
        mo(
            "l3extOut",
            mo("l3extRsEctx", tnFvCtxName="calico"),
            mo("l3extRsL3DomAtt", tDn="uni/l3dom-k8s-l3"),
            mo(
                "l3extLNodeP",
                mo("l3extRsNodeL3OutAtt", tDn="topology/pod-1/node-201", rtrId="1.1.4.201", rtrIdLoopBack="no"),
                mo("l3extLIfP", name="floating"),
                name="rack-1",
            ),
            name="calico",
        ),
    )
    return "uni/tn-common/out-calico"


@pytest.fixture(name="tenant")
def _tenant(client: Client) -> Client:
    """Return a client of a fabric with a tenant that has two VRFs and an L3Out."""
    client.post(
        "uni",
        mo(
            "fvTenant",
            mo("fvCtx", name="v1", descr="one"),
            mo("fvCtx", name="v2", bdEnforcedEnable="yes"),
            mo(
                "l3extOut",
                mo("l3extInstP", mo("l3extSubnet", ip="10.1.0.0/16", scope="import-security,shared-rtctrl"), name="e"),
                name="o",
            ),
            name="t",
        ),
    )
    return client
