"""The APIC objects of access policies."""

from __future__ import annotations

from typing import Any

from unit.plugin_utils.sample_plans import CABLED_NODES, FLOATING, MANAGED, STANDARD, cabled_node, one_rack, plan_of

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.roots import Root
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, apic_tree
from lab.apic.model import class_table


def flat(mo: dict[str, Any], above: str = "") -> dict[str, dict[str, str]]:
    """``{"class name": attributes}`` of all objects, tags left out."""
    found: dict[str, dict[str, str]] = {}
    for cls, body in mo.items():
        attributes = body["attributes"]
        names = (attributes.get(key) for key in ("name", "tDn", "tnLacpLagPolName", "from"))
        path = f"{above}/{cls} {next(filter(None, names), '')}".rstrip()
        if cls != "tagAnnotation":
            found[path] = attributes
        for child in body.get("children", ()):
            found |= flat(child, path)
    return found


def root_of(plan: dict[str, Any], dn: str) -> dict[str, Any]:
    """A root of the part ``access``."""
    return next(root for root in apic_roots(plan, "access") if root["dn"] == dn)


def test_nothing_is_made_unless_it_is_asked_for() -> None:
    plan = plan_of(STANDARD)
    assert apic_roots(plan, "access") == []
    assert "infraInfra" not in str(apic_tree(plan))
    assert all("assumed" not in root for root in apic_roots(plan, "policies"))


def test_pool_domains_and_aaep() -> None:
    found = flat(root_of(plan_of(FLOATING, **MANAGED), "uni")["tree"])
    infra = "/polUni/infraInfra"
    assert found[f"{infra}/fvnsVlanInstP k8s-l3"]["allocMode"] == "static"
    assert found[f"{infra}/fvnsVlanInstP k8s-l3/fvnsEncapBlk vlan-300"]["to"] == "vlan-300"
    assert f"{infra}/infraAttEntityP k8s-l3/infraRsDomP uni/l3dom-k8s-l3" in found
    assert f"{infra}/infraAttEntityP k8s-l3/infraRsDomP uni/phys-k8s" in found
    for domain in ("l3extDomP k8s-l3", "physDomP k8s"):
        assert f"/polUni/{domain}/infraRsVlanNs uni/infra/vlanns-[k8s-l3]-static" in found
    assert not any(cls in str(found) for cls in ("infraAccBndlGrp", "lacpLagPol", "infraAccPortP"))
    assert {attributes.get("annotation", "container") for attributes in found.values()} == {
        "container",
        "orchestrator:aci-calico",
    }


def test_groups_selectors_and_profiles() -> None:
    found = flat(root_of(plan_of(STANDARD, physical_domain=None, **MANAGED, **one_rack(nodes=CABLED_NODES)), "uni")["tree"])
    infra, group = "/polUni/infraInfra", "/polUni/infraInfra/infraFuncP/infraAccBndlGrp vpc-b"
    own = {"annotation": "orchestrator:aci-calico:prod1"}
    assert found[group] == {"name": "vpc-b", "lagT": "node", **own}
    assert f"{group}/infraRsAttEntP uni/infra/attentp-k8s-l3" in found
    assert f"{group}/infraRsLacpPol calico-lacp-active" in found
    assert found[f"{infra}/lacpLagPol calico-lacp-active"]["mode"] == "active"
    selector = f"{infra}/infraAccPortP calico-prod1-202/infraHPortS vpc-b"
    block = {"fromCard": "1", "toCard": "1", "fromPort": "12", "toPort": "13"}
    assert found[f"{selector}/infraPortBlk block1"] == {"name": "block1", **block, **own}
    assert f"{selector}/infraRsAccBaseGrp uni/infra/funcprof/accbundle-vpc-b" in found
    switch = f"{infra}/infraNodeP calico-prod1-202"
    assert found[f"{switch}/infraLeafS 202/infraNodeBlk 202"] == {"name": "202", "from_": "202", "to_": "202", **own}
    assert f"{switch}/infraRsAccPortP uni/infra/accportprof-calico-prod1-202" in found
    assert "physDomP" not in str(found)


def test_the_emulator_names_every_object_alike() -> None:
    plan = plan_of(STANDARD, tenant="t", vrf="v", manage_tenant=True, **MANAGED, **one_rack(nodes=CABLED_NODES))
    table = class_table()
    for root in apic_roots(plan, "access"):
        for wanted in Root(root, "prod1").wanted.walk():
            assert table.resolve(wanted.dn)[-1][1].name == wanted.cls


def test_a_single_leaf_gets_a_port_channel_and_somebodys_policy() -> None:
    rack = {"racks": [{"id": 1, "leaves": [201], "nodes": [cabled_node("a", "1/1")]}]}
    found = flat(root_of(plan_of(STANDARD, lacp_policy="theirs", **MANAGED, **rack), "uni")["tree"])
    assert found["/polUni/infraInfra/infraFuncP/infraAccBndlGrp vpc-a"]["lagT"] == "link"
    assert "/polUni/infraInfra/infraFuncP/infraAccBndlGrp vpc-a/infraRsLacpPol theirs" in found
    assert "lacpLagPol" not in str(found)


def test_tenant_and_vrf() -> None:
    plan = plan_of(FLOATING, tenant="t", vrf="v", manage_tenant=True)
    (root,) = apic_roots(plan, "access")
    assert (root["dn"], root["scope"]) == ("uni/tn-t", "bare")
    assert flat(root["tree"]) == {
        "/fvTenant t": {"annotation": "orchestrator:aci-calico", "name": "t"},
        "/fvTenant t/fvCtx v": {"annotation": "orchestrator:aci-calico", "name": "v"},
    }
    assert all(root["assumed"] == ["uni/tn-t", "uni/tn-t/ctx-v"] for root in apic_roots(plan, "policies"))


def test_common_is_only_passed_through() -> None:
    (root,) = apic_roots(plan_of(FLOATING, vrf="v", manage_tenant=True), "access")
    assert root["tree"]["fvTenant"]["attributes"] == {"name": "common", "status": "modified"}
    roots = apic_roots(plan_of(FLOATING, tenant="t", vrf_tenant="common", manage_tenant=True), "access")
    assert [root["dn"] for root in roots] == ["uni/tn-t", "uni/tn-common"]


def test_the_artifact_has_each_object_once() -> None:
    tree = apic_tree(plan_of(FLOATING, tenant="t", vrf="v", manage_tenant=True, **MANAGED))
    children = [next(iter(child)) for child in tree["polUni"]["children"]]
    assert children == ["infraInfra", "l3extDomP", "physDomP", "fvTenant"]
    found = flat(tree)
    assert found["/polUni/fvTenant t"] == {"annotation": "orchestrator:aci-calico", "name": "t"}
    assert "status" not in found["/polUni/fvTenant t/fvCtx v"]
    assert any(path.startswith("/polUni/fvTenant t/fvCtx v/fvRsCtxToBgpCtxAfPol") for path in found)
