# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aci_push
short_description: Push a part of a Calico cluster's plan to APIC
version_added: 1.0.0
description:
  - Pushes the objects of the plan by M(netops.aci_calico.aci_tree), with one login, one read and at most one POST for each root.
  - Takes the BGP password from the variable C(aci_calico_bgp_password).
options:
  part:
    description:
      - V(access) is the tenant, the VRF and the access policies, as far as the collection manages them.
      - V(policies) is everything that the cluster has in tenants outside its L3Outs, V(hardening) adds the route control of each L3Out.
      - V(l3out) is each L3Out with everything in it.
      - V(undo) is what M(netops.aci_calico.undo) brings back, in O(roots).
    type: str
    required: true
    choices: [access, policies, hardening, l3out, undo]
  roots:
    description: The roots of the part V(undo), as those of M(netops.aci_calico.aci_tree).
    type: list
    elements: dict
    default: []
  svi:
    description: The kind of SVI that the plan must have.
    type: str
    choices: [floating, standard]
  only:
    description: The DNs of the objects that may change, see M(netops.aci_calico.aci_tree). An empty list limits nothing.
    type: list
    elements: str
    default: []
  password:
    description: The BGP password, in place of that of the variable. M(netops.aci_calico.rotate) gives back the old one with it.
    type: str
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.push
  - netops.aci_calico.cluster.existing
seealso:
  - module: netops.aci_calico.aci_tree
  - module: netops.aci_calico.plan
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Plan the cluster
  netops.aci_calico.plan:
  register: aci_calico_planned

- name: Push the L3Out to APIC
  netops.aci_calico.aci_push:
    part: l3out
  register: aci_calico_pushed
"""

RETURN = r"""
managed:
  description:
    - What this push manages, each with C(kind) (V(leaf)), C(within) (the controllers) and C(name).
    - Automation Platform counts it, see C(extensions/audit/event_query.yml).
  returned: on success
  type: list
  elements: dict
  sample: [{kind: leaf, within: apic1.example.com, name: "201"}]
report:
  description: What this push and the earlier ones of the play changed, by part. They are registered in the variable C(aci_calico_pushed).
  returned: on success
  type: dict
  sample:
    l3out: {created: [uni/tn-common/out-calico-prod1], modified: [], deleted: [], requests: 3}
created:
  description: DNs of the objects that were created. The other return values of M(netops.aci_calico.aci_tree) are returned too.
  returned: on success
  type: list
  elements: str
  sample: [uni/tn-common/out-calico-prod1]
"""
