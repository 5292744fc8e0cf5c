"""The log of requests, as JSON lines. It leaves out bodies, which may hold secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class RequestLog:
    """Entries in memory and, if a file is given, in that file."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[dict[str, Any]] = []
        self._path = path

    def add(self, **entry: Any) -> None:
        """Add an entry.

        Its fields are ``time`` (ISO), ``method``, ``path``, ``query``, ``status`` (0: no answer), ``ms``, ``in``,
        ``out`` (bytes) and ``changed``.
        """
        self.entries.append(entry)
        if self._path:
            with self._path.open("a") as file:
                file.write(json.dumps(entry) + "\n")

    def clear(self) -> None:
        self.entries.clear()

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Any:
        return iter(list(self.entries))

    def count(self, method: str | None = None, path: str = "") -> int:
        """Return the number of requests, optionally of one method and with ``path`` in their path."""
        return sum(1 for e in self.entries if method in (None, e["method"]) and path in e["path"])
