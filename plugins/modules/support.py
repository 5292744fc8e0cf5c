# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: support
short_description: Gather what somebody else needs to help with a cluster
version_added: 1.0.0
description:
  - Verifies the cluster once, looks for drift, reads the state of both sides and the versions of everything, and writes them with the plan and the artifacts
    of the last runs into one archive, C(support.tar.gz) in the cluster's folder of artifacts.
  - What cannot be read is left out, and C(failures.json) in the archive says why.
  - Passwords and keys of the inventory are hidden in all files, in whatever spelling they are there. Names and addresses are not hidden.
  - Changes nothing on APIC and in Kubernetes, and takes no lease. Runs on the controller.
options:
  artifacts_dir:
    description: The folder of the artifacts. By default the variable C(aci_calico_artifacts_dir).
    type: str
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
  - netops.aci_calico.reading.report
seealso:
  - module: netops.aci_calico.verify
  - module: netops.aci_calico.drift
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Plan the cluster
  netops.aci_calico.plan:
  register: aci_calico_planned

- name: Write the support bundle
  netops.aci_calico.support:
"""

RETURN = r"""
archive:
  description: The archive.
  returned: success
  type: str
  sample: artifacts/prod1/support.tar.gz
files:
  description: The files in it.
  returned: success
  type: list
  elements: str
  sample: [plan.json, state/apic.json, versions.json]
failed_parts:
  description: The parts that could not be gathered, with the reasons.
  returned: success
  type: dict
  sample: {}
"""
