#!/usr/bin/python

# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_objects
short_description: Bring objects of Kubernetes and Calico to a wanted state
version_added: 1.0.0
description:
  - Reads each object, and sends a merge patch, creates or deletes it if it is not as wanted.
  - If the API server is busy, a write conflicts or the connection is lost, the object is read again before anything is repeated.
    A change that was made although its answer was lost is reported as a change.
options:
  changes:
    description: The objects with their wanted state, in the order of the writes. The first failure ends the module.
    type: list
    elements: dict
    required: true
    suboptions:
      state:
        description:
          - V(present) creates a missing object and patches an existing one, V(patched) patches an existing one only.
          - V(absent) deletes the object.
        type: str
        choices: [absent, patched, present]
        default: present
      manifest:
        description:
          - The object, with its C(apiVersion), C(kind) and C(metadata). It is sent as a merge patch, in which a null removes a field.
          - The kinds are Node, Secret, Role, RoleBinding, Installation and those of Calico.
        type: dict
        required: true
  secrets:
    description: Secrets by name. They replace V(<secret:name>) in the C(data) of a Secret.
    type: dict
    default: {}
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    description: The API server checks all writes and carries out none (server-side dry run).
    support: full
  diff_mode:
    description: M(netops.aci_calico.calico_push) shows the differences.
    support: none
  platform:
    platforms: posix
requirements:
  - "python >= 3.11"
  - "kubernetes >= 24.2.0"
seealso:
  - module: netops.aci_calico.calico_info
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Turn off the node-to-node mesh
  netops.aci_calico.calico_objects:
    kubeconfig: ~/.kube/prod1.yml
    changes:
      - manifest:
          apiVersion: crd.projectcalico.org/v1
          kind: BGPConfiguration
          metadata: {name: default}
          spec: {nodeToNodeMeshEnabled: false}
"""

RETURN = r"""
created:
  description: The objects that were created, or would be, as C(Kind/name).
  returned: always
  type: list
  elements: str
  sample: ["BGPPeer/leaf-201"]
modified:
  description: The objects that were patched, or would be.
  returned: always
  type: list
  elements: str
deleted:
  description: The objects that were deleted, or would be.
  returned: always
  type: list
  elements: str
objects:
  description: The present objects as the API server returned them, without Secrets.
  returned: success
  type: list
  elements: dict
error:
  description: The error with which the API server refused an object.
  returned: when a request failed
  type: dict
  contains:
    status:
      description: The HTTP status, -1 when there was no answer.
      type: int
      returned: always
    reason:
      description: The text of the status.
      type: str
      returned: always
    message:
      description: The API server's message. It is not repeated if a Secret was sent.
      type: str
      returned: always
    cause:
      description: Why no request would succeed; none if the API server refuses this one. V(unreachable), V(certificate), V(login),
        V(answer) (another server answers) or V(configuration).
      type: str
      returned: always
    host:
      description: The URL of the API server.
      type: str
      returned: always
"""

import base64
import copy
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule

from ..module_utils.kubernetes.api import KubeApi, KubeError, covers
from ..module_utils.kubernetes.connection import run_with_api

PLURALS = {
    "Node": "nodes",
    "Secret": "secrets",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "BGPConfiguration": "bgpconfigurations",
    "BGPFilter": "bgpfilters",
    "BGPPeer": "bgppeers",
    "IPPool": "ippools",
    "Installation": "installations",
}

_DONE = {"post": "created", "patch": "modified", "delete": "deleted"}


def collection_of(manifest: dict) -> str:
    """Return the path of the collection of an object."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{root}{namespace}/{PLURALS[manifest['kind']]}"


def request_for(state: str, collection: str, manifest: dict, found: dict | None) -> tuple[str, str, dict | None] | None:
    """Return the request that brings an object to its state: method, path and body; None if it needs none."""
    path = f"{collection}/{manifest['metadata']['name']}"
    if state == "absent":
        return ("delete", path, None) if found and not found["metadata"].get("deletionTimestamp") else None
    if found is None:
        return ("post", collection, _without_nulls(manifest)) if state == "present" else None
    return None if covers(found, manifest) else ("patch", path, manifest)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return value


def _with_secrets(manifest: dict, secrets: dict[str, str]) -> dict:
    """Return a Secret with its values instead of markers, other manifests unchanged."""
    if manifest["kind"] != "Secret" or not manifest.get("data"):
        return manifest
    markers = {f"<secret:{name}>": base64.b64encode(value.encode()).decode() for name, value in secrets.items()}
    return {**manifest, "data": {key: markers.get(value, value) for key, value in manifest["data"].items()}}


def run(api: KubeApi, params: dict, done: dict[str, Any]) -> dict:
    """Return the module's result; ``done`` is the part of it that holds also if a later change fails."""
    objects = []
    for change in params["changes"]:
        manifest, state = _with_secrets(change["manifest"], params["secrets"]), change["state"]
        try:
            needed, obj = _change(api, state, manifest)
        except KubeError as error:
            raise _told(error, manifest) from None
        if needed:
            done[_DONE[needed]].append(f"{manifest['kind']}/{manifest['metadata']['name']}")
            done["changed"] = True
        if state != "absent" and obj and manifest["kind"] != "Secret":
            objects.append(obj)
    return {**done, "objects": objects}


def _change(api: KubeApi, state: str, manifest: dict) -> tuple[str, dict | None]:
    """Make one change, and return the method that it needed, empty if nothing changed, and the object."""
    collection, name = collection_of(manifest), manifest["metadata"]["name"]
    needed: list[str] = []  # the first request tells whether the object was there

    def decide(found: dict | None) -> Any:
        request = request_for(state, collection, manifest, found)
        needed.extend([request[0]] if request else [])
        return request

    changed, obj = api.change(f"{collection}/{name}", decide)
    return needed[0] if changed else "", obj


def _told(error: KubeError, manifest: dict) -> KubeError:
    """Return an error that names the object. The API server may repeat what it was sent, so a Secret's error has no message."""
    secret = manifest["kind"] == "Secret"
    message = error.reason if secret else error.message
    return KubeError(error.status, error.reason, f"{manifest['kind']}/{manifest['metadata']['name']}: {message}", error.cause)


def main(module_class: Any = AnsibleModule) -> None:
    """Run the module."""
    change = {
        "state": {"type": "str", "choices": ["absent", "patched", "present"], "default": "present"},
        "manifest": {"type": "dict", "required": True},
    }
    spec = copy.deepcopy(AUTH_ARG_SPEC)
    spec.update(
        changes={"type": "list", "elements": "dict", "required": True, "options": change},
        secrets={"type": "dict", "default": {}, "no_log": True},
    )
    module = AnsibleK8SModule(module_class=module_class, argument_spec=spec, supports_check_mode=True)
    params = module.params
    params["secrets"] = {name: str(value) for name, value in params["secrets"].items() if value is not None}
    done: dict[str, Any] = {"changed": False, "created": [], "modified": [], "deleted": []}
    run_with_api(module, lambda api: run(api, params, done), params["secrets"].values(), done)


if __name__ == "__main__":
    main()
