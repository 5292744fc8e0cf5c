"""The ``node_maintenance`` action: the order in which nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.action.running import listen, run
from unit.plugin_utils.healthy_cluster import NODES, Cluster

from ansible_collections.netops.aci_calico.plugins.action import node_maintenance as action
from ansible_collections.netops.aci_calico.plugins.module_utils.names import BEFORE_MAINTENANCE_ANNOTATION, LEAVES_OUT_ANNOTATION
from lab.kube.objects import merge


class Bench:
    """A healthy cluster whose modules only say what they were asked; patches of nodes are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster = Cluster()
        self.asked: list[str] = []
        self.drained: Any = {}
        self.variables: dict[str, Any] = {"aci_calico_artifacts_dir": str(folder)}
        self.nodes: dict[str, Any] = {
            name: {"metadata": {"name": name, "labels": {}, "annotations": {}}, "spec": {}} for name in NODES
        }
        self.held = True
        self.failures: list[dict[str, Any]] = []
        self.broken: list[tuple[str, dict[str, Any]]] = []  # results of the next calls of modules

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "calico_state":
            return {"state": {**self.cluster.state, "nodes": [*self.nodes.values()], "failures": self.failures}}
        if name == "aci_state":
            self.look()
            return {"state": self.cluster.aci}
        if name == "calico_lease":
            self.asked.append(f"{name} {arguments['lease']['seconds']}")
            return {"held": self.held, "holder": None}
        self.asked.append(f"{name} {arguments.get('name') or arguments.get('nodes') or len(arguments['changes'])}")
        if self.broken and name == self.broken[0][0]:
            return self.broken.pop(0)[1]
        if name == "calico_objects":
            for change in arguments["changes"]:
                node = change["manifest"]["metadata"]["name"]
                self.nodes[node] = merge(self.nodes[node], change["manifest"])
        return self.drained if name == "verify" else {"changed": True}

    def look(self) -> None:
        """Do what a test wants before the fabric is read."""

    def record(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "prod1/maintenance.json").read_text(encoding="utf-8"))
        return content

    def run(self, check: bool = False, **options: Any) -> dict[str, Any]:
        named = {} if {"leaves", "racks"} & set(options) else {"nodes": "node-2, node-5"}
        return run(action, self.module, self.variables, check, **{"plan": self.cluster.plan, "interval": 1, **named, **options})

    def ids(self, **options: Any) -> list[str]:
        return [problem["id"] for problem in self.run(**options)["problems"]]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(action.time, "sleep", lambda seconds: None)
    return Bench(tmp_path)


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
    bench.variables |= LEASED
    bench.run(nodes=["node-2"], timeout=90, delete_options={"wait_timeout": 500})
    assert bench.asked[0::2] == ["calico_lease 270", "verify ['node-2']", f"{action.DRAIN} node-2"]
    assert bench.asked[3] == "calico_lease 680"
    bench.asked.clear()
    bench.run(nodes=["node-2"], state="end", return_timeout=100)
    assert [one for one in bench.asked if "lease" in one] == [f"calico_lease {180 + wait}" for wait in (100, 0, 100, 0)]


def test_a_lost_lease_stops_the_maintenance(bench: Bench) -> None:
    bench.variables |= LEASED
    bench.held = False
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


# --- the way back ----------------------------------------------------------------------------------------------------


def test_a_node_returns_when_its_sessions_are_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    said = listen(monkeypatch)
    bench.run(nodes=["node-2"])
    healthy = json.loads(json.dumps(bench.cluster.aci))
    for leaf in (201, 202):
        bench.cluster.drop_session(leaf, "node-2")
    result = bench.run(nodes=["node-2"], state="end", return_timeout=0)
    assert {problem["id"] for problem in result["problems"]} == {"maintenance-session-missing"}
    assert BEFORE_MAINTENANCE_ANNOTATION in bench.nodes["node-2"]["metadata"]["annotations"], "it stays out of service"
    assert bench.record()["open"] == ["node-2"]

    looks = iter([None, healthy])
    bench.look = lambda: setattr(bench.cluster, "aci", next(looks, None) or bench.cluster.aci)  # type: ignore[method-assign]
    assert not bench.run(nodes=["node-2"], state="end").get("failed")
    assert "prod1: waiting: leaf 201: Missing since the maintenance began: node-2/201" in " ".join(said)
    assert (
        bench.nodes["node-2"]["metadata"]["annotations"] == {BEFORE_MAINTENANCE_ANNOTATION: None}
        or not bench.nodes["node-2"]["metadata"]["annotations"]
    )
    assert (bench.record()["open"], bench.record()["before"]) == ([], None)


# --- leaves ----------------------------------------------------------------------------------------------------------


def test_a_leaf_that_is_out_keeps_its_partner(bench: Bench) -> None:
    """Also while its sessions are still up: it was handed over, and will go at any moment."""
    assert bench.ids(leaves=["201"]) == []
    assert {node["metadata"]["annotations"].get(LEAVES_OUT_ANNOTATION) for node in bench.nodes.values()} == {"201", None}
    before = json.dumps(bench.nodes)
    result = bench.run(leaves=["202"])
    assert [problem["id"] for problem in result["problems"]] == ["maintenance-node-alone", "maintenance-others"]
    assert "leaf 201 is out for maintenance" in result["problems"][0]["problem"]
    assert json.dumps(bench.nodes) == before
    assert bench.ids(leaves=["203"]) == ["maintenance-others"]
    assert bench.ids(leaves=["201"], state="end") == []
    assert bench.record()["open"] == ["leaf 203"]
    assert bench.ids(leaves=["202"]) == ["maintenance-others"]
    assert bench.ids(leaves=["204"], state="end") == ["maintenance-not-begun"]


def test_a_leaf_returns_when_nothing_is_missing(bench: Bench) -> None:
    bench.run(leaves=["odd"])
    bench.cluster.drop_session(203, "node-4")
    result = bench.run(leaves=["203"], state="end", return_timeout=0)
    assert {problem["id"] for problem in result["problems"]} == {"maintenance-session-missing", "maintenance-route-missing"}
    assert {problem["path"] for problem in result["problems"]} == {"leaf 203"}
    assert bench.record()["missing"]
    assert bench.ids(leaves=["201"], state="end") == []
    assert bench.record()["open"] == ["leaf 203"]


def test_a_node_that_joined_by_itself_counts(bench: Bench) -> None:
    """The plan does not have it. It may be drained, and its last leaf stays."""
    label = bench.cluster.plan["calico"]["rack_label"]
    annotations = {"projectcalico.org/IPv4Address": "192.168.2.77/24"}
    bench.nodes["auto-1"] = {"metadata": {"name": "auto-1", "labels": {label: "1"}, "annotations": annotations}, "spec": {}}
    bench.cluster.leaf(201)["sessions"].append(bench.cluster.session("192.168.2.77"))
    (problem,) = bench.run(leaves=["201"], state="ask")["problems"]
    assert problem["problem"].startswith("auto-1 would have no session left: its session with leaf 202 is missing")
    assert bench.ids(nodes=["auto-1"]) == []
    assert bench.nodes["auto-1"]["spec"]["unschedulable"]


def test_an_interruption_is_accepted_by_name(bench: Bench) -> None:
    bench.cluster.drop_session(202, "node-2")
    assert bench.ids(leaves=["201"]) == ["maintenance-node-alone"]
    bench.variables["aci_calico_consent"] = ["traffic-interruption"]
    result = bench.run(leaves=["201"])
    assert not result.get("failed")
    assert [problem["severity"] for problem in result["problems"]] == ["warning"]


def test_the_question_changes_nothing_and_answers_for_each_leaf(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    said = listen(monkeypatch)
    bench.cluster.drop_session(202, "node-2")
    result = bench.run(state="ask", nodes=[])
    assert [row["may_go"] for row in result["leaves"]] == [False, True, True, True]
    assert said[2].split() == ["201", "1", "3/3", "no", "node-2"]
    assert bench.ids(state="ask", leaves=["201"]) == ["maintenance-node-alone"]
    assert bench.ids(state="ask", leaves=["202", "203"]) == []
    assert bench.ids(state="ask") == []
    assert said[-1] == "prod1: nodes node-2, node-5 may go now"
    assert (bench.asked, bench.record()["leaves"][1]["leaf"]) == ([], 203)


def test_other_clusters_of_a_leaf_are_asked_too(bench: Bench) -> None:
    index = {"sessions": {"201": {"prod1": 3, "prod2": 2}}, "fabric": {"prod1": "a", "prod2": "a"}}
    bench.variables |= {"aci_calico_inventory": {"index": index}, "ansible_play_hosts_all": ["prod1"]}
    assert bench.ids(leaves=["201"], state="ask") == ["maintenance-leaf-shared"]
    bench.variables |= {"ansible_play_hosts_all": ["prod1", "prod2"], "ansible_play_hosts": ["prod1"]}
    assert bench.ids(leaves=["201"]) == ["maintenance-leaf-refused"]
    index["fabric"]["prod2"] = "b"
    assert bench.ids(leaves=["201"]) == []


def test_without_the_record_a_node_that_is_down_does_not_hold_up_a_leaf(bench: Bench) -> None:
    bench.cluster.state["ready"]["node-2"] = False
    for leaf in (201, 202):
        bench.cluster.drop_session(leaf, "node-2")
    bench.run(leaves=["201"])
    (bench.folder / "prod1/maintenance.json").unlink()
    assert bench.ids(leaves=["201"], state="end", return_timeout=0) == []


def test_the_question_keeps_what_another_run_records(bench: Bench) -> None:
    def other() -> None:
        bench.look = lambda: None  # type: ignore[method-assign]
        bench.run(leaves=["203"])

    bench.look = other  # type: ignore[method-assign]
    bench.run(state="ask", nodes=[])
    assert bench.record()["open"] == ["leaf 203"]


# --- the work --------------------------------------------------------------------------------------------------------


def test_the_work_goes_on_where_it_was_interrupted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    said = listen(monkeypatch)
    work = bench.folder / "work.yml"
    named: dict[str, Any] = {"leaves": ["all"], "at_once": 2, "work": str(work)}
    assert bench.ids(state="steps", **named) == ["maintenance-node-alone", "maintenance-node-alone", "maintenance-work-missing"]
    work.write_text("---\n", encoding="utf-8")
    named |= {"leaves": ["odd", "even"], "at_once": 1}
    result = bench.run(state="steps", **named)
    steps = result["steps"]
    assert [(step["name"], step["leaves"]) for step in steps] == [
        ("leaf 201, leaf 203", ["201", "203"]),
        ("leaf 202, leaf 204", ["202", "204"]),
    ]
    assert result["work"] == str(work)
    for state in ("begin", "end"):
        assert not bench.run(leaves=steps[0]["leaves"], state=state).get("failed")
    bench.run(leaves=steps[1]["leaves"])
    bench.run(leaves=steps[1]["leaves"], state="end", failed=True)
    assert bench.run(state="steps", **named)["steps"] == steps[1:]
    text = "an interrupted run has finished leaf 201, leaf 203; this run goes on with the others"
    assert text in " ".join(" ".join(said).split())
    bench.run(leaves=steps[1]["leaves"])
    bench.cluster.leaf(202)["sessions"].clear()
    assert bench.run(state="steps", **named)["steps"] == steps[1:], "the step that is out is the next one"
    bench.cluster = Cluster()
    bench.run(leaves=steps[1]["leaves"], state="end", failed=True)
    now = action.time.time()
    with monkeypatch.context() as later:
        later.setattr(action.time, "time", lambda: now + action.REMEMBERED)
        assert bench.run(state="steps", **named)["steps"] == steps, "another day, the work begins anew"
        bench.run(state="steps", leaves=["202", "odd"], work=str(work))
    for step in steps[::-1]:
        bench.run(leaves=step["leaves"])
        bench.run(leaves=step["leaves"], state="end")
    bench.run(state="steps", **named)
    for step in steps:
        bench.run(leaves=step["leaves"])
        bench.run(leaves=step["leaves"], state="end")
    assert bench.record()["conduct"] is None
    assert bench.run(state="steps", **named)["steps"] == steps


def test_nothing_named_and_a_damaged_record(bench: Bench) -> None:
    assert bench.ids(nodes=[]) == bench.ids(nodes=" ") == ["maintenance-nodes"]
    (bench.folder / "prod1").mkdir()
    (bench.folder / "prod1/maintenance.json").write_text("[", encoding="utf-8")
    assert bench.ids(leaves=["201"], state="end") == ["maintenance-not-begun"]
    assert bench.record()["open"] == []
