"""How actions reach servers and get the plan: from the task, or from the cluster's variables."""

from __future__ import annotations

import copy
import time
from threading import Barrier
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible._internal._templating._access import NotifiableAccessContextBase
from ansible.errors import AnsibleActionFail, AnsibleError
from unit.action.running import MISSING, listen, run
from unit.plugin_utils.healthy_cluster import Cluster

from ansible_collections.netops.aci_calico.plugins.action import preflight, verify
from ansible_collections.netops.aci_calico.plugins.plugin_utils.actions import Refused
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import Problem

VARIABLES = {
    "aci_calico_apic_host": ["apic1", "apic2"],
    "aci_calico_apic_port": "",
    "aci_calico_apic_username": "ansible",
    "aci_calico_apic_use_ssl": False,
    "aci_calico_apic_version": "6.0",
    "aci_calico_kubeconfig": "kube.yml",
    "aci_calico_kube_context": "prod1",
}
BOTH = pytest.mark.parametrize("action", [preflight, verify], ids=["preflight", "verify"])


class Stop(AnsibleActionFail):
    """The first module was called, and that was the question."""


def called(action: ModuleType, task_vars: dict[str, Any], **options: Any) -> tuple[str, dict[str, Any]]:
    """The first module that an action calls, and with what."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def module(name: str, arguments: dict[str, Any]) -> None:
        calls.append((name, arguments))
        raise Stop("seen")

    if action is preflight and "look_at_apic" not in options:  # it looks at both sides at once
        options = {"look_at_kubernetes": False, **options}

    with pytest.raises(Stop):
        run(action, module, task_vars, plan=Cluster().plan, **options)
    return calls[0]


@BOTH
def test_the_variables_say_how_to_reach_apic(action):
    _module, arguments = called(action, VARIABLES)
    access = {name: arguments.get(name) for name in ("host", "username", "use_ssl")}
    assert access == {"host": "apic1,apic2", "username": "ansible", "use_ssl": False}
    assert not {"port", "password", "version"} & set(arguments), "what is empty is the module's own default"


@BOTH
def test_one_controller_is_a_list_of_one(action):
    for host in ("apic1", ["apic1"]):
        assert called(action, {"aci_calico_apic_host": host})[1]["host"] == "apic1"


@BOTH
def test_what_the_task_says_stands_alone(action):
    """A password of the variables would get in the way of the task's key."""
    _module, arguments = called(
        action, {**VARIABLES, "aci_calico_apic_password": MISSING}, apic={"host": ["a", "b"], "private_key": "k"}
    )
    assert (arguments["host"], arguments["private_key"]) == ("a,b", "k")
    assert "username" not in arguments


@BOTH
def test_a_variable_that_is_needed_has_to_be_there(action):
    with pytest.raises(AnsibleError, match="vault_password"):
        called(action, {**VARIABLES, "aci_calico_apic_password": MISSING})


def test_a_variable_that_is_not_needed_may_be_missing():
    module, arguments = called(preflight, {**VARIABLES, "aci_calico_apic_password": MISSING}, look_at_apic=False)
    assert (module, arguments["kubeconfig"], arguments["context"]) == ("calico_info", "kube.yml", "prod1")
    for options in ({"only": "sessions"}, {"look_at_kubernetes": False}):
        module, arguments = called(verify, {**VARIABLES, "aci_calico_kube_api_key": MISSING}, **options)
        assert module == "aci_state"


def test_the_registered_plan_is_used_if_the_task_has_none():
    plan = Cluster().plan | {"cluster": "registered"}
    seen: dict[str, Any] = {}

    def module(_name: str, arguments: dict[str, Any]) -> None:
        seen.update(arguments)
        raise Stop("seen")

    with pytest.raises(Stop):
        run(verify, module, {"aci_calico_planned": {"plan": plan}}, only="sessions")
    assert seen["cluster"] == "registered"


@pytest.mark.parametrize("callback", ["default", "ansible.posix.json"])
def test_each_problem_is_printed_once(monkeypatch, callback):
    """Errors are printed as text, or are in the failed result if a callback prints data; warnings are printed by themselves."""
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", callback)
    said = listen(monkeypatch)
    problems = [Problem("node-unplanned", "Node/x", "It is odd"), Problem("calico-missing", "Node/y", "It is gone")]
    action = verify.ActionModule.__new__(verify.ActionModule)
    action._effects = {"changed": False, "warnings": []}
    action._task = SimpleNamespace(diff=False)
    assert [problem["id"] for problem in action.report("prod1", problems[:1], "configured")] == ["node-unplanned"]
    (text,) = action._effects["warnings"]
    assert text.startswith("prod1: Node/x [node-unplanned]: It is odd. ")
    with pytest.raises(Refused) as refused:
        action.report("prod1", problems, "configured")
    assert refused.value.result["msg"] == "Cluster prod1 cannot be configured: 1 error, 1 warning"
    assert said[:2] == ["Cluster prod1 cannot be configured: 1 error, 1 warning", "1. Node/y [error: calico-missing]"]
    listed = [problem["id"] for problem in refused.value.result.get("problems", ())]
    assert listed == ([] if callback == "default" else ["calico-missing", "node-unplanned"])
    assert len(action._effects["warnings"]) == 1


def test_the_first_fifty_warnings_are_printed_and_all_are_written(tmp_path):
    action = verify.ActionModule.__new__(verify.ActionModule)
    action._effects = {"changed": False, "warnings": []}
    action._task = SimpleNamespace(diff=False, check_mode=False)
    action._templar = SimpleNamespace(template=lambda value: value)
    action.task_vars = {"aci_calico_artifacts_dir": str(tmp_path)}
    problems = [Problem("node-unplanned", f"Node/x{number}", "It is odd") for number in range(10_000)]
    action.report("prod1", problems, "configured")
    assert len(action._effects["warnings"]) == 51
    assert action._effects["warnings"].pop() == "prod1: 10000 warnings. The first 50 are listed."
    (tmp_path / "prod1").mkdir()
    action.report("prod1", problems, "configured")
    assert action._effects["warnings"][-1].endswith(f"All of them are in {tmp_path}/prod1/problems.txt")
    assert (tmp_path / "prod1/problems.txt").read_text().count("[warning: node-unplanned]") == 10_000


def test_control_characters_of_others_are_escaped(monkeypatch):
    said = listen(monkeypatch)
    action = verify.ActionModule.__new__(verify.ActionModule)
    action._effects = {"changed": False, "warnings": [], "diff": []}
    action._task = SimpleNamespace(diff=True)
    action.show("one\n\ttwo\x1b[2J")
    action.add_effects({"warnings": ["a\x07"], "diff": {"before": "b\x1b[1m\n", "after": "", "before_header": "c\r"}})
    assert said == ["one", "\ttwo\\x1b[2J"]
    assert action._effects["warnings"] == ["a\\x07"]
    assert action._effects["diff"] == [{"before": "b\\x1b[1m\n", "after": "", "before_header": "c\\r"}]
    summary = SimpleNamespace(event=SimpleNamespace(msg="'NoneType' object has no attribute 'unschedulable'"))
    action.try_module = lambda name, arguments: {"failed": True, "exception": summary}
    with pytest.raises(Refused, match="k8s_drain: 'NoneType' object has no attribute"):
        action.run_module("k8s_drain", {})
    action.try_module = lambda name, arguments: {"failed": True, "msg": "d\x1b]0;e"}
    with pytest.raises(Refused, match=r"d\\x1b\]0;e"):
        action.run_module("aci_info", {})


class _Access(NotifiableAccessContextBase):
    """Something that templating activates."""

    def _notify(self, o: Any) -> Any:
        return o


def test_threads_do_not_mix_up_what_templating_activates() -> None:
    entered, left = Barrier(2), Barrier(2)

    def look() -> None:
        with _Access():
            entered.wait(60)
            left.wait(60)

    action = verify.ActionModule(*[SimpleNamespace(args={}, check_mode=False)] * 6)
    with _Access():  # the task's own: both threads begin with it
        assert action.at_once(look, look) == [None, None]


class _Task(SimpleNamespace):
    """A task as far as the action copies it."""

    def copy(self) -> _Task:
        return copy.copy(self)


def test_modules_in_processes_of_their_own_run_one_after_the_other() -> None:
    """They share the connection's temporary folder."""
    running: list[str] = []

    def look(task_vars: dict[str, Any]) -> dict[str, Any]:
        running.append("one")
        time.sleep(0.05)
        seen = len(running)
        running.pop()
        return {"seen": seen}

    loader = SimpleNamespace(has_plugin=lambda name: False, get=lambda *_args, **_more: SimpleNamespace(run=look))
    connection = SimpleNamespace(transport="ssh", has_pipelining=False)
    action = verify.ActionModule(_Task(args={}, check_mode=False, no_log=False), connection, None, None, None, None)
    action._shared_loader_obj = SimpleNamespace(action_loader=loader)
    action.task_vars = {"ansible_python_interpreter": "/usr/bin/python3"}
    assert action.at_once(*[lambda: action.try_module("aci_info", {})["seen"]] * 2) == [1, 1]
