"""The pipelines of docs/examples/fabric-repo, run as they are written, in a repository of their own and against the lab."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from integration.site.harness import Cluster

from lab.apic.server import ApicServer
from lab.kube.server import KubeServer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs/examples/fabric-repo"
MAIN = "inventory/group_vars/prod1/main.yml"
# Steps that do not run here.
LISTED = {
    "pip install": "installs the packages that this test runs with",
    "ansible-galaxy collection install": "needs Galaxy: the checkout takes the place of the collection",
    "curl": "comments in GitLab",
    "gh pr comment": "comments in GitHub",
}


def gitlab() -> dict[str, list[str]]:
    """Return the steps of each job of GitLab's pipeline."""
    pipeline = yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    before = pipeline["default"]["before_script"]
    jobs = {name: job for name, job in pipeline.items() if isinstance(job, dict) and "script" in job}
    return {name: [*before, *job["script"], *job.get("after_script", [])] for name, job in jobs.items()}


def github() -> Iterator[str]:
    """Yield the steps of GitHub's workflows."""
    for file in sorted((EXAMPLE / ".github/workflows").glob("*.yml")):
        for job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].values():
            values: list[Any] = job.get("strategy", {}).get("matrix", {}).get("check", [""])
            for step in job["steps"]:
                yield from dict.fromkeys(
                    re.sub(r"\$\{\{ matrix.check \}\}", value, step["run"]) for value in values if "run" in step
                )


def listed(step: str) -> bool:
    return step.startswith(tuple(LISTED))


class Repository:
    """A repository that begins as the example, with connections to the lab."""

    def __init__(self, folder: Path, apic: ApicServer, kube: KubeServer) -> None:
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        self._environment = {
            **clean,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder.parent),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(folder.parent / "vault-password"),
            "VAULT_PASSWORD": "open sesame",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "GITHUB_BASE_REF": "main",
            **{f"GIT_{who}_{what}": "somebody@example.net" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        (folder.parent / "vault-password").write_text("open sesame", encoding="utf-8")
        shutil.copytree(EXAMPLE, folder)
        connections = Cluster("prod1", {}, apic, kube).connection() | {
            "aci_calico_bgp_password": "Marker-4c7a11-Password",
            # There are no BGP daemons.
            "aci_calico_sessions_timeout": 0,
            "aci_calico_verify_timeout": 0,
        }
        self.write("inventory/group_vars/aci_calico_clusters/connections.yml", yaml.safe_dump(connections))
        self.edit(MAIN, 'aci_calico_bgp_password: "{{ vault_bgp_password }}"\n', "")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def run(self, *steps: str) -> tuple[int, str]:
        """Run steps until one fails; return the exit code of the last one, and what all of them printed."""
        printed = ""
        for step in steps:
            if listed(step):
                continue
            done = subprocess.run(
                ["bash", "-c", step], cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
            )
            printed += f"$ {step}\n{done.stdout}{done.stderr}"
            if done.returncode:
                return done.returncode, printed
        return 0, printed

    def must(self, *steps: str) -> str:
        code, printed = self.run(*steps)
        assert code == 0, printed
        return printed


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Yield a repository whose main branch has the plan of its inventory."""
    names = [{"name": f"prod1-node-{number}"} for number in range(1, 7)]
    with ApicServer() as apic, KubeServer(names) as kube:
        made = Repository(tmp_path_factory.mktemp("pipeline") / "fabric", apic, kube)
        made.must("git init --quiet --initial-branch main", "git remote add origin .")
        made.must("ansible-playbook netops.aci_calico.plan", "git add .", "git commit --quiet -m 'Begin'")
        yield made


def failures(folder: Path, name: str) -> int:
    """Return the number of failures in a cluster's JUnit file."""
    return len(list(ElementTree.parse(folder / "artifacts/prod1" / name).iter("failure")))


def test_from_merge_request_to_nightly_run(repository: Repository) -> None:
    jobs = gitlab()
    # A merge request whose artifacts are not committed.
    repository.must("git switch --quiet -c change")
    repository.edit(MAIN, "aci_calico_mtu: 9000", "aci_calico_mtu: 8900")
    code, printed = repository.run(*jobs["plan"])
    assert code == 1
    assert re.search(r"^\+.*8900", printed, re.MULTILINE)
    repository.must("git add .", "git commit --quiet -m 'Lower the MTU'", *jobs["plan"][-2:])
    # The rehearsal of the change is offline, and fits into a comment.
    repository.must(*jobs["rehearse"])
    summary = (repository.folder / "summary.md").read_text(encoding="utf-8")
    assert "prod1" in summary
    assert len(summary) <= 60000
    repository.must("git switch --quiet main", "git merge --quiet change")
    # Apply, without BGP daemons: the verification fails the job, and says so in JUnit.
    site, verify, report = [step for step in jobs["apply"] if step.startswith("ansible-playbook")]
    assert "prod1" in repository.must(site)
    assert repository.run(verify)[0] != 0
    assert failures(repository.folder, "verify.xml")
    repository.must(report)
    assert (repository.folder / "artifacts/prod1/report.html").exists()
    # The nightly job is silent, until the fabric differs from the plan.
    repository.must(*jobs["drift"])
    repository.edit(MAIN, "aci_calico_mtu: 8900", "aci_calico_mtu: 9000")
    assert repository.run(*jobs["drift"])[0] != 0
    assert failures(repository.folder, "drift.xml")
    assert "artifacts" not in repository.must("git status --porcelain")


def test_a_run_without_a_cluster_fails(repository: Repository) -> None:
    repository.write("inventory/hosts.yml", "---\naci_calico_clusters:\n  hosts: {}\n")
    code, printed = repository.run("ansible-playbook netops.aci_calico.drift -e aci_calico_drift_fails=true")
    assert code != 0
    assert "No host of this run is in the group aci_calico_clusters" in " ".join(printed.split())


def test_other_steps(repository: Repository) -> None:
    """The steps of GitHub's workflows that GitLab's pipeline does not have."""
    common = {step for steps in gitlab().values() for step in steps}
    others = [step for step in github() if step not in common and not listed(step)]
    assert not [step for step in others if step.startswith("ansible-playbook")]
    repository.must(*others)


def test_both_pipelines_run_the_same_playbooks() -> None:
    ours = {step for steps in gitlab().values() for step in steps if step.startswith("ansible-playbook")}
    assert ours == {step for step in github() if step.startswith("ansible-playbook")}


def test_the_list_is_current() -> None:
    steps = [*github(), *(step for steps in gitlab().values() for step in steps)]
    assert [words for words in LISTED if not any(step.startswith(words) for step in steps)] == []
