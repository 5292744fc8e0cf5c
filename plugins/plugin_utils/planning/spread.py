# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The spread of racks over L3Outs if one L3Out is not enough (white paper, "Nodes per cluster")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..intent.intent import Intent, L3Out, Rack
from ..intent.limits import LEAVES_OF_L3OUT, limit_value


def spread(intent: Intent, recorded: Mapping[int, Sequence[str]]) -> list[L3Out]:
    """Return the cluster's L3Outs, each with at least one rack.

    Racks stay where they were recorded. The others go, in the inventory's order, to the first L3Out with room for their
    leaves. A rack with too many leaves for any L3Out gets an empty one: the limit itself is checked elsewhere.

    :param intent: one with its kind of SVI chosen.
    :param recorded: the racks of each L3Out by its number, from the allocation file.
    """
    racks = {rack.id: rack for rack in intent.racks}
    homes: dict[int, list[Rack]] = {
        number: [racks.pop(name) for name in names if name in racks] for number, names in sorted(recorded.items())
    }
    for rack in racks.values():
        homes.setdefault(_first_with_room(homes, rack, room(intent)), []).append(rack)
    order = [rack.id for rack in intent.racks]
    return [
        L3Out(number, intent.l3out_name(number), tuple(sorted((rack.id for rack in homes[number]), key=order.index)))
        for number in sorted(homes)
        if homes[number]
    ]


def room(intent: Intent) -> int:
    """Return how many leaves an L3Out of the cluster can have; all of them if no limit is known for the release."""
    most = limit_value(intent, LEAVES_OF_L3OUT[intent.kind])
    return len(intent.leaves) if most is None else most


def _first_with_room(homes: Mapping[int, Sequence[Rack]], rack: Rack, most: int) -> int:
    number = 1
    while homes.get(number) and sum(len(one.leaves) for one in (*homes[number], rack)) > most:
        number += 1
    return number


def retired(intent: Intent, recorded: Mapping[int, Sequence[str]]) -> list[str]:
    """Return the names of recorded L3Outs that have no rack any more."""
    present = {l3out.number for l3out in intent.l3outs}
    return [intent.l3out_name(number) for number in sorted(set(recorded) - present)]
