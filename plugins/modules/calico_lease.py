#!/usr/bin/python
# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_lease
short_description: Take, renew or release a cluster's lease in Kubernetes
version_added: 1.0.0
description:
  - The lease is the object C(netops-aci-calico) of the kind C(Lease) in the namespace of calico-node. Each change of it names the version that it
    changes. Of several runs that take it over from another one, one succeeds.
  - M(netops.aci_calico.lease) waits for it, and decides what is taken over.
options:
  namespace:
    description: The namespace of the lease. V(auto) is the one that calico-node runs in, or V(kube-system) if it runs in none or in several.
    type: str
    default: auto
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - netops.aci_calico.lease
  - ansible.builtin.action_common_attributes
attributes:
  platform:
    platforms: posix
requirements:
  - "python >= 3.11"
  - "kubernetes >= 24.2.0"
seealso:
  - module: netops.aci_calico.lease
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take the lease
  netops.aci_calico.calico_lease:
    kubeconfig: ~/.kube/prod1.yml
    cluster: prod1
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
namespace:
  description: The namespace of the lease.
  returned: success
  type: str
  sample: kube-system
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule

from ..module_utils.kubernetes.api import KubeApi
from ..module_utils.kubernetes.connection import run_with_api
from ..module_utils.kubernetes.lease import KubeLease
from ..module_utils.kubernetes.live import calico_namespaces, lease_namespace
from ..module_utils.lease import ARGUMENTS, Outcome, change


def namespace_of(api: KubeApi, wanted: str) -> str:
    """Return the namespace of the lease."""
    if wanted != "auto":
        return wanted
    return lease_namespace(calico_namespaces(api.items("/apis/apps/v1/daemonsets?fieldSelector=metadata.name%3Dcalico-node")))


def run(api: KubeApi, params: dict[str, Any]) -> dict[str, Any]:
    """Return the module's result."""
    namespace = namespace_of(api, params["namespace"])
    outcome = change(KubeLease(api, params["cluster"], namespace), params)
    if api.failures:
        failure = api.failures[0]
        return {"failed": True, "msg": f"{failure['path']}: {failure['message']}", "failures": api.failures}
    return {**outcome.result(), "namespace": namespace}


def main(module_class: Any = AnsibleModule) -> None:
    """Run the module."""
    spec = {**AUTH_ARG_SPEC, **ARGUMENTS, "namespace": {"type": "str", "default": "auto"}}
    module = AnsibleK8SModule(module_class=module_class, argument_spec=spec, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(**Outcome(True).result(), namespace=module.params["namespace"])
    run_with_api(module, lambda api: run(api, module.params))


if __name__ == "__main__":
    main()
