# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: clusters
short_description: Read the Calico clusters of an inventory once for all plans of a run
version_added: 1.0.0
description:
  - A plan is checked against the other clusters of the inventory, also against those that a limit leaves out. This module reads them for all plans of a
    run. Register its result for all hosts as C(aci_calico_inventory), with C(run_once) in a play of all clusters. Without it, each
    M(netops.aci_calico.plan) reads them, which takes long with hundreds of clusters.
  - Fails if no host of the play is in the group C(aci_calico_clusters).
  - Contacts nothing, and reads no secrets.
  - Runs on the controller.
extends_documentation_fragment:
  - netops.aci_calico.cluster.predicts
  - netops.aci_calico.cluster.no_diff
seealso:
  - module: netops.aci_calico.plan
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Plan every cluster
  hosts: aci_calico_clusters
  gather_facts: false
  tasks:
    - name: Read the clusters of the inventory
      netops.aci_calico.clusters:
      register: aci_calico_inventory
      run_once: true

    - name: Plan the cluster
      netops.aci_calico.plan:
"""

RETURN = r"""
clusters:
  description: What the plans need to know of the clusters. The form may change with any release.
  returned: success
  type: dict
  sample: {"files": {"/inventory/.allocations/prod1.yml": {"prod1-cluster": "prod1"}}}
"""
