"""The ``verify`` action: when it looks again, what it asks for, what it leaves behind."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from unit.action.running import listen, run
from unit.plugin_utils.healthy_cluster import Cluster

from ansible_collections.netops.aci_calico.plugins.action import verify as action

LATE, FIXED, BROKEN = "late", "fixed", "broken"


class Bench:
    """The action with modules that answer from a healthy cluster, and a clock that only waiting moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster = Cluster()
        self.calls: list[tuple[str, dict]] = []
        self.said = listen(monkeypatch)
        self.now = 0.0
        self.slept: list[float] = []
        self.left: list[dict] = []
        self.before_look: Any = lambda look: None
        monkeypatch.setattr(action.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(action.time, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def module(self, name: str, arguments: dict) -> dict:
        self.calls.append((name, arguments))
        if name == "aci_state":
            self.before_look(sum(called == name for called, __ in self.calls))
            return {"state": self.cluster.aci}
        if name == "calico_info":
            return {"calico": self.cluster.info}
        return {"state": self.cluster.state, "failures": self.left}

    def run(self, check: bool = False, task_vars: dict[str, Any] | None = None, **options: Any) -> dict:
        arguments = {
            "plan": self.cluster.plan,
            "apic": {"host": "apic", "port": "", "use_ssl": False},
            "artifacts_dir": "",
            **options,
        }
        return run(action, self.module, task_vars, check, **arguments)

    def of(self, name: str) -> list[dict]:
        return [arguments for called, arguments in self.calls if called == name]


@pytest.fixture
def bench(monkeypatch):
    return Bench(monkeypatch)


def test_a_cluster_in_order_is_looked_at_once(bench):
    result = bench.run()
    assert not result.get("failed")
    assert not result["changed"]
    assert result["report"]["ok"]
    assert bench.slept == []
    assert bench.said[0] == "prod1: 12/12 sessions established; all routes in place"
    assert [arguments["node_status"] for arguments in bench.of("calico_state")] == ["request", "remove"]


def test_it_waits_for_what_may_still_come(bench):
    session = bench.cluster.seen(203, "node-4")
    session["state"] = "active"
    bench.before_look = lambda look: session.update(state="established" if look == 3 else "active")
    result = bench.run(timeout=60, interval=5)
    assert not result.get("failed")
    assert bench.slept == [5, 5]
    assert bench.said[:2] == [
        "prod1: 11/12 sessions established (waiting for node-4/203)",
        "prod1: 12/12 sessions established; all routes in place",
    ]


def test_it_gives_up_when_time_is_up(bench):
    bench.cluster.seen(203, "node-4")["state"] = "active"
    result = bench.run(timeout=9, interval=2)
    assert result["failed"]
    assert bench.slept == [2, 2, 2, 2]
    assert result["causes"] == ["session-down"]


def test_it_does_not_wait_for_what_time_cannot_heal(bench):
    bench.cluster.info["nodes"]["node-1"]["labels"]["rack_id"] = "2"
    bench.cluster.drop_session(201, "node-1")
    result = bench.run()
    assert result["failed"]
    assert result["causes"] == ["rack-label"]
    assert "report" not in result, "a failed result is short"
    assert bench.slept == []
    assert "label rack_id is 2, not 1 [rack-label]" in result["msg"]
    assert any(line.startswith("   remedy:") for line in bench.said)


def test_what_the_nodes_were_asked_is_taken_back_when_reading_fails(bench):
    def fail(look):
        if look == 2:
            raise AnsibleActionFail("no answer")

    bench.cluster.seen(203, "node-4")["state"] = "active"
    bench.before_look = fail
    with pytest.raises(AnsibleActionFail):
        bench.run()
    assert bench.of("calico_state")[-1]["node_status"] == "remove"


def test_requests_that_cannot_be_taken_back_are_told(bench):
    bench.left = [{"path": "/x", "status": 403, "message": "caliconodestatuses is forbidden"}]
    (warning,) = bench.run()["warnings"]
    assert "caliconodestatuses is forbidden" in warning
    assert "kubectl delete caliconodestatuses -l app.kubernetes.io/managed-by=netops.aci_calico" in warning


def test_without_reports_nobody_is_asked(bench):
    bench.run(node_status=False)
    assert [arguments["node_status"] for arguments in bench.of("calico_state")] == ["ignore"]


def test_without_kubernetes_only_apic_is_read(bench):
    bench.run(look_at_kubernetes=False)
    assert [name for name, __ in bench.calls] == ["aci_state"]


def test_the_sessions_alone_are_one_question_to_apic(bench):
    bench.cluster.info["nodes"]["node-1"]["labels"]["rack_id"] = "2"
    result = bench.run(only="sessions")
    assert not result.get("failed"), "how the cluster is configured is not the question"
    assert [(name, arguments["only"]) for name, arguments in bench.calls] == [("aci_state", "sessions")]
    assert bench.said[0] == "prod1: 12/12 sessions established"


def test_what_apic_is_asked(bench):
    bench.run()
    (arguments,) = bench.of("aci_state")
    assert arguments["host"] == "apic"
    assert "only" not in arguments
    assert "port" not in arguments, "what is empty is the module's own default"
    assert arguments["use_ssl"] is False
    assert arguments["vrf"] == "common:calico"
    assert arguments["leaves"] == [f"topology/pod-1/node-{leaf}" for leaf in (201, 202, 203, 204)]
    assert arguments["l3outs"] == ["uni/tn-common/out-calico-prod1"]
    assert "password_sha256" not in bench.of("calico_info")[0]


def test_the_variables_supply_what_the_task_leaves_out(bench, tmp_path):
    variables = {
        "aci_calico_bgp_password": "secret",
        "aci_calico_verify_timeout": "9",
        "aci_calico_verify_interval": 3,
        "aci_calico_verify_node_status": False,
        "aci_calico_artifacts_dir": str(tmp_path),
    }
    bench.cluster.seen(203, "node-4")["state"] = "active"
    result = bench.run(task_vars=variables, artifacts_dir=None)
    assert bench.slept == [3, 3, 3]
    assert [arguments["node_status"] for arguments in bench.of("calico_state")] == ["ignore"] * 4
    assert bench.of("calico_info")[0]["password_sha256"] == hashlib.sha256(b"secret").hexdigest()
    assert len(result["artifacts"]) == 2


def test_a_variable_of_the_wrong_type_is_a_problem(bench):
    result = bench.run(task_vars={"aci_calico_verify_timeout": "soon"})
    assert [problem["path"] for problem in result["problems"]] == ["aci_calico_verify_timeout"]


def test_the_report_is_written(bench, tmp_path):
    result = bench.run(artifacts_dir=str(tmp_path))
    assert result["artifacts"] == [str(tmp_path / "prod1" / name) for name in ("verify.json", "verify.xml")]
    assert json.loads((tmp_path / "prod1" / "verify.json").read_text())["ok"]
    assert (tmp_path / "prod1" / "verify.xml").read_text().startswith("<?xml")


def test_check_mode_writes_no_files(bench, tmp_path):
    assert bench.run(check=True, artifacts_dir=str(tmp_path))["artifacts"] == []
    assert list(tmp_path.iterdir()) == []


def test_the_report_is_not_written_through_a_link(bench, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "prod1").symlink_to(tmp_path / "mine")
    result = bench.run(artifacts_dir=str(tmp_path))
    assert result["failed"]
    assert "cannot be recorded" in result["msg"]
    assert not list((tmp_path / "mine").iterdir())
