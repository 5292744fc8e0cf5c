"""The ``rehearse`` action: what it reads, writes, prints and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.action.running import listen, run
from unit.plugin_utils.sample_plans import plan_of

from ansible_collections.netops.aci_calico.plugins.action import rehearse as action
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import between_plans

BEFORE, AFTER = plan_of(), plan_of(bgp_hold=9, bgp_keepalive=3)


class Bench:
    """A folder for artifacts, and a fabric as BEFORE says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []

    def module(self, name: str, _arguments: dict[str, Any]) -> dict[str, Any]:
        """Answer as APIC does."""
        self.asked.append(name)
        return {"objects": flat(apic_tree(BEFORE), tags=True), "privileges": None}

    def run(self, plan: dict[str, Any] = AFTER, consent: str = "", check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Return the result of the action."""
        variables = {"aci_calico_artifacts_dir": str(self.folder), **({"aci_calico_consent": consent} if consent else {})}
        return run(action, self.module, variables, check, plan=plan, **arguments)

    def written(self) -> dict[str, Any]:
        """Return rehearsal.json."""
        found: dict[str, Any] = json.loads((self.folder / "prod1/rehearsal.json").read_text(encoding="utf-8"))
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


GIVEN = {"comparison": between_plans(BEFORE, AFTER).as_dict(), "require_consents": True}


def test_what_preflight_compared_is_not_read_again(bench: Bench) -> None:
    result = bench.run(consent="session-reset", **GIVEN)
    assert (result["overall"], result["consent"], bench.asked) == ("session-reset", ["session-reset"], [])
    assert not result["changed"]
    assert bench.written()["overall"] == "session-reset"


def test_without_a_consent_it_prints_the_rehearsal_and_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    said = listen(monkeypatch)
    result = bench.run(**GIVEN)
    assert [problem["id"] for problem in result["problems"]] == ["consent-missing"]
    assert "-e aci_calico_consent=session-reset" in result["problems"][0]["remedy"]
    assert any("session-reset" in line and "bgpRsBgpNodeCtxPol" in line for line in said)


def test_check_mode_warns_and_writes_nothing(bench: Bench) -> None:
    result = bench.run(check=True, **GIVEN)
    assert "failed" not in result
    assert any("consent-missing" in text for text in result["warnings"])
    assert not (bench.folder / "prod1").exists()


def test_what_is_as_planned_is_known_from_preflight_alone(bench: Bench) -> None:
    """Only preflight reads the leases."""
    known = between_plans(BEFORE, BEFORE).as_dict() | {"as_planned": {"apic": {}}}
    assert bench.run(BEFORE, comparison=known)["as_planned"] == {"apic": {}}
    assert bench.run(BEFORE, in_kubernetes=False)["as_planned"] == {}


def test_a_side_that_was_not_compared_is_read(bench: Bench) -> None:
    assert bench.run(in_kubernetes=False)["overall"] == "session-reset"
    assert bench.asked == ["aci_info"]
    assert bench.run(on_apic=False, in_kubernetes=False) == {"changed": False}


def test_an_earlier_plan_stands_for_what_is_deployed(bench: Bench) -> None:
    path = bench.folder / "prod1" / "plan.json"
    path.parent.mkdir()
    path.write_text(json.dumps(BEFORE), encoding="utf-8")
    for name in (path, bench.folder):
        assert bench.run(deployed_plan=str(name))["overall"] == "session-reset"
    assert bench.asked == []
    assert bench.run(BEFORE, deployed_plan=str(path))["overall"] == "hitless"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", json.dumps({**BEFORE, "cluster": "prod2"}), json.dumps({**BEFORE, "schema": 0})]
)
def test_what_is_no_plan_of_the_cluster_is_a_problem(bench: Bench, content: str) -> None:
    path = bench.folder / "plan.json"
    path.write_text(content, encoding="utf-8")
    assert [problem["id"] for problem in bench.run(deployed_plan=str(path))["problems"]] == ["deployed-plan"]
