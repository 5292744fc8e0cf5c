"""The actions ``drift`` and ``mend``: what they read, write and change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from unit.action.running import listen, run
from unit.plugin_utils.drift.planted import OUT, PEER, SVI, Deployed

from ansible_collections.netops.aci_calico.plugins.action import drift, mend

NO_ANSWER = {"failed": True, "msg": "no answer", "error": {"cause": "unreachable", "host": "apic", "text": "no route"}}


class Bench:
    """Both actions with modules that answer from a cluster in which somebody changed something."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deployed = Deployed()
        self.folder = folder
        self.said = listen(monkeypatch)
        self.pushed: list[tuple[str, dict[str, Any]]] = []
        self.queries: list[str] = []
        self.silent = False

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "aci_info":
            if self.silent:
                return NO_ANSWER
            self.queries += arguments["queries"]
            about_records = "aaaModLR" in arguments["queries"][0]
            return {"objects": self.deployed.records if about_records else self.deployed.objects}
        if name == "calico_info":
            assert arguments["details"]
            return {"calico": {**self.deployed.calico, "managers": self.deployed.managers}}
        self.pushed.append((name, arguments))
        return {"changed": True, "diff": [{"before": "a", "after": "b"}]}

    def drift(self, **options: Any) -> dict[str, Any]:
        folders = {"artifacts_dir": str(self.folder), "metrics_dir": str(self.folder / "metrics")}
        return run(drift, self.module, {}, plan=self.deployed.plan, **{**folders, **options})

    def mend(self, names: str, **variables: Any) -> dict[str, Any]:
        return run(mend, self.module, {"aci_calico_mend": names, **variables}, plan=self.deployed.plan)

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.folder / "prod1" / "drift.json").read_text())

    def metrics(self) -> dict[str, str]:
        lines = (self.folder / "metrics" / "acicalico_drift_prod1.prom").read_text().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def _change_both(bench: Bench) -> None:
    bench.deployed.objects[SVI]["attributes"]["mtu"] = "1500"
    bench.deployed.note("eve", SVI, "modification", "mtu (Old: 9000, New: 1500)")
    bench.deployed.held(PEER)["spec"]["asNumber"] = 1
    fields = {"f:spec": {"f:asNumber": {}}}
    bench.deployed.managers[PEER] = [{"manager": "kubectl-edit", "time": "2026-01-02T00:00:00Z", "fieldsV1": fields}]


def test_without_drift_nothing_fails_and_no_records_are_asked_for(bench: Bench) -> None:
    result = bench.drift(fails=True)
    assert (result["drifted"], result["changed"], result.get("failed")) == (False, False, None)
    assert bench.report == {"cluster": "prod1", "drifted": False, "differences": []}
    assert not any("aaaModLR" in query for query in bench.queries)
    assert bench.metrics()['acicalico_drift_differences{cluster="prod1",side="apic"}'] == "0"
    assert bench.said == ["cluster prod1: no drift, both sides are as planned"]


def test_drift_is_printed_and_written_with_who_and_when(bench: Bench) -> None:
    _change_both(bench)
    result = bench.drift()
    assert (result["drifted"], result["changed"], result.get("failed")) == (True, False, None)
    text = " ".join(" ".join(bench.said).split())
    assert "2 differences, 1 on APIC and 1 in Kubernetes" in text
    assert "mtu is 1500, planned 9000" in text
    assert "by eve, 2026-01-02T03:04:05.000+00:00 (audit log)" in text
    assert "spec.asNumber is 1, planned 65002" in text
    assert "by kubectl-edit, 2026-01-02T00:00:00Z (managedFields)" in text
    assert [len(line) for line in bench.said if len(line) > 80 and " " in line.strip()[:70] and "uni/" not in line] == []
    report = bench.report
    assert report["drifted"]
    assert [one["name"] for one in report["differences"]] == result["names"]
    suites = ElementTree.fromstring((bench.folder / "prod1" / "drift.xml").read_text())
    assert {suite.get("name"): suite.get("failures") for suite in suites} == {"apic": "1", "kubernetes": "1"}
    assert bench.metrics()['acicalico_drift_differences{cluster="prod1",side="kubernetes"}'] == "1"
    assert bench.pushed == []


def test_what_mending_does_to_traffic_is_told(bench: Bench) -> None:
    bench.deployed.objects[SVI]["attributes"]["mtu"] = "1500"
    bench.drift()
    (found,) = bench.report["differences"]
    assert found["traffic"]["class"] in ("hitless", "session-reset", "path-change", "route-loss", "traffic-interruption")
    assert found["traffic"]["reason"]


def test_a_pipeline_fails_by_drift_and_has_the_report(bench: Bench) -> None:
    _change_both(bench)
    result = bench.drift(fails=True)
    assert result["failed"]
    assert result["msg"] == "cluster prod1: 2 differences, 1 on APIC and 1 in Kubernetes"
    assert bench.report["drifted"]


def test_a_side_that_cannot_be_read_is_no_verdict(bench: Bench) -> None:
    bench.silent = True
    assert bench.drift()["failed"]
    assert not (bench.folder / "prod1").exists()
    assert bench.metrics()['acicalico_drift_success{cluster="prod1"}'] == "0"
    bench.silent = False
    bench.deployed.calico["failures"] = [{"path": "/apis/x", "status": 403, "message": "forbidden"}]
    result = bench.drift()
    assert [problem["id"] for problem in result["problems"]] == ["unreadable"]


def test_mending_pushes_exactly_the_named_objects(bench: Bench) -> None:
    _change_both(bench)
    bench.deployed.objects[f"{OUT}"]["attributes"]["descr"] = "unplanned attributes do not count"
    apic, kubernetes = bench.drift()["names"]
    result = bench.mend(apic, aci_calico_consent="traffic-interruption,session-reset,route-loss")
    assert result["mended"] == [apic]
    ((name, sent),) = bench.pushed
    assert (name, sent["part"], sent["only"], sent["adopt"]) == ("aci_push", "l3out", [SVI], True)
    bench.pushed.clear()
    consents = "traffic-interruption,session-reset,route-loss"
    assert bench.mend(f"{apic},{kubernetes}", aci_calico_consent=consents)["changed"]
    assert [(name, sent["only"]) for name, sent in bench.pushed] == [("aci_push", [SVI]), ("calico_push", [PEER])]


def test_what_interrupts_needs_a_consent(bench: Bench) -> None:
    bench.deployed.held(PEER)["spec"]["asNumber"] = 1
    (name,) = bench.drift()["names"]
    result = bench.mend(name)
    assert [problem["id"] for problem in result["problems"]] == ["consent-missing"]
    assert bench.pushed == []


def _name_nothing(_bench: Bench) -> str:
    return ""


def _name_what_changed_since(bench: Bench) -> str:
    bench.deployed.objects[SVI]["attributes"]["mtu"] = "1500"
    (name,) = bench.drift()["names"]
    bench.deployed.objects[SVI]["attributes"]["mtu"] = "1600"
    return name


def _name_a_pool_of_others(bench: Bench) -> str:
    api = bench.deployed.held(PEER)["apiVersion"]
    pool = {"apiVersion": api, "kind": "IPPool", "metadata": {"name": "y"}, "spec": {"cidr": "10.99.0.0/16"}}
    bench.deployed.calico["objects"].append(pool)
    return bench.drift()["names"][0]


@pytest.mark.parametrize(
    ("names", "problem"),
    [(_name_nothing, "mend-nothing"), (_name_what_changed_since, "mend-unknown"), (_name_a_pool_of_others, "mend-impossible")],
)
def test_what_cannot_be_mended_is_refused(bench: Bench, names: Callable[[Bench], str], problem: str) -> None:
    result = bench.mend(names(bench))
    assert [one["id"] for one in result["problems"]] == [problem]
    assert bench.pushed == []


def test_objects_of_others_are_mended_only_if_they_are_named(bench: Bench) -> None:
    dn = f"{OUT}/instP-guest"
    bench.deployed.add(dn, "l3extInstP", name="guest", annotation="orchestrator:terraform")
    (policy,) = [name for name, one in bench.deployed.objects.items() if one["class"] == "bgpCtxPol"]
    bench.deployed.objects[policy]["attributes"] |= {"annotation": "orchestrator:terraform", "holdIntvl": "99"}
    bench.drift()
    names = {one["object"]: one["name"] for one in bench.report["differences"]}
    assert bench.mend("all")["mended"] == []
    assert bench.pushed == []
    consents = "traffic-interruption,session-reset,route-loss"
    bench.mend(f"{names[dn]},{names[policy]}", aci_calico_consent=consents)
    assert [(sent["part"], sent["only"]) for __, sent in bench.pushed] == [
        ("policies", [policy, f"{policy}/annotationKey-[aci-calico:before-adoption]"]),
        ("l3out", [dn]),
    ]
