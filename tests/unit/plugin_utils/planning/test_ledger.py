"""The allocation file: what is written, read and refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger.damage import KINDS, OTHER, truncations, verdict
from unit.plugin_utils.sample_plans import BASES, FLOATING, STANDARD, compiled, racks, recorded, rules

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.ledger import (
    LARGEST,
    Ledger,
    dump_ledger,
    load_ledger,
    read_ledger,
)
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import (
    cluster_plan,
    floating_svi_plan,
    standard_svi_plan,
)
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import IntentError

INVENTORIES = Path(__file__).resolve().parents[4] / "inventories"
REAL = [
    INVENTORIES / f"{name}.yml"
    for name in ("floating_svi/.allocations/prod1", "standard_svi/.allocations/prod2", "dual_stack_standard/.allocations/dual2")
]
WHOLE = compiled(racks=racks(["a", "b"])).record or ""


def schema_1(text: str) -> str:
    """Return the file as the collection wrote it before it had a digest."""
    return text.replace("schema: 2\n", "schema: 1\n").partition("digest:")[0]


def found(text: str, **changes: object) -> dict[str, list[str]]:
    """Return the problems of a plan with this allocation file."""
    ledger, problems = load_ledger(text, "the file")
    return rules(compiled(options={"ledger": ledger, "problems": problems}, **{"racks": racks(["a", "b"]), **changes}))


def test_the_file_says_who_has_what():
    text = compiled(STANDARD, racks=racks(["b", "a"])).record
    body, digest = text.split("digest: ")
    assert body.endswith(
        "schema: 2\n"
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
    assert digest.startswith("sha256:")
    assert len(digest) == len("sha256:") + 64 + 1
    assert "commit it" in text


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_writing_what_was_read_gives_the_same_bytes(base):
    first = compiled(base)
    assert compiled(base, {"ledger": recorded(first)}).record == first.record
    assert dump_ledger("prod1", recorded(first).record) == first.record


# --- refused ---------------------------------------------------------------------------------------------------------

BROKEN = {
    "": "empty",
    "# only a comment\n": "empty",
    "- a list": "not a dictionary",
    "{unfinished": "not YAML",
    "schema: 3": "schema is 3",
    "schema: 1": "'cluster' is missing",
    WHOLE.replace("  1:\n", "  ? [1]\n  :\n"): "is not a text",
    "schema: true": "schema is True",
    WHOLE.replace("schema: 2", "schema: 1"): "its schema is 1, which has no digest",
    "schema: '2'": "schema is '2'",
    WHOLE.replace("schema: 2", "schema: 2.0"): "schema is 2.0",
    WHOLE.replace("cluster: prod1", "cluster: 5"): "which is not a name",
    WHOLE.replace("kind: floating", "kind: other"): "kind of SVI",
    WHOLE.replace("kind: floating", "kind: floating, since: 1"): "unknown key",
    WHOLE + "comment: mine\n": "unknown key 'comment'",
    WHOLE.replace("b: {slot: 1", "a: {slot: 1"): "occurs twice: a merge kept both",
    WHOLE + "schema: 2\n": "'schema' occurs twice: a merge",
    WHOLE.replace("  1:\n", "  one:\n"): "not the number of an L3Out",
    WHOLE.replace("  1:\n", "  01:\n"): "not the number of an L3Out",
    WHOLE.replace("['1']", "7"): "list of different names",
    WHOLE.replace("['1']", "['1', '1']"): "list of different names",
    WHOLE.replace("a: {slot: 0", "a: {slot: many"): "'slot' is 'many'",
    WHOLE.replace("a: {slot: 0", "a: {slot: true"): "'slot' is True",
    WHOLE.replace("a: {slot: 0, ipv4: 192.168.2.1}", "a: 7"): "'a' is 7",
    WHOLE.replace("a: {slot: 0, ipv4: 192.168.2.1}", "a: {slot: 0}"): "'a' has no address",
    WHOLE.replace("192.168.2.1}", "nowhere}"): "nowhere",
    WHOLE.replace("192.168.2.1}", "5}"): "not an address",
    WHOLE.replace("192.168.2.1}", "'fd00::1'}"): "was meant",
    WHOLE.replace("nodes:\n", "nodes: &n\n"): "anchor or alias",
    WHOLE.replace("leaves:", "leaves: *n #"): "anchor or alias",
    WHOLE.replace("nodes:\n", "<<<<<<< HEAD\nnodes:\n"): "unresolved merge",
    WHOLE.replace("nodes:\n", "=======\nnodes:\n"): "unresolved merge",
    WHOLE.replace("nodes:\n", "nodes: {<<: {a: {}}}\nleft:\n"): "unknown key 'left'",
    WHOLE + "---\n" + WHOLE: "another document",
    WHOLE + "#" * LARGEST: f"larger than {LARGEST}",
    "[" * 100_000: "nested more than",
    "a: " + "9" * 5000: "not YAML",
    "a: \x07": "not YAML",
    "!!python/object:os.system {}": "not YAML",
}


@pytest.mark.parametrize(("text", "cause"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_file_is_a_problem(text, cause):
    ledger, [problem] = load_ledger(text, "the file")
    assert ledger == Ledger(path="the file")
    assert (problem.id, problem.path) == ("allocation-file", "the file")
    assert cause in problem.problem
    assert ("aci_calico_seal_allocation" if "merge" in cause else "recover") in problem.remedy
    assert rules(compiled(options={"problems": [problem]})) == {"allocation-file": ["the file"]}


def test_an_alias_bomb_ends_at_its_first_anchor():
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30))]
    __, [problem] = load_ledger("\n".join(lines), "the file")
    assert "line 1 has a YAML anchor" in problem.problem


def test_the_file_of_another_cluster_is_refused_even_if_it_is_sealed():
    other = dump_ledger("prod2", recorded(compiled(racks=racks(["a", "b"]))).record)
    assert found(other) == {"allocation-file-foreign": ["the file"]}
    assert found(other, seal_allocation="prod1") == {"allocation-file-foreign": ["the file"]}


@pytest.mark.parametrize("change", [("192.168.2.2}", "192.168.2.9}"), ("digest: sha256:", "digest: sha256:0"), ("digest:", "# ")])
def test_an_edited_file_is_refused_until_it_is_sealed(change):
    text = WHOLE.replace(*change)
    assert found(text) == {"allocation-file-changed": ["the file"]}
    assert found(text, seal_allocation="prod2") == {"allocation-file-changed": ["the file"]}
    ledger, problems = load_ledger(text, "the file")
    sealed = compiled(options={"ledger": ledger, "problems": problems}, racks=racks(["a", "b"]), seal_allocation="prod1")
    held = {name: node.addresses for name, node in recorded(sealed).record.nodes.items()}
    assert held == {name: node.addresses for name, node in ledger.record.nodes.items()}


def test_a_sealed_file_with_two_claimants_of_an_address_is_refused():
    assert found(WHOLE.replace("192.168.2.2}", "192.168.2.1}"), seal_allocation="prod1") == {
        "renumbering": ["aci_calico_racks[0].nodes[1]"]
    }


# --- schema 1 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_a_whole_file_without_a_digest_is_sealed_once(base):
    first = compiled(base)
    ledger, problems = load_ledger(schema_1(first.record), "the file")
    assert not problems
    assert compiled(base, {"ledger": ledger}).record == first.record


def test_without_a_digest_a_file_must_say_all_that_is_planned():
    old = schema_1(WHOLE)
    assert found(old) == {}
    assert found(old, racks=racks(["a"])) == {}, "a node that was removed"
    assert found(old.replace("  b: {slot: 1, ipv4: 192.168.2.2}\n", "")) == {"allocation-file-unproven": ["the file"]}
    assert found(old, racks=racks(["a", "b", "c"])) == {"allocation-file-unproven": ["the file"]}
    assert found(old, racks=racks(["a", "b", "c"]), seal_allocation="prod1") == {}
    assert found(old.replace("192.168.2.2}", "192.168.2.7}")) == {"allocation-file-unproven": ["the file"]}
    assert found(old.replace("racks: ['1']", "racks: []")) == {"allocation-file-unproven": ["the file"]}


@pytest.mark.parametrize("base", [FLOATING, STANDARD], ids=["floating", "standard"])
def test_no_truncation_of_a_file_without_a_digest_gives_other_addresses(base):
    whole = compiled(base, racks=racks(["a", "b"], ["c"]))
    text = schema_1(whole.record)
    for part in itertools.islice(truncations(text[text.index("schema") :].encode()), 0, None, 5):
        ledger, problems = load_ledger(part.decode(), "the file")
        outcome = compiled(base, {"ledger": ledger, "problems": problems}, racks=racks(["a", "b"], ["c"]))
        assert outcome.record in (None, whole.record)


# --- damage ----------------------------------------------------------------------------------------------------------


# How many damaged files of each kind are tried.
SAMPLE = 40


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_gives_other_addresses(path, kind):
    """Try a sample; ``make ledger`` tries every truncation, byte and line."""
    whole = path.read_bytes()
    before, problems = load_ledger(whole.decode(), "the file")
    assert not problems
    assert before.sealed
    lines = whole.count(b"\n")
    sizes = {"truncation": len(whole), "changed byte": len(whole) * 255, "duplicated line": lines * (lines + 1)}
    step = sizes.get(kind, lines * (lines - 1) // 2) // SAMPLE
    for damaged in itertools.islice(KINDS[kind](whole), 0, None, step):
        assert verdict(damaged, before) != OTHER, damaged.decode()


@settings(max_examples=30)
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["cluster", "svi", "l3outs", "1", "racks", "nodes", "leaves", "kind", "ipv4", "vlan", "digest"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_content_of_the_file_breaks_the_plan(content):
    shape = {"schema": 2, "cluster": "prod1", "svi": {"kind": "floating"}, "l3outs": {}, "leaves": {}, "nodes": {}}
    text = yaml.safe_dump({**shape, **content} if isinstance(content, dict) else content)
    ledger, problems = load_ledger(text, "file")
    outcome = compiled(options={"ledger": ledger, "problems": problems}, seal_allocation="prod1")
    assert outcome.plan or outcome.problems


# --- filters ---------------------------------------------------------------------------------------------------------


def test_filters_read_the_text_and_the_content_of_a_file():
    kept = WHOLE.replace("b: {slot: 1, ipv4: 192.168.2.2}", "b: {slot: 8, ipv4: 192.168.2.9}")
    variables = {**FLOATING, "aci_calico_racks": racks(["b"]), "aci_calico_seal_allocation": "prod1"}
    for allocation in (kept, yaml.safe_load(kept)):
        plan = cluster_plan(variables, "prod1", allocation=allocation)
        assert plan["nodes"][0]["networks"]["ipv4"]["address"] == "192.168.2.9/24"
        with pytest.raises(IntentError, match="allocation-file-changed"):
            cluster_plan(variables | {"aci_calico_seal_allocation": None}, "prod1", allocation=allocation)
        with pytest.raises(IntentError, match="allocation-file-changed"):
            floating_svi_plan("192.168.2.0/24", ["b"], [201, 202], allocation=allocation)
    sealed = read_ledger(yaml.safe_load(WHOLE), "allocation")[0]
    assert sealed.sealed


def test_filters_for_one_kind_take_any_clusters_file():
    floating = floating_svi_plan("192.168.2.0/24", ["b"], [201, 202], allocation=WHOLE)
    assert floating["nodes"][0]["networks"]["ipv4"]["address"] == "192.168.2.2/24"
    assert floating_svi_plan("192.168.2.0/24", ["b"], [201, 202], allocation=schema_1(WHOLE)) == floating
    text = compiled(STANDARD, racks=racks(["a", "b"])).record
    assert standard_svi_plan("192.168.2.0/24", ["b"], "300-363", allocation=text)[0]["vlan"] == 301
    with pytest.raises(IntentError, match="allocation-file-unproven"):
        standard_svi_plan("192.168.2.0/24", ["c"], "300-363", allocation=schema_1(text))
