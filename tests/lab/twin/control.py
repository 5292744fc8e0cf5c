"""The twin's command socket: server and client side."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.twin.model import TwinError

TIMEOUT = 120
NAME = "control.sock"


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name for a socket's path, which may itself be too long for a socket."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def bind(path: Path) -> socket.socket:
    """Listen on a socket that only the owner may use."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    with _short(path) as name:
        server.bind(name)
    path.chmod(0o600)
    server.listen(8)
    return server


def ask(path: Path, command: str, **arguments: Any) -> dict[str, Any]:
    """Send a command to the supervisor and return its answer.

    :raises TwinError: when the supervisor does not run or refuses the command.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        try:
            with _short(path) as name:
                client.connect(name)
            with client.makefile("rw", encoding="utf-8") as stream:
                stream.write(json.dumps({"command": command, **arguments}) + "\n")
                stream.flush()
                answer: dict[str, Any] = json.loads(stream.readline() or "{}")
        except OSError as error:
            raise TwinError(f"the twin does not answer: {error}") from error
    if "error" in answer:
        raise TwinError(str(answer["error"]))
    return answer
