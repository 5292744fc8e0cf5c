# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds and decrypts the kubeconfig the way kubernetes.core's modules do."""

from __future__ import annotations

from ..action.calico_info import ActionModule

__all__ = ["ActionModule"]
