# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_maintenance
short_description: Take nodes out of service for maintenance, or return them to service
version_added: 1.0.0
description:
  - Cordons the nodes and labels them so that Calico announces no services from them, waits until no leaf sends services' traffic to them, and
    moves their pods to other nodes. The end restores label and cordon.
  - Refuses to take the last node in service.
options:
  nodes:
    description: The nodes, by their names.
    type: list
    elements: str
    required: true
  state:
    description: V(begin) takes the nodes out of service, V(end) returns them.
    type: str
    choices: [begin, end]
    default: begin
  timeout:
    description: How many seconds to wait for the leaves.
    type: int
    default: 60
  drain:
    description: Whether to move the pods to other nodes.
    type: bool
    default: true
  delete_options:
    description: The C(delete_options) of C(kubernetes.core.k8s_drain). C(ignore_daemonsets) is always on.
    type: dict
    default: {wait_timeout: 300}
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
attributes:
  check_mode:
    description: Predicts the changes of the nodes, and neither waits nor drains.
    support: full
  diff_mode:
    description: Returns the differences of each node.
    support: full
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take a node out of service
  netops.aci_calico.node_maintenance:
    nodes: [node-3]
"""

RETURN = r"""
problems:
  description: What was found, each with C(id), C(severity), C(path), C(problem) and C(remedy).
  returned: unless another failure comes first
  type: list
  elements: dict
"""
