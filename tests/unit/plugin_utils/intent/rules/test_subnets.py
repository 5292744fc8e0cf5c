"""Subnets, families and pod blocks that are refused."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import STANDARD, assert_named, broken, case, ipv6_alone, racks

SEVEN_RACKS = racks(*[[f"n{number}"] for number in range(7)])
BROKEN = [
    case("subnet-overlap", "pod_subnets[1]", pod_subnets=["10.1.0.0/16", "10.1.128.0/24"]),
    case("subnet-overlap", "service_subnets[0]", service_subnets=["192.168.2.128/25"]),
    case("subnet-overlap", "load_balancer_subnets[0]", load_balancer_subnets=["192.168.8.0/24"]),
    case("family-missing", "node_subnets", pod_subnets=["10.1.0.0/16", "fd00::/64"]),
    case("floating-subnet-twice", "node_subnets[1]", node_subnets=["192.168.2.0/24", "192.168.7.0/24"]),
    case("supernet-too-small", "node_subnets[0]", STANDARD, node_subnets=["192.168.2.0/30"]),
    case(
        "supernet-too-small",
        "node_subnets[1]",
        STANDARD,
        node_subnets=["192.168.2.0/24", "fd00::/65"],
        pod_subnets=["10.1.0.0/16", "fd01::/64"],
        service_subnets=["192.168.8.0/22", "fd02::/112"],
    ),
    case("pool-smaller-than-block", "pod_subnets[0]", pod_subnets=["10.1.0.0/28"]),
    case("pool-short-of-blocks", "pod_subnets", pod_subnets=["10.1.0.0/25"]),
    case("subnet-not-allowed", "import_subnets", import_subnets=["192.168.0.0/16"], external_service_subnets=[]),
    case("subnet-not-allowed", "export_subnets", export_subnets=[]),
    case("subnet-twice", "import_subnets", import_subnets=["0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/1"]),
    case("ipv6-router-id", "node_subnets", **ipv6_alone()),
    case("several-l3outs", "racks", STANDARD, racks=SEVEN_RACKS),
]
LENT = {"load_balancer_subnets": ["192.168.7.0/28"]}
BROKEN += [
    case("pool-unknown", "pools[0].cidr", pools=["10.7.0.0/16"]),
    case("subnet-twice", "pools[1].cidr", pools=["10.1.0.0/16", {"cidr": "10.1.0.0/16", "disabled": False}]),
    case("required", "pools[0].cidr", pools=[{"disabled": True}]),
    case("not-a-choice", "pools[0].allowed_uses[0]", pools=[{"cidr": "10.1.0.0/16", "allowed_uses": ["Pods"]}]),
    case("pool-selected-twice", "pools[0].racks", pools=[{"cidr": "10.1.0.0/16", "racks": [1], "node_selector": "all()"}]),
    case("unknown-rack", "pools[0].racks", pools=[{"cidr": "10.1.0.0/16", "racks": ["1", "9"]}]),
    case("pool-use-mixed", "pools[0].allowed_uses", pools=[{"cidr": "10.1.0.0/16", "allowed_uses": "LoadBalancer"}]),
    case(
        "pool-use-mixed",
        "pools[0].allowed_uses",
        **LENT,
        pools=[{"cidr": "192.168.7.0/28", "allowed_uses": ["Workload"], "block_size": 28}],
    ),
    case("pool-use-mixed", "pools[0]", **LENT, pools=[{"cidr": "192.168.7.0/28", "racks": ["1"], "block_size": 28}]),
    case("pool-smaller-than-block", "pools[0]", **LENT, pools=["192.168.7.0/28"]),
    case("pool-smaller-than-block", "pools[0].block_size", **LENT, pools=[{"cidr": "192.168.7.0/28", "block_size": 26}]),
    case("out-of-range", "pools[0].block_size", pools=[{"cidr": "10.1.0.0/16", "block_size": 64}]),
    case("pools-disabled", "pools", pools=[{"cidr": "10.1.0.0/16", "disabled": True}]),
]
WARNINGS = {"pools-disabled", "ipv6-router-id", "pool-short-of-blocks", "several-l3outs", "subnet-not-allowed"}


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes, WARNINGS)
