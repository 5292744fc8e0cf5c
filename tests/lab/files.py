"""Files that several parts of the lab read and write alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

# libyaml is ten times as fast, but not every installation of PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), _LOADER)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def kept(path: Path, make: Callable[[], str]) -> str:
    """Return the text of a private file, which is made if it does not exist."""
    if not path.exists():
        write_private(path, make())
    return path.read_text(encoding="utf-8")


def log_end(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, as error messages show them."""
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return f"The end of {log}:\n" + ("\n".join(f"  {line}" for line in text) or "  (empty)")
