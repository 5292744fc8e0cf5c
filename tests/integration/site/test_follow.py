"""Continuous drift on the lab: a sample of the series that ``make drifts`` plays, with each kind of disturbance's first rounds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from drifts.series import play


def test_changes_by_others_are_named_whatever_is_lost_and_nothing_is_mended(tmp_path: Path) -> None:
    rounds = asyncio.run(play(tmp_path, "sample", [], 12))
    assert [one for one in rounds if one["missed"] or one["wrong"]] == []
    assert any(one["disturbed"] for one in rounds)
    assert {named["side"] for one in rounds for named in one["named"]} == {"apic", "kubernetes"}
