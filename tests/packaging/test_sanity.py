"""ansible-test sanity over a copy of the collection."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Scripts that ansible-test of core 2.19 and 2.21 downloads to install pip. The pip that Python includes does as well.
PIP_BOOTSTRAPS = ("get_pip_24_2.py", "get_pip_25_2.py")


def _home(cache: Path) -> Path:
    """Return a home for ansible-test, which keeps its environments there for the next run."""
    downloads = cache / ".ansible" / "test" / "cache"
    downloads.mkdir(parents=True, exist_ok=True)
    for script in PIP_BOOTSTRAPS:
        (downloads / script).write_text("import ensurepip\n\nensurepip.bootstrap()\n", encoding="utf-8")
    for settings in (".config/pip", ".pip"):  # the user's settings say how to reach the package index
        theirs, ours = Path.home() / settings, cache / settings
        if theirs.exists() and not ours.exists():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.symlink_to(theirs)
    return cache


def test_ansible_test_sanity(run, root, collection_copy):
    """Check the whole repository, or with ``SANITY_TARGETS`` only these folders."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    env = {"HOME": str(_home(root / ".cache" / "ansible-test")), "ANSIBLE_CONFIG": None}
    targets = os.environ.get("SANITY_TARGETS", "").split()
    command = ("ansible-test", "sanity", "--python", python, "--color", "no", "--truncate", "0", *targets)
    run(*command, cwd=collection_copy, env=env, shown="ERROR|FATAL")
