"""The documentation site builds without a warning, holds everything, and all of its links lead somewhere."""

from __future__ import annotations

import sys


def test_site(run, root, tmp_path):
    """The build fails on warnings, on pages outside the navigation and on broken links."""
    assert "index.html" in run(sys.executable, "tools/docs", tmp_path)
    site = tmp_path / "docs"
    built = {str(file.relative_to(site).with_suffix("")) for file in site.rglob("*.html")}
    pages = {str(file.relative_to(root).with_suffix("")) for file in (root / "docs").rglob("*.md")}
    modules = {f"reference/{file.stem}_module" for file in (root / "plugins/modules").glob("*.py")}
    roles = {f"reference/{file.name}_role" for file in (root / "roles").iterdir()}
    assert pages | modules | roles | {"index", "playbooks", "examples", "CONTRIBUTING", "SECURITY"} <= built
    playbooks = (site / "playbooks.html").read_text(encoding="utf-8")
    assert all(f'id="{file.stem}"' in playbooks for file in (root / "playbooks").glob("*.yml"))
    assert "renumb" in (site / "searchindex.js").read_text(encoding="utf-8")  # the stem
    assert (site / "_images/prod1.svg").exists()
    everything = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.html"))
    assert "ERROR: Adding a table of contents" not in everything
    assert '<script src="http' not in everything, "the site needs no network"
