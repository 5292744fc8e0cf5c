"""The event source: its arguments, and how ansible-rulebook starts it."""

from __future__ import annotations

import asyncio
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.plugin_utils.drift.planted import Deployed

from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift import follow

EDA = Path(__file__).resolve().parents[3] / "extensions/eda"
SOURCE = runpy.run_path(str(EDA / "plugins/event_source/drift.py"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"apic": {"host": "a"}}, "plan and apic are required"), ({"plan": "p", "apic": {"host": "a"}, "resnyc": 1}, "resnyc")],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        asyncio.run(SOURCE["main"](asyncio.Queue(), arguments))


def test_a_missing_plan_ends_the_source(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(SOURCE["main"](asyncio.Queue(), {"plan": str(tmp_path / "plan.json"), "apic": {"host": "a"}}))


def test_the_options_reach_the_follower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[follow.Settings] = []

    async def run(self: follow.Follower) -> None:
        seen.append(self._settings)

    monkeypatch.setattr(follow.Follower, "run", run)
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(Deployed().plan), encoding="utf-8")
    given = {"plan": str(plan), "apic": {"host": "a"}, "password": "p", "resync": "60", "eda_feedback_queue": None}
    asyncio.run(SOURCE["main"](asyncio.Queue(), given))
    assert seen == [follow.Settings(str(plan), {"host": "a"}, {}, "p", 60.0)]


def test_the_documentation_has_all_options() -> None:
    documented = yaml.safe_load(SOURCE["DOCUMENTATION"])["options"]
    assert set(documented) == SOURCE["_OPTIONS"]
    assert yaml.safe_load(SOURCE["EXAMPLES"])


def test_the_rulebook_mends_only_what_the_variables_allow() -> None:
    (rules,) = yaml.safe_load((EDA / "rulebooks/drift.yml").read_text(encoding="utf-8"))
    mends = [rule for rule in rules["rules"] if any("run_playbook" in action for action in rule.get("actions", []))]
    assert len(mends) == 1
    assert 'event.difference.rule == "own"' in mends[0]["condition"]
    assert "in vars.drift_mend_effects" in mends[0]["condition"]
