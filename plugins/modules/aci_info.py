#!/usr/bin/python
# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: aci_info
version_added: "1.0.0"
short_description: Read managed objects of APIC by several queries in one session
description:
  - Sends each query once and returns all objects together, by DN. Changes nothing.
  - It neither chooses nor interprets queries, see M(netops.aci_calico.preflight).
options:
  queries:
    description:
      - The paths to read, with their query options, such as V(/api/class/fabricNode.json).
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - cisco.aci.aci
  - netops.aci_calico.reading
seealso:
  - module: cisco.aci.aci_rest
author:
  - Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Read the leaves and the fabric's AS number
  netops.aci_calico.aci_info:
    host: apic.example.com
    username: ansible
    private_key: /etc/aci/ansible.key
    queries:
      - /api/class/fabricNode.json?query-target-filter=eq(fabricNode.role,"leaf")
      - /api/mo/uni/fabric/bgpInstP-default/as.json
  register: fabric
"""

RETURN = r"""
objects:
  description: The objects by DN, each with C(class) and C(attributes); without faults and health scores.
  returned: success
  type: dict
privileges:
  description:
    - The user's write privileges by the DN of a tenant, as the reply to the login tells them; for C(uni), the roles for writing in the security
      domain C(all); without any role in it there is no C(uni). None if there was no login with a password in this session, or if its reply does not tell them.
  returned: success
  type: dict
requests:
  description: The number of requests to APIC by kind. V(retries) of them were repetitions.
  returned: always
  type: dict
  sample: {"login": 1, "get": 2, "post": 0, "retries": 0, "total": 3}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cisco.aci.plugins.module_utils.aci import aci_argument_spec

from ..module_utils.apic.session import Session
from ..module_utils.apic.state import flatten


def main(module_class=AnsibleModule):
    spec = {**aci_argument_spec(), "queries": {"type": "list", "elements": "str", "required": True}}
    module = module_class(argument_spec=spec, supports_check_mode=True)
    session = Session(module, [module.params["password"]])
    read = session.read_or_fail(lambda: [flatten(session.get(path), tags=True) for path in module.params["queries"]])
    objects = {dn: mo for found in read for dn, mo in found.items()}
    module.exit_json(changed=False, objects=objects, privileges=session.privileges, requests=session.counted())


if __name__ == "__main__":
    main()
