# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions that look at the world by modules of this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

COLLECTION = "netops.aci_calico"
# The arguments of actions that look at both sides (documented in doc_fragments/reading.py).
BOTH_SIDES = {
    "plan": {"type": "dict", "required": True},
    "apic": {"type": "dict", "default": {}, "no_log": True},
    "kubernetes": {"type": "dict", "default": {}, "no_log": True},
    "password_sha256": {"type": "str", "default": "", "no_log": True},
}


class ReadingAction(ActionBase):
    """An action on the controller that runs modules of this collection and changes nothing by itself."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def access(self, options: dict, variables: Mapping[str, str], task_vars: dict) -> dict:
        """How to reach a server: what the task says, or else what the cluster's variables say, without what is empty.

        Variables are resolved here and not before: what is not needed need not be there.

        :param variables: ``{option: variable}``, see ``APIC_ACCESS``.
        """
        found = given(options)
        if not found:
            said = {option: task_vars[name] for option, name in variables.items() if name in task_vars}
            found = given({option: self._templar.template(value) for option, value in said.items()})
        return {option: ",".join(value) if isinstance(value, list) else value for option, value in found.items()}

    def run_module(self, name: str, arguments: dict, task_vars: dict) -> dict:
        """The result of one of this collection's modules, run by its own action plugin where it has one.

        :raises AnsibleActionFail: when the module fails.
        """
        task = self._task.copy()
        task.action = f"{COLLECTION}.{name}"
        task.args = arguments
        loader = self._shared_loader_obj.action_loader
        action = loader.get(
            task.action if loader.has_plugin(task.action) else "ansible.legacy.normal",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        result: dict[str, Any] = action.run(task_vars=task_vars)
        if result.get("failed"):
            raise AnsibleActionFail(f"{name}: {result.get('msg', 'failed')}")
        return result


def about_calico(plan: dict, password_sha256: str) -> dict:
    """What ``calico_info`` is to look for."""
    calico = plan["calico"]
    return {
        "api_group": calico["api_group"],
        "namespace": calico["namespace"],
        "secret_name": calico["secret"]["name"],
        "secret_key": calico["secret"]["key"],
        **given({"password_sha256": password_sha256}),
    }


def given(options: dict) -> dict:
    """Options without those that are empty, so that the module's own defaults hold."""
    return {name: value for name, value in options.items() if value not in (None, "", [])}
