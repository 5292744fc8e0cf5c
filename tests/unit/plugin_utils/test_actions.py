"""How the actions that look at the world reach it: by what the task says, or by the cluster's variables."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError
from unit.plugin_utils.healthy_cluster import Cluster

from ansible_collections.netops.aci_calico.plugins.action import preflight, verify

MISSING = "{{ vault_apic_password }}"
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


def template(value: Any) -> Any:
    if value == MISSING:
        raise AnsibleError("'vault_apic_password' is undefined")
    return value


def called(action: ModuleType, task_vars: dict[str, Any], **options: Any) -> tuple[str, dict[str, Any]]:
    """The first module that an action calls, and with what."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def module(name: str, arguments: dict[str, Any], _task_vars: dict[str, Any]) -> None:
        calls.append((name, arguments))
        raise Stop("seen")

    name = f"netops.aci_calico.{action.__name__.rpartition('.')[2]}"
    task = SimpleNamespace(
        args={"plan": Cluster().plan, **options}, check_mode=False, diff=False, async_val=0, action=name, no_log=False
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="none is made"))
    made = action.ActionModule(task, connection, SimpleNamespace(), None, SimpleNamespace(template=template), None)
    made.run_module = module
    hosts = {"hostvars": {}, "inventory_hostname": "prod1", "ansible_play_batch": ["prod1"]}
    with pytest.raises(Stop):
        made.run(task_vars={**hosts, **task_vars})
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
    with pytest.raises(AnsibleError, match="vault_apic_password"):
        called(action, {**VARIABLES, "aci_calico_apic_password": MISSING})


def test_a_variable_that_is_not_needed_may_be_missing():
    module, arguments = called(preflight, {**VARIABLES, "aci_calico_apic_password": MISSING}, look_at_apic=False)
    assert (module, arguments["kubeconfig"], arguments["context"]) == ("calico_info", "kube.yml", "prod1")
    for options in ({"only": "sessions"}, {"look_at_kubernetes": False}):
        module, arguments = called(verify, {**VARIABLES, "aci_calico_kube_api_key": MISSING}, **options)
        assert module == "aci_state"
