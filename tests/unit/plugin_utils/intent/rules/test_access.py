"""Rules for cabling and for access policies of clusters on one fabric."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import (
    CABLED_NODES,
    FLOATING,
    MANAGED,
    STANDARD,
    broken,
    cabled_node,
    case,
    compiled,
    one_rack,
    rules,
    variables,
)


@broken(
    [
        case("invalid-ports", "racks[0].nodes[0].interfaces[0]", **one_rack(nodes=[cabled_node("a", "10")])),
        case("port-of-another-rack", "racks[0].nodes[0]", **one_rack(nodes=[cabled_node("a", "203:1/1")])),
        case("port-twice", "racks[0].nodes[1]", **one_rack(nodes=[cabled_node("a", "1/1"), cabled_node("b", "1/1")])),
        case(
            "port-twice",
            "racks[0].nodes[1]",
            STANDARD,
            **one_rack(nodes=[cabled_node("a", "1/1-4"), cabled_node("b", "202:1/3")]),
        ),
        case("node-without-interfaces", "racks", STANDARD, **MANAGED),
    ]
)
def test_what_does_not_fit(rule: str, path: str, base: dict[str, Any], changes: dict[str, Any]) -> None:
    assert rules(compiled(base, **changes)) == {rule: [path]}


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (STANDARD, one_rack(nodes=[cabled_node("a", "201:1/1"), cabled_node("b", "202:1/1")])),
        # Virtual machines behind one vPC.
        (STANDARD, one_rack(nodes=[cabled_node("a", "1/1", vpc="esx-1"), cabled_node("b", "1/1", vpc="esx-1")])),
        (FLOATING, MANAGED),
        (STANDARD, MANAGED | one_rack(nodes=CABLED_NODES)),
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
            {"vlan": "300-301", "racks": [{"id": 9, "leaves": [209, 210], "nodes": [cabled_node("x", "1/1")]}]},
        ),
        ("port-shared", {"vlan": 900, **one_rack(nodes=[cabled_node("x", "1/1")])}),
        ("group-shared", {"vlan": 900, **one_rack(nodes=[cabled_node("a", "1/9")])}),
    ],
)
def test_between_clusters(rule: str, changes: dict[str, Any]) -> None:
    mine = MANAGED | one_rack(nodes=CABLED_NODES)
    other = variables(FLOATING, **{**OTHER, **MANAGED, "racks": [{"id": 9, "leaves": [209, 210]}], **changes})
    assert list(rules(compiled(FLOATING, {"neighbours": {"prod2": other}}, **mine))) == [rule]
    apart = {"neighbours": {"prod2": other | {"aci_calico_apic_host": ["apic9"]}}}
    assert rules(compiled(FLOATING, apart, apic_host=["apic1"], **mine)) == {}
    assert rules(compiled(FLOATING, {"neighbours": {"prod2": other | {"aci_calico_manage_access": False}}}, **mine)) == {}


def test_clusters_may_share_all_but_ports() -> None:
    other = variables(FLOATING, **{**OTHER, **MANAGED, "vlan": 900, **one_rack(nodes=[cabled_node("x", "1/9")])})
    assert rules(compiled(FLOATING, {"neighbours": {"prod2": other}}, **MANAGED, **one_rack(nodes=CABLED_NODES))) == {}
