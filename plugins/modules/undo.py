# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: undo
short_description: Bring back what a cluster owned before a run
version_added: 1.0.0
description:
  - Each run that changes something keeps a journal first, in the folder C(aci_calico_journal). This action brings back exactly the objects in one of them, on
    both sides, and the text of the allocation file. Objects that were made since are removed, removed ones are made again, and changed ones are changed back.
  - It first shows what it changes and what that interrupts (see M(netops.aci_calico.rehearse)), and needs the consents for it.
  - Objects of others, and what others set on shared objects, stay.
  - Passwords are in no journal. What is made again gets the variable C(aci_calico_bgp_password); a password that the run replaced stays.
  - If it ends before it is complete, run it again.
options:
  journal:
    description: The name of the journal. The newest one if empty.
    type: str
    default: ''
  list:
    description: Whether to list the journals and change nothing.
    type: bool
    default: false
  adopt:
    description: Whether to take over objects that somebody else made in place of those in the journal. By default the variable C(aci_calico_adopt).
    type: bool
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
attributes:
  check_mode:
    description: Shows and predicts the changes.
    support: full
  diff_mode:
    description: Returns the differences of each object and of the allocation file.
    support: full
seealso:
  - module: netops.aci_calico.aci_push
  - module: netops.aci_calico.calico_push
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Undo the last run
  netops.aci_calico.undo:

- name: List the journals
  netops.aci_calico.undo:
    list: true
"""

RETURN = r"""
journal:
  description: The name of the journal that was brought back.
  returned: unless they are listed
  type: str
  sample: 20261128T183112Z-3f9c01ab77de
journals:
  description: The names of the journals, the newest first.
  returned: if O(list)
  type: list
  elements: str
problems:
  description: What was found, each with C(id), C(severity), C(path), C(problem) and C(remedy).
  returned: unless another failure comes first
  type: list
  elements: dict
"""
