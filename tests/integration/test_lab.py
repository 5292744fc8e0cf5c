"""``make lab``: both examples in one run, and a second run that changes nothing."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLUSTERS = ("prod1", "prod2")
RECAP = re.compile(r"^(\S+)-cluster +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0 ", re.MULTILINE)
REQUESTS = re.compile(r"answered (\d+) requests; (\d+|none) of them were writes")


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[str]:
    """Return the output of two runs of the target's command in a lab of their own."""
    folder = tmp_path_factory.mktemp("lab")
    # Without the arguments of a make that runs these tests.
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES", "ARGS")}
    recipe = subprocess.run(
        ["make", "--dry-run", "lab", f"BIN={shlex.quote(str(Path(sys.executable).parent))}"],
        cwd=ROOT,
        env=clean,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (command,) = [line for line in recipe.splitlines() if "ansible-playbook" in line]
    command = f"{command} -e aci_calico_artifacts_dir={folder}/artifacts"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ACI_CALICO_LAB_DIR": str(folder / "lab"),
        "ACI_CALICO_LAB_APIC_PORT": "0",
        "ACI_CALICO_LAB_KUBE_PORT": "0",
    }
    printed = []
    for __ in range(2):
        done = subprocess.run(["sh", "-c", command], cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        printed.append(done.stdout)
    assert not list((folder / "lab").glob("lab.json")), "the lab is still running"
    return printed


def test_first_run_changes_both_clusters(runs):
    assert {name for name, changed in RECAP.findall(runs[0]) if int(changed)} == set(CLUSTERS)


def test_first_run_prints_changes_and_artifacts(runs):
    assert re.search(
        r"^Cluster prod1: 6 nodes in 2 racks.*\n\nObjects +Created +Modified +Deleted +Requests$", runs[0], re.MULTILINE
    )
    assert re.search(r"^Files in \S+/artifacts/prod2: plan\.json", " ".join(runs[0].split("\n  ")), re.MULTILINE)
    assert len(re.findall(r"embedded Kubernetes API|real kube-apiserver \d+\.", runs[0])) == len(CLUSTERS)


def test_runs_print_few_headings(runs):
    """Twelve for two clusters of different kinds of SVI."""
    assert [run.count("TASK [") for run in runs] == [12, 12]


def test_second_run_changes_nothing(runs):
    assert dict(RECAP.findall(runs[1])) == dict.fromkeys(CLUSTERS, "0")
    assert REQUESTS.search(runs[1])[2] == "none"


@pytest.mark.parametrize(("run", "most"), [(0, 35), (1, 16)])
def test_runs_send_few_requests_to_apic(runs, run, most):
    """Compare with the limits for each cluster."""
    assert int(REQUESTS.search(runs[run])[1]) <= most * len(CLUSTERS)
