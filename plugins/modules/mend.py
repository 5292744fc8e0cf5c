# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mend
short_description: Put back what differs from a cluster's plan, by name
version_added: 1.0.0
description:
  - Reads both sides again, and puts back exactly the differences that the run names by C(aci_calico_mend), with the names that M(netops.aci_calico.drift)
    prints. A name changes with what was found, so that nothing else is ever changed.
  - C(all) stands for the differences of the cluster's own objects. An object of others is changed, taken over or deleted only if its difference is named.
  - What interrupts traffic needs a consent, as in the playbook C(site).
  - Runs on the controller, and changes the objects by M(netops.aci_calico.aci_push) and M(netops.aci_calico.calico_push).
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
  - netops.aci_calico.cluster.predicts
attributes:
  diff_mode:
    description: Returns the differences of each object.
    support: full
seealso:
  - module: netops.aci_calico.drift
  - module: netops.aci_calico.lease
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take the lease
  netops.aci_calico.lease:
    doing: mend drift
  register: aci_calico_leased

- name: Mend what -e aci_calico_mend=NAME names
  netops.aci_calico.mend:
"""

RETURN = r"""
mended:
  description: The names of the differences that were put back.
  returned: on success
  type: list
  elements: str
  sample: [apic-4f2a91c0]
"""
