"""Missing objects that the inventory names, with suggestions for their names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from unit.plugin_utils.preflight.test_fabric import MANAGED, NAMES, problems_of
from unit.plugin_utils.sample_plans import CORPORATE, EPG, FLOATING, LEAKED, PROD, STANDARD, contract, plan_of, racks

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.mo import CLASSES, is_relation
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.preflight.facts import queries
from ansible_collections.netops.aci_calico.plugins.plugin_utils.preflight.prerequisites import KINDS, made_by, named

ELSEWHERE = {"uni/tn-prod/out-core/rsectx": {"tnFvCtxName": "other"}, "uni/tn-prod/ctx-other": {}}
CONNECTED = {
    **LEAKED,
    "contracts": [contract(scope="global", service_graph="firewall", export_to=["mgmt"]), contract("all", filters=["default"])],
    "provided_contracts": ["web", "default"],
    "consumed_contracts": ["theirs"],
    "consumed_interfaces": ["exported"],
    "microsegments": [{"name": "payments", "subnets": ["192.168.3.16/28"], "provide": ["default"]}],
    "epg_contracts": [
        {**EPG, "consume": ["web", "theirs"], "consume_interfaces": ["exported"]},
        {"tenant": "mgmt", **CORPORATE, "consume_interfaces": ["web"]},
    ],
    "transit": [{**CORPORATE, "subnets": ["172.16.0.0/12"], "provide": ["web"]}],
}
THEIRS = {"uni/tn-prod/brc-theirs": {}, "uni/tn-prod/cif-exported": {}, "uni/tn-mgmt/out-core/instP-corporate": {}}


def test_what_is_there_is_not_missed() -> None:
    assert problems_of(plan_of(PROD, **CONNECTED), THEIRS) == []


def test_two_places_are_looked_at() -> None:
    """Filters, graphs and contracts of tenant common are everybody's."""
    common = {dn.replace("tn-prod", "tn-common"): properties for dn, properties in THEIRS.items()}
    assert problems_of(plan_of(PROD, **CONNECTED), common) == []


def missing(
    rule: str, path: str, text: str, base: dict[str, Any] = PROD, planted: dict[str, Any] | None = None, /, **changes: Any
) -> ParameterSet:
    """A problem that the planted objects and the changes cause; the variables are named without their prefix."""
    return pytest.param(rule, f"aci_calico_{path}", text, base, changes, planted, id=rule)


@pytest.mark.parametrize(
    ("rule", "path", "text", "base", "changes", "planted"),
    [
        missing("tenant-missing", "tenant", "tenant nobody", FLOATING, tenant="nobody", vrf_tenant="common"),
        missing("vrf-missing", "vrf", "VRF nobody in tenant common", FLOATING, vrf="nobody"),
        missing("domain-missing", "l3_domain", "external routed domain nobody", STANDARD, l3_domain="nobody"),
        missing("domain-missing", "physical_domain", "physical domain nobody", FLOATING, physical_domain="nobody"),
        missing("pool-missing", "vlan_pool", "VLAN pool nobodys", FLOATING, vlan_pool="nobodys"),
        missing("aaep-missing", "aaep", "AAEP nobodys", FLOATING, aaep="nobodys"),
        missing(
            "lacp-policy-missing",
            "lacp_policy",
            "port channel policy nobodys",
            STANDARD,
            **(MANAGED | NAMES | {"vpc_name": "new-{node}", "lacp_policy": "nobodys"}),
        ),
        missing(
            "group-missing",
            "vpc_name",
            "vPC interface policy group no-a, no-b",
            STANDARD,
            vpc_name="no-{node}",
            racks=racks(["a", "b"]),
        ),
        missing(
            "contract-missing",
            "provided_contracts[1]",
            "contract theirs in tenant prod or tenant common",
            contracts=[contract()],
            provided_contracts=["web", "theirs"],
        ),
        missing("contract-missing", "consumed_contracts[0]", "contract theirs", consumed_contracts=["theirs"]),
        missing(
            "contract-interface-missing",
            "consumed_interfaces[0]",
            "contract interface theirs in tenant prod or tenant common",
            PROD,
            {"uni/tn-prod/brc-theirs": {}},
            consumed_interfaces=["theirs"],
        ),
        missing(
            "contract-missing",
            "microsegments[1].consume[0]",
            "contract theirs",
            microsegments=[
                {"name": "one", "subnets": ["192.168.3.16/28"], "provide": ["default"]},
                {"name": "two", "subnets": ["192.168.3.32/28"], "consume": ["theirs"]},
            ],
        ),
        missing(
            "contract-missing",
            "epg_contracts",
            "contract theirs in tenant prod or tenant common, for EPG web of application profile intranet of tenant prod",
            epg_contracts=[{**EPG, "provide": ["theirs"]}],
        ),
        missing(
            "contract-missing",
            "transit[0].consume",
            "contract theirs in tenant prod or tenant common, for external EPG corporate of L3Out core of tenant prod",
            transit=[{**CORPORATE, "consume": ["theirs"]}],
        ),
        missing(
            "tenant-missing",
            "epg_contracts",
            "tenant nobody",
            epg_contracts=[{"tenant": "nobody", **EPG, "provide": ["default"]}],
        ),
        missing(
            "application-profile-missing",
            "epg_contracts",
            "application profile nobodys in tenant prod",
            epg_contracts=[{"application_profile": "nobodys", "epg": "web", "provide": ["default"]}],
        ),
        missing(
            "epg-missing",
            "epg_contracts",
            "EPG nobodys in application profile intranet of tenant prod",
            epg_contracts=[{**EPG, "epg": "nobodys", "provide": ["default"]}],
        ),
        missing(
            "l3out-missing",
            "epg_contracts",
            "L3Out nobodys in tenant prod",
            epg_contracts=[{**CORPORATE, "l3out": "nobodys", "provide": ["default"]}],
        ),
        missing(
            "external-epg-missing",
            "epg_contracts",
            "external EPG nobodys in L3Out core of tenant prod",
            epg_contracts=[{**CORPORATE, "external_epg": "nobodys", "provide": ["default"]}],
        ),
        missing("tenant-missing", "transit[0].tenant", "tenant nobody", transit=[{"tenant": "nobody", "l3out": "core"}]),
        missing("l3out-missing", "transit[1].l3out", "L3Out nobodys in tenant prod", transit=["core", "nobodys"]),
        missing(
            "external-epg-missing",
            "transit[0].external_epg",
            "external EPG nobodys in L3Out core of tenant prod",
            transit=[{**CORPORATE, "external_epg": "nobodys", "provide": ["default"]}],
        ),
        missing("transit-in-another-vrf", "transit[0].l3out", "uni/tn-prod/ctx-other", PROD, ELSEWHERE, transit=["core"]),
        missing("tenant-missing", "contracts[0].tenant", "tenant nobody", contracts=[contract(tenant="nobody")]),
        missing(
            "tenant-missing", "contracts[0].export_to[1]", "tenant nobody", contracts=[contract(export_to=["mgmt", "nobody"])]
        ),
        missing(
            "filter-missing",
            "contracts[0].filters[1]",
            "filter theirs in tenant prod or tenant common",
            contracts=[contract(filters=["default", "theirs"])],
        ),
        missing(
            "service-graph-missing",
            "contracts[0].service_graph",
            "service graph theirs in tenant prod or tenant common",
            contracts=[contract(service_graph="theirs")],
        ),
    ],
)
def test_what_is_missing_is_said_at_its_variable(
    rule: str, path: str, text: str, base: dict[str, Any], changes: dict[str, Any], planted: dict[str, Any]
) -> None:
    (problem,) = problems_of(plan_of(base, **changes), planted)
    assert (problem.id, problem.severity, problem.path) == (rule, "error", path)
    assert text in problem.problem


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"consumed_contracts": ["defaults"]}, "Create it, or correct its name in the inventory. Did you mean default?"),
        ({"consumed_contracts": ["k8s-webb"]}, "Create it, or correct its name in the inventory. Did you mean k8s-web?"),
        ({"consumed_contracts": ["unlike"]}, "Create it, or correct its name in the inventory."),
        ({"transit": ["cor"]}, "Create it, or correct its name in the inventory. Did you mean core?"),
        (
            {"epg_contracts": [{**EPG, "epg": "wep", "provide": ["default"]}]},
            "Create it, or correct its name in the inventory. Did you mean web?",
        ),
        ({"vrf": "prot"}, "Create it, correct its name, or set aci_calico_manage_tenant: true. Did you mean prod?"),
        ({"vlan_pool": "k8"}, "Create it, correct its name, or set aci_calico_manage_access: true. Did you mean k8s?"),
    ],
)
def test_a_name_that_is_almost_right_is_recognised(changes: dict[str, Any], remedy: str) -> None:
    (problem,) = problems_of(plan_of(PROD, **changes), {"uni/tn-prod/brc-k8s-web": {}, "uni/tn-mgmt/brc-unlikely": {}})
    assert problem.remedy == remedy


def test_several_names_that_are_almost_right() -> None:
    plan = plan_of(STANDARD, vpc_name="vpcs-{node}", racks=racks(["node-1", "node-2"]))
    (problem,) = problems_of(plan)
    assert "vpcs-node-1, vpcs-node-2" in problem.problem
    assert problem.remedy.endswith("Did you mean vpc-node-1, vpc-node-2?")


def test_of_what_is_in_something_missing_nothing_is_said() -> None:
    plan = plan_of(
        PROD, tenant="nobody", consumed_contracts=["theirs"], transit=[{**CORPORATE, "tenant": "no", "provide": ["default"]}]
    )
    assert sorted(problem.problem for problem in problems_of(plan)) == ["There is no tenant no", "There is no tenant nobody"]


def test_what_another_cluster_of_the_run_makes_is_not_missed() -> None:
    plan = plan_of(PROD, consumed_contracts=["web"])
    other = plan_of(PROD, contracts=[contract()])
    read = iter([other, None])
    assert problems_of(plan, beside=read) == []
    assert list(read) == [None], "the plans after the one that makes it are not read"
    assert [problem.id for problem in problems_of(plan, beside=[plan])] == ["contract-missing"]


def test_a_transit_l3out_of_another_vrf_is_fine_where_routes_are_leaked() -> None:
    assert problems_of(plan_of(PROD, transit=["core"], **LEAKED), ELSEWHERE) == []


def test_the_l3out_of_another_vrf_is_no_neighbour() -> None:
    """A transit L3Out that exists can be in another VRF."""
    planted = {**ELSEWHERE, "uni/tn-prod/out-core/instP-corporate/extsubnet-[10.1.0.0/16]": {}}
    assert problems_of(plan_of(PROD, transit=["core"], **LEAKED), planted) == []


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (PROD, CONNECTED),
        (STANDARD, CONNECTED),
        (FLOATING, MANAGED | NAMES),
        (STANDARD, MANAGED | NAMES | {"lacp_policy": "theirs"}),
    ],
)
def test_nothing_that_is_taken_for_granted_is_forgotten(base: dict[str, Any], changes: dict[str, Any]) -> None:
    """Every container that is not made, and whatever a relation names, is made by the plan or looked for."""
    plan = plan_of(base, **changes)
    known = made_by(plan).union(dn for one in named(plan) for dn in one.dns)
    once = {"uni/infra", "uni/infra/funcprof"}
    for dn, mo in flat(apic_tree(plan)).items():
        attributes = mo["attributes"]
        assert dn in known or dn in once
        if is_relation(mo["class"]):
            targets = [value for name, value in attributes.items() if re.match(r"tn[A-Z]", name)]
            for target in targets:
                assert any(place.endswith(f"-{target}") for place in known), dn
            if attributes.get("tDn", "").startswith("uni/"):
                assert attributes["tDn"] in known, dn


@pytest.mark.parametrize("count", [3, 40, 400])
def test_many_names_fit_in_a_request(count: int) -> None:
    """Few are asked for one by one; of many, in their tenants, what they begin with."""
    names = [f"contract-of-somebody-{number}" for number in range(count)]
    epgs = [{"tenant": f"tenant-{name}", **EPG, "provide": ["default"]} for name in names]
    plan = plan_of(PROD, consumed_contracts=names, epg_contracts=epgs)
    paths = queries(plan)
    assert len(paths) == 3
    assert max(map(len, paths)) < 8000
    assert ('eq(vzBrCP.dn,"uni/tn-prod/brc-contract-of-somebody-2")' in paths[1]) == (count == 3)
    assert len(problems_of(plan)) == count + 1  # the tenants are named by one variable


def test_every_kind_is_one_that_can_be_looked_for() -> None:
    assert all(CLASSES[cls].naming[0] == "name" for cls in KINDS)
