# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choice between floating and standard SVI (white paper, "Standard SVI vs. floating SVI": floating where it fits)."""

from __future__ import annotations

from collections.abc import Mapping

from ..intent.intent import Intent
from ..intent.limits import LIMITS, Others, Usage, supports_floating, usage
from ..schema.variables import VM

FLOATING_LIMITS = ("anchor-leaves", "floating-addresses")


def choose_svi(intent: Intent, recommended: tuple[str, list[str]]) -> tuple[str, list[str]]:
    """Return the kind of SVI with the reasons: the requested kind, or the recommended one."""
    requested = intent["svi"] or "auto"
    return recommended if requested == "auto" else (requested, [f"aci_calico_svi asks for {requested}"])


def recommend_svi(intent: Intent, others: Others | None = None) -> tuple[str, list[str]]:
    """Return the kind of SVI that suits the cluster, whatever was requested, with the reasons.

    :param intent: one whose racks have not been spread over L3Outs yet.
    :param others: what the fabric's other clusters use.
    """
    used = usage(intent, others or Others())
    never, rather_not = _against_floating(intent, used)
    if not never and moving_machines(intent):
        return "floating", ["virtual machines move between hypervisors, which standard SVI does not allow", *rather_not]
    if never or rather_not:
        return "standard", [*never, *rather_not]
    known = [id_ for id_ in FLOATING_LIMITS if used[id_].allowed is not None]
    amounts = [f"{used[id_].value} of {used[id_].allowed} {LIMITS[id_].unit}" for id_ in known]
    return "floating", ["floating SVI is the simpler design, and the limits allow it", *amounts]


def moving_machines(intent: Intent) -> bool:
    """Return whether nodes are virtual machines that move between hypervisors."""
    return bool(intent["vm_mobility"]) and any(node.kind == VM for node in intent.nodes)


def _against_floating(intent: Intent, used: Mapping[str, Usage]) -> tuple[list[str], list[str]]:
    """Return what rules floating SVI out, and what only makes it cost more: an L3Out, subnet and VLAN for each part."""
    leaves, never = (
        [f"{used[id_].value} {LIMITS[id_].unit}, and floating SVI allows {used[id_].allowed}"] if used[id_].exceeded else []
        for id_ in FLOATING_LIMITS
    )
    if not supports_floating(intent):
        never = [*never, f"APIC {intent['apic_version']} has no floating SVI on physical domains"]
    several = [
        f"several {family} node subnets, and floating SVI has one for each L3Out"
        for family in intent.families
        if len(intent.networks("node", family)) > 1
    ]
    return never, [*leaves, *several]
