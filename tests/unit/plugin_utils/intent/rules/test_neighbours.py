"""Clusters of one inventory that collide, and clusters that do not."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import compiled, racks, rules, variables

RACKS = "aci_calico_racks"
OTHER = variables(
    cluster_name="prod2",
    cluster_asn=65004,
    vlan=400,
    node_subnets=["172.16.2.0/24"],
    pod_subnets=["10.2.0.0/16"],
    service_subnets=["172.16.8.0/22"],
    external_service_subnets=["172.16.3.0/24"],
    racks=racks(["x"], ["y"]),
)


def beside(**changes: Any):
    """The example beside another cluster with these changes."""
    return compiled(options={"neighbours": {"prod2-cluster": variables(OTHER, **changes)}})


def test_two_clusters_in_one_vrf_get_along():
    assert not beside().problems


@pytest.mark.parametrize(
    ("rule", "path", "changes"),
    [
        ("cluster-name-shared", "aci_calico_cluster_name", {"cluster_name": "prod1", "l3out": "other"}),
        ("l3out-shared", "aci_calico_l3out", {"l3out": "calico-prod1"}),
        ("subnet-overlap-clusters", "aci_calico_pod_subnets[0]", {"pod_subnets": ["10.1.64.0/18"]}),
        ("subnet-overlap-clusters", "aci_calico_node_subnets[0]", {"external_service_subnets": ["192.168.2.0/28"]}),
        ("vlan-shared", "aci_calico_vlan", {"vlan": 300}),
        ("vlan-shared", "aci_calico_vlan", {"vlan": "290-310", "svi": "standard"}),
        ("vlan-shared", "aci_calico_vlan", {"vlan": "400-410", "svi": "standard", "racks": racks([{"name": "x", "vlan": 300}])}),
        (
            "vlan-shared",
            "aci_calico_vlan",
            {"vlan": 300, "racks": [{"id": 1, "leaves": [301, 302], "nodes": ["x"]}], "non_anchor_leaves": [201]},
        ),
        (
            "router-id-contradicts",
            f"{RACKS}[0].leaves[0]",
            {"racks": [{"id": 1, "leaves": [{"id": 201, "router_id": "9.9.9.9"}, 202], "nodes": ["x"]}]},
        ),
        (
            "router-id-repeats",
            f"{RACKS}[0].leaves[0]",
            {"racks": [{"id": 1, "leaves": [{"id": 301, "router_id": "1.1.4.201"}, 302], "nodes": ["x"]}]},
        ),
        ("ecmp-contradicts", "aci_calico_bgp_ecmp_ebgp", {"bgp_ecmp_ebgp": 32}),
        ("ecmp-contradicts", "aci_calico_bgp_ecmp_policy", {"bgp_ecmp_policy": "wan"}),
        ("bgp-policy-contradicts", "aci_calico_bgp_keepalive", {"bgp_keepalive": 0}),
        ("bgp-policy-contradicts", "aci_calico_bgp_as_limit", {"bgp_as_limit": 0, "racks": racks(["x"])}),
        ("bgp-policy-contradicts", "aci_calico_bgp_graceful_restart", {"bgp_graceful_restart": False}),
        ("bgp-policy-contradicts", "aci_calico_bgp_restart_time", {"bgp_restart_time": 20}),
        ("bgp-policy-contradicts", "aci_calico_bgp_as_path_relax", {"bgp_as_path_relax": False}),
        ("bgp-policy-contradicts", "aci_calico_next_hop_propagation", {"next_hop_propagation": True}),
        ("bgp-policy-contradicts", "aci_calico_bgp_timers_policy", {"bgp_timers_policy": "wan"}),
    ],
)
def test_two_clusters_that_collide_are_refused(rule, path, changes):
    outcome = beside(**changes)
    assert rules(outcome) == {rule: [path]}
    assert outcome.plan is None
    assert "prod2" in outcome.problems[0].problem or changes.get("cluster_name")


@pytest.mark.parametrize(
    "changes",
    [
        {"vrf": "other", "pod_subnets": ["10.1.64.0/18"], "router_id_base": "2.2.2.0", "bgp_ecmp_ebgp": 32, "bgp_hold": 9},
        {"tenant": "other", "vrf_tenant": "other", "l3out": "calico-prod1"},
        {"apic_host": ["apic9"], "vlan": 300, "pod_subnets": ["10.1.64.0/18"], "l3out": "calico-prod1"},
        {"vlan": 300, "bgp_as_limit": 0, "racks": [{"id": 1, "leaves": [301, 302], "nodes": ["x"]}]},
    ],
    ids=["another VRF", "another tenant", "another fabric", "other leaves"],
)
def test_clusters_apart_do_not_collide(changes):
    mine = variables(apic_host="apic1, apic2")
    theirs = variables(OTHER, **{"apic_host": ["apic2"], **changes})
    assert not compiled(mine, {"neighbours": {"prod2-cluster": theirs}}).problems


def test_what_is_wrong_with_a_neighbour_is_its_own_to_say():
    assert not beside(mtu="no", racks="none", node_subnets=[1, {}], pod_subnets=None).problems


def test_floating_addresses_count_for_the_whole_fabric():
    changes = {"limits": {"floating-addresses": 1}}
    outcome = compiled(options={"neighbours": {"prod2-cluster": OTHER}}, **changes)
    assert set(rules(outcome)) == {"limit-floating-addresses"}
    assert not compiled(
        options={"neighbours": {"prod2-cluster": variables(OTHER, svi="standard", vlan="400-410")}}, **changes
    ).problems
