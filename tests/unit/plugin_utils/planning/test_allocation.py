"""Who keeps what when others come and go: properties, and the allocation file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netaddr import IPNetwork
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, plan_of, racks, recorded, rules

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.record import Record, load_record

NODES = [f"node-{number}" for number in range(12)]
BASES = {"floating": FLOATING, "standard": STANDARD, "dual stack": dual_stack(STANDARD)}


# --- stability -------------------------------------------------------------------------------------------------------


def seats(plan: dict[str, Any]) -> dict[str, Any]:
    """What each node and leaf holds, by name."""
    keys = ("slot", "vlan", "networks")
    held = {node["name"]: [node[key] for key in keys] for node in plan["nodes"]}
    return held | {leaf["id"]: leaf["networks"] for leaf in plan["leaves"]}


memberships = st.lists(st.sampled_from(NODES), min_size=1, max_size=len(NODES), unique=True)


@pytest.mark.parametrize("kind", BASES)
@settings(deadline=None, max_examples=20)
@given(history=st.lists(memberships, min_size=2, max_size=5), data=st.data())
def test_nobody_moves_when_others_come_go_or_change_places(kind, history, data):
    record, before = Record(), {}
    for members in history:
        split = data.draw(st.integers(0, len(members)))
        layout = racks(members[:split], members[split:])
        if data.draw(st.booleans()):
            layout.reverse()
        outcome = compiled(BASES[kind], {"record": record}, racks=layout)
        held = seats(outcome.require())
        stayed = set(before) & set(held)
        assert {name: held[name] for name in stayed} == {name: before[name] for name in stayed}
        record, before = recorded(outcome), held


@pytest.mark.parametrize("kind", BASES)
@settings(deadline=None, max_examples=20)
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
    second = compiled(options={"record": recorded(first)}, racks=racks(["a", "c"]))
    assert "b" not in recorded(second).nodes
    third = plan_of(options={"record": recorded(second)}, racks=racks(["a", "c", "d"]))
    assert [(node["name"], node["slot"]) for node in third["nodes"]] == [("a", 0), ("c", 2), ("d", 1)]


def test_the_second_family_takes_the_slot_of_the_first():
    first = compiled(STANDARD, racks=racks(["a", "b", "c"]))
    second = compiled(STANDARD, {"record": recorded(first)}, racks=racks(["c", "b"]))
    both = plan_of(dual_stack(STANDARD), {"record": recorded(second)}, racks=racks(["c", "b"]))
    assert [node["networks"]["ipv6"]["subnet"] for node in both["nodes"]] == [
        "fd00:192:168:2::/64",
        "fd00:192:168:1::/64",
    ]


def test_a_larger_subnet_moves_nobody():
    small = compiled(node_subnets=["192.168.2.0/25"], racks=racks(["a"]))
    large = plan_of(options={"record": recorded(small)}, racks=racks(["a"]))
    assert large["l3outs"][0]["floating"]["networks"]["ipv4"]["secondary"] == "192.168.2.126/24"
    assert large["leaves"][0]["networks"]["ipv4"]["address"] == "192.168.2.124/24"


def test_pins_do_not_push_others_out():
    plan = plan_of(
        racks=racks(["a", {"name": "b", "address": "192.168.2.1"}, {"name": "c", "slot": 1}]),
        secondary_addresses=["192.168.2.3"],
    )
    assert {node["name"]: node["networks"]["ipv4"]["address"] for node in plan["nodes"]} == {
        "a": "192.168.2.4/24",
        "b": "192.168.2.1/24",
        "c": "192.168.2.2/24",
    }
    assert plan["nodes"][0]["networks"]["ipv4"]["gateway"] == "192.168.2.3"


def test_a_permission_to_renumber_moves_nobody_by_itself():
    before = compiled(racks=racks(["a", "b"]))
    after = compiled(options={"record": recorded(before)}, racks=racks(["b"]), renumber=["all"])
    assert after.plan["nodes"][0]["networks"]["ipv4"]["address"] == "192.168.2.2/24"


def test_vlans_stay_when_the_range_grows():
    before = compiled(STANDARD, racks=racks(["a", "b"]), vlan="310-312")
    after = plan_of(STANDARD, {"record": recorded(before)}, racks=racks(["x", "a", "b"]), vlan="305-312")
    assert {node["name"]: node["vlan"] for node in after["nodes"]} == {"x": 307, "a": 310, "b": 311}


# --- the allocation file ---------------------------------------------------------------------------------------------


def test_the_file_says_who_has_what():
    text = compiled(STANDARD, racks=racks(["b", "a"])).record
    assert text.endswith(
        "schema: 1\n"
        "cluster: prod1\n"
        "svi: {kind: standard}\n"
        "l3outs:\n"
        "  1:\n"
        "    racks: ['1']\n"
        "leaves: {}\n"
        "nodes:\n"
        "  a: {slot: 1, vlan: 301, ipv4: 192.168.2.9}\n"
        "  b: {slot: 0, vlan: 300, ipv4: 192.168.2.1}\n"
    )
    assert "commit it" in text


@pytest.mark.parametrize("base", [FLOATING, STANDARD, dual_stack(FLOATING), dual_stack(STANDARD)])
def test_writing_what_was_read_gives_the_same_bytes(base):
    first = compiled(base)
    assert compiled(base, {"record": recorded(first)}).record == first.record


def test_an_empty_file_is_no_record():
    assert load_record("", "file") == (Record(), [])


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "{unfinished",
        "schema: 2",
        "schema: 1\nnodes: [a]",
        "schema: 1\nnodes: {a: 7}",
        "schema: 1\nnodes: {a: {ipv4: nowhere}}",
        "schema: 1\nnodes: {a: {ipv4: 'fd00::1'}}",
        "schema: 1\nnodes: {a: {vlan: many}}",
        "schema: 1\nl3outs: {1: {secondary: 5}}",
        "schema: 1\nl3outs: {one: {racks: ['1']}}",
        "schema: 1\nl3outs: {1: {racks: 7}}",
        "!!python/object:os.system {}",
    ],
)
def test_a_broken_file_is_a_problem(text):
    record, [problem] = load_record(text, "allocations.yml")
    assert record == Record()
    assert (problem.id, problem.path) == ("allocation-file", "allocations.yml")
    assert rules(compiled(options={"problems": [problem]})) == {"allocation-file": ["allocations.yml"]}


@settings(deadline=None, max_examples=60)
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["schema", "svi", "l3outs", "1", "racks", "nodes", "leaves", "kind", "ipv4", "vlan", "node-1"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_content_of_the_file_breaks_the_plan(content):
    import yaml

    record, problems = load_record(
        yaml.safe_dump({"schema": 1, **content} if isinstance(content, dict) else content), "file"
    )
    outcome = compiled(options={"record": record, "problems": problems})
    assert outcome.plan or outcome.problems
