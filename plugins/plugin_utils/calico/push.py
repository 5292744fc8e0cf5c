# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that bring a cluster from its state (``calico_info``) to its plan, or back.

A pure function of both. It reports all problems at once. The changes are manifests for ``kubernetes.core.k8s``, which sends
them as merge patches: ``null`` removes a field.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from ...module_utils.names import ASN_ANNOTATION, BEFORE_ANNOTATION, CLUSTER_LABEL, MANAGED_BY, MANAGED_BY_LABEL
from ..schema.addressing import IPNetwork, overlap
from ..schema.consent import NONE_GIVEN, SESSION_RESET, Consents
from ..schema.problems import Problem, errors
from .manifests import AUTO, BGP_CONFIGURATION, SERVICE_FIELDS, kubernetes_objects

CREATED = None  # the object did not exist

OWNED_KINDS = ("BGPPeer", "BGPFilter", "RoleBinding", "Role", "Secret")
ADJUSTED_KINDS = ("IPPool", "BGPConfiguration")
OPERATOR = "tigera-operator"


def kubernetes_push(
    plan: dict,
    found: dict,
    state: str = "present",
    update_password: str = "on_create",
    adopt: bool = False,
    consents: Consents = NONE_GIVEN,
) -> dict:
    """Return the changes to send to a cluster.

    :param plan: the cluster's plan.
    :param found: what ``netops.aci_calico.calico_info`` returned as ``calico``.
    :param state: ``present``, or ``absent`` for teardown.
    :param update_password: ``always`` replaces a password that differs, ``on_create`` leaves it alone and warns.
    :param adopt: take over objects with planned names that lack the labels of this collection.
    :param consents: the interruptions that are agreed to.
    :returns: the ``problems``; the changes in the order in
        which to send them: ``patched`` (patches of existing objects), ``secret`` (a manifest or None; if ``password`` is true,
        the password goes into its ``data``), ``applied``, ``deleted`` and ``postponed`` (manifests; the last ones turn off a
        node-to-node mesh that pods use, so they wait until the sessions with the leaves are up); the names (``Kind/name``) of
        objects that are ``created``, ``modified`` and ``removed``; and by these names the ``differences``, each with ``before``
        and ``after``. With errors there are no changes.
    """
    if state == "absent":
        return _result(plan, found, [], **_teardown(plan, found))
    problems = kubernetes_problems(plan, found, update_password, adopt, consents)
    if errors(problems):
        return _result(plan, found, problems)
    return _result(plan, found, problems, **_changes(plan, found, update_password))


def _result(plan: dict, found: dict, problems: list[Problem], **changes: Any) -> dict:
    nothing: dict = {
        "patched": [],
        "secret": None,
        "password": False,
        "applied": [],
        "deleted": [],
        "postponed": [],
        "created": [],
        "modified": [],
    }
    result = {**nothing, **changes}
    result["removed"] = [_title(manifest) for manifest in result["deleted"]]
    result["differences"] = _differences(found, result)
    result["problems"] = problems
    return result


def _differences(found: dict, result: dict) -> dict[str, dict]:
    """Return the fields that each change modifies, before and after."""
    existing = _existing(found)
    shown = {}
    secret = [result["secret"]] if result["secret"] else []
    for manifest in (*result["patched"], *secret, *result["applied"], *result["postponed"]):
        name = manifest["metadata"]["name"]
        old = _found_node(found, name) if manifest["kind"] == "Node" else existing.get((manifest["kind"], name), {})
        before, after = differing(old, manifest)
        if manifest["kind"] == "Secret" and result["password"]:
            after["data"] = "a new value, not shown"
        shown[_title(manifest)] = {"before": before, "after": after}
    for manifest in result["deleted"]:
        shown[_title(manifest)] = {"before": existing[manifest["kind"], manifest["metadata"]["name"]], "after": {}}
    return shown


def differing(old: dict, new: dict) -> tuple[dict, dict]:
    """Return the fields of a merge patch that differ from an object, before and after."""
    before, after = {}, {}
    for name, value in new.items():
        held = old.get(name)
        if isinstance(value, dict) and isinstance(held, dict):
            inner = differing(held, value)
            if any(inner):
                before[name], after[name] = inner
        elif held != value:
            before.update({} if held is None else {name: held})
            after.update({} if value is None else {name: value})
    return before, after


def _title(manifest: dict) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def _existing(found: dict) -> dict[tuple[str, str], dict]:
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in found["objects"]}


def _wanted(plan: dict, found: dict) -> list[dict]:
    return kubernetes_objects(plan, found["api_group"], found["namespace"])


# --- changes ---------------------------------------------------------------------------------------------------------


def _changes(plan: dict, found: dict, update_password: str) -> dict:
    existing = _existing(found)
    wanted = _wanted(plan, found)
    nodes = [manifest for manifest in wanted if manifest["kind"] == "Node"]
    patched = [node for node in nodes if not _covers(_found_node(found, node["metadata"]["name"]), node)]
    patched += [_released_node(plan, name) for name in _stale_nodes(plan, found)]
    modified = [_title(node) for node in patched]
    created: list[str] = []
    applied: list[dict] = []
    postponed: list[dict] = []
    secret: dict = {}
    for manifest in wanted:
        old = existing.get((manifest["kind"], manifest["metadata"]["name"]))
        if manifest["kind"] == "Node":
            continue
        if manifest["kind"] == "Secret":
            secret = _secret_change(manifest, old, found["password_matches"], update_password)
            change = secret["secret"]
        else:
            change = _change(manifest, old)
            batch = postponed if _mesh_is_on(found) and _carries_pods(manifest, old) else applied
            batch += [change] if change else []
        if change:
            (modified if old else created).append(_title(manifest))
    kept = {_title(manifest) for manifest in wanted}
    deleted = [_reference(manifest) for manifest in _owned(plan, found) if _title(manifest) not in kept]
    return {
        "patched": patched,
        **secret,
        "applied": applied,
        "deleted": deleted,
        "postponed": postponed,
        "created": created,
        "modified": modified,
    }


def _mesh_is_on(found: dict) -> bool:
    """Return whether the node-to-node mesh is on, as it is by default."""
    spec = _existing(found).get(("BGPConfiguration", BGP_CONFIGURATION), {}).get("spec", {})
    return spec.get("nodeToNodeMeshEnabled") is not False


def _carries_pods(manifest: dict, old: dict | None) -> bool:
    """Return whether pod traffic relies on the present state of an object: the mesh, a pool's encapsulation and NAT."""
    return manifest["kind"] == "BGPConfiguration" or (manifest["kind"] == "IPPool" and old is not None)


def _found_node(found: dict, name: str) -> dict:
    """Return a node as a manifest, so that it can be compared with one."""
    node = found["nodes"][name]
    metadata = {"name": name, "labels": node["labels"], "annotations": node["annotations"]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}


def _stale_nodes(plan: dict, found: dict) -> list[str]:
    """Return nodes that a push once configured, still exist, and are not in the plan any more."""
    planned = {node["name"] for node in plan["nodes"]}
    return [name for name in _our_nodes(plan, found) if name not in planned]


def _our_nodes(plan: dict, found: dict) -> list[str]:
    return [name for name, node in sorted(found["nodes"].items()) if node["labels"].get(CLUSTER_LABEL) == plan["cluster"]]


def _released_node(plan: dict, name: str) -> dict:
    """Return a patch that removes labels and AS number from a node. Its address stays: calico-node maintains it."""
    labels = {plan["calico"]["rack_label"]: None, CLUSTER_LABEL: None}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {ASN_ANNOTATION: None}},
    }


def _change(wanted: dict, old: dict | None) -> dict | None:
    """Return the change of an object, or None if it is as planned."""
    if old is None:
        return _noting_before(wanted, CREATED) if wanted["kind"] in ADJUSTED_KINDS else wanted
    change = copy.deepcopy(wanted)
    for name in _obsolete(wanted, old):
        change["spec"][name] = None
    if _covers(old, change):
        return None
    if wanted["kind"] in ADJUSTED_KINDS and BEFORE_ANNOTATION not in old["metadata"].get("annotations", {}):
        spec = old.get("spec", {})
        # A later push may add service subnets, and can no longer note that there were none.
        names = set(change["spec"]) | (set(SERVICE_FIELDS.values()) if wanted["kind"] == "BGPConfiguration" else set())
        return _noting_before(change, {name: spec.get(name) for name in names})
    return change


def _obsolete(wanted: dict, old: dict) -> list[str]:
    """Return the fields to remove: all unplanned ones of peers and filters, only those for services of the configuration."""
    names = set(old.get("spec", {})) - set(wanted.get("spec", {}))
    if wanted["kind"] == "BGPConfiguration":
        names &= set(SERVICE_FIELDS.values())
    elif wanted["kind"] not in ("BGPPeer", "BGPFilter"):
        names = set()
    return sorted(names)


def _noting_before(manifest: dict, before: dict | None) -> dict:
    annotated = copy.deepcopy(manifest)
    annotated["metadata"].setdefault("annotations", {})[BEFORE_ANNOTATION] = json.dumps(before, sort_keys=True)
    return annotated


def _secret_change(wanted: dict, old: dict | None, matches: bool | None, update_password: str) -> dict:
    """Return the Secret to send, without its value, and whether to send the password."""
    manifest = {name: value for name, value in wanted.items() if name != "stringData"}
    password = old is None or (not matches and update_password == "always")
    return {"secret": manifest if password or not _covers(old, manifest) else None, "password": password}


def _covers(old: Any, wanted: Any) -> bool:
    """Return whether a merge patch with ``wanted`` would not change ``old``."""
    if isinstance(wanted, dict):
        held = old if isinstance(old, dict) else {}
        return all(_covers(held.get(name), value) for name, value in wanted.items())
    return old == wanted


def _owned(plan: dict, found: dict) -> Iterator[dict]:
    """Yield the objects of this cluster, which may be deleted."""
    for kind in OWNED_KINDS:
        for manifest in found["objects"]:
            if manifest["kind"] == kind and _owner(manifest) == plan["cluster"]:
                yield manifest


def _owner(manifest: dict) -> str | None:
    labels = manifest["metadata"].get("labels") or {}
    return labels.get(CLUSTER_LABEL) if labels.get(MANAGED_BY_LABEL) == MANAGED_BY else None


def _reference(manifest: dict) -> dict:
    """Return the part of a manifest that is needed to delete it."""
    metadata = {name: manifest["metadata"][name] for name in ("name", "namespace") if name in manifest["metadata"]}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata}


def _teardown(plan: dict, found: dict) -> dict:
    patched, deleted = [], []
    for manifest in found["objects"]:
        noted = (manifest["metadata"].get("annotations") or {}).get(BEFORE_ANNOTATION)
        if manifest["kind"] not in ADJUSTED_KINDS or noted is None:
            continue
        before = json.loads(noted)
        if before is CREATED:
            deleted.append(_reference(manifest))
        else:
            restored = _reference(manifest)
            restored["metadata"]["annotations"] = {BEFORE_ANNOTATION: None}
            patched.append({**restored, "spec": before})
    patched += [_released_node(plan, name) for name in _our_nodes(plan, found)]
    deleted += [_reference(manifest) for manifest in _owned(plan, found)]
    return {"patched": patched, "deleted": deleted, "modified": [_title(manifest) for manifest in patched]}


# --- problems ----------------------------------------------------------------------------------------------------------


def kubernetes_problems(
    plan: dict, found: dict, update_password: str = "on_create", adopt: bool = False, consents: Consents = NONE_GIVEN
) -> list[Problem]:
    """Return the problems of a push; parameters as those of ``kubernetes_push``."""
    return list(_problems(plan, found, update_password, adopt, consents))


def _problems(plan: dict, found: dict, update_password: str, adopt: bool, consents: Consents) -> Iterator[Problem]:
    yield from _failure_problems(found)
    yield from _installation_problems(plan, found)
    yield from _node_problems(plan, found)
    if not (found["api_group"] and found["namespace"]):
        return
    for manifest in _wanted(plan, found):
        old = _existing(found).get((manifest["kind"], manifest["metadata"]["name"]))
        if old and manifest["kind"] in OWNED_KINDS:
            yield from _ownership_problems(plan, old, adopt)
    for pool in (manifest for manifest in found["objects"] if manifest["kind"] == "IPPool"):
        yield from _pool_problems(plan, found, pool)
    yield from _peer_problems(plan, found)
    yield from _configuration_problems(found)
    yield from _password_problems(plan, found, update_password, consents)


def _password_problems(plan: dict, found: dict, update_password: str, consents: Consents) -> Iterator[Problem]:
    if found["password_matches"] is not False:
        return
    path = f"Secret/{plan['calico']['secret']['name']}"
    if update_password == "always":
        reset = "The new BGP password ends all sessions of the cluster, and graceful restart does not cover that"
        yield from consents.require(SESSION_RESET, path, reset, "some seconds after both APIC and Calico have the new password")
    else:
        text = "It holds another password than aci_calico_bgp_password, which does not replace it"
        yield Problem("secret-differs", path, text)


def _failure_problems(found: dict) -> Iterator[Problem]:
    for failure in found["failures"]:
        remedy = {
            401: "Renew the credentials in the kubeconfig, or aci_calico_kube_api_key.",
            403: "Grant the user the right to read this.",
            503: "Start the API service that serves this, or set aci_calico_calico_api_group: crd.projectcalico.org/v1.",
        }.get(failure["status"], "")
        yield Problem("unreadable", failure["path"], f"{failure['status']}: {failure['message']}", remedy)


def _installation_problems(plan: dict, found: dict) -> Iterator[Problem]:
    if not found["api_group"]:
        asked = plan["calico"]["api_group"]
        what = "Calico's kinds" if asked == AUTO else f"Calico's kinds as {asked}"
        served = f" (it serves {', '.join(found['api_groups'])})" if found["api_groups"] else ""
        yield Problem("calico-missing", "aci_calico_calico_api_group", f"The cluster does not serve {what}{served}")
    if not found["namespace"]:
        many = ", ".join(found["namespaces"])
        problem = (
            f"calico-node runs in more than one namespace: {many}"
            if many
            else "There is no DaemonSet calico-node in any namespace"
        )
        yield Problem("calico-node-missing", "aci_calico_calico_namespace", problem)


def _node_problems(plan: dict, found: dict) -> Iterator[Problem]:
    planned = {node["name"] for node in plan["nodes"]}
    for name in sorted(planned - set(found["nodes"])):
        yield Problem("node-missing", f"Node/{name}", "The node is in the plan, and not in Kubernetes")
    for name in sorted(set(found["nodes"]) - planned - set(_our_nodes(plan, found))):
        problem = "The node is in Kubernetes, and not in the plan: once the mesh is off, its pods cannot be reached"
        yield Problem("node-unplanned", f"Node/{name}", problem)


def _ownership_problems(plan: dict, old: dict, adopt: bool) -> Iterator[Problem]:
    owner = _owner(old)
    if owner not in (None, plan["cluster"]):
        problem = f"It belongs to cluster {owner}, and this is cluster {plan['cluster']}"
        yield Problem("other-cluster", _title(old), problem)
    elif owner is None and not adopt:
        problem = "It exists and was not made by this collection"
        yield Problem("foreign", _title(old), problem)


def _pool_problems(plan: dict, found: dict, pool: dict) -> Iterator[Problem]:
    name, spec = pool["metadata"]["name"], pool["spec"]
    wanted = next((item for item in plan["calico"]["pools"] if item["name"] == name), None)
    if wanted:
        yield from _own_pool_problems(plan, found, pool, wanted)
    elif any(overlap(IPNetwork(spec["cidr"]), IPNetwork(item["cidr"])) for item in plan["calico"]["pools"]):
        cidrs = ", ".join(item["cidr"] for item in plan["calico"]["pools"])
        yield Problem("pool-in-the-way", f"IPPool/{name}", f"Its CIDR {spec['cidr']} overlaps aci_calico_pod_subnets ({cidrs})")
    elif not spec.get("disabled"):
        problem = f"Pods with addresses of {spec['cidr']} cannot be reached: the fabric accepts aci_calico_pod_subnets only"
        yield Problem("pool-unplanned", f"IPPool/{name}", problem)


def _own_pool_problems(plan: dict, found: dict, pool: dict, wanted: dict) -> Iterator[Problem]:
    name, spec = pool["metadata"]["name"], pool["spec"]
    size = plan["calico"]["block_size"][wanted["family"]]
    default = {"ipv4": 26, "ipv6": 122}[wanted["family"]]
    if spec["cidr"] != wanted["cidr"]:
        problem = f"Its CIDR is {spec['cidr']}, the plan's {wanted['cidr']}; a pool's CIDR cannot be changed"
        yield Problem("pool-cidr", f"IPPool/{name}", problem)
    if (spec.get("blockSize") or default) != size:
        problem = (
            f"Its block size is {spec.get('blockSize') or default}, the plan's {size}; a pool's block size cannot be changed"
        )
        variable = "aci_calico_block_size" if wanted["family"] == "ipv4" else "aci_calico_ipv6_block_size"
        yield Problem("pool-block-size", f"IPPool/{name}", problem, f"Set {variable}: {spec.get('blockSize') or default}.")
    operated = (pool["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL) == OPERATOR
    (planned,) = (item for item in _wanted(plan, found) if _title(item) == _title(pool))
    if operated and not _covers(pool, planned):
        yield Problem("pool-of-operator", f"IPPool/{name}", "The Tigera operator owns this pool and would undo the change")


def _peer_problems(plan: dict, found: dict) -> Iterator[Problem]:
    addresses = {peer["address"] for peer in plan["peers"]}
    names = {peer["name"] for peer in plan["peers"]}
    for peer in (manifest for manifest in found["objects"] if manifest["kind"] == "BGPPeer"):
        name, target = peer["metadata"]["name"], peer.get("spec", {}).get("peerIP", "")
        if name in names or _owner(peer) == plan["cluster"]:
            continue
        if target in addresses:
            problem = f"It peers with {target}, a leaf of the plan"
            yield Problem("peer-in-the-way", f"BGPPeer/{name}", problem)
        else:
            problem = f"It is not in the plan (peer: {target or 'other nodes'}), and stays"
            yield Problem("peer-unplanned", f"BGPPeer/{name}", problem)


def _configuration_problems(found: dict) -> Iterator[Problem]:
    spec = _existing(found).get(("BGPConfiguration", BGP_CONFIGURATION), {}).get("spec", {})
    for field in ("nodeMeshPassword", "nodeMeshMaxRestartTime"):
        if spec.get(field):
            problem = f"{field} is set, which Calico does not allow once the mesh is off"
            yield Problem("mesh-setting", f"BGPConfiguration/{BGP_CONFIGURATION}", problem)
