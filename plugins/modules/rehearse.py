# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearse
short_description: Say what a change of a Calico cluster on ACI would interrupt
version_added: 1.0.0
description:
  - Compares what is deployed on APIC and in Kubernetes with the plan, without changing anything, and classes each change and the whole as C(hitless),
    C(path-change), C(session-reset), C(route-loss) or C(traffic-interruption), each with the reason, what it touches, and its place in the order of the run.
  - Prints a table, and writes C(rehearsal.json) and C(rehearsal.md) to the artifacts of the cluster.
  - A change that no rule knows counts as the worst. C(docs/rehearse.md) lists the classes, and what changing each variable does.
  - Runs on the controller, and reads by M(netops.aci_calico.aci_info) and M(netops.aci_calico.calico_info).
options:
  on_apic:
    description: Whether to compare APIC.
    type: bool
    default: true
  in_kubernetes:
    description: Whether to compare Kubernetes.
    type: bool
    default: true
  comparison:
    description:
      - What M(netops.aci_calico.preflight) returned as C(comparison). The sides that it contains are not read again.
    type: dict
  require_consents:
    description:
      - Whether to fail if a change is C(session-reset), C(route-loss) or C(traffic-interruption), and the run does not name it in
        C(aci_calico_consent). In check mode this is a warning.
      - Always compares with what is deployed.
    type: bool
    default: false
  deployed_plan:
    description:
      - The C(plan.json) that stands for what is deployed, or the folder of the artifacts that has it. By default the variable
        C(aci_calico_deployed_plan). Without it, APIC and Kubernetes are read.
    type: str
  manage_installation:
    description: Whether pools of the operator are changed through its Installation. By default the variable C(aci_calico_manage_installation).
    type: bool
  sessions_timeout:
    description:
      - How many seconds the run waits for the sessions before it turns the node-to-node mesh off. With V(0) it does not wait, which interrupts
        traffic. By default the variable C(aci_calico_sessions_timeout).
    type: int
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
  - netops.aci_calico.cluster.existing
  - netops.aci_calico.reading.report
seealso:
  - module: netops.aci_calico.plan
  - module: netops.aci_calico.preflight
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Say what the next run would interrupt
  hosts: aci_calico_clusters
  gather_facts: false
  tasks:
    - name: Plan the cluster
      netops.aci_calico.plan:
      register: aci_calico_planned

    - name: Rehearse the changes
      netops.aci_calico.rehearse:

    - name: Rehearse them offline, from an earlier plan
      netops.aci_calico.rehearse:
        deployed_plan: before/prod1/plan.json
"""

RETURN = r"""
overall:
  description: The worst class of the changes.
  returned: if a side was compared
  type: str
  sample: traffic-interruption
consent:
  description: The classes for which a run needs a consent, the worst first.
  returned: if a side was compared
  type: list
  elements: str
  sample: [traffic-interruption]
changes:
  description: The number of changes. They are in C(rehearsal.json).
  returned: if a side was compared
  type: int
  sample: 8
as_planned:
  description:
    - The sides on which O(comparison) has nothing to change, and whose lease no run has; with each, what the push reports.
    - The option O(netops.aci_calico.lease#module:as_planned) takes it.
  returned: if a side was compared
  type: dict
  sample: {"apic": {}, "kubernetes": {"pending": [], "installation": "Calico v3.30.0 by its manifests"}}
"""
