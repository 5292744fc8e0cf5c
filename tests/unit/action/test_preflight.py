"""Preflight looks at both sides at the same time, and reports what one of them refuses once both have ended."""

from __future__ import annotations

import threading
from typing import Any

from unit.action.running import listen, run
from unit.plugin_utils.sample_plans import plan_of

from ansible_collections.netops.aci_calico.plugins.action import preflight


def test_both_sides_are_read_at_the_same_time_and_a_failure_is_reported_once(monkeypatch):
    said, both = listen(monkeypatch), threading.Barrier(2, timeout=60)
    asked: list[str] = []

    def module(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        asked.append(name)
        both.wait()
        return {"failed": True, "msg": "no answer", "error": {"cause": "unreachable", "text": "no answer", "host": "apic1"}}

    result = run(preflight, module, plan=plan_of())
    assert sorted(asked) == ["aci_info", "calico_info"]
    assert result["failed"]
    assert [problem["id"] for problem in result["problems"]] == ["apic-unreachable"]
    assert sum("cannot be reached" in line for line in said) == 1
