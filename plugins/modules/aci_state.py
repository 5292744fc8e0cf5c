#!/usr/bin/python
# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: aci_state
version_added: "1.0.0"
short_description: Read the state and the configuration of a VRF's border leaves
description:
  - Reads the BGP sessions, routes, faults and table usage of one VRF on the leaves of a cluster, and the objects on APIC that
    configure them. The number of requests does not depend on the number of leaves, nodes and routes.
  - Changes nothing and does not judge the state, see M(netops.aci_calico.verify).
options:
  cluster:
    description: Name of the cluster whose objects are read.
    type: str
    required: true
  vrf:
    description: The VRF with its tenant, as the leaves name it.
    type: str
    required: true
  address_families:
    description: The address families whose routes are read.
    type: list
    elements: str
    choices: [ipv4, ipv6]
    default: [ipv4]
  leaves:
    description: DNs of the leaves whose routes and table usage are read.
    type: list
    elements: str
    required: true
  l3outs:
    description: DNs of the L3Outs whose faults are read.
    type: list
    elements: str
    required: true
  only:
    description:
      - V(sessions) reads only the leaves' BGP sessions, in one request. The other results are empty.
    type: str
    choices: [sessions]
  roots:
    description:
      - Trees of the objects whose configuration is read, in the form of M(netops.aci_calico.aci_tree).
    type: list
    elements: dict
    default: []
    suboptions:
      dn:
        description: DN of the topmost object of the tree.
        type: str
        required: true
      scope:
        description: Whether all objects below the root are read, or only those in the tree.
        type: str
        choices: [bare, named, subtree]
        default: subtree
      tree:
        description: The managed object in the form of APIC's JSON.
        type: dict
        required: true
      classes:
        description: Not used here.
        type: list
        elements: str
        default: []
      assumed:
        description: Not used here.
        type: list
        elements: str
        default: []
      except:
        description: Not used here.
        type: list
        elements: str
        default: []
      keep:
        description: Not used here.
        type: list
        elements: str
        default: []
extends_documentation_fragment:
  - cisco.aci.aci
  - netops.aci_calico.reading
seealso:
  - module: netops.aci_calico.verify
author:
  - Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Read the sessions and routes of a VRF on two leaves
  netops.aci_calico.aci_state:
    host: apic.example.com
    username: ansible
    private_key: /etc/aci/ansible.key
    cluster: prod1
    vrf: common:calico
    leaves: [topology/pod-1/node-201, topology/pod-1/node-202]
    l3outs: [uni/tn-common/out-calico-prod1]
  register: fabric
"""

RETURN = r"""
state:
  description: The state of the leaves and the objects that configure them.
  returned: success
  type: dict
  contains:
    leaves:
      description:
        - The leaves that have the VRF, by number, each with C(up), C(router_id), C(tep), C(sessions), C(routes) by family and
          prefix, and C(lpm) with the entries C(used) and their C(limit).
      type: dict
    objects:
      description: The configured objects by DN, each with C(class) and C(attributes).
      type: dict
    faults:
      description: The active faults of the L3Outs and of BGP on the leaves, each with C(code), C(severity), C(descr) and C(dn).
      type: list
      elements: dict
requests:
  description: The number of requests to APIC by kind. V(retries) of them were repetitions.
  returned: always
  type: dict
  sample: {"login": 1, "get": 9, "post": 0, "retries": 0, "total": 10}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cisco.aci.plugins.module_utils.aci import aci_argument_spec

from ..module_utils.apic.roots import parse_roots
from ..module_utils.apic.session import Session
from ..module_utils.apic.state import OF_LEAVES, faults, flatten, leaf_states, on_leaves, queries
from ..module_utils.apic.tree import TreeError


def argument_spec():
    root = {
        "dn": {"type": "str", "required": True},
        "scope": {"type": "str", "default": "subtree", "choices": ["bare", "named", "subtree"]},
        "tree": {"type": "dict", "required": True},
        "classes": {"type": "list", "elements": "str", "default": []},
        "assumed": {"type": "list", "elements": "str", "default": []},
        "except": {"type": "list", "elements": "str", "default": []},
        "keep": {"type": "list", "elements": "str", "default": []},
    }
    return {
        **aci_argument_spec(),
        "cluster": {"type": "str", "required": True},
        "vrf": {"type": "str", "required": True},
        "address_families": {"type": "list", "elements": "str", "choices": ["ipv4", "ipv6"], "default": ["ipv4"]},
        "leaves": {"type": "list", "elements": "str", "required": True},
        "l3outs": {"type": "list", "elements": "str", "required": True},
        "only": {"type": "str", "choices": ["sessions"]},
        "roots": {"type": "list", "elements": "dict", "default": [], "options": root},
    }


def read(session, params, roots):
    """Return the module's ``state``.

    :raises ApicError: when APIC refuses, or cannot be reached.
    """
    families = params["address_families"]
    paths = queries(params["vrf"], families, params["leaves"], params["l3outs"])
    if params["only"]:
        replies = {**dict.fromkeys(paths, ()), "domains": session.get(paths["domains"])}
        return {"leaves": leaf_states(replies, families), "objects": {}, "faults": []}
    replies = {name: session.get(path) for name, path in paths.items()}
    replies |= {name: on_leaves(replies[name], params["leaves"]) for name in OF_LEAVES if name in replies}
    objects = flatten(replies["vrf"])
    for root in roots:
        if root.tops or not root.named:
            objects.update(flatten(session.get(root.query(with_owned=False))))
    return {
        "leaves": leaf_states(replies, families),
        "objects": objects,
        "faults": faults([*replies["faults"], *replies["delegates"]]),
    }


def main(module_class=AnsibleModule):
    module = module_class(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        roots = parse_roots(module.params["roots"], module.params["cluster"], apart=False)
    except TreeError as error:
        module.fail_json(msg=f"roots: {error}", problems=error.problems)
    session = Session(module, [module.params["password"]])
    state = session.read_or_fail(lambda: read(session, module.params, roots))
    module.exit_json(changed=False, state=state, requests=session.counted())


if __name__ == "__main__":
    main()
