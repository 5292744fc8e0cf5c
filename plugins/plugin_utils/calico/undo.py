# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a journal keeps of a cluster in Kubernetes, and the changes that bring it back."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

from ...module_utils.kubernetes.api import covers
from ...module_utils.kubernetes.calico import METADATA_ANNOTATION
from ...module_utils.names import (
    ADDRESS_ANNOTATIONS,
    ASN_ANNOTATION,
    BEFORE_ANNOTATION,
    CALICO_GROUPS,
    CALICO_V1,
    CLUSTER_LABEL,
    MANAGED_BY_LABEL,
)
from ..schema.consent import NONE_GIVEN, Consents
from ..schema.problems import Problem, errors
from . import push
from .manifests import BGP_CONFIGURATION, SERVICE_FIELDS, kubernetes_objects
from .peers import owner_of_object, rotation_problems

# The fields of a Secret, a Role and a RoleBinding beside those of ``metadata``; all others have a ``spec``.
_FIELDS = ("spec", "rules", "subjects")
_ORDER = ("Installation", "Secret", "Role", "RoleBinding", "IPPool", "BGPFilter", "BGPPeer", "BGPConfiguration")


def kept_state(plan: dict, found: dict, changes: dict) -> dict:
    """Return what a journal keeps: the cluster's own objects, those that the push adjusts, and its marks on nodes.

    :param found: what ``calico_info`` returned as ``calico``, in which a Secret has no data.
    :param changes: the changes that the push is about to make (``kubernetes_push``).
    """
    touched = {*changes["modified"], *changes["removed"]}
    kept = [one for one in found["objects"] if _is_ours(plan, one) or push.title(one) in touched]
    marked = {*push.our_nodes(plan, found), *(node["name"] for node in plan["nodes"])}
    titles = {push.title(one) for one in kept}
    return {
        "objects": kept,
        "nodes": {name: _marks(plan, node) for name, node in sorted(found["nodes"].items()) if name in marked},
        "stored_metadata": {name: one for name, one in (found.get("stored_metadata") or {}).items() if name in titles},
    }


def intended(changes: dict) -> dict:
    """Return the changes of a push as a journal keeps them: without secrets. What it modifies gets the values of its patches."""
    sent = {push.title(one): one for one in push.sent(changes)}
    names = ("metadata", *_FIELDS)
    modified = {
        name: {key: sent[name][key] for key in names if key in sent[name]} for name in changes["modified"] if name in sent
    }
    return {"created": changes["created"], "modified": modified, "deleted": changes["removed"]}


def _is_ours(plan: dict, manifest: dict) -> bool:
    if manifest["kind"] in push.OWNED_KINDS:
        return owner_of_object(manifest) == plan["cluster"]
    return manifest["kind"] in push.ADJUSTED_KINDS and _note(manifest) is not None


def _key(manifest: dict) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _note(manifest: dict) -> str | None:
    """Return the note of what an adjusted object was before the first push."""
    return (manifest["metadata"].get("annotations") or {}).get(BEFORE_ANNOTATION)


def _is_made(manifest: dict) -> bool:
    """Return whether the collection made the object, so that nothing of it is restored."""
    return (_note(manifest) or "null") == "null"


def _marks(plan: dict, node: dict) -> dict:
    """Return the labels and annotations of a node that the push sets; None for those that are not there."""
    annotations = (ASN_ANNOTATION, *ADDRESS_ANNOTATIONS.values())
    return {
        "labels": {name: node["labels"].get(name) for name in (plan["calico"]["rack_label"], CLUSTER_LABEL)},
        "annotations": {name: node["annotations"].get(name) for name in annotations},
    }


# --- the way back ----------------------------------------------------------------------------------------------------


def push_back(plan: dict, found: dict, kept: dict, consents: Consents = NONE_GIVEN) -> dict:
    """Return the changes that bring back what a journal keeps, in the form of ``kubernetes_push``.

    ``first`` says whether they come before the changes of APIC: the mesh must be on before the sessions end, and what is only
    removed goes before the interfaces do.
    """
    problems = [
        *push.failure_problems(found),
        *rotation_problems(plan, found),
        *_taken(plan, found, kept),
        *_pools_in_use(plan, found, kept),
        *_released_problems(plan, found, kept, consents),
    ]
    if errors(problems):
        return {**push.result_of(plan, found, problems), "first": False}
    held = {_key(one): _served(one, found) for one in kept["objects"]}
    existing = push.existing_in(found)
    planned = _planned_fields(plan, found)
    patches = {key: _patch(plan, planned, one, existing[key]) for key, one in held.items() if key in existing}
    changed = [one for one in patches.values() if one]
    missing = [_recreated(one, kept) for key, one in held.items() if key not in existing]
    extra = [one for key, one in existing.items() if _is_ours(plan, one) and key not in held]
    released = [push.as_before(one, json.loads(_note(one) or "")) for one in extra if not _is_made(one)]
    deleted = [push.reference(one) for one in extra if _is_made(one)]
    secret = next((one for one in [*changed, *missing] if one["kind"] == "Secret"), None)
    others = [one for one in _in_order([*changed, *missing, *released]) if one["kind"] != "Secret"]
    mesh, mesh_before = push.mesh_is_on(found), _mesh_after(found, held, deleted)
    pods = [
        one
        for one in others
        if one["kind"] == "BGPConfiguration" or (one["kind"] in push.ADJUSTED_KINDS and _key(one) in existing)
    ]
    postponed = pods if mesh and not mesh_before else []
    early = pods if mesh_before and not mesh else []
    nodes = list(_nodes(plan, found, kept))
    result = push.result_of(
        plan,
        found,
        problems,
        patched=[*early, *nodes],
        secret=secret,
        password=secret is not None and _key(secret) not in existing,
        applied=[one for one in others if one not in postponed and one not in early],
        deleted=deleted,
        postponed=postponed,
        created=[push.title(one) for one in missing],
        modified=[push.title(one) for one in [*changed, *released, *nodes]],
    )
    removes = bool(deleted) and not missing
    return {**result, "first": removes or (mesh_before and not mesh)}


def _taken(plan: dict, found: dict, kept: dict) -> Iterator[Problem]:
    """Yield a problem for each object in whose place there is another owner's."""
    existing = push.existing_in(found)
    for one in kept["objects"]:
        now = existing.get(_key(one))
        given_back = _note(one) is not None and now is not None and owner_of_object(now) is None
        if now and not given_back and one["kind"] in push.OWNED_KINDS and owner_of_object(one) == plan["cluster"]:
            yield from push.ownership_problems(plan, now, adopt=False)


def _released_problems(plan: dict, found: dict, kept: dict, consents: Consents) -> Iterator[Problem]:
    """Yield a problem for each node that would lose its sessions, unless the mesh replaces them."""
    mesh_now, mesh_then = push.mesh_is_on(found), _mesh_after(found, {_key(one): one for one in kept["objects"]}, [])
    if mesh_now or mesh_then or not any(one["kind"] == "BGPConfiguration" for one in kept["objects"]):
        return
    then = {name for name, marks in kept["nodes"].items() if marks["labels"].get(CLUSTER_LABEL)}
    yield from push.release_problems(plan, found, [name for name in push.our_nodes(plan, found) if name not in then], consents)


def _pools_in_use(plan: dict, found: dict, kept: dict) -> Iterator[Problem]:
    """Yield a problem for each pool that the undo would delete although pods may have addresses of it."""
    held = {_key(one) for one in kept["objects"]}
    for one in found["objects"]:
        if one["kind"] == "IPPool" and _note(one) == "null" and _key(one) not in held:
            pods = (found.get("pool_pods") or {}).get(one["metadata"]["name"])
            why = "it is not disabled, so pods may have addresses of it" if pods is None else f"{pods} pods have addresses of it"
            remedy = "Disable the pool, restart the workloads that have addresses of it, and undo again."
            if pods != 0:
                yield Problem("pool-in-use", push.title(one), f"Undo would delete this pool, and {why}", remedy)


def _served(manifest: dict, found: dict) -> dict:
    """Return a kept object in the API group that the cluster serves now."""
    served = manifest["apiVersion"] in CALICO_GROUPS and found["api_group"]
    return {**copy.deepcopy(manifest), "apiVersion": found["api_group"]} if served else copy.deepcopy(manifest)


def _patch(plan: dict, planned: dict[str, set[str]], kept: dict, now: dict) -> dict | None:
    """Return the merge patch that brings an object back; None if it is as it was.

    :param planned: the result of ``_planned_fields``.
    """
    patch = push.reference(now)
    if kept["kind"] in push.ADJUSTED_KINDS:
        names = _adjusted_fields(planned, kept, now)
        before, after = kept.get("spec") or {}, now.get("spec") or {}
        patch["spec"] = {name: merge_patch(after.get(name), before.get(name)) for name in sorted(names)}
        patch["metadata"]["annotations"] = {BEFORE_ANNOTATION: _note(kept)}
    else:
        patch |= {name: merge_patch(now.get(name), kept.get(name)) for name in _FIELDS if name in kept or name in now}
        if _note(kept) or _note(now):
            patch["metadata"]["annotations"] = {BEFORE_ANNOTATION: _note(kept)}
        labels = kept["metadata"].get("labels") or {}
        patch["metadata"]["labels"] = {name: labels.get(name) for name in (MANAGED_BY_LABEL, CLUSTER_LABEL)}
    return None if covers(now, patch) else patch


def _planned_fields(plan: dict, found: dict) -> dict[str, set[str]]:
    """Return the fields that the plan sets in adjusted objects, by kind."""
    fields: dict[str, set[str]] = {}
    for manifest in kubernetes_objects(plan, found["api_group"], found["namespace"]):
        if manifest["kind"] in push.ADJUSTED_KINDS:
            fields.setdefault(manifest["kind"], set()).update(manifest["spec"])
    return fields


def _adjusted_fields(planned: dict[str, set[str]], kept: dict, now: dict) -> set[str]:
    """Return the fields of an adjusted object that the collection sets: all of those that it made."""
    names = set(planned.get(kept["kind"], ()))
    if kept["kind"] == "BGPConfiguration":
        names.update(SERVICE_FIELDS.values())
    for one in (kept, now):
        note = json.loads(_note(one) or "{}")
        names |= set(one.get("spec") or {}) if note is None else set(note)
    return names


def merge_patch(now: Any, wanted: Any) -> Any:
    """Return the merge patch from one value to another (RFC 7396): null for what is no longer wanted."""
    if not (isinstance(now, dict) and isinstance(wanted, dict)):
        return copy.deepcopy(wanted)
    return {name: merge_patch(now.get(name), wanted.get(name)) for name in {**wanted, **now}}


def _recreated(manifest: dict, kept: dict) -> dict:
    """Return an object to create with the annotation in which Calico's aggregated API server keeps metadata of v1 objects."""
    stored = kept["stored_metadata"].get(push.title(manifest))
    if stored is None or manifest["apiVersion"] != CALICO_V1:
        return manifest
    own = {name: manifest["metadata"][name] for name in ("name", "namespace") if name in manifest["metadata"]}
    return {**manifest, "metadata": {**own, "annotations": {METADATA_ANNOTATION: json.dumps(stored)}}}


def _in_order(manifests: Iterable[dict]) -> list[dict]:
    """Return the objects in the order in which the push sends them: peers after what they name, the mesh last."""
    return sorted(manifests, key=lambda one: _ORDER.index(one["kind"]))


def _mesh_after(found: dict, held: dict, deleted: list[dict]) -> bool:
    """Return whether the node-to-node mesh is on once everything is back."""
    key = ("BGPConfiguration", BGP_CONFIGURATION)
    if key in held:
        return (held[key].get("spec") or {}).get("nodeToNodeMeshEnabled") is not False
    return push.mesh_is_on(found) or key in map(_key, deleted)


def _nodes(plan: dict, found: dict, kept: dict) -> Iterator[dict]:
    """Yield the patches of nodes that differ; a node that has left the cluster stays away."""
    for name, node in sorted(found["nodes"].items()):
        if name in kept["nodes"]:
            marks = kept["nodes"][name]
            labels = {key: value for key, value in marks["labels"].items() if node["labels"].get(key) != value}
            annotations = {key: value for key, value in marks["annotations"].items() if node["annotations"].get(key) != value}
            if labels or annotations:
                metadata = {"name": name, "labels": labels, "annotations": annotations}
                yield {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
        elif node["labels"].get(CLUSTER_LABEL) == plan["cluster"]:
            yield push.released_node(plan, name)
