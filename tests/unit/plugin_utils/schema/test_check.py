"""Test how values are checked against options and read. ``intent/test_check.py`` has the problems of whole clusters."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.check import (
    check,
    check_optional,
    plain,
    unknown_variables,
    unmarked,
)
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.option import INVALID, Option, texts
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import Problem
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import VARIABLES


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("vlan", 300, [300]),
        ("vlan", "300", [300]),
        ("vlan", "300-302", [300, 301, 302]),
        ("vlan", [300, "310-311"], [300, 310, 311]),
        ("vlan", "7, 9-10", [7, 9, 10]),
        ("bgp_filter", "yes", True),
        ("bgp_filter", "False", False),
        ("bgp_filter", 1, True),
        ("bgp_filter", False, False),
        ("bgp_filter", "0", False),
        ("mtu", " 9000 ", 9000),
        ("vlan_mode", "tagged", "regular"),
        ("apic_host", "apic1, apic2,", ["apic1", "apic2"]),
        ("renumber", '["node-1"]', ["node-1"]),
        ("limits", '{"ecmp-paths": 5}', {"ecmp-paths": 5}),
        ("rack", "", ""),
    ],
)
def test_values_are_read(name, given, expected):
    problems = []
    assert check(VARIABLES[f"aci_calico_{name}"], given, name, problems) == expected
    assert not problems


def test_a_bare_value_sets_the_key_that_it_stands_for():
    [transit] = check(VARIABLES["aci_calico_transit"], ["core"], "transit", [])
    assert (transit["l3out"], transit["order"], transit["provide"]) == ("core", 9, [])


def test_a_choice_has_no_suggestion_that_means_the_opposite():
    problems = []
    assert check(VARIABLES["aci_calico_vlan_mode"], "taged", "mode", problems) is INVALID
    assert problems[0].id == "not-a-choice"
    assert problems[0].remedy == "Did you mean tagged?"


def test_refused_elements_keep_their_positions():
    problems = []
    assert check(texts("t", "", format="address"), ["10.0.0.1", "x"], "t", problems)[1] is INVALID
    assert [problem.path for problem in problems] == ["t[1]"]


def test_an_unset_value_is_the_default_or_a_problem():
    problems = []
    assert check_optional(Option("o", "Text.", default="a"), None, "o", problems) == "a"
    assert not problems
    assert check_optional(Option("o", "Text.", required=True), None, "o", problems) is INVALID
    assert [problem.id for problem in problems] == ["required"]


def test_a_secret_is_not_quoted():
    problems = []
    check(Option("o", "Text.", secret=True), ["hidden"], "o", problems)
    assert "hidden" not in problems[0].problem


def test_unknown_variables_have_a_suggestion():
    [problem] = unknown_variables(["aci_calico_vlna", "aci_calico_planned", "other"], "hosts.a.")
    assert (problem.path, problem.remedy) == ("hosts.a.aci_calico_vlna", "Did you mean aci_calico_vlan?")


def test_plain_replaces_subclasses():
    class Text(str):
        pass

    class Number(int):
        pass

    result = plain({Text("a"): (Text("b"), Number(3), {1}, True, None, 1.5)})
    assert result == {"a": ["b", 3, [1], True, None, 1.5]}
    assert [type(item) for item in (*result, *result["a"][:2])] == [str, str, int]


def test_markup_is_removed_from_messages():
    assert unmarked("Use C(300) or C([300, 310-320]).") == "Use 300 or [300, 310-320]."


@pytest.mark.parametrize(
    ("written", "hint"),
    [("010", "YAML reads 010 as 8"), ("1:30", "1:30 as 90"), ("1.10", "1.10 as 1.1"), ("no", "YAML reads no, off, yes and on")],
)
def test_what_yaml_reads_as_something_else_is_refused_with_a_hint_to_quote(written, hint):
    option = VARIABLES["aci_calico_l3out"]
    problems: list[Problem] = []
    assert check(option, yaml.safe_load(f"'{written}'"), option.name, problems) == written
    assert check(option, yaml.safe_load(written), option.name, problems) is INVALID
    [problem] = problems
    assert problem.id == "wrong-type"
    assert hint in problem.problem
    assert "in quotes" in problem.remedy


def test_yaml_1_1_reads_an_exponent_without_a_sign_as_text():
    problems: list[Problem] = []
    assert check(VARIABLES["aci_calico_mtu"], yaml.safe_load("1e3"), "aci_calico_mtu", problems) is INVALID
    assert "'1e3' is not a whole number" in problems[0].problem


def test_a_rack_may_be_a_number():
    option = VARIABLES["aci_calico_racks"].option("id")
    assert check(option, 7, "id", []) == "7"
    assert check(option, True, "id", []) is INVALID
