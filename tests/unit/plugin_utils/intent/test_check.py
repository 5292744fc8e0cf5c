"""Everything that is refused, each with the input that breaks the rule, its path, and its severity."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import (
    FLOATING,
    STANDARD,
    compiled,
    dual_stack,
    ipv6_alone,
    racks,
    recorded,
    rules,
    variables,
)

from ansible_collections.netops.aci_calico.plugins.plugin_utils.intent.reading import SECRETS_DECLARED, SECRETS_READABLE
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.messages import WARNING
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import render

FOUR_RACKS = racks(["a"], ["b"], ["c"], ["d"])
SEVEN_RACKS = racks(*[[f"n{number}"] for number in range(7)])
RACKS = "aci_calico_racks"


def one_rack(**changes: Any) -> dict[str, Any]:
    """The variable with one rack."""
    return {"racks": [{"id": 1, "leaves": [201, 202], "nodes": ["a"], **changes}]}


# (rule, path, base, changed variables): the only thing wrong with the input is that rule.
BROKEN = [
    # values by themselves
    ("required", "aci_calico_tenant", FLOATING, {"tenant": None}),
    ("required", "aci_calico_fabric_asn", FLOATING, {"fabric_asn": None}),
    ("required", "aci_calico_pod_subnets", FLOATING, {"pod_subnets": []}),
    ("required", RACKS, FLOATING, {"racks": []}),
    ("required", f"{RACKS}[0].leaves", FLOATING, {"racks": [{"id": 1, "nodes": ["a"]}]}),
    ("unknown-variable", "aci_calico_vlna", FLOATING, {"vlna": 300}),
    ("unknown-key", f"{RACKS}[0].leafs", FLOATING, one_rack(leafs=[203])),
    ("wrong-type", "aci_calico_mtu", FLOATING, {"mtu": "jumbo"}),
    ("wrong-type", "aci_calico_mtu", FLOATING, {"mtu": True}),
    ("wrong-type", "aci_calico_mtu", FLOATING, {"mtu": 1500.5}),
    ("wrong-type", "aci_calico_tenant", FLOATING, {"tenant": ["common"]}),
    ("wrong-type", "aci_calico_tenant", FLOATING, {"tenant": True}),
    ("wrong-type", "aci_calico_bgp_filter", FLOATING, {"bgp_filter": "perhaps"}),
    ("wrong-type", RACKS, FLOATING, {"racks": "rack 1"}),
    ("wrong-type", f"{RACKS}[0]", FLOATING, {"racks": [7]}),
    ("wrong-type", f"{RACKS}[0].leaves[0]", FLOATING, one_rack(leaves=["leaf", 202])),
    ("wrong-type", "aci_calico_limits", FLOATING, {"limits": [1]}),
    ("wrong-type", "aci_calico_limits.anchor-leaves", FLOATING, {"limits": {"anchor-leaves": "many"}}),
    ("unknown-limit", "aci_calico_limits.anchor-leafs", FLOATING, {"limits": {"anchor-leafs": 8}}),
    ("not-a-choice", "aci_calico_svi", FLOATING, {"svi": "float"}),
    ("out-of-range", "aci_calico_mtu", FLOATING, {"mtu": 575}),
    ("out-of-range", "aci_calico_mtu", FLOATING, {"mtu": 9217}),
    ("out-of-range", "aci_calico_vlan", FLOATING, {"vlan": 0}),
    ("out-of-range", "aci_calico_vlan", FLOATING, {"vlan": 4095}),
    ("out-of-range", "aci_calico_vlan", STANDARD, {"vlan": "4090-4100"}),
    ("out-of-range", "aci_calico_vlan", STANDARD, {"vlan": "363-300"}),
    ("wrong-type", "aci_calico_vlan", STANDARD, {"vlan": "300 to 310"}),
    ("vlan-twice", "aci_calico_vlan", STANDARD, {"vlan": ["300-310", 305]}),
    ("out-of-range", "aci_calico_fabric_asn", FLOATING, {"fabric_asn": 0}),
    ("out-of-range", "aci_calico_cluster_asn", FLOATING, {"cluster_asn": 4294967296}),
    ("out-of-range", f"{RACKS}[0].leaves[0]", FLOATING, one_rack(leaves=[100, 202])),
    ("out-of-range", "aci_calico_bgp_ecmp_ebgp", FLOATING, {"bgp_ecmp_ebgp": 65}),
    # names
    ("invalid-tenant-name", "aci_calico_tenant", FLOATING, {"tenant": "my tenant"}),
    ("invalid-tenant-name", "aci_calico_tenant", FLOATING, {"tenant": "t" * 64}),
    ("invalid-vrf-name", "aci_calico_vrf", FLOATING, {"vrf": "a:b"}),
    ("invalid-apic-name", "aci_calico_l3out", FLOATING, {"l3out": "out/1"}),
    ("invalid-apic-name", "aci_calico_external_epg", FLOATING, {"external_epg": "é"}),
    ("invalid-cluster-name", "aci_calico_cluster_name", FLOATING, {"cluster_name": "../prod"}),
    ("invalid-rack-id", f"{RACKS}[0].id", FLOATING, one_rack(id="-1-")),
    ("invalid-dns-name", f"{RACKS}[0].nodes[0]", FLOATING, one_rack(nodes=["Node_1"])),
    ("invalid-dns-label", "aci_calico_calico_namespace", FLOATING, {"calico_namespace": "kube_system"}),
    ("invalid-label-key", "aci_calico_rack_label", FLOATING, {"rack_label": "rack id"}),
    ("invalid-secret-key", "aci_calico_bgp_secret_key", FLOATING, {"bgp_secret_key": "a/b"}),
    ("invalid-vpc-pattern", "aci_calico_vpc_name", STANDARD, {"vpc_name": "vpc-{host}"}),
    ("invalid-vpc-pattern", "aci_calico_vpc_name", STANDARD, {"vpc_name": "vpc-{node"}),
    ("invalid-apic-version", "aci_calico_apic_version", FLOATING, {"apic_version": "latest"}),
    ("name-too-long", "aci_calico_l3out", FLOATING, {"l3out": "l" * 58}),
    ("name-too-long", f"{RACKS}[0].nodes[0]", STANDARD, one_rack(nodes=["n" * 60])),
    ("name-too-long", f"{RACKS}[0].nodes[0]", STANDARD, {"vpc_name": "v" * 60 + "{node}", **one_rack(nodes=["node1"])}),
    # subnets
    ("invalid-subnet", "aci_calico_pod_subnets[0]", FLOATING, {"pod_subnets": ["10.1.0.0"]}),
    ("invalid-subnet", "aci_calico_pod_subnets[0]", FLOATING, {"pod_subnets": ["10.1.0.1/16"]}),
    ("invalid-subnet", "aci_calico_pod_subnets[0]", FLOATING, {"pod_subnets": ["10.1.0.0/33"]}),
    ("invalid-subnet", "aci_calico_pod_subnets[0]", FLOATING, {"pod_subnets": ["0.0.0.0/0"]}),
    ("invalid-subnet", "aci_calico_pod_subnets[0]", FLOATING, {"pod_subnets": ["224.1.0.0/16"]}),
    ("invalid-subnet", "aci_calico_node_subnets[0]", FLOATING, {"node_subnets": ["nodes"]}),
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
    (
        "subnet-too-small",
        "aci_calico_node_subnets",
        FLOATING,
        {"node_subnets": ["192.168.2.0/29"], **one_rack(nodes=["a", "b", "c"])},
    ),
    (
        "subnet-too-small",
        "aci_calico_node_subnets",
        STANDARD,
        {"node_subnets": ["192.168.2.0/28"], **one_rack(nodes=["a", "b", "c"])},
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
    # addresses
    ("invalid-address", "aci_calico_secondary_addresses[0]", FLOATING, {"secondary_addresses": ["192.168.2.254/24"]}),
    ("address-outside", "aci_calico_floating_addresses[0]", FLOATING, {"floating_addresses": ["192.168.3.253"]}),
    ("address-outside", "aci_calico_secondary_addresses[0]", FLOATING, {"secondary_addresses": ["192.168.2.255"]}),
    ("address-outside", "aci_calico_secondary_addresses[0]", FLOATING, {"secondary_addresses": ["fd00::1"]}),
    ("address-collision", f"{RACKS}[0].leaves[0].address", FLOATING, {"secondary_addresses": ["192.168.2.201"]}),
    (
        "address-collision",
        "aci_calico_floating_addresses[0]",
        FLOATING,
        {"floating_addresses": ["192.168.2.10"], "secondary_addresses": ["192.168.2.10"]},
    ),
    (
        "address-collision",
        f"{RACKS}[0].nodes[1].address",
        FLOATING,
        one_rack(nodes=[{"name": "a", "address": "192.168.2.7"}, {"name": "b", "address": "192.168.2.7"}]),
    ),
    (
        "address-collision",
        f"{RACKS}[0].nodes[1] (slot 6)",
        FLOATING,
        one_rack(nodes=[{"name": "a", "address": "192.168.2.7"}, {"name": "b", "slot": 6}]),
    ),
    (
        "address-collision",
        f"{RACKS}[0].nodes[1].address",
        STANDARD,
        one_rack(nodes=[{"name": "a", "slot": 1}, {"name": "b", "address": "192.168.2.10"}]),
    ),
    (
        "address-outside",
        f"{RACKS}[0].nodes[0].address",
        STANDARD,
        one_rack(nodes=[{"name": "a", "address": "192.168.2.4"}]),
    ),
    (
        "address-family-twice",
        f"{RACKS}[0].nodes[0].addresses[0]",
        FLOATING,
        one_rack(nodes=[{"name": "a", "address": "192.168.2.7", "addresses": ["192.168.2.8"]}]),
    ),
    ("slot-out-of-range", f"{RACKS}[0].nodes[0]", STANDARD, one_rack(nodes=[{"name": "a", "slot": 32}])),
    # racks, leaves, nodes
    (
        "rack-twice",
        f"{RACKS}[1].id",
        FLOATING,
        {"racks": [{"id": 1, "leaves": [201, 202], "nodes": ["a"]}, {"id": "1", "leaves": [203, 204], "nodes": ["b"]}]},
    ),
    ("rack-without-leaves", f"{RACKS}[0].leaves", FLOATING, one_rack(leaves=[])),
    ("rack-with-one-leaf", f"{RACKS}[0].leaves", FLOATING, one_rack(leaves=[201])),
    ("rack-with-too-many-leaves", f"{RACKS}[0].leaves", FLOATING, one_rack(leaves=[201, 202, 203])),
    ("rack-without-nodes", f"{RACKS}[0].nodes", FLOATING, one_rack(nodes=[])),
    (
        "leaf-twice",
        f"{RACKS}[1].leaves[0]",
        FLOATING,
        {"racks": [{"id": 1, "leaves": [201, 202], "nodes": ["a"]}, {"id": 2, "leaves": [202, 203], "nodes": ["b"]}]},
    ),
    ("node-twice", f"{RACKS}[1].nodes[0]", FLOATING, {"racks": racks(["a"], ["a"])}),
    (
        "router-id-repeats",
        f"{RACKS}[0].leaves[1]",
        FLOATING,
        one_rack(leaves=[201, {"id": 202, "router_id": "1.1.4.201"}]),
    ),
    ("router-id-out-of-range", "aci_calico_router_id_base", FLOATING, {"router_id_base": "223.255.255.255"}),
    (
        "invalid-router-id",
        f"{RACKS}[0].leaves[1].router_id",
        FLOATING,
        one_rack(leaves=[201, {"id": 202, "router_id": "fd00::1"}]),
    ),
    # ACI and BGP
    ("asn-equal", "aci_calico_cluster_asn", FLOATING, {"cluster_asn": 65002}),
    ("asn-reserved", "aci_calico_cluster_asn", FLOATING, {"cluster_asn": 65535}),
    ("asn-beyond-calico", "aci_calico_cluster_asn", FLOATING, {"cluster_asn": 4200000000}),
    ("hold-time", "aci_calico_bgp_hold", FLOATING, {"bgp_hold": 2}),
    ("keepalive-too-long", "aci_calico_bgp_keepalive", FLOATING, {"bgp_keepalive": 2}),
    ("prefix-limit-too-small", "aci_calico_bgp_prefix_limit", FLOATING, {"bgp_prefix_limit": 10}),
    ("mtu-too-small-for-ipv6", "aci_calico_mtu", dual_stack(FLOATING), {"mtu": 1200}),
    ("ipv6-router-id", "aci_calico_node_subnets", FLOATING, ipv6_alone()),
    ("physical-domain-missing", "aci_calico_physical_domain", FLOATING, {"physical_domain": None}),
    ("apic-too-old", "aci_calico_apic_version", FLOATING, {"apic_version": "4.2(7)"}),
    ("vlan-too-few", "aci_calico_vlan", STANDARD, {"vlan": "300-304"}),
    (
        "vlan-collision",
        f"{RACKS}[0].nodes[1]",
        STANDARD,
        one_rack(nodes=[{"name": "a", "vlan": 310}, {"name": "b", "vlan": 310}]),
    ),
    ("unknown-renumber", "aci_calico_renumber[0]", FLOATING, {"renumber": ["node-9"]}),
    # scale
    ("limit-anchor-leaves", RACKS, FLOATING, {**one_rack(), "limits": {"anchor-leaves": 1}}),
    ("limit-border-leaves", RACKS, STANDARD, {**one_rack(), "limits": {"border-leaves": 1}}),
    ("several-l3outs", RACKS, STANDARD, {"racks": SEVEN_RACKS}),
    ("limit-floating-addresses", RACKS, FLOATING, {"limits": {"floating-addresses": 0}}),
    ("limit-bgp-sessions", RACKS, FLOATING, {"limits": {"bgp-sessions": 2}}),
    ("limit-ecmp-paths", RACKS, FLOATING, {"limits": {"ecmp-paths": 5}}),
    ("limit-lpm-routes", RACKS, FLOATING, {"limits": {"lpm-routes": 14}}),
    ("limit-lpm-routes-maximum", RACKS, FLOATING, {"limits": {"lpm-routes-maximum": 14}}),
]
WARNINGS = {
    "rack-with-one-leaf",
    "rack-without-nodes",
    "pool-short-of-blocks",
    "subnet-not-allowed",
    "asn-beyond-calico",
    "prefix-limit-too-small",
    "ipv6-router-id",
    "several-l3outs",
    "limit-ecmp-paths",
    "limit-lpm-routes",
}


@pytest.mark.parametrize(
    ("base", "changes"), [(FLOATING, {}), (STANDARD, {}), (dual_stack(FLOATING), {}), (dual_stack(STANDARD), {})]
)
def test_good_input_has_no_problem(base, changes):
    outcome = compiled(base, **changes)
    assert not outcome.problems
    assert outcome.plan


@pytest.mark.parametrize(
    ("rule", "path", "base", "changes"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_broken_input_is_named(rule, path, base, changes):
    outcome = compiled(base, **changes)
    assert rule in rules(outcome), render("prod1", outcome.problems)
    assert path in rules(outcome)[rule]
    assert set(rules(outcome)) == {rule}, "nothing else is wrong with the input"
    assert all(problem.remedy for problem in outcome.problems)
    assert (outcome.plan is None) == (rule not in WARNINGS)


def test_every_warning_reaches_the_plan():
    outcome = compiled(bgp_prefix_limit=10)
    assert [one["id"] for one in outcome.plan["warnings"]] == ["prefix-limit-too-small"]
    assert outcome.problems[0].severity == WARNING


def test_all_problems_come_at_once():
    outcome = compiled(
        mtu=1,
        cluster_asn=65002,
        vlna=3,
        tenant="a b",
        pod_subnets=["10.1.0.0/16", "10.1.0.0/24"],
        secondary_addresses=["10.0.0.1"],
        racks=racks(["a"], ["a"]),
    )
    assert set(rules(outcome)) == {
        "out-of-range",
        "asn-equal",
        "unknown-variable",
        "invalid-tenant-name",
        "subnet-overlap",
        "address-outside",
        "node-twice",
    }


def test_an_unknown_variable_has_a_suggestion():
    [problem] = compiled(vlna=3).problems
    assert problem.remedy == "Did you mean aci_calico_vlan?"


def test_an_unknown_key_has_a_suggestion():
    [problem] = compiled(**one_rack(leafs=[1])).problems
    assert problem.remedy == "Did you mean leaves?"


def test_facts_of_a_running_play_are_no_unknown_variables():
    assert not compiled(plan={"schema": 1}, report={}).problems


def test_limits_can_be_raised():
    assert compiled(racks=FOUR_RACKS, limits={"anchor-leaves": 8}).plan


# --- the password ----------------------------------------------------------------------------------------------------

MARKER = "S3cr3tMarker"


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("", "password-empty"),
        (12345678, "wrong-type"),
        ([MARKER], "wrong-type"),
        (MARKER * 7, "password-unusable"),
        (f"{MARKER} {MARKER}", "password-unusable"),
        (f'{MARKER}"', "password-unusable"),
        (f"{MARKER}é", "password-unusable"),
    ],
)
def test_a_password_that_cannot_work_is_refused_and_not_shown(password, rule):
    outcome = compiled(bgp_password=password)
    assert rules(outcome) == {rule: ["aci_calico_bgp_password"]}
    assert MARKER not in render("prod1", outcome.problems)


def test_a_password_that_is_none_is_refused():
    outcome = compiled({**FLOATING, "aci_calico_bgp_password": None})
    outcome_with_none = compile_with_password(None)
    assert not outcome.problems, "variables() takes None away"
    assert rules(outcome_with_none) == {"password-empty": ["aci_calico_bgp_password"]}


def compile_with_password(password: Any):
    from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.compile import compile_cluster

    return compile_cluster({**FLOATING, "aci_calico_bgp_password": password}, "prod1-cluster")


def test_a_good_password_is_not_in_the_plan():
    outcome = compiled(bgp_password=MARKER)
    assert MARKER not in str(outcome.plan)
    assert MARKER not in outcome.record


def test_a_missing_password_is_refused_where_it_must_be_declared():
    assert not compiled().problems
    for secrets in (SECRETS_DECLARED, SECRETS_READABLE):
        assert rules(compiled(options={"secrets": secrets})) == {"password-missing": ["aci_calico_bgp_password"]}


def test_a_password_without_its_vault_hinders_pushes_only():
    options = {"unreadable": {"aci_calico_bgp_password"}}
    assert not compiled(options={**options, "secrets": SECRETS_DECLARED}).problems
    refused = compiled(options={**options, "secrets": SECRETS_READABLE})
    assert rules(refused) == {"password-unreadable": ["aci_calico_bgp_password"]}


# --- nodes that are inventory hosts ----------------------------------------------------------------------------------

EMPTY_RACKS = racks([], [])


def hosts(**variables_of: dict[str, Any]) -> dict[str, Any]:
    """``node_hosts`` with the variables named without their prefix."""
    return {
        "node_hosts": {
            host.replace("_", "-"): {f"aci_calico_{name}": value for name, value in values.items()}
            for host, values in variables_of.items()
        }
    }


def test_hosts_are_nodes():
    outcome = compiled(
        STANDARD,
        hosts(a={"rack": 1, "node_slot": 3}, b={"rack": "2", "node_name": "bee", "node_vlan": 330}),
        racks=EMPTY_RACKS,
    )
    assert not outcome.problems
    assert [(node["name"], node["rack"], node["slot"], node["vlan"]) for node in outcome.plan["nodes"]] == [
        ("a", "1", 3, 303),
        ("bee", "2", 0, 330),
    ]


@pytest.mark.parametrize(
    ("rule", "path", "found"),
    [
        ("node-without-rack", "hosts.b.aci_calico_rack", {"b": {}}),
        ("unknown-rack", "hosts.b.aci_calico_rack", {"b": {"rack": 3}}),
        ("node-twice", "hosts.b", {"b": {"rack": 1, "node_name": "a"}}),
        ("unknown-variable", "hosts.b.aci_calico_rak", {"b": {"rack": 1, "rak": 1}}),
        ("out-of-range", "hosts.b.aci_calico_node_vlan", {"b": {"rack": 1, "node_vlan": 5000}}),
        ("invalid-address", "hosts.b.aci_calico_node_address", {"b": {"rack": 1, "node_address": "b"}}),
        ("address-outside", "hosts.b.aci_calico_node_address", {"b": {"rack": 1, "node_address": "10.0.0.1"}}),
        ("invalid-rack-id", "hosts.b.aci_calico_rack", {"b": {"rack": "rack 1"}}),
        ("wrong-type", "hosts.b.aci_calico_rack", {"b": {"rack": [1]}}),
        ("invalid-dns-name", "hosts.B", {"B": {"rack": 1}}),
    ],
)
def test_what_is_wrong_with_a_host_is_named(rule, path, found):
    outcome = compiled(STANDARD, hosts(a={"rack": 1}, c={"rack": 2}, **found), racks=EMPTY_RACKS)
    assert rules(outcome) == {rule: [path]}


def test_hosts_of_a_group_without_node_hosts_are_left_alone():
    assert not compiled(options=hosts(bastion={})).problems


def test_an_empty_rack_takes_a_host_out():
    outcome = compiled(STANDARD, hosts(a={"rack": 1}, b={"rack": 2}, bastion={"rack": ""}), racks=EMPTY_RACKS)
    assert not outcome.problems
    assert len(outcome.plan["nodes"]) == 2


def test_what_a_host_inherits_from_the_cluster_is_said_once():
    outcome = compiled(STANDARD, hosts(a={"rack": 1, "vlna": 3}, b={"rack": 2, "vlna": 3}), racks=EMPTY_RACKS, vlna=3)
    assert rules(outcome) == {"unknown-variable": ["aci_calico_vlna"]}


# --- two clusters ----------------------------------------------------------------------------------------------------

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
        (
            "vlan-shared",
            "aci_calico_vlan",
            {"vlan": "400-410", "svi": "standard", "racks": racks([{"name": "x", "vlan": 300}])},
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
        {"vrf": "other", "pod_subnets": ["10.1.64.0/18"], "router_id_base": "2.2.2.0", "bgp_ecmp_ebgp": 32},
        {"tenant": "other", "vrf_tenant": "other", "l3out": "calico-prod1"},
        {"apic_host": ["apic9"], "vlan": 300, "pod_subnets": ["10.1.64.0/18"], "l3out": "calico-prod1"},
        {"vlan": 300, "racks": [{"id": 1, "leaves": [301, 302], "nodes": ["x"]}]},
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


# --- renumbering -----------------------------------------------------------------------------------------------------


def test_a_recorded_address_is_not_changed_by_a_pin():
    before = recorded(compiled())
    pinned = racks([{"name": "node-1", "address": "192.168.2.77"}, "node-2"])
    outcome = compiled(options={"record": before}, racks=pinned)
    assert rules(outcome) == {"renumbering": [f"{RACKS}[0].nodes[0].address"]}
    allowed = compiled(options={"record": before}, racks=pinned, renumber=["node-1"])
    assert allowed.plan["nodes"][0]["networks"]["ipv4"]["address"] == "192.168.2.77/24"


def test_a_recorded_address_outside_the_subnet_is_a_renumbering():
    before = recorded(compiled(racks=racks(["a", "b"])))
    outcome = compiled(options={"record": before}, racks=racks(["a", "b"]), node_subnets=["192.168.7.0/24"])
    assert set(rules(outcome)) == {"renumbering"}
    assert len(outcome.problems) == 2 + 2 + 2, "nodes, leaves, shared addresses"
    assert compiled(
        options={"record": before}, racks=racks(["a", "b"]), node_subnets=["192.168.7.0/24"], renumber=["all"]
    ).plan


def test_a_recorded_vlan_is_not_changed():
    before = recorded(compiled())
    assert rules(compiled(options={"record": before}, vlan=301)) == {"renumbering": ["aci_calico_vlan"]}
    assert compiled(options={"record": before}, vlan=301, renumber="svi").plan["l3outs"][0]["floating"]["vlan"] == 301
    before = recorded(compiled(STANDARD))
    outcome = compiled(STANDARD, {"record": before}, vlan="301-363")
    assert rules(outcome) == {"renumbering": [f"{RACKS}[0].nodes[0]"]}
    assert compiled(STANDARD, {"record": before}, vlan="301-363", renumber=["node-1"]).plan["nodes"][0]["vlan"] == 306


def test_the_kind_of_svi_does_not_change_by_itself():
    before = recorded(compiled(svi="auto"))
    grown = {"svi": "auto", "vlan": "300-363", "racks": FOUR_RACKS}
    assert rules(compiled(options={"record": before}, **grown)) == {"svi-kind-changes": ["aci_calico_svi"]}
    assert compiled(options={"record": before}, renumber=["all"], **grown).plan["svi"]["kind"] == "standard"
