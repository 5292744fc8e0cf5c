"""The molecule scenarios: plan, configure, again without a change, look at both sides, take down."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("scenario", ["floating_svi", "standard_svi"])
def test_scenario(run, scenario, tmp_path):
    run("molecule", "test", "--scenario-name", scenario, env={"MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path)})
