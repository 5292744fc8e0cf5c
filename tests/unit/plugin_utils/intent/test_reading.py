"""Values that are refused when they are read, passwords, and nodes that are inventory hosts."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, assert_named, broken, case, compiled, one_rack, racks, rules

from ansible_collections.netops.aci_calico.plugins.plugin_utils.intent.reading import SECRETS_DECLARED, SECRETS_READABLE
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.compile import compile_cluster
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import render

BROKEN = [
    case("required", "tenant", tenant=None),
    case("required", "fabric_asn", fabric_asn=None),
    case("required", "pod_subnets", pod_subnets=[]),
    case("required", "racks", racks=[]),
    case("required", "racks[0].leaves", racks=[{"id": 1, "nodes": ["a"]}]),
    case("unknown-variable", "vlna", vlna=300),
    case("unknown-key", "racks[0].leafs", **one_rack(leafs=[203])),
    case("wrong-type", "mtu", mtu="jumbo"),
    case("wrong-type", "mtu", mtu=True),
    case("wrong-type", "mtu", mtu=1500.5),
    case("wrong-type", "tenant", tenant=["common"]),
    case("wrong-type", "tenant", tenant=True),
    case("wrong-type", "tenant", tenant=8),
    case("wrong-type", "racks[0].nodes[0].name", **one_rack(nodes=[{"name": 8}])),
    case("wrong-type", "racks[0].nodes[0].interfaces[0]", **one_rack(nodes=[{"name": "a", "interfaces": [12061]}])),
    case("wrong-type", "bgp_filter", bgp_filter="perhaps"),
    case("wrong-type", "racks", racks="rack 1"),
    case("wrong-type", "racks[0]", racks=[7]),
    case("wrong-type", "racks[0].leaves[0]", **one_rack(leaves=["leaf", 202])),
    case("not-a-choice", "svi", svi="float"),
    case("out-of-range", "mtu", mtu=575),
    case("out-of-range", "mtu", mtu=9217),
    case("out-of-range", "vlan", vlan=0),
    case("out-of-range", "vlan", vlan=4095),
    case("out-of-range", "vlan", STANDARD, vlan="4090-4100"),
    case("out-of-range", "vlan", STANDARD, vlan="363-300"),
    case("wrong-type", "vlan", STANDARD, vlan="300 to 310"),
    case("vlan-twice", "vlan", STANDARD, vlan=["300-310", 305]),
    case("out-of-range", "fabric_asn", fabric_asn=0),
    case("out-of-range", "cluster_asn", cluster_asn=4294967296),
    case("out-of-range", "racks[0].leaves[0]", **one_rack(leaves=[100, 202])),
    case("out-of-range", "bgp_ecmp_ebgp", bgp_ecmp_ebgp=65),
    case("invalid-tenant-name", "tenant", tenant="my tenant"),
    case("invalid-tenant-name", "tenant", tenant="t" * 64),
    case("invalid-vrf-name", "vrf", vrf="a:b"),
    case("invalid-apic-name", "l3out", l3out="out/1"),
    case("invalid-apic-name", "external_epg", external_epg="é"),
    case("invalid-cluster-name", "cluster_name", cluster_name="../prod"),
    case("invalid-rack-id", "racks[0].id", **one_rack(id="-1-")),
    case("invalid-hypervisor", "racks[0].nodes[0].hypervisor", **one_rack(nodes=[{"name": "a", "hypervisor": "esx 1"}])),
    case("invalid-dns-name", "racks[0].nodes[0]", **one_rack(nodes=["Node_1"])),
    case("invalid-dns-label", "calico_namespace", calico_namespace="kube_system"),
    case("invalid-label-key", "rack_label", rack_label="rack id"),
    case("invalid-secret-key", "bgp_secret_key", bgp_secret_key="a/b"),
    case("invalid-vpc-pattern", "vpc_name", STANDARD, vpc_name="vpc-{host}"),
    case("invalid-vpc-pattern", "vpc_name", STANDARD, vpc_name="vpc-{node"),
    case("invalid-apic-version", "apic_version", apic_version="latest"),
    case("invalid-subnet", "pod_subnets[0]", pod_subnets=["10.1.0.0"]),
    case("invalid-subnet", "pod_subnets[0]", pod_subnets=["10.1.0.1/16"]),
    case("invalid-subnet", "pod_subnets[0]", pod_subnets=["10.1.0.0/33"]),
    case("invalid-subnet", "pod_subnets[0]", pod_subnets=["0.0.0.0/0"]),
    case("invalid-subnet", "pod_subnets[0]", pod_subnets=["224.1.0.0/16"]),
    case("invalid-subnet", "node_subnets[0]", node_subnets=["nodes"]),
    case("invalid-address", "secondary_addresses[0]", secondary_addresses=["192.168.2.254/24"]),
    case(
        "address-family-twice",
        "racks[0].nodes[0].addresses[0]",
        **one_rack(nodes=[{"name": "a", "address": "192.168.2.7", "addresses": ["192.168.2.8"]}]),
    ),
    case("invalid-router-id", "racks[0].leaves[1].router_id", **one_rack(leaves=[201, {"id": 202, "router_id": "fd00::1"}])),
]


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes)


@pytest.mark.parametrize(("changes", "name"), [({"vlna": 3}, "aci_calico_vlan"), (one_rack(leafs=[1]), "leaves")])
def test_an_unknown_name_has_a_suggestion(changes, name):
    [problem] = compiled(**changes).problems
    assert problem.remedy == f"Did you mean {name}?"


def test_registered_results_of_a_running_play_are_no_unknown_variables():
    assert not compiled(planned={"plan": {}}, pushed={"report": {}}).problems


# --- the password ----------------------------------------------------------------------------------------------------

MARKER = "S3cr3tMarker"


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        (None, "password-empty"),
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
    outcome = compile_cluster({**FLOATING, "aci_calico_bgp_password": password}, "prod1-cluster")
    assert rules(outcome) == {rule: ["aci_calico_bgp_password"]}
    assert MARKER not in render("prod1", outcome.problems)


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
        STANDARD, hosts(a={"rack": 1, "node_slot": 3}, b={"rack": "2", "node_name": "bee", "node_vlan": 330}), racks=EMPTY_RACKS
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
