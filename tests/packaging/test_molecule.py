"""The molecule scenarios: plan, configure, configure again without a change, check both sides, remove."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("scenario", ["floating_svi", "standard_svi"])
def test_scenario(run, scenario, tmp_path):
    run("molecule", "test", "--scenario-name", scenario, env={"MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path)})
