# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare what is deployed on both sides with a plan, without changing anything.

Pure functions. An action uses ``PlannedAction.compare``, which reads both sides; ``between_plans`` takes an earlier plan for what is
deployed. ``module_utils.apic.diff`` and ``calico.push`` compute the differences, as they do for the pushes.

A ``Comparison`` as plain data (``as_dict``)::

    {"changes": [{"side": "apic" | "kubernetes",
                  "part": "access" | "policies" | "l3out" | "calico",    # the push that makes it
                  "operation": "create" | "modify" | "delete",
                  "kind": "l3extVirtualLIfP" | "BGPPeer" | …,            # the class or the kind
                  "object": "uni/tn-…" | "BGPPeer/rack-1-leaf-201",      # the DN, or Kind/name
                  "before": {…}, "after": {…},                           # what changes; secrets are hidden
                  "below": ["uni/tn-…/…", …]}],                          # removed with it
     "conflicts": ["…"],      # differences in objects of others, as sentences: they stay
     "problems": [{…}],       # why the push to Kubernetes would not start
     "deployed": {"apic": true, "kubernetes": true},
     "mesh": false, "asn": 65003, "local_asn": false, "strangers": ["node-9"], "drained": [],
     "pods": {"default-ipv4-ippool": 12, …},  # the pods of each pool; -1 where they were not counted
     "nodes": {"node-1": "1", …},             # the nodes in Kubernetes with their racks, as far as they have the label
     "policies": {"uni/tn-…": {…}, …},        # BGP policies on APIC with their attributes: other objects name them
     "as_planned": {"apic": {}, …}}           # see below

The changes are in the order of the pushes.

``as_planned`` has the sides on which the pushes would change, refuse and warn of nothing, and that no run has leased; for each, what
else the push reports. It is empty if the leases were not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..module_utils.apic import diff
from ..module_utils.apic.roots import LONGEST_PATH, Root, parse_roots, queries
from ..module_utils.names import BEFORE_ANNOTATION, CALICO_V3, HIDDEN, LEASE_PREFIX
from .apic.tree import apic_roots, apic_tree, flat, l3out_dns, retired_l3out_dns
from .calico.installers import in_words
from .calico.manifests import DEFAULT_NAMESPACE, chosen, kubernetes_objects, owner_labels
from .calico.mesh import DEFAULT_ASN, bgp_configuration, mesh_is_on, pods_of_pools
from .calico.push import ADJUSTED_KINDS, is_drained, kubernetes_problems, kubernetes_push, title
from .schema.consent import Consents
from .schema.problems import Problem

APIC, KUBERNETES = "apic", "kubernetes"
# The pushes to APIC in their order, as in the playbook site.
PARTS = ("access", "policies", "l3out")
CALICO = "calico"
CREATE, MODIFY, DELETE = "create", "modify", "delete"
POLICIES = ("bgpCtxPol", "bgpBestPathCtrlPol", "bgpCtxAfPol", "bgpPeerPfxPol")
# A missing consent hides no change.
PREVIEW = Consents(preview=True)

Plan = Mapping[str, Any]
# ``{dn: {"class": …, "attributes": …}}``, as ``aci_info`` returns it.
Objects = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Change:
    """One change of one object; see the module for the fields."""

    side: str
    part: str
    operation: str
    kind: str
    object: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    below: tuple[str, ...] = ()

    @property
    def fields(self) -> list[str]:
        """Return the names of the fields that change."""
        return sorted({*self.before, *self.after})


@dataclass
class Comparison:
    """The differences between the deployed state and a plan.

    :ivar deployed: the sides on which the cluster is configured already.
    :ivar mesh: whether the node-to-node mesh is on.
    :ivar strangers: the nodes in Kubernetes that are neither planned nor the cluster's.
    :ivar asn: the AS number of nodes without one of their own.
    :ivar local_asn: whether the nodes' peers with the leaves have the cluster's AS number, whatever that of the nodes is.
    :ivar pods: the number of pods of each pool; -1 where they were not counted.
    :ivar drained: the nodes in Kubernetes that take no new pods, and that announce no service.
    :ivar nodes: the nodes in Kubernetes with their racks; an empty rack where the label is missing.
    :ivar policies: the BGP policies on APIC with their attributes.
    :ivar as_planned: the sides that need neither a lease nor a push; see the module.
    """

    changes: list[Change] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    deployed: dict[str, bool] = field(default_factory=dict)
    mesh: bool = False
    asn: int = 0
    local_asn: bool = False
    pods: dict[str, int] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)
    drained: list[str] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    policies: dict[str, dict[str, str]] = field(default_factory=dict)
    as_planned: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "problems": [problem.as_dict() for problem in self.problems]}

    def add(self, other: Comparison) -> Comparison:
        """Add the other side."""
        self.changes += other.changes
        self.conflicts += other.conflicts
        self.problems += other.problems
        self.deployed |= other.deployed
        self.mesh |= other.mesh
        self.asn = self.asn or other.asn
        self.local_asn |= other.local_asn
        self.pods |= other.pods
        self.strangers += other.strangers
        self.drained += other.drained
        self.nodes |= other.nodes
        self.policies |= other.policies
        self.as_planned |= other.as_planned
        return self


def from_dict(content: Mapping[str, Any]) -> Comparison:
    """Return a comparison from plain data."""
    changes = [Change(**{**change, "below": tuple(change["below"])}) for change in content["changes"]]
    return Comparison(**{**content, "changes": changes, "problems": [Problem(**one) for one in content["problems"]]})


# --- APIC ------------------------------------------------------------------------------------------------------------


def apic_queries(plan: Plan) -> list[str]:
    """Return the paths of the requests that read all that the pushes to APIC compare.

    They are one, and one for each L3Out and each tenant that the cluster creates. If the one would be too long, they are those
    of the pushes.
    """
    roots = _roots(plan)
    together = _paths(root for _part, root in roots)
    if max(map(len, together)) <= LONGEST_PATH:
        return together
    return [path for part in PARTS for path in _paths(root for of, root in roots if of == part)]


def apic_places(plan: Plan) -> list[str]:
    """Return the topmost objects that the plan has on APIC: what others change there is one of them or below."""
    tops = [dn for _part, root in _roots(plan) for dn in ([top.dn for top in root.tops] if root.named else [root.dn])]
    return [dn for dn in dict.fromkeys(tops) if not any(dn.startswith(f"{other}/") for other in tops)]


def _paths(roots: Iterable[Root]) -> list[str]:
    return [path for path, _members in queries(list(roots), with_owned=True)]


def compare_apic(
    plan: Plan,
    objects: Objects,
    adopt: bool = False,
    update_password: str = "on_create",
    roots: Sequence[tuple[str, dict[str, Any]]] | None = None,
    with_lease: bool = False,
) -> Comparison:
    """Return the changes of the pushes to APIC.

    :param objects: what ``aci_info`` returned for ``apic_queries``, perhaps among other objects.
    :param roots: roots with their part, in place of the plan's.
    :param with_lease: whether ``objects`` has the tags of the cluster's lease, if there are any.
    """
    options = {"cluster": plan["cluster"], "prune": True, "adopt": adopt, "update_password": update_password}
    policies = {dn: dict(one["attributes"]) for dn, one in objects.items() if one["class"] in POLICIES}
    result = Comparison(deployed={APIC: _is_on_apic(plan, objects)}, policies=policies)
    known: dict[tuple[str, str], set[str]] = {}
    says = _is_leased(plan, objects)
    for part, root in _roots(plan, roots):
        reply = as_reply({dn: one for dn, one in objects.items() if root.holds(dn)})
        _existing, difference = diff.compare_root(root, reply, options, root.absent)
        for change in diff.once(difference.changes):
            # Trees of several pushes can contain an object: the first push makes the change.
            fields = known.setdefault((change.action, change.dn), set())
            if not fields or not fields >= set(change.after):
                result.changes.append(_of_apic(part, change))
            fields.update(change.after or ("",))
        result.conflicts += [one.text for one in difference.conflicts if one.text not in result.conflicts]
        says = says or bool(difference.kept or difference.missing) or not _proven(difference.unproven, objects)
    if with_lease and not (says or result.changes or result.conflicts):
        result.as_planned[APIC] = {}
    return result


def _is_leased(plan: Plan, objects: Objects) -> bool:
    """Return whether there is a tag of the cluster's lease, also of one that a killed run has left."""
    gate = f"{LEASE_PREFIX}{plan['cluster']}"
    keys = (one["attributes"]["key"] for one in objects.values() if one["class"] == "tagAnnotation")
    return any(key == gate or key.startswith(f"{gate}:") for key in keys)


def _proven(containers: Iterable[str], objects: Objects) -> bool:
    """Return whether each container exists, because it or an object below it was read."""
    return all(dn in objects or any(one.startswith(f"{dn}/") for one in objects) for dn in containers)


def as_reply(objects: Objects) -> list[dict[str, Any]]:
    """Return objects in the form of APIC's reply to a query."""
    return [{one["class"]: {"attributes": {**one["attributes"], "dn": dn}}} for dn, one in objects.items()]


def _roots(plan: Plan, roots: Sequence[tuple[str, dict[str, Any]]] | None = None) -> list[tuple[str, Root]]:
    specs = [(part, spec) for part in PARTS for spec in apic_roots(plan, part)] if roots is None else roots
    parsed = parse_roots([spec for _part, spec in specs], plan["cluster"], apart=False)
    return [(part, root) for (part, _spec), root in zip(specs, parsed, strict=True)]


def _is_on_apic(plan: Plan, objects: Objects) -> bool:
    """Return whether an L3Out of the cluster has node profiles."""
    profiles = tuple(f"{dn}/lnodep-" for dn in (*l3out_dns(plan), *retired_l3out_dns(plan)))
    return any(dn.startswith(profiles) for dn in objects)


def _of_apic(part: str, change: diff.Change) -> Change:
    before, after = (
        {name: HIDDEN if name in change.secrets else value for name, value in values.items() if value is not None}
        for values in (change.before, change.after)
    )
    return Change(APIC, part, change.action, change.cls, change.dn, before, after, change.removed)


# --- Kubernetes ------------------------------------------------------------------------------------------------------


def compare_kubernetes(
    plan: Plan,
    found: dict[str, Any],
    push: dict[str, Any] | None = None,
    consents: Consents = PREVIEW,
    with_lease: bool = False,
    **choices: Any,
) -> Comparison:
    """Return the changes of the push to Kubernetes, as if it had all consents.

    :param found: what ``calico_info`` returned as ``calico``.
    :param push: changes in the form of ``kubernetes_push``, in place of the plan's.
    :param consents: the consents that the problems take into account.
    :param with_lease: whether ``found`` has the lease, if there is one.
    :param choices: the fields of ``calico.push.Choices``.
    """
    made = kubernetes_push(dict(plan), found, **choices, consents=PREVIEW) if push is None else push
    known = push is not None or consents == PREVIEW
    problems = made["problems"] if known else kubernetes_problems(dict(plan), found, **choices, consents=consents)
    labels = owner_labels(dict(plan))
    own = [one for one in found["objects"] if (one["metadata"].get("labels") or {}).items() >= labels.items()]
    changes = kubernetes_changes(made)
    as_planned = with_lease and not (changes or made["snippet"] or found["lease"])
    return Comparison(
        changes=changes,
        problems=problems,
        deployed={KUBERNETES: any(one["kind"] == "BGPPeer" for one in own)},
        mesh=mesh_is_on(found),
        asn=bgp_configuration(found).get("asNumber") or DEFAULT_ASN,
        local_asn=made["local_asn"],
        pods=pods_of_pools(found),
        strangers=made["strangers"],
        drained=[name for name, node in sorted(found["nodes"].items()) if is_drained(dict(plan), node)],
        nodes={name: node["labels"].get(plan["calico"]["rack_label"], "") for name, node in sorted(found["nodes"].items())},
        as_planned={KUBERNETES: {"pending": made["pending"], "installation": in_words(found)}} if as_planned else {},
    )


def kubernetes_changes(push: Mapping[str, Any]) -> list[Change]:
    """Return the changes of a push (``calico.push.kubernetes_push``) in the order in which it sends them."""
    batches: list[tuple[str, list[dict[str, Any]]]] = [
        (MODIFY, push["patched"]),
        ("", [push["secret"]] if push["secret"] else []),
        ("", push["applied"]),
        (DELETE, push["deleted"]),
        (MODIFY, [push["installation"]] if push["installation"] else []),
        ("", push["postponed"]),
    ]
    changes = []
    for operation, manifests in batches:
        for manifest in manifests:
            name = title(manifest)
            done = operation or (CREATE if name in push["created"] else MODIFY)
            shown = push["differences"][name]
            changes.append(Change(KUBERNETES, CALICO, done, manifest["kind"], name, shown["before"], shown["after"]))
    return changes


# --- two plans -------------------------------------------------------------------------------------------------------


def between_plans(deployed: Plan, plan: Plan, **choices: Any) -> Comparison:
    """Return the changes from one plan to another, as if both sides were exactly as the first one says.

    :param choices: ``adopt``, ``update_password`` and ``manage_installation``.
    """
    objects = flat(apic_tree(deployed), tags=True)
    apic = {name: choices[name] for name in ("adopt", "update_password") if name in choices}
    return compare_apic(plan, objects, **apic).add(compare_kubernetes(plan, _found(deployed), **choices))


# What ``auto`` stands for in a plan.
_DEFAULTS = {"api_group": CALICO_V3, "namespace": DEFAULT_NAMESPACE}


def _found(plan: Plan) -> dict[str, Any]:
    """Return what ``calico_info`` would return of a cluster that is as planned."""
    manifests = kubernetes_objects(dict(plan))
    nodes = [one for one in manifests if one["kind"] == "Node"]
    group, namespace = (chosen(plan["calico"][name], default) for name, default in _DEFAULTS.items())
    return {
        "api_group": group,
        "api_groups": [group],
        "namespace": namespace,
        "namespaces": [namespace],
        "nodes": {
            one["metadata"]["name"]: {**{name: one["metadata"][name] for name in ("labels", "annotations")}, "addresses": []}
            for one in nodes
        },
        "objects": [_as_read(one) for one in manifests if one["kind"] != "Node"],
        "password_matches": True,
        "failures": [],
        "lease": None,
    }


def _as_read(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return an object as it is after a push: a Secret without its value, adjusted objects with the note of what was there."""
    found = {name: value for name, value in manifest.items() if name != "stringData"}
    if manifest["kind"] in ADJUSTED_KINDS:
        found["metadata"] = {**manifest["metadata"], "annotations": {BEFORE_ANNOTATION: "null"}}
    return found
