"""Run an action without a play: its modules are functions, its variables are given."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from ansible import constants
from ansible.errors import AnsibleUndefinedVariable

from ansible_collections.netops.aci_calico.plugins.plugin_utils import actions

MISSING = "{{ vault_password }}"


def template(value: Any) -> Any:
    """Resolve a variable: only MISSING refers to something undefined."""
    if value == MISSING:
        raise AnsibleUndefinedVariable("'vault_password' is undefined")
    return value


def run(
    action: ModuleType,
    module: Callable[[str, dict[str, Any]], dict[str, Any]],
    task_vars: dict[str, Any] | None = None,
    check: bool = False,
    callback: str = "ansible.posix.json",
    **arguments: Any,
) -> dict[str, Any]:
    """Return the result of an action.

    :param module: returns the result of a module, by its name and its arguments.
    :param callback: what prints results.
    :param arguments: those of the task.
    """
    name = f"netops.aci_calico.{action.__name__.rpartition('.')[2]}"
    task = SimpleNamespace(args=arguments, check_mode=check, diff=True, async_val=0, action=name, no_log=False)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="none is made"))
    made = action.ActionModule(task, connection, SimpleNamespace(), None, SimpleNamespace(template=template), None)
    made.try_module = lambda name, arguments, no_log=False: module(name, arguments)
    made._extra_vars = lambda: task_vars or {}
    hosts = {"hostvars": {}, "inventory_hostname": "prod1", "ansible_play_batch": ["prod1"]}
    with patch.object(constants, "DEFAULT_STDOUT_CALLBACK", callback):
        return made.run(task_vars={**hosts, **(task_vars or {})})


def listen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of lines that actions will print from now on, blank ones left out."""
    said: list[str] = []
    monkeypatch.setattr(actions.display, "display", lambda text, **__: said.extend(filter(None, text.splitlines())))
    return said
