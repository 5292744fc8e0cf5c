# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The white paper's Table 1, filled in for a cluster: what either kind of SVI means for it, and which one it should have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..intent.intent import Intent
from ..intent.limits import (
    LEAVES_OF_L3OUT,
    LIMITS,
    PAPER,
    limit_value,
    moving_machines,
    recommend_svi,
    supports_floating,
    usage,
)
from ..schema.addressing import NODE_PREFIX_LENGTH
from .spread import spread

TABLE = f"{PAPER}, Table 1"


def advise(intent: Intent, others: Iterable[Intent] = ()) -> dict[str, Any]:
    """Which kind of SVI suits the cluster.

    :param intent: one with its racks, nodes and families read.
    :param others: the fabric's other clusters with floating SVI.
    :returns: ``{"recommended": kind, "reasons": [text, …], "criteria": [{"criterion", "floating", "standard", "better",
        "source"}]}``; ``better`` is a kind, or None where it does not matter.
    """
    others = list(others)
    kind, reasons = recommend_svi(replace(intent, l3outs=[]), others)
    return {"recommended": kind, "reasons": reasons, "criteria": list(_criteria(intent, others))}


def _criteria(intent: Intent, others: list[Intent]) -> Iterator[dict[str, Any]]:
    floating, standard = (_as_if(intent, kind) for kind in ("floating", "standard"))
    yield _row("racks", _span(floating), _span(standard), _fewer(len(floating.l3outs), len(standard.l3outs)))
    yield _row("node subnets", *_subnets(floating), "floating")
    nodes = len(intent.nodes)
    yield _row("static paths", "none: bound by the physical domain", f"{nodes}: one for each vPC", "floating")
    moves = moving_machines(intent)
    mobility = "wanted" if moves else "not needed"
    yield _row(
        "VM mobility",
        f"possible, {mobility}; with a detour in another rack",
        f"none, {mobility}; machines are pinned",
        "floating" if moves else None,
    )
    limit = limit_value(intent, LIMITS["floating-addresses"])
    taken = usage(floating, "floating", others)["floating-addresses"]
    yield _row(
        "floating addresses of the fabric",
        f"{taken} of {limit} with this cluster; room for {max(0, limit - taken)} more",
        "none",
        "standard" if taken > limit else None,
    )
    release, fits = intent["apic_version"], supports_floating(intent)
    needed = "5.0 or newer"
    if release:
        needed += f": {release} {'is' if fits else 'is too old'}"
    yield _row("APIC release", needed, "any", None if fits else "standard")


def _row(criterion: str, floating: str, standard: str, better: str | None) -> dict[str, Any]:
    return {"criterion": criterion, "floating": floating, "standard": standard, "better": better, "source": TABLE}


def _as_if(intent: Intent, kind: str) -> Intent:
    """The cluster with that kind of SVI, its racks spread anew."""
    hypothetical = replace(intent, kind=kind, l3outs=[])
    hypothetical.l3outs = spread(hypothetical, {})
    return hypothetical


def _span(intent: Intent) -> str:
    limit = LIMITS[LEAVES_OF_L3OUT[intent.kind]]
    most, count = limit_value(intent, limit), len(intent.l3outs)
    taken = usage(intent, intent.kind)[limit.id]
    if count > 1:
        return f"{count} L3Outs of at most {most} leaves"
    return f"one L3Out, {taken} of {most} leaves; room for {max(0, most - taken) // 2} more racks of two"


def _fewer(floating: int, standard: int) -> str | None:
    return None if floating == standard else "floating" if floating < standard else "standard"


def _subnets(intent: Intent) -> tuple[str, str]:
    """One subnet for each floating SVI and family, or one for each node and family."""
    lengths = {"ipv4": NODE_PREFIX_LENGTH, "ipv6": intent["ipv6_node_prefix_length"]}
    floating = len(intent.l3outs) * len(intent.families)
    own = " and ".join(f"{len(intent.nodes)} of /{lengths[family]}" for family in intent.families)
    return f"{floating} and as many VLANs" if floating > 1 else "1 and 1 VLAN", f"{own}, and {len(intent.nodes)} VLANs"
