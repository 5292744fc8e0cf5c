# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a verification as JUnit XML, for CI systems."""

from __future__ import annotations

from xml.etree import ElementTree

from ..documents.junit import document, failure
from ..schema.messages import ERROR
from .catalogue import RULES


def junit(report: dict) -> str:
    """Return the report as a ``testsuites`` document: a test for each session, and one for each rule.

    A rule with findings fails, whether or not another finding explains them. A rule whose findings are warnings passes, with
    their texts as output.
    """
    suites: dict[str, list[ElementTree.Element]] = {"sessions": [_session(session) for session in report["sessions"]]}
    for rule_id, rule in RULES.items():
        suites.setdefault(rule.suite, []).append(_rule(rule_id, report))
    return document(report["cluster"], suites)


def _session(session: dict) -> ElementTree.Element:
    case = ElementTree.Element("testcase", name=f"session {session['name']}")
    problems = session["problems"] or ([] if session["state"] == "established" else [session["state"]])
    if problems:
        failure(case, problems[0], problems)
    return case


def _rule(rule_id: str, report: dict) -> ElementTree.Element:
    rule = RULES[rule_id]
    case = ElementTree.Element("testcase", name=f"not: {rule.title} [{rule_id}]")
    found = report["rules"].get(rule_id, [])
    if found and _is_error(rule_id, report):
        failure(case, rule.title, [*found, f"cause: {rule.cause}", f"remedy: {rule.remedy}"])
    elif found:
        ElementTree.SubElement(case, "system-out").text = "\n".join(found)
    return case


def _is_error(rule_id: str, report: dict) -> bool:
    """Return whether the rule's findings are errors: as reported, or by the rule if other findings explain them."""
    severities = [finding["severity"] for finding in report["findings"] if finding["id"] == rule_id]
    return ERROR in severities if severities else RULES[rule_id].severity == ERROR
