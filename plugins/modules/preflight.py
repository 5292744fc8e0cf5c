# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check fabric and Kubernetes before a Calico cluster on ACI is configured
version_added: 1.0.0
description:
  - Reads the objects that a plan relies on, with a login and three requests to APIC and a dozen to Kubernetes, and reports all that are missing, wrong
    or in use, each with severity and remedy. If a named object does not exist, one more request to APIC looks for similar names.
  - Fails if a problem is an error. Changes nothing.
  - Objects that the same plan creates (C(aci_calico_manage_access), C(aci_calico_manage_tenant), C(aci_calico_contracts)), or the plan of another cluster
    of the play on the same fabric, are not reported as missing.
  - Runs on the controller, and reads by M(netops.aci_calico.aci_info) and M(netops.aci_calico.calico_info).
options:
  look_at_apic:
    description: Whether to check the fabric.
    type: bool
    default: true
  look_at_kubernetes:
    description: Whether to check Kubernetes.
    type: bool
    default: true
  compare:
    description:
      - Whether to read with the same requests what the run would change, and return it as RV(comparison), for M(netops.aci_calico.rehearse).
      - It costs one request to APIC more, and one for each L3Out.
    type: bool
    default: false
  manage_installation:
    description: Whether pools of the operator are changed through its Installation. By default the variable C(aci_calico_manage_installation).
    type: bool
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
  - netops.aci_calico.cluster.existing
  - netops.aci_calico.reading
seealso:
  - module: netops.aci_calico.plan
  - module: netops.aci_calico.verify
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at every cluster's fabric and Kubernetes
  hosts: aci_calico_clusters
  gather_facts: false
  tasks:
    - name: Plan the cluster
      netops.aci_calico.plan:
      register: aci_calico_planned

    - name: Look before anything is written
      netops.aci_calico.preflight:
        apic:
          host: apic.example.com
          username: ansible
          private_key: /etc/aci/ansible.key
        kubernetes:
          kubeconfig: ~/.kube/prod1.yml
"""

RETURN = r"""
problems:
  description:
    - What was found, errors first, each with C(id), C(severity), C(path), C(problem) and C(remedy).
    - If one is an error, they are printed as text, and are in the failed result only if a callback prints data (C(ansible.posix.json)).
  returned: when there is no error, or a callback prints data
  type: list
  elements: dict
  sample:
    - id: vlan-taken
      severity: error
      path: aci_calico_vlan
      problem: uni/tn-shop/ap-web/epg-front has VLAN 300 on leaf 201, 202
      remedy: Choose other VLANs, or free these.
comparison:
  description: What differs between the deployed state and the plan, as M(netops.aci_calico.rehearse) takes it.
  returned: with O(compare), when there is no error
  type: dict
calico:
  description: How Calico runs.
  returned: when it was looked at
  type: str
  sample: "crd.projectcalico.org/v1 in kube-system, backend bird, pools: default-ipv4-ippool 10.1.0.0/16 with IP-in-IP"
"""
