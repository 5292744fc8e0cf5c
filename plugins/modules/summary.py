# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: summary
short_description: Print the plan of a Calico cluster on ACI, or what a run changed
version_added: 1.0.0
description:
  - Prints a text for people, with lines of at most 80 columns and without colour, whatever the format of results is. Long DNs and paths are not broken.
  - With a callback that prints data (C(ansible.posix.json), C(ansible.posix.jsonl)), the text goes to the standard error output.
  - Contacts nothing and changes nothing, except that a plan which the play has not made yet is made and recorded.
  - Runs on the controller.
options:
  of:
    description:
      - V(plan) prints each rack with its leaves, nodes, addresses and peers.
      - V(changes) prints how many objects the play's pushes created, modified and deleted, or in check mode would change. It needs the result of the
        last push in the variable C(aci_calico_pushed).
      - V(clusters) prints the result of each cluster of the play, failed ones among them. Use it with C(run_once), as the last task.
      - V(advice) compares floating and standard SVI for the cluster, with the margin to each limit.
    type: str
    choices: [plan, changes, advice, clusters]
    default: plan
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.predicts
  - netops.aci_calico.cluster.no_diff
seealso:
  - module: netops.aci_calico.plan
  - plugin: netops.aci_calico.plan_summary
    plugin_type: filter
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Plan every cluster, offline
  hosts: aci_calico_clusters
  gather_facts: false
  tasks:
    - name: Plan the cluster
      netops.aci_calico.plan:
      register: aci_calico_planned

    - name: Show the plan
      netops.aci_calico.summary:
"""

RETURN = r"""
lines:
  description: The lines that were printed.
  returned: always
  type: list
  elements: str
  sample: ["Cluster prod1: 6 nodes in 2 racks, IPv4, floating SVI (aci_calico_svi asks for floating)"]
"""
