#!/usr/bin/python
# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: aci_lease
version_added: "1.0.0"
short_description: Take, renew or release a cluster's lease on APIC
description:
  - The lease is an annotation (C(tagAnnotation)) of a tenant, whose creation APIC refuses while it exists. Of several runs that take it over from
    another one, one succeeds.
  - M(netops.aci_calico.lease) waits for it, and decides what is taken over.
options:
  dn:
    description: DN of the tenant that has the lease.
    type: str
    required: true
extends_documentation_fragment:
  - cisco.aci.aci
  - netops.aci_calico.lease
seealso:
  - module: netops.aci_calico.lease
author:
  - Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take the lease
  netops.aci_calico.aci_lease:
    host: apic.example.com
    username: ansible
    private_key: /etc/aci/ansible.key
    cluster: prod1
    dn: uni/tn-common
    lease: {run: 3f2a9c01b7de, holder: anna@control-1, doing: configure the cluster}
  register: leased
"""

RETURN = r"""
held:
  description: Whether the run holds the lease.
  returned: success
  type: bool
holder:
  description: The content of the lease that another run holds, or of the own one. None if there is no lease.
  returned: success
  type: dict
requests:
  description: The number of requests to APIC by kind. V(retries) of them were repetitions.
  returned: always
  type: dict
  sample: {"login": 1, "get": 0, "post": 1, "retries": 0, "total": 2}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cisco.aci.plugins.module_utils.aci import aci_argument_spec

from ..module_utils.apic.lease import ApicLease
from ..module_utils.apic.session import Session
from ..module_utils.lease import ARGUMENTS, Outcome, change


def main(module_class=AnsibleModule):
    spec = {**aci_argument_spec(), **ARGUMENTS, "dn": {"type": "str", "required": True}}
    module = module_class(argument_spec=spec, supports_check_mode=True)
    session = Session(module, [module.params["password"]])
    if module.check_mode:
        module.exit_json(**Outcome(True).result(), requests=session.counted())
    lease = ApicLease(session, module.params["dn"], module.params["cluster"])
    outcome = session.read_or_fail(lambda: change(lease, module.params))
    module.exit_json(**outcome.result(), requests=session.counted())


if __name__ == "__main__":
    main()
