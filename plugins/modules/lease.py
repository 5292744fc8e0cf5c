# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lease
short_description: Keep other runs away from a cluster
version_added: 1.0.0
description:
  - Takes the lease of the cluster on APIC, then the one in Kubernetes. While a run holds them, other runs of the playbooks wait. The pushes of the
    play find the registered result, check the lease before each change, and renew it.
  - Waits while another run holds a lease, shows what it does, and fails when the time is up.
  - Takes over a lease that is not renewed for the time that it states, whose process on this machine has ended, or that
    C(aci_calico_take_lease) names. The run that had it stops before its next change.
  - A lease counts as no change. A failed release is a warning, because a lease becomes stale by itself.
options:
  state:
    description: V(taken) takes the lease, V(released) releases what this run holds.
    type: str
    choices: [taken, released]
    default: taken
  on_apic:
    description: Whether to take the lease on APIC.
    type: bool
    default: true
  in_kubernetes:
    description: Whether to take the lease in Kubernetes.
    type: bool
    default: true
  doing:
    description: What the run does, for the runs that wait.
    type: str
    default: configure the cluster
  as_planned:
    description:
      - The sides that need no change, as M(netops.aci_calico.rehearse) returns them. If these are all sides of the run, no lease is taken, and
        until the release M(netops.aci_calico.aci_push) and M(netops.aci_calico.calico_push) do not look at them again.
    type: dict
    default: {}
  wait:
    description: How many seconds to wait for another run. By default the variable C(aci_calico_lease_wait).
    type: int
  take:
    description: The run, or the holder, whose lease is taken over at once. By default the variable C(aci_calico_take_lease).
    type: str
  cluster_state:
    description: >-
      V(absent) asks for the consent to remove the cluster before the lease is taken. By default the variable C(aci_calico_state).
    type: str
    choices: [present, absent]
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
attributes:
  check_mode:
    description: Takes no lease in check mode.
    support: full
  diff_mode:
    description: A lease counts as no change, so there is no difference to show.
    support: none
seealso:
  - module: netops.aci_calico.aci_lease
  - module: netops.aci_calico.calico_lease
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take the lease
  netops.aci_calico.lease:
    doing: change the BGP timers
  register: aci_calico_leased

- name: Push the BGP policies to APIC
  netops.aci_calico.aci_push:
    part: hardening

- name: Release the lease
  netops.aci_calico.lease:
    state: released
  register: aci_calico_leased
"""

RETURN = r"""
lease:
  description: The lease that this run holds. Registered in C(aci_calico_leased), it is found by the pushes of the play.
  returned: with state V(taken), unless in check mode
  type: dict
  contains:
    content:
      description: The run, its holder and its task, as other runs see them.
      type: dict
    held:
      description: The sides on which it is held, C(apic) and C(kubernetes), the latter with the namespace.
      type: dict
"""
