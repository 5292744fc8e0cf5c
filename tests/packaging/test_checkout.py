"""The checkout works at once, under any folder name and with no configuration of the user's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

# Settings of a user's environment that the checkout must not need.
UNSET = dict.fromkeys(("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME", "PYTHONPATH"))


def plan(run, checkout, cwd, tmp_path):
    return run(
        "ansible-playbook",
        *("-i", checkout / "inventories/floating_svi"),
        *("-e", f"aci_calico_artifacts_dir={tmp_path}/artifacts"),
        checkout / "playbooks/plan.yml",
        cwd=cwd,
        env={**UNSET, "HOME": str(tmp_path)},
    )


def test_runs_from_its_root(run, checkout, tmp_path):
    plan(run, checkout, checkout, tmp_path)
    assert (tmp_path / "artifacts/prod1/plan.json").exists()


def test_runs_where_ansible_cfg_is_not_read(run, checkout, tmp_path):
    """Ansible finds the collection in the folder ``collections`` beside the playbook, as in AWX."""
    plan(run, checkout, tmp_path, tmp_path)
    assert (tmp_path / "artifacts/prod1/plan.json").exists()


def test_no_tool_walks_in_circles(run, checkout):
    """No test is collected a second time through the links."""
    collected = run("python", "-m", "pytest", "--collect-only", "-q", cwd=checkout)
    assert "tests/packaging/test_checkout.py" in collected
    assert "collections/" not in collected


def test_links_lead_back(root):
    """The links are relative, so that they stay inside a clone."""
    assert (root / "collections/ansible_collections/netops/aci_calico").readlink() == Path("../../..")
    assert (root / "playbooks/collections").readlink() == Path("../collections")


def test_make_without_a_target_lists_the_targets(checkout):
    said = subprocess.run(["make"], cwd=checkout, check=True, capture_output=True, text=True).stdout
    assert all(f"  {target} " in said for target in ("lab", "test", "plan", "generate", "build"))


def test_make_says_that_python_is_too_old(checkout, tmp_path):
    """The message comes before anything is installed, and says what to do."""
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        fake = tmp_path / name
        fake.write_text("#!/bin/sh\nexit 1\n")
        fake.chmod(0o755)
    for name in ("sh", "dirname", "cat", "cksum", "git"):
        (tmp_path / name).symlink_to(shutil.which(name))
    done = subprocess.run(
        ["/bin/sh", "tools/venv", "requirements.txt"],
        cwd=checkout,
        env={"PATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    assert not (checkout / ".venv").exists()
