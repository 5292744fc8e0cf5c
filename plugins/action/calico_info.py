# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds and decrypts the kubeconfig the way kubernetes.core's modules do."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubernetes.core.plugins.action.k8s_info import ActionModule as KubernetesActionModule

from ..plugin_utils.local import preload, run_here, runs_here

preload("calico_info", "calico_objects", "calico_state")


class ActionModule(KubernetesActionModule):
    """The controller's part of ``calico_info``."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> Any:
        """Run the module in this process if it would run on the controller anyway."""
        self._here = runs_here(self, task_vars or {})
        self.TRANSFERS_FILES = not self._here
        return super().run(tmp, task_vars)

    def _execute_module(self, module_name: Any = None, module_args: Any = None, **more: Any) -> Any:
        if not self._here:
            return super()._execute_module(module_name=module_name, module_args=module_args, **more)
        return run_here(self, module_name, module_args, more["task_vars"])

    def _ensure_invocation(self, result: dict) -> dict:
        """Show arguments only as the module itself shows them, secrets hidden: kubernetes.core would show them raw."""
        return result
