"""Test consents: what is missing, and how the problem names it."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.consent import (
    CONSENTS,
    NONE_GIVEN,
    SESSION_RESET,
    Consents,
    teardown_of,
)


def test_a_missing_consent_says_its_name_what_is_interrupted_and_for_how_long():
    (problem,) = NONE_GIVEN.require(teardown_of("prod1"), "prod1", "The cluster leaves the fabric", "until site runs again")
    assert (problem.id, problem.path, problem.severity) == ("consent-missing", "prod1", "error")
    assert problem.problem == "The cluster leaves the fabric. Duration: until site runs again"
    assert "-e aci_calico_consent=teardown:prod1" in problem.remedy


@pytest.mark.parametrize("name", [*CONSENTS, teardown_of("prod1")])
def test_a_consent_that_was_given_is_no_problem(name):
    assert list(Consents(frozenset({name})).require(name, "path", "It ends", "1 s")) == []
    assert list(Consents(frozenset({"another"})).require(name, "path", "It ends", "1 s"))


def test_in_check_mode_a_missing_consent_is_a_warning():
    (problem,) = Consents(preview=True).require(SESSION_RESET, "path", "It ends", "1 s")
    assert problem.severity == "warning"
