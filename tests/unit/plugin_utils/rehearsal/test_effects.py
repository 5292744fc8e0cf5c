"""What changing each variable does, as the page says it."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.effects import PREFIX, effects, effects_table
from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.rules import RULES
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import VARIABLES


@pytest.mark.parametrize("name", VARIABLES)
def test_the_page_says_what_each_variable_does(name: str) -> None:
    assert effects(name)
    assert f"| `{name}` | " in effects_table()


def test_rules_name_variables_that_exist() -> None:
    assert {f"{PREFIX}{name}" for rule in RULES for name in rule.variables} <= set(VARIABLES)
