"""More racks than one L3Out holds: who is behind which one, and what makes them one cluster on the fabric."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, plan_of, recorded, rules

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, apic_tree

SUBNETS = ["192.168.2.0/24", "192.168.4.0/24", "192.168.5.0/24"]
SECOND_SUBNETS = [f"fd00:192:168:{number}::/64" for number in (2, 4, 5)]


def racks(*numbers: int) -> list[dict[str, Any]]:
    """Racks with these numbers, a pair of leaves and two nodes in each."""
    return [
        {"id": number, "leaves": [199 + 2 * number, 200 + 2 * number], "nodes": [f"n{number}-a", f"n{number}-b"]}
        for number in numbers
    ]


def wide(*numbers: int, **changes: Any) -> dict[str, Any]:
    """Return the changes that give the example with floating SVI these racks."""
    return {"racks": racks(*numbers), "node_subnets": SUBNETS, "vlan": "300-302"} | changes


def homes(plan: dict[str, Any]) -> dict[str, list[str]]:
    """The racks of each L3Out."""
    return {l3out["name"]: l3out["racks"] for l3out in plan["l3outs"]}


def objects(tree: dict[str, Any], cls: str, above: str = "") -> list[tuple[str, dict[str, Any]]]:
    """The objects of a class, each with the name of the L3Out that it is in."""
    found = []
    for own, body in tree.items():
        inside = body["attributes"]["name"] if own == "l3extOut" else above
        if own == cls:
            found.append((inside, body))
        for child in body.get("children", ()):
            found += objects(child, cls, inside)
    return found


EIGHT = range(1, 9)


def test_racks_fill_one_l3out_after_the_other():
    plan = plan_of(FLOATING, **wide(*EIGHT))
    assert homes(plan) == {"calico-prod1": ["1", "2", "3"], "calico-prod1-2": ["4", "5", "6"], "calico-prod1-3": ["7", "8"]}
    assert {rack["id"]: rack["l3out"] for rack in plan["racks"]} == {
        rack: name for name, ids in homes(plan).items() for rack in ids
    }


def test_each_floating_svi_has_a_subnet_a_vlan_and_addresses_of_its_own():
    plan = plan_of(dual_stack(FLOATING), **wide(*EIGHT, node_subnets=SUBNETS + SECOND_SUBNETS))
    for l3out, subnet, second, vlan in zip(plan["l3outs"], SUBNETS, SECOND_SUBNETS, (300, 301, 302), strict=True):
        networks = l3out["floating"]["networks"]
        assert (networks["ipv4"]["subnet"], networks["ipv6"]["subnet"], l3out["floating"]["vlan"]) == (subnet, second, vlan)
        for node in (node for node in plan["nodes"] if node["rack"] in l3out["racks"]):
            assert (node["vlan"], node["networks"]["ipv4"]["subnet"]) == (vlan, subnet)
            assert f"{node['networks']['ipv4']['gateway']}/24" == networks["ipv4"]["secondary"]
            assert {peer["leaf"] for peer in node["peers"]} == {
                leaf["id"] for leaf in plan["leaves"] if leaf["rack"] == node["rack"]
            }
    limits = {limit["id"]: limit["value"] for limit in plan["limits"]}
    assert (limits["anchor-leaves"], limits["racks-floating"], limits["floating-addresses"]) == (6, 3, 6)


def test_a_prefix_belongs_to_one_external_epg():
    for base, changes in ((FLOATING, wide(*EIGHT)), (STANDARD, {"racks": racks(*EIGHT)})):
        plan = plan_of(base, **changes)
        prefixes = [
            child["l3extSubnet"]["attributes"]["ip"]
            for __, epg in objects(apic_tree(plan), "l3extInstP")
            for child in epg["children"]
            if "l3extSubnet" in child
        ]
        assert len(prefixes) == len(set(prefixes))
        wanted = {prefix for prefixes in plan["subnets"].values() for prefix in prefixes.get("ipv4", ())}
        assert wanted <= set(prefixes)


def test_what_all_racks_share_is_the_first_l3outs():
    payments = {"name": "payments", "subnets": ["192.168.3.16/28"]}
    epgs = plan_of(STANDARD, racks=racks(*EIGHT), microsegments=[payments], provided_contracts=["web"])["external_epgs"]
    held = [[subnet["prefix"] for subnet in epg["subnets"]] for epg in epgs]
    assert [epg["l3out"] for epg in epgs] == ["calico-prod1", "calico-prod1-2", "calico-prod1"]
    assert held[0] == ["192.168.2.0/24", "10.1.0.0/16", "192.168.8.0/22", "192.168.3.0/24"]
    assert held[1] == [f"192.168.2.{8 * slot}/29" for slot in range(12, 16)]
    assert held[2] == ["192.168.3.16/28"]
    assert [epg["provides"][:-1] for epg in epgs] == [["web"], ["web"], []]
    assert all(epg["provides"][-1:] == epg["consumes"] == ["calico-prod1-racks"] for epg in epgs)


def test_the_external_epgs_are_open_to_each_other():
    plan = plan_of(FLOATING, **wide(*EIGHT))
    tree = apic_tree(plan)
    for __, epg in objects(tree, "l3extInstP"):
        relations = {
            (cls, body["attributes"]["tnVzBrCPName"])
            for child in epg["children"]
            for cls, body in child.items()
            if cls.startswith("fvRs")
        }
        assert relations == {("fvRsProv", "calico-prod1-racks"), ("fvRsCons", "calico-prod1-racks")}
    ((__, contract),) = objects(tree, "vzBrCP")
    assert (contract["attributes"]["name"], contract["attributes"]["scope"]) == ("calico-prod1-racks", "context")
    assert contract["attributes"]["annotation"] == "orchestrator:aci-calico:prod1"
    assert len(objects(tree, "vzEntry")) == len(objects(tree, "vzRsSubjFiltAtt")) == 1
    assert not objects(apic_tree(plan_of(FLOATING)), "vzBrCP")
    assert not objects(apic_tree(plan_of(FLOATING)), "fvRsProv")


def test_route_control_lets_everything_of_the_cluster_in_and_out_of_each_l3out():
    plan = plan_of(FLOATING, **wide(*EIGHT))
    assert set(SUBNETS) <= set(plan["route_control"]["import"]["ipv4"])
    assert plan["route_control"]["import"] == plan["route_control"]["export"]
    used = [(inside, body["attributes"]["tnRtctrlSubjPName"]) for inside, body in objects(apic_tree(plan), "rtctrlRsCtxPToSubjP")]
    rules_ = ("calico-prod1-import", "calico-prod1-export")
    assert used == [(name, rule) for name in homes(plan) for rule in rules_]


def test_each_l3out_is_a_root_and_the_contract_a_policy():
    plan = plan_of(FLOATING, **wide(*EIGHT))
    assert [root["dn"] for root in apic_roots(plan, "l3out")] == [*(f"uni/tn-common/out-{name}" for name in homes(plan)), "uni"]
    policies, _other_tenants = apic_roots(plan, "policies")
    assert objects(policies["tree"], "vzBrCP")
    assert "vzBrCP" in policies["classes"], "a cluster that shrinks to one L3Out gives its contract up"


# --- who stays ---------------------------------------------------------------------------------------------------------


memberships = st.lists(st.sampled_from(EIGHT), min_size=1, unique=True)


@settings(max_examples=25)
@given(history=st.lists(memberships, min_size=2, max_size=4))
def test_no_rack_moves_to_another_l3out(history):
    options, before = {}, {}
    for numbers in history:
        outcome = compiled(STANDARD, options, racks=racks(*numbers), limits={"border-leaves": 4})
        plan = outcome.require()
        now = {rack["id"]: rack["l3out"] for rack in plan["racks"]}
        assert all(now[rack] == before[rack] for rack in set(now) & set(before))
        for l3out in plan["l3outs"]:
            assert 0 < len(l3out["racks"]) <= 2
        options, before = {"ledger": recorded(outcome)}, now


def test_an_l3out_without_racks_goes_and_its_number_is_free_again():
    first = compiled(FLOATING, racks=racks(1, 2, 3, 4), node_subnets=SUBNETS[:2], vlan="300-301")
    second = compiled(FLOATING, {"ledger": recorded(first)}, racks=racks(1, 2, 3), node_subnets=SUBNETS[:1])
    assert second.plan["retired_l3outs"] == ["calico-prod1-2"]
    gone, stays, _unused = apic_roots(second.plan, "l3out")
    assert (gone["dn"], gone["state"], "state" in stays) == ("uni/tn-common/out-calico-prod1-2", "absent", False)
    again = {"racks": racks(1, 2, 3, 5), "node_subnets": SUBNETS[:2], "vlan": "300-301"}
    third = plan_of(FLOATING, {"ledger": recorded(second)}, **again)
    assert (homes(third)["calico-prod1-2"], third["retired_l3outs"]) == (["5"], [])


def test_a_vlan_stays_with_its_l3out():
    first = compiled(FLOATING, **wide(*EIGHT))
    plan = plan_of(FLOATING, {"ledger": recorded(first)}, **wide(*EIGHT, vlan=[299, *range(300, 303)]))
    assert [l3out["floating"]["vlan"] for l3out in plan["l3outs"]] == [300, 301, 302]


def test_a_node_that_moves_to_a_rack_of_another_l3out_gets_another_address_only_if_allowed():
    first = compiled(FLOATING, **wide(*EIGHT))
    moved = racks(*EIGHT)
    moved[7]["nodes"].append(moved[0]["nodes"].pop())
    options = {"ledger": recorded(first)}
    refused = compiled(FLOATING, options, **wide(racks=moved))
    assert "renumbering" in rules(refused)
    assert "192.168.5.0/24, the node subnet of its rack's L3Out calico-prod1-3" in str(refused.problems)
    assert plan_of(FLOATING, options, **wide(racks=moved, renumber=["n1-b"]))


# --- what is refused, and what the user can say --------------------------------------------------------------------------


def test_subnets_and_vlans_for_further_l3outs_must_be_named():
    found = rules(compiled(FLOATING, racks=racks(*EIGHT)))
    assert found["subnet-for-each-l3out"] == ["aci_calico_node_subnets"]
    assert found["vlan-too-few"] == ["aci_calico_vlan"]
    assert found["several-l3outs"] == ["aci_calico_racks"]


def test_a_node_subnet_too_small_for_its_l3out_is_named():
    outcome = compiled(FLOATING, **wide(*EIGHT, node_subnets=[SUBNETS[0], "192.168.4.0/29", SUBNETS[2]]))
    (problem,) = (problem for problem in outcome.problems if problem.id == "subnet-too-small")
    assert "L3Out calico-prod1-2" in problem.problem
    assert "192.168.4.0/29" in problem.problem


def test_a_newer_release_may_hold_more():
    plan = plan_of(FLOATING, racks=racks(1, 2, 3, 4), limits={"anchor-leaves": 8})
    assert len(plan["l3outs"]) == 1
    assert not plan["warnings"]


def test_shared_addresses_are_pinned_by_the_subnet_that_they_are_in():
    pins = {"secondary_addresses": ["192.168.4.1", "192.168.2.1"], "floating_addresses": ["192.168.5.9"]}
    plan = plan_of(FLOATING, **wide(*EIGHT, **pins))
    networks = [l3out["floating"]["networks"]["ipv4"] for l3out in plan["l3outs"]]
    assert [network["secondary"] for network in networks] == ["192.168.2.1/24", "192.168.4.1/24", "192.168.5.254/24"]
    assert networks[2]["floating"] == "192.168.5.9/24"
    twice = compiled(FLOATING, **wide(*EIGHT, secondary_addresses=["192.168.4.1", "192.168.4.2"]))
    assert rules(twice)["address-family-twice"] == ["aci_calico_secondary_addresses[1]"]
    outside = compiled(FLOATING, **wide(*EIGHT, secondary_addresses=["192.168.9.1"]))
    assert rules(outside)["address-outside"] == ["aci_calico_secondary_addresses[0]"]


def test_the_further_l3outs_of_another_cluster_are_taken_too():
    other = {"aci_calico_tenant": "common", "aci_calico_l3out": "calico-prod1-2"}
    outcome = compiled(FLOATING, {"neighbours": {"other": other}}, **wide(*EIGHT))
    assert "l3out-shared" in rules(outcome)


@pytest.mark.parametrize("base", [FLOATING, STANDARD])
def test_leaves_and_paths_carry_the_pod_of_their_rack(base):
    two = racks(1, 2)
    two[1]["pod"] = 2
    tree = str(apic_tree(plan_of(base, racks=two)))
    assert "topology/pod-1/node-201" in tree
    assert "topology/pod-2/node-203" in tree
    assert "topology/pod-1/node-203" not in tree
    assert ("topology/pod-2/protpaths-203-204/pathep-[vpc-n2-a]" in tree) == (base is STANDARD)
