"""Test the JSON Schemas: examples and plans are valid, wrong values are not, and the schema agrees with the checker."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, plan_of, racks

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.check import check_optional
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.formats import FORMATS
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.option import Option
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import REGISTRY, VARIABLES

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(path for kind in ("group_vars", "host_vars") for path in ROOT.glob(f"inventories/*/{kind}/**/*.yml"))
PLANS = sorted((ROOT / "tests/golden").glob("*/*/plan.json"))


def validator(name: str) -> Draft202012Validator:
    """Return the validator of a schema in ``schemas``."""
    schema = json.loads((ROOT / f"schemas/{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


CLUSTER, PLAN = validator("aci_calico"), validator("plan")


class Loader(yaml.SafeLoader):
    """Load YAML as an editor does: a value with a tag of Ansible is text."""


for tag in ("!vault", "!unsafe"):
    Loader.add_constructor(tag, lambda loader, node: node.value)


def mistakes(schema: Draft202012Validator, instance: Any) -> list[str]:
    """Return the paths at which an instance is not valid, with the reasons."""
    return [f"{error.json_path}: {error.message}" for error in schema.iter_errors(instance)]


def relative(path: Path) -> str:
    """Return a path below the root."""
    return str(path.relative_to(ROOT))


# --- files of variables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_examples_are_valid_and_name_the_schema(path):
    text = path.read_text(encoding="utf-8")
    assert mistakes(CLUSTER, yaml.load(text, Loader)) == []
    [named] = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", text, re.MULTILINE)
    assert (path.parent / named).resolve() == ROOT / "schemas/aci_calico.schema.json"


@pytest.mark.parametrize("value", ["{{ anything }}", "a-{{ b }}", "{% if c %}d{% endif %}", "$ANSIBLE_VAULT;1.1;AES256\n6162"])
def test_any_value_can_be_an_expression_or_a_vault_value(value):
    names = [name for name, option in VARIABLES.items() if not option.per_run]
    assert mistakes(CLUSTER, dict.fromkeys(names, value)) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "their_own: [1, 2]",
        "aci_calico_svi: standard",
        "aci_calico_bgp_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162",
        "aci_calico_pod_subnets: [10.1.0.0/16, '{{ more }}']",
        "aci_calico_racks: [{id: '{{ a }}', leaves: '{{ b }}', nodes: ['{{ c }}', {name: d, slot: '{{ e }}'}]}]",
        "aci_calico_racks: [{id: 1, leaves: [201, '202', {id: 203, address: 10.0.0.1}]}]",
        "aci_calico_transit: [core, {l3out: edge, subnets: 0.0.0.0/0}]",
        "aci_calico_vlan: 300-350,400",
        "aci_calico_vlan: [300, 310-320]",
        "aci_calico_apic_host: apic1, apic2",
        "aci_calico_external_epg_scopes: import-security, shared-rtctrl",
        "aci_calico_limits: {ecmp-paths: 128}",
        "aci_calico_rack: ''",
        "aci_calico_vlan_mode: tagged",
        "aci_calico_vlan_pool: null",
        'aci_calico_mtu: "1500"',
        'aci_calico_adopt: "yes"',
    ],
)
def test_files_can_hold_a_part_of_the_variables(text):
    assert mistakes(CLUSTER, yaml.load(text, Loader)) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"mtu": "jumbo"}, "mtu"),
        ({"mtu": 1500.5}, "mtu"),
        ({"mtu": True}, "mtu"),
        ({"mtu": 9217}, "mtu"),
        ({"fabric_asn": 0}, "fabric_asn"),
        ({"fabric_asn": None}, "fabric_asn"),
        ({"tenant": ["common"]}, "tenant"),
        ({"tenant": "my tenant"}, "tenant"),
        ({"tenant": "t" * 64}, "tenant"),
        ({"bgp_filter": "perhaps"}, "bgp_filter"),
        ({"bgp_filter": 2}, "bgp_filter"),
        ({"bgp_password": 7}, "bgp_password"),
        ({"svi": "float"}, "svi"),
        ({"vlna": 300}, None),
        ({"vlan": 4095}, "vlan"),
        ({"vlan": "300 to 310"}, "vlan"),
        ({"vlan": []}, "vlan"),
        ({"pod_subnets": ["10.1.0.0"]}, "pod_subnets[0]"),
        ({"pod_subnets": "10.1.0.0/16, pods"}, "pod_subnets"),
        ({"dns_servers": ["256.1.1.1"]}, "dns_servers[0]"),
        ({"external_epg_scopes": ["import"]}, "external_epg_scopes[0]"),
        ({"contracts": [{"name": "c", "filters": [{"name": "f", "entries": ["icmp/8"]}]}]}, "contracts[0].filters[0].entries[0]"),
        ({"limits": {"anchor-leafs": 8}}, "limits"),
        ({"limits": {"anchor-leaves": "many"}}, "limits['anchor-leaves']"),
        ({"racks": "rack 1"}, "racks"),
        ({"racks": [7]}, "racks[0]"),
        ({"racks": [{"id": 1}]}, "racks[0]"),
        ({"racks": [{"id": 1, "leafs": [201], "leaves": [201]}]}, "racks[0]"),
        ({"racks": [{"id": 1, "leaves": [100]}]}, "racks[0].leaves[0]"),
        ({"racks": [{"id": 1, "leaves": [201], "nodes": ["Node_1"]}]}, "racks[0].nodes[0]"),
        (
            {"racks": [{"id": 1, "leaves": [201], "nodes": [{"name": "a", "interfaces": ["1-1"]}]}]},
            "racks[0].nodes[0].interfaces[0]",
        ),
    ],
)
def test_wrong_values_are_refused_by_the_schema_and_by_the_checker(changes, path):
    instance = {f"aci_calico_{name}": value for name, value in changes.items()}
    [mistake] = CLUSTER.iter_errors(instance)
    assert mistake.json_path == (f"$.aci_calico_{path}" if path else "$")
    assert compiled(**changes).plan is None


# --- schema and checker ----------------------------------------------------------------------------------------------


JUNK = [None, True, 0, 1, -1, 300, 1.5, "", "1", " 7 ", "-3", "a b", "é", "yes", "Off", "1,2", "[", "{}", [], {}]


def written(option: Option) -> st.SearchStrategy[Any]:
    """Return a strategy for values of an option, most of which the checker accepts."""
    texts = [*option.choices, *option.aliases, "a", "a-1", "7"]
    if option.format:
        texts += FORMATS[option.format].examples
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "str": st.sampled_from(texts) | st.integers(-5, 400),
        "int": st.integers(*(option.range or (-9, 9))).flatmap(lambda number: st.sampled_from([number, f" {number}"])),
        "bool": st.booleans() | st.sampled_from(["yes", "No", " TRUE", "0", 1]),
        "vlans": st.lists(st.integers(1, 4094) | st.sampled_from(["7", "300-310", " 5 - 6 "]), min_size=1, max_size=3),
    }
    if option.type == "list":
        many = st.lists(written(option.element), max_size=3)
        value = many | many.map(lambda items: " , ".join(map(str, items)))
    elif option.type == "dict":
        required = {key.name: written(key) for key in option.options if key.required}
        extra = {key.name: written(key) for key in option.options if not key.required}
        value = st.fixed_dictionaries(required, optional=extra)
        if option.shorthand:
            value |= written(option.option(option.shorthand))
    else:
        value = kinds[option.type]
    if option.type == "vlans":
        value |= value.map(lambda items: ",".join(map(str, items))) | st.integers(1, 4094)
    if option.type in ("list", "dict", "vlans"):
        value |= value.map(json.dumps)
    return value | st.sampled_from(JUNK)


@settings(max_examples=100)
@given(data=st.data(), option=st.sampled_from([option for option in REGISTRY if not option.per_run]))
def test_the_schema_accepts_what_the_checker_accepts(data, option):
    """Exclude what the checker leaves to other rules: the keys of ``aci_calico_limits`` and the BGP password."""
    value = data.draw(written(option))
    if option.name in ("aci_calico_limits", "aci_calico_bgp_password"):
        return
    problems: list[Any] = []
    check_optional(option, value, option.name, problems)
    if not problems:
        assert mistakes(CLUSTER, {option.name: value}) == []


# --- plans -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PLANS, ids=relative)
def test_golden_plans_are_valid(path):
    assert mistakes(PLAN, json.loads(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (FLOATING, {"vlan_mode": "tagged", "bgp_prefix_limit": 10, "apic_version": "6.0"}),
        (FLOATING, {"racks": racks(["a"], ["b"], ["c"], ["d"]), "limits": {"anchor-leaves": 8}, "node_kind": "vm"}),
        (STANDARD, {"racks": [{"id": 1, "leaves": [201], "nodes": ["a"]}], "manage_access": False}),
        (STANDARD, {"racks": racks([{"name": "a", "interfaces": ["1/1", "201:1/2-3"]}]), "manage_access": True}),
        (dual_stack(FLOATING), {}),
        (dual_stack(STANDARD), {"contracts": [{"name": "c", "filters": [{"name": "f", "entries": ["tcp/443", "any"]}]}]}),
    ],
)
def test_other_plans_are_valid(base, changes):
    outcome = compiled(base, **changes)
    assert mistakes(PLAN, outcome.require()) == []
    assert outcome.require()["interface"]["mode"] == "regular"


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"extra": 1},
        {"cluster_asn": "65003"},
        {"address_families": ["ipv5"]},
        {"interface": {"mtu": 9000, "mode": "tagged", "encap_scope": "local"}},
        {"domains": {"l3": "k8s-l3"}},
        {"subnets": {}},
        {"retired_l3outs": ["a b"]},
        {"nodes": [{}]},
    ],
    ids=str,
)
def test_the_plans_schema_is_strict(changes):
    assert mistakes(PLAN, {**plan_of(), **changes})


def test_no_key_of_the_plan_is_optional():
    plan = plan_of()
    for name in plan:
        partial = {key: value for key, value in plan.items() if key != name}
        assert mistakes(PLAN, partial) == [f"$: '{name}' is a required property"]
