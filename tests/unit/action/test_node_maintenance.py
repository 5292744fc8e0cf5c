"""The ``node_maintenance`` action: the order in which nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from unit.action.running import run
from unit.plugin_utils.healthy_cluster import NODES, Cluster

from ansible_collections.netops.aci_calico.plugins.action import node_maintenance as action


class Bench:
    """A healthy cluster whose modules only say what they were asked."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.asked: list[str] = []
        self.drained: Any = {}
        self.variables: dict[str, Any] = {}
        self.held = True
        self.failures: list[dict[str, Any]] = []
        self.broken: list[tuple[str, dict[str, Any]]] = []  # results of the next calls of modules

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "calico_state":
            nodes = [{"metadata": {"name": node}, "spec": {}} for node in NODES]
            return {"state": {**self.cluster.state, "nodes": nodes, "failures": self.failures}}
        if name == "calico_lease":
            self.asked.append(f"{name} {arguments['lease']['seconds']}")
            return {"held": self.held, "holder": None}
        self.asked.append(f"{name} {arguments.get('name') or arguments.get('nodes') or len(arguments['changes'])}")
        if self.broken and name == self.broken[0][0]:
            return self.broken.pop(0)[1]
        return self.drained if name == "verify" else {"changed": True}

    def run(self, check: bool = False, **options: Any) -> dict[str, Any]:
        return run(
            action, self.module, self.variables, check, **{"plan": self.cluster.plan, "nodes": "node-2, node-5", **options}
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


PATCH, WAIT = "calico_objects 2", "verify ['node-2', 'node-5']"


def test_services_leave_before_pods_do(bench: Bench) -> None:
    result = bench.run()
    assert bench.asked == [PATCH, WAIT, *(f"{action.DRAIN} {node}" for node in ("node-2", "node-5"))]
    assert result["changed"]
    assert [change["after_header"] for change in result["diff"]] == ["node-2", "node-5"]


def test_pods_stay_as_long_as_leaves_send_traffic(bench: Bench) -> None:
    bench.drained = {"failed": True, "msg": "leaf 201 has a route"}
    result = bench.run()
    assert bench.asked == [PATCH, WAIT]
    assert (result["failed"], result["msg"], result["changed"]) == (True, "leaf 201 has a route", True)


def test_check_mode_does_not_wait_and_drain_is_a_choice(bench: Bench) -> None:
    bench.run(check=True, drain=False)
    assert bench.asked == [PATCH]


def test_a_node_that_nobody_knows_is_refused(bench: Bench) -> None:
    result = bench.run(nodes=["node-9"])
    assert [problem["id"] for problem in result["problems"]] == ["maintenance-node-unknown"]
    assert bench.asked == []


LEASED = {"aci_calico_leased": {"lease": {"content": {"run": "3f2a"}, "held": {"kubernetes": "kube-system"}}}}


def test_the_lease_holds_for_as_long_as_each_step_may_take(bench: Bench) -> None:
    bench.variables = LEASED
    bench.run(nodes=["node-2"], timeout=90, delete_options={"wait_timeout": 500})
    assert bench.asked[0::2] == ["calico_lease 270", "verify ['node-2']", f"{action.DRAIN} node-2"]
    assert bench.asked[3] == "calico_lease 680"
    bench.asked.clear()
    bench.run(nodes=["node-2"], state="end")
    assert bench.asked[0] == "calico_lease 180"


def test_a_lost_lease_stops_the_maintenance(bench: Bench) -> None:
    bench.variables, bench.held = LEASED, False
    result = bench.run()
    assert [problem["id"] for problem in result["problems"]] == ["lease-lost"]
    assert len(bench.asked) == 1


def test_nodes_that_cannot_be_read_are_refused(bench: Bench) -> None:
    bench.failures = [{"path": "/api/v1/nodes", "status": 403, "message": "forbidden"}]
    assert [problem["id"] for problem in bench.run()["problems"]] == ["unreadable"]
    assert bench.asked == []


def test_a_drain_is_repeated_after_a_failure_that_passes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action.time, "sleep", lambda seconds: bench.asked.append("pause"))
    busy, refused = ({"failed": True, "msg": f"Failed to delete pod due to: ({status})"} for status in (503, 403))
    bench.broken = [(action.DRAIN, busy)]
    assert not bench.run(nodes=["node-2"]).get("failed")
    assert bench.asked[2:] == [f"{action.DRAIN} node-2", "pause", f"{action.DRAIN} node-2"]
    bench.broken = [(action.DRAIN, refused)]
    assert "403" in bench.run(nodes=["node-2"])["msg"]
    bench.broken = [(action.DRAIN, busy)] * 9
    assert "503" in bench.run(nodes=["node-2"])["msg"]


def test_a_change_before_a_failure_counts(bench: Bench) -> None:
    bench.broken = [("calico_objects", {"failed": True, "changed": True, "msg": "https://api: HTTP status 409"})]
    result = bench.run()
    assert (result["failed"], result["changed"], bench.asked) == (True, True, [PATCH])
