# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: init
short_description: Write a new inventory for a Calico cluster on ACI
version_added: 1.0.0
description:
  - Writes an inventory with one cluster, with comments and the schema for editors. M(netops.aci_calico.plan) can plan it as it is.
  - Reports what is wrong with the values as M(netops.aci_calico.plan) does, and writes nothing then.
  - Never changes a file that exists. With the same values it changes nothing.
  - Runs on the controller, with any host.
options:
  folder:
    description: The folder of the inventory, relative to the working directory.
    type: path
    required: true
  cluster:
    description: The name of the cluster.
    type: str
    required: true
  svi:
    description: The kind of SVI.
    type: str
    choices: [floating, standard, auto]
    default: floating
  apic:
    description: The host name or address of APIC.
    type: str
    default: apic1.example.net
  fabric_asn:
    description: The AS number of the fabric.
    type: int
    default: 65002
  cluster_asn:
    description: The AS number of the cluster.
    type: int
    default: 65003
  tenant:
    description: The tenant of the L3Out.
    type: str
    default: common
  vrf:
    description: The VRF.
    type: str
    default: calico
  l3_domain:
    description: The L3 domain.
    type: str
    default: k8s-l3
  physical_domain:
    description: The physical domain.
    type: str
    default: k8s
  vlan:
    description: The VLAN, or a range of VLANs. With SVIs other than floating a single one is the first of a hundred.
    type: str
    default: "300"
  leaves:
    description: The leaves. Each two are the leaves of a rack.
    type: list
    elements: int
    default: [201, 202, 203, 204]
  nodes:
    description: The number of nodes. They are spread over the racks.
    type: int
    default: 6
  node_subnets:
    description: The subnets of the nodes.
    type: list
    elements: str
    default: [192.168.2.0/24]
  pod_subnets:
    description: The subnets of the pods.
    type: list
    elements: str
    default: [10.1.0.0/16]
  service_subnets:
    description: The subnets of the services.
    type: list
    elements: str
    default: [192.168.8.0/22]
extends_documentation_fragment:
  - netops.aci_calico.cluster.predicts
  - netops.aci_calico.cluster.no_diff
seealso:
  - module: netops.aci_calico.plan
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Write an inventory
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Write the inventory of a cluster with four nodes behind two leaves
      netops.aci_calico.init:
        folder: my_fabric
        cluster: prod1
        leaves: [201, 202]
        nodes: 4
"""

RETURN = r"""
files:
  description: The files of the inventory.
  returned: when there is no problem
  type: list
  elements: str
  sample: [my_fabric/hosts.yml, my_fabric/group_vars/prod1/main.yml]
"""
