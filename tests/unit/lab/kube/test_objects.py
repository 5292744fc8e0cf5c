"""Patches and selectors."""

from __future__ import annotations

import pytest

from lab.kube.objects import matches_labels, merge


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": 1, "b": 2}, {"b": None}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
    ],
)
def test_merge_patches(target, patch, result):
    """Apply patches as in appendix A of RFC 7386."""
    assert merge(target, patch) == result


def test_strategic_merge_patches():
    """Merge lists of known kinds by their key and replace others."""
    taints = [{"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "NoExecute"}]
    node = {"spec": {"taints": taints, "podCIDRs": ["10.0.0.0/24"]}}
    patch = {"spec": {"taints": [{"key": "b", "$patch": "delete"}, {"key": "a", "effect": "NoExecute"}], "podCIDRs": []}}
    assert merge(node, patch, "Node") == {"spec": {"taints": [{"key": "a", "effect": "NoExecute"}], "podCIDRs": []}}
    assert merge(node, {"spec": {"taints": [{"key": "c"}]}})["spec"]["taints"] == [{"key": "c"}]


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("rack=1", True),
        ("rack==1,zone", True),
        ("rack=2", False),
        ("rack!=2", True),
        ("other!=2", True),
        ("rack in (1, 2), zone notin (b)", True),
        ("rack notin (1)", False),
        ("!other", True),
        ("!rack", False),
    ],
)
def test_label_selectors(selector, matches):
    assert matches_labels(selector, {"rack": "1", "zone": "a"}) is matches
