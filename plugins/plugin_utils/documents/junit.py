# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports as JUnit XML, for CI systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree


def document(cluster: str, suites: Mapping[str, Sequence[ElementTree.Element]]) -> str:
    """Return test cases by suite as a ``testsuites`` document."""
    root = ElementTree.Element("testsuites", name=cluster)
    for name, cases in suites.items():
        failures = sum(case.find("failure") is not None for case in cases)
        suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)), failures=str(failures), errors="0")
        for case in cases:
            case.set("classname", f"{cluster}.{name}")
            suite.append(case)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def failure(case: ElementTree.Element, message: str, lines: Sequence[str]) -> None:
    """Let a test case fail."""
    ElementTree.SubElement(case, "failure", message=message).text = "\n".join(lines)
