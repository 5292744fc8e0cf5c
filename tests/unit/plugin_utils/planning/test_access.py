"""The plan's access policies."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import CABLED_NODES, FLOATING, MANAGED, STANDARD, cabled_node, one_rack, plan_of


def test_groups_and_their_ports() -> None:
    assert plan_of(STANDARD, **MANAGED, **one_rack(nodes=CABLED_NODES))["access"]["groups"] == [
        {"name": "vpc-a", "vpc": True, "leaves": [{"id": 201, "ports": ["1/1"]}, {"id": 202, "ports": ["1/1"]}]},
        {"name": "vpc-b", "vpc": True, "leaves": [{"id": 201, "ports": ["1/2"]}, {"id": 202, "ports": ["1/12-13"]}]},
    ]
    shared = one_rack(
        nodes=[cabled_node("a", "1/1", vpc="esx"), cabled_node("b", "1/1", vpc="esx"), cabled_node("c", "1/2", vpc="esx")]
    )
    assert plan_of(STANDARD, **MANAGED, **shared)["access"]["groups"] == [
        {"name": "esx", "vpc": True, "leaves": [{"id": leaf, "ports": ["1/1", "1/2"]} for leaf in (201, 202)]}
    ]


def test_a_node_of_a_floating_svi_has_a_group_where_its_ports_are_known() -> None:
    rack = one_rack(nodes=[cabled_node("a", "1/1"), {"name": "b"}])
    assert [group["name"] for group in plan_of(FLOATING, **MANAGED, **rack)["access"]["groups"]] == ["vpc-a"]
    assert plan_of(FLOATING, **rack)["access"]["groups"] == []


def test_nodes_that_are_hosts_name_their_ports_too() -> None:
    hosts = {"n": {"aci_calico_rack": "1", "aci_calico_node_interfaces": "1/7"}}
    plan = plan_of(STANDARD, {"node_hosts": hosts}, racks=[{"id": 1, "leaves": [201, 202]}], **MANAGED)
    assert plan["access"]["groups"][0]["leaves"][0]["ports"] == ["1/7"]
