"""ansible-test sanity over a copy of the collection."""

from __future__ import annotations

import sys
from pathlib import Path

# ansible-test downloads a script of this name to put pip into its environments. The pip that Python brings does as well.
PIP_BOOTSTRAP = "get_pip_24_2.py"


def _home(cache: Path) -> Path:
    """A home for ansible-test: its environments are kept for the next run, and the user's home is not written to."""
    downloads = cache / ".ansible" / "test" / "cache"
    downloads.mkdir(parents=True, exist_ok=True)
    (downloads / PIP_BOOTSTRAP).write_text("import ensurepip\n\nensurepip.bootstrap()\n", encoding="utf-8")
    for settings in (".config/pip", ".pip"):  # how the package index is reached is the user's to say
        theirs, ours = Path.home() / settings, cache / settings
        if theirs.exists() and not ours.exists():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.symlink_to(theirs)
    return cache


def test_ansible_test_sanity(run, root, collection_copy):
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    env = {"HOME": str(_home(root / ".cache" / "ansible-test")), "ANSIBLE_CONFIG": None}
    command = ("ansible-test", "sanity", "--python", python, "--color", "no", "--truncate", "0")
    run(*command, cwd=collection_copy, env=env, shown="ERROR|FATAL")
