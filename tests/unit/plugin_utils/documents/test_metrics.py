"""Metrics for Prometheus."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.metrics import METRICS, of_drift, of_verify

SAMPLE = re.compile(r'(?P<name>[a-z_]+)\{(?P<labels>(?:[a-z]+="(?:[^"\\]|\\.)*",?)+)\} (?P<value>[0-9.]+)')
REPORT = {
    "ok": False,
    "findings": [{"id": "rack-label", "severity": "error"}, {"id": "timers", "severity": "warning"}] * 2,
    "sessions": [{"state": "established"}, {"state": "active"}, {"state": "missing"}],
}


def samples(text: str) -> dict[tuple[str, str], str]:
    """Return the samples of a text that is valid: each metric has its help and its type before its samples."""
    found = {}
    declared = set()
    for line in text.splitlines():
        if line.startswith("# "):
            declared.add(line.split()[2])
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match["name"] in declared
        found[match["name"].removeprefix("acicalico_"), match["labels"]] = match["value"]
    return found


def test_a_verification_has_counts_of_low_cardinality() -> None:
    found = samples(of_verify("prod1", REPORT, 1700000000.5))
    assert found == {
        ("verify_success", 'cluster="prod1"'): "0",
        ("verify_timestamp_seconds", 'cluster="prod1"'): "1700000000.500",
        ("verify_findings", 'cluster="prod1",severity="error"'): "2",
        ("verify_findings", 'cluster="prod1",severity="warning"'): "2",
        ("verify_finding", 'cluster="prod1",id="rack-label",severity="error"'): "2",
        ("verify_finding", 'cluster="prod1",id="timers",severity="warning"'): "2",
        ("sessions_planned", 'cluster="prod1"'): "3",
        ("sessions_established", 'cluster="prod1"'): "1",
    }


def test_a_run_that_could_not_read_has_no_counts() -> None:
    assert {name for name, __ in samples(of_verify("a", None, 1))} == {"verify_success", "verify_timestamp_seconds"}
    assert samples(of_drift('a"b\\', None, 1))["drift_success", 'cluster="a\\"b\\\\"'] == "0"
    found = samples(of_drift("a", ["apic", "apic"], 1))
    assert found["drift_differences", 'cluster="a",side="apic"'] == "2"
    assert found["drift_differences", 'cluster="a",side="kubernetes"'] == "0"


def test_the_page_has_all_metrics(root: Path) -> None:
    text = (root / "docs/drift.md").read_text(encoding="utf-8")
    assert {name for name in METRICS if f"`acicalico_{name}" not in text} == set()
