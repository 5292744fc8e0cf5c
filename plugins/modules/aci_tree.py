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
    scope V(named) within another one are read together with it. A POST contains only the differences, and is sent only if
    there are any. APIC carries it out as a whole or not at all.
  - The C(annotation) of an object names its owner. Objects of this cluster are changed and removed as needed. Objects of
    others are never removed, and never changed unless O(adopt=true).
  - All roots are read and compared before the first is changed. All conflicts are reported together.
options:
  cluster:
    description:
      - Name of the cluster whose objects these are. They carry C(orchestrator:aci-calico:<cluster>) as annotation, which the
        module adds to each object of the tree that has no annotation of its own.
      - An object with the annotation C(orchestrator:aci-calico), without a cluster, is shared. Each cluster that uses it adds a
        C(tagAnnotation) with its own annotation as the key. It is changed only while no other cluster uses it, and the last
        cluster that uses it removes it.
    type: str
    required: true
  state:
    description:
      - V(present) creates or changes the objects of O(roots).
      - V(absent) removes the cluster's objects below the roots, in the reverse order of O(roots).
    type: str
    choices: [absent, present]
    default: present
  prune:
    description:
      - Whether to remove the cluster's objects below the roots that are no longer in the trees.
      - An object that contains objects of others stays, with a warning.
    type: bool
    default: true
  adopt:
    description:
      - Whether to take over objects of others that differ from the wanted ones, instead of failing.
      - They get this cluster's annotation, and are changed like its other objects from then on. A tag keeps the values that they
        had; V(absent), or a tree without them, restores these values instead of removing the objects.
      - Secrets cannot be read, and are not restored.
      - If other clusters share an object, a differing value is changed for all of them.
    type: bool
    default: false
  update_password:
    description:
      - APIC never returns secrets, so the module cannot compare them.
      - With V(on_create) a secret is sent only when its object is created.
      - With V(always) it is sent every time, and APIC reports whether this changed anything. In check mode, objects with a
        secret are always listed as modified.
    type: str
    choices: [always, on_create]
    default: on_create
  secrets:
    description:
      - Secrets by name. They replace V(<secret:name>) in the trees when the POST is sent.
    type: dict
    default: {}
  only:
    description:
      - The DNs of the objects that may be created, changed or removed; all others stay as they are. An empty list limits nothing.
      - An object of others that is named, and is not in the trees, is removed with everything below it.
    type: list
    elements: str
    default: []
  roots:
    description:
      - The trees, in the order of their creation.
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
          - With V(subtree), all objects below the root are read and can be removed.
          - V(named) is for containers that are too big to be read, such as a tenant. Only the objects in the tree are read, by
            class and name, and the cluster's other objects of the same classes. Objects of other classes below them are not
            removed by themselves.
          - V(bare) is for objects that are such containers themselves. They are read without the objects below them, and
            nothing is removed. With O(state=absent) everything is read, so that objects of others are kept.
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
        description: With V(absent), the cluster's objects below this root are removed, regardless of O(state).
        type: str
        choices: [absent, present]
        default: present
      classes:
        description:
          - For a root of scope V(named), further classes anywhere below it. The cluster's objects of these classes are removed
            if the tree has none of them.
        type: list
        elements: str
        default: []
      except:
        description:
          - For a root of scope V(named), DNs below it that belong to another root. No objects there are removed.
        type: list
        elements: str
        default: []
      keep:
        description:
          - For a root of scope V(named), classes of objects that are removed only with O(state=absent), because others may
            still refer to them. C(fvTenant/rtctrlProfile) stands for the class below that parent only.
        type: list
        elements: str
        default: []
      assumed:
        description:
          - DNs of containers that another task creates before this one. In check mode they may be missing.
        type: list
        elements: str
        default: []
  lease:
    description:
      - The lease that the run holds (see M(netops.aci_calico.aci_lease)). The module checks it before each POST, and fails if another run has
        taken it over.
    type: dict
    suboptions:
      dn:
        description: DN of the tenant that has the lease.
        type: str
        required: true
      run:
        description: The id of the run.
        type: str
        required: true
      doing:
        description: The task of the run, for others.
        type: str
        default: ""
  journal:
    description:
      - The file that keeps the state before the first change of a run, for M(netops.aci_calico.undo). It is written before the first POST; the
        objects of the cluster are read for it unless the file has them already.
    type: dict
    suboptions:
      path:
        description: The file, on the host that runs the module.
        type: path
        required: true
      about:
        description: The run, its cluster and its allocation file.
        type: dict
        required: true
      queries:
        description: The paths of the requests that read the objects of the cluster.
        type: list
        elements: str
        required: true
      attributes:
        description: The properties to keep, by class.
        type: dict
        required: true
extends_documentation_fragment:
  - cisco.aci.aci
attributes:
  check_mode:
    description: Reports the changes that the same run without check mode would make.
    support: full
  diff_mode:
    description: Shows each object that differs, with the properties that differ. Secrets are shown as C((hidden)).
    support: full
notes:
  - O(host) can list several controllers of one fabric, separated by commas. If one fails, the next is tried.
  - Requests are repeated a few times if APIC is busy or the connection is lost. After a POST without an answer the module
    reads the objects again before it decides whether to repeat the POST.
  - O(suppress_verification) and O(suppress_previous) have no effect, because the module always reads before and never after a POST.
  - The module writes the bodies of the POSTs to O(output_path), with the secrets' names instead of the secrets.
  - With a connection of type C(httpapi), do not turn on C(ansible_persistent_log_messages), because it logs everything that is sent.
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
  description: DNs of the objects that were removed, or would be, including those removed with their parent.
  returned: always
  type: list
  elements: str
  sample: ["uni/tn-k8s/out-calico-prod1/instP-default"]
kept:
  description: Objects that were not removed, because they contain objects of others.
  returned: always
  type: list
  elements: dict
  contains:
    dn:
      description: DN of the object that stays.
      type: str
      returned: always
    reason:
      description: The objects of others that it contains, and their owners.
      type: str
      returned: always
conflicts:
  description: The differences that concern objects of others, one sentence for each.
  returned: when there are conflicts
  type: list
  elements: str
missing:
  description: DNs of the containers that do not exist, but must.
  returned: when there are any
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
    cause:
      description:
        - Why no request would succeed; none if APIC refuses this one. V(unreachable), V(certificate), V(login), V(answer) (another
          server answers, or the answer is incomplete) or V(busy).
      type: str
      returned: always
    host:
      description: The controller that was asked last.
      type: str
      returned: always
    dn:
      description: DN of the object that the text names, else of the root.
      type: str
      returned: always
    root:
      description: DN of the root.
      type: str
      returned: always
lost:
  description: The content of the lease of the run that has taken it over. None if no run has it.
  returned: when this run no longer holds O(lease)
  type: dict
unwritable:
  description: Why the file of O(journal) cannot be written. Nothing was changed then.
  returned: when it cannot be written
  type: str
requests:
  description: The number of requests to APIC by kind. V(retries) of them were repetitions.
  returned: always
  type: dict
  sample: {"login": 1, "get": 1, "post": 1, "retries": 0, "total": 3}
"""

import json
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cisco.aci.plugins.module_utils.aci import aci_argument_spec

from ..module_utils import journal
from ..module_utils.apic.lease import ApicLease
from ..module_utils.apic.own import owned
from ..module_utils.apic.push import Push, PushError
from ..module_utils.apic.roots import parse_roots
from ..module_utils.apic.session import ApicError, Session
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
        "keep": {"type": "list", "elements": "str", "default": []},
    }
    lease = {
        "dn": {"type": "str", "required": True},
        "run": {"type": "str", "required": True},
        "doing": {"type": "str", "default": ""},
    }
    kept = {
        "path": {"type": "path", "required": True},
        "about": {"type": "dict", "required": True},
        "queries": {"type": "list", "elements": "str", "required": True},
        "attributes": {"type": "dict", "required": True, "no_log": False},
    }
    return {
        **aci_argument_spec(),
        "cluster": {"type": "str", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"]},
        "prune": {"type": "bool", "default": True},
        "adopt": {"type": "bool", "default": False},
        "update_password": {"type": "str", "default": "on_create", "choices": ["always", "on_create"], "no_log": False},
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "only": {"type": "list", "elements": "str", "default": []},
        "roots": {"type": "list", "elements": "dict", "required": True, "options": root},
        "lease": {"type": "dict", "options": lease},
        "journal": {"type": "dict", "options": kept},
    }


def guard(session, cluster, lease):
    """Return the function that stops the module when another run has taken over the lease."""

    def check():
        try:
            outcome = ApicLease(session, lease["dn"], cluster).renew(lease["run"], lease["doing"])
        except ApicError as error:
            raise PushError(f"The lease cannot be checked: {error}") from error
        if not outcome.held:
            holder = asdict(outcome.holder) if outcome.holder else None
            raise PushError("Another run has taken over the lease.", lost=holder)

    return check if lease else lambda: None


def keeper(session, push, cluster, wanted):
    """Return the function that writes the journal before the first POST."""
    kept = []

    def before():
        return owned([item for path in wanted["queries"] for item in session.get(path)], cluster, wanted["attributes"])

    def keep():
        if kept:
            return
        try:
            journal.add(wanted["path"], wanted["about"], "apic", before, push.intended())
        except ApicError as error:
            raise PushError(
                f"The objects of the cluster cannot be read for the journal: {error}", error=error.details()
            ) from error
        except (OSError, journal.JournalError) as reason:
            text = getattr(reason, "strerror", None) or str(reason)
            raise PushError(f"The journal {wanted['path']} cannot be written: {text}", unwritable=text) from reason
        kept.append(wanted["path"])

    return keep if wanted else lambda: None


def write_bodies(path, bodies):
    with open(path, "a", encoding="utf-8") as output:
        json.dump(bodies, output)


def main(module_class=AnsibleModule):
    module = module_class(argument_spec=argument_spec(), supports_check_mode=True)
    params = module.params
    secrets = {name: str(value) for name, value in params["secrets"].items() if value is not None}
    try:
        roots = parse_roots(params["roots"], params["cluster"])
    except TreeError as error:
        module.fail_json(msg=f"roots: {error}", problems=error.problems)
    session = Session(module, [*secrets.values(), params["password"]])
    push = Push(session, roots, {**params, "secrets": secrets})
    check, keep = guard(session, params["cluster"], params["lease"]), keeper(session, push, params["cluster"], params["journal"])
    push.guard = lambda: (check(), keep())  # the lease first: what another run does is not this run's to keep
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
