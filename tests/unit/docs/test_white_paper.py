"""The table of the white paper's statements says nothing that is not so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.mo import CLASSES
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import ROLE_OPTIONS, VARIABLES

ROOT = Path(__file__).resolve().parents[3]
LINES = (ROOT / "docs/white_paper.md").read_text(encoding="utf-8").splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if line.startswith("| ")][1:]
OPERATIONAL = {"bgpPeerEntry", "uribv4Route", "uribv4Nexthop"}


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture(scope="module")
def tests() -> set[str]:
    """The names of all test functions."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"^\s*def (test_\w+)", text, re.MULTILINE)}


def test_there_is_no_empty_cell() -> None:
    assert len(ROWS) > 70
    assert [row for row in ROWS if len(row) != 5 or not all(row)] == []


def test_every_variable_is_one() -> None:
    named = {name for row in ROWS for name in _quoted(row[2])}
    assert named - set(VARIABLES) - {option.name for options in ROLE_OPTIONS.values() for option in options} == set()
    assert {row[2] for row in ROWS if not _quoted(row[2])} <= {"fixed"}


def test_every_class_is_one_that_is_sent_or_read() -> None:
    named = {name for row in ROWS for name in _quoted(row[3])}
    assert named - set(CLASSES) - OPERATIONAL == set()


def test_every_test_is_there(tests: set[str]) -> None:
    assert {name for row in ROWS for name in _quoted(row[4])} - tests == set()
    assert [row for row in ROWS if not _quoted(row[4])] == []
