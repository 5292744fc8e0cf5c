"""Subnets, families and pod blocks that are refused."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import FLOATING, STANDARD, assert_named, broken, ipv6_alone, racks

RACKS = "aci_calico_racks"
SEVEN_RACKS = racks(*[[f"n{number}"] for number in range(7)])
BROKEN = [
    ("subnet-overlap", "aci_calico_pod_subnets[1]", FLOATING, {"pod_subnets": ["10.1.0.0/16", "10.1.128.0/24"]}),
    ("subnet-overlap", "aci_calico_service_subnets[0]", FLOATING, {"service_subnets": ["192.168.2.128/25"]}),
    ("subnet-overlap", "aci_calico_load_balancer_subnets[0]", FLOATING, {"load_balancer_subnets": ["192.168.8.0/24"]}),
    ("family-missing", "aci_calico_node_subnets", FLOATING, {"pod_subnets": ["10.1.0.0/16", "fd00::/64"]}),
    (
        "floating-subnet-twice",
        "aci_calico_node_subnets[1]",
        FLOATING,
        {"node_subnets": ["192.168.2.0/24", "192.168.7.0/24"]},
    ),
    ("supernet-too-small", "aci_calico_node_subnets[0]", STANDARD, {"node_subnets": ["192.168.2.0/30"]}),
    (
        "supernet-too-small",
        "aci_calico_node_subnets[1]",
        STANDARD,
        {
            "node_subnets": ["192.168.2.0/24", "fd00::/65"],
            "pod_subnets": ["10.1.0.0/16", "fd01::/64"],
            "service_subnets": ["192.168.8.0/22", "fd02::/112"],
        },
    ),
    ("pool-smaller-than-block", "aci_calico_pod_subnets[0]", FLOATING, {"pod_subnets": ["10.1.0.0/28"]}),
    ("pool-short-of-blocks", "aci_calico_pod_subnets", FLOATING, {"pod_subnets": ["10.1.0.0/25"]}),
    (
        "subnet-not-allowed",
        "aci_calico_import_subnets",
        FLOATING,
        {"import_subnets": ["192.168.0.0/16"], "external_service_subnets": []},
    ),
    ("subnet-not-allowed", "aci_calico_export_subnets", FLOATING, {"export_subnets": []}),
    (
        "subnet-twice",
        "aci_calico_import_subnets",
        FLOATING,
        {"import_subnets": ["0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/1"]},
    ),
    ("ipv6-router-id", "aci_calico_node_subnets", FLOATING, ipv6_alone()),
    ("several-l3outs", RACKS, STANDARD, {"racks": SEVEN_RACKS}),
]
WARNINGS = {"ipv6-router-id", "pool-short-of-blocks", "several-l3outs", "subnet-not-allowed"}


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes, WARNINGS)
