"""The twin's command socket, from both ends."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from lab.twin.model import TwinError

TIMEOUT = 120
NAME = "control.sock"


def bind(path: Path) -> socket.socket:
    """Listen on a socket that only the owner may use."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")  # a folder's own path may be longer than a socket's may be
    finally:
        os.close(folder)
    path.chmod(0o600)
    server.listen(8)
    return server


def ask(path: Path, command: str, **arguments: Any) -> dict[str, Any]:
    """Have the supervisor carry out a command and return its answer.

    :raises TwinError: when it does not run or refuses.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        try:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                client.connect(f"/proc/self/fd/{folder}/{path.name}")
            finally:
                os.close(folder)
            with client.makefile("rw", encoding="utf-8") as stream:
                stream.write(json.dumps({"command": command, **arguments}) + "\n")
                stream.flush()
                answer: dict[str, Any] = json.loads(stream.readline() or "{}")
        except OSError as error:
            raise TwinError(f"the twin does not answer: {error}") from error
    if "error" in answer:
        raise TwinError(str(answer["error"]))
    return answer
