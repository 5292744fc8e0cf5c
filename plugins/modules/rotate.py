# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rotate
short_description: Bring a new BGP password to both sides, leaf by leaf
version_added: 1.0.0
description:
  - Gives the leaves and the nodes of a cluster the password in C(aci_calico_bgp_password), one leaf after the other, so that each node keeps a session
    with its other leaf. With standard SVI, where one peer on APIC serves both leaves, it goes node by node, and a node loses both sessions for seconds.
  - Needs the old password from nobody. It reads it from the Secret, to give it back to a leaf whose sessions do not return; the module that reads it
    returns it sealed, so that no output has it.
  - An interrupted rotation is finished by the next run, or undone if C(aci_calico_bgp_password) has the old password again.
  - Resets sessions, so it needs the consent C(session-reset), and C(traffic-interruption) where a node has no other session.
  - Runs on the controller, and changes the objects by M(netops.aci_calico.aci_push) and M(netops.aci_calico.calico_push).
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
  - netops.aci_calico.cluster.predicts
options:
  timeout:
    description:
      - How many seconds to wait for the sessions of a leaf, at least 60. By default the variable C(aci_calico_sessions_timeout).
    type: int
attributes:
  diff_mode:
    description: Returns the differences of each object, without passwords.
    support: full
seealso:
  - module: netops.aci_calico.verify
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take the lease
  netops.aci_calico.lease:
    doing: rotate the BGP password
  register: aci_calico_leased

- name: Rotate the BGP password
  netops.aci_calico.rotate:
"""

RETURN = r"""
steps:
  description: The steps with their durations in seconds. In check mode, those that a run would make.
  returned: on success
  type: list
  elements: dict
  sample: [{"step": "rack 1, leaf 201: both sides take the password of the key rr-password-next", "seconds": 6.2}]
problems:
  description: The warnings.
  returned: on success
  type: list
  elements: dict
"""
