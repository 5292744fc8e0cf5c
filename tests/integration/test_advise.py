"""The playbook ``advise``: a table for each cluster, and nothing written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_each_cluster_is_advised_and_nothing_written(tmp_path: Path) -> None:
    names = ("standard_svi", "eight_racks")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "playbooks/advise.yml")]
    for name in names:
        shutil.copytree(ROOT / "inventories" / name, tmp_path / name, ignore=shutil.ignore_patterns(".allocations"))
        command += ["-i", str(tmp_path / name)]
    before = sorted(tmp_path.rglob("*"))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / "collections")
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Floating SVI suits cluster prod2" in done.stdout
    assert "Standard SVI suits cluster wide1" in done.stdout
    assert "3 L3Outs of at most 6 leaves" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before
