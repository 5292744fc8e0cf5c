# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The problem of a connection: all failures of one cause are one problem, with the variable to correct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .problems import Problem

# ``{cause: (problem, variable)}`` of the modules that ask APIC, and of those that ask Kubernetes.
_APIC = {
    "unreachable": ("apic-unreachable", "aci_calico_apic_host"),
    "certificate": ("apic-certificate", "aci_calico_apic_validate_certs"),
    "login": ("apic-login", "aci_calico_apic_username"),
    "answer": ("apic-answer", "aci_calico_apic_host"),
    "busy": ("apic-busy", "aci_calico_apic_host"),
}
_KUBERNETES = {
    "unreachable": ("kubernetes-unreachable", "aci_calico_kubeconfig"),
    "certificate": ("kubernetes-certificate", "aci_calico_kube_ca_cert"),
    "login": ("kubernetes-login", "aci_calico_kubeconfig"),
    "answer": ("kubernetes-answer", "aci_calico_kubeconfig"),
    "configuration": ("kubernetes-configuration", "aci_calico_kubeconfig"),
}


def connection_problem(module: str, result: Mapping[str, Any]) -> Problem | None:
    """Return the problem if a module failed because no request would succeed, else None.

    :param module: the module's name.
    :param result: its result. ``error.cause`` is the cause, see ``ApicError`` and ``KubeError``.
    """
    error = result.get("error")
    known = _APIC if module.startswith("aci_") else _KUBERNETES
    if not isinstance(error, Mapping) or error.get("cause") not in known:
        return None
    id_, variable = known[error["cause"]]
    return Problem(id_, variable, str(result.get("msg", "")))
