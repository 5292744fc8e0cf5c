# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that bring a cluster from its state (``calico_info``) to its plan, or back.

A pure function of both. It reports all problems at once. The changes are manifests for ``calico_objects``, which sends
them as merge patches: ``null`` removes a field.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ...module_utils.kubernetes.api import covers
from ...module_utils.kubernetes.calico import meaning, with_stored_metadata
from ...module_utils.kubernetes.installation import KUBESPRAY
from ...module_utils.names import (
    ASN_ANNOTATION,
    BEFORE_ANNOTATION,
    CALICO_V1,
    CLUSTER_LABEL,
    EXCLUDE_LABEL,
    EXCLUDED,
    MANAGED_BY_LABEL,
)
from ..schema.consent import NONE_GIVEN, Consents, release_of
from ..schema.problems import Problem, errors, some
from .installers import (
    as_planned,
    can_change,
    installation_patch,
    installed,
    of_operator,
    pool_snippet,
    too_new_fields,
    version_of,
)
from .joined import joined_nodes
from .manifests import AUTO, BGP_CONFIGURATION, SERVICE_FIELDS, kubernetes_objects
from .mesh import LOCAL_ASN, bgp_configuration, existing_in, mesh_is_on, needs_local_asn
from .peers import names_as_found, owner_of_object, peer_problems, rotation_problems
from .pools import empty_pools, nat_problems, pool_problems, retired_problems

CREATED = None  # the object did not exist

OWNED_KINDS = ("BGPPeer", "BGPFilter", "RoleBinding", "Role", "Secret")
ADJUSTED_KINDS = ("IPPool", "BGPConfiguration", "Installation")


@dataclass(frozen=True)
class Choices:
    """The user's choices about existing objects.

    :param update_password: ``always`` replaces a password that differs, ``on_create`` leaves it alone and warns.
    :param adopt: take over objects with planned names that lack the labels of this collection.
    :param manage_installation: change the pools of the operator through its Installation.
    :param consents: the interruptions that are agreed to.
    :param only_shown: the changes are shown and never sent, so that no problem prevents them.
    :param rotating: the changes are a step of a rotation of the password.
    """

    update_password: str = "on_create"
    adopt: bool = False
    manage_installation: bool = False
    consents: Consents = NONE_GIVEN
    only_shown: bool = False
    rotating: bool = False


def kubernetes_push(plan: dict, found: dict, state: str = "present", **choices: Any) -> dict:
    """Return the changes to send to a cluster.

    :param plan: the cluster's plan.
    :param found: what ``netops.aci_calico.calico_info`` returned as ``calico``.
    :param state: ``present``, or ``absent`` for teardown.
    :param choices: the fields of ``Choices``.
    :returns: the ``problems``; the changes in the order in
        which to send them: ``patched`` (patches of existing objects), ``secret`` (a manifest or None; if ``password`` is true,
        the password goes into its ``data``), ``applied``, ``deleted``, ``installation`` (a patch of the operator's Installation,
        or None) and ``postponed`` (manifests; the last ones turn off a node-to-node mesh that pods use, so they and
        ``installation`` wait until the sessions with the leaves are up); ``local_asn``, whether the nodes get their AS number after
        that only (see ``needs_local_asn``); the names (``Kind/name``) of
        objects that are ``created``, ``modified`` and ``removed``; and by these names the ``differences``, each with ``before``
        and ``after``; the ``pending`` nodes and the ``strangers`` (see these functions). ``snippet`` is what the user must apply
        before ``postponed`` is sent: text, empty if nothing. With errors there are no changes.
    """
    if state == "absent":
        # What cannot be read would stay behind.
        problems = list(failure_problems(found))
        return result_of(plan, found, problems, **({} if errors(problems) else _teardown(plan, found)))
    chosen = Choices(**choices)
    problems = kubernetes_problems(plan, found, **choices)
    known = found["api_group"] and found["namespace"]
    if errors(problems) and not (chosen.only_shown and known):
        return result_of(plan, found, problems)
    return result_of(plan, found, problems, **_changes(plan, found, chosen))


def result_of(plan: dict, found: dict, problems: list[Problem], **changes: Any) -> dict:
    """Return the result of ``kubernetes_push`` with these problems and changes."""
    nothing: dict = {
        "patched": [],
        "secret": None,
        "password": False,
        "applied": [],
        "deleted": [],
        "installation": None,
        "snippet": "",
        "postponed": [],
        "local_asn": False,
        "created": [],
        "modified": [],
    }
    result = {**nothing, **changes, "pending": pending_nodes(plan, found), "strangers": strangers(plan, found)}
    for batch in ("patched", "applied", "postponed"):
        result[batch] = [_as_stored(manifest, found) for manifest in result[batch]]
    result["removed"] = [title(manifest) for manifest in result["deleted"]]
    result["differences"] = _differences(found, result)
    result["problems"] = problems
    return result


def restricted(plan: dict, found: dict, push: dict, only: Collection[str]) -> dict:
    """Return the changes of a push, limited to objects (``Kind/name``). A peer of others that is named is deleted.

    :param push: the result of ``kubernetes_push``.
    """
    result = dict(push)
    for batch in ("patched", "applied", "deleted", "postponed"):
        result[batch] = [manifest for manifest in push[batch] if title(manifest) in only]
    for names in ("created", "modified", "removed"):
        result[names] = [name for name in push[names] if name in only]
    for single in ("secret", "installation"):
        result[single] = push[single] if push[single] and title(push[single]) in only else None
    result["snippet"] = push["snippet"] if any(name.startswith("IPPool/") for name in only) else ""
    peers = [one for one in found["objects"] if one["kind"] == "BGPPeer" and title(one) in only]
    # A peer of the cluster without a difference was put back by somebody else since it was named.
    foreign = [one for one in peers if title(one) not in push["differences"] and owner_of_object(one) != plan["cluster"]]
    result["deleted"] = result["deleted"] + [reference(one) for one in foreign]
    result["differences"] = {name: shown for name, shown in push["differences"].items() if name in only}
    result["differences"] |= {title(one): {"before": one, "after": {}} for one in foreign}
    return result


def _as_stored(manifest: dict, found: dict) -> dict:
    """Return a manifest for v1 objects whose metadata the aggregated API server keeps in an annotation."""
    stored = (found.get("stored_metadata") or {}).get(title(manifest))
    return manifest if stored is None or manifest["apiVersion"] != CALICO_V1 else with_stored_metadata(manifest, stored)


def sent(push: dict) -> list[dict]:
    """Return all manifests that a push creates or modifies."""
    single = [manifest for manifest in (push["secret"], push["installation"]) if manifest]
    return [*push["patched"], *single, *push["applied"], *push["postponed"]]


def _differences(found: dict, result: dict) -> dict[str, dict]:
    """Return the fields that each change modifies, before and after."""
    existing = existing_in(found)
    shown = {}
    for manifest in sent(result):
        name = manifest["metadata"]["name"]
        old = _found_node(found, name) if manifest["kind"] == "Node" else existing.get((manifest["kind"], name), {})
        if manifest["kind"] == "IPPool" and old:
            old = {**old, "spec": meaning("IPPool", old["spec"])}
        before, after = differing(old, manifest)
        if manifest["kind"] == "Secret" and result["password"]:
            after["data"] = "a new value, not shown"
        shown[title(manifest)] = {"before": before, "after": after}
    for manifest in result["deleted"]:
        shown[title(manifest)] = {"before": existing[manifest["kind"], manifest["metadata"]["name"]], "after": {}}
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


def title(manifest: dict) -> str:
    """Return the name of an object in results and problems: ``Kind/name``."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def _wanted(plan: dict, found: dict, adopt: bool = False) -> list[dict]:
    """Return the plan's manifests. A pool that has a planned CIDR, or a peer with a planned address that is taken over, is the
    planned one, whatever its name is."""
    names = {pool["spec"].get("cidr"): pool["metadata"]["name"] for pool in found["objects"] if pool["kind"] == "IPPool"}
    manifests = kubernetes_objects(plan, found["api_group"], found["namespace"])
    for manifest in manifests:
        if manifest["kind"] == "IPPool":
            manifest["metadata"]["name"] = names.get(manifest["spec"]["cidr"], manifest["metadata"]["name"])
    peers = [manifest for manifest in manifests if manifest["kind"] == "BGPPeer"]
    taken_over = names_as_found(peers, found["objects"], plan["cluster"], adopt)
    for manifest in peers:
        manifest["metadata"]["name"] = taken_over.get(manifest["metadata"]["name"], manifest["metadata"]["name"])
    _with_local_asn(plan, found, peers)
    return manifests


def _with_local_asn(plan: dict, found: dict, peers: list[dict]) -> None:
    """Give the planned peers the AS number of the cluster, where the nodes have another one; peers that have it keep it."""
    needed, existing = needs_local_asn(plan, found), existing_in(found)
    for manifest in peers:
        held = (existing.get(("BGPPeer", manifest["metadata"]["name"]), {}).get("spec") or {}).get(LOCAL_ASN)
        if needed or held == plan["cluster_asn"]:
            manifest["spec"][LOCAL_ASN] = plan["cluster_asn"]


# --- changes ---------------------------------------------------------------------------------------------------------


def _changes(plan: dict, found: dict, chosen: Choices) -> dict:
    existing = existing_in(found)
    wanted = _wanted(plan, found, chosen.adopt)
    nodes = [manifest for manifest in wanted if manifest["kind"] == "Node" and manifest["metadata"]["name"] in found["nodes"]]
    operated, mesh = _operated(wanted, found), mesh_is_on(found)
    patched = [node for node in nodes if not covers(_found_node(found, node["metadata"]["name"]), node)]
    patched += [released_node(plan, name) for name in _stale_nodes(plan, found)]
    modified = [title(node) for node in patched]
    created: list[str] = []
    applied: list[dict] = []
    postponed: list[dict] = []
    secret: dict = {}
    for manifest in wanted:
        old = existing.get((manifest["kind"], manifest["metadata"]["name"]))
        if manifest["kind"] == "Node" or manifest in operated:
            continue
        if manifest["kind"] == "Secret":
            secret = _secret_change(manifest, old, found["password_matches"], chosen.update_password)
            change = secret["secret"]
        else:
            change = _change(manifest, old)
            batch = postponed if mesh and _carries_pods(manifest, old) else applied
            batch += [change] if change else []
        if change:
            (modified if old else created).append(title(manifest))
    kept = {title(manifest) for manifest in wanted}
    deleted = [reference(manifest) for manifest in _owned(plan, found) if title(manifest) not in kept]
    deleted += [reference(pool) for pool in empty_pools(plan, found)]
    given_back = _given_back(plan, found, kept)
    patched += given_back
    modified += [title(manifest) for manifest in given_back]
    manages = bool(operated) and can_change(found, chosen.manage_installation)
    installation = _installation_change(operated, found) if manages else None
    modified += [title(installation)] if installation else []
    return {
        "patched": patched,
        **secret,
        "applied": applied,
        "deleted": deleted,
        "installation": installation,
        "snippet": pool_snippet(found, operated) if operated and not manages else "",
        "postponed": postponed,
        "local_asn": all(LOCAL_ASN in peer["spec"] for peer in wanted if peer["kind"] == "BGPPeer"),
        "created": created,
        "modified": modified,
    }


def _operated(wanted: list[dict], found: dict, apart: Collection[str] = ()) -> list[dict]:
    """Return the planned pools that exist, belong to the operator and mean something else than the plan, apart from some fields."""
    existing = existing_in(found)
    pools = [(existing.get(("IPPool", one["metadata"]["name"])), one) for one in wanted if one["kind"] == "IPPool"]
    return [one for pool, one in pools if pool and of_operator(found, pool) and not as_planned(pool, one, apart)]


def operated_pools(plan: dict, found: dict, apart: Collection[str] = ()) -> list[str]:
    """Return the names of the planned pools that the operator owns and that mean something else than the plan, apart from some fields."""
    return [manifest["metadata"]["name"] for manifest in _operated(_wanted(plan, found), found, apart)]


def _installation_change(operated: list[dict], found: dict) -> dict:
    """Return the patch of the Installation, which notes the pools that the user declared."""
    patch = installation_patch(found, operated)
    old = existing_in(found)["Installation", patch["metadata"]["name"]]
    if BEFORE_ANNOTATION in (old["metadata"].get("annotations") or {}):
        return patch
    declared = ((old.get("spec") or {}).get("calicoNetwork") or {}).get("ipPools")
    return _noting_before(patch, {"calicoNetwork": {"ipPools": declared}})


def _carries_pods(manifest: dict, old: dict | None) -> bool:
    """Return whether pod traffic relies on the present state of an object: the mesh, a pool's encapsulation and NAT."""
    return manifest["kind"] == "BGPConfiguration" or (manifest["kind"] == "IPPool" and old is not None)


def _found_node(found: dict, name: str) -> dict:
    """Return a node as a manifest, so that it can be compared with one."""
    node = found["nodes"][name]
    metadata = {"name": name, "labels": node["labels"], "annotations": node["annotations"]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}


def pending_nodes(plan: dict, found: dict) -> list[str]:
    """Return the planned nodes that are not in Kubernetes yet."""
    return sorted(_planned(plan) - set(found["nodes"]))


def _planned(plan: dict) -> set[str]:
    """Return the names of the planned nodes, without spare slots."""
    return {node["name"] for node in plan["nodes"] if not node.get("spare")}


def strangers(plan: dict, found: dict) -> list[str]:
    """Return the nodes in Kubernetes that are not planned, and were never this cluster's."""
    return sorted(set(found["nodes"]) - _planned(plan) - set(our_nodes(plan, found)))


def _stale_nodes(plan: dict, found: dict) -> list[str]:
    """Return nodes that a push once configured, still exist, and are not in the plan any more."""
    planned = _planned(plan)
    return [name for name in our_nodes(plan, found) if name not in planned]


def our_nodes(plan: dict, found: dict) -> list[str]:
    """Return the nodes that a push once configured."""
    return [name for name, node in sorted(found["nodes"].items()) if node["labels"].get(CLUSTER_LABEL) == plan["cluster"]]


def released_node(plan: dict, name: str) -> dict:
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
    if _means(old, change):
        return None
    if wanted["kind"] == "BGPPeer" and owner_of_object(old) is None:
        spec = old.get("spec", {})
        return _noting_before(change, {name: spec.get(name) for name in {*spec, *change["spec"]}})
    if wanted["kind"] in ADJUSTED_KINDS and BEFORE_ANNOTATION not in old["metadata"].get("annotations", {}):
        spec = old.get("spec", {})
        # A later push may add service subnets, and can no longer note that there were none.
        names = set(change["spec"]) | (set(SERVICE_FIELDS.values()) if wanted["kind"] == "BGPConfiguration" else set())
        return _noting_before(change, {name: spec.get(name) for name in names})
    return change


def _obsolete(wanted: dict, old: dict) -> list[str]:
    """Return the fields to remove: all unplanned ones of peers and filters, only those for services of the configuration."""
    names = {name for name, value in old.get("spec", {}).items() if value not in (None, False, "", [], {})}
    names -= set(wanted.get("spec", {}))
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
    return {"secret": manifest if password or not covers(old, manifest) else None, "password": password}


def _means(old: dict, change: dict) -> bool:
    """Return whether an object means the same after a merge patch, whatever keys it spells out."""
    kind, patch = change["kind"], change.get("spec", {})
    held, new = meaning(kind, old.get("spec", {})), meaning(kind, {**old.get("spec", {}), **patch})
    others = {name: value for name, value in change.items() if name not in ("spec", "apiVersion")}
    return held == new and covers(old, others)


def _owned(plan: dict, found: dict) -> Iterator[dict]:
    """Yield the objects of this cluster, which may be deleted."""
    for kind in OWNED_KINDS:
        for manifest in found["objects"]:
            adopted = kind == "BGPPeer" and BEFORE_ANNOTATION in (manifest["metadata"].get("annotations") or {})
            if manifest["kind"] == kind and owner_of_object(manifest) == plan["cluster"] and not adopted:
                yield manifest


def reference(manifest: dict) -> dict:
    """Return the part of a manifest that is needed to delete it."""
    metadata = {name: manifest["metadata"][name] for name in ("name", "namespace") if name in manifest["metadata"]}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata}


def _given_back(plan: dict, found: dict, kept: set[str]) -> list[dict]:
    """Return patches that give back the peers which were taken over and are not planned any more."""
    restored, _deleted = _restored(plan, [one for one in found["objects"] if one["kind"] == "BGPPeer" and title(one) not in kept])
    return restored


def _teardown(plan: dict, found: dict) -> dict:
    patched, deleted = _restored(plan, found["objects"])
    patched += [released_node(plan, name) for name in our_nodes(plan, found)]
    deleted += [reference(manifest) for manifest in _owned(plan, found)]
    return {"patched": patched, "deleted": deleted, "modified": [title(manifest) for manifest in patched]}


def _restored(plan: dict, objects: list[dict]) -> tuple[list[dict], list[dict]]:
    """Return the patches that restore what was noted before the first change, and the objects that did not exist then."""
    patched, deleted = [], []
    for manifest in objects:
        noted = (manifest["metadata"].get("annotations") or {}).get(BEFORE_ANNOTATION)
        adopted = manifest["kind"] == "BGPPeer" and owner_of_object(manifest) == plan["cluster"]
        if noted is None or not (manifest["kind"] in ADJUSTED_KINDS or adopted):
            continue
        before = json.loads(noted)
        if before is CREATED:
            deleted.append(reference(manifest))
        else:
            patched.append(as_before(manifest, before))
    return patched, deleted


def as_before(manifest: dict, before: dict) -> dict:
    """Return the patch that restores an adjusted object, or gives back a peer.

    :param before: the fields as they were before the first change; None for those to remove.
    """
    patch = reference(manifest)
    patch["metadata"]["annotations"] = {BEFORE_ANNOTATION: None}
    if manifest["kind"] in OWNED_KINDS:
        patch["metadata"]["labels"] = {MANAGED_BY_LABEL: None, CLUSTER_LABEL: None}
    return {**patch, "spec": before}


# --- problems ----------------------------------------------------------------------------------------------------------


def kubernetes_problems(plan: dict, found: dict, **choices: Any) -> list[Problem]:
    """Return the problems of a push; parameters as those of ``kubernetes_push``."""
    return list(_problems(plan, found, Choices(**choices)))


def _problems(plan: dict, found: dict, chosen: Choices) -> Iterator[Problem]:
    yield from failure_problems(found)
    yield from _installation_problems(plan, found)
    yield from _node_problems(plan, found, chosen)
    if not (found["api_group"] and found["namespace"]):
        return
    wanted, existing = _wanted(plan, found, chosen.adopt), existing_in(found)
    for manifest in wanted:
        old = existing.get((manifest["kind"], manifest["metadata"]["name"]))
        if old and manifest["kind"] in OWNED_KINDS:
            yield from ownership_problems(plan, old, chosen.adopt)
        yield from _version_problems(manifest, found)
    pools = [manifest for manifest in found["objects"] if manifest["kind"] == "IPPool"]
    cidrs = {pool["spec"]["cidr"] for pool in pools}
    for pool in pools:
        yield from pool_problems(plan, pool, cidrs)
    yield from retired_problems(plan, found)
    yield from _installer_problems(wanted, found, chosen, existing)
    peers = {manifest["metadata"]["name"] for manifest in wanted if manifest["kind"] == "BGPPeer"}
    yield from peer_problems(plan, found["objects"], peers, chosen.consents)
    yield from nat_problems(plan, found, chosen.consents)
    yield from _configuration_problems(found)
    yield from _password_problems(plan, found, chosen)


def _password_problems(plan: dict, found: dict, chosen: Choices) -> Iterator[Problem]:
    if chosen.rotating:
        return
    if not chosen.only_shown:
        yield from rotation_problems(plan, found)
    path = f"Secret/{plan['calico']['secret']['name']}"
    if found["password_matches"] is False and chosen.update_password != "always":
        text = "It holds another password than aci_calico_bgp_password, which does not replace it"
        yield Problem("secret-differs", path, text)


def failure_problems(found: dict) -> Iterator[Problem]:
    """Yield a problem for each reason for which the API server refused requests, with the paths of all of them."""
    paths: dict[tuple[int, str], list[str]] = {}
    for failure in found["failures"]:
        paths.setdefault((failure["status"], failure["message"]), []).append(failure["path"])
    for (status, message), alike in paths.items():
        remedy = {
            403: "Grant the user the right to read this (docs/examples/rbac.yml).",
            503: "Start the API service that serves this, or set aci_calico_calico_api_group: crd.projectcalico.org/v1.",
        }.get(status, "")
        yield Problem("unreadable", some(alike), f"{status}: {message}", remedy)


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


def _node_problems(plan: dict, found: dict, chosen: Choices) -> Iterator[Problem]:
    for name in pending_nodes(plan, found):
        yield Problem(
            "node-pending", f"Node/{name}", "The node is planned, and not in Kubernetes yet. The fabric is configured for it"
        )
    yield from release_problems(plan, found, _stale_nodes(plan, found), chosen.consents)
    lost = (
        "once the run turns the node-to-node mesh off, nothing reaches its pods"
        if mesh_is_on(found)
        else "its pods cannot be reached"
    )
    joined = set() if mesh_is_on(found) else {node["name"] for node in joined_nodes(plan, found)}
    for name in strangers(plan, found):
        what = "it has joined by itself, and nothing records its address" if name in joined else lost
        yield Problem("node-unplanned", f"Node/{name}", f"The node is in Kubernetes, and not in the plan: {what}")


def is_drained(plan: dict, node: dict) -> bool:
    """Return whether a node takes no new pods, and no traffic of services: without the label it announces their subnets."""
    services = any(plan["subnets"][role] for role in SERVICE_FIELDS)
    return bool(node.get("unschedulable")) and (not services or node["labels"].get(EXCLUDE_LABEL) == EXCLUDED)


def release_problems(plan: dict, found: dict, names: list[str], consents: Consents) -> Iterator[Problem]:
    """Yield a problem for each node that loses its sessions, is not out of service, and has no consent to that."""
    for name in names:
        if not is_drained(plan, found["nodes"][name]):
            lost = (
                "The node is in Kubernetes, and not in the plan any more: its sessions end, and nothing reaches its pods. Take it out of"
                " service first (playbook maintenance: a node that is only drained still gets services' traffic), or put it back into"
                " its rack"
            )
            yield from consents.require(release_of(name), f"Node/{name}", lost, "until the node is planned again or gone")


def ownership_problems(plan: dict, old: dict, adopt: bool) -> Iterator[Problem]:
    """Yield a problem if an object belongs to another cluster, or to others and is not adopted."""
    owner = owner_of_object(old)
    if owner not in (None, plan["cluster"]):
        problem = f"It belongs to cluster {owner}, and this is cluster {plan['cluster']}"
        yield Problem("other-cluster", title(old), problem)
    elif owner is None and not adopt:
        problem = "It exists and was not made by this collection"
        yield Problem("foreign", title(old), problem)


def _installer_problems(
    wanted: list[dict], found: dict, chosen: Choices, existing: dict[tuple[str, str], dict]
) -> Iterator[Problem]:
    """Yield what the installer of Calico would undo, or must change itself."""
    if not can_change(found, chosen.manage_installation):
        for manifest in _operated(wanted, found):
            differing_fields = _pool_difference(existing["IPPool", manifest["metadata"]["name"]], manifest)
            yield Problem("pool-of-operator", title(manifest), f"The operator owns this pool, and it differs: {differing_fields}")
    elif installed(found)["degraded"]:
        yield Problem("operator-degraded", "Installation/default", "; ".join(installed(found)["degraded"]))
    if installed(found)["installer"] == KUBESPRAY and mesh_is_on(found):
        text = "Kubespray's next run would turn the node-to-node mesh on again and set its own service subnets"
        yield Problem("kubespray-undoes", f"BGPConfiguration/{BGP_CONFIGURATION}", text)


def _pool_difference(pool: dict, planned: dict) -> str:
    held, wanted = meaning("IPPool", pool["spec"]), planned["spec"]
    return ", ".join(f"{name} is {held.get(name)}, not {value}" for name, value in wanted.items() if held.get(name) != value)


def _version_problems(manifest: dict, found: dict) -> Iterator[Problem]:
    version = version_of(found)
    for name, since in too_new_fields(manifest, version):
        text = f"It needs {name}, which Calico has since {since[0]}.{since[1]}; the cluster runs {installed(found)['version']}"
        yield Problem("calico-too-old", title(manifest), text)


def _configuration_problems(found: dict) -> Iterator[Problem]:
    spec = bgp_configuration(found)
    for field in ("nodeMeshPassword", "nodeMeshMaxRestartTime"):
        if spec.get(field):
            problem = f"{field} is set, which Calico does not allow once the mesh is off"
            yield Problem("mesh-setting", f"BGPConfiguration/{BGP_CONFIGURATION}", problem)
