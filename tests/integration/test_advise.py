"""The playbook ``advise``."""

from __future__ import annotations

import shutil
from pathlib import Path

from forked import ansible_playbook

ROOT = Path(__file__).resolve().parents[2]


def test_advise_prints_a_table_for_each_cluster_and_writes_nothing(tmp_path: Path) -> None:
    names = ("standard_svi", "eight_racks")
    options = []
    for name in names:
        shutil.copytree(ROOT / "inventories" / name, tmp_path / name, ignore=shutil.ignore_patterns(".allocations"))
        options += ["-i", str(tmp_path / name)]
    before = sorted(tmp_path.rglob("*"))
    done = ansible_playbook(str(ROOT / "playbooks/advise.yml"), *options, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "Floating SVI suits cluster prod2" in done.stdout
    assert "Standard SVI suits cluster wide1" in done.stdout
    assert "3 L3Outs of at most 6 leaves" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before
