"""Check that the pages name existing files, headings, make targets, variables and playbooks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.metrics import METRICS
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import RUNTIME, VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "roles").glob("*/README.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
# Paths in code, from the root of the checkout; not those with a placeholder.
PATH = re.compile(r"`((?:docs|inventories|meta|playbooks|plugins|roles|schemas|tests|tools)/[\w./*-]+)`")

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def anchors(document: Path) -> set[str]:
    """Return the headings of a document as GitHub links to them, and the anchors in its text."""
    text = document.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    named = re.findall(r'<a id="([^"]+)">', text)
    return {*named, *(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)}


@each_document
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    broken = [path for path in PATH.findall(text) if not list(ROOT.glob(path))]
    for path, anchor in LINK.findall(text):
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}")
    assert broken == []


@each_document
def test_variables_are_registered(document):
    """Prefixes such as ``aci_calico_*`` do not count as variables; metrics have the same prefix."""
    named = set(re.findall(r"\baci_calico_[a-z0-9_]*[a-z0-9]\b", document.read_text(encoding="utf-8")))
    metrics = {f"aci_calico_{name}" for name in METRICS}
    assert named - set(VARIABLES) - RUNTIME - metrics - {"aci_calico_clusters"} == set()


@each_document
def test_make_targets_and_playbooks_are_there(document):
    text = document.read_text(encoding="utf-8")
    helped = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    targets = set(re.findall(r"^  ([a-z-]+) ", helped, re.MULTILINE)) | {"venv-lab", "venv-test"}
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    for playbook in re.findall(r"ansible-playbook .*netops\.aci_calico\.([a-z_]+)", text):
        assert (ROOT / "playbooks" / f"{playbook}.yml").exists()


def test_the_readme_lists_each_page():
    """Its list is the navigation of the documentation site."""
    listed = re.findall(
        r"\]\((docs/[\w/]+\.md)\)", (ROOT / "README.md").read_text(encoding="utf-8").partition("## Documentation")[2]
    )
    assert sorted(listed) == sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))
