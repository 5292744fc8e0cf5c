"""Assignments that stay the same when others come and go, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netaddr import IPNetwork
from unit.plugin_utils.sample_plans import (
    FLOATING,
    STANDARD,
    assert_named,
    broken,
    case,
    compiled,
    dual_stack,
    one_rack,
    plan_of,
    racks,
    recorded,
    rules,
)

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.ledger import Ledger

RACKS = "aci_calico_racks"
NODES = [f"node-{number}" for number in range(12)]
BASES = {"floating": FLOATING, "standard": STANDARD, "dual stack": dual_stack(STANDARD)}


# --- stability -------------------------------------------------------------------------------------------------------


def assignments(plan: dict[str, Any]) -> dict[str, Any]:
    """Return what each node and leaf has, by name."""
    keys = ("slot", "vlan", "networks")
    held = {node["name"]: [node[key] for key in keys] for node in plan["nodes"]}
    return held | {leaf["id"]: leaf["networks"] for leaf in plan["leaves"]}


memberships = st.lists(st.sampled_from(NODES), min_size=1, max_size=len(NODES), unique=True)


@pytest.mark.parametrize("kind", BASES)
@settings(max_examples=20)
@given(history=st.lists(memberships, min_size=2, max_size=5), data=st.data())
def test_nobody_moves_when_others_come_go_or_change_places(kind, history, data):
    ledger, before = Ledger(), {}
    for members in history:
        split = data.draw(st.integers(0, len(members)))
        layout = racks(members[:split], members[split:])
        if data.draw(st.booleans()):
            layout.reverse()
        outcome = compiled(BASES[kind], {"ledger": ledger}, racks=layout)
        held = assignments(outcome.require())
        stayed = set(before) & set(held)
        assert {name: held[name] for name in stayed} == {name: before[name] for name in stayed}
        ledger, before = recorded(outcome), held


@pytest.mark.parametrize("kind", BASES)
@settings(max_examples=20)
@given(members=memberships)
def test_nothing_overlaps_and_all_lies_within(kind, members):
    plan = plan_of(BASES[kind], racks=racks(members, []))
    for family in plan["address_families"]:
        supernets = [IPNetwork(prefix) for prefix in plan["subnets"]["node"][family]]
        networks = [node["networks"][family] for node in plan["nodes"]]
        names = ("address", "leaf_a", "leaf_b", "secondary")
        used = [network[name] for network in networks for name in names if name in network]
        used += [leaf["networks"][family]["address"] for leaf in plan["leaves"] if leaf["networks"]]
        if floating := plan["l3outs"][0]["floating"]:
            used += [floating["networks"][family][name] for name in ("floating", "secondary")]
        else:
            subnets = [IPNetwork(network["subnet"]) for network in networks]
            assert len(set(subnets)) == len(subnets)
        addresses = [IPNetwork(text) for text in used]
        assert len({address.ip for address in addresses}) == len(addresses)
        for address in addresses:
            assert any(address.ip in supernet for supernet in supernets)
            assert address.ip not in (address.network, address[-1])


def test_a_freed_slot_is_the_next_ones():
    first = compiled(racks=racks(["a", "b", "c"]))
    second = compiled(options={"ledger": recorded(first)}, racks=racks(["a", "c"]))
    assert "b" not in recorded(second).record.nodes
    third = plan_of(options={"ledger": recorded(second)}, racks=racks(["a", "c", "d"]))
    assert [(node["name"], node["slot"]) for node in third["nodes"]] == [("a", 0), ("c", 2), ("d", 1)]


def test_the_second_family_takes_the_slot_of_the_first():
    first = compiled(STANDARD, racks=racks(["a", "b", "c"]))
    second = compiled(STANDARD, {"ledger": recorded(first)}, racks=racks(["c", "b"]))
    both = plan_of(dual_stack(STANDARD), {"ledger": recorded(second)}, racks=racks(["c", "b"]))
    assert [node["networks"]["ipv6"]["subnet"] for node in both["nodes"]] == ["fd00:192:168:2::/64", "fd00:192:168:1::/64"]


def test_a_larger_subnet_moves_nobody():
    small = compiled(node_subnets=["192.168.2.0/25"], racks=racks(["a"]))
    large = plan_of(options={"ledger": recorded(small)}, racks=racks(["a"]))
    assert large["l3outs"][0]["floating"]["networks"]["ipv4"]["secondary"] == "192.168.2.126/24"
    assert large["leaves"][0]["networks"]["ipv4"]["address"] == "192.168.2.124/24"


def test_pins_do_not_push_others_out():
    plan = plan_of(
        racks=racks(["a", {"name": "b", "address": "192.168.2.1"}, {"name": "c", "slot": 1}]), secondary_addresses=["192.168.2.3"]
    )
    assert {node["name"]: node["networks"]["ipv4"]["address"] for node in plan["nodes"]} == {
        "a": "192.168.2.4/24",
        "b": "192.168.2.1/24",
        "c": "192.168.2.2/24",
    }
    assert plan["nodes"][0]["networks"]["ipv4"]["gateway"] == "192.168.2.3"


def test_a_permission_to_renumber_moves_nobody_by_itself():
    before = compiled(racks=racks(["a", "b"]))
    after = compiled(options={"ledger": recorded(before)}, racks=racks(["b"]), renumber=["all"])
    assert after.plan["nodes"][0]["networks"]["ipv4"]["address"] == "192.168.2.2/24"


def test_vlans_stay_when_the_range_grows():
    before = compiled(STANDARD, racks=racks(["a", "b"]), vlan="310-312")
    after = plan_of(STANDARD, {"ledger": recorded(before)}, racks=racks(["x", "a", "b"]), vlan="305-312")
    assert {node["name"]: node["vlan"] for node in after["nodes"]} == {"x": 307, "a": 310, "b": 311}


# --- refused ------------------------------------------------------------------------------------------------------------

BROKEN = [
    case("subnet-too-small", "node_subnets", node_subnets=["192.168.2.0/29"], **one_rack(nodes=["a", "b", "c"])),
    case("subnet-too-small", "node_subnets", STANDARD, node_subnets=["192.168.2.0/28"], **one_rack(nodes=["a", "b", "c"])),
    case("address-outside", "floating_addresses[0]", floating_addresses=["192.168.3.253"]),
    case("address-outside", "secondary_addresses[0]", secondary_addresses=["192.168.2.255"]),
    case("address-outside", "secondary_addresses[0]", secondary_addresses=["fd00::1"]),
    case("address-collision", "racks[0].leaves[0].address", secondary_addresses=["192.168.2.201"]),
    case("address-collision", "floating_addresses[0]", floating_addresses=["192.168.2.10"], secondary_addresses=["192.168.2.10"]),
    case(
        "address-collision",
        "racks[0].nodes[1].address",
        **one_rack(nodes=[{"name": "a", "address": "192.168.2.7"}, {"name": "b", "address": "192.168.2.7"}]),
    ),
    case(
        "address-collision",
        "racks[0].nodes[1] (slot 6)",
        **one_rack(nodes=[{"name": "a", "address": "192.168.2.7"}, {"name": "b", "slot": 6}]),
    ),
    case(
        "address-collision",
        "racks[0].nodes[1].address",
        STANDARD,
        **one_rack(nodes=[{"name": "a", "slot": 1}, {"name": "b", "address": "192.168.2.10"}]),
    ),
    case("address-outside", "racks[0].nodes[0].address", STANDARD, **one_rack(nodes=[{"name": "a", "address": "192.168.2.4"}])),
    case("slot-out-of-range", "racks[0].nodes[0]", STANDARD, **one_rack(nodes=[{"name": "a", "slot": 32}])),
    case("vlan-too-few", "vlan", STANDARD, vlan="300-304"),
    case(
        "vlan-collision",
        "racks[0].nodes[1]",
        STANDARD,
        **one_rack(nodes=[{"name": "a", "vlan": 310}, {"name": "b", "vlan": 310}]),
    ),
]


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes)


def test_a_recorded_address_is_not_changed_by_a_pin():
    before = recorded(compiled())
    pinned = racks([{"name": "node-1", "address": "192.168.2.77"}, "node-2"])
    outcome = compiled(options={"ledger": before}, racks=pinned)
    assert rules(outcome) == {"renumbering": [f"{RACKS}[0].nodes[0].address"]}
    allowed = compiled(options={"ledger": before}, racks=pinned, renumber=["node-1"])
    assert allowed.plan["nodes"][0]["networks"]["ipv4"]["address"] == "192.168.2.77/24"


def test_a_recorded_address_outside_the_subnet_is_a_renumbering():
    before = recorded(compiled(racks=racks(["a", "b"])))
    outcome = compiled(options={"ledger": before}, racks=racks(["a", "b"]), node_subnets=["192.168.7.0/24"])
    assert set(rules(outcome)) == {"renumbering"}
    assert len(outcome.problems) == 2 + 2 + 2, "nodes, leaves, shared addresses"
    assert compiled(options={"ledger": before}, racks=racks(["a", "b"]), node_subnets=["192.168.7.0/24"], renumber=["all"]).plan


def test_a_recorded_vlan_is_not_changed():
    before = recorded(compiled())
    assert rules(compiled(options={"ledger": before}, vlan=301)) == {"renumbering": ["aci_calico_vlan"]}
    assert compiled(options={"ledger": before}, vlan=301, renumber="svi").plan["l3outs"][0]["floating"]["vlan"] == 301
    before = recorded(compiled(STANDARD))
    outcome = compiled(STANDARD, {"ledger": before}, vlan="301-363")
    assert rules(outcome) == {"renumbering": [f"{RACKS}[0].nodes[0]"]}
    assert compiled(STANDARD, {"ledger": before}, vlan="301-363", renumber=["node-1"]).plan["nodes"][0]["vlan"] == 306


def test_the_kind_of_svi_does_not_change_by_itself():
    before = recorded(compiled(svi="auto"))
    grown = {"svi": "auto", "vlan": "300-363", "racks": racks(["a"], ["b"], ["c"], ["d"])}
    assert rules(compiled(options={"ledger": before}, **grown)) == {"svi-kind-changes": ["aci_calico_svi"]}
    assert compiled(options={"ledger": before}, renumber=["all"], **grown).plan["svi"]["kind"] == "standard"
