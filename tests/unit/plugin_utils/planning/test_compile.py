"""The plan: the white paper's worked example to the last key, and what single variables do to it."""

from __future__ import annotations

import json
import time

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, ipv6_alone, plan_of, racks

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.compile import pool_name

# What both kinds of SVI have in common.
COMMON = {
    "schema": 1,
    "cluster": "prod1",
    "address_families": ["ipv4"],
    "fabric": {
        "asn": 65002,
        "tenant": "common",
        "vrf": "calico",
        "vrf_tenant": "common",
        "router_id_base": "1.1.4.0",
    },
    "cluster_asn": 65003,
    "interface": {"mtu": 9000, "mode": "regular", "encap_scope": "local"},
    "node_network": {"dns": [], "configs": ["netplan", "network_manager"], "vm_mobility": False},
    "domains": {"l3": "k8s-l3", "physical": "k8s"},
    "access": {
        "managed": False,
        "tenant": False,
        "pool": None,
        "aaep": None,
        "lacp_policy": None,
        "profile": "calico-prod1",
        "vlans": [[300, 300]],
        "groups": [],
    },
    "bgp": {
        "keepalive": 1,
        "hold": 3,
        "as_limit": 1,
        "graceful_restart": True,
        "as_path_relax": True,
        "ecmp_ebgp": 64,
        "ecmp_ibgp": 64,
        "controls": ["as-override", "dis-peer-as-check"],
        "prefix_limit": None,
    },
    "subnets": {
        "node": {"ipv4": ["192.168.2.0/24"]},
        "pod": {"ipv4": ["10.1.0.0/16"]},
        "service": {"ipv4": ["192.168.8.0/22"]},
        "external_service": {"ipv4": ["192.168.3.0/24"]},
        "load_balancer": {},
    },
    "route_control": {
        direction: {"ipv4": ["192.168.2.0/24", "10.1.0.0/16", "192.168.8.0/22", "192.168.3.0/24"]}
        for direction in ("import", "export")
    },
    "names": {
        "owner": "orchestrator:aci-calico:prod1",
        "timers": "calico-prod1",
        "best_path": "calico-prod1",
        "ecmp": "calico-ecmp-64-64",
        "prefix_limit": "calico-prod1",
        "import_match": "calico-prod1-import",
        "export_match": "calico-prod1-export",
        "import_context": "calico-prod1-import",
        "export_context": "calico-prod1-export",
        "transit": "calico-prod1-transit",
        "external_epg": "default",
        "cluster_contract": "calico-prod1-racks",
    },
    "retired_l3outs": [],
    "external_epgs": [
        {
            "name": "default",
            "l3out": "calico-prod1",
            "subnets": [
                {"prefix": prefix, "scope": ["import-security"]}
                for prefix in ("192.168.2.0/24", "10.1.0.0/16", "192.168.8.0/22", "192.168.3.0/24")
            ],
            "provides": [],
            "consumes": [],
            "consumes_interfaces": [],
        }
    ],
    "contracts": [],
    "epg_contracts": [],
    "transit": [],
    "non_anchor_leaves": [],
    "routes": {
        "profile": "dual_stack",
        "estimate": {"ipv4": {"subnets": 3, "services": 0, "blocks": 12, "hosts": 0, "total": 15}},
    },
    "racks": [
        {
            "id": str(number),
            "pod": 1,
            "l3out": "calico-prod1",
            "node_profile": f"rack-{number}",
            "leaves": leaves,
            "nodes": nodes,
        }
        for number, leaves, nodes in (
            (1, [201, 202], ["node-1", "node-2", "node-3"]),
            (2, [203, 204], ["node-4", "node-5", "node-6"]),
        )
    ],
    "calico": {
        "api_group": "auto",
        "namespace": "auto",
        "rack_label": "rack_id",
        "secret": {"name": "bgp-secrets", "key": "rr-password"},
        "service_account": "calico-node",
        "block_size": {"ipv4": 26},
        "pools": [{"name": "default-ipv4-ippool", "cidr": "10.1.0.0/16", "family": "ipv4"}],
        "bgp_filter": False,
    },
    "warnings": [],
}
L3OUT = {"name": "calico-prod1", "racks": ["1", "2"]}
# (leaf, rack, side)
LEAVES = [(201, "1", "A"), (202, "1", "B"), (203, "2", "A"), (204, "2", "B")]
# (node, rack, place)
NODES = [(f"node-{place + 1}", "1" if place < 3 else "2", place) for place in range(6)]
SYSTEM = {"kind": "bare_metal", "nics": ["eno1", "eno2"], "bond": "bond0", "hypervisor": None}
LEAVES_OF = {"1": [201, 202], "2": [203, 204]}

FLOATING_PLAN = {
    **COMMON,
    "svi": {"kind": "floating", "requested": "floating", "reasons": ["aci_calico_svi asks for floating"]},
    "leaves": [
        {
            "id": leaf,
            "pod": 1,
            "rack": rack,
            "side": side,
            "router_id": f"1.1.4.{leaf}",
            "networks": {"ipv4": {"address": f"192.168.2.{leaf}/24"}},
        }
        for leaf, rack, side in LEAVES
    ],
    "l3outs": [
        {
            **L3OUT,
            "floating": {
                "vlan": 300,
                "networks": {
                    "ipv4": {
                        "subnet": "192.168.2.0/24",
                        "floating": "192.168.2.253/24",
                        "secondary": "192.168.2.254/24",
                    }
                },
            },
        }
    ],
    "nodes": [
        {
            "name": name,
            "rack": rack,
            "slot": place,
            "asn": 65003,
            "vlan": 300,
            "vpc": None,
            "system": SYSTEM,
            "networks": {
                "ipv4": {
                    "subnet": "192.168.2.0/24",
                    "address": f"192.168.2.{place + 1}/24",
                    "gateway": "192.168.2.254",
                }
            },
            "peers": [{"leaf": leaf, "family": "ipv4", "address": f"192.168.2.{leaf}"} for leaf in LEAVES_OF[rack]],
        }
        for name, rack, place in NODES
    ],
    "peers": [
        {
            "name": f"aci-leaf-{leaf}",
            "leaf": leaf,
            "rack": rack,
            "family": "ipv4",
            "address": f"192.168.2.{leaf}",
            "asn": 65002,
            "node": None,
        }
        for leaf, rack, _side in LEAVES
    ],
}
STANDARD_PLAN = {
    **COMMON,
    "svi": {"kind": "standard", "requested": "standard", "reasons": ["aci_calico_svi asks for standard"]},
    "access": {**COMMON["access"], "vlans": [[300, 363]]},
    "leaves": [
        {"id": leaf, "pod": 1, "rack": rack, "side": side, "router_id": f"1.1.4.{leaf}", "networks": {}}
        for leaf, rack, side in LEAVES
    ],
    "l3outs": [{**L3OUT, "floating": None}],
    "nodes": [
        {
            "name": name,
            "rack": rack,
            "slot": place,
            "asn": 65003,
            "vlan": 300 + place,
            "vpc": f"vpc-{name}",
            "system": SYSTEM,
            "networks": {
                "ipv4": {
                    "subnet": f"192.168.2.{8 * place}/29",
                    "address": f"192.168.2.{8 * place + 1}/29",
                    "gateway": f"192.168.2.{8 * place + 6}",
                    "leaf_a": f"192.168.2.{8 * place + 4}/29",
                    "leaf_b": f"192.168.2.{8 * place + 5}/29",
                    "secondary": f"192.168.2.{8 * place + 6}/29",
                }
            },
            "peers": [
                {"leaf": leaf, "family": "ipv4", "address": f"192.168.2.{8 * place + offset}"}
                for leaf, offset in zip(LEAVES_OF[rack], (4, 5), strict=True)
            ],
        }
        for name, rack, place in NODES
    ],
    "peers": [
        {
            "name": f"aci-{name}-leaf-{leaf}",
            "leaf": leaf,
            "rack": rack,
            "family": "ipv4",
            "address": f"192.168.2.{8 * place + offset}",
            "asn": 65002,
            "node": name,
        }
        for name, rack, place in NODES
        for leaf, offset in zip(LEAVES_OF[rack], (4, 5), strict=True)
    ],
}


@pytest.mark.parametrize(("base", "golden"), [(FLOATING, FLOATING_PLAN), (STANDARD, STANDARD_PLAN)])
def test_the_worked_example(base, golden):
    plan = plan_of(base)
    limits = plan.pop("limits")
    assert plan["svi"].pop("advice")["recommended"] == "floating"
    assert plan == golden
    assert {"id", "value", "limit", "unit", "source", "release"} == set(limits[0])


def test_the_plan_is_data_and_the_same_every_time():
    first, second = (json.dumps(plan_of(STANDARD)) for _run in range(2))
    assert first == second
    assert json.loads(first) == plan_of(STANDARD)


# --- the kind of SVI -------------------------------------------------------------------------------------------------


# --- single variables ------------------------------------------------------------------------------------------------


def test_names_follow_the_l3out():
    names = plan_of(l3out="k8s", bgp_ecmp_ebgp=32)["names"]
    assert (names["timers"], names["import_match"], names["ecmp"]) == ("k8s", "k8s-import", "calico-ecmp-32-64")


def test_import_subnets_replace_the_clusters_own():
    control = plan_of(import_subnets=["192.168.0.0/16", "10.0.0.0/8"])["route_control"]
    assert control["import"] == {"ipv4": ["192.168.0.0/16", "10.0.0.0/8"]}
    assert control["export"] == COMMON["route_control"]["export"]


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


def test_ipv6_alone():
    plan = plan_of(
        FLOATING,
        node_subnets=["fd00:2::/64"],
        pod_subnets=["fd00:1::/64"],
        service_subnets=["fd00:8::/112"],
        external_service_subnets=None,
        racks=racks(["a"]),
    )
    assert plan["address_families"] == ["ipv6"]
    assert plan["nodes"][0]["networks"]["ipv6"]["address"] == "fd00:2::1/64"


# --- peers -----------------------------------------------------------------------------------------------------------


def test_manifests_follow_the_plan():
    """The other parts read this plan: a key that went missing would show here first."""
    assert kubernetes_objects(plan_of(dual_stack(STANDARD)))


# --- size ------------------------------------------------------------------------------------------------------------


def test_twelve_leaves_and_192_nodes_in_well_under_two_seconds():
    many = racks(*[[f"node-{rack}-{node}" for node in range(32)] for rack in range(6)])
    start = time.process_time()
    outcome = compiled(STANDARD, racks=many, vlan="300-500", node_subnets=["172.16.0.0/21"], limits={"ecmp-paths": 192})
    assert time.process_time() - start < 1
    assert len(outcome.require()["nodes"]) == 192
