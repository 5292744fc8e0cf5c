# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recover
short_description: Recover the allocation file of a Calico cluster on ACI
version_added: 1.0.0
description:
  - Writes the allocation file anew if it is lost, damaged or another cluster's, so that nodes and leaves keep their addresses and VLANs. A whole file
    is left as it is.
  - The source is C(plan.json) among the artifacts of the cluster, which is written together with the allocation file, or else the cluster's own L3Outs on
    APIC. With standard SVI these name each node. With floating SVI the addresses of nodes come from Kubernetes.
  - The cluster is planned by what the source says. If that contradicts the inventory, the plan is refused and nothing is written.
  - Changes nothing on APIC and in Kubernetes. Runs on the controller, and reads by M(netops.aci_calico.aci_info) and M(netops.aci_calico.calico_info).
options:
  source:
    description:
      - V(plan) reads C(plan.json), V(servers) reads APIC and, with floating SVI, Kubernetes.
      - V(any) reads C(plan.json) if it exists, and APIC and Kubernetes otherwise.
    type: str
    choices: [any, plan, servers]
    default: any
extends_documentation_fragment:
  - netops.aci_calico.cluster.predicts
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
attributes:
  diff_mode:
    description: Returns the difference of the allocation file.
    support: full
seealso:
  - module: netops.aci_calico.plan
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Recover the allocation file of every cluster from APIC and Kubernetes
  hosts: aci_calico_clusters
  gather_facts: false
  tasks:
    - name: Recover the allocation file
      netops.aci_calico.recover:
        source: servers
"""

RETURN = r"""
allocation_file:
  description: The file that records who has which address and VLAN.
  returned: success
  type: str
  sample: inventories/prod/.allocations/prod1.yml
source:
  description: What the file was recovered from; empty if it was whole.
  returned: success
  type: str
  sample: artifacts/prod1/plan.json
problems:
  description: A warning that names nodes and leaves which the source lacks, with C(id), C(severity), C(path), C(problem) and C(remedy).
  returned: success
  type: list
  elements: dict
  sample:
    - id: allocation-recovery-incomplete
      severity: warning
      path: artifacts/prod1/plan.json
      problem: "node-7 not in it: the first free addresses are assigned"
      remedy: If they are configured already, pin the addresses that they have before you run site.
"""
