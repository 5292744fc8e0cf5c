# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leaves that are about to go: which nodes and prefixes would lose their last one, and afterwards what has not come back.

A node needs one session in each address family with a leaf that stays, and each prefix of the cluster one leaf that has it from
a node. Cisco asks the same of the groups for an upgrade: one leaf of each vPC pair stays up (*Cisco APIC Installation and ACI
Upgrade and Downgrade Guide*, rules for groups of switches).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..schema.messages import WARNING
from ..schema.problems import Problem, some
from ..schema.text import table
from .causes import within_any
from .expectations import expectations
from .sessions import ESTABLISHED, name_of, node_addresses, with_states

# Where a session is: the node and the address family.
End = tuple[str, str]
# What was there: ``sessions`` and, by leaf, the next hops of each prefix (nodes, leaves or addresses).
Snapshot = dict[str, Any]


class Departure:
    """The live state, from which leaves may or may not go.

    :param aci: the ``state`` of the module ``aci_state``.
    :param away: leaves that are out for maintenance already, even if their sessions are still up.
    :param idle: nodes that are out of service: they may lose all their sessions.
    """

    def __init__(self, plan: dict, aci: dict, away: Collection[int] = (), idle: Collection[str] = ()) -> None:
        self._expected = expectations(plan)
        self._leaves = aci["leaves"]
        self._away = frozenset(away)
        self._idle = frozenset(idle)
        self._owners = node_addresses(self._expected)
        self._sessions: dict[End, dict[int, dict | None]] = {}
        for session, state in with_states(self._expected, aci):
            self._sessions.setdefault((session["node"], session["family"]), {})[session["leaf"]] = state
        self._prefixes = self._holders()

    def problems(self, going: Collection[int], accepted: bool = False) -> list[Problem]:
        """Return a problem for each reason against the departure of these leaves at the same time.

        :param accepted: whether the interruption is accepted: then all problems are warnings.
        """
        found: dict[tuple, list[End]] = {}
        for end in self.alone(going):
            lost = tuple(leaf for leaf in self._sessions[end] if leaf in going)
            found.setdefault((lost, self._reason(end, going), end[0] in self._idle), []).append(end)
        problems = []
        for (lost, reason, idle), ends in found.items():
            what = f"{_named(ends)} would have no session left: {reason}"
            severity = WARNING if idle or accepted else ""
            problems.append(Problem("maintenance-node-alone", leaf_names(lost), what, severity=severity))
        for (lost, nodes), prefixes in self._lonely(going).items():
            idle = self._idle.issuperset(nodes)
            what = f"{some(prefixes, 4)} of {some(nodes)} would be on no leaf: no other leaf has it from a node"
            severity = WARNING if idle or accepted else ""
            problems.append(Problem("maintenance-prefix-alone", leaf_names(lost), what, severity=severity))
        return problems

    def alone(self, going: Collection[int]) -> list[End]:
        """Return the nodes with their families that have a session now, and none without these leaves."""
        return [
            end
            for end in self._sessions
            if any(self._works(end, leaf) for leaf in going)
            and not any(self._stays(end, leaf, going) for leaf in self._sessions[end])
        ]

    def row(self, leaf: int) -> dict[str, Any]:
        """Return what is known of a leaf that would go alone."""
        states = [states[leaf] for states in self._sessions.values() if leaf in states]
        nodes = dict.fromkeys(node for node, __ in self.alone([leaf]))
        prefixes = [prefix for found in self._lonely([leaf]).values() for prefix in found]
        return {
            "leaf": leaf,
            "rack": self._expected["leaves"][leaf]["rack"],
            "sessions": [sum(_up(state) for state in states), len(states)],
            "away": leaf in self._away,
            "may_go": not any(problem.severity != WARNING for problem in self.problems([leaf])),
            "alone": [*nodes, *prefixes],
        }

    # --- sessions ----------------------------------------------------------------------------------------------------

    def _works(self, end: End, leaf: int) -> bool:
        return _up(self._sessions[end].get(leaf))

    def _stays(self, end: End, leaf: int, going: Collection[int]) -> bool:
        """Return whether a session remains and brings the node routes, if those that go do."""
        if leaf in going or leaf in self._away or not self._works(end, leaf):
            return False
        return bool(self._sent(end, leaf)) or not any(self._sent(end, other) for other in going if self._works(end, other))

    def _sent(self, end: End, leaf: int) -> int:
        """Return how many prefixes a leaf sends to a node; 0 if it does not say so."""
        state = self._sessions[end].get(leaf) or {"families": {}}
        return int(state["families"].get(end[1], {"sent": 0})["sent"])

    def _reason(self, end: End, going: Collection[int]) -> str:
        """Return why none of a node's other leaves can stand in."""
        reasons = []
        for leaf, state in self._sessions[end].items():
            if leaf in going:
                continue
            if leaf in self._away:
                reasons.append(f"leaf {leaf} is out for maintenance")
            elif _up(state):
                reasons.append(f"leaf {leaf} sends it no route")
            else:
                reasons.append(f"its session with leaf {leaf} is {state['state'] if state else 'missing'}")
        return ", ".join(reasons) or "it peers with no other leaf"

    # --- prefixes ----------------------------------------------------------------------------------------------------

    def _holders(self) -> dict[tuple[str, str], dict[int, set[str]]]:
        """Return the leaves that have each prefix from nodes, with these nodes."""
        found: dict[tuple[str, str], dict[int, set[str]]] = {}
        for leaf in self._expected["leaves"]:
            for family, prefix, hops in _routes(self._leaves, leaf):
                nodes = {self._owners[hop["address"]] for hop in hops if hop["type"] == "ebgp" and hop["address"] in self._owners}
                if nodes:
                    found.setdefault((family, prefix), {})[leaf] = nodes
        return found

    def _lonely(self, going: Collection[int]) -> dict[tuple, list[str]]:
        """Return prefixes of the cluster that would be on no leaf, by leaves and nodes, unless a node that is alone explains them."""
        alone = set(self.alone(going))
        found: dict[tuple, list[str]] = {}
        for (family, prefix), holders in self._prefixes.items():
            lost = tuple(leaf for leaf in holders if leaf in going)
            nodes = set().union(*(holders[leaf] for leaf in lost))
            explained = any((node, family) in alone for node in nodes)
            unheld = lost and not explained and not set(holders) - set(going) - self._away
            if unheld and within_any(prefix, self._expected["allowed"]):
                found.setdefault((lost, tuple(sorted(nodes))), []).append(prefix)
        return found


def _up(state: dict | None) -> bool:
    return state is not None and state["state"] == ESTABLISHED


def _routes(leaves: Mapping[str, Any], leaf: int) -> list[tuple[str, str, list[dict]]]:
    routes = leaves.get(str(leaf), {}).get("routes", {})
    return [(family, prefix, hops) for family, held in routes.items() for prefix, hops in held.items()]


def _named(ends: Collection[End]) -> str:
    """Return the nodes of sessions, with the family of those that lose only their IPv6 session."""
    families: dict[str, list[str]] = {}
    for node, family in ends:
        families.setdefault(node, []).append(family)
    return some(f"{node} (IPv6)" if found == ["ipv6"] else node for node, found in families.items())


def leaf_names(leaves: Iterable[int]) -> str:
    """Return leaves as text: ``leaf 201``, ``leaves 201, 203``."""
    names = [str(leaf) for leaf in leaves]
    return f"{'leaf' if len(names) == 1 else 'leaves'} {', '.join(names)}"


def as_table(rows: Collection[Mapping[str, Any]]) -> list[str]:
    """Return the answers for leaves as the lines of a table."""
    cells = [
        (
            row["leaf"],
            row["rack"],
            "{}/{}".format(*row["sessions"]),
            "is out" if row["away"] else "yes" if row["may_go"] else "no",
            some(row["alone"], 3) or "nobody",
        )
        for row in rows
    ]
    return table(("Leaf", "Rack", "Sessions", "May go", "Would be alone"), cells, width=80)


# --- before and afterwards -------------------------------------------------------------------------------------------


def snapshot(plan: dict, aci: dict) -> Snapshot:
    """Return the established sessions, and the prefixes of the cluster on each leaf with their next hops."""
    expected = expectations(plan)
    names = node_addresses(expected)
    names |= {state["tep"]: f"leaf {leaf}" for leaf, state in aci["leaves"].items() if state["tep"]}
    prefixes: dict[str, dict[str, list[str]]] = {}
    for leaf in expected["leaves"]:
        for __, prefix, hops in _routes(aci["leaves"], leaf):
            if within_any(prefix, expected["allowed"]):
                prefixes.setdefault(str(leaf), {})[prefix] = sorted(names.get(hop["address"], hop["address"]) for hop in hops)
    sessions = [name_of(session) for session, state in with_states(expected, aci) if _up(state)]
    return {"sessions": sessions, "prefixes": prefixes}


def missing(
    before: Snapshot,
    plan: dict,
    aci: dict,
    blocks: Collection[str] | None,
    absent: Collection[str] = (),
    only: Collection[str] | None = None,
) -> list[Problem]:
    """Return what a snapshot has, and the fabric has not now: a problem for each leaf.

    :param blocks: the pod prefixes that nodes have now, None if that is not known. Others may go with the pods, and the
        routes of single services with their endpoints.
    :param absent: nodes and leaves (``leaf 201``) that are still out for maintenance.
    :param only: look only at the sessions of these nodes.
    """
    after = snapshot(plan, aci)
    expected = expectations(plan)
    found: dict[int, list[tuple[str, str]]] = {}
    for session, state in with_states(expected, aci):
        name, leaf = name_of(session), session["leaf"]
        gone = session["node"] in absent or f"leaf {leaf}" in absent or (only is not None and session["node"] not in only)
        if name in before["sessions"] and not _up(state) and not gone:
            now = state["state"] if state else "missing"
            found.setdefault(leaf, []).append(("session", f"{name} ({now})"))
    kept = {*(blocks or ()), *(one for held in expected["prefixes"].values() for prefixes in held.values() for one in prefixes)}
    kept -= _of_absent(before, absent)
    for leaf, held in before["prefixes"].items() if only is None else ():
        if int(leaf) in expected["leaves"] and f"leaf {leaf}" not in absent:
            lost = _lost(held, after["prefixes"].get(leaf, {}), kept, absent)
            found.setdefault(int(leaf), []).extend(("route", text) for text in lost)
    return [problem for leaf, losses in found.items() for problem in _losses(leaf, losses)]


def _of_absent(before: Snapshot, absent: Collection[str]) -> set[str]:
    """Return the prefixes that came from absent nodes only."""
    owners: dict[str, set[str]] = {}
    for held in before["prefixes"].values():
        for prefix, hops in held.items():
            owners.setdefault(prefix, set()).update(hop for hop in hops if not hop.startswith("leaf "))
    return {prefix for prefix, nodes in owners.items() if nodes and nodes <= set(absent)}


def _lost(before: Mapping[str, list], after: Mapping[str, list], kept: Collection[str], absent: Collection[str]) -> Iterator[str]:
    for prefix, hops in before.items():
        wanted = len([hop for hop in hops if hop not in absent])
        there = len(after.get(prefix, ()))
        if prefix in kept and there < wanted:
            yield f"{prefix} ({there} of {wanted} next hops)" if there else prefix


def _losses(leaf: int, losses: Collection[tuple[str, str]]) -> Iterator[Problem]:
    for kind in ("session", "route"):
        texts = [text for what, text in losses if what == kind]
        if texts:
            yield Problem(f"maintenance-{kind}-missing", f"leaf {leaf}", f"Missing since the maintenance began: {some(texts)}")


def planned(plan: dict, nodes: Collection[str], leaves: Collection[int], absent: Collection[str] = ()) -> Snapshot:
    """Return the planned sessions of nodes and leaves, in place of a snapshot that is lost.

    :param absent: nodes that may have had no session before.
    """
    sessions = expectations(plan, absent)["sessions"]
    return {"sessions": [name_of(one) for one in sessions if one["node"] in nodes or one["leaf"] in leaves], "prefixes": {}}
