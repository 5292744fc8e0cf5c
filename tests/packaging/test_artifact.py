"""The built tarball: its content, the importer's result, and an installation that works."""

from __future__ import annotations

import re
import shutil
import tarfile

import pytest
import yaml

# Top level of the artifact. Add to build_ignore in galaxy.yml whatever else appears there.
EXPECTED = {
    "CODE_OF_CONDUCT.md",
    "FILES.json",
    "LICENSE",
    "MAINTAINERS",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "changelogs",
    "docs",
    "extensions",
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
RUN_ANSIBLE_LINT = False
RUN_FLAKE8 = False
CHECK_REQUIRED_TAGS = True
CHECK_CHANGELOG = True
REQUIRE_V1_OR_GREATER = True
"""


def test_holds_what_it_should(artifact):
    with tarfile.open(artifact) as tarball:
        names = tarball.getnames()
    assert {name.split("/")[0] for name in names} == EXPECTED
    assert not [name for name in names if name.endswith((".pyc", ".kubeconfig")) or "__pycache__" in name]
    shipped = {name.partition("/")[2] for name in names if name.startswith("extensions/") and "." in name}
    assert shipped == {"audit/event_query.yml", "eda/plugins/event_source/drift.py", "eda/rulebooks/drift.yml"}
    assert not [name for name in names if ".allocations" in name], "copies of examples allocate their own addresses"


def test_pages_name_no_make_target(artifact):
    """The artifact has no Makefile. Comments of generated pages are for developers."""
    with tarfile.open(artifact) as tarball:
        pages = {name: tarball.extractfile(name).read().decode() for name in tarball.getnames() if name.endswith(".md")}
    pages = {name: re.sub("<!--.*?-->", "", text, flags=re.DOTALL) for name, text in pages.items()}
    assert len(pages) > 20
    assert not [name for name, text in pages.items() if re.search(r"(^|`)make [a-z]", text, re.MULTILINE) or ".ci/run" in text]


def test_importer_finds_no_fault(run, artifact, tmp_path):
    config = tmp_path / "importer.cfg"
    config.write_text(IMPORTER_CONFIG, encoding="utf-8")
    said = run("python", "-m", "galaxy_importer.main", artifact, cwd=tmp_path, env={"GALAXY_IMPORTER_CONFIG": str(config)})
    assert "Importer processing completed successfully" in said, said
    assert not [line for line in said.splitlines() if line.startswith(("ERROR", "WARNING"))], said


@pytest.mark.parametrize(("inventory", "cluster"), [("floating_svi", "prod1"), ("standard_svi", "prod2")])
def test_plans_from_anywhere(run, root, installed, tmp_path, inventory, cluster):
    """The installed playbook runs by name, with an inventory elsewhere and without ansible.cfg."""
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


def test_execution_environment(run, root, artifact, installed, tmp_path):
    """ansible-builder makes the build context of the documented definition, and takes the Python packages and nothing else."""
    page = (root / "docs/installation.md").read_text(encoding="utf-8")
    (definition,) = re.findall(r"```yaml\n(---\n# execution-environment\.yml.*?)```", page, re.DOTALL)
    (tmp_path / "execution-environment.yml").write_text(definition, encoding="utf-8")
    shutil.copy(artifact, tmp_path)
    run("ansible-builder", "create", cwd=tmp_path)
    built = {path.name for path in (tmp_path / "context/_build").rglob("*")}
    assert {artifact.name, "requirements.yml"} <= built
    needed = yaml.safe_load(run("ansible-builder", "introspect", installed))
    assert [re.split(r"[>=]", package)[0] for package in needed["python"]] == ["kubernetes", "netaddr"]
    assert needed["system"] == []
