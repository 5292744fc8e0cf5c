"""Calico's selectors."""

from __future__ import annotations

import pytest

from lab.twin.labels import SelectorError, matches

LABELS = {"rack_id": "1", "example.org/role": "edge-node"}


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("", True),
        ("all()", True),
        ('rack_id == "1"', True),
        ("rack_id == '2'", False),
        ('rack_id != "1"', False),
        ('missing != "1"', True),
        ('missing == ""', False),
        ("has(rack_id)", True),
        ("!has(rack_id)", False),
        ("rack_id in { '1', '2' }", True),
        ("rack_id not in { '1', '2' }", False),
        ("missing in {'1'}", False),
        ("missing not in {'1'}", True),
        ("example.org/role starts with 'edge'", True),
        ("example.org/role ends with 'node' && rack_id == '1'", True),
        ("example.org/role contains 'core'", False),
        ("rack_id == '2' || has(missing) || all()", True),
        ("rack_id == '1' || rack_id == '2' && has(missing)", True),
        ("(rack_id == '1' || rack_id == '2') && has(missing)", False),
        ("!(rack_id == '2' || has(missing))", True),
        ("!!has(rack_id)", True),
    ],
)
def test_selectors(selector: str, wanted: bool) -> None:
    assert matches(selector, LABELS) is wanted


@pytest.mark.parametrize(
    "selector",
    [
        "rack_id = '1'",
        "rack_id == 1",
        "has()",
        "(all()",
        "all() all()",
        "&& all()",
        "rack_id in '1'",
        "rack_id in {1}",
        "rack_id",
    ],
)
def test_what_is_no_selector_is_refused(selector: str) -> None:
    with pytest.raises(SelectorError, match="not a selector"):
        matches(selector, LABELS)
