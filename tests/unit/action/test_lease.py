"""The ``lease`` action: the order of both sides, the wait for another run, and the release in each case."""

from __future__ import annotations

from typing import Any

import pytest
from unit.action.running import run
from unit.plugin_utils.healthy_cluster import Cluster

from ansible_collections.netops.aci_calico.plugins.action import lease as action
from ansible_collections.netops.aci_calico.plugins.plugin_utils.lease import process_mark

OTHER = {"run": "3f2a", "holder": "anna@ctl", "renewed": "2026-01-01T00:00:00Z", "seconds": 180}
BOTH = [("aci_lease", "acquired"), ("calico_lease", "acquired")]
RELEASED = [("calico_lease", "released"), ("aci_lease", "released")]


class Bench:
    """Modules that say who holds the leases, and a clock that only waiting moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, str]] = []
        self.arguments: list[dict[str, Any]] = []
        self.said: list[str] = []
        self.busy: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, str] = {}
        self.batch = ["prod1"]
        self.variables: dict[str, Any] = {}
        self.free_at, self.now = float("inf"), 0.0
        monkeypatch.setattr(action.ActionModule, "show", lambda _action, text: self.said.append(text))
        monkeypatch.setattr(action.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(action.time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((name, arguments["state"]))
        self.arguments.append(arguments)
        if name in self.failing:
            return {"failed": True, "msg": self.failing[name]}
        holder = self.busy.get(name)
        if holder and self.now < self.free_at and holder["run"] not in arguments["take"]:
            return {"held": False, "holder": holder}
        return {"held": True, "holder": None, "namespace": arguments.get("namespace")}

    def run(self, check: bool = False, leased: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        variables = {"ansible_play_batch": self.batch, "aci_calico_leased": {"lease": leased}, **self.variables}
        return run(action, self.module, variables, check, plan=Cluster().plan, **options)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_apic_comes_first_and_is_released_last(bench: Bench) -> None:
    result = bench.run()
    assert bench.asked == BOTH
    assert bench.arguments[0]["dn"] == "uni/tn-common"
    lease = result["lease"]
    assert (lease["held"], result["changed"]) == ({"apic": "", "kubernetes": "auto"}, False)
    assert lease["content"]["renewed"] == lease["content"]["since"] != ""
    bench.run(leased=lease, state="released")
    assert bench.asked[2:] == RELEASED
    assert bench.arguments[2]["lease"]["run"] == lease["content"]["run"]


def test_a_lease_holds_while_other_clusters_of_the_play_wait_for_theirs(bench: Bench) -> None:
    assert bench.run()["lease"]["content"]["seconds"] == 180
    bench.batch = ["prod1", "prod2"]
    assert bench.run(wait=100)["lease"]["content"]["seconds"] == 280


def test_only_the_sides_of_the_run_are_taken(bench: Bench) -> None:
    lease = bench.run(on_apic=False)["lease"]
    bench.run(leased=lease, state="released")
    assert bench.asked == [BOTH[1], RELEASED[0]]


def test_a_run_that_has_nothing_to_change_needs_no_lease(bench: Bench) -> None:
    both = {"apic": {}, "kubernetes": {"pending": []}}
    taken = bench.run(as_planned=both)
    assert (taken["lease"]["held"], taken["as_planned"], bench.asked) == ({}, both, [])
    assert bench.run(as_planned={"apic": {}}, in_kubernetes=False)["as_planned"] == {"apic": {}}
    assert bench.run(check=True, as_planned={"apic": {}})["as_planned"] == {"apic": {}}
    assert "as_planned" not in bench.run(leased=taken["lease"], state="released"), "later plays look for themselves"
    assert bench.asked == []


@pytest.mark.parametrize("settled", ["apic", "kubernetes"])
def test_a_run_that_changes_one_side_relies_on_no_earlier_look_at_the_other(bench: Bench, settled: str) -> None:
    """Another run may have changed it since, and the cluster would be a mixture of both runs."""
    result = bench.run(as_planned={settled: {}})
    assert (sorted(result["lease"]["held"]), result["as_planned"]) == (["apic", "kubernetes"], {})
    assert bench.asked == BOTH


def test_check_mode_and_a_run_without_a_lease_ask_nothing(bench: Bench) -> None:
    bench.run(check=True)
    bench.run(state="released")
    assert bench.asked == []


def test_it_waits_for_the_other_run_and_says_so(bench: Bench) -> None:
    bench.busy, bench.free_at = {"aci_lease": OTHER}, 60
    result = bench.run()
    assert "lease" in result
    assert bench.asked[-1] == BOTH[1]
    assert bench.now == 60
    assert len(bench.said) == 2, "each half minute"
    assert "anna@ctl (run 3f2a) holds it" in bench.said[0]


def test_it_gives_up_in_time_and_releases_what_it_has(bench: Bench) -> None:
    bench.busy = {"calico_lease": OTHER}
    result = bench.run(wait=30)
    assert bench.now == 30
    (problem,) = result["problems"]
    assert (result["failed"], problem["id"], problem["path"]) == (True, "lease-held", "Lease/netops-aci-calico")
    assert "-e aci_calico_take_lease=3f2a" in problem["remedy"]
    assert bench.asked[-1] == RELEASED[1]
    assert "lease" not in result


@pytest.mark.parametrize("take", ["3f2a", "anna@ctl"])
def test_a_lease_is_taken_over_by_name(bench: Bench, take: str) -> None:
    bench.busy = {"aci_lease": OTHER}
    result = bench.run(take=take, wait=0)
    assert bench.now == 0
    assert "lease" in result
    assert "is taken over, because aci_calico_take_lease names it" in result["warnings"][0]


def test_a_stale_lease_is_taken_over(bench: Bench) -> None:
    bench.busy = {"calico_lease": OTHER}
    assert "because it was not renewed for 180 s" in bench.run()["warnings"][0]
    assert bench.now == 180


def test_the_lease_of_a_dead_process_is_taken_over_at_once(bench: Bench) -> None:
    dead = process_mark(1).rpartition(" ")[0] + " 0"
    bench.busy = {"aci_lease": {**OTHER, "mark": dead}}
    assert "its process on this machine has ended" in bench.run(wait=0)["warnings"][0]


def test_a_failure_of_one_side_releases_the_other(bench: Bench) -> None:
    bench.failing["calico_lease"] = "no such host"
    assert bench.run()["msg"] == "calico_lease: no such host"
    assert bench.asked == [*BOTH, RELEASED[1]]


def test_a_failed_release_is_a_warning(bench: Bench) -> None:
    lease = bench.run()["lease"]
    bench.failing["aci_lease"] = "no answer"
    result = bench.run(leased=lease, state="released")
    assert not result.get("failed")
    assert "is not released, and holds for at most 180 s: aci_lease: no answer" in result["warnings"][0]
