"""Predicted against measured on the twin, for a change that loses nothing and one that interrupts, and their undo."""

from __future__ import annotations

from pathlib import Path

import pytest
from rehearsals.changes import PLANTED
from rehearsals.table import report, table, verdict
from rehearsals.world import world

from lab.twin.machines import missing_prerequisites

SAMPLE = {"a higher AS limit": "hitless", "another AS number of the cluster": "traffic-interruption"}


def test_what_was_predicted_is_measured_and_undone(tmp_path: Path) -> None:
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    planted = [one for one in PLANTED if one.world == "floating" and one.name in SAMPLE]
    with world(tmp_path, "floating", "sample") as made:
        results = [made.play(one) for one in planted]
    for result in results:
        assert (result.wrong, result.predicted) == ([], SAMPLE[result.name])
        assert result.measured["class"] == result.predicted, report(result)
        assert result.undo_measured["sent"]
        assert not verdict(result.undo_predicted, result.undo_measured).startswith("worse"), report(result)
    assert "| a higher AS limit | floating | hitless | hitless: none of " in table(results, "sample")
