# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the actions on a cluster."""

    DOCUMENTATION = r"""
options:
  plan:
    description:
      - The plan of the cluster, as M(netops.aci_calico.plan) returns it.
      - Without it, the action uses the plan in the variable C(aci_calico_planned), in which plays register the result of that module. If there
        is none, the action plans the cluster itself.
    type: dict
attributes:
  action:
    description: Runs as an action on the controller.
    support: full
"""

    PREDICTS = r"""
attributes:
  action:
    description: Runs as an action on the controller.
    support: full
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
"""

    APIC = r"""
options:
  apic:
    description:
      - How to reach APIC, by the options of C(cisco.aci) modules. C(host) can be a list. Empty options are ignored.
      - Without options, the variables C(aci_calico_apic_*) apply.
    type: dict
    default: {}
"""

    KUBERNETES = r"""
options:
  kubernetes:
    description:
      - How to reach Kubernetes, by the options of C(kubernetes.core) modules. Empty options are ignored.
      - Without options, the variables C(aci_calico_kubeconfig) and C(aci_calico_kube_*) apply.
    type: dict
    default: {}
"""

    NO_DIFF = r"""
attributes:
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
"""

    EXISTING = r"""
options:
  adopt:
    description: Whether to take over objects that somebody else made. By default the variable C(aci_calico_adopt).
    type: bool
  update_password:
    description: Whether to replace a BGP password that exists already. By default the variable C(aci_calico_update_password).
    type: str
    choices: [on_create, always]
"""

    PUSH = r"""
options:
  state:
    description: V(absent) removes what the cluster owns. By default the variable C(aci_calico_state).
    type: str
    choices: [present, absent]
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Returns the differences of each object.
    support: full
"""
