# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for the settings of single IP pools."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from ...schema.addressing import BLOCK_LENGTHS
from ...schema.option import LOAD_BALANCER
from ...schema.problems import Problem, did_you_mean, repeated
from ..intent import SUBNET_ROLES, Intent
from ..pools import Pool, read_pools


def pools(intent: Intent) -> Iterator[Problem]:
    """Check that each entry names a pool of the plan, and that its settings fit together."""
    entries = read_pools(intent)
    homes = {subnet.network: role for role in ("pod", "load_balancer") for subnet in intent.subnets[role]}
    for pool, first in repeated(entries, attrgetter("cidr")):
        yield Problem("subnet-twice", f"{pool.path}.cidr", f"{pool.cidr} is also {first.path}")
    for pool in entries:
        if pool.cidr not in homes:
            text = f"{pool.cidr} is none of the pod subnets and load balancer subnets"
            yield Problem("pool-unknown", f"{pool.path}.cidr", text, did_you_mean(str(pool.cidr), map(str, homes)))
            continue
        yield from _selection(intent, pool)
        yield from _uses(pool, homes[pool.cidr])
        yield from _blocks(pool)


def _selection(intent: Intent, pool: Pool) -> Iterator[Problem]:
    if pool.racks and pool.node_selector is not None:
        yield Problem("pool-selected-twice", f"{pool.path}.racks", "The pool has racks and a node selector")
    known = [rack.id for rack in intent.racks]
    for rack in pool.racks if intent.sound else ():
        if rack not in known:
            yield Problem("unknown-rack", f"{pool.path}.racks", f"No node peers with rack '{rack}'", did_you_mean(rack, known))


def _uses(pool: Pool, role: str) -> Iterator[Problem]:
    wrong = set(pool.uses) - {LOAD_BALANCER} if role == "load_balancer" else set(pool.uses) & {LOAD_BALANCER}
    if wrong:
        what = f"{pool.cidr} is one of {SUBNET_ROLES[role]}, and its use is {', '.join(sorted(pool.uses))}"
        yield Problem("pool-use-mixed", f"{pool.path}.allowed_uses", what)
    if role == "load_balancer" and (pool.racks or pool.node_selector is not None):
        what = f"{pool.cidr} is for load balancers, whose addresses belong to no node"
        yield Problem("pool-use-mixed", pool.path, what, "Remove racks and node_selector of the pool.")


def _blocks(pool: Pool) -> Iterator[Problem]:
    low, high = BLOCK_LENGTHS[pool.family]
    if pool.block_size is None:
        return
    path = f"{pool.path}.block_size"
    if not low <= pool.block_size <= high:
        text = f"{pool.block_size} is not a block size of {pool.family}"
        yield Problem("out-of-range", path, text, f"Choose a number from {low} to {high}.")
    elif pool.cidr.prefixlen > pool.block_size:
        yield Problem("pool-smaller-than-block", path, f"{pool.cidr} is smaller than a block of /{pool.block_size}")


def disabled_pools(intent: Intent) -> Iterator[Problem]:
    """Check that each family has a pool for new pods."""
    disabled = {pool.cidr for pool in read_pools(intent) if pool.disabled}
    for family in intent.families:
        networks = intent.networks("pod", family)
        if networks and disabled.issuperset(networks):
            yield Problem("pools-disabled", "aci_calico_pools", f"All {family} pools are disabled: new pods get no address")


def load_balancer_blocks(intent: Intent) -> Iterator[Problem]:
    """Check that a load balancer pool without a block size of its own holds a block."""
    lent = {subnet.network for subnet in intent.subnets["load_balancer"]}
    for pool in read_pools(intent):
        size = intent.block_size(pool.family)
        if pool.cidr in lent and pool.block_size is None and size is not None and pool.cidr.prefixlen > size:
            text = f"{pool.cidr} is smaller than a block of /{size}"
            yield Problem("pool-smaller-than-block", pool.path, text, "Set block_size of the pool.")
