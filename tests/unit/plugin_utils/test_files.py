"""Files of a cluster: all changes or none, and nothing of the user's."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils import durable
from ansible_collections.netops.aci_calico.plugins.plugin_utils import files
from ansible_collections.netops.aci_calico.plugins.plugin_utils.files import (
    LISTED,
    Artifacts,
    Change,
    UnwritableError,
    apply_changes,
    read_file,
)


def write(artifacts: Artifacts, names: dict[str, str]) -> None:
    """Write these files as a plan does."""
    changes = artifacts.replace(names)
    assert not artifacts.problems
    apply_changes(changes)
    artifacts.remove_empty_folders(changes)


def contents(folder: Path) -> dict[str, str]:
    """Return all files below a folder."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def artifacts(tmp_path):
    return Artifacts(str(tmp_path), "prod1")


# --- changes ---------------------------------------------------------------------------------------------------------


def test_the_mode_stays_and_the_link_stays(tmp_path):
    real, link = tmp_path / "real.yml", tmp_path / "link.yml"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    apply_changes([Change(str(link), b"old", b"new", os.path.realpath(link), durable=True)])
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)
    apply_changes([Change(str(tmp_path / "a/b/new.yml"), None, b"new")])
    assert (tmp_path / "a/b/new.yml").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("failing", ["fsync", "replace", "write"])
def test_a_failure_leaves_everything_as_it_was(tmp_path, monkeypatch, failing):
    """A full disk is found while files are staged, and other failures at the last file."""
    for name in ("changed", "removed", "last"):
        (tmp_path / name).write_text(name)
    before = contents(tmp_path)
    original = os.replace

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def replace(source: str, target: str) -> None:
        if target.endswith("last"):
            full()
        original(source, target)

    if failing == "write":
        monkeypatch.setattr(files, "_keep_mode", full)
    else:
        monkeypatch.setattr(os, failing, replace if failing == "replace" else full)
    changes = [
        Change(str(tmp_path / "removed"), b"removed", None),
        Change(str(tmp_path / "made/new"), None, b"new"),
        Change(str(tmp_path / "changed"), b"changed", b"new"),
        Change(str(tmp_path / "last"), b"last", b"new", durable=True),
    ]
    with pytest.raises(UnwritableError) as raised:
        apply_changes(changes)
    problem = raised.value.problem
    assert problem.id == "file-unwritable"
    assert "No space left on device" in problem.problem
    assert "Free space" in problem.remedy
    assert contents(tmp_path) == before
    assert not (tmp_path / "made").exists()


def test_a_file_that_another_run_changed_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "prod1.yml"
    for other in ("theirs", None):
        path.unlink(missing_ok=True)
        if other:
            path.write_text(other)
        with pytest.raises(UnwritableError) as raised:
            apply_changes([Change(str(path), b"old", b"new", durable=True)])
        assert "another run has changed it" in raised.value.problem.problem
        assert raised.value.problem.remedy == "Run it again."
        assert contents(tmp_path) == ({"prod1.yml": other} if other else {})
    path.write_text("new")
    apply_changes([Change(str(path), None, b"new", durable=True)])


def test_a_file_where_a_folder_is_needed(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UnwritableError) as raised:
        apply_changes([Change(str(tmp_path / "file/new.yml"), None, b"new")])
    assert "directory" in raised.value.problem.problem or "File exists" in raised.value.problem.problem


def test_only_regular_files_are_read(tmp_path):
    assert read_file(str(tmp_path / "none")) is None
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OSError, match=r"folder|regular"):
            read_file(str(tmp_path / name))


# --- artifacts -------------------------------------------------------------------------------------------------------


def test_only_what_was_written_is_removed(artifacts, tmp_path):
    write(artifacts, {"plan.json": "1", "nodes/a/netplan.yaml": "1", "nodes/b/netplan.yaml": "1", "nodes/c/netplan.yaml": "1"})
    own = {"prod1/nodes/b/notes.txt": "mine", "prod1/nodes/mine.txt": "mine", "prod1/mine.md": "mine"}
    for name, text in own.items():
        (tmp_path / name).write_text(text)
    write(artifacts, {"plan.json": "2", "nodes/a/netplan.yaml": "1"})
    listed = {f"prod1/{LISTED}": "nodes/a/netplan.yaml\nplan.json\n"}
    assert contents(tmp_path) == own | listed | {"prod1/plan.json": "2", "prod1/nodes/a/netplan.yaml": "1"}
    assert not (tmp_path / "prod1/nodes/c").exists()
    assert not artifacts.replace({"plan.json": "2", "nodes/a/netplan.yaml": "1"})


def test_the_list_names_no_file_elsewhere(artifacts, tmp_path):
    write(artifacts, {"plan.json": "1"})
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "prod1/own.txt").write_text("mine")
    names = ["../mine", "nodes/../../mine", "/etc/passwd", "own.txt", "nodes/", "nodes", "", "nodes/\0", str(tmp_path / "mine")]
    (tmp_path / "prod1" / LISTED).write_text("\n".join(names))
    write(artifacts, {"plan.json": "1"})
    assert contents(tmp_path) == {
        "mine": "mine",
        "prod1/own.txt": "mine",
        "prod1/plan.json": "1",
        f"prod1/{LISTED}": "plan.json\n",
    }


@pytest.mark.parametrize("place", ["prod1", "prod1/nodes", "prod1/nodes/a", "prod1/nodes/a/netplan.yaml", "prod1/plan.json"])
def test_links_are_refused(artifacts, tmp_path, place):
    elsewhere = tmp_path / "elsewhere"
    write(Artifacts(str(elsewhere), "other"), {"plan.json": "0", "nodes/a/netplan.yaml": "0", "nodes/b/netplan.yaml": "0"})
    before = contents(elsewhere)
    link = tmp_path / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere / "other" / place.removeprefix("prod1").lstrip("/"))
    artifacts.replace({"plan.json": "1", "nodes/a/netplan.yaml": "1"})
    assert {(problem.id, problem.path) for problem in artifacts.problems} == {("artifact-link", str(link))}
    assert contents(elsewhere) == before


def test_a_file_in_place_of_a_folder_is_a_problem_and_a_folder_in_place_of_a_file(artifacts, tmp_path):
    (tmp_path / "prod1/plan.json").mkdir(parents=True)
    (tmp_path / "prod1/nodes").write_text("mine")
    artifacts.replace({"plan.json": "1", "nodes/a/netplan.yaml": "1"})
    found = {(problem.id, problem.path) for problem in artifacts.problems}
    assert found == {("file-unwritable", str(tmp_path / f"prod1/{name}")) for name in ("plan.json", "nodes")}


def test_further_files_are_removed_by_the_next_plan(artifacts, tmp_path):
    write(artifacts, {"plan.json": "1", "nodes/a/netplan.yaml": "1"})
    apply_changes(artifacts.add({"problems.txt": "many"}))
    assert (tmp_path / "prod1/problems.txt").exists()
    write(artifacts, {"plan.json": "1", "nodes/a/netplan.yaml": "1"})
    assert set(contents(tmp_path)) == {"prod1/plan.json", "prod1/nodes/a/netplan.yaml", f"prod1/{LISTED}"}


def test_the_names_of_new_folders_survive_a_loss_of_power_too(tmp_path, monkeypatch):
    synced: set[str] = set()
    for module in (durable, files):
        monkeypatch.setattr(module, "sync_folder", synced.add)
    expected = {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a/b")}
    durable.replace(str(tmp_path / "a/b/journal"), b"x", 0o600)
    assert synced == expected
    synced.clear()
    apply_changes([Change(str(tmp_path / "c/d/file"), None, b"x", durable=True)])
    assert synced == {str(tmp_path), str(tmp_path / "c"), str(tmp_path / "c/d")}
