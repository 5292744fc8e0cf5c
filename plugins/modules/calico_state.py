#!/usr/bin/python

# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_state
short_description: Read the current state of a cluster's network
version_added: 1.0.0
description:
  - Reads, with one login and one request for each kind, the nodes' IPAM blocks and readiness, the services that only nodes with an endpoint
    advertise, and the sessions and routes that the nodes' BGP daemons report.
  - BGP daemons report through objects of the kind C(CalicoNodeStatus), one for each node. The module can create and delete them.
  - Objects that cannot be read are listed in RV(state.failures); the module fails only if the cluster does not answer at all.
options:
  api_group:
    description: The API group and version of Calico's kinds, as M(netops.aci_calico.calico_info) finds it.
    type: str
    choices: [projectcalico.org/v3, crd.projectcalico.org/v1]
    default: projectcalico.org/v3
  nodes:
    description: The nodes that are asked to report.
    type: list
    elements: str
    default: []
  node_status:
    description:
      - V(ignore) reads no reports.
      - V(read) reads the existing reports.
      - V(request) also requests reports of those O(nodes) that have no request of this module yet. In check mode it does not.
      - V(remove) deletes the requests of this module, and reads nothing.
    type: str
    choices: [ignore, read, request, remove]
    default: read
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - netops.aci_calico.reading # before the common attributes, whose texts would count otherwise
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    description: Makes and removes no requests for reports.
    support: full
  platform:
    platforms: posix
requirements:
  - "python >= 3.11"
  - "kubernetes >= 24.2.0"
seealso:
  - module: netops.aci_calico.calico_info
  - module: netops.aci_calico.verify
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Read the nodes' sessions
  netops.aci_calico.calico_state:
    kubeconfig: ~/.kube/prod1.yml
  register: live

- name: Show them
  ansible.builtin.debug:
    msg: "{{ live.state.status | dict2items | items2dict(value_name='value') }}"
"""

RETURN = r"""
state:
  description: The state of the network.
  returned: when O(node_status) is not V(remove)
  type: dict
  contains:
    blocks:
      description: The IPAM blocks, each with its C(cidr) and C(node); none when they cannot be read.
      type: list
      elements: dict
    local_services:
      description:
        - The services whose C(externalTrafficPolicy) is V(Local), each with C(name), and the C(nodes) with an endpoint that is
          ready; none when they cannot be read. C(addresses) has a list for each of C(service) (cluster IPs), C(external_service) and
          C(load_balancer).
      type: list
      elements: dict
    excluded:
      description: Nodes that advertise no services.
      type: list
      elements: str
    ready:
      description: Whether each node is ready, none if Kubernetes does not report it.
      type: dict
    nodes:
      description: The nodes as manifests, with their C(labels), the C(annotations) of this collection, and C(spec.unschedulable).
      type: list
      elements: dict
    status:
      description: The latest report of each node, with C(peers), C(routes) and C(updated); none when reports are ignored.
      type: dict
    failures:
      description: The requests that failed, each with C(path), C(status) and C(message).
      type: list
      elements: dict
"""

import copy
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule

from ..module_utils.kubernetes import live as cluster_state
from ..module_utils.kubernetes.api import KubeApi
from ..module_utils.kubernetes.connection import run_with_api
from ..module_utils.names import CALICO_GROUPS

SLICES = ("/apis/discovery.k8s.io/v1/endpointslices", "/apis/discovery.k8s.io/v1beta1/endpointslices")


def calico_paths(api_group: str, plural: str) -> tuple[str, ...]:
    """Return the possible paths of a kind of Calico: in the given API group, then in the other one."""
    others = tuple(group for group in CALICO_GROUPS if group != api_group)
    return tuple(f"/apis/{group}/{plural}" for group in (api_group, *others))


def read(api: KubeApi, params: dict) -> dict:
    """Return the module's ``state``."""
    nodes = api.first(("/api/v1/nodes",)) or []
    affinities = api.first(calico_paths(params["api_group"], "blockaffinities"))
    services, slices = api.first(("/api/v1/services",)), api.first(SLICES)
    known = services is not None and slices is not None
    return {
        "blocks": None if affinities is None else cluster_state.blocks(affinities),
        "local_services": cluster_state.local_services(services, slices) if known else None,
        "excluded": cluster_state.excluded(nodes),
        "ready": cluster_state.readiness(nodes),
        "nodes": [cluster_state.in_short(node) for node in nodes],
        "status": None if params["node_status"] == "ignore" else read_reports(api, params),
    }


def read_reports(api: KubeApi, params: dict) -> dict | None:
    """Return the nodes' reports, None if Calico has no such kind or it cannot be read."""
    statuses = api.first((f"/apis/{params['api_group']}/caliconodestatuses",))
    return None if statuses is None else cluster_state.node_statuses(statuses)


def request_reports(api: KubeApi, params: dict) -> bool:
    """Request reports of nodes without a request, and return whether any was made."""
    collection = f"/apis/{params['api_group']}/caliconodestatuses"
    present = {item["metadata"]["name"] for item in api.items(collection)}
    asked = [
        api.create(collection, cluster_state.status_request(params["api_group"], node))
        for node in params["nodes"]
        if cluster_state.status_name(node) not in present
    ]
    return any(asked)


def remove_requests(api: KubeApi, params: dict) -> bool:
    """Delete the requests of this module, and return whether there were any."""
    collection = f"/apis/{params['api_group']}/caliconodestatuses"
    present = {item["metadata"]["name"] for item in api.items(collection)}
    ours = present & {cluster_state.status_name(node) for node in params["nodes"]}
    for name in sorted(ours):
        api.delete(f"{collection}/{name}")
    return bool(ours)


def run(api: KubeApi, params: dict, check_mode: bool) -> dict:
    """Return the module's result."""
    if params["node_status"] == "remove":
        changed = not check_mode and remove_requests(api, params)
        return {"changed": changed, "failures": api.failures}
    changed = params["node_status"] == "request" and not check_mode and request_reports(api, params)
    state = read(api, params)
    return {"changed": changed, "state": {**state, "failures": api.failures}}


def main(module_class: Any = AnsibleModule) -> None:
    """Run the module."""
    spec = copy.deepcopy(AUTH_ARG_SPEC)
    spec.update(
        api_group={"type": "str", "choices": list(CALICO_GROUPS), "default": CALICO_GROUPS[0]},
        nodes={"type": "list", "elements": "str", "default": []},
        node_status={"type": "str", "choices": ["ignore", "read", "request", "remove"], "default": "read"},
    )
    module = AnsibleK8SModule(module_class=module_class, argument_spec=spec, supports_check_mode=True)
    run_with_api(module, lambda api: run(api, module.params, module.check_mode))


if __name__ == "__main__":
    main()
