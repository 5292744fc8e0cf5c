# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write the report of a Calico cluster on ACI as HTML, and its topology as SVG and for draw.io
version_added: 1.0.0
description:
  - Writes C(report.html), C(topology.svg) and C(topology.drawio) to the cluster's folder in C(aci_calico_artifacts_dir), and for the play's first host
    C(report.html) of all clusters to the folder itself. Each HTML file is complete and needs no network.
  - The report holds the topology, addresses, cabling, VLANs, route control, contracts, the use of each limit, and the sessions and findings of the last
    M(netops.aci_calico.verify) if its C(verify.json) is in the cluster's folder.
  - Contacts nothing. The same plan and verification give the same bytes.
  - Runs on the controller.
options:
  artifacts_dir:
    description: The folder of the files. By default the variable C(aci_calico_artifacts_dir).
    type: str
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.predicts
  - netops.aci_calico.cluster.no_diff
seealso:
  - module: netops.aci_calico.plan
  - module: netops.aci_calico.verify
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Report on every cluster, offline
  hosts: aci_calico_clusters
  gather_facts: false
  tasks:
    - name: Plan the cluster
      netops.aci_calico.plan:
      register: aci_calico_planned

    - name: Write the report
      netops.aci_calico.report:
"""

RETURN = r"""
files:
  description: The files, written or found as they should be.
  returned: always
  type: list
  elements: str
  sample: [artifacts/prod1/report.html, artifacts/prod1/topology.svg, artifacts/prod1/topology.drawio, artifacts/report.html]
"""
