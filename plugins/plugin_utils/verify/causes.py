# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings of a verification, and the cause to which each symptom belongs.

A wrong rack label, for example, is reported with the sessions and routes that it affects as evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network

from ..schema.messages import ERROR
from ..schema.problems import printable
from .catalogue import EXPLAINS, RULES, Rule

# These faults repeat the session finding.
SESSION_FAULTS = frozenset({"F0299", "F1214"})


@dataclass
class Finding:
    """A difference from the expected state.

    :param id: the rule.
    :param what: the observation, with names and values, but never a secret.
    :param rack: rack, node, leaf, family, prefix: the place; None if the finding concerns all of them.
    :param nodes: other nodes that the finding concerns; ``leaves`` likewise.
    :param heals: overrides that of the rule.
    :param evidence: the symptoms that this finding explains.
    """

    id: str
    what: str
    rack: str | None = None
    node: str | None = None
    leaf: int | None = None
    family: str | None = None
    prefix: str | None = None
    nodes: frozenset = frozenset()
    leaves: frozenset = frozenset()
    severity: str = ""
    cause: str = ""
    remedy: str = ""
    heals: bool | None = None
    evidence: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        rule = RULES[self.id]
        self.severity = self.severity or rule.severity
        self.cause = self.cause or rule.cause
        self.remedy = self.remedy or rule.remedy
        self.what, self.cause, self.remedy = map(printable, (self.what, self.cause, self.remedy))
        self.heals = rule.heals if self.heals is None else self.heals
        self.nodes = frozenset(self.nodes) | ({self.node} if self.node else set())
        self.leaves = frozenset(self.leaves) | ({self.leaf} if self.leaf else set())

    @property
    def rule(self) -> Rule:
        """The rule of the finding."""
        return RULES[self.id]

    @property
    def shown_nodes(self) -> frozenset:
        """The nodes to show: its own node, or else all nodes that it concerns."""
        return frozenset({self.node}) if self.node else self.nodes

    @property
    def shown_leaves(self) -> frozenset:
        """The leaves to show: its own leaf, or else all leaves that it concerns."""
        return frozenset({self.leaf}) if self.leaf is not None else self.leaves

    def as_dict(self) -> dict:
        """Return the finding as plain values, for JSON."""
        return {
            "id": self.id,
            "suite": self.rule.suite,
            "severity": self.severity,
            "rack": self.rack,
            "nodes": sorted(self.shown_nodes),
            "leaves": sorted(self.shown_leaves),
            "family": self.family,
            "prefix": self.prefix,
            "what": self.what,
            "cause": self.cause,
            "remedy": self.remedy,
            "evidence": self.evidence,
        }


def root_causes(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that no other finding explains, errors first; findings of one rule and meaning are merged.

    Explained findings become evidence of the root of their chain of causes. A finding that explains an error is an error.
    """
    findings = list(findings)
    causes = explanations(findings)
    for finding in findings:
        root = finding
        while id(root) in causes:
            root = causes[id(root)]
        if root is not finding:
            root.evidence.append(finding.what)
            if finding.severity == ERROR:
                root.severity = ERROR
    roots = _merged(finding for finding in findings if id(finding) not in causes)
    return sorted(roots, key=lambda finding: finding.severity != ERROR)


def explanations(findings: list[Finding]) -> dict[int, Finding]:
    """Return ``{id(symptom): cause}`` for each finding that another one explains."""
    order = {rule: position for position, rule in enumerate(EXPLAINS)}
    causes = sorted((finding for finding in findings if finding.id in EXPLAINS), key=lambda finding: order[finding.id])
    candidates = {
        symptom: [cause for cause in causes if symptom in EXPLAINS[cause.id]] for symptom in {finding.id for finding in findings}
    }
    found = {
        id(finding): next((cause for cause in candidates[finding.id] if _covers(cause, finding)), None) for finding in findings
    }
    return {symptom: cause for symptom, cause in found.items() if cause is not None}


def _covers(cause: Finding, symptom: Finding) -> bool:
    """Return whether a symptom that the cause can explain is in the same place as the cause."""
    if (cause.nodes and not cause.nodes & symptom.nodes) or (cause.leaves and not cause.leaves & symptom.leaves):
        return False
    if cause.family and symptom.family and cause.family != symptom.family:
        return False
    return not (cause.prefix and symptom.prefix) or within(symptom.prefix, [cause.prefix])


def within(prefix: str, subnets: Iterable[str]) -> bool:
    """Return whether a prefix or an address lies in one of the subnets."""
    network = ip_network(prefix, strict=False)
    return any(
        outer.prefixlen <= network.prefixlen and network.network_address in outer
        for outer in (ip_network(subnet, strict=False) for subnet in subnets)
    )


def within_any(prefix: str, subnets: Mapping[str, Iterable[str]]) -> bool:
    """Return whether a prefix or an address lies in one of ``{family: [subnet]}``."""
    return any(within(prefix, prefixes) for prefixes in subnets.values())


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """Merge the findings of each rule, severity, cause and remedy."""
    groups: dict[tuple, list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.id, finding.severity, finding.cause, finding.remedy), []).append(finding)
    return [_merge(group) for group in groups.values()]


def _merge(group: list[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    first = group[0]
    return Finding(
        first.id,
        f"{first.what}, and {len(group) - 1} more",
        rack=_common(group, "rack"),
        family=_common(group, "family"),
        prefix=_common(group, "prefix"),
        nodes=frozenset().union(*(finding.shown_nodes for finding in group)),
        leaves=frozenset().union(*(finding.shown_leaves for finding in group)),
        severity=first.severity,
        cause=first.cause,
        remedy=first.remedy,
        heals=any(finding.heals for finding in group),
        evidence=[text for finding in group for text in (finding.what, *finding.evidence)][1:],
    )


def _common(group: list[Finding], name: str) -> str | None:
    """Return the value that all findings share, or None."""
    values = {getattr(finding, name) for finding in group}
    return values.pop() if len(values) == 1 else None
