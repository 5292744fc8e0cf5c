"""The lease on APIC: one holder in each order of requests, and nothing left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.module_utils.leasing import Client, every_order

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.lease import (
    DELETE,
    KEEP,
    ApicLease,
    Chain,
    acquire,
    release,
    renew,
)
from ansible_collections.netops.aci_calico.plugins.module_utils.apic.session import Answer, ApicError, OutcomeUnknown
from ansible_collections.netops.aci_calico.plugins.module_utils.lease import Lease, stamp

CLUSTER = "prod1"
NOW = 1_800_000_000.0


def lease(run: str) -> Lease:
    return Lease(run, f"{run}@host", renewed=stamp(NOW))


class Tags:
    """A tenant's tags, which are written in transactions as APIC does."""

    def __init__(self, **tags: str) -> None:
        self.tags = tags

    def handle(self, request: Any) -> Any:
        if request is None:
            return dict(self.tags)
        after = dict(self.tags)
        for key, what in request.items():
            if what is DELETE:
                after.pop(key, None)
            elif (what is KEEP or isinstance(what, tuple)) != (key in after):
                return False
            elif what is not KEEP:
                after[key] = what[0] if isinstance(what, tuple) else what
        self.tags = after
        return True

    def play(self, steps: Any) -> Any:
        client = Client(steps)
        while not client.ended:
            client.advance(self)
        return client.outcome

    def holder(self) -> str:
        chain = Chain(CLUSTER, self.tags)
        return chain.links[-1][1].run if chain.links else ""


def holders(clients: list[Client]) -> list[int]:
    return [number for number, client in enumerate(clients) if client.outcome.held]


def test_one_of_three_runs_gets_a_free_lease() -> None:
    orders = 0
    for server, clients, order in every_order(Tags(), lambda: [acquire(CLUSTER, lease(run)) for run in "abc"]):
        (winner,) = holders(clients)
        assert server.holder() == "abc"[winner], order
        assert {client.outcome.holder.run for client in clients} == {"abc"[winner]}
        orders += 1
    assert orders > 10


def test_one_of_two_runs_takes_over_a_stale_lease() -> None:
    dead = Tags()
    dead.play(acquire(CLUSTER, lease("dead")))
    for server, clients, order in every_order(dead, lambda: [acquire(CLUSTER, lease(run), ["dead"]) for run in "ab"]):
        (winner,) = holders(clients)
        assert server.holder() == "ab"[winner], order
        server.play(release(CLUSTER, "ab"[winner]))
        assert server.tags == {}


def test_a_run_that_is_taken_over_by_name_while_it_ends() -> None:
    alive = Tags()
    alive.play(acquire(CLUSTER, lease("alive")))

    def clients() -> list[Any]:
        return [release(CLUSTER, "alive"), acquire(CLUSTER, lease("b"), ["alive"]), acquire(CLUSTER, lease("c"))]

    for server, played, order in every_order(alive, clients):
        # The one that took it over may lose it again to the end of the other run, which it notices before it writes.
        checked = [server.play(renew(CLUSTER, run, "", 180, NOW)).held for run in ("b", "c")]
        assert sum(checked) <= 1, order
        assert not [run for run, held in zip((1, 2), checked, strict=True) if held and run not in holders(played)]
        for run in ("b", "c"):
            server.play(release(CLUSTER, run))
        server.play(acquire(CLUSTER, lease("next")))
        server.play(release(CLUSTER, "next"))
        assert server.tags == {}, order


def test_a_late_taker_does_not_take_the_lease_of_the_next_run() -> None:
    server = Tags()
    server.play(acquire(CLUSTER, lease("dead")))
    late = Client(acquire(CLUSTER, lease("late"), ["dead"]))
    late.advance(server)  # the gate exists
    late.advance(server)  # it has read the dead run's lease
    server.play(acquire(CLUSTER, lease("quick"), ["dead"]))
    server.play(release(CLUSTER, "quick"))
    server.play(acquire(CLUSTER, lease("next")))
    while not late.ended:
        late.advance(server)
    assert not late.outcome.held
    assert late.outcome.holder.run == "next"
    assert server.play(renew(CLUSTER, "next", "", 180, NOW)).held
    server.play(release(CLUSTER, "next"))
    assert server.tags == {}


def test_the_run_that_was_taken_over_notices_and_removes_nothing() -> None:
    server = Tags()
    server.play(acquire(CLUSTER, lease("a")))
    server.play(acquire(CLUSTER, lease("b"), ["a"]))
    lost = server.play(renew(CLUSTER, "a", "write", 180, NOW))
    assert (lost.held, lost.holder.run) == (False, "b")
    server.play(release(CLUSTER, "a"))
    assert server.holder() == "b"
    assert server.play(acquire(CLUSTER, lease("c"))).holder.run == "b"


@pytest.mark.parametrize(("later", "seconds", "written"), [(5, 180, False), (31, 180, True), (5, 400, True)])
def test_a_renewal_is_written_when_it_says_something_new(later: int, seconds: int, written: bool) -> None:
    server = Tags()
    server.play(acquire(CLUSTER, lease("a")))
    before = dict(server.tags)
    assert server.play(renew(CLUSTER, "a", "wait", seconds, NOW + later)).held
    assert (server.tags != before) == written
    if written:
        stored = json.loads(server.tags[f"aci-calico-lease:{CLUSTER}"])
        assert (stored["doing"], stored["seconds"], stored["renewed"]) == ("wait", seconds, stamp(NOW + later))


def _refuse(error: ApicError) -> None:
    raise error


class Failing:
    """A session whose writes get no answer, or that APIC refuses."""

    def __init__(self, server: Tags, *failures: Any) -> None:
        self.server, self.failures, self.pauses = server, [*failures], 0

    def get(self, _path: str) -> list[dict[str, Any]]:
        return [{"tagAnnotation": {"attributes": {"key": key, "value": value}}} for key, value in self.server.tags.items()]

    def post(self, _path: str, data: str) -> None:
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "before":
            raise OutcomeUnknown(ApicError("configure", Answer(503)))
        if isinstance(failure, ApicError):
            _refuse(failure)
        tags = [child["tagAnnotation"]["attributes"] for child in json.loads(data)["fvTenant"]["children"]]
        what = {"deleted": lambda tag: DELETE, "created": lambda tag: tag["value"]}
        accepted = self.server.handle({tag["key"]: what[tag["status"]](tag) for tag in tags})
        if failure == "after":
            raise OutcomeUnknown(ApicError("configure", Answer(503)))
        if not accepted:
            raise ApicError("configure", Answer(400, code="103"))

    def pause(self, _attempt: int) -> None:
        self.pauses += 1


@pytest.mark.parametrize("failure", ["before", "after"])
def test_requests_without_an_answer_are_repeated_after_a_look(failure: str) -> None:
    server = Tags()
    session: Any = Failing(server, failure)
    mine = ApicLease(session, "uni/tn-common", CLUSTER)
    assert mine.acquire(lease("a"), ()).held
    session.failures = [failure]
    mine.release("a")
    assert server.tags == {}
    assert session.pauses == 2


def test_a_tenant_that_does_not_exist_is_an_error() -> None:
    session: Any = Failing(Tags(), ApicError("configure", Answer(400, code="102", text="configured object not found")))
    with pytest.raises(ApicError, match="not found"):
        ApicLease(session, "uni/tn-none", CLUSTER).acquire(lease("a"), ())
