# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other clusters of an inventory: an index of all of them, read once in a run, and what one cluster finds in it.

The index is plain data. It names what clusters must not have in common and what they must agree on, so that the rules for
two clusters need to look at those neighbours only with which a cluster can be in conflict.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..intent.access import encap_ranges, pool_name, ports_of, vpc_name
from ..intent.connectivity import Connectivity, read_connectivity
from ..intent.intent import Intent, controllers, share_fabric
from ..intent.limits import Others, amounts_on_fabric, sessions_by_leaf
from ..intent.reading import read_intent
from ..intent.rules.access import cabled
from ..intent.rules.neighbours import OF_VRF, OF_VRF_ON_LEAF
from ..schema.addressing import IPNetwork
from ..schema.check import plain
from ..schema.variables import CLUSTER_VARIABLES
from .spread import spread
from .svi import choose_svi, recommend_svi

# Connections that show whether two clusters are on one fabric.
CONTROLLERS = ("aci_calico_apic_host", "aci_calico_apic_port")
# What a neighbour can be read from: no secret, and no other connection.
READ_OF_NEIGHBOURS = tuple(
    name for name, option in CLUSTER_VARIABLES.items() if name in CONTROLLERS or not (option.secret or option.connection)
)
POOL = "pool"
Index = Mapping[str, Any]


def index_clusters(clusters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the index of clusters.

    :param clusters: the variables of each cluster by its host. Values that would be refused are ignored.
    :returns: ``variables`` and ``fabric`` by host; ``fabrics``, the controllers by the name of a fabric; ``claims``, the hosts
        by what only one cluster may have; ``settings``, the hosts by value, by what all must agree on; ``ranges``, numbers with
        their hosts; ``subnets``, the hosts by the bits of a prefix, by VRF; ``sessions`` by host, by leaf; and the ``amounts``
        of the fabric's limits by host.
    """
    index: dict[str, Any] = {
        name: {} for name in ("variables", "fabric", "fabrics", "claims", "settings", "ranges", "subnets", "sessions", "amounts")
    }
    for host, values in clusters.items():
        variables = {name: plain(values[name]) for name in READ_OF_NEIGHBOURS if name in values}
        index["variables"][host] = variables
        _add(index, host, _read(variables, host))
    index["subnets"] = {vrf: dict(sorted(prefixes.items())) for vrf, prefixes in index["subnets"].items()}
    return index


def _read(variables: Mapping[str, Any], host: str) -> Intent:
    """Return the intent of a neighbour as far as its variables show it: neither its nodes' hosts nor its records are read."""
    intent, _problems = read_intent(variables, host)
    intent.kind, intent.reasons = choose_svi(intent, recommend_svi(intent))
    intent.l3outs = spread(intent, {})
    return intent


def _add(index: dict[str, Any], host: str, intent: Intent) -> None:
    wanted = read_connectivity(intent)
    reached = sorted(_controllers(intent), key=str)
    fabric = index["fabric"][host] = json.dumps(reached)
    index["fabrics"][fabric] = [list(controller) for controller in reached]
    for claim in _claims(intent):
        index["claims"].setdefault(claim, []).append(host)
    for setting, value in _settings(intent, wanted):
        index["settings"].setdefault(setting, {}).setdefault(value, []).append(host)
    for what, low, high in _ranges(intent):
        index["ranges"].setdefault(what, []).append([low, high, host])
    for network in _networks(wanted):
        index["subnets"].setdefault(_vrf(intent), {}).setdefault(_bits(network), []).append(host)
    for leaf, sessions in sessions_by_leaf(intent).items():
        index["sessions"].setdefault(str(leaf), {})[host] = sessions
    index["amounts"][host] = amounts_on_fabric(intent)


# --- what clusters can be in conflict about --------------------------------------------------------------------------


def _controllers(intent: Intent) -> set[tuple[str, Any]]:
    return controllers(intent["apic_host"], intent["apic_port"])


def _vrf(intent: Intent) -> str:
    return ":".join(map(str, intent.vrf))


def _claims(intent: Intent) -> Iterator[str]:
    """Yield what only one cluster may have."""
    yield f"name {intent.cluster}"
    for name in intent.l3out_names:
        yield f"l3out {intent['tenant']} {name}"
    for node, leaves in cabled(intent) if intent["manage_access"] else ():
        yield f"group {vpc_name(intent, node)}"
        yield from (f"port {leaf} {module}/{port}" for leaf, module, port in ports_of(node, leaves))


def _named_l3outs(wanted: Connectivity) -> Iterator[str]:
    """Yield the L3Outs that a cluster names as those of others."""
    yield from (f"l3out {entry.tenant} {entry.l3out}" for entry in wanted.epg_contracts)
    yield from (f"l3out {one.tenant} {one.l3out}" for one in wanted.transit)


def _settings(intent: Intent, wanted: Connectivity) -> Iterator[tuple[str, str]]:
    """Yield what clusters must agree on, and the cluster's value."""
    for option in ("l3_domain", "physical_domain") if intent["manage_access"] else ():
        yield f"{option} {intent[option]}", str(pool_name(intent))
    for contract in wanted.contracts:
        yield f"contract {contract.tenant} {contract.name}", repr(contract.content)
    vrf = _vrf(intent)
    yield f"ecmp {vrf}", repr([intent[name] for name in OF_VRF])
    policies = repr([intent[name] for name in OF_VRF_ON_LEAF])
    for leaf in intent.leaves:
        yield f"policies {vrf} {leaf.id}", policies
        if leaf.router_id is not None:
            yield f"router-id {vrf} {leaf.id}", str(leaf.router_id)
            yield f"leaf {vrf} {leaf.router_id}", str(leaf.id)


def _ranges(intent: Intent) -> Iterator[tuple[str, int, int]]:
    """Yield the VLANs on each leaf and, if it is managed, in the VLAN pool."""
    ranges = encap_ranges(intent)
    pool = [f"{POOL} {pool_name(intent)}"] if intent["manage_access"] else []
    for where in dict.fromkeys([*(f"leaf {leaf}" for leaf in (*(one.id for one in intent.leaves), *intent.non_anchors)), *pool]):
        yield from ((where, low, high) for low, high in ranges)


def _networks(wanted: Connectivity) -> Iterable[IPNetwork]:
    """Return the subnets of the cluster and of its microsegments."""
    return dict.fromkeys(subnet.network for epg in wanted.external_epgs for subnet in epg.subnets)


def _bits(network: IPNetwork) -> str:
    """Return a prefix as text, so that those within another one begin with it."""
    width = 32 if network.version == 4 else 128
    return f"{network.version}{network.first:0{width}b}"[: 1 + network.prefixlen]


# --- what one cluster finds ------------------------------------------------------------------------------------------


class Neighbours:
    """The clusters of an index but one, as that one sees them."""

    def __init__(self, index: Index, host: str) -> None:
        self._index = index
        self._host = host

    @classmethod
    def read(cls, variables: Mapping[str, Mapping[str, Any]]) -> Neighbours:
        """Return the neighbours with these variables, by host."""
        return cls(index_clusters(variables), "")

    def others(self, intent: Intent) -> Others:
        """Return what the other clusters of the fabric take of the limits that they share with the cluster."""
        shared = self._sharing_fabric(intent)
        by_leaf = {leaf.id: self._index["sessions"].get(str(leaf.id), {}) for leaf in intent.leaves}
        sessions = {leaf: sum(count for host, count in hosts.items() if host in shared) for leaf, hosts in by_leaf.items()}
        amounts = [amounts for host, amounts in self._index["amounts"].items() if host in shared]
        return Others(sessions, **{name: sum(one[name] for one in amounts) for name in amounts_on_fabric(intent)})

    def in_conflict(self, intent: Intent) -> list[Intent]:
        """Return the neighbours that the rules for two clusters need to look at, in the order of their hosts."""
        names = set(self._index["claims"].get(f"name {intent.cluster}", ())) - {self._host}
        found = names | (self._candidates(intent) & self._sharing_fabric(intent))
        return [_read(plain(self._index["variables"][host]), host) for host in sorted(found)]

    def _sharing_fabric(self, intent: Intent) -> set[str]:
        mine = _controllers(intent)
        shared = {name for name, theirs in self._index["fabrics"].items() if share_fabric(mine, set(map(tuple, theirs)))}
        return {host for host, fabric in self._index["fabric"].items() if fabric in shared} - {self._host}

    def _candidates(self, intent: Intent) -> set[str]:
        """Return the hosts of clusters with which the cluster shares a claim, contradicts in a setting, or overlaps."""
        wanted = read_connectivity(intent)
        claims, settings = self._index["claims"], self._index["settings"]
        found: set[str] = set()
        for claim in (*_claims(intent), *_named_l3outs(wanted)):
            found.update(claims.get(claim, ()))
        for setting, mine in _settings(intent, wanted):
            for value, hosts in settings.get(setting, {}).items():
                if value != mine:
                    found.update(hosts)
        for what, low, high in _ranges(intent):
            pool = what.startswith(POOL)
            for other_low, other_high, host in self._index["ranges"].get(what, ()):
                # Clusters may share a block of a pool, but no VLAN of a leaf.
                if low <= other_high and other_low <= high and not (pool and (low, high) == (other_low, other_high)):
                    found.add(host)
        return found | self._overlapping(intent, wanted)

    def _overlapping(self, intent: Intent, wanted: Connectivity) -> set[str]:
        """Return the hosts of clusters with a subnet that contains one of the cluster's or is within it."""
        prefixes = self._index["subnets"].get(_vrf(intent), {})
        ordered = list(prefixes)
        found: set[str] = set()
        for bits in map(_bits, _networks(wanted)):
            for length in range(1, len(bits)):
                found.update(prefixes.get(bits[:length], ()))
            for inner in ordered[bisect_left(ordered, bits) :]:
                if not inner.startswith(bits):
                    break
                found.update(prefixes[inner])
        return found
