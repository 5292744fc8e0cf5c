# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drift
short_description: Find what differs from a cluster's plan on APIC and in Kubernetes, and who changed it
version_added: 1.0.0
description:
  - Reads both sides, compares them with the plan, and reports each object that differs, is missing or is not planned, with its owner, the user who changed it
    and when, which side is right and why, and what mending it does to traffic.
  - Reports also what others have put below the cluster's own objects.
  - Who changed an object on APIC is read from its audit log by one request, and in Kubernetes from C(managedFields).
  - Changes nothing, and takes no lease. M(netops.aci_calico.mend) puts back what is found.
  - Runs on the controller, and reads by M(netops.aci_calico.aci_info) and M(netops.aci_calico.calico_info).
options:
  fails:
    description: Whether to fail if anything differs. By default the variable C(aci_calico_drift_fails).
    type: bool
  artifacts_dir:
    description:
      - Where to write the report, in a folder named after the cluster, as C(drift.json) and C(drift.xml) (JUnit). By default the variable
        C(aci_calico_artifacts_dir). An empty text writes none.
    type: str
  metrics_dir:
    description: Where to write metrics for Prometheus. By default the variable C(aci_calico_metrics_dir).
    type: str
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
  - netops.aci_calico.reading.report
seealso:
  - module: netops.aci_calico.mend
  - module: netops.aci_calico.verify
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Plan the cluster
  netops.aci_calico.plan:
  register: aci_calico_planned

- name: Find drift, and fail if there is any
  netops.aci_calico.drift:
    fails: true
"""

RETURN = r"""
drifted:
  description: Whether anything differs from the plan.
  returned: always
  type: bool
names:
  description: The names of the differences. The report in C(drift.json) has everything about each.
  returned: always
  type: list
  elements: str
  sample: [apic-4f2a91c0]
artifacts:
  description: The files that were written.
  returned: always
  type: list
  elements: str
  sample: [artifacts/prod1/drift.json, artifacts/prod1/drift.xml]
"""
