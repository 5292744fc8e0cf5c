"""The plan's access policies."""

from __future__ import annotations

from typing import Any

from unit.plugin_utils.sample_plans import FLOATING, STANDARD, plan_of

MANAGED = {"manage_access": True}
NODES = [{"name": "a", "interfaces": ["1/1"]}, {"name": "b", "interfaces": ["201:1/2", "202:1/12-13"]}]


def one_rack(*nodes: dict[str, Any]) -> dict[str, Any]:
    """A rack with these nodes."""
    return {"racks": [{"id": 1, "leaves": [201, 202], "nodes": list(nodes)}]}


def node(name: str, *interfaces: str, **more: Any) -> dict[str, Any]:
    """A node on these ports."""
    return {"name": name, "interfaces": list(interfaces), **more}


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
