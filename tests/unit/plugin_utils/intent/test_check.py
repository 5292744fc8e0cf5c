"""Good input without problems, and all problems of bad input at once."""

from __future__ import annotations

import pytest
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, compiled, dual_stack, racks, rules

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.messages import WARNING


@pytest.mark.parametrize(
    ("base", "changes"), [(FLOATING, {}), (STANDARD, {}), (dual_stack(FLOATING), {}), (dual_stack(STANDARD), {})]
)
def test_good_input_has_no_problem(base, changes):
    outcome = compiled(base, **changes)
    assert not outcome.problems
    assert outcome.plan


def test_every_warning_reaches_the_plan():
    outcome = compiled(bgp_prefix_limit=10)
    assert [one["id"] for one in outcome.plan["warnings"]] == ["prefix-limit-too-small"]
    assert outcome.problems[0].severity == WARNING


def test_all_problems_come_at_once():
    outcome = compiled(
        mtu=1,
        cluster_asn=65002,
        vlna=3,
        tenant="a b",
        pod_subnets=["10.1.0.0/16", "10.1.0.0/24"],
        secondary_addresses=["10.0.0.1"],
        racks=racks(["a"], ["a"]),
    )
    assert set(rules(outcome)) == {
        "out-of-range",
        "asn-equal",
        "unknown-variable",
        "invalid-tenant-name",
        "subnet-overlap",
        "address-outside",
        "node-twice",
    }
