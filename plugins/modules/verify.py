# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Verify that a Calico cluster on ACI works as planned
version_added: 1.0.0
description:
  - Reads the fabric and Kubernetes, and compares them with what the plan expects, namely all sessions and routes, no others, and the settings of both
    sides.
  - Repeats this until everything is as planned, only findings remain that do not disappear by themselves, or the timeout is over, and shows the progress.
  - Reports each finding with its place, likely cause and remedy. Findings that follow from another one are listed as its evidence.
  - Prints a table by rack and fails if a finding is an error. Changes only its own requests for the nodes' reports.
  - Runs on the controller, and reads by M(netops.aci_calico.aci_state), M(netops.aci_calico.calico_info) and M(netops.aci_calico.calico_state).
options:
  only:
    description:
      - V(sessions) only checks on APIC whether each planned session is established, with one request each time. It reads neither Kubernetes nor routes.
      - V(routes) checks whether each planned session is established, and whether each leaf, and each node by a leaf, has the pod routes of all nodes.
      - V(drained) only checks whether leaves still send services' traffic to the O(nodes).
    type: str
    choices: [sessions, drained, routes]
  nodes:
    description: The nodes to check with O(only=drained).
    type: list
    elements: str
    default: []
  pending:
    description: Planned nodes that are not in Kubernetes yet, whose sessions are not expected. With O(look_at_kubernetes), Kubernetes tells.
    type: list
    elements: str
    default: []
  look_at_kubernetes:
    description:
      - Whether to verify Calico's configuration and the nodes' own view too. By default the variable C(aci_calico_verify_kubernetes).
    type: bool
  node_status:
    description:
      - Whether to ask the nodes' BGP daemons to report, by a C(CalicoNodeStatus) for each node, which is removed at the end. By default the variable
        C(aci_calico_verify_node_status).
    type: bool
  timeout:
    description: How many seconds to wait for sessions and routes. By default the variable C(aci_calico_verify_timeout).
    type: int
  interval:
    description: The seconds between two reads. By default the variable C(aci_calico_verify_interval).
    type: int
  artifacts_dir:
    description:
      - Where to write the report, in a folder named after the cluster, as C(verify.json) and C(verify.xml) (JUnit). By default the variable
        C(aci_calico_artifacts_dir). An empty text, or O(only), writes none.
    type: str
extends_documentation_fragment:
  - netops.aci_calico.cluster
  - netops.aci_calico.cluster.apic
  - netops.aci_calico.cluster.kubernetes
  - netops.aci_calico.reading
attributes:
  check_mode:
    description: Verifies in the same way, but makes no requests for reports and writes no files.
    support: full
seealso:
  - module: netops.aci_calico.plan
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Verify every cluster
  hosts: aci_calico_clusters
  gather_facts: false
  tasks:
    - name: Plan the cluster
      netops.aci_calico.plan:
      register: aci_calico_planned

    - name: Verify it, and wait up to two minutes for sessions to come up
      netops.aci_calico.verify:
        apic:
          host: apic.example.com
          username: ansible
          private_key: /etc/aci/ansible.key
        kubernetes:
          kubeconfig: ~/.kube/prod1.yml
        timeout: 120

    - name: Wait for its sessions alone
      netops.aci_calico.verify:
        apic:
          host: apic.example.com
          username: ansible
          private_key: /etc/aci/ansible.key
        only: sessions
"""

RETURN = r"""
causes:
  description: The rules of the findings, by root cause, errors first.
  returned: always
  type: list
  elements: str
  sample: [rack-label]
report:
  description: The verdict, as in C(verify.json).
  returned: when the cluster is as planned; else it is in the file only
  type: dict
  contains:
    cluster:
      description: The cluster.
      type: str
      returned: always
      sample: prod1
    only:
      description: What the verification was restricted to, empty without restriction.
      type: str
      returned: always
    ok:
      description: Whether no finding is an error.
      type: bool
      returned: always
    waiting:
      description: Whether a finding may disappear without a change.
      type: bool
      returned: always
    findings:
      description:
        - The root causes, errors first. Each has C(id), C(suite), C(severity), C(rack), C(nodes), C(leaves), C(family), C(prefix), C(what), C(cause),
          C(remedy), and the findings that follow from it as C(evidence).
      type: list
      elements: dict
      returned: always
    rules:
      description: The findings of each rule, explained by another finding or not.
      type: dict
      returned: always
    sessions:
      description:
        - Each planned session with C(name), C(rack), C(node), C(leaf), C(family), C(state), the number of prefixes C(accepted) and C(advertised) by the
          leaf, at most how many it rejected (C(rejected_at_most)), and C(problems).
      type: list
      elements: dict
      returned: always
    racks:
      description:
        - The table, one entry for each leaf, with pairs of present and expected numbers. Empty with O(only).
      type: list
      elements: dict
      returned: always
artifacts:
  description: The files that were written.
  returned: always
  type: list
  elements: str
  sample: [artifacts/prod1/verify.json, artifacts/prod1/verify.xml]
"""
