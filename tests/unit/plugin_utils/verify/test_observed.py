"""Calico's selectors, as far as the verification understands them."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.observed import selects

LABELS = {"rack_id": "1", "kubernetes.io/os": "linux"}


@pytest.mark.parametrize(
    ("selector", "result"),
    [
        ("", True),
        ("all()", True),
        ('rack_id == "1"', True),
        ("rack_id == '2'", False),
        ('rack_id=="1"', True),
        ('rack_id != "2"', True),
        ('rack_id == "1" && kubernetes.io/os == "linux"', True),
        ('rack_id == "1" && has(gpu)', False),
        ("!has(gpu)", True),
        ('rack_id in {"1", "2"}', None),
        ('rack_id == "1" || all()', None),
    ],
)
def test_selectors(selector, result):
    assert selects(selector, LABELS) is result
