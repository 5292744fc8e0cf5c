"""Findings are put under their causes."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.causes import Finding, root_causes


def ids(findings):
    return [finding.id for finding in root_causes(findings)]


def test_evidence_goes_to_the_end_of_the_chain():
    findings = [
        Finding("pod-block-missing", "the block", node="a", leaf=1),
        Finding("session-missing", "the session", node="a", leaf=1),
        Finding("rack-label", "the label", node="a"),
    ]
    (root,) = root_causes(findings)
    assert (root.id, root.evidence) == ("rack-label", ["the block", "the session"])


@pytest.mark.parametrize(
    ("cause", "symptom", "covered"),
    [
        ({"node": "a"}, {"node": "a"}, True),
        ({"node": "a"}, {"node": "b"}, False),
        ({"node": "a"}, {}, False),
        ({}, {"node": "b", "leaf": 1}, True),
        ({"leaf": 1}, {"node": "a", "leaf": 1}, True),
        ({"leaf": 1}, {"node": "a", "leaf": 2}, False),
        ({"leaf": 1}, {"leaf": 2, "leaves": {1, 2}}, True),
        ({"family": "ipv4"}, {"family": "ipv6"}, False),
        ({"prefix": "10.1.0.0/16"}, {"prefix": "10.1.2.0/26"}, True),
        ({"prefix": "10.1.0.0/16"}, {"prefix": "10.2.2.0/26"}, False),
        ({"prefix": "10.1.0.0/16"}, {"prefix": "fd00::/64"}, False),
        ({"prefix": "10.1.0.0/16"}, {}, True),
    ],
)
def test_a_cause_covers_what_lies_where_it_does(cause, symptom, covered):
    findings = [Finding("import-prefix-missing", "cause", **cause), Finding("pod-block-missing", "symptom", **symptom)]
    assert ids(findings) == (["import-prefix-missing"] if covered else ["import-prefix-missing", "pod-block-missing"])


def test_a_warning_that_explains_an_error_is_one():
    warning = Finding("node-not-ready", "down", node="a")
    error = Finding("session-missing", "gone", node="a", leaf=1)
    (root,) = root_causes([warning, error])
    assert (root.id, root.severity) == ("node-not-ready", "error")


def test_findings_of_one_rule_and_cause_are_one_with_all_places():
    findings = [Finding("timers", f"leaf {leaf} has others", leaf=leaf) for leaf in (203, 201, 202)]
    (root,) = root_causes(findings)
    assert root.as_dict()["leaves"] == [201, 202, 203]
    assert root.what == "leaf 203 has others, and 2 more"
    assert root.evidence == ["leaf 201 has others", "leaf 202 has others"]


def test_errors_come_first():
    findings = [Finding("lpm-usage", "nearly"), Finding("ecmp", "one"), Finding("prefix-limit-near", "nearly")]
    assert ids(findings) == ["ecmp", "lpm-usage", "prefix-limit-near"]
