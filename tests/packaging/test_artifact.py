"""The built tarball: what is in it, what the importer says of it, and that it works where it is installed."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

# Top level of the artifact. Whatever else appears there has slipped through build_ignore.
EXPECTED = {
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MAINTAINERS",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "changelogs",
    "docs",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "requirements.yml",
    "roles",
    "schemas",
}

IMPORTER_CONFIG = """\
[galaxy-importer]
LOG_LEVEL_MAIN = INFO
RUN_ANSIBLE_TEST = False
RUN_ANSIBLE_LINT = True
OFFLINE_ANSIBLE_LINT = True
RUN_FLAKE8 = False
CHECK_REQUIRED_TAGS = True
CHECK_CHANGELOG = True
REQUIRE_V1_OR_GREATER = True
"""


@pytest.fixture(scope="module")
def installed(run, artifact, tmp_path_factory) -> Path:
    """A collections folder with nothing but the artifact in it."""
    folder = tmp_path_factory.mktemp("installed")
    # Installed a second time, it would be said to be there already: the checkout is found first, were it not for the variable.
    env = {"ANSIBLE_CONFIG": None, "ANSIBLE_COLLECTIONS_PATH": str(folder)}
    run(
        "ansible-galaxy",
        "collection",
        "install",
        "--no-deps",
        "--collections-path",
        folder,
        artifact,
        cwd=folder,
        env=env,
    )
    return folder


def test_holds_what_it_should(artifact):
    with tarfile.open(artifact) as tarball:
        names = tarball.getnames()
    assert {name.split("/")[0] for name in names} == EXPECTED
    assert not [name for name in names if name.endswith((".pyc", ".kubeconfig")) or "__pycache__" in name]


def test_importer_finds_no_fault(run, artifact, tmp_path):
    config = tmp_path / "importer.cfg"
    config.write_text(IMPORTER_CONFIG, encoding="utf-8")
    said = run(
        "python", "-m", "galaxy_importer.main", artifact, cwd=tmp_path, env={"GALAXY_IMPORTER_CONFIG": str(config)}
    )
    assert "Importer processing completed successfully" in said, said
    assert not [line for line in said.splitlines() if line.startswith(("ERROR", "WARNING"))], said


@pytest.mark.parametrize(("inventory", "cluster"), [("floating_svi", "prod1"), ("standard_svi", "prod2")])
def test_plans_from_anywhere(run, root, installed, tmp_path, inventory, cluster):
    """Installed, with the user's inventory elsewhere and no ansible.cfg, the playbook's name is all that is needed."""
    env = {"ANSIBLE_CONFIG": None, "ANSIBLE_COLLECTIONS_PATH": str(installed), "HOME": str(tmp_path)}
    source = installed / "ansible_collections" / "netops" / "aci_calico" / "inventories" / inventory
    artifacts = tmp_path / "artifacts"
    run(
        "ansible-playbook",
        "-i",
        source,
        "netops.aci_calico.plan",
        "-e",
        f"aci_calico_artifacts_dir={artifacts}",
        cwd=tmp_path,
        env=env,
    )
    written = {path.name for path in (artifacts / cluster).iterdir()}
    assert written >= {"plan.json", "apic.json", "kubernetes.yml"}
    assert (artifacts / cluster / "plan.json").read_bytes() == (
        root / "tests/golden" / inventory / cluster / "plan.json"
    ).read_bytes()
