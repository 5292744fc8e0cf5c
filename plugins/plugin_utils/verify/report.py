# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a verification: findings by root cause, sessions, and a table by rack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from ..calico.joined import with_joined
from ..schema.messages import ERROR
from ..schema.text import table as text_table
from ..schema.text import wrapped
from .calico import verify_calico
from .catalogue import RULES
from .causes import Finding, explanations, root_causes
from .expectations import expectations
from .fabric import verify_aci
from .observed import Kubernetes
from .routes import advertised, offered, verify_drained, verify_exchanged, verify_routes
from .sessions import ESTABLISHED, diagnose, name_of, place_of, verify_established, verify_sessions, with_states

# The restrictions of a verification.
SESSIONS = "sessions"
DRAINED = "drained"
ROUTES = "routes"

# The number of names in a progress line, and of lines of evidence of a finding.
_NAMES = 3
_EVIDENCE = 4
_DRAINED = "no leaf sends services' traffic to the drained nodes"


def verify(
    plan: dict,
    aci: dict,
    kubernetes: Kubernetes | None,
    only: str = "",
    nodes: list[str] | None = None,
    pending: Collection[str] = (),
) -> dict:
    """Compare the live state with the plan.

    :param plan: a cluster's plan (see docs/development/plan.md).
    :param aci: the ``state`` of the module ``aci_state``.
    :param kubernetes: the state of Kubernetes, None if it is not verified.
    :param only: ``sessions`` checks only whether APIC sees each planned session up, ``drained`` only whether leaves still
        send services' traffic to the ``nodes``, ``routes`` whether sessions are up and each node has the others' pod routes
        from a leaf.
    :param pending: planned nodes that are not in Kubernetes yet; if Kubernetes is verified, it tells.
    :returns: ``{"cluster", "only", "ok", "waiting", "findings", "rules", "sessions", "racks"}``: ``findings`` are the root
        causes, errors first; ``rules`` lists the findings of each rule, explained or not; ``waiting`` is true if a finding
        may disappear without a change; ``ok`` is true if no finding is an error. ``racks`` is empty with ``only``.
    """
    expected = expectations(
        with_joined(plan, kubernetes.joined(plan) if kubernetes else []),
        _silent(plan, aci, {*pending, *_spares(plan), *(kubernetes.pending(plan) if kubernetes else ())}),
    )
    found = _findings(plan, expected, aci, kubernetes, only, nodes or [])
    explained = explanations(found)
    unexplained = [finding for finding in found if id(finding) not in explained]
    found += diagnose(expected, aci, kubernetes, unexplained)
    symptoms: dict[str, list[str]] = {}
    for finding in found:
        symptoms.setdefault(finding.id, []).append(finding.what)
    roots = root_causes(found)
    sessions = _sessions(expected, aci, kubernetes, found)
    return {
        "cluster": plan["cluster"],
        "only": only,
        # A node that does not report proves nothing, so with ``routes`` a warning counts as well.
        "ok": not any(finding.severity == ERROR or only == ROUTES for finding in roots),
        "waiting": any(finding.heals for finding in roots),
        "findings": [finding.as_dict() for finding in roots],
        "rules": symptoms,
        "sessions": sessions,
        "racks": [] if only else _racks(expected, aci, kubernetes, sessions, found),
    }


def _spares(plan: dict) -> list[str]:
    return [node["name"] for node in plan["nodes"] if node.get("spare")]


def _silent(plan: dict, aci: dict, pending: Collection[str]) -> set[str]:
    """Return the pending nodes without a session: a node that left Kubernetes may still run BGP."""
    live = {
        session["address"] for leaf in aci["leaves"].values() for session in leaf["sessions"] if session["state"] == ESTABLISHED
    }
    addresses = {
        node["name"]: {network["address"].split("/")[0] for network in node["networks"].values()} for node in plan["nodes"]
    }
    return {name for name in pending if not addresses.get(name, set()) & live}


def _findings(plan: dict, expected: dict, aci: dict, kubernetes: Kubernetes | None, only: str, nodes: list[str]) -> list[Finding]:
    if only == SESSIONS:
        return verify_established(expected, aci)
    if only == DRAINED:
        return verify_drained(expected, aci, nodes)
    if only == ROUTES:
        return _exchanged(plan, expected, aci, kubernetes)
    return [
        *verify_aci(plan, aci),
        *(verify_calico(plan, kubernetes) if kubernetes else ()),
        *(_unread(expected, kubernetes) if kubernetes else ()),
        *verify_sessions(expected, aci, kubernetes),
        *verify_routes(expected, aci, kubernetes),
    ]


def _exchanged(plan: dict, expected: dict, aci: dict, kubernetes: Kubernetes | None) -> list[Finding]:
    """Return the findings about sessions and pod routes; settings of APIC only as causes of missing routes."""
    silent = [one for one in _unread(expected, kubernetes) if one.id == "node-status-missing"] if kubernetes else []
    absent = verify_exchanged(expected, aci, kubernetes)
    causes = verify_aci(plan, aci) if absent else []
    return [*causes, *verify_established(expected, aci), *silent, *absent]


def _unread(expected: dict, kubernetes: Kubernetes) -> list[Finding]:
    findings = [Finding("unreadable", f"{failure['path']}: {failure['message']}") for failure in kubernetes.failures]
    silent = [node for node in expected["nodes"] if kubernetes.requested and not kubernetes.reports(node)]
    if silent:
        may_come = not any("caliconodestatuses" in failure["path"] for failure in kubernetes.failures)
        what = f"no report from {_some(silent)}"
        findings.append(Finding("node-status-missing", what, nodes=frozenset(silent), heals=may_come))
    return findings


# --- sessions and racks ----------------------------------------------------------------------------------------------


def _sessions(expected: dict, aci: dict, kubernetes: Kubernetes | None, found: list[Finding]) -> list[dict]:
    """Return each planned session with its state, prefix counts and findings."""
    offers = offered(expected, advertised(expected, aci, kubernetes), kubernetes)
    problems: dict[tuple, list] = {}
    for finding in found:
        if finding.rule.suite == "sessions" and finding.node:
            problems.setdefault((finding.node, finding.leaf, finding.family), []).append(finding.what)
    sessions = []
    for session, state in with_states(expected, aci):
        counts = state["families"].get(session["family"]) if state else None
        sent = sum(offers[session["node"], session["family"]])
        sessions.append(
            {
                "name": name_of(session),
                **place_of(session),
                "state": state["state"] if state else "missing",
                "accepted": counts["accepted"] if counts else 0,
                "rejected_at_most": max(0, sent - counts["accepted"]) if counts else 0,
                "advertised": counts["sent"] if counts else 0,
                "problems": problems.get((session["node"], session["leaf"], session["family"]), []),
            }
        )
    return sessions


def _racks(expected: dict, aci: dict, kubernetes: Kubernetes | None, sessions: list[dict], found: list[Finding]) -> list[dict]:
    """Return a row for each leaf, by rack: established and planned sessions, present and expected routes."""
    wanted = Counter(route.kind for route in advertised(expected, aci, kubernetes))
    rows = []
    for rack, facts in expected["racks"].items():
        for leaf in facts["leaves"]:
            own = [session for session in sessions if session["leaf"] == leaf]
            reports = str(leaf) in aci["leaves"]
            absent = Counter(finding.id for finding in found if finding.prefix and finding.leaf == leaf)
            rows.append(
                {
                    "rack": rack,
                    "leaf": leaf,
                    "nodes": len(facts["nodes"]),
                    "sessions": [sum(session["state"] == ESTABLISHED for session in own), len(own)],
                    "pod_blocks": _present(reports, wanted["block"], absent["pod-block-missing"]),
                    "services": _present(reports, wanted["service"] + wanted["local"], absent["service-route-missing"]),
                    "accepted": sum(session["accepted"] for session in own),
                }
            )
    return rows


def _present(reports: bool, wanted: int, absent: int) -> list[int]:
    return [wanted - absent if reports else 0, wanted]


# --- texts -----------------------------------------------------------------------------------------------------------


def progress(report: dict) -> str:
    """Return the progress in one line: ``5/12 sessions established (waiting for node-3/203, …)``."""
    if report["only"] == DRAINED:
        return "; ".join(finding["what"] for finding in report["findings"]) or _DRAINED
    down = [session["name"] for session in report["sessions"] if session["state"] != ESTABLISHED]
    total = len(report["sessions"])
    line = f"{total - len(down)}/{total} sessions established"
    if down:
        return f"{line} (waiting for {_some(down)})"
    late = [RULES[finding["id"]].title for finding in report["findings"]]
    if late or report["only"] != SESSIONS:
        return f"{line}; {_some(late) or ('all pod routes in place' if report['only'] else 'all routes in place')}"
    return line


def _some(names: list[str]) -> str:
    rest = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def table(report: dict) -> list[str]:
    """Return the racks as lines of text, one for each leaf; none if the verification was restricted."""
    head = ("rack", "leaf", "nodes", "sessions", "pod blocks", "services", "accepted")
    rows = [
        ["/".join(map(str, value)) if isinstance(value, list) else value for value in row.values()] for row in report["racks"]
    ]
    header, _dashes, *lines = text_table(head, rows)
    return [header, *lines] if rows else []


def explain(report: dict) -> list[str]:
    """Return all findings as lines of text: what, where, the likely cause, the remedy, and the evidence."""
    lines = []
    for number, finding in enumerate(report["findings"], 1):
        lines += ["", *wrapped(f"{finding['severity']}: {finding['what']} [{finding['id']}]", f"{number}. ", "   ")]
        evidence = finding["evidence"]
        rest = [f"and {len(evidence) - _EVIDENCE} more"] if len(evidence) > _EVIDENCE else []
        texts = [("where", _place(finding)), ("cause", finding["cause"]), ("remedy", finding["remedy"])]
        texts += [("seen", text) for text in evidence[:_EVIDENCE] + rest]
        lines += [line for title, text in texts if text for line in wrapped(text, f"   {title + ':':8}")]
    return lines


def in_short(report: dict) -> list[str]:
    """Return a short text for each finding."""
    return [f"{finding['what']} [{finding['id']}]" for finding in report["findings"]]


def _place(finding: dict) -> str:
    parts = [f"rack {finding['rack']}"] if finding["rack"] else []
    if finding["leaves"]:
        parts.append(("leaf " if len(finding["leaves"]) == 1 else "leaves ") + _some([str(leaf) for leaf in finding["leaves"]]))
    if finding["nodes"]:
        parts.append(_some(finding["nodes"]))
    return ", ".join(parts)


def verdict(report: dict) -> str:
    """Return the result in one sentence."""
    if report["only"] == DRAINED:
        return f"cluster {report['cluster']}: {progress(report)}"
    counts = Counter(finding["severity"] for finding in report["findings"])
    up = sum(session["state"] == ESTABLISHED for session in report["sessions"])
    line = f"cluster {report['cluster']}: {up} of {len(report['sessions'])} sessions established"
    if report["ok"] and report["only"]:
        return line
    if report["ok"]:
        extra = f", {counts['warning']} warning{'s' if counts['warning'] > 1 else ''}" if counts["warning"] else ""
        return f"{line}, everything as planned{extra}"
    return f"{line}, {counts[ERROR]} error{'s' if counts[ERROR] > 1 else ''}, {counts['warning']} warning{'s' if counts['warning'] != 1 else ''}"
