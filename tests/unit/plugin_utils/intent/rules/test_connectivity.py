"""Rules for external EPGs, contracts and transit, within a cluster and between clusters."""

from __future__ import annotations

import pytest
from unit.plugin_utils.sample_plans import (
    CORPORATE,
    EPG,
    FLOATING,
    LEAKED,
    PROD,
    assert_named,
    broken,
    case,
    compiled,
    contract,
    rules,
    segment,
    variables,
)

OVER_THERE = {"tenant": "shared", **EPG}

BROKEN = [
    # values by themselves
    case("not-a-choice", "external_epg_scopes[0]", external_epg_scopes=["import"]),
    case("invalid-apic-name", "contracts[0].name", contracts=[contract("web services")]),
    case("invalid-apic-name", "provided_contracts[0]", provided_contracts=["c" * 65]),
    case("invalid-apic-name", "contracts[0].service_graph", contracts=[contract(service_graph="a/b")]),
    case("not-a-choice", "contracts[0].scope", contracts=[contract(scope="vrf")]),
    case("required", "contracts[0].filters", contracts=[{"name": "web"}]),
    case("required", "contracts[0].filters", contracts=[contract(filters=[])]),
    *(
        case(
            "invalid-filter-entry",
            "contracts[0].filters[0].entries[0]",
            contracts=[contract(filters=[{"name": "f", "entries": [entry]}])],
        )
        for entry in ("https", "tcp/", "sctp/1", "icmp/8", "tcp/0", "tcp/70000", "tcp/20-10", "tcp/1-2-3")
    ),
    case("required", "transit[0].l3out", transit=[{"tenant": "prod"}]),
    case("invalid-route", "transit[0].subnets[0]", transit=[{"l3out": "core", "subnets": ["224.0.0.0/4"]}]),
    case("required", "microsegments[0].subnets", microsegments=[{"name": "payments"}]),
    case("required", "microsegments[0].subnets", microsegments=[segment() | {"subnets": []}]),
    # external EPGs
    case("scope-incomplete", "external_epg_scopes", external_epg_scopes=["shared-security"]),
    case("scope-without-security", "external_epg_scopes", external_epg_scopes=["shared-rtctrl"]),
    case("external-epg-twice", "microsegments[0].name", microsegments=[segment(name="default")]),
    case("external-epg-twice", "microsegments[1].name", microsegments=[segment(), segment("192.168.3.32/28")]),
    case("external-subnet-twice", "microsegments[0].subnets[0]", microsegments=[segment("192.168.8.0/22")]),
    case("external-subnet-twice", "microsegments[1].subnets[0]", microsegments=[segment(), segment(name="other")]),
    case("microsegment-outside", "microsegments[0].subnets[0]", microsegments=[segment("192.168.16.0/24")]),
    case("microsegment-cut-off", "microsegments[0].subnets[0]", microsegments=[segment("10.1.5.0/26")]),
    case(
        "microsegment-cut-off",
        "microsegments[0].subnets[1]",
        microsegments=[segment("192.168.3.16/28", "192.168.2.0/28", consume=["a"])],
        consumed_contracts=["a"],
    ),
    case("relation-twice", "provided_contracts[1]", provided_contracts=["web", "web"]),
    case(
        "relation-twice", "epg_contracts[0].consume_interfaces[1]", epg_contracts=[{**EPG, "consume_interfaces": ["web", "web"]}]
    ),
    # contracts
    case("contract-twice", "contracts[1].name", contracts=[contract(), contract(tenant="common")]),
    case(
        "contract-twice",
        "contracts[1].export_to[0]",
        contracts=[contract(export_to=["c"]), contract(tenant="b", export_to=["c"])],
    ),
    case("filter-twice", "contracts[0].filters[1]", contracts=[contract(filters=["default", "default"])]),
    case(
        "filter-entry-twice",
        "contracts[0].filters[0].entries",
        contracts=[contract(filters=[{"name": "f", "entries": ["tcp/443", "tcp/443-443"]}])],
    ),
    case(
        "filter-contradicts",
        "contracts[1].filters[0].entries",
        contracts=[contract(), contract("other", filters=[{"name": "https", "entries": ["tcp/8443"]}])],
    ),
    case("export-to-own-tenant", "contracts[0].export_to[0]", contracts=[contract(export_to=["common"])]),
    case(
        "contract-out-of-sight", "provided_contracts[0]", PROD, contracts=[contract(tenant="other")], provided_contracts=["web"]
    ),
    case(
        "contract-out-of-sight",
        "epg_contracts[0].consume[0]",
        PROD,
        contracts=[contract(scope="global")],
        epg_contracts=[{**OVER_THERE, "consume": ["web"]}],
    ),
    case(
        "contract-not-exported",
        "epg_contracts[0].consume_interfaces[0]",
        PROD,
        contracts=[contract(scope="global")],
        epg_contracts=[{**OVER_THERE, "consume_interfaces": ["web"]}],
    ),
    case("contract-unknown", "consumed_contracts[0]", contracts=[contract("web-services")], consumed_contracts=["Web_Services"]),
    case("contract-scope", "contracts[0].scope", contracts=[contract(scope="application-profile")], provided_contracts=["web"]),
    *(
        case(
            "contract-scope",
            "contracts[0].scope",
            PROD,
            **LEAKED,
            contracts=[contract(scope=scope, export_to=["shared"])],
            provided_contracts=["web"],
            epg_contracts=[{**OVER_THERE, "consume_interfaces": ["web"]}],
        )
        for scope in ("context", "tenant")
    ),
    case(
        "not-leaked",
        "external_epg_scopes",
        PROD,
        contracts=[contract(scope="global", export_to=["shared"])],
        provided_contracts=["web"],
        epg_contracts=[{**OVER_THERE, "consume_interfaces": ["web"]}],
    ),
    # EPGs and L3Outs of others
    case("epg-unclear", "epg_contracts[0]", epg_contracts=[{"epg": "web", "consume": ["web"]}]),
    case("epg-unclear", "epg_contracts[0]", epg_contracts=[{**EPG, **CORPORATE, "consume": ["web"]}]),
    case("epg-without-contract", "epg_contracts[0]", epg_contracts=[EPG]),
    case("epg-own", "epg_contracts[0]", epg_contracts=[{"l3out": "calico-prod1", "external_epg": "default", "consume": ["web"]}]),
    case("transit-twice", "transit[1]", transit=["core", {"l3out": "core", "tenant": "common"}]),
    case("transit-own", "transit[0].l3out", transit=["calico-prod1"]),
    case("epg-unclear", "transit[0].external_epg", transit=[{"l3out": "core", "consume": ["web"]}]),
    case("epg-without-contract", "transit[0].external_epg", transit=[CORPORATE]),
    case("subnet-twice", "transit[0].subnets[1]", transit=[{"l3out": "core", "subnets": ["172.16.0.0/12", "172.16.0.0/12"]}]),
    case("transit-subnet-inside", "transit[0].subnets[0]", transit=[{"l3out": "core", "subnets": ["10.1.2.0/24"]}]),
    case("transit-family", "transit[0].subnets[0]", transit=[{"l3out": "core", "subnets": ["::/0"]}]),
    case("transit-subnet-not-own", "transit_subnets[0]", transit_subnets=["10.0.0.0/8"]),
]
WARNINGS = {"scope-without-security", "microsegment-outside", "microsegment-cut-off", "contract-unknown", "not-leaked"}


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    outcome = assert_named(rule, path, base, changes, WARNINGS)
    assert rules(outcome)[rule].count(path) == 1


GOOD = [
    {"transit": [{"l3out": "core", "subnets": ["0.0.0.0/0", "10.0.0.0/8"]}]},
    {"microsegments": [segment(), segment("192.168.3.16/30", name="card")]},
    {"microsegments": [segment("10.1.5.0/26", provide=["inside"])], "consumed_contracts": ["inside"]},
    {"contracts": [contract(), contract("other")], "provided_contracts": ["web"], "consumed_contracts": ["theirs"]},
    {"contracts": [contract(filters=["default", "icmp"])], "provided_contracts": ["web"]},
    {**LEAKED, "consumed_interfaces": ["from-elsewhere"]},
]


@pytest.mark.parametrize("changes", GOOD, ids=",".join)
def test_good_input_has_no_problem(changes):
    assert not compiled(FLOATING, **changes).problems


def test_epgs_of_other_tenants_get_by_contracts_that_reach_them():
    changes = LEAKED | {
        "contracts": [contract(scope="global", export_to=["shared"]), contract("own", tenant="common", scope="global")],
        "provided_contracts": ["web", "own"],
        "epg_contracts": [{**OVER_THERE, "consume_interfaces": ["web"], "consume": ["own"]}],
    }
    assert not compiled(PROD, **changes).problems
    del changes["external_epg_scopes"]
    common_vrf = variables(tenant="prod", vrf="calico", vrf_tenant="common")
    assert not compiled(common_vrf, **changes).problems, "tenants may share a VRF of common"


# --- between clusters ------------------------------------------------------------------------------------------------

OTHER = variables(
    cluster_name="prod2",
    vlan=301,
    node_subnets=["192.168.102.0/24"],
    pod_subnets=["10.101.0.0/16"],
    service_subnets=["192.168.108.0/22"],
    external_service_subnets=["192.168.103.0/24"],
    racks=[{"id": 1, "leaves": [201, 202], "nodes": ["other-1"]}],
)
TWO = [
    (
        "microsegment-overlap-clusters",
        "aci_calico_microsegments[0].subnets[0]",
        {"microsegments": [segment("10.101.4.0/24")]},
        {},
    ),
    (
        "microsegment-overlap-clusters",
        "aci_calico_microsegments[0].subnets[0]",
        {"microsegments": [segment("10.60.0.0/16")]},
        {"microsegments": [segment("10.60.4.0/24")]},
    ),
    ("contract-contradicts", "aci_calico_contracts[0]", {"contracts": [contract()]}, {"contracts": [contract(scope="global")]}),
    (
        "epg-of-cluster",
        "aci_calico_epg_contracts[0]",
        {"epg_contracts": [{"l3out": "calico-prod2", "external_epg": "default", "consume": ["web"]}]},
        {},
    ),
    ("transit-of-cluster", "aci_calico_transit[0].l3out", {"transit": ["calico-prod2"]}, {}),
]


@pytest.mark.parametrize(("rule", "path", "mine", "theirs"), TWO, ids=[one[0] for one in TWO])
def test_clusters_that_collide(rule, path, mine, theirs):
    other = OTHER | {f"aci_calico_{name}": value for name, value in theirs.items()}
    found = rules(compiled(FLOATING, {"neighbours": {"prod2": other}}, **mine))
    assert found.pop(rule) == [path]
    assert set(found) <= {"microsegment-outside"}
    elsewhere = {**other, "aci_calico_apic_host": ["apic2"]}
    assert rule not in rules(compiled(FLOATING, {"neighbours": {"prod2": elsewhere}}, apic_host=["apic1"], **mine))


def test_clusters_may_make_one_contract_and_use_one_way_out():
    both = {"contracts": [contract()], "provided_contracts": ["web"], "transit": [{**CORPORATE, "consume": ["web"]}]}
    other = OTHER | {f"aci_calico_{name}": value for name, value in both.items()}
    assert not compiled(FLOATING, {"neighbours": {"prod2": other}}, **both).problems
