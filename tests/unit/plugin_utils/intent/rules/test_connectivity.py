"""Whom the cluster talks to: what is refused, what is planned, and what becomes of it on APIC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from unit.plugin_utils.sample_plans import (
    FLOATING,
    assert_named,
    broken,
    compiled,
    dual_stack,
    plan_of,
    rules,
    variables,
)

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, apic_tree
from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.plan import plan_document

SHARED = "orchestrator:aci-calico"
# The cluster's VRF in a tenant of its own, so that other tenants are known to be in other VRFs.
PROD = variables(tenant="prod", vrf="prod")
LEAKED = {"external_epg_scopes": ["import-security", "shared-rtctrl", "shared-security"]}
EPG = {"application_profile": "intranet", "epg": "web"}
CORPORATE = {"l3out": "core", "external_epg": "corporate"}
OVER_THERE = {"tenant": "shared", **EPG}


def contract(name: str = "web", **keys: Any) -> dict[str, Any]:
    """A contract that lets HTTPS through."""
    return {"name": name, "filters": [{"name": "https", "entries": ["tcp/443"]}], **keys}


def segment(*subnets: str, name: str = "payments", **keys: Any) -> dict[str, Any]:
    """A microsegment."""
    return {"name": name, "subnets": list(subnets or ["192.168.3.16/28"]), **keys}


# (rule, path, base, changed variables): the only thing wrong with the input is that rule.
BROKEN = [
    # values by themselves
    ("not-a-choice", "aci_calico_external_epg_scopes[0]", FLOATING, {"external_epg_scopes": ["import"]}),
    ("invalid-apic-name", "aci_calico_contracts[0].name", FLOATING, {"contracts": [contract("web services")]}),
    ("invalid-apic-name", "aci_calico_provided_contracts[0]", FLOATING, {"provided_contracts": ["c" * 65]}),
    (
        "invalid-apic-name",
        "aci_calico_contracts[0].service_graph",
        FLOATING,
        {"contracts": [contract(service_graph="a/b")]},
    ),
    ("not-a-choice", "aci_calico_contracts[0].scope", FLOATING, {"contracts": [contract(scope="vrf")]}),
    ("required", "aci_calico_contracts[0].filters", FLOATING, {"contracts": [{"name": "web"}]}),
    ("required", "aci_calico_contracts[0].filters", FLOATING, {"contracts": [contract(filters=[])]}),
    *(
        (
            "invalid-filter-entry",
            "aci_calico_contracts[0].filters[0].entries[0]",
            FLOATING,
            {"contracts": [contract(filters=[{"name": "f", "entries": [entry]}])]},
        )
        for entry in ("https", "tcp/", "sctp/1", "icmp/8", "tcp/0", "tcp/70000", "tcp/20-10", "tcp/1-2-3")
    ),
    ("required", "aci_calico_transit[0].l3out", FLOATING, {"transit": [{"tenant": "prod"}]}),
    (
        "invalid-route",
        "aci_calico_transit[0].subnets[0]",
        FLOATING,
        {"transit": [{"l3out": "core", "subnets": ["224.0.0.0/4"]}]},
    ),
    ("required", "aci_calico_microsegments[0].subnets", FLOATING, {"microsegments": [{"name": "payments"}]}),
    ("required", "aci_calico_microsegments[0].subnets", FLOATING, {"microsegments": [segment() | {"subnets": []}]}),
    # external EPGs
    ("scope-incomplete", "aci_calico_external_epg_scopes", FLOATING, {"external_epg_scopes": ["shared-security"]}),
    ("scope-without-security", "aci_calico_external_epg_scopes", FLOATING, {"external_epg_scopes": ["shared-rtctrl"]}),
    ("external-epg-twice", "aci_calico_microsegments[0].name", FLOATING, {"microsegments": [segment(name="default")]}),
    (
        "external-epg-twice",
        "aci_calico_microsegments[1].name",
        FLOATING,
        {"microsegments": [segment(), segment("192.168.3.32/28")]},
    ),
    (
        "external-subnet-twice",
        "aci_calico_microsegments[0].subnets[0]",
        FLOATING,
        {"microsegments": [segment("192.168.8.0/22")]},
    ),
    (
        "external-subnet-twice",
        "aci_calico_microsegments[1].subnets[0]",
        FLOATING,
        {"microsegments": [segment(), segment(name="other")]},
    ),
    (
        "microsegment-outside",
        "aci_calico_microsegments[0].subnets[0]",
        FLOATING,
        {"microsegments": [segment("192.168.16.0/24")]},
    ),
    (
        "microsegment-cut-off",
        "aci_calico_microsegments[0].subnets[0]",
        FLOATING,
        {"microsegments": [segment("10.1.5.0/26")]},
    ),
    (
        "microsegment-cut-off",
        "aci_calico_microsegments[0].subnets[1]",
        FLOATING,
        {"microsegments": [segment("192.168.3.16/28", "192.168.2.0/28", consume=["a"])], "consumed_contracts": ["a"]},
    ),
    ("relation-twice", "aci_calico_provided_contracts[1]", FLOATING, {"provided_contracts": ["web", "web"]}),
    (
        "relation-twice",
        "aci_calico_epg_contracts[0].consume_interfaces[1]",
        FLOATING,
        {"epg_contracts": [{**EPG, "consume_interfaces": ["web", "web"]}]},
    ),
    # contracts
    (
        "contract-twice",
        "aci_calico_contracts[1].name",
        FLOATING,
        {"contracts": [contract(), contract(tenant="common")]},
    ),
    (
        "contract-twice",
        "aci_calico_contracts[1].export_to[0]",
        FLOATING,
        {"contracts": [contract(export_to=["c"]), contract(tenant="b", export_to=["c"])]},
    ),
    (
        "filter-twice",
        "aci_calico_contracts[0].filters[1]",
        FLOATING,
        {"contracts": [contract(filters=["default", "default"])]},
    ),
    (
        "filter-entry-twice",
        "aci_calico_contracts[0].filters[0].entries",
        FLOATING,
        {"contracts": [contract(filters=[{"name": "f", "entries": ["tcp/443", "tcp/443-443"]}])]},
    ),
    (
        "filter-contradicts",
        "aci_calico_contracts[1].filters[0].entries",
        FLOATING,
        {"contracts": [contract(), contract("other", filters=[{"name": "https", "entries": ["tcp/8443"]}])]},
    ),
    (
        "export-to-own-tenant",
        "aci_calico_contracts[0].export_to[0]",
        FLOATING,
        {"contracts": [contract(export_to=["common"])]},
    ),
    (
        "contract-out-of-sight",
        "aci_calico_provided_contracts[0]",
        PROD,
        {"contracts": [contract(tenant="other")], "provided_contracts": ["web"]},
    ),
    (
        "contract-out-of-sight",
        "aci_calico_epg_contracts[0].consume[0]",
        PROD,
        {"contracts": [contract(scope="global")], "epg_contracts": [{**OVER_THERE, "consume": ["web"]}]},
    ),
    (
        "contract-not-exported",
        "aci_calico_epg_contracts[0].consume_interfaces[0]",
        PROD,
        {"contracts": [contract(scope="global")], "epg_contracts": [{**OVER_THERE, "consume_interfaces": ["web"]}]},
    ),
    (
        "contract-unknown",
        "aci_calico_consumed_contracts[0]",
        FLOATING,
        {"contracts": [contract("web-services")], "consumed_contracts": ["Web_Services"]},
    ),
    (
        "contract-scope",
        "aci_calico_contracts[0].scope",
        FLOATING,
        {"contracts": [contract(scope="application-profile")], "provided_contracts": ["web"]},
    ),
    *(
        (
            "contract-scope",
            "aci_calico_contracts[0].scope",
            PROD,
            {
                **LEAKED,
                "contracts": [contract(scope=scope, export_to=["shared"])],
                "provided_contracts": ["web"],
                "epg_contracts": [{**OVER_THERE, "consume_interfaces": ["web"]}],
            },
        )
        for scope in ("context", "tenant")
    ),
    (
        "not-leaked",
        "aci_calico_external_epg_scopes",
        PROD,
        {
            "contracts": [contract(scope="global", export_to=["shared"])],
            "provided_contracts": ["web"],
            "epg_contracts": [{**OVER_THERE, "consume_interfaces": ["web"]}],
        },
    ),
    # EPGs and L3Outs of others
    ("epg-unclear", "aci_calico_epg_contracts[0]", FLOATING, {"epg_contracts": [{"epg": "web", "consume": ["web"]}]}),
    (
        "epg-unclear",
        "aci_calico_epg_contracts[0]",
        FLOATING,
        {"epg_contracts": [{**EPG, **CORPORATE, "consume": ["web"]}]},
    ),
    ("epg-without-contract", "aci_calico_epg_contracts[0]", FLOATING, {"epg_contracts": [EPG]}),
    (
        "epg-own",
        "aci_calico_epg_contracts[0]",
        FLOATING,
        {"epg_contracts": [{"l3out": "calico-prod1", "external_epg": "default", "consume": ["web"]}]},
    ),
    ("transit-twice", "aci_calico_transit[1]", FLOATING, {"transit": ["core", {"l3out": "core", "tenant": "common"}]}),
    ("transit-own", "aci_calico_transit[0].l3out", FLOATING, {"transit": ["calico-prod1"]}),
    (
        "epg-unclear",
        "aci_calico_transit[0].external_epg",
        FLOATING,
        {"transit": [{"l3out": "core", "consume": ["web"]}]},
    ),
    ("epg-without-contract", "aci_calico_transit[0].external_epg", FLOATING, {"transit": [CORPORATE]}),
    (
        "subnet-twice",
        "aci_calico_transit[0].subnets[1]",
        FLOATING,
        {"transit": [{"l3out": "core", "subnets": ["172.16.0.0/12", "172.16.0.0/12"]}]},
    ),
    (
        "transit-subnet-inside",
        "aci_calico_transit[0].subnets[0]",
        FLOATING,
        {"transit": [{"l3out": "core", "subnets": ["10.1.2.0/24"]}]},
    ),
    (
        "transit-family",
        "aci_calico_transit[0].subnets[0]",
        FLOATING,
        {"transit": [{"l3out": "core", "subnets": ["::/0"]}]},
    ),
    ("transit-subnet-not-own", "aci_calico_transit_subnets[0]", FLOATING, {"transit_subnets": ["10.0.0.0/8"]}),
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
    (
        "contract-contradicts",
        "aci_calico_contracts[0]",
        {"contracts": [contract()]},
        {"contracts": [contract(scope="global")]},
    ),
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


# --- the plan --------------------------------------------------------------------------------------------------------


def test_the_outside_is_told_to_the_nodes_and_the_cluster_to_the_outside():
    plan = plan_of(
        transit=[{"l3out": "core", "subnets": ["172.16.0.0/12", "11.0.0.0/8"]}],
        transit_subnets=["192.168.3.0/24"],
    )
    assert plan["route_control"]["export"]["ipv4"][-2:] == ["172.16.0.0/12", "11.0.0.0/8"]
    assert "172.16.0.0/12" not in plan["route_control"]["import"]["ipv4"], "nodes have nothing to say about the outside"
    (transit,) = plan["transit"]
    assert transit == {
        "tenant": "common",
        "l3out": "core",
        "order": 9,
        "outside": {"ipv4": ["172.16.0.0/12", "11.0.0.0/8"]},
        "inside": {"ipv4": ["192.168.3.0/24"]},
    }


def test_all_of_the_cluster_is_told_outside_by_default():
    plan = plan_of(dual_stack(FLOATING), transit=["core"])
    assert plan["transit"][0]["inside"] == plan["route_control"]["import"]


def test_one_entry_for_an_epg_however_often_it_is_named():
    plan = plan_of(
        transit=[{**CORPORATE, "consume": ["web"], "provide": ["out"]}],
        epg_contracts=[{**CORPORATE, "consume": ["web", "api"]}, {**EPG, "consume": ["web"]}],
    )
    corporate, web = plan["epg_contracts"]
    assert (corporate["consumes"], corporate["provides"]) == (["web", "api"], ["out"])
    assert (web["application_profile"], web["epg"], web["l3out"]) == ("intranet", "web", None)


def test_microsegments_sort_traffic_and_leave_routes_to_the_cluster():
    plan = plan_of(microsegments=[segment(provide=["pay"])], **LEAKED)
    own, payments = plan["external_epgs"]
    assert {tuple(subnet["scope"]) for subnet in own["subnets"]} == {
        ("import-security", "shared-rtctrl", "shared-security")
    }
    assert payments["subnets"] == [{"prefix": "192.168.3.16/28", "scope": ["import-security", "shared-security"]}]
    assert payments["provides"] == ["pay"]


def test_the_document_says_which_prefix_wins_and_who_may_talk_to_whom():
    plan = plan_of(
        microsegments=[segment(provide=["pay"])],
        contracts=[contract("pay", service_graph="firewall", export_to=["b"])],
        transit=[{**CORPORATE, "subnets": ["172.16.0.0/12"], "consume_interfaces": ["theirs"]}],
    )
    lines = plan_document(plan).splitlines()
    narrow = lines.index("| 192.168.3.16/28 | payments | import-security |")
    assert narrow < lines.index("| 192.168.3.0/24 | default | import-security |")
    assert "| common/calico-prod1/payments | pay | nothing |" in lines
    assert "| common/core/corporate | nothing | theirs (interface) |" in lines
    assert "| common/pay | context | https: tcp/443 | firewall | b |" in lines
    assert any("common/core tells the outside of 192.168.2.0/24" in line and "172.16.0.0/12" in line for line in lines)


# --- managed objects -------------------------------------------------------------------------------------------------


def _objects(mo: dict[str, Any], above: str = "") -> Iterator[tuple[str, str, dict[str, str]]]:
    """Path (classes and names), class and attributes of each object."""
    for cls, body in mo.items():
        attributes = body["attributes"]
        name = next(
            (attributes[key] for key in ("name", "ip", "key", "tnVzBrCPName", "tnVzCPIfName") if key in attributes), ""
        )
        path = f"{above}/{cls}[{name}]" if above else cls
        yield path, cls, attributes
        for child in body.get("children", ()):
            yield from _objects(child, path)


def _tree(**changes: Any) -> dict[str, dict[str, str]]:
    return {path: attributes for path, _cls, attributes in _objects(apic_tree(plan_of(PROD, **changes)))}


def test_a_contract_with_all_that_belongs_to_it():
    filters = [{"name": "web", "entries": ["tcp/80", "udp/1000-2000", "icmp", "icmpv6", "ip", "any"]}, "default"]
    tree = _tree(contracts=[contract(filters=filters, service_graph="firewall", export_to=["b"], scope="global")])
    prod = "polUni/fvTenant[prod]"
    assert tree[f"{prod}/vzBrCP[web]"] == {"name": "web", "scope": "global", "annotation": SHARED}
    subject = f"{prod}/vzBrCP[web]/vzSubj[web]"
    assert tree[f"{subject}/vzRsSubjGraphAtt[]"]["tnVnsAbsGraphName"] == "firewall"
    entries = {
        attributes["name"]: tuple(attributes[key] for key in ("etherT", "prot", "dFromPort", "dToPort"))
        for path, attributes in tree.items()
        if path.startswith(f"{prod}/vzFilter[web]/vzEntry[") and "/tagAnnotation" not in path
    }
    assert entries == {
        "tcp-80": ("ip", "tcp", "80", "80"),
        "udp-1000-2000": ("ip", "udp", "1000", "2000"),
        "icmp": ("ip", "icmp", "unspecified", "unspecified"),
        "icmpv6": ("ipv6", "icmpv6", "unspecified", "unspecified"),
        "ip": ("ip", "unspecified", "unspecified", "unspecified"),
        "any": ("unspecified", "unspecified", "unspecified", "unspecified"),
    }
    assert f"{prod}/vzFilter[default]" not in tree, "existing filters are only referred to"
    assert tree["polUni/fvTenant[b]/vzCPIf[web]/vzRsIf[]"]["tDn"] == "uni/tn-prod/brc-web"
    assert tree["polUni/fvTenant[b]"]["status"] == "modified"


def test_whatever_clusters_may_share_is_marked_so():
    tree = apic_tree(
        plan_of(PROD, contracts=[contract()], epg_contracts=[{**EPG, "consume": ["web"]}], transit=["core"])
    )
    found = {path: (cls, attributes) for path, cls, attributes in _objects(tree)}
    shared = [path for path, (_cls, attributes) in found.items() if attributes.get("annotation") == SHARED]
    for path, (cls, _attributes) in found.items():
        common = cls.startswith("vz") or path.endswith(("fvRsCons[web]", "[core]/rtctrlProfile[default-export]"))
        assert not common or path in shared
    for path in shared:
        assert f"{path}/tagAnnotation[{SHARED}:prod1]" in found


def test_containers_of_others_are_passed_through():
    tree = _tree(
        epg_contracts=[{**EPG, "provide": ["a"], "consume_interfaces": ["b"]}],
        transit=[{**CORPORATE, "consume": ["c"]}],
    )
    prod = "polUni/fvTenant[prod]"
    for container in (
        "fvAp[intranet]",
        "fvAp[intranet]/fvAEPg[web]",
        "l3extOut[core]",
        "l3extOut[core]/l3extInstP[corporate]",
    ):
        assert tree[f"{prod}/{container}"]["status"] == "modified"
        assert set(tree[f"{prod}/{container}"]) == {"status", "name"}
    assert f"{prod}/fvAp[intranet]/fvAEPg[web]/fvRsProv[a]" in tree
    assert f"{prod}/fvAp[intranet]/fvAEPg[web]/fvRsConsIf[b]" in tree
    assert f"{prod}/l3extOut[core]/l3extInstP[corporate]/fvRsCons[c]" in tree


def test_the_cluster_leaves_by_an_entry_of_its_own_in_the_route_map_of_others():
    tree = _tree(transit=[{"l3out": "core", "order": 5}, "backup"])
    for name, order in (("core", "5"), ("backup", "9")):
        profile = f"polUni/fvTenant[prod]/l3extOut[{name}]/rtctrlProfile[default-export]"
        assert "type" not in tree[profile], "the type is its owner's choice"
        entry = tree[f"{profile}/rtctrlCtxP[calico-prod1-transit]"]
        assert (entry["order"], entry["action"]) == (order, "permit")
        assert entry["annotation"] == f"{SHARED}:prod1"
    match = "polUni/fvTenant[prod]/rtctrlSubjP[calico-prod1-transit]"
    assert tree[f"{match}/rtctrlMatchRtDest[10.1.0.0/16]"]["aggregate"] == "yes", "pod blocks leave, not their subnet"


def test_a_default_route_is_told_as_itself():
    tree = _tree(transit=[{"l3out": "core", "subnets": ["0.0.0.0/0"]}])
    export = "polUni/fvTenant[prod]/rtctrlSubjP[calico-prod1-export]/rtctrlMatchRtDest"
    assert tree[f"{export}[0.0.0.0/0]"]["aggregate"] == "no"
    assert tree[f"{export}[10.1.0.0/16]"]["aggregate"] == "yes"


def test_leaked_subnets_take_what_they_contain_along():
    epg = "polUni/fvTenant[prod]/l3extOut[calico-prod1]/l3extInstP"
    tree = _tree(microsegments=[segment()], **LEAKED)
    assert tree[f"{epg}[default]/l3extSubnet[10.1.0.0/16]"] | {"annotation": ""} == {
        "ip": "10.1.0.0/16",
        "scope": "import-security,shared-rtctrl,shared-security",
        "aggregate": "shared-rtctrl",
        "annotation": "",
    }
    assert tree[f"{epg}[payments]/l3extSubnet[192.168.3.16/28]"]["aggregate"] == ""


def test_each_tenant_that_is_touched_is_a_root_and_the_rest_is_looked_through():
    plan = plan_of(PROD, contracts=[contract(scope="global", export_to=["b"])])
    roots = {root["dn"]: root for root in apic_roots(plan, "policies")}
    assert list(roots) == ["uni/tn-b", "uni/tn-prod", "uni"]
    assert roots["uni"]["except"] == ["uni/tn-b", "uni/tn-prod"]
