"""Runs that would end without a word: a group without hosts, and the removal of clusters that nobody named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from forked import ansible_playbook

ROOT = Path(__file__).resolve().parents[2]
# All that work on clusters.
PLAYBOOKS = sorted(path.name for path in (ROOT / "playbooks").glob("*.yml") if "aci_calico_clusters" in path.read_text("utf-8"))
CLUSTER = "aci_calico_clusters: {hosts: {prod1-cluster: }}\n"


def run(folder: Path, playbook: str, inventory: str, *options: str) -> tuple[int, str]:
    """Return exit code and output of a playbook with an inventory."""
    (folder / "hosts.yml").write_text(inventory, encoding="utf-8")
    done = ansible_playbook(str(ROOT / "playbooks" / playbook), "-i", str(folder / "hosts.yml"), *options, folder=folder)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("inventory", "options"),
    [("", []), ("aci_calico_clusters: {hosts: }\n", []), (f"{CLUSTER}others: {{hosts: {{node-1: }}}}\n", ["--limit", "node-1"])],
    ids=["empty inventory", "empty group", "limit to other hosts"],
)
def test_a_run_without_clusters_fails(tmp_path: Path, inventory: str, options: list[str]) -> None:
    code, output = run(tmp_path, "plan.yml", inventory, *options)
    assert code != 0
    assert "No host of this run is in the group aci_calico_clusters" in " ".join(output.split())


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_playbook_requires_a_cluster_first(playbook: str) -> None:
    """Starting each of them would cost seconds."""
    text = (ROOT / "playbooks" / playbook).read_text(encoding="utf-8")
    first = "- name: Require a cluster\n  ansible.builtin.import_playbook: "
    assert text[text.index("- name:") :].startswith(
        (f"{first}require/clusters.yml\n", f"{first}netops.aci_calico.require.clusters")
    )


def test_teardown_removes_only_clusters_that_are_named_with_the_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "inventories/transit", tmp_path / "transit")
    book, inventory = str(ROOT / "playbooks/teardown.yml"), str(tmp_path / "transit")
    both = ansible_playbook(book, "-i", inventory, "-e", "aci_calico_consent=teardown:east,teardown:west", folder=tmp_path)
    assert both.returncode != 0
    assert "This run would remove 2 clusters (east-cluster, west-cluster)" in " ".join(both.stdout.split())
    one = ansible_playbook(
        *(book, "-i", inventory, "--limit", "all", "-e", "aci_calico_consent=teardown:east"),
        *("-e", "vault_apic_private_key=none", "-e", "vault_bgp_password=none", "-e", "aci_calico_apic_host=127.0.0.1"),
        *("-e", "aci_calico_apic_port=1", "--tags", "aci"),
        folder=tmp_path,
    )
    assert one.returncode != 0
    text = " ".join(one.stdout.split())
    assert "consent-missing" in text
    assert "-e aci_calico_consent=teardown:west" in text
    assert "aci_calico_consent=teardown:east" not in text
