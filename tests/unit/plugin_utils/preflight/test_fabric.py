"""Each condition that keeps a plan from being carried out, planted in the lab's fabric and found; a good fabric is silent.

The fabric answers the real queries, so a filter that lets too little through is found as well as a rule that does not bite.
"""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import yaml
from _pytest.mark import ParameterSet
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, dual_stack, plan_of

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.state import flatten
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.rights import needed
from ansible_collections.netops.aci_calico.plugins.plugin_utils.preflight.fabric import fabric_problems, privilege_problems
from ansible_collections.netops.aci_calico.plugins.plugin_utils.preflight.facts import queries
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import Problem
from lab.apic.apic import Apic, Request
from lab.apic.seed import DEFAULT, Seed

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
FABRIC = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
WAN = "uni/tn-common/out-wan"
IN_VRF = {f"{WAN}/rsectx": {"tnFvCtxName": "calico"}}
BD = {"uni/tn-prod/BD-web/rsctx": {"tnFvCtxName": "calico"}}
CONTROLLER = "topology/pod-1/node-1/sys/ctrlrfwstatuscont/ctrlrrunning"
NODE, NON_ANCHOR = "topology/pod-1/node-201", "topology/pod-1/node-101"
LPM = f"{NODE}/sys/eqptcapacity/CDeqptcapacityPrefixEntriesUsage"
VPC = "topology/pod-1/protpaths-201-202/pathep-[x]"
GROUP = "uni/infra/funcprof/accbundle-vpc-node-1"
EPG = "uni/tn-prod/ap-web/epg-front"


def floating_svi(l3out: str, number: int = 1, leaf: str = NODE, vlan: int = 800) -> dict[str, dict[str, Any]]:
    """A floating SVI of somebody else's."""
    dn = f"{l3out}/lnodep-n/lifp-i/vlifp-[{leaf}]-[vlan-{vlan}]"
    return {
        dn: {"addr": f"172.31.{number}.2/24", "ifInstT": "ext-svi"},
        f"{dn}/rsdynPathAtt-[uni/phys-k8s]": {"floatingAddr": f"172.31.{number}.1/24"},
    }


def found(
    base: dict[str, Any], changes: dict[str, Any], planted: dict[str, Any] | None = None, adopt: bool = False
) -> dict[str, str]:
    """Return the problems of preflight: ``{rule: severity}``."""
    return {problem.id: problem.severity for problem in problems_of(plan_of(base, **changes), planted, adopt)}


def problems_of(
    plan: dict[str, Any], planted: dict[str, Any] | None = None, adopt: bool = False, beside: Any = ()
) -> list[Problem]:
    """Return the problems of preflight in the lab's fabric with additional objects."""
    seed = copy.deepcopy(FABRIC)
    seed["objects"] |= planted or {}
    problems = fabric_problems(plan, partial(read, Apic(Seed(seed))), adopt, beside)
    assert all(problem.problem and problem.remedy and problem.path for problem in problems)
    return problems


def read(apic: Apic, paths: list[str]) -> dict[str, Any]:
    """The answers to queries."""
    objects: dict[str, Any] = {}
    for target in paths:
        path, _mark, query = target.partition("?")
        cookies = f"APIC-cookie={apic.gate.issue('admin')}"
        response = apic.handle(Request("GET", target, unquote(path), dict(parse_qsl(query)), cookies, ""))
        assert response.status == 200, response.body
        objects |= flatten(json.loads(response.body)["imdata"], tags=True)
    return objects


MANAGED = {"manage_access": True, "manage_tenant": True, "tenant": "new", "vrf": "new"}
NAMES = {"l3_domain": "new-l3", "physical_domain": "new"}


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (FLOATING, {}),
        (STANDARD, {}),
        (dual_stack(FLOATING), {}),
        (dual_stack(STANDARD), {}),
        (STANDARD, {"racks": [{"id": 1, "leaves": [201], "nodes": ["node-1"]}]}),
        (FLOATING, {"non_anchor_leaves": [101, 102]}),
        (FLOATING, MANAGED | NAMES),
        (STANDARD, MANAGED | NAMES | {"vpc_name": "new-{node}"}),
        # With standard SVI nobody needs the physical domain.
        (STANDARD, {"physical_domain": "nobody"}),
    ],
)
def test_a_good_fabric_is_silent(base: dict[str, Any], changes: dict[str, Any]) -> None:
    assert found(base, changes) == {}


def condition(
    rule: str, planted: dict[str, Any] | None = None, base: dict[str, Any] = FLOATING, /, **changes: Any
) -> ParameterSet:
    """A row of ``test_a_planted_condition_is_found``; the variables are named without their prefix."""
    return pytest.param(rule, base, changes, planted, id=rule)


@pytest.mark.parametrize(
    ("rule", "base", "changes", "planted"),
    [
        condition("fabric-asn-differs", {"uni/fabric/bgpInstP-default/as": {"asn": "65099"}}),
        condition("limits-of-release", {CONTROLLER: {"version": "6.1(2f)"}}),
        condition("limits-of-release", {CONTROLLER: {"version": "4.2(7f)"}}, STANDARD),
        condition("leaf-too-old", {f"{NODE}/sys/fwstatuscont/running": {"version": "n9000-14.2(7f)"}}),
        condition("next-hop-release", next_hop_propagation=True),  # the lab's fabric runs 6.0
        condition("leaf-missing", racks=[{"id": 1, "leaves": [251, 252], "nodes": ["a"]}]),
        condition("leaf-missing", racks=[{"id": 1, "leaves": [1001], "nodes": ["a"]}]),
        condition("leaf-missing", non_anchor_leaves=[101, 151]),
        condition("leaf-missing", non_anchor_leaves=[1001]),
        condition("leaf-missing", non_anchor_leaves=list(range(101, 114))),
        condition("leaf-inactive", {NON_ANCHOR: {"fabricSt": "inactive"}}, non_anchor_leaves=[101]),
        condition("leaf-in-another-pod", pod=2),
        condition("leaf-inactive", {NODE: {"fabricSt": "inactive"}}),
        condition("leaves-not-paired", racks=[{"id": 1, "leaves": [202, 203], "nodes": ["a"]}]),
        condition("vpc-peer-down", {f"{NODE}/sys/vpc/inst/dom-201": {"peerSt": "down"}}),
        condition("lpm-headroom", {f"{LPM}5min": {"totalLpmLast": "19990"}, f"{LPM}Cap5min": {"totalLpmCapLast": "20000"}}),
        condition("tenant-missing", tenant="nobody", vrf_tenant="common"),
        condition("vrf-missing", vrf="nobody"),
        condition("bd-enforced", {"uni/tn-common/ctx-calico": {"bdEnforcedEnable": "yes"}}),
        condition("object-taken", {"uni/tn-common/out-calico-prod1": {}}),
        condition("object-taken", {}, STANDARD, **(MANAGED | NAMES)),
        condition("router-id-contradicts", {**IN_VRF, f"{WAN}/lnodep-n/rsnodeL3OutAtt-[{NODE}]": {"rtrId": "9.9.9.9"}}),
        condition(
            "router-id-repeats", {**IN_VRF, f"{WAN}/lnodep-n/rsnodeL3OutAtt-[topology/pod-1/node-101]": {"rtrId": "1.1.4.201"}}
        ),
        condition("subnet-in-bridge-domain", {**BD, "uni/tn-prod/BD-web/subnet-[192.168.2.1/24]": {}}),
        condition("subnet-in-bridge-domain", {**BD, "uni/tn-prod/BD-web/subnet-[10.1.77.1/24]": {}}),
        condition("subnet-in-bridge-domain", {**BD, "uni/tn-prod/BD-web/subnet-[10.128.0.1/8]": {}}),
        condition("subnet-in-bridge-domain", {**BD, "uni/tn-prod/BD-web/subnet-[fd00:10:1::1/64]": {}}, dual_stack(FLOATING)),
        condition(
            "subnet-on-interface", {**IN_VRF, f"{WAN}/lnodep-n/lifp-i/rspathL3OutAtt-[{VPC}]/mem-A": {"addr": "192.168.3.2/29"}}
        ),
        condition(
            "subnet-on-interface",
            {**IN_VRF, f"{WAN}/lnodep-n/lifp-i/rspathL3OutAtt-[{VPC}]": {"addr": "10.1.3.2/29", "encap": "vlan-9"}},
        ),
        condition("subnet-in-external-epg", {**IN_VRF, f"{WAN}/instP-all/extsubnet-[10.1.0.0/16]": {}}),
        condition("subnet-in-external-epg", {**IN_VRF, f"{WAN}/instP-all/extsubnet-[10.1.9.0/24]": {}}),
        condition("vlan-taken", {f"{EPG}/rspathAtt-[{VPC}]": {"encap": "vlan-300"}}),
        *(
            condition(
                "vlan-taken",
                {f"{EPG}/rspathAtt-[topology/pod-1/{path}/pathep-[x]]": {"encap": "vlan-300"}},
                non_anchor_leaves=leaves,
            )
            for path in ("paths-102", "protpaths-101-102")
            for leaves in ([102], [102, *range(205, 211)])
        ),
        condition("vlan-taken", {f"{EPG}/rspathAtt-[topology/pod-1/paths-203/pathep-[eth1/4]]": {"encap": "vlan-304"}}, STANDARD),
        condition("vlan-taken", {f"{WAN}/lnodep-n/lifp-i/rspathL3OutAtt-[{VPC}]": {"encap": "vlan-300"}}),
        condition("vlan-taken", floating_svi(WAN, vlan=300)),
        condition("domain-missing", l3_domain="nobody"),
        condition("domain-missing", {}, STANDARD, l3_domain="nobody"),
        condition("domain-missing", physical_domain="nobody"),
        condition(
            "domain-without-pool", {"uni/l3dom-bare": {}, "uni/infra/attentp-k8s/rsdomP-[uni/l3dom-bare]": {}}, l3_domain="bare"
        ),
        condition("vlan-outside-pool", vlan=700),
        condition("pool-differs", {"uni/infra/vlanns-[other]-dynamic": {}}, vlan_pool="other"),
        condition("domain-without-aaep", aaep="default"),
        condition("domain-without-aaep", {"uni/l3dom-bare/rsvlanNs": {"tDn": "uni/infra/vlanns-[k8s]-static"}}, l3_domain="bare"),
        condition("group-missing", {}, STANDARD, vpc_name="nobodys-{node}"),
        condition("group-is-no-vpc", {GROUP: {"lagT": "link"}}, STANDARD),
        condition("group-without-domain", {f"{GROUP}/rsattEntP": {"tDn": "uni/infra/attentp-default"}}, STANDARD),
        condition("pool-differs", manage_access=True),
        condition("encap-blocks-overlap", manage_access=True, vlan_pool="k8s"),
        condition("floating-addresses", {**floating_svi(WAN), **floating_svi(f"{WAN}-2", 2)}, limits={"floating-addresses": 2}),
    ],
)
def test_a_planted_condition_is_found(rule: str, base: dict[str, Any], changes: dict[str, Any], planted: dict[str, Any]) -> None:
    assert list(found(base, changes, planted)) == [rule]


def test_an_old_apic_has_no_floating_svi_and_no_known_limits() -> None:
    assert list(found(FLOATING, {}, {CONTROLLER: {"version": "4.2(7f)"}})) == ["apic-too-old", "limits-of-release"]


def test_privileges_that_the_login_does_not_tell() -> None:
    plan = plan_of(FLOATING)
    (tenant,) = needed(plan)
    assert list(privilege_problems(plan, None)) == []
    assert list(privilege_problems(plan, {"uni": ["admin"]})) == []
    assert list(privilege_problems(plan, {tenant: ["admin"], "uni": []})) == []
    assert [problem.id for problem in privilege_problems(plan, {tenant: ["admin"]})] == ["reads-limited"]
    held = {privilege for privileges in needed(plan)[tenant].values() for privilege in privileges} - {"fabric-protocol"}
    (problem,) = privilege_problems(plan, {tenant: [*held, "custom-privilege-1"], "uni": []})
    assert (problem.id, problem.severity) == ("privileges-missing", "warning")
    assert problem.problem.endswith(f"to write {tenant}: fabric-protocol (bgpAsP)")
    assert len(list(privilege_problems(plan, {"uni/tn-other": ["admin"], "uni": []}))) == 1


def test_a_fabric_without_an_as_number() -> None:
    plan = plan_of(FLOATING)
    objects = read(Apic(Seed(FABRIC)), queries(plan))
    del objects["uni/fabric/bgpInstP-default/as"]
    assert [problem.id for problem in fabric_problems(plan, lambda _paths: objects)] == ["fabric-asn-missing"]


def test_only_what_fails_is_an_error() -> None:
    for leaf, changes in ((NODE, {}), (NON_ANCHOR, {"non_anchor_leaves": [101]})):
        assert found(FLOATING, changes, {leaf: {"fabricSt": "inactive"}}) == {"leaf-inactive": "warning"}
    pair = {"racks": [{"id": 1, "leaves": [202, 203], "nodes": ["node-1"]}]}
    assert found(FLOATING, pair) == {"leaves-not-paired": "warning"}
    assert found(STANDARD, pair)["leaves-not-paired"] == "error"
    table = {f"{LPM}5min": {"totalLpmLast": "16500"}, f"{LPM}Cap5min": {"totalLpmCapLast": "20000"}}
    assert found(FLOATING, {}, table) == {"lpm-headroom": "warning"}


@pytest.mark.parametrize(
    ("changes", "planted"),
    [
        # Another VRF.
        ({}, {"uni/tn-prod/BD-web/rsctx": {"tnFvCtxName": "prod"}, "uni/tn-prod/BD-web/subnet-[10.1.77.1/24]": {}}),
        ({}, {f"{WAN}/rsectx": {"tnFvCtxName": "default"}, f"{WAN}/lnodep-n/rsnodeL3OutAtt-[{NODE}]": {"rtrId": "9.9.9.9"}}),
        # The more specific subnet wins, and what is only passed on is in nobody's way.
        ({}, {**IN_VRF, f"{WAN}/instP-all/extsubnet-[0.0.0.0/0]": {}, f"{WAN}/instP-all/extsubnet-[10.0.0.0/8]": {}}),
        ({}, {**IN_VRF, f"{WAN}/instP-all/extsubnet-[10.1.0.0/16]": {"scope": "export-rtctrl"}}),
        # The same router ID for the same leaf is what it takes.
        ({}, {**IN_VRF, f"{WAN}/lnodep-n/rsnodeL3OutAtt-[{NODE}]": {"rtrId": "1.1.4.201"}}),
        # Another leaf, another VLAN, and one VLAN for the VRF.
        ({}, {f"{EPG}/rspathAtt-[topology/pod-1/paths-101/pathep-[eth1/4]]": {"encap": "vlan-300"}}),
        ({}, {f"{EPG}/rspathAtt-[{VPC}]": {"encap": "vlan-301"}}),
        (
            {"encap_scope": "ctx"},
            {**IN_VRF, f"{WAN}/lnodep-n/lifp-i/rspathL3OutAtt-[{VPC}]": {"encap": "vlan-300", "encapScope": "ctx"}},
        ),
        # Its own, from an earlier run.
        ({}, {"uni/tn-common/out-calico-prod1": {"annotation": "orchestrator:aci-calico:prod1"}}),
        ({}, floating_svi(WAN)),
        ({"manage_access": True, "vlan": "300-499", "svi": "standard", "vlan_pool": "k8s", "vpc_name": "new-{node}"}, {}),
    ],
)
def test_what_only_looks_like_a_condition_is_no_finding(changes: dict[str, Any], planted: dict[str, Any]) -> None:
    assert found(FLOATING, changes, planted) == {}


def test_an_l3out_that_is_to_be_adopted_is_not_in_the_way() -> None:
    assert found(FLOATING, {}, {"uni/tn-common/out-calico-prod1": {}}, adopt=True) == {}


def test_a_cluster_that_is_there_already_takes_its_routes_no_second_time() -> None:
    table = {f"{LPM}5min": {"totalLpmLast": "16500"}, f"{LPM}Cap5min": {"totalLpmCapLast": "20000"}}
    own = {"uni/tn-common/out-calico-prod1": {"annotation": "orchestrator:aci-calico:prod1"}}
    assert found(FLOATING, {}, table | own) == {}


def test_everything_is_said_at_once() -> None:
    planted = {"uni/fabric/bgpInstP-default/as": {"asn": "65099"}, f"{EPG}/rspathAtt-[{VPC}]": {"encap": "vlan-300"}}
    assert set(found(FLOATING, {"vrf": "nobody"}, planted)) == {"fabric-asn-differs", "vlan-taken", "vrf-missing"}


def test_the_common_tenant_is_never_made() -> None:
    plan = plan_of(FLOATING, manage_tenant=True)
    assert [problem.id for problem in fabric_problems(plan, lambda _paths: {}) if "tenant" in problem.id] == ["tenant-missing"]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*/plan.json")), ids=lambda path: path.parent.name)
def test_the_lab_has_what_the_examples_need(path: Path) -> None:
    plan = json.loads(path.read_text(encoding="utf-8"))
    assert [problem.problem for problem in problems_of(plan)] == []
