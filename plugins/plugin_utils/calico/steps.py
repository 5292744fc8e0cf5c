# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last changes of a push, one after the other: encapsulation, source NAT, the mesh. Each can be put back by itself.

Encapsulation ends while the mesh is on: with IP-in-IP, BIRD would send packets to pods into a tunnel to the leaf once the leaf's
routes are the only ones (confd, ``krt_tunnel`` of the pool's routes).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from ...module_utils.kubernetes.calico import meaning
from ...module_utils.names import ASN_ANNOTATION
from .installers import installed
from .mesh import existing_in

NAT = "natOutgoing"
_POOLS = "ipPools"

Stage = tuple[dict, dict]


@dataclass(frozen=True)
class Step:
    """Changes that are sent together.

    :ivar name: what changes, as text.
    :ivar manifests: the changes. An Installation is alone.
    :ivar undo: the merge patches that put back what was there before the step.
    :ivar except_nat: whether source NAT is not yet as planned after the step.
    """

    name: str
    manifests: list[dict]
    undo: list[dict]
    except_nat: bool = False

    @property
    def by_operator(self) -> bool:
        """Return whether the operator carries the step out."""
        return any(one["kind"] == "Installation" for one in self.manifests)


def steps(push: dict, found: dict) -> list[Step]:
    """Return the steps of ``installation`` and ``postponed`` of a push (``kubernetes_push``) in their order."""
    pools = [one for one in push["postponed"] if one["kind"] == "IPPool"]
    rest = [one for one in push["postponed"] if one["kind"] != "IPPool"]
    halves = [_halves(one, existing_in(found)["IPPool", one["metadata"]["name"]]) for one in pools]
    stages = _installations(push["installation"], found) if push["installation"] else (None, None)
    made = []
    for number, name in enumerate(("the encapsulation of pools", "the source NAT of pools")):
        if stage := stages[number]:
            made.append(Step(name, [stage[0]], [stage[1]], except_nat=number == 0))
        if parts := [half for pair in halves if (half := pair[number])]:
            made.append(Step(name, parts, [_back(one, found) for one in parts]))
    if rest:
        made.append(Step("the node-to-node mesh", rest, [_back(one, found) for one in rest]))
    return made


def _halves(manifest: dict, old: dict) -> tuple[dict | None, dict | None]:
    """Return the change of a pool without source NAT, and that of source NAT; None for one that changes nothing."""
    spec, held = manifest["spec"], meaning("IPPool", old["spec"])
    nat = {NAT: spec[NAT]} if NAT in spec and bool(spec[NAT]) != held[NAT] else {}
    others = {name: value for name, value in spec.items() if name != NAT}
    if not nat:
        return manifest, None
    if all(held.get(name) == value for name, value in others.items()):
        return None, {**manifest, "spec": nat}
    bare = {**manifest, "metadata": {"name": manifest["metadata"]["name"]}}  # the first half notes what was there before
    return {**manifest, "spec": others}, {**bare, "spec": nat}


def _installations(patch: dict, found: dict) -> tuple[Stage | None, Stage | None]:
    """Return the patch and its undo of both stages of an Installation; None for a stage that changes nothing."""
    declared = {entry.get("cidr"): entry for entry in installed(found)["pools"]}
    first = copy.deepcopy(patch)
    wanted = patch["spec"].get("calicoNetwork", {}).get(_POOLS) or []
    first["spec"].setdefault("calicoNetwork", {})[_POOLS] = [
        _with_nat_of(entry, declared.get(entry.get("cidr"))) for entry in wanted
    ]
    before = _back(patch, found)
    staged = first["spec"]["calicoNetwork"][_POOLS]
    if staged == wanted:
        return (patch, before), None
    if staged == list(declared.values()):
        return None, (patch, before)
    bare = {**patch, "metadata": {"name": patch["metadata"]["name"]}}
    return (first, before), (bare, {**bare, "spec": first["spec"]})


def _with_nat_of(entry: dict, declared: dict | None) -> dict:
    if declared is None:
        return entry
    held = {NAT: declared[NAT]} if NAT in declared else {}
    return {**{name: value for name, value in entry.items() if name != NAT}, **held}


def _back(manifest: dict, found: dict) -> dict:
    """Return the merge patch that puts back what a change replaces. An object that the change creates stays with Calico's defaults."""
    old = existing_in(found).get((manifest["kind"], manifest["metadata"]["name"]))
    metadata: dict = {"name": manifest["metadata"]["name"]}
    held = {"nodeToNodeMeshEnabled": True} if old is None else old.get("spec") or {}
    for part in ("labels", "annotations"):
        if old is not None and manifest["metadata"].get(part):
            metadata[part] = {key: (old["metadata"].get(part) or {}).get(key) for key in manifest["metadata"][part]}
    return {**manifest, "metadata": metadata, "spec": _before(manifest["spec"], held)}


def _before(changed: dict, held: dict) -> dict:
    """Return the values of the fields that a merge patch changes."""
    return {
        name: _before(value, held[name]) if isinstance(value, dict) and isinstance(held.get(name), dict) else held.get(name)
        for name, value in changed.items()
    }


def without_asn(node: dict) -> dict:
    """Return the patch of a node without its AS number."""
    annotations = {name: value for name, value in (node["metadata"].get("annotations") or {}).items() if name != ASN_ANNOTATION}
    return {**node, "metadata": {**node["metadata"], "annotations": annotations}}
