"""What an L3Out stands on: its rules, its part of the plan and its APIC objects."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, plan_of, rules, variables

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.roots import Root
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, apic_tree
from lab.apic.model import class_table

MANAGED = {"manage_access": True}
NODES = [{"name": "a", "interfaces": ["1/1"]}, {"name": "b", "interfaces": ["201:1/2", "202:1/12-13"]}]


def one_rack(*nodes: dict[str, Any]) -> dict[str, Any]:
    """A rack with these nodes."""
    return {"racks": [{"id": 1, "leaves": [201, 202], "nodes": list(nodes)}]}


def node(name: str, *interfaces: str, **more: Any) -> dict[str, Any]:
    """A node on these ports."""
    return {"name": name, "interfaces": list(interfaces), **more}


# --- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "path", "base", "changes"),
    [
        ("invalid-ports", "aci_calico_racks[0].nodes[0].interfaces[0]", FLOATING, one_rack(node("a", "10"))),
        ("port-of-another-rack", "aci_calico_racks[0].nodes[0]", FLOATING, one_rack(node("a", "203:1/1"))),
        ("port-twice", "aci_calico_racks[0].nodes[1]", FLOATING, one_rack(node("a", "1/1"), node("b", "1/1"))),
        ("port-twice", "aci_calico_racks[0].nodes[1]", STANDARD, one_rack(node("a", "1/1-4"), node("b", "202:1/3"))),
        ("node-without-interfaces", "aci_calico_racks", STANDARD, MANAGED),
    ],
)
def test_what_does_not_fit(rule: str, path: str, base: dict[str, Any], changes: dict[str, Any]) -> None:
    assert rules(compiled(base, **changes)) == {rule: [path]}


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (STANDARD, one_rack(node("a", "201:1/1"), node("b", "202:1/1"))),
        # Virtual machines behind one vPC.
        (STANDARD, one_rack(node("a", "1/1", vpc="esx-1"), node("b", "1/1", vpc="esx-1"))),
        (FLOATING, MANAGED),
        (STANDARD, MANAGED | one_rack(*NODES)),
    ],
)
def test_what_fits(base: dict[str, Any], changes: dict[str, Any]) -> None:
    assert rules(compiled(base, **changes)) == {}


OTHER = {
    "cluster_name": "prod2",
    "l3out": "other",
    "vrf": "other",
    "node_subnets": ["172.16.0.0/24"],
    "pod_subnets": ["10.2.0.0/16"],
    "service_subnets": ["172.17.0.0/22"],
    "external_service_subnets": None,
    "router_id_base": "1.1.4.0",
}


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("pool-contradicts", {"vlan": 900, "vlan_pool": "other"}),
        (
            "encap-blocks-overlap",
            {"vlan": "300-301", "racks": [{"id": 9, "leaves": [209, 210], "nodes": [node("x", "1/1")]}]},
        ),
        ("port-shared", {"vlan": 900, **one_rack(node("x", "1/1"))}),
        ("group-shared", {"vlan": 900, **one_rack(node("a", "1/9"))}),
    ],
)
def test_between_clusters(rule: str, changes: dict[str, Any]) -> None:
    mine = MANAGED | one_rack(*NODES)
    other = variables(FLOATING, **{**OTHER, **MANAGED, "racks": [{"id": 9, "leaves": [209, 210]}], **changes})
    assert list(rules(compiled(FLOATING, {"neighbours": {"prod2": other}}, **mine))) == [rule]
    apart = {"neighbours": {"prod2": other | {"aci_calico_apic_host": ["apic9"]}}}
    assert rules(compiled(FLOATING, apart, apic_host=["apic1"], **mine)) == {}
    assert (
        rules(compiled(FLOATING, {"neighbours": {"prod2": other | {"aci_calico_manage_access": False}}}, **mine)) == {}
    )


def test_clusters_may_share_all_but_ports() -> None:
    other = variables(FLOATING, **{**OTHER, **MANAGED, "vlan": 900, **one_rack(node("x", "1/9"))})
    assert rules(compiled(FLOATING, {"neighbours": {"prod2": other}}, **MANAGED, **one_rack(*NODES))) == {}


# --- the plan --------------------------------------------------------------------------------------------------------


def test_names_follow_the_l3_domain() -> None:
    access = plan_of(FLOATING, **MANAGED)["access"]
    assert (access["pool"], access["aaep"]) == ("k8s-l3", "k8s-l3")
    access = plan_of(FLOATING, vlan_pool="p", aaep="a", **MANAGED)["access"]
    assert (access["pool"], access["aaep"]) == ("p", "a")
    assert plan_of(FLOATING)["access"]["aaep"] is None


def test_encaps_are_all_that_nodes_may_get() -> None:
    assert plan_of(STANDARD, vlan="300-363")["access"]["vlans"] == [[300, 363]]
    pinned = {"racks": [{"id": 1, "leaves": [201, 202], "nodes": [{"name": "a", "vlan": 400}, "b"]}]}
    assert plan_of(STANDARD, vlan=[300, "302-303"], **pinned)["access"]["vlans"] == [[300, 300], [302, 303], [400, 400]]


def test_groups_and_their_ports() -> None:
    assert plan_of(STANDARD, **MANAGED, **one_rack(*NODES))["access"]["groups"] == [
        {"name": "vpc-a", "vpc": True, "leaves": [{"id": 201, "ports": ["1/1"]}, {"id": 202, "ports": ["1/1"]}]},
        {"name": "vpc-b", "vpc": True, "leaves": [{"id": 201, "ports": ["1/2"]}, {"id": 202, "ports": ["1/12-13"]}]},
    ]
    shared = one_rack(node("a", "1/1", vpc="esx"), node("b", "1/1", vpc="esx"), node("c", "1/2", vpc="esx"))
    assert plan_of(STANDARD, **MANAGED, **shared)["access"]["groups"] == [
        {"name": "esx", "vpc": True, "leaves": [{"id": leaf, "ports": ["1/1", "1/2"]} for leaf in (201, 202)]}
    ]


def test_a_node_of_a_floating_svi_has_a_group_where_its_ports_are_known() -> None:
    rack = one_rack(node("a", "1/1"), {"name": "b"})
    assert [group["name"] for group in plan_of(FLOATING, **MANAGED, **rack)["access"]["groups"]] == ["vpc-a"]
    assert plan_of(FLOATING, **rack)["access"]["groups"] == []


def test_nodes_that_are_hosts_name_their_ports_too() -> None:
    hosts = {"n": {"aci_calico_rack": "1", "aci_calico_node_interfaces": "1/7"}}
    plan = plan_of(STANDARD, {"node_hosts": hosts}, racks=[{"id": 1, "leaves": [201, 202]}], **MANAGED)
    assert plan["access"]["groups"][0]["leaves"][0]["ports"] == ["1/7"]


# --- APIC objects ----------------------------------------------------------------------------------------------------


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
    found = flat(root_of(plan_of(STANDARD, physical_domain=None, **MANAGED, **one_rack(*NODES)), "uni")["tree"])
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
    plan = plan_of(STANDARD, tenant="t", vrf="v", manage_tenant=True, **MANAGED, **one_rack(*NODES))
    table = class_table()
    for root in apic_roots(plan, "access"):
        for wanted in Root(root, "prod1").wanted.walk():
            assert table.resolve(wanted.dn)[-1][1].name == wanted.cls


def test_a_single_leaf_gets_a_port_channel_and_somebodys_policy() -> None:
    rack = {"racks": [{"id": 1, "leaves": [201], "nodes": [node("a", "1/1")]}]}
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
