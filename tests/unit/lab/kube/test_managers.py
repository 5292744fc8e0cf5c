"""The history of fields, ``metadata.managedFields``."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.managers import manager_of, noted


def _written(old: dict[str, Any] | None, spec: dict[str, Any], manager: str, now: str, part: str = "") -> dict[str, Any]:
    new: dict[str, Any] = {"apiVersion": "v1", "kind": "K", "metadata": {"name": "n", "uid": now}, "spec": spec}
    new["metadata"]["managedFields"] = noted(old, new, manager, now, part)
    return new


def _owners(obj: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    return {one["manager"]: (one["time"], one["fieldsV1"]["f:spec"]) for one in obj["metadata"]["managedFields"]}


def test_a_field_goes_over_to_who_changes_it() -> None:
    first = _written(None, {"a": 1, "b": {"c": [1]}}, "ansible", "1")
    assert _owners(first) == {"ansible": ("1", {"f:a": {}, "f:b": {"f:c": {}}})}
    second = _written(first, {"a": 2, "b": {"c": [1]}}, "kubectl-edit", "2")
    assert _owners(second) == {"ansible": ("1", {"f:b": {"f:c": {}}}), "kubectl-edit": ("2", {"f:a": {}})}
    third = _written(second, {"b": {"c": [1]}, "d": 1}, "ansible", "3")
    assert _owners(third) == {"ansible": ("3", {"f:b": {"f:c": {}}, "f:d": {}})}


def test_a_write_that_changes_nothing_keeps_the_time() -> None:
    first = _written(None, {"a": 1}, "ansible", "1")
    assert _owners(_written(first, {"a": 1}, "ansible", "2")) == _owners(first)
    assert _owners(_written(first, {"a": 1}, "other", "2")) == _owners(first)


def test_a_subresource_has_its_own_entry() -> None:
    first = _written(None, {"a": 1}, "ansible", "1")
    fields = _written(first, {"a": 2}, "ansible", "2", "status")["metadata"]["managedFields"]
    assert [(one["manager"], one.get("subresource")) for one in fields] == [("ansible", "status")]


@pytest.mark.parametrize(
    ("parameter", "agent", "name"),
    [
        ("", "kubectl/v1.30 (linux)", "kubectl"),
        ("kubectl-edit", "kubectl/v1.30", "kubectl-edit"),
        ("", "", "unknown"),
        ("", "x" * 200, "x" * 128),
    ],
)
def test_the_manager_is_named_by_the_request(parameter: str, agent: str, name: str) -> None:
    assert manager_of(parameter, agent) == name
