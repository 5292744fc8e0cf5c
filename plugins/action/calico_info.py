# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds and decrypts the kubeconfig the way kubernetes.core's modules do."""

from __future__ import annotations

from ansible_collections.kubernetes.core.plugins.action.k8s_info import ActionModule as KubernetesActionModule


class ActionModule(KubernetesActionModule):
    """The controller's part of ``calico_info``."""

    def _ensure_invocation(self, result: dict) -> dict:
        """Show arguments only as the module itself shows them, secrets hidden: kubernetes.core would show them raw."""
        return result
