# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""BGPPeers that were there before: those with the address of a planned peer are taken over in place, under their own names.

A node with two BGPPeers of one address has two BIRD protocols for one neighbour, so the planned peer is not made beside the
other one. A peer that changes in place keeps its sessions unless its AS number or password changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...module_utils.names import CLUSTER_LABEL, MANAGED_BY, MANAGED_BY_LABEL
from ..schema.consent import SESSION_RESET, Consents
from ..schema.problems import Problem
from .manifests import next_key

KIND = "BGPPeer"


def owner_of_object(manifest: dict) -> str | None:
    """Return the cluster that an object of this collection belongs to; None for objects of others."""
    labels = manifest["metadata"].get("labels") or {}
    return labels.get(CLUSTER_LABEL) if labels.get(MANAGED_BY_LABEL) == MANAGED_BY else None


def target_of(peer: dict) -> str:
    """Return the address of a BGPPeer without a port (``192.0.2.1:179``, ``[2001:db8::1]:179``); empty if it has none."""
    text = (peer.get("spec") or {}).get("peerIP") or ""
    if text.startswith("["):
        return str(text[1:].partition("]")[0])
    return str(text.partition(":")[0]) if text.count(":") == 1 else str(text)


def names_as_found(wanted: list[dict], objects: list[dict], cluster: str, adopt: bool) -> dict[str, str]:
    """Return the names of the existing peers that stand for planned ones: ``{planned name: name}``.

    :param wanted: the planned BGPPeers.
    :param adopt: also take peers of others.
    """
    owners = {cluster, None} if adopt else {cluster}
    peers = {one["metadata"]["name"]: one for one in objects if one["kind"] == KIND}
    planned = {one["metadata"]["name"]: one["spec"]["peerIP"] for one in wanted}
    alike: dict[str, list[str]] = {}
    for name, peer in peers.items():
        if name not in planned and owner_of_object(peer) in owners:
            alike.setdefault(target_of(peer), []).append(name)
    return {name: min(alike[address]) for name, address in planned.items() if address in alike and name not in peers}


def peer_problems(plan: dict, objects: list[dict], wanted: set[str], consents: Consents) -> Iterator[Problem]:
    """Yield what is wrong with the peers that the plan does not have.

    :param wanted: the names of the planned peers; of those that are taken over, their own.
    """
    addresses = {peer["address"] for peer in plan["peers"]}
    names = {peer["name"] for peer in plan["peers"]}
    taken_over = wanted - names
    for peer in (one for one in objects if one["kind"] == KIND):
        name, target = peer["metadata"]["name"], target_of(peer)
        if name in names or owner_of_object(peer) == plan["cluster"]:
            continue
        if name in taken_over:
            yield from _resets(plan, peer, consents)
        elif target in addresses:
            yield _in_the_way(name, target, bool(taken_over))
        else:
            problem = f"It is not in the plan (peer: {target or 'other nodes'}), and stays"
            yield Problem("peer-unplanned", f"{KIND}/{name}", problem)


def rotation_problems(plan: dict, found: dict) -> Iterator[Problem]:
    """Yield a problem if a rotation of the password is not finished: some leaves have another password than the others."""
    if next_key(plan) in (found.get("secret_keys") or []):
        text = f"Its key {next_key(plan)} is that of a rotation of the password that is not finished: leaves have different passwords"
        yield Problem("rotation-unfinished", f"Secret/{plan['calico']['secret']['name']}", text)


def _in_the_way(name: str, target: str, others_taken_over: bool) -> Problem:
    problem = f"It peers with {target}, a leaf of the plan"
    if not others_taken_over:
        return Problem("peer-in-the-way", f"{KIND}/{name}", problem)
    remedy = (
        "Let one peer of this leaf select all nodes of the rack, and remove the others then: the run takes over one peer for each leaf"
        " and family in place."
    )
    return Problem("peer-in-the-way", f"{KIND}/{name}", f"{problem}, like another peer that is taken over", remedy)


def _resets(plan: dict, peer: dict, consents: Consents) -> Iterator[Problem]:
    """Yield a problem if the sessions of a peer end when it is taken over, and nobody agreed to that."""
    spec = peer.get("spec") or {}
    reference = (spec.get("password") or {}).get("secretKeyRef") or {}
    if reference != plan["calico"]["secret"]:
        text = "The peer is taken over, and gets the plan's BGP password: its sessions end"
        path = f"{KIND}/{peer['metadata']['name']}"
        yield from consents.require(SESSION_RESET, path, text, "some seconds after both APIC and Calico have the password")
