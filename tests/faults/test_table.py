"""Every fault of a server is survived or said as what it is, and the next run converges."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from faults.table import apic_rows, kubernetes_rows

PAGE = Path(__file__).resolve().parents[2] / "docs" / "failures.md"
BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"


def test_the_page_shows_what_the_runs_say(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes import api

    monkeypatch.setattr(api, "PAUSES", (0,) * len(api.PAUSES))
    monkeypatch.setattr(api.time, "sleep", lambda _seconds: None)
    rows = [*apic_rows(run), *kubernetes_rows()]
    assert [what for what, _said, converged in rows if converged == "no"] == []
    assert [what for what, said, _converged in rows if "Traceback" in said or "no answer: OK" in said] == []
    table = "| What the server did | What the run said | Did the next run converge? |\n|---|---|---|\n"
    table += "".join(f"| {' | '.join(row)} |\n" for row in rows)
    before, begin, rest = PAGE.read_text("utf-8").partition(BEGIN)
    page = before + begin + table + END + rest.partition(END)[2]
    if os.environ.get("WRITE_FAULTS"):
        PAGE.write_text(page, "utf-8")
    assert PAGE.read_text("utf-8") == page, "make faults writes the table"
