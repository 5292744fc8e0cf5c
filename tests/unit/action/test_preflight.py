"""Preflight looks at both sides at the same time, and reports what one of them refuses once both have ended."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from unit.action.running import listen, run
from unit.plugin_utils.sample_plans import plan_of

from ansible_collections.netops.aci_calico.plugins.action import preflight
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import _found


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


@pytest.mark.parametrize("needed", [False, True])
def test_plans_of_other_clusters_are_read_only_if_they_are_needed(monkeypatch, needed):
    listen(monkeypatch)
    own, other, found = plan_of(), plan_of(cluster_name="prod2"), []

    class Hosts(dict[str, Any]):
        def __missing__(self, host: str) -> dict[str, Any]:
            assert needed
            return {"aci_calico_planned": {"plan": other}} if host == "prod2" else {}

    def problems(_plan: Any, read: Any, _adopt: bool, beside: Any) -> list[Any]:
        read([])
        found.extend(beside if needed else ())
        return []

    monkeypatch.setattr(preflight, "fabric_problems", problems)
    hosts = {"hostvars": Hosts(), "ansible_play_batch": ["prod1", "prod2"]}
    run(preflight, lambda *_call: {"objects": {}, "privileges": None}, hosts, plan=own, look_at_kubernetes=False)
    assert found == ([other] if needed else [])


@pytest.mark.parametrize(("compare", "check"), [(True, False), (True, True), (False, False)])
def test_the_leases_are_read_with_a_comparison_and_not_in_a_dry_run(monkeypatch, compare, check):
    listen(monkeypatch)
    asked: dict[str, Any] = {}
    monkeypatch.setattr(preflight, "fabric_problems", lambda _plan, read, *_rest: read(["a"]) and [])
    monkeypatch.setattr(preflight, "cluster_problems", lambda *_all, **_more: [])
    monkeypatch.setattr(preflight, "calico_mode", lambda _found: "")
    plan = plan_of()
    calico = _found(plan)

    def module(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        asked[name] = arguments
        return {"calico": calico} if name == "calico_info" else {"objects": flat(apic_tree(plan), tags=True), "privileges": None}

    result = run(preflight, module, check=check, plan=plan, compare=compare)
    assert ("lease_namespace" in asked["calico_info"]) == (compare and not check)
    if compare:
        assert set(result["comparison"]["as_planned"]) == {"apic", "kubernetes"}
