"""The report for CI systems."""

from __future__ import annotations

from xml.etree import ElementTree

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.catalogue import RULES
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.junit import junit


def parse(report):
    return ElementTree.fromstring(junit(report).encode())


def failed(root):
    return [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]


def test_each_session_and_each_rule_is_a_test(cluster):
    root = parse(cluster.verify())
    assert len(list(root.iter("testcase"))) == 12 + len(RULES)
    assert [suite.get("name") for suite in root] == ["sessions", "aci", "calico", "routes"]
    assert failed(root) == []


def test_what_is_explained_fails_too(cluster):
    cluster.info["nodes"]["node-1"]["labels"]["rack_id"] = "2"
    cluster.drop_session(201, "node-1")
    root = parse(cluster.verify())
    names = failed(root)
    assert "session node-1/201" in names
    assert any("[rack-label]" in name for name in names)
    assert any("[session-missing]" in name for name in names)
    assert sum(int(suite.get("failures")) for suite in root) == len(names)


def test_a_warning_passes_with_its_text(cluster):
    cluster.leaf(201)["lpm"]["used"] = 17000
    root = parse(cluster.verify())
    case = next(case for case in root.iter("testcase") if "[lpm-usage]" in case.get("name"))
    assert case.find("system-out").text == "leaf 201 uses 17000 of 20000 LPM entries"
    assert failed(root) == []


def test_text_with_markup_is_quoted(cluster):
    cluster.aci["faults"] = [{"code": "F1", "severity": "major", "descr": "<a & b>", "dn": "uni"}]
    assert any("<a & b>" in failure.text for failure in parse(cluster.verify()).iter("failure"))
