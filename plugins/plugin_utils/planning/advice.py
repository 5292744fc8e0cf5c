# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The white paper's Table 1 for a cluster: what each kind of SVI would mean for it, and which one suits it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..intent.intent import Intent
from ..intent.limits import PAPER, Others, floating_addresses, limit_value, supports_floating
from ..schema.addressing import NODE_PREFIX_LENGTH
from .spread import room, spread
from .svi import moving_machines

TABLE = f"{PAPER}, Table 1"


def advise(intent: Intent, recommended: tuple[str, list[str]], others: Others) -> dict[str, Any]:
    """Return the plan's ``svi.advice``.

    :param recommended: what ``recommend_svi`` returned.
    :param others: what the fabric's other clusters use.
    :returns: ``{"recommended": kind, "reasons": [text, …], "criteria": [{"criterion", "floating", "standard", "better",
        "source"}]}``; ``better`` is a kind, or None if the criterion does not decide.
    """
    kind, reasons = recommended
    return {"recommended": kind, "reasons": reasons, "criteria": list(_criteria(intent, others))}


def _criteria(intent: Intent, others: Others) -> Iterator[dict[str, Any]]:
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
    limit = limit_value(intent, "floating-addresses")
    taken = floating_addresses(floating) + others.floating_addresses
    known = f"{taken} of {limit} with this cluster; room for {max(0, limit - taken)} more" if limit is not None else ""
    yield _row(
        "floating addresses of the fabric",
        known or f"{taken} with this cluster; no limit is known for this release",
        "none",
        "standard" if limit is not None and taken > limit else None,
    )
    release, fits = intent["apic_version"], supports_floating(intent)
    needed = "5.0 or newer"
    if release:
        needed += f": {release} {'is' if fits else 'is too old'}"
    yield _row("APIC release", needed, "any", None if fits else "standard")


def _row(criterion: str, floating: str, standard: str, better: str | None) -> dict[str, Any]:
    return {"criterion": criterion, "floating": floating, "standard": standard, "better": better, "source": TABLE}


def _as_if(intent: Intent, kind: str) -> Intent:
    """Return the cluster with that kind of SVI and its racks spread anew."""
    hypothetical = replace(intent, kind=kind, l3outs=[])
    hypothetical.l3outs = spread(hypothetical, {})
    return hypothetical


def _span(intent: Intent) -> str:
    most, taken, count = room(intent), len(intent.leaves), len(intent.l3outs)
    if count > 1:
        return f"{count} L3Outs of at most {most} leaves"
    return f"one L3Out, {taken} of {most} leaves; room for {max(0, most - taken) // 2} more racks of two"


def _fewer(floating: int, standard: int) -> str | None:
    return None if floating == standard else "floating" if floating < standard else "standard"


def _subnets(intent: Intent) -> tuple[str, str]:
    """Describe the subnets: one for each floating SVI and family, or one for each node and family."""
    lengths = {"ipv4": NODE_PREFIX_LENGTH, "ipv6": intent["ipv6_node_prefix_length"]}
    floating = len(intent.l3outs) * len(intent.families)
    own = " and ".join(f"{len(intent.nodes)} of /{lengths[family]}" for family in intent.families)
    return f"{floating} and as many VLANs" if floating > 1 else "1 and 1 VLAN", f"{own}, and {len(intent.nodes)} VLANs"
