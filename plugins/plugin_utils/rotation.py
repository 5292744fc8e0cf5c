# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that bring a new BGP password to both sides, so that a node keeps a session with its other leaf.

Pure functions of the plan and of what both sides hold. The Secret gets the new password under a second key. Then the peers move
to it, leaf by leaf: first the peers of the leaf on APIC, then its BGPPeers in Kubernetes. At the end the first key gets the new
password, the BGPPeers refer to it again, which changes nothing for BIRD, and the second key goes.

Everything that the next run must know is in Kubernetes, so that it can finish or undo what an interrupted run began: which keys
the Secret has, and to which of them each BGPPeer refers. A leaf whose BGPPeers refer to the second key has the new password on
APIC. One whose BGPPeers refer to the first key has either, so undoing a rotation sets the password of all leaves.

Sources: Calico's confd (``secret_watcher.go``) watches the Secret, renders the peers anew when it changes, and renders a peer
without a password if the key is missing; BIRD 1.6 restarts a session whose password changes, and only that one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..module_utils.apic.mo import parent_dn
from .apic.tree import apic_tree, flat, node_dn
from .calico.manifests import kubernetes_objects, next_key
from .calico.peers import KIND, names_as_found
from .calico.push import pending_nodes
from .schema.consent import SESSION_RESET, TRAFFIC_INTERRUPTION, Consents
from .schema.problems import Problem, some
from .schema.text import wrapped
from .verify.expectations import expectations
from .verify.sessions import ESTABLISHED, name_of, with_states

Plan = dict[str, Any]
# What a step does: write a key of the Secret, change a password, refer to another key with the same password, remove the second key.
STORE, MOVE, REFER, DROP = "store", "move", "refer", "drop"
# The seconds beyond the hold time after which a session that was not reset must have the new password on both ends.
GRACE = 3
LASTS = "some seconds for each step"


@dataclass(frozen=True)
class Unit:
    """What has to change together: a leaf with the nodes of its rack, or with standard SVI a node with all of its leaves.

    :param name: the unit in words.
    :param peers: the BGPPeers, as ``Kind/name``.
    :param dns: the DNs of the peers on APIC.
    :param sessions: the planned sessions (see ``verify.expectations``) that are up, or of nodes that are not said to be down.
    """

    name: str
    peers: tuple[str, ...]
    dns: tuple[str, ...]
    sessions: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Step:
    """One step; ``password`` is what the key holds after it, ``before`` what the unit's peers on APIC held."""

    what: str
    key: str
    password: str = field(default="", repr=False)
    unit: Unit | None = None
    former_key: str = ""
    before: str = field(default="", repr=False)

    def text(self) -> str:
        """Return the step in words."""
        where = self.unit.name if self.unit else ""
        return {
            STORE: f"key {self.key} of the Secret gets the new password",
            MOVE: f"{where}: both sides take the password of the key {self.key}",
            REFER: f"{where}: BGPPeers refer to the key {self.key}, with the same password",
            DROP: f"the key {self.key} leaves the Secret",
        }[self.what]


# --- what changes together -------------------------------------------------------------------------------------------


def units(plan: Plan, found: dict[str, Any], ready: Mapping[str, bool | None], up: Collection[str]) -> list[Unit]:
    """Return the units of a cluster in the order of racks and leaves.

    With standard SVI, one peer on APIC serves both leaves of a vPC pair, so the unit is a node.

    :param found: what ``calico_info`` returned as ``calico``.
    :param ready: whether each node is ready, None if Kubernetes does not report it.
    :param up: the names of the sessions that are established. Others of nodes that are not ready are not waited for.
    """
    floating = plan["svi"]["kind"] == "floating"
    sessions = [
        one
        for one in expectations(plan, pending_nodes(plan, found))["sessions"]
        if ready.get(one["node"]) is not False or name_of(one) in up
    ]
    names = _peer_names(plan, found)
    dns = _dns(plan)
    if floating:
        places = [(rack["id"], leaf) for rack in plan["racks"] for leaf in rack["leaves"]]
        return [
            Unit(
                f"rack {rack}, leaf {leaf}",
                tuple(names[peer["name"]] for peer in plan["peers"] if (peer["rack"], peer["leaf"]) == (rack, leaf)),
                tuple(dn for dn, at in dns.items() if at == leaf),
                tuple(one for one in sessions if (one["rack"], one["leaf"]) == (rack, leaf)),
            )
            for rack, leaf in places
        ]
    return [
        Unit(
            f"rack {node['rack']}, node {node['name']}",
            tuple(names[peer["name"]] for peer in plan["peers"] if peer["node"] == node["name"]),
            tuple(dn for dn, at in dns.items() if at == node["name"]),
            tuple(one for one in sessions if one["node"] == node["name"]),
        )
        for node in plan["nodes"]
    ]


def _peer_names(plan: Plan, found: dict[str, Any]) -> dict[str, str]:
    """Return the BGPPeers by their names in the plan; those that were taken over have others."""
    wanted = [one for one in kubernetes_objects(plan, found["api_group"], found["namespace"]) if one["kind"] == KIND]
    others = names_as_found(wanted, found["objects"], plan["cluster"], adopt=False)
    return {name: f"{KIND}/{others.get(name, name)}" for name in (one["metadata"]["name"] for one in wanted)}


def _dns(plan: Plan) -> dict[str, Any]:
    """Return the DNs of the peers on APIC, each with its leaf (floating SVI) or node."""
    tree = flat(apic_tree(plan))
    leaves = {node_dn(leaf): leaf["id"] for leaf in plan["leaves"]}
    nodes = {network["address"].split("/")[0]: node["name"] for node in plan["nodes"] for network in node["networks"].values()}
    return {
        dn: leaves.get(tree[parent_dn(dn)]["attributes"].get("nodeDn")) or nodes.get(one["attributes"]["addr"])
        for dn, one in tree.items()
        if one["class"] == "bgpPeerP"
    }


def references(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the key of the Secret to which each BGPPeer (``Kind/name``) refers."""
    peers = [one for one in found["objects"] if one["kind"] == KIND]
    return {
        f"{KIND}/{one['metadata']['name']}": (one["spec"].get("password") or {}).get("secretKeyRef", {}).get("key", "")
        for one in peers
    }


# --- the steps -------------------------------------------------------------------------------------------------------


@dataclass
class Rotation:
    """A rotation: what is there, and what is wanted.

    :ivar held: the passwords in the Secret by key.
    :ivar refers: the key to which each BGPPeer refers.
    :ivar down: the names of the planned sessions of ready nodes that are not established.
    """

    plan: Plan
    units: list[Unit]
    held: Mapping[str, str] = field(repr=False)
    refers: Mapping[str, str]
    down: Collection[str]
    wanted: str = field(repr=False)

    @property
    def main(self) -> str:
        """Return the key that the plan names."""
        return str(self.plan["calico"]["secret"]["key"])

    @property
    def second(self) -> str:
        """Return the key of the new password."""
        return next_key(self.plan)

    @property
    def begun(self) -> bool:
        """Return whether an earlier run did not finish its rotation."""
        return self.second in self.held

    def steps(self) -> list[Step]:
        """Return the steps that are left, those of sessions that are down first."""
        now, coming, refers = self.held.get(self.main, ""), self.held.get(self.second), dict(self.refers)
        steps: list[Step] = []
        if coming is not None and now == coming:
            steps += self._settled(refers, now)
        elif coming not in (None, self.wanted):
            steps += [Step(MOVE, self.main, now, unit, self.second, coming or "") for unit in self._down_first()]
            steps.append(Step(DROP, self.second))
        if steps:
            coming, refers = None, dict.fromkeys(refers, self.main)
        if now != self.wanted:
            steps += [] if coming else [Step(STORE, self.second, self.wanted)]
            left = self._unfinished(refers, self.second)
            steps += [Step(MOVE, self.second, self.wanted, unit, self.main, now) for unit in left]
            steps += [Step(STORE, self.main, self.wanted), *self._settled(dict.fromkeys(refers, self.second), self.wanted)]
        return steps

    def _unfinished(self, refers: Mapping[str, str], key: str) -> list[Unit]:
        """Return the units of which a BGPPeer does not refer to the key, or a session is down."""
        # A spare slot has no BGPPeers that would say which password it has.
        other = [unit for unit in self.units if not unit.peers or any(refers.get(peer) != key for peer in unit.peers)]
        return [unit for unit in self._down_first() if unit in other or self._is_down(unit)]

    def _down_first(self) -> list[Unit]:
        """Return the units, first those with sessions that are down, last spare slots, which prove nothing."""
        return sorted(self.units, key=lambda unit: (not unit.peers, not self._is_down(unit)))

    def _is_down(self, unit: Unit) -> bool:
        return any(name_of(one) in self.down for one in unit.sessions)

    def _settled(self, refers: Mapping[str, str], password: str) -> list[Step]:
        """Return the steps after which one key is left. Both have the same password, so no session ends."""
        left = [unit for unit in self.units if any(refers.get(peer) != self.main for peer in unit.peers)]
        return [*(Step(REFER, self.main, password, unit, self.second, password) for unit in left), Step(DROP, self.second)]

    def problems(self, consents: Consents) -> Iterator[Problem]:
        """Yield what prevents the rotation, and the consents that it needs."""
        path = f"Secret/{self.plan['calico']['secret']['name']}"
        if not self.wanted:
            yield Problem("password-missing", "aci_calico_bgp_password", "It is not set")
        if not self.held.get(self.main):
            yield Problem("rotation-secret", path, f"It has no key {self.main}")
            return
        moved = [step.unit for step in self.steps() if step.what == MOVE and step.unit]
        if not moved:
            return
        if self.down and not self.begun:
            yield Problem("rotation-session-down", "aci_calico_bgp_password", f"Not established: {some(sorted(self.down))}")
        text = f"Sessions end and come back with another password, one after the other: {some(unit.name for unit in moved)}"
        yield from consents.require(SESSION_RESET, "aci_calico_bgp_password", text, LASTS)
        lonely = sorted({one["node"] for unit in moved for one in unit.sessions if not self._others(unit, one)})
        if lonely:
            text = f"All sessions of a node end at the same time, because they have one peer on APIC or one leaf: {some(lonely)}"
            yield from consents.require(TRAFFIC_INTERRUPTION, "aci_calico_bgp_password", text, LASTS)

    def _others(self, unit: Unit, session: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the planned sessions of the same node and family in other units."""
        alike = (one for other in self.units if other is not unit for one in other.sessions)
        return [one for one in alike if (one["node"], one["family"]) == (session["node"], session["family"])]

    def alone(self, unit: Unit, states: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Return the nodes that would have no session while the unit's are reset, although the plan has another one.

        :param states: the established sessions, by name.
        """
        return sorted(
            {
                one["node"]
                for one in unit.sessions
                if name_of(one) in states
                and (others := self._others(unit, one))
                and not any(name_of(other) in states for other in others)
            }
        )

    def text(self) -> str:
        """Return what the run is about to do, for people."""
        steps, cluster = self.steps(), self.plan["cluster"]
        if not steps:
            return f"{cluster}: Both sides have the password of the inventory already"
        began = "An interrupted rotation goes on, or back" if self.begun else "Rotation of the BGP password"
        lines = wrapped(f"{cluster}: {began}: {len(steps)} steps", rest="  ")
        return "\n".join([*lines, *(line for n, one in enumerate(steps, 1) for line in wrapped(one.text(), f"  {n:2}. "))])


# --- the sessions ----------------------------------------------------------------------------------------------------


def established(plan: Plan, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the planned sessions that are established, by name, as ``aci_state`` returned them."""
    sessions = with_states(expectations(plan), state)
    return {name_of(session): seen for session, seen in sessions if seen is not None and seen["state"] == ESTABLISHED}


def missing(sessions: Iterable[dict[str, Any]], states: Mapping[str, Any]) -> list[str]:
    """Return the names of the sessions that are not established."""
    return [name for name in map(name_of, sessions) if name not in states]


def waiting(unit: Unit, now: Mapping[str, Mapping[str, Any]], ended: Collection[str], elapsed: float) -> list[str]:
    """Return the sessions of a unit that are not established with the new password yet.

    A leaf shows a session as established until its hold time is over, although the passwords differ. So a session must have
    been seen down since the change, or have outlived the hold time.

    :param ended: the sessions that were seen down.
    :param elapsed: the seconds since the change.
    """
    names = [name_of(one) for one in unit.sessions]
    return [name for name in names if name not in now or (name not in ended and elapsed < now[name]["hold"] + GRACE)]
