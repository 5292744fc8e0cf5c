#!/usr/bin/python
# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: aci_tree
version_added: "1.0.0"
short_description: Declare trees of APIC managed objects
description:
  - Brings one or more trees of managed objects on APIC to a wanted state, each with at most one GET and one POST. Roots of
    scope V(named) within another one are read together with it. Nothing is posted when nothing differs, and what is posted
    holds no more than the differences. A POST is one transaction on APIC, carried out as a whole or not at all.
  - Tells objects apart by their owner, which stands in their C(annotation). Objects of this cluster are changed and
    removed as needed. What somebody else made is never removed, and never changed unless O(adopt=true).
  - All roots are read and compared before the first is changed. Conflicts are collected and reported all at once.
options:
  cluster:
    description:
      - Name of the cluster whose objects these are. They carry C(orchestrator:aci-calico:<cluster>) as annotation, which the
        module adds to each object of the tree that has no annotation of its own.
      - An object with the annotation C(orchestrator:aci-calico), without a cluster, is shared. Each cluster that uses it hangs
        on it a C(tagAnnotation) with its own annotation as the key. It is changed only while no other cluster uses it, and the
        last cluster to let go of it removes it.
    type: str
    required: true
  state:
    description:
      - V(present) makes what O(roots) say.
      - V(absent) removes what the cluster owns below the roots, in the opposite order of O(roots).
    type: str
    choices: [absent, present]
    default: present
  prune:
    description:
      - Whether objects that the cluster owns below the roots, and that the trees no longer have, are removed.
      - An object that holds somebody else's configuration stays, with a warning.
    type: bool
    default: true
  adopt:
    description:
      - Whether to take over objects that somebody else made, instead of failing when they differ from what is wanted.
      - They get this cluster's annotation, and from then on are changed and removed like all others of the cluster.
      - Where a cluster shares an object with others, a differing value is changed for all of them.
    type: bool
    default: false
  update_password:
    description:
      - APIC never returns secrets, so that nobody can tell whether they differ.
      - With V(on_create) a secret is sent with an object that is created, and not again.
      - With V(always) it is sent every time. APIC then says whether that changed anything, and so does the module. In check
        mode, objects that a secret would be sent to are listed as modified, since APIC cannot be asked.
    type: str
    choices: [always, on_create]
    default: on_create
  secrets:
    description:
      - Secrets by name. Where the trees have V(<secret:name>), the secret takes its place at the moment of the POST.
    type: dict
    default: {}
  roots:
    description:
      - The trees, in the order in which they are to be made.
    type: list
    elements: dict
    required: true
    suboptions:
      dn:
        description: DN of the topmost object of the tree.
        type: str
        required: true
      scope:
        description:
          - With V(subtree) all that is below the root is read, and in scope for removal.
          - V(named) is for containers too big to be read, such as a tenant. Only the objects that the tree has are read, by
            class and name, and whatever else of the same classes the cluster owns there. Objects of other classes below them
            are not in scope for removal by themselves.
          - V(bare) is for objects that are such containers themselves. They are read without what is below them, and nothing is
            removed. With O(state=absent) all is read, so that what holds something of somebody else stays.
        type: str
        choices: [bare, named, subtree]
        default: subtree
      tree:
        description:
          - "The managed object in the form of APIC's JSON, C({class: {attributes: {...}, children: [...]}})."
          - An object with C(status=modified) is a container that must exist already. It is never created, changed or removed.
          - Values are turned into strings, booleans into V(yes) and V(no), lists into comma-separated flags.
        type: dict
        required: true
      state:
        description: With V(absent) what the cluster owns below this root is removed, whatever O(state) says.
        type: str
        choices: [absent, present]
        default: present
      classes:
        description:
          - For a root of scope V(named), further classes, anywhere below it, whose objects the cluster gives up when the tree
            has none of them.
        type: list
        elements: str
        default: []
      except:
        description:
          - For a root of scope V(named), DNs below it that another root is responsible for. Nothing there is removed.
        type: list
        elements: str
        default: []
      assumed:
        description:
          - DNs of containers that another task makes before this one. A dry run does not miss them.
        type: list
        elements: str
        default: []
extends_documentation_fragment:
  - cisco.aci.aci
attributes:
  check_mode:
    description: Can run in check mode and tells what the same run without it would do.
    support: full
  diff_mode:
    description: Shows each object that differs, with the properties that differ. Secrets are shown as C((hidden)).
    support: full
notes:
  - Several controllers of one fabric can be given in O(host), separated by commas. When one fails, the next is tried.
  - Requests that APIC turns away for now, and lost connections, are tried again a few times. After a POST without an answer the
    module reads what is there before it decides whether to send it once more.
  - O(suppress_verification) and O(suppress_previous) have no effect, the module always reads before and never after a POST.
  - O(output_path) gets what would be sent, with the secrets' names instead of the secrets.
  - With a connection of type C(httpapi), do not turn on C(ansible_persistent_log_messages), since it logs all that is sent.
seealso:
  - module: cisco.aci.aci_rest
author:
  - Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: An L3Out with an external EPG, and nothing else in it that is ours
  netops.aci_calico.aci_tree:
    host: apic.example.com
    username: ansible
    private_key: /etc/aci/ansible.key
    cluster: prod1
    roots:
      - dn: uni/tn-k8s/out-calico-prod1
        tree:
          l3extOut:
            attributes: {name: calico-prod1, enforceRtctrl: [export, import]}
            children:
              - l3extRsEctx: {attributes: {tnFvCtxName: calico}}
              - l3extInstP:
                  attributes: {name: default}
                  children:
                    - l3extSubnet: {attributes: {ip: 10.1.0.0/16, scope: import-security}}

- name: A policy in the tenant common, without reading that tenant
  netops.aci_calico.aci_tree:
    host: apic.example.com
    username: ansible
    password: "{{ vault_apic_password }}"
    cluster: prod1
    roots:
      - dn: uni/tn-common
        scope: named
        tree:
          fvTenant:
            attributes: {name: common, status: modified}
            children:
              - bgpCtxPol: {attributes: {name: calico-prod1, kaIntvl: 1, holdIntvl: 3}}

- name: A new password for a BGP peer
  netops.aci_calico.aci_tree:
    host: apic.example.com
    username: ansible
    password: "{{ vault_apic_password }}"
    cluster: prod1
    prune: false
    update_password: always
    secrets:
      bgp_password: "{{ vault_bgp_password }}"
    roots:
      - dn: uni/tn-k8s/out-calico-prod1/lnodep-rack-1/peerP-[192.168.2.1]
        tree:
          bgpPeerP:
            attributes: {addr: 192.168.2.1, password: "<secret:bgp_password>"}
"""

RETURN = r"""
created:
  description: DNs of the objects that were created, or would be.
  returned: always
  type: list
  elements: str
  sample: ["uni/tn-k8s/out-calico-prod1"]
modified:
  description: The objects that were changed, or would be.
  returned: always
  type: list
  elements: dict
  contains:
    dn:
      description: DN of the object.
      type: str
      returned: always
    properties:
      description: The properties that changed.
      type: list
      elements: str
      returned: always
  sample: [{"dn": "uni/tn-k8s/out-calico-prod1", "properties": ["enforceRtctrl"]}]
deleted:
  description: DNs of the objects that were removed, or would be, those that go along with their parent included.
  returned: always
  type: list
  elements: str
  sample: ["uni/tn-k8s/out-calico-prod1/instP-default"]
kept:
  description: Objects that should have been removed, but hold what somebody else made.
  returned: always
  type: list
  elements: dict
  contains:
    dn:
      description: DN of the object that stays.
      type: str
      returned: always
    reason:
      description: What it holds, and whose that is.
      type: str
      returned: always
conflicts:
  description: The wanted objects that are somebody else's and differ, one sentence for each.
  returned: when there are conflicts
  type: list
  elements: str
missing:
  description: DNs of the containers that must exist and do not.
  returned: when there are such
  type: list
  elements: str
error:
  description: The error with which APIC refused a root.
  returned: when a request failed
  type: dict
  contains:
    code:
      description: APIC's error code.
      type: str
      returned: always
    text:
      description: APIC's error text.
      type: str
      returned: always
    status:
      description: The HTTP status, -1 when there was no answer.
      type: int
      returned: always
    dn:
      description: DN of the object that the text names, else of the root.
      type: str
      returned: always
    root:
      description: DN of the root.
      type: str
      returned: always
requests:
  description: How many requests went to APIC, by kind. V(retries) tells how many of them were repetitions.
  returned: always
  type: dict
  sample: {"login": 1, "get": 1, "post": 1, "retries": 0, "total": 3}
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cisco.aci.plugins.module_utils.aci import aci_argument_spec

from ..module_utils.apic.push import Push, PushError
from ..module_utils.apic.roots import parse_roots
from ..module_utils.apic.session import Session
from ..module_utils.apic.tree import TreeError


def argument_spec():
    root = {
        "dn": {"type": "str", "required": True},
        "scope": {"type": "str", "default": "subtree", "choices": ["bare", "named", "subtree"]},
        "tree": {"type": "dict", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"]},
        "classes": {"type": "list", "elements": "str", "default": []},
        "assumed": {"type": "list", "elements": "str", "default": []},
        "except": {"type": "list", "elements": "str", "default": []},
    }
    return {
        **aci_argument_spec(),
        "cluster": {"type": "str", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"]},
        "prune": {"type": "bool", "default": True},
        "adopt": {"type": "bool", "default": False},
        "update_password": {"type": "str", "default": "on_create", "choices": ["always", "on_create"], "no_log": False},
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "roots": {"type": "list", "elements": "dict", "required": True, "options": root},
    }


def write_bodies(path, bodies):
    with open(path, "a", encoding="utf-8") as output:
        json.dump(bodies, output)


def main():
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    params = module.params
    secrets = {name: str(value) for name, value in params["secrets"].items() if value is not None}
    try:
        roots = parse_roots(params["roots"], params["cluster"])
    except TreeError as error:
        module.fail_json(msg=f"roots: {error}", problems=error.problems)
    session = Session(module, [*secrets.values(), params["password"]])
    push = Push(session, roots, {**params, "secrets": secrets})
    planned = False
    try:
        push.plan(check=module.check_mode)
        if params["output_path"] and push.bodies():
            write_bodies(params["output_path"], push.bodies())
        planned = module.check_mode
        if not planned:
            push.apply()
    except PushError as error:
        module.fail_json(msg=str(error), **error.details, **push.result(planned))
    result = push.result(planned)
    for item in result["kept"]:
        module.warn(f"{item['dn']} is kept: {item['reason']}")
    if not module._diff:
        del result["diff"]
    module.exit_json(**result)


if __name__ == "__main__":
    main()
