# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verify the BGP sessions: each planned session is up and as planned, and there are no others."""

from __future__ import annotations

from .causes import Finding, within_any
from .observed import Kubernetes

ESTABLISHED = "established"
# States in which both ends have exchanged messages.
_TALKING = frozenset({"open-sent", "open-confirm"})
# States in which an unplanned session is reported.
_PRESENT = _TALKING | {ESTABLISHED}
# Planned sessions, each with its state on the leaf.
Sessions = list[tuple[dict, dict | None]]


def verify_sessions(expected: dict, aci: dict, kubernetes: Kubernetes | None) -> list[Finding]:
    """Compare the sessions that the leaves and the nodes report with the planned ones.

    :param expected: see ``expectations``.
    :param aci: the ``state`` of the module ``aci_state``.
    :param kubernetes: the state of Kubernetes, None if it is not verified.
    """
    sessions = with_states(expected, aci)
    findings = [*_cut_off_leaves(expected, aci), *verify_established(expected, aci)]
    for session, state in sessions:
        findings += _unlike_planned(session, state)
    findings += _unplanned(expected, aci)
    findings += _node_router_ids(sessions)
    if kubernetes:
        findings += _node_side(expected, sessions, kubernetes)
    return findings


def verify_established(expected: dict, aci: dict) -> list[Finding]:
    """Report leaves without BGP and planned sessions that are not established, without a look at routes or settings."""
    findings = _silent_leaves(expected, aci)
    for session, state in with_states(expected, aci):
        findings += _not_established(session, state)
    return findings


def with_states(expected: dict, aci: dict) -> Sessions:
    """Return each planned session with its state on the leaf, None if the leaf does not know it."""
    seen = _by_address(aci)
    return [(session, seen.get((session["leaf"], session["node_address"]))) for session in expected["sessions"]]


def _by_address(aci: dict) -> dict:
    """Return the sessions that the leaves report, by leaf and peer address."""
    return {(int(leaf), session["address"]): session for leaf, state in aci["leaves"].items() for session in state["sessions"]}


def name_of(session: dict) -> str:
    """Return the name of a session: ``node-3/203``, with the family if it is IPv6."""
    return f"{session['node']}/{session['leaf']}" + (" IPv6" if session["family"] == "ipv6" else "")


def _silent_leaves(expected: dict, aci: dict) -> list[Finding]:
    findings = []
    for leaf, facts in expected["leaves"].items():
        state = aci["leaves"].get(str(leaf))
        if state is None:
            what = f"leaf {leaf} reports no BGP for VRF {expected['vrf']}"
        elif not state["up"]:
            what = f"BGP of leaf {leaf} is down"
        else:
            continue
        findings.append(Finding("leaf-silent", what, rack=facts["rack"], leaf=leaf))
    return findings


def _cut_off_leaves(expected: dict, aci: dict) -> list[Finding]:
    """Report leaves whose BGP is up but which have neither sessions nor routes, if other leaves have some."""
    if not any(map(_lives, aci["leaves"].values())):
        return []
    return [
        Finding("leaf-silent", f"leaf {leaf} has neither a session nor a route of another leaf", rack=facts["rack"], leaf=leaf)
        for leaf, facts in expected["leaves"].items()
        if (state := aci["leaves"].get(str(leaf))) and state["up"] and not _lives(state)
    ]


def _lives(state: dict) -> bool:
    """Return whether a leaf has an established session or a BGP route."""
    routes = (hop["type"] for table in state["routes"].values() for hops in table.values() for hop in hops)
    established = any(session["state"] == ESTABLISHED for session in state["sessions"])
    return established or any(kind in ("ebgp", "ibgp") for kind in routes)


def place_of(session: dict) -> dict:
    """Return the place of a session, for its findings."""
    return {name: session[name] for name in ("rack", "node", "leaf", "family")}


def _not_established(session: dict, seen: dict | None) -> list[Finding]:
    name, at = name_of(session), place_of(session)
    if seen is None:
        what = f"{name}: leaf {session['leaf']} knows no session with {session['node_address']}"
        return [Finding("session-missing", what, **at)]
    if seen["state"] == ESTABLISHED:
        return []
    if seen["shut_reason"] == "exceeded-pfxlimit":
        return [Finding("prefix-limit-exceeded", f"{name}: shut, because the prefix limit was exceeded", **at)]
    rule = "session-refused" if seen["state"] in _TALKING else "session-down"
    return [Finding(rule, f"{name}: {seen['state']}", **at)]


def _unlike_planned(session: dict, seen: dict | None) -> list[Finding]:
    """Report the settings of an established session that differ from the plan."""
    if seen is None or seen["state"] != ESTABLISHED:
        return []
    name, at = name_of(session), place_of(session)
    findings = []
    for what, wanted, number in (
        ("local", session["local_asn"], seen["local_asn"]),
        ("remote", session["remote_asn"], seen["remote_asn"]),
    ):
        if number and number != wanted:
            findings.append(Finding("session-asn", f"{name}: {what} AS number is {number}, not {wanted}", **at))
    timers = f"{seen['keepalive']} s/{seen['hold']} s"
    if (seen["keepalive"], seen["hold"]) != (session["keepalive"], session["hold"]):
        wanted = f"{session['keepalive']} s/{session['hold']} s"
        findings.append(Finding("session-timers", f"{name}: timers are {timers}, not {wanted}", **at))
    if session["graceful_restart"] and not seen["graceful_restart"]:
        findings.append(Finding("session-graceful-restart", f"{name}: graceful restart was not negotiated", **at))
    if not seen["password"]:
        findings.append(Finding("session-password", f"{name}: no password is set", **at))
    return findings


def _unplanned(expected: dict, aci: dict) -> list[Finding]:
    """Report sessions that are not in the plan, of the node subnets or with the cluster's AS number."""
    planned = {(session["leaf"], session["node_address"]) for session in expected["sessions"]}
    owners = node_addresses(expected)
    findings = []
    for (leaf, address), session in _by_address(aci).items():
        ours = within_any(address, expected["prefixes"]["node"]) or session["remote_asn"] == expected["cluster_asn"]
        if (leaf, address) in planned or not ours or session["state"] not in _PRESENT or session["type"] == "ibgp":
            continue
        node = owners.get(address)
        rack = expected["leaves"].get(leaf, {}).get("rack")
        if node:
            home = expected["nodes"][node]["rack"]
            what = f"{node} of rack {home} has a session with leaf {leaf}" + (f" of rack {rack}" if rack else "")
            findings.append(Finding("session-cross-rack", what, rack=rack, node=node, leaf=leaf))
        else:
            what = f"leaf {leaf} has a session with {address}, AS {session['remote_asn']}"
            findings.append(Finding("session-stranger", what, rack=rack, leaf=leaf))
    return findings


def node_addresses(expected: dict) -> dict[str, str]:
    """Return ``{address: node}`` of all families."""
    return {address: name for name, node in expected["nodes"].items() for address in node["addresses"].values()}


def _node_router_ids(sessions: Sessions) -> list[Finding]:
    holders: dict[str, set] = {}
    for session, state in sessions:
        if state and state["state"] == ESTABLISHED and state["router_id"] not in ("", "0.0.0.0"):
            holders.setdefault(state["router_id"], set()).add(session["node"])
    return [
        Finding(
            "duplicate-router-id",
            f"router ID {router_id} is used by {' '.join(sorted(nodes))}",
            nodes=frozenset(nodes),
            remedy="Give each node its own router ID: CALICO_ROUTER_ID, by default its IPv4 address.",
        )
        for router_id, nodes in holders.items()
        if len(nodes) > 1
    ]


# --- the nodes' side -------------------------------------------------------------------------------------------------


def _node_side(expected: dict, sessions: Sessions, kubernetes: Kubernetes) -> list[Finding]:
    leaves = {session["leaf_address"]: session["leaf"] for session in expected["sessions"]}
    findings = []
    for session, fabric in sessions:
        peers = kubernetes.peers_of(session["node"])
        if peers is None or fabric is None or fabric["state"] != ESTABLISHED:
            continue
        peer = peers.get(session["leaf_address"])
        if peer is None or peer["state"] != "Established":
            state = peer["state"] if peer else "unknown to the node"
            what = f"{name_of(session)}: {state} on the node, established on the leaf"
            findings.append(Finding("calico-session-down", what, **place_of(session)))
    for node in expected["nodes"]:
        findings += _unplanned_peers(expected, node, kubernetes.peers_of(node) or {}, leaves)
    return findings


def _unplanned_peers(expected: dict, node: str, peers: dict, leaves: dict) -> list[Finding]:
    planned = {session["leaf_address"] for session in expected["sessions"] if session["node"] == node}
    rack = expected["nodes"][node]["rack"]
    findings = []
    for address, peer in peers.items():
        if address in planned:
            continue
        if peer["type"] == "NodeMesh":
            rule, what, leaf = "session-mesh", f"{node} meshes with {address}", None
        elif address in leaves:
            rule, leaf = "session-cross-rack", leaves[address]
            what = f"{node} of rack {rack} peers with leaf {leaf} of rack {expected['leaves'][leaf]['rack']} ({peer['state']})"
        else:
            rule, what, leaf = "session-stranger", f"{node} peers with {address} ({peer['state']})", None
        findings.append(Finding(rule, what, rack=rack, node=node, leaf=leaf))
    return findings


# --- unexplained sessions --------------------------------------------------------------------------------------------


def diagnose(expected: dict, aci: dict, kubernetes: Kubernetes | None, unexplained: list[Finding]) -> list[Finding]:
    """Report a different password as the likely cause of sessions that stay down although both sides are as planned.

    TCP silently drops segments with another MD5 key: both ends keep trying to connect, and a leaf with dynamic neighbours
    does not show the session (RFC 2385). Nodes that are down are left out. If one peer of the leaf covers all nodes, an
    established session with one of them shows that the leaf's password is right.
    """
    sessions = with_states(expected, aci)
    down = [finding for finding in unexplained if finding.id in ("session-missing", "session-down")]
    silent = {(finding.node, finding.leaf, finding.family) for finding in down}
    groups: dict[tuple, set] = {}
    cleared = set()
    for session, _state in sessions:
        peer = (session["leaf"], session["family"])
        if (session["node"], *peer) not in silent:
            cleared.add(peer)
        elif _node_lives(session, sessions, kubernetes):
            groups.setdefault(peer, set()).add(session["node"])
    if expected["shared_peers"]:
        groups = {peer: nodes for peer, nodes in groups.items() if peer not in cleared}
    return [_password(expected, leaf, family, nodes) for (leaf, family), nodes in groups.items()]


def _password(expected: dict, leaf: int, family: str, nodes: set) -> Finding:
    return Finding(
        "password-differs",
        f"leaf {leaf} and {', '.join(sorted(nodes))} try to connect without success, although both are configured as planned"
        " and the nodes are up",
        rack=expected["leaves"][leaf]["rack"],
        leaf=leaf,
        family=family,
        nodes=frozenset(nodes),
        remedy="Ping the leaf's address from a node. If there is no answer, check the node's cable and VLAN. If there is, set"
        " the password on both sides: run netops.aci_calico.site with -e aci_calico_update_password=always -e aci_calico_consent=session-reset.",
    )


def _node_lives(session: dict, sessions: Sessions, kubernetes: Kubernetes | None) -> bool:
    """Return whether anything other than this session shows that the node is up and tries to connect."""
    if kubernetes:
        peer = (kubernetes.peers_of(session["node"]) or {}).get(session["leaf_address"])
        if peer:
            return peer["state"] in ("Connect", "Active", "Idle", "OpenSent")
        if kubernetes.ready(session["node"]):
            return True
    others = (state for other, state in sessions if other["node"] == session["node"] and other is not session)
    return any(state is not None and state["state"] == ESTABLISHED for state in others)
