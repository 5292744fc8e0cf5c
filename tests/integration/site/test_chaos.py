"""A sample of the long series of ``make chaos``."""

from __future__ import annotations

from pathlib import Path
from random import Random

from chaos.steps import pair
from chaos.world import World, servers


def test_two_runs_with_different_inventories_leave_no_mixture(tmp_path: Path) -> None:
    apic, kube = servers(tmp_path)
    with apic, kube:
        step = pair(World(tmp_path, apic, kube), Random("sample"))
    assert step.wrong == [], step.outcome
