"""BGP policies that a VRF has once, or once on a leaf: those of other L3Outs, planted in the lab's fabric."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.preflight.test_fabric import IN_VRF, NODE, WAN, found, problems_of
from unit.plugin_utils.sample_plans import FLOATING, dual_stack, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat

TENANT, VRF = "uni/tn-common", "uni/tn-common/ctx-calico"
PROTOCOL = f"{WAN}/lnodep-n/protp"
SLOW = {f"{TENANT}/bgpCtxP-wan": {"kaIntvl": "60", "holdIntvl": "180", "maxAsLimit": "0", "grCtrl": ""}}
STRICT = {f"{TENANT}/bestpath-wan": {"ctrl": ""}}
OTHER_ECMP = f"{VRF}/rsctxToBgpCtxAfPol-[wan]-ipv4-ucast"


def wan(timers: str = "", best_path: str = "", leaf: str = NODE, **l3out: str) -> dict[str, Any]:
    """Return another L3Out of the VRF with BGP on a leaf, and the relations of its node profile."""
    objects = {**IN_VRF, f"{WAN}/bgpExtP": l3out, f"{WAN}/lnodep-n/rsnodeL3OutAtt-[{leaf}]": {"rtrId": "1.1.4.201"}}
    if leaf != NODE:
        objects[f"{WAN}/lnodep-n/rsnodeL3OutAtt-[{leaf}]"] = {"rtrId": "1.1.4.101"}
    if timers:
        objects[f"{PROTOCOL}/rsbgpNodeCtxPol"] = {"tnBgpCtxPolName": timers}
    if best_path:
        objects[f"{PROTOCOL}/rsBestPathCtrlPol"] = {"tnBgpBestPathCtrlPolName": best_path}
    return objects


def planned(**changes: Any) -> dict[str, Any]:
    """Return the cluster's own objects, as an earlier run left them."""
    return {dn: mo["attributes"] for dn, mo in flat(apic_tree(plan_of(FLOATING, **changes))).items() if "/out-" in dn}


def test_another_policy_on_a_leaf_is_refused_with_the_ways_out() -> None:
    (inherits, taken) = sorted(problems_of(plan_of(FLOATING), wan("wan") | SLOW), key=lambda problem: problem.id)
    assert (taken.id, taken.severity, taken.path) == ("bgp-policy-taken", "error", "aci_calico_bgp_timers_policy")
    assert taken.problem == (
        f"{WAN} uses {TENANT}/bgpCtxP-wan on leaf 201, the cluster calico-timers-1-3-1-helper; a leaf has one for the VRF"
    )
    for setting in ("timers_policy: wan", "keepalive: 60", "hold: 180", "as_limit: 0", "graceful_restart: false"):
        assert f"aci_calico_bgp_{setting}" in taken.remedy
    assert "AS path relaxation" in inherits.problem
    assert "keepalive" not in inherits.problem


def test_an_l3out_without_policies_is_about_to_inherit_those_of_the_cluster() -> None:
    (problem,) = problems_of(plan_of(FLOATING), wan())
    assert (problem.id, problem.severity) == ("bgp-policy-inherited", "warning")
    for effect in (WAN, "leaf 201", "keepalive 1 s", "an AS limit of 1", "AS path relaxation"):
        assert effect in problem.problem
    assert "AS limit" not in problems_of(plan_of(FLOATING, bgp_as_limit=0), wan())[0].problem


@pytest.mark.parametrize(
    ("planted", "expected"),
    [
        (wan("wan", "wan") | SLOW | STRICT, ["bgp-policy-taken", "bgp-policy-taken"]),
        (wan("wan", "calico-best-path-relax"), ["bgp-policy-taken"]),
        ({dn: value for dn, value in (wan("wan") | SLOW).items() if "bgpExtP" not in dn}, []),
        (wan("wan", leaf="topology/pod-1/node-101") | SLOW, []),
        (wan("wan") | SLOW | {f"{WAN}/rsectx": {"tnFvCtxName": "default"}}, []),
        (wan("calico-timers-1-3-1-helper", "calico-best-path-relax"), []),
        (wan() | planned(), []),
    ],
    ids=["both kinds", "without its target", "no BGP", "another leaf", "another VRF", "the cluster's own", "inherited already"],
)
def test_what_another_l3out_uses_on_a_leaf(planted: dict[str, Any], expected: list[str]) -> None:
    own = {f"{TENANT}/bgpCtxP-calico-timers-1-3-1-helper": {}, f"{TENANT}/bestpath-calico-best-path-relax": {}}
    ids = [problem.id for problem in problems_of(plan_of(FLOATING), planted | own) if problem.id != "object-taken"]
    assert ids == expected


def test_a_policy_is_taken_over_by_name_and_value() -> None:
    by_name = {"bgp_timers_policy": "wan", "bgp_best_path_policy": "wan"}
    values = {"bgp_keepalive": 60, "bgp_hold": 180, "bgp_as_limit": 0, "bgp_graceful_restart": False, "bgp_as_path_relax": False}
    planted = wan("wan", "wan") | SLOW | STRICT
    assert found(FLOATING, by_name | values, planted) == {}
    assert found(FLOATING, by_name | values | {"bgp_restart_time": 300}, planted) == {}
    assert found(FLOATING, by_name | values | {"bgp_restart_time": 20}, planted) == {"bgp-policy-differs": "error"}
    assert found(FLOATING, by_name | values | {"bgp_keepalive": 30}, planted) == {"bgp-policy-differs": "error"}
    assert found(FLOATING, by_name | values) == {"bgp-policy-missing": "error"}


def test_a_cluster_of_an_earlier_version_is_named_and_only_in_the_way_with_other_values() -> None:
    l3out = wan("wan", "calico-best-path-relax", annotation="orchestrator:aci-calico:west")
    equal = {f"{TENANT}/bgpCtxP-wan": {"kaIntvl": "1", "holdIntvl": "3", "maxAsLimit": "1", "grCtrl": "helper"}}
    own = {f"{TENANT}/bestpath-calico-best-path-relax": {}}
    (problem,) = problems_of(plan_of(FLOATING), l3out | equal | own)
    assert (problem.id, problem.severity) == ("bgp-policy-taken", "warning")
    assert "cluster west" in problem.remedy
    assert found(FLOATING, {}, l3out | SLOW | own) == {"bgp-policy-taken": "error"}
    west = plan_of(FLOATING, cluster_name="west", l3out="wan")
    assert problems_of(plan_of(FLOATING), l3out | equal | own, beside=[west]) == [], "the same run configures it anew"


@pytest.mark.parametrize(
    ("relation", "users", "refused"),
    [
        ({}, [], True),
        ({"annotation": "orchestrator:aci-calico"}, ["west"], True),
        ({"annotation": "orchestrator:aci-calico"}, ["prod1", "west"], True),
        ({"annotation": "orchestrator:aci-calico"}, ["prod1"], False),
        ({"annotation": "orchestrator:aci-calico"}, [], False),
    ],
)
def test_another_ecmp_policy_of_the_vrf_is_found_before_the_push(
    relation: dict[str, str], users: list[str], refused: bool
) -> None:
    tags = {f"{OTHER_ECMP}/annotationKey-[orchestrator:aci-calico:{user}]": {"value": "user"} for user in users}
    planted = {OTHER_ECMP: relation, **tags}
    assert found(FLOATING, {}, planted) == ({"ecmp-policy-taken": "error"} if refused else {})
    assert found(FLOATING, {}, planted, adopt=True) == {}


def test_an_ecmp_policy_counts_for_the_families_of_the_cluster_and_can_be_named() -> None:
    second = {f"{VRF}/rsctxToBgpCtxAfPol-[wan]-ipv6-ucast": {}}
    assert found(FLOATING, {}, second) == {}
    assert found(dual_stack(FLOATING), {}, second) == {"ecmp-policy-taken": "error"}
    policy = {OTHER_ECMP: {}, f"{TENANT}/bgpCtxAfP-wan": {"maxEcmp": "16", "maxEcmpIbgp": "64"}}
    assert found(FLOATING, {"bgp_ecmp_policy": "wan"}, policy) == {"bgp-policy-differs": "error"}
    assert found(FLOATING, {"bgp_ecmp_policy": "wan", "bgp_ecmp_ebgp": 16}, policy) == {}
