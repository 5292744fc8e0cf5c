"""The ``undo`` action: which journal, what it shows, in which order it pushes, and what it refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from unit.action.running import listen, run
from unit.plugin_utils.calico.test_undo import fresh, push_of, pushed
from unit.plugin_utils.sample_plans import FLOATING, plan_of

from ansible_collections.netops.aci_calico.plugins.action import undo as action
from ansible_collections.netops.aci_calico.plugins.module_utils import journal
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.undo import intended, kept_state
from ansible_collections.netops.aci_calico.plugins.plugin_utils.journal import Entry, Journals

PLAN = plan_of(FLOATING)
NAME = "20260101T000000Z-aaa"
SVI = "uni/tn-common/out-calico-prod1"
OWNER = "orchestrator:aci-calico:prod1"
L3OUT = {"class": "l3extOut", "attributes": {"annotation": OWNER, "enforceRtctrl": "export,import", "name": "calico-prod1"}}
CONSENT = {"aci_calico_consent": "session-reset,route-loss,traffic-interruption"}
TIMERS = "uni/tn-common/bgpCtxP-t"
ABOUT = {"cluster": "prod1", "run": "aaa", "since": "2026-01-01T00:00:00Z", "holder": "u@h", "playbook": "site.yml", "doing": "x"}


class Bench:
    """A cluster with journals, and modules that only say what they were asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.said = listen(monkeypatch)
        self.asked: list[tuple[str, Any]] = []
        self.objects: dict[str, Any] = {}
        self.found = fresh()
        self.failing: dict[str, str] = {}

    def keep(self, name: str = NAME, side: str = "apic", before: Any = None, allocation: Any = None, **changes: Any) -> Path:
        path = self.folder / "prod1" / "journal" / f"{name}.json"
        none = {"created": [], "modified": {}, "deleted": []}
        about = {**ABOUT, "run": name.partition("-")[2], "allocation": allocation}
        journal.add(str(path), about, side, lambda: before or {}, {**none, **changes})
        return path

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "aci_info":
            return {"objects": self.objects}
        if name == "calico_info":
            return {"calico": copy.deepcopy(self.found)}
        self.asked.append((name, arguments))
        return {"failed": True, "msg": self.failing[name]} if name in self.failing else {"changed": True}

    def undo(self, check: bool = False, **options: Any) -> dict[str, Any]:
        variables = {"aci_calico_artifacts_dir": str(self.folder), "aci_calico_bgp_password": "secret", **CONSENT}
        return run(action, self.module, variables, check, plan=PLAN, **options)

    @property
    def steps(self) -> list[str]:
        return [name for name, _arguments in self.asked]


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_the_newest_journal_is_brought_back(bench: Bench) -> None:
    bench.keep("20250101T000000Z-old", before={SVI: L3OUT})
    bench.keep(before={}, created=[SVI])
    bench.objects = {SVI: L3OUT}
    result = bench.undo()
    assert (result["journal"], result["changed"], result["problems"]) == (NAME, True, [])
    assert bench.steps == ["aci_push", "aci_push"]
    roots = bench.asked[0][1]["roots"]
    assert [(root["dn"], root.get("state")) for root in roots] == [("uni", None), (SVI, "absent")]
    assert f"    {SVI}" in bench.said
    assert "APIC, remove (1):" in " ".join(bench.said)


def test_an_interruption_needs_its_consent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.keep(before={}, created=[SVI])
    bench.objects = {
        SVI: L3OUT,
        f"{SVI}/lnodep-rack-1": {"class": "l3extLNodeP", "attributes": {"annotation": OWNER, "name": "rack-1"}},
    }
    monkeypatch.setitem(CONSENT, "aci_calico_consent", "")
    result = bench.undo()
    assert "consent-missing" in {problem["id"] for problem in result["problems"]}
    assert bench.steps == []


def test_a_second_undo_changes_nothing(bench: Bench) -> None:
    bench.keep(before={SVI: L3OUT}, modified={SVI: {"enforceRtctrl": "export"}})
    bench.objects = {SVI: L3OUT}
    assert bench.undo()["changed"] is False
    assert bench.steps == []
    assert "Both sides are as the journal has them." in " ".join(bench.said)


def test_an_older_journal_is_named(bench: Bench) -> None:
    bench.keep("20250101T000000Z-old", before={SVI: L3OUT}, deleted=[SVI])
    bench.keep(before={})
    assert bench.undo(journal="20250101T000000Z-old")["journal"] == "20250101T000000Z-old"
    assert bench.undo(list=True)["journals"] == [NAME, "20250101T000000Z-old"]
    assert "1 APIC" in " ".join(bench.said)


def test_an_older_journal_has_the_sides_that_only_later_runs_changed(bench: Bench) -> None:
    """The first run failed after its push to APIC, and the second one went on in Kubernetes."""
    objects = {"objects": [], "nodes": {}, "stored_metadata": {}}
    bench.keep("20250101T000000Z-old", before={SVI: L3OUT}, created=[TIMERS])
    bench.keep("20250102T000000Z-mid", side="kubernetes", before=objects, created=["BGPPeer/x"])
    bench.keep(before={}, deleted=[SVI])
    journals = Journals(str(bench.folder), "prod1")
    chosen = journals.choose("20250101T000000Z-old")
    assert isinstance(chosen, Entry)
    assert chosen.content["before"] == {"apic": {SVI: L3OUT}, "kubernetes": objects}
    latest = journals.choose("")
    assert isinstance(latest, Entry)
    assert latest.content["before"] == {"apic": {}}


@pytest.mark.parametrize(("name", "remedy"), [("", "aci_calico_journal"), ("20250101T000000Z-no", NAME)])
def test_a_journal_that_is_missing_is_a_problem(bench: Bench, name: str, remedy: str) -> None:
    if name:
        bench.keep(before={})
    (problem,) = bench.undo(journal=name)["problems"]
    assert problem["id"] == "journal-missing"
    assert remedy in problem["remedy"]


@pytest.mark.parametrize("damage", ["digest", "json", "cluster"])
def test_a_damaged_journal_is_not_used(bench: Bench, damage: str) -> None:
    path = bench.keep(before={SVI: L3OUT})
    text = path.read_text(encoding="utf-8")
    other = json.loads(text) | {"cluster": "prod2"}
    path.write_bytes(
        {
            "digest": text.replace("export,import", "export").encode(),
            "json": text[:90].encode(),
            "cluster": journal.sealed(other),
        }[damage]
    )
    assert [problem["id"] for problem in bench.undo()["problems"]] == ["journal-damaged"]
    assert bench.steps == []
    bench.undo(list=True)


def test_changes_by_others_are_said(bench: Bench) -> None:
    bench.keep(before={SVI: L3OUT}, modified={SVI: {"enforceRtctrl": "export"}})
    bench.objects = {
        SVI: {"class": "l3extOut", "attributes": {**L3OUT["attributes"], "enforceRtctrl": ""}},
        TIMERS: {"class": "bgpCtxPol", "attributes": {"annotation": OWNER, "name": "t"}},
    }
    (problem,) = bench.undo()["problems"]
    assert problem["id"] == "undo-changed-since"
    assert SVI in problem["path"]
    assert TIMERS in problem["path"]
    bench.objects[SVI]["attributes"]["enforceRtctrl"] = "export"
    (problem,) = bench.undo()["problems"]
    assert SVI not in problem["path"]


def test_a_first_run_is_undone_in_kubernetes_first(bench: Bench) -> None:
    push = push_of(PLAN, bench.found)
    bench.keep(before={}, created=[SVI])
    bench.keep(side="kubernetes", before=kept_state(PLAN, bench.found, push), **intended(push))
    bench.found, bench.objects = pushed(bench.found, push), {SVI: L3OUT}
    result = bench.undo()
    assert result["problems"] == []
    assert bench.steps == ["calico_push", "aci_push", "aci_push"]


def test_a_teardown_is_undone_on_apic_first_and_needs_the_password(bench: Bench) -> None:
    installed = fresh()
    before = pushed(installed, push_of(PLAN, installed))
    push = push_of(PLAN, before, "absent")
    bench.keep(side="kubernetes", before=kept_state(PLAN, before, push), **intended(push))
    bench.keep(before={SVI: L3OUT}, deleted=[SVI])
    bench.found = pushed(before, push)
    assert bench.undo()["problems"] == []
    assert bench.steps == ["aci_push", "calico_push", "aci_push"]
    assert "A journal has no passwords" in " ".join(bench.said)
    result = run(action, bench.module, {"aci_calico_artifacts_dir": str(bench.folder), **CONSENT}, plan=PLAN)
    assert [problem["id"] for problem in result["problems"]] == ["password-missing"]


def test_an_undo_that_fails_says_how_to_complete_it(bench: Bench) -> None:
    bench.keep(before={}, created=[SVI])
    bench.objects, bench.failing = {SVI: L3OUT}, {"aci_push": "APIC is gone"}
    result = bench.undo()
    assert result["failed"]
    assert "run it again" in result["msg"]


@pytest.mark.parametrize("check", [False, True])
def test_the_allocation_file_gets_its_text_back(bench: Bench, check: bool) -> None:
    path = bench.folder / "prod1.yml"
    path.write_text("new", encoding="utf-8")
    bench.keep(before={}, allocation={"path": str(path), "text": "old"})
    result = bench.undo(check)
    assert result["changed"]
    assert path.read_text(encoding="utf-8") == ("new" if check else "old")


def test_a_conflict_with_an_object_of_others_is_said_before_anything_changes(bench: Bench) -> None:
    bench.keep(
        before={TIMERS: {"class": "bgpCtxPol", "attributes": {"annotation": OWNER, "name": "t", "kaIntvl": "1"}}},
        deleted=[TIMERS],
    )
    bench.objects = {
        TIMERS: {"class": "bgpCtxPol", "attributes": {"annotation": "orchestrator:terraform", "name": "t", "kaIntvl": "60"}}
    }
    result = bench.undo()
    assert result["failed"]
    assert "Nothing was changed" in result["msg"]
    assert bench.steps == []


def test_only_the_newest_journals_stay(bench: Bench) -> None:
    for number in range(4):
        bench.keep(f"2026010{number + 1}T000000Z-a{number}", before={})
    other = bench.folder / "prod1" / "journal" / "notes.txt"
    other.write_text("mine", encoding="utf-8")
    journals = Journals(str(bench.folder), "prod1")
    journals.forget(2)
    assert journals.names() == ["20260104T000000Z-a3", "20260103T000000Z-a2"]
    assert other.exists()


def test_a_run_whose_clock_is_behind_keeps_its_own_journal(bench: Bench) -> None:
    bench.keep("20260102T000000Z-ahead", before={})
    own = bench.keep(before={})
    Journals(str(bench.folder), "prod1").forget(1, str(own))
    assert own.exists()
