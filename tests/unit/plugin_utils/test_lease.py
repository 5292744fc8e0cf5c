"""Who a run is, and when it may take over the lease of another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils.lease import MOST_SECONDS, UNREADABLE, Lease, parse, stamp
from ansible_collections.netops.aci_calico.plugins.plugin_utils import lease as module
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.access import lease_tenant
from ansible_collections.netops.aci_calico.plugins.plugin_utils.lease import (
    Waiting,
    has_ended,
    held_problem,
    lost_problem,
    new_lease,
    process_mark,
)

PLAN = {"cluster": "prod1", "access": {"tenant": False}, "fabric": {"tenant": "k8s"}}
OTHER = Lease("3f2a", "anna@ctl", "pid 7", "mark", "site.yml", "push", stamp(0), stamp(5))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def waiting(clock: Clock, take: str = "", limit: float = 300, ended: bool = False) -> Waiting:
    return Waiting(limit, take, clock, lambda _mark: ended)


def test_a_lease_is_stale_when_it_was_seen_unchanged_for_its_time(clock):
    """The time in it is that of another clock, and does not count."""
    wait = waiting(clock)
    assert wait.reason_to_take("apic", OTHER) == ""
    clock.now += 179
    assert wait.reason_to_take("apic", OTHER) == ""
    clock.now += 1
    assert wait.reason_to_take("apic", OTHER) == "it was not renewed for 180 s"


def test_a_renewal_another_run_and_the_other_side_begin_anew(clock):
    wait = waiting(clock)
    wait.reason_to_take("apic", OTHER)
    for side, run, renewed in (("apic", "3f2a", 6), ("apic", "77", 6), ("kubernetes", "77", 6)):
        clock.now += 179
        assert wait.reason_to_take(side, Lease(run, renewed=stamp(renewed))) == ""


def test_a_lease_that_states_more_time_holds_longer(clock):
    wait, patient = waiting(clock), Lease("3f2a", renewed=stamp(5), seconds=240)
    wait.reason_to_take("apic", patient)
    clock.now += 200
    assert wait.reason_to_take("apic", patient) == ""


@pytest.mark.parametrize("take", ["3f2a", "anna@ctl"])
def test_a_lease_is_taken_by_run_or_holder(clock, take):
    assert "aci_calico_take_lease" in waiting(clock, take).reason_to_take("apic", OTHER)
    assert waiting(clock, "somebody-else").reason_to_take("apic", OTHER) == ""


def test_the_lease_of_a_process_that_has_ended_is_taken(clock):
    assert "has ended" in waiting(clock, ended=True).reason_to_take("apic", OTHER)


def test_waiting_has_an_end_and_says_what_is_new(clock):
    wait = waiting(clock, limit=10)
    assert not wait.over()
    wait.reason_to_take("apic", OTHER)
    assert [wait.news("x"), wait.news("x"), wait.news("y")] == [True, False, True]
    clock.now += 10
    assert wait.over()
    clock.now += 30
    assert wait.news("x")
    none = waiting(clock, limit=0)
    none.reason_to_take("apic", OTHER)
    assert none.over()


def test_only_a_process_of_this_machine_is_known_to_have_ended(monkeypatch, tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        mark = process_mark(process.pid)
        assert not has_ended(mark)
        process.kill()
    assert has_ended(mark)
    assert not has_ended(process_mark(os.getpid()))
    boot, rest = mark.split(" ", 1)
    for elsewhere in ("", "x", f"{boot[1:]} {rest}", mark.replace("[", "[9", 1)):
        assert not has_ended(elsewhere)
    monkeypatch.setattr(module, "PROC", tmp_path)
    assert (has_ended(mark), process_mark(os.getpid())) == (False, "")


def test_this_run(monkeypatch):
    one, two = (new_lease("configure", ["/x/site.yml"], job, os.getpid()) for job in ("", "77"))
    assert one.run != two.run
    assert (one.playbook, one.process, two.process) == ("site.yml", f"pid {os.getpid()}", "job 77")
    monkeypatch.setattr(module.getpass, "getuser", lambda: {}["nobody"])
    assert new_lease("x", [], "", 1).holder.startswith(f"{os.getuid()}@")


def test_a_stored_lease_is_data_of_strangers():
    assert parse(OTHER.text()) == OTHER
    assert parse("") == parse("[]") == parse('{"run": "a/b"}') == Lease(UNREADABLE)
    hostile = parse(json.dumps({"run": "1", "holder": "a\x1b[2J<b>" + "x" * 999, "seconds": 10**9, "doing": ["x"]}))
    assert hostile.holder.startswith("a?[2J?b?")
    assert len(hostile.holder) == 200
    assert hostile.seconds == MOST_SECONDS
    assert parse('{"run": "1", "seconds": "9"}').seconds == 180
    assert not set("<>\n") & set(Lease("1", doing="x").text())
    assert Lease("1").age(0) == float("inf")


def test_the_problems_say_who_has_it_and_what_to_do():
    problem = held_problem(PLAN, "apic", OTHER)
    assert problem.path == "uni/tn-k8s/annotationKey-[aci-calico-lease:prod1]"
    assert "anna@ctl (run 3f2a, pid 7, site.yml) holds it since 1970-01-01T00:00:00Z" in problem.problem
    assert problem.remedy.endswith("-e aci_calico_take_lease=3f2a")
    assert (held_problem(PLAN, "kubernetes", OTHER).path, problem.id) == ("Lease/netops-aci-calico", "lease-held")
    lost = lost_problem(PLAN, "apic", {"run": "9", "holder": "bob@x"})
    assert (lost.id, "now bob@x (run 9) holds it" in lost.problem) == ("lease-lost", True)
    assert "nobody holds it now" in lost_problem(PLAN, "apic", None).problem


def test_a_tenant_that_the_plan_creates_cannot_have_the_lease():
    assert lease_tenant(PLAN) == "uni/tn-k8s"
    assert lease_tenant({**PLAN, "access": {"tenant": True}}) == "uni/tn-common"
