# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What modules that change nothing have in common."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Reads only, so it does the same in check mode.
    support: full
  diff_mode:
    description: Nothing changes, so there is no difference to show.
    support: none
"""

    # Those that run on the controller and look at both sides by other modules.
    BOTH_SIDES = r"""
options:
  plan:
    description: The cluster's plan, as M(netops.aci_calico.plan) returns it.
    type: dict
    required: true
  apic:
    description:
      - How to reach APIC, the options of C(cisco.aci) modules, C(host) also as a list. Those that are empty count as not given.
      - Without any, the variables C(aci_calico_apic_*) say it.
    type: dict
    default: {}
  kubernetes:
    description:
      - How to reach Kubernetes, the options of C(kubernetes.core) modules. Those that are empty count as not given.
      - Without any, the variables C(aci_calico_kubeconfig) and C(aci_calico_kube_*) say it.
    type: dict
    default: {}
  password_sha256:
    description: The SHA-256 digest (hexadecimal) of the BGP password, to compare with the one in the Secret.
    type: str
    default: ""
attributes:
  action:
    description: Runs as an action on the controller.
    support: full
"""
