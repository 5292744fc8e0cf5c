"""Both address families in the twin: sessions, routes, and traffic between pods."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.verify.live import live
from unit.plugin_utils.sample_plans import SECOND_FAMILY

from lab.twin.bench import eventually
from lab.twin.machines import missing_prerequisites


@pytest.mark.parametrize("kind", ["floating", "standard"])
def test_pods_reach_each_other_over_both_families(tmp_path: Path, kind: str) -> None:
    from unit.plugin_utils.healthy_cluster import STANDARD, VARIABLES, Cluster

    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    both = {name: VARIABLES[name] + second for name, second in SECOND_FAMILY.items()}
    plan = Cluster(**both, **(STANDARD if kind == "standard" else {})).plan
    with live(tmp_path / "twin", plan) as made:
        report = made.until_green()
        assert len(report["sessions"]) == 24
        for version in (4, 6):
            eventually(lambda version=version: made.reaches("node-1", "node-6", version))
