"""The plan: the white paper's worked example to the last key, and what single variables do to it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, ipv6_alone, plan_of, racks, variables

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.compile import pool_name

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
SECOND = variables(
    STANDARD,
    cluster_name="prod2",
    cluster_asn=65004,
    tenant="prod",
    vrf="prod",
    vlan="310-339",
    pod_subnets=["10.2.0.0/16"],
    service_subnets=["192.168.12.0/22"],
    external_service_subnets=["192.168.4.0/24"],
    racks=racks(*([f"prod2-node-{number}" for number in numbers] for numbers in ((1, 2, 3), (4, 5, 6)))),
)


@pytest.mark.parametrize(
    ("variables_", "example"),
    [(variables(load_balancer_subnets=["192.168.7.0/24"]), "floating_svi/prod1"), (SECOND, "standard_svi/prod2")],
)
def test_the_worked_example(variables_, example):
    golden = json.loads((GOLDEN / example / "plan.json").read_text(encoding="utf-8"))
    assert plan_of(variables_) == golden
    assert golden["svi"]["advice"]["recommended"] == "floating"


# --- single variables ------------------------------------------------------------------------------------------------


def test_names_follow_the_l3out_and_those_of_shared_policies_their_content():
    names = plan_of(l3out="k8s", bgp_ecmp_ebgp=32, bgp_graceful_restart=False, bgp_as_path_relax=False)["names"]
    assert (names["prefix_limit"], names["import_match"]) == ("k8s", "k8s-import")
    shared = ("calico-timers-1-3-1-no-restart", "calico-best-path-strict", "calico-ecmp-32-64")
    assert (names["timers"], names["best_path"], names["ecmp"]) == shared


def test_import_subnets_replace_the_clusters_own():
    control = plan_of(import_subnets=["192.168.0.0/16", "10.0.0.0/8"])["route_control"]
    assert control["import"] == {"ipv4": ["192.168.0.0/16", "10.0.0.0/8"]}
    assert control["export"] == plan_of()["route_control"]["export"]


def test_prefix_limit():
    limit = plan_of(bgp_prefix_limit=500, bgp_prefix_limit_action="log")["bgp"]["prefix_limit"]
    assert limit == {"maximum": 500, "action": "log", "threshold": 75}


def test_further_pools_are_named_by_their_subnet():
    pools = plan_of(pod_subnets=["10.1.0.0/16", "10.2.0.0/16"])["calico"]["pools"]
    assert [pool["name"] for pool in pools] == ["default-ipv4-ippool", "ippool-10-2-0-0-16"]
    assert pool_name("fd00::/64") == "ippool-fd00-0000-0000-0000-0000-0000-0000-0000-64"


def test_racks_have_their_pod_and_leaves_their_router_id():
    plan = plan_of(
        pod=2,
        racks=[
            {"id": "x", "leaves": [101, {"id": 102, "router_id": "9.9.9.9"}], "nodes": ["a"]},
            {"id": "y", "pod": 3, "leaves": [1001, 1002], "nodes": ["b"]},
        ],
    )
    assert [rack["pod"] for rack in plan["racks"]] == [2, 3]
    assert [leaf["router_id"] for leaf in plan["leaves"]] == ["1.1.4.101", "9.9.9.9", "1.1.7.233", "1.1.7.234"]


def test_vpc_names():
    nodes = [{"name": "a", "vpc": "bond-17"}, "b"]
    plan = plan_of(STANDARD, racks=racks(nodes), vpc_name="k8s-{rack}-{node}")
    assert [node["vpc"] for node in plan["nodes"]] == ["bond-17", "k8s-1-b"]


def test_text_is_read_as_what_it_means():
    """Extra vars of the command line and surveys hand everything over as text."""
    plan = plan_of(mtu="1500", bgp_graceful_restart="no", node_subnets="192.168.2.0/24", racks=json.dumps(racks(["a"])))
    assert (plan["interface"]["mtu"], plan["bgp"]["graceful_restart"]) == (1500, False)
    assert plan["nodes"][0]["name"] == "a"


# --- dual stack ------------------------------------------------------------------------------------------------------


def test_dual_stack_floating():
    plan = plan_of(dual_stack(FLOATING))
    assert plan["address_families"] == ["ipv4", "ipv6"]
    assert plan["l3outs"][0]["floating"]["networks"]["ipv6"] == {
        "subnet": "fd00:192:168::/56",
        "floating": "fd00:192:168:ff:ffff:ffff:ffff:fffd/56",
        "secondary": "fd00:192:168:ff:ffff:ffff:ffff:fffe/56",
    }
    assert plan["nodes"][1]["networks"]["ipv6"]["address"] == "fd00:192:168::2/56"
    assert plan["leaves"][0]["networks"]["ipv6"]["address"] == "fd00:192:168::c9/56", "beside its pinned IPv4 address"
    assert [peer["name"] for peer in plan["peers"][:2]] == ["aci-leaf-201", "aci-leaf-201-ipv6"]
    assert next(limit for limit in plan["limits"] if limit["id"] == "floating-addresses")["value"] == 2
    assert plan["calico"]["block_size"] == {"ipv4": 26, "ipv6": 122}


@pytest.mark.parametrize("base", [FLOATING, STANDARD])
def test_ipv6_alone_is_ipv6_everywhere(base):
    plan = plan_of(base, **ipv6_alone())
    assert plan["address_families"] == ["ipv6"]
    assert {family for node in plan["nodes"] for family in node["networks"]} == {"ipv6"}
    assert plan["nodes"][0]["networks"]["ipv6"]["address"] == f"fd00:192:168::1/{56 if base is FLOATING else 64}"
    assert {peer["family"] for peer in plan["peers"]} == {"ipv6"}
    assert [pool["name"] for pool in plan["calico"]["pools"]] == ["default-ipv6-ippool"]
    tree = json.dumps(apic_tree(plan))
    assert "ipv6-ucast" in tree
    assert "ipv4" not in tree
    assert "192.168" not in tree + json.dumps(kubernetes_objects(plan))


def test_dual_stack_standard():
    node = plan_of(dual_stack(STANDARD))["nodes"][1]
    assert node["networks"]["ipv4"]["subnet"] == "192.168.2.8/29"
    assert node["networks"]["ipv6"] == {
        "subnet": "fd00:192:168:1::/64",
        "address": "fd00:192:168:1::1/64",
        "gateway": "fd00:192:168:1:ffff:ffff:ffff:fffe",
        "leaf_a": "fd00:192:168:1:ffff:ffff:ffff:fffc/64",
        "leaf_b": "fd00:192:168:1:ffff:ffff:ffff:fffd/64",
        "secondary": "fd00:192:168:1:ffff:ffff:ffff:fffe/64",
    }
    assert [(peer["leaf"], peer["family"]) for peer in node["peers"]] == [
        (201, "ipv4"),
        (202, "ipv4"),
        (201, "ipv6"),
        (202, "ipv6"),
    ]


# --- size ------------------------------------------------------------------------------------------------------------


def test_twelve_leaves_and_192_nodes_in_well_under_two_seconds():
    many = racks(*[[f"node-{rack}-{node}" for node in range(32)] for rack in range(6)])
    start = time.process_time()
    outcome = compiled(STANDARD, racks=many, vlan="300-500", node_subnets=["172.16.0.0/21"], limits={"ecmp-paths": 192})
    assert time.process_time() - start < 1
    assert len(outcome.require()["nodes"]) == 192
