# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_push
short_description: Configure Calico as the plan of a cluster on ACI says
version_added: 1.0.0
description:
  - Reads the cluster by M(netops.aci_calico.calico_info), reports all problems at once, and sends the differences by M(netops.aci_calico.calico_objects).
  - If Calico's node-to-node mesh is on, turns it off last, after APIC sees every session established.
  - Takes the BGP password from the variable C(aci_calico_bgp_password). It appears in no output, log or file.
options:
  sessions_timeout:
    description:
      - How many seconds to wait for the sessions. V(0) does not wait. By default the variable C(aci_calico_sessions_timeout).
      - For the wait, the variables C(aci_calico_apic_*) apply.
    type: int
  manage_installation:
    description: Whether to change pools of the operator through its Installation. By default the variable C(aci_calico_manage_installation).
    type: bool
  restore:
    description: What to bring back in place of the plan, from a journal. M(netops.aci_calico.undo) gives it.
    type: dict
  only:
    description:
      - The objects (C(Kind/name)) that may change. A BGPPeer of others that is named is deleted. An empty list limits nothing.
    type: list
    elements: str
    default: []
  rotating:
    description: Whether this is a step of M(netops.aci_calico.rotate). Without it, a rotation that is not finished is a problem.
    type: bool
    default: false
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.kubernetes
  - netops.aci_calico.cluster.push
  - netops.aci_calico.cluster.existing
seealso:
  - module: netops.aci_calico.plan
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Plan the cluster
  netops.aci_calico.plan:
  register: aci_calico_planned

- name: Configure Calico
  netops.aci_calico.calico_push:
  register: aci_calico_pushed
"""

RETURN = r"""
managed:
  description:
    - What this push manages, each with C(kind) (V(node)), C(within) (the cluster) and C(name).
    - Automation Platform counts it, see C(extensions/audit/event_query.yml).
  returned: on success
  type: list
  elements: dict
  sample: [{kind: node, within: prod1, name: "node-1"}]
report:
  description: What this push and the earlier ones of the play changed, by part. They are registered in the variable C(aci_calico_pushed).
  returned: on success
  type: dict
  sample:
    calico:
      created: [BGPPeer/aci-leaf-201]
      modified: [Node/node-1]
      deleted: []
      pending: [node-6]
      installation: Calico 3.32.1, installed by the operator, data plane iptables, routes by BIRD
snippet:
  description: What to apply to pools that the installer of Calico owns.
  returned: when the task stops for it
  type: str
objects:
  description: The objects as the API server returned them, without the Secret.
  returned: on success
  type: list
  elements: dict
problems:
  description: What was found, each with C(id), C(severity), C(path), C(problem) and C(remedy).
  returned: unless another failure comes first
  type: list
  elements: dict
"""
