"""Problems and the texts around them."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema import problems
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.messages import MESSAGES


def test_the_catalogue_completes_a_problem():
    problem = problems.Problem("rack-with-one-leaf", "aci_calico_racks[0].leaves", "Rack '1' has one leaf")
    assert (problem.severity, problem.remedy) == ("warning", MESSAGES["rack-with-one-leaf"].remedy)
    given = {"id": "rack-with-one-leaf", "path": "path", "problem": "text", "remedy": "Do that.", "severity": "error"}
    assert problems.Problem(**given).as_dict() == given


def test_an_id_that_is_not_in_the_catalogue_fails():
    with pytest.raises(KeyError):
        problems.Problem("no-such-id", "path", "text")


def test_errors_come_first():
    found = [problems.Problem("rack-without-nodes", "a", "one"), problems.Problem("rack-twice", "b", "two")]
    first, *lines = problems.render("prod1", found).splitlines()
    assert first == "Cluster prod1 cannot be planned: 1 error, 1 warning"
    assert lines[:4] == ["", "1. b [error: rack-twice]", "   two", f"   -> {MESSAGES['rack-twice'].remedy}"]


def test_lines_of_text_have_80_columns_and_paths_are_not_broken():
    path = f"hosts.{'n' * 90}.aci_calico_rack"
    first, *lines = problems.render("prod1", [problems.Problem("rack-twice", path, "word " * 40)]).splitlines()[2:]
    assert path in first
    assert max(map(len, lines)) <= 80
    assert len(lines) > 4


def test_texts():
    assert list(problems.repeated(["a", "b", "A"], str.lower)) == [("A", "a")]
    assert problems.did_you_mean("vlna", ["vlan", "mtu"]) == "Did you mean vlan?"
    assert problems.did_you_mean("x", ["vlan"]) == ""
    assert problems.some(range(10), 3) == "0, 1, 2 and 7 more"
    assert problems.shown("x" * 80) == f"'{'x' * 58}…"


def test_control_characters_are_escaped():
    red, bell = "\x1b[31mred", "a\x07\u202eb\nc"
    problem = problems.Problem("rack-twice", f"aci_calico_racks.{red}", bell, f"Remove {bell}.")
    assert (problem.path, problem.problem) == ("aci_calico_racks.\\x1b[31mred", "a\\x07\\u202eb\\nc")
    assert problems.render("prod1", [problem]).replace("\n", "").isprintable()
    assert problems.printable("Zürich → 1") == "Zürich → 1"
    assert problems.printable("\ud800") == "\\ud800"
