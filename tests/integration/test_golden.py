"""The plans of the example inventories are the committed ones, byte for byte."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from forked import ansible_playbook

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from golden import GOLDEN, examples, planning  # noqa: E402


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module", params=examples(), ids=lambda path: path.name)
def planned(request, tmp_path_factory):
    """Plan a copy of an example's inventory; return the example, the copy, and the folder of the artifacts."""
    folder = tmp_path_factory.mktemp("plan")
    inventory = folder / "somewhere else" / request.param.name
    shutil.copytree(request.param, inventory)
    done = ansible_playbook(*planning(inventory, folder / "artifacts"), folder=ROOT)
    assert done.returncode == 0, done.stdout
    return request.param, inventory, folder / "artifacts"


def test_plans_are_as_committed(planned):
    """``make golden`` writes new ones, for a review of the diff."""
    example, __, artifacts = planned
    written, golden = contents(artifacts), contents(GOLDEN / example.name)
    assert sorted(written) == sorted(golden)
    assert [name for name in golden if written[name] != golden[name]] == []


def test_planning_writes_nothing_else(planned):
    """The committed allocation file is complete."""
    example, inventory, __ = planned
    assert contents(inventory) == contents(example)


def test_documents_are_well_formed(planned):
    """The tree is one ``polUni`` of strings, and each Kubernetes object has a kind."""
    __, __, artifacts = planned
    for cluster in artifacts.iterdir():
        tree = json.loads((cluster / "apic.json").read_text())
        assert list(tree) == ["polUni"]
        assert all(isinstance(value, str) for value in attribute_values(tree))
        assert all(document["kind"] for document in yaml.safe_load_all((cluster / "kubernetes.yml").read_text()))
        assert json.loads((cluster / "plan.json").read_text())["cluster"] == cluster.name


def attribute_values(tree):
    """Yield every attribute's value in a tree of APIC's JSON."""
    for managed_object in tree.values():
        yield from managed_object.get("attributes", {}).values()
        for child in managed_object.get("children", []):
            yield from attribute_values(child)
