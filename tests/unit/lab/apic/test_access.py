"""Users with few rights: what they may write and read, and what a login tells them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.apic.apic import Apic
from lab.apic.seed import Seed
from lab.twin.paper import mo

from .conftest import FABRIC, Client

OBJECTS: dict[str, Any] = {
    "uni/userext/user-team": {"pwd": "team-password"},
    "uni/userext/user-team/userdomain-team/role-writer": {"privType": "writePriv"},
    "uni/userext/user-team/userdomain-common/role-writer": {"privType": "readPriv"},
    "uni/userext/role-writer": {"priv": "tenant-ext-connectivity,custom-privilege-1"},
    "uni/userext/user-nobody": {"pwd": "nobody-password"},
    "uni/rbacdb/rbacclpriv-bgpBestPathCtrlPol": {"wPriv": "custom-privilege-1"},
    "uni/tn-prod/domain-team": {},
    "uni/tn-prod/out-old/instP-default": {},
}


@pytest.fixture
def team() -> Client:
    """Return a client of a user who may configure L3Outs in tenant prod, and read tenant common."""
    return as_user(Apic(Seed({**FABRIC, "objects": OBJECTS})), "team")


def as_user(apic: Apic, name: str) -> Client:
    client = Client(apic)
    client.cookies = f"APIC-cookie={apic.gate.issue(name)}"
    return client


def test_role_writes_its_classes_in_its_domain(team: Client) -> None:
    team.post("uni/tn-prod", mo("l3extOut", mo("l3extInstP", name="default"), name="new"))
    team.post("uni/tn-prod", mo("bgpBestPathCtrlPol", name="relax"))
    team.post("uni", mo("polUni", mo("fvTenant", mo("l3extOut", name="new", descr="x"), name="prod", status="modified")))
    team.delete("uni/tn-prod/out-old")


@pytest.mark.parametrize(
    ("dn", "cls", "document"),
    [
        ("uni/tn-prod/bgpCtxP-t", "bgpCtxPol", mo("bgpCtxPol", name="t")),
        ("uni/tn-common/out-o", "l3extOut", mo("l3extOut", name="o")),
        ("uni/tn-prod", "fvTenant", mo("fvTenant", name="prod", descr="mine")),
        ("uni/tn-new", "fvTenant", mo("fvTenant", name="new")),
        ("uni/l3dom-new", "l3extDomP", mo("l3extDomP", name="new")),
        ("uni/userext/role-writer", "aaaRole", mo("aaaRole", name="writer", priv="admin")),
        ("uni/tn-prod/out-old/instP-default/rsprov-default", "fvRsProv", mo("fvRsProv", tnVzBrCPName="default")),
    ],
)
def test_everything_else_is_refused_as_a_whole(team: Client, dn: str, cls: str, document: dict[str, Any]) -> None:
    before = team.apic.snapshot()
    status, code, text = team.refusal("POST", f"/api/mo/{dn}.json", document)
    assert (status, code) == (403, "403")
    assert text == f"User team has no write access to class {cls}, dn {dn}"
    assert team.apic.snapshot() == before


def test_nothing_is_deleted_in_another_domain(team: Client) -> None:
    assert team.refusal("DELETE", "/api/mo/uni/tn-common/ctx-calico.json")[0] == 403


def test_unchanged_objects_need_no_right(team: Client) -> None:
    assert team.post("uni/tn-common", mo("fvCtx", name="calico")) == []


def test_reads_show_the_domains_of_the_user(team: Client) -> None:
    tenants = {each["fvTenant"]["attributes"]["name"] for each in team.get("/api/class/fvTenant.json")}
    assert tenants == {"common", "prod"}
    assert team.get("/api/mo/uni/infra.json?query-target=subtree&target-subtree-class=infraAttEntityP") == []
    (uni,) = team.get("/api/mo/uni.json?rsp-subtree=children")
    assert {cls for child in uni["polUni"]["children"] for cls in child} == {"fvTenant"}
    assert as_user(team.apic, "nobody").get("/api/class/fvTenant.json") == []


def test_login_tells_the_privileges_in_each_tenant(team: Client) -> None:
    body = json.dumps({"aaaUser": {"attributes": {"name": "team", "pwd": "team-password"}}})
    (login,) = json.loads(team.send("POST", "/api/aaaLogin.json", body).body)["imdata"]
    told = [(cls, one["attributes"]) for child in login["aaaLogin"]["children"] for cls, one in child.items()]
    assert ("aaaUserDomain", {"name": "team", "rolesR": "writer", "rolesW": "writer"}) in told
    privileges = "custom-privilege-1,tenant-ext-connectivity"
    assert ("DnDomainMapEntry", {"dn": "uni/tn-prod", "readPrivileges": privileges, "writePrivileges": privileges}) in told
    assert ("DnDomainMapEntry", {"dn": "uni/tn-common", "readPrivileges": privileges, "writePrivileges": ""}) in told
