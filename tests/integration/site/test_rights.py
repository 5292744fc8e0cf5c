"""The playbooks as the user of ``docs/examples/apic_user.json``, on an APIC that enforces its rights."""

from __future__ import annotations

import json

from integration.site.harness import ROOT, Site, intent, racks

DOCUMENT = (ROOT / "docs/examples/apic_user.json").read_text()
APIC = ("--tags", "aci")


def test_documented_roles_suffice_and_a_missing_privilege_is_named(site: Site) -> None:
    access = {"manage_access": True, "vlan": 600, "l3_domain": "new-l3", "physical_domain": "new"}
    own = {"apic_username": "aci-calico", "verify_kubernetes": False, "verify_timeout": 0}
    cluster = site.add("prod", intent("floating", racks(2, 1), **access, **own), kube=False, seed=None)
    cluster.post("uni", json.loads(DOCUMENT.replace("TENANT", "common")))
    cluster.post("uni/userext/user-aci-calico", {"aaaUser": {"attributes": {"pwd": "lab-admin"}}})
    before = cluster.tree()
    assert "privileges-missing" not in site.run("site", *APIC).output
    findings = [_causes(site, user) for user in ("aci-calico", "admin")]
    assert findings[0] == findings[1]
    assert "leaf-silent" in findings[0]
    site.run("teardown", *APIC)
    assert cluster.tree() == before

    cluster.post("uni/userext/role-aci-calico", {"aaaRole": {"attributes": {"priv": "ops,tenant-ext-connectivity"}}})
    refused = site.run("site", *APIC, check=False)
    assert refused.code
    text = " ".join(refused.output.split())
    assert "[privileges-missing]" in text
    assert "tenant-ext-protocol (bgpCtxAfPol bgpCtxPol bgpPeerP" in text
    assert "configure uni/tn-common: APIC error 403: User aci-calico has no write access" in text
    assert "It needs the privileges to write uni/tn-common: " in text


def _causes(site: Site, user: str) -> list[str]:
    verified = site.run("verify", "-e", f"aci_calico_apic_username={user}", check=False)
    (causes,) = (result["causes"] for __, __, result in verified.results if "causes" in result)
    return causes
