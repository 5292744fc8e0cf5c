"""The allocation file: what is written, read and refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, racks, recorded, rules

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.record import Record, load_record


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


@settings(max_examples=60)
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["schema", "svi", "l3outs", "1", "racks", "nodes", "leaves", "kind", "ipv4", "vlan", "node-1"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_content_of_the_file_breaks_the_plan(content):
    text = yaml.safe_dump({"schema": 1, **content} if isinstance(content, dict) else content)
    record, problems = load_record(text, "file")
    outcome = compiled(options={"record": record, "problems": problems})
    assert outcome.plan or outcome.problems
