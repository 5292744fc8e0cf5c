"""One cause is one problem."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema import connections
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import VARIABLES

CAUSES = [("aci_tree", cause) for cause in connections._APIC] + [("calico_info", cause) for cause in connections._KUBERNETES]


@pytest.mark.parametrize(("module", "cause"), CAUSES)
def test_each_cause_names_the_variable_and_the_remedy(module: str, cause: str) -> None:
    problem = connections.connection_problem(module, {"msg": "https://api: it failed", "error": {"cause": cause}})
    assert problem.problem == "https://api: it failed"
    assert problem.path in VARIABLES
    assert problem.remedy


@pytest.mark.parametrize(
    "result", [{}, {"error": None}, {"error": "text"}, {"error": {"cause": None}}, {"error": {"status": 400}}]
)
def test_other_failures_are_none(result: dict) -> None:
    assert connections.connection_problem("aci_info", result) is None
