# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_maintenance
short_description: Take nodes or leaves out of service for maintenance, and return them to service
version_added: 1.0.0
description:
  - Says from the live state whether nodes or leaves may go now. A leaf may go if each node keeps a session in each address family, and
    each prefix of the cluster a leaf that has it. The last node in service may not go.
  - Nodes are cordoned and labelled so that Calico announces no services from them; when no leaf sends services' traffic to them, their
    pods are moved to other nodes. Leaves are marked in annotations of their racks' nodes, so that no run lets the other leaf go.
  - The end waits until the sessions and routes that were there before are back, and restores label, cordon and annotations.
options:
  nodes:
    description: The names of nodes.
    type: list
    elements: str
    default: []
  racks:
    description: The IDs of racks, whose nodes are taken together.
    type: list
    elements: str
    default: []
  leaves:
    description: The IDs of leaves; V(odd) or V(even) for a group as a whole, V(all) for each leaf by itself.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(ask) says whether they may go, and changes nothing. V(begin) takes them out of service, V(end) returns them.
      - V(steps) checks them step by step, and returns the steps for a play that works on each of them.
    type: str
    choices: [ask, begin, end, steps]
    default: begin
  work:
    description: The file with the tasks of the work. V(steps) requires that it exists.
    type: str
    default: ""
  at_once:
    description: How many nodes, racks, leaves or groups are one step; 0 makes all of them one.
    type: int
    default: 1
  failed:
    description: Whether the work has failed, so that the next run repeats its step.
    type: bool
    default: false
  timeout:
    description: How many seconds to wait until no leaf sends services' traffic to the nodes.
    type: int
    default: 60
  return_timeout:
    description: How many seconds to wait until sessions and routes are back.
    type: int
    default: 900
  interval:
    description: The seconds between two checks. By default the variable C(aci_calico_verify_interval).
    type: int
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
- name: Ask for each leaf whether it may go
  netops.aci_calico.node_maintenance:
    state: ask

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
leaves:
  description: A row for each leaf, with C(leaf), C(rack), C(sessions), C(away), C(may_go) and C(alone).
  returned: when O(state) is V(ask)
  type: list
  elements: dict
steps:
  description: The steps, each with C(name), C(nodes) and C(leaves).
  returned: when O(state) is V(steps)
  type: list
  elements: dict
work:
  description: The absolute path of the file with the tasks.
  returned: when O(state) is V(steps)
  type: str
"""
