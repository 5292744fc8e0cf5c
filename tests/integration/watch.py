"""Looks for secrets in what a run leaves open to others."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from pathlib import Path


def traces(secret: str) -> tuple[str, str]:
    """Return a secret as it is and as Kubernetes has it."""
    return secret, base64.b64encode(secret.encode()).decode()


class Watch:
    """Looks for a secret in every process's command line and in every file below a folder for as long as a block runs.

    The folder ``inventory``, from which the secret comes, is left out.
    """

    def __init__(self, folder: Path, secret: str) -> None:
        self._folder = folder
        self._traces = [text.encode() for text in traces(secret)]
        self._seen: dict[Path, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.found: set[str] = set()
        self.looks = 0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *__: object) -> None:
        self._ended.set()
        self._thread.join()
        self.look()

    def _run(self) -> None:
        while not self._ended.wait(0.02):
            self.look()

    def look(self) -> None:
        """Look once at everything that is new or has changed."""
        self.looks += 1
        for path in [*Path("/proc").glob("[0-9]*/cmdline"), *self._changed()]:
            try:
                content = path.read_bytes()
            except OSError:
                continue  # the process or the file has gone
            if any(trace in content for trace in self._traces):
                self.found.add(str(path))

    def _changed(self) -> Iterator[Path]:
        for parent, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if name != "inventory"]
            for path in (Path(parent) / name for name in names):
                try:
                    changed = path.stat().st_mtime_ns
                except OSError:
                    continue
                if self._seen.get(path) != changed:
                    self._seen[path] = changed
                    yield path
