# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Plan a Calico cluster on ACI from its variables
version_added: 1.0.0
description:
  - Reads the C(aci_calico_*) variables of the cluster that the play's host stands for, those of its node hosts, and those of the inventory's other
    clusters as far as they share fabric or VRF.
  - Either says everything that is wrong with them, each fault with the variable's path and a remedy, or returns the plan - addresses, VLANs, router
    IDs, BGP peers and route control.
  - Contacts nothing. Connection variables and secrets are not needed to plan; a BGP password whose Vault is not there does no harm, an empty one is
    refused.
  - Keeps an allocation file beside the inventory, which records who has which address and VLAN. Commit it with the inventory. A plan that would
    change what is recorded is refused, unless C(aci_calico_renumber) names whom it concerns.
  - Runs on the controller.
options:
  artifacts:
    description:
      - Write the plan's files to the folder C(aci_calico_artifacts_dir), in a folder for each cluster - C(plan.json), C(plan.md) (the plan for people),
        C(apic.json) (the wanted tree in APIC's own JSON), C(kubernetes.yml) (all manifests) and C(nodes) (the nodes' network
        configurations, in a folder for each; files that an earlier plan wrote there are removed, those of users are not).
      - The same inventory gives the same bytes. Secrets appear as markers.
    type: bool
    default: false
  require_secrets:
    description: Refuse a BGP password that cannot be read. Set it where something is pushed after.
    type: bool
    default: false
extends_documentation_fragment:
  - netops.aci_calico.cluster.predicts
attributes:
  diff_mode:
    description: Returns the difference of the allocation file, and with C(aci_calico_artifacts_diff) those of the other files that it writes.
    support: full
seealso:
  - plugin: netops.aci_calico.cluster_plan
    plugin_type: filter
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Plan every cluster, offline
  hosts: aci_calico_clusters
  gather_facts: false
  tasks:
    - name: Plan the cluster and write its artifacts
      netops.aci_calico.plan:
        artifacts: true
      register: aci_calico_planned

    - name: Show the plan
      netops.aci_calico.summary:
"""

RETURN = r"""
plan:
  description:
    - The plan. The collection's C(docs/development/plan.md) describes it.
    - Register the result as C(aci_calico_planned), and the other actions and the roles of the collection use the plan. A registered result is never a
      cached fact of an earlier run.
  returned: when there is no error
  type: dict
  sample: {schema: 1, cluster: prod1, address_families: [ipv4], svi: {kind: floating, requested: auto}}
allocation_file:
  description: The file that records who has which address and VLAN; null where the inventory has no folder to keep it in.
  returned: when there is no error
  type: str
  sample: inventories/prod/.allocations/prod1.yml
recorded:
  description: The text of the allocation file before this plan in C(before), null if there was no file. The journal of the run keeps it.
  returned: when the plan changes the allocation file
  type: dict
artifacts:
  description: The files of the plan, written or found as they should be.
  returned: when there is no error
  type: list
  elements: str
  sample: [artifacts/prod1/plan.json, artifacts/prod1/plan.md, artifacts/prod1/apic.json, artifacts/prod1/kubernetes.yml, artifacts/prod1/nodes]
problems:
  description:
    - All problems with the variables, errors and warnings.
    - If one is an error, they are printed as text, and are in the failed result only if a callback prints data (C(ansible.posix.json)).
  returned: when there is no error, or a callback prints data
  type: list
  elements: dict
  contains:
    id:
      description: The rule.
      type: str
      returned: always
      sample: leaf-twice
    severity:
      description: V(error) or V(warning).
      type: str
      returned: always
      sample: error
    path:
      description: Where it was written.
      type: str
      returned: always
      sample: aci_calico_racks[1].leaves[0]
    problem:
      description: What is wrong.
      type: str
      returned: always
      sample: Leaf 201 is also aci_calico_racks[0].leaves[0] (rack '1')
    remedy:
      description: What to do about it.
      type: str
      returned: always
      sample: "A leaf belongs to one rack: name it once."
"""
