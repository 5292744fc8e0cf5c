"""The documented roles of APIC suffice for every example, and each of their privileges is needed by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.lab.apic.conftest import Client
from unit.plugin_utils.sample_plans import FLOATING, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.rights import WRITE, hint, lacking, needed
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots
from lab.apic.apic import Apic
from lab.apic.model import class_table
from lab.apic.seed import Seed
from lab.twin.paper import mo

ROOT = Path(__file__).resolve().parents[4]
EXAMPLES = [json.loads(path.read_text()) for path in sorted((ROOT / "tests/golden").glob("*/*/plan.json"))]
#: The examples' plans; tenants exist already.
PLANS = {plan["cluster"]: plan | {"access": plan["access"] | {"tenant": False}} for plan in EXAMPLES}
USER = (ROOT / "docs/examples/apic_user.json").read_text()
PAGE = (ROOT / "docs/rights.md").read_text()
ROLES = {
    role["aaaRole"]["attributes"]["name"]: role["aaaRole"]["attributes"]["priv"].split(",")
    for part in json.loads(USER)["polUni"]["children"]
    for role in part.get("aaaUserEp", {}).get("children", ())
    if "aaaRole" in role
}


def pushed(plan: dict[str, Any], document: str) -> list[tuple[str, str]]:
    """Return the class and the DN of what APIC refuses to the user when a plan is pushed."""
    apic = Apic(Seed.load())
    admin, user = Client(apic), Client(apic)
    for tenant in {"common", *(dn.removeprefix("uni/tn-") for dn in needed(plan) if "/tn-" in dn)}:
        admin.post("uni", mo("fvTenant", name=tenant))
        admin.post("uni", json.loads(document.replace("TENANT", tenant)))
    admin.post("uni/tn-common", mo("fvCtx", name=plan["fabric"]["vrf"]))
    admin.post(f"uni/tn-{plan['fabric']['vrf_tenant']}", mo("fvCtx", name=plan["fabric"]["vrf"]))
    user.cookies = f"APIC-cookie={apic.gate.issue('aci-calico')}"
    refused = []
    for root in (root for part in ("access", "hardening", "l3out") for root in apic_roots(plan, part)):
        if root.get("state") != "absent" and any("children" in body for body in root["tree"].values()):
            answer = user.send("POST", f"/api/mo/{root['dn']}.json", json.dumps(root["tree"]))
            if answer.status != 200:
                error = json.loads(answer.body)["imdata"][0]["error"]["attributes"]
                assert error["code"] == "403", error
                refused.append((root["dn"], error["text"]))
    return refused


def without(role: str, privilege: str) -> str:
    """Return the document with one privilege less in a role."""
    kept = ",".join(one for one in ROLES[role] if one != privilege)
    return USER.replace(f'"priv": "{",".join(ROLES[role])}"', f'"priv": "{kept}"')


def test_the_table_is_that_of_the_object_model() -> None:
    assert {cls: class_table()[cls].write - {"custom-port-privilege"} for cls in WRITE} == WRITE


@pytest.mark.parametrize("name", PLANS)
def test_the_documented_roles_suffice(name: str) -> None:
    assert pushed(PLANS[name], USER) == []


@pytest.mark.parametrize(("role", "privilege"), [(role, privilege) for role in ROLES for privilege in ROLES[role]])
def test_each_privilege_is_needed_and_the_refusal_names_it(role: str, privilege: str) -> None:
    assert f"| `{privilege}` |" in PAGE
    document = without(role, privilege)
    assert document != USER
    for plan in PLANS.values():
        for dn, text in pushed(plan, document):
            wanted = "custom privilege" if privilege.startswith("custom") else privilege
            if wanted in hint(plan, dn, text):
                return
    pytest.fail("no example needs it")


def test_a_tenant_is_created_by_an_administrator_only() -> None:
    (plan,) = (plan for plan in EXAMPLES if plan["access"]["tenant"])
    refused = pushed(plan, USER)
    assert "admin or a custom privilege (fvTenant)" in hint(plan, *refused[0])


def test_the_refusal_names_all_privileges_if_apic_names_no_class() -> None:
    plan = plan_of(FLOATING)
    (tenant,) = needed(plan)
    text = hint(plan, f"{tenant}/out-x", "Forbidden")
    assert text.startswith(f"It needs the privileges to write {tenant}: ")
    for privilege in (
        "tenant-ext-protocol (bgpCtxAfPol bgpCtxPol bgpPeerP",
        "fabric-protocol (bgpAsP)",
        "a custom privilege (bgpBest",
    ):
        assert privilege in text
    assert hint(plan, "uni", "Forbidden") == "See docs/rights.md for the privileges that it needs."


def test_a_privilege_of_several_is_enough() -> None:
    here = {"fvRsCons": WRITE["fvRsCons"], "bgpBestPathCtrlPol": WRITE["bgpBestPathCtrlPol"]}
    assert lacking(here, {"tenant-network-profile", "custom-privilege-3"}) == {}
    assert lacking(here, {"admin"}) == {}
    assert set(lacking(here, set())) == {"tenant-epg", "admin or a custom privilege"}
