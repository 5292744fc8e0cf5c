"""Connections to the daemons: the vty sockets of FRR, which are a hundred times as fast as vtysh, and BIRD's sockets."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TIMEOUT = 10


class DaemonError(Exception):
    """A daemon does not answer or refuses a command."""


class Unanswered(DaemonError):
    """A daemon does not answer in time. The connection is closed: a late answer would be taken for that of the next command."""


class Vty:
    """A connection to one FRR daemon. Answers end with three zero bytes and a code, 0 for success."""

    def __init__(self, path: Path) -> None:
        self._socket = _connect(path)
        self.ask("enable")

    def ask(self, command: str) -> str:
        """Send one command and return the answer.

        :raises DaemonError: with the daemon's message but without the command, which may hold a password.
        """
        try:
            self._socket.sendall(command.encode() + b"\0")
            answer = b""
            while len(answer) < 4 or answer[-4:-1] != b"\0\0\0":
                received = self._socket.recv(1 << 16)
                if not received:
                    raise ConnectionError("FRR closed the connection")
                answer += received
        except OSError as error:
            self.close()
            raise Unanswered(str(error)) from error
        text = answer[:-4].decode(errors="replace")
        if answer[-1]:
            raise DaemonError(text.strip() or f"code {answer[-1]}")
        return text

    def ask_json(self, command: str) -> Any:
        return json.loads(self.ask(command) or "{}")

    def configure(self, commands: Iterable[str], *, strict: bool = True) -> list[str]:
        """Run configuration commands; return the daemon's objections.

        :param strict: False ignores objections to ``no …``, which are expected during a change of configuration.
        :raises Unanswered: the daemon does not answer; some of the commands may have been run.
        """
        objections = []
        self.ask("configure terminal")
        for command in commands:
            try:
                self.ask(command)
            except Unanswered:
                raise
            except DaemonError as error:
                if strict or not command.startswith("no "):
                    objections.append(f"{_without_secret(command)}: {error}")
        self.ask("end")
        return objections

    @property
    def closed(self) -> bool:
        return self._socket.fileno() < 0

    def close(self) -> None:
        self._socket.close()


class Birdc:
    """A connection to one BIRD daemon. Lines start with a code of four digits and a dash or, on the last, a space."""

    def __init__(self, path: Path) -> None:
        self._socket = _connect(path)
        self._file = self._socket.makefile("r", encoding="utf-8", errors="replace")
        self._exchange(b"")

    def ask(self, command: str) -> list[str]:
        """Send one command and return the lines of the answer without their codes.

        :raises DaemonError: when BIRD answers with an error.
        """
        return self._exchange(command.encode() + b"\n")

    def _exchange(self, sent: bytes) -> list[str]:
        try:
            self._socket.sendall(sent)
            return self._answer()
        except OSError as error:
            self.close()
            raise Unanswered(str(error)) from error

    @property
    def closed(self) -> bool:
        return self._socket.fileno() < 0

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _answer(self) -> list[str]:
        lines: list[str] = []
        for line in self._file:
            line = line.rstrip("\n")
            match = re.match(r"(\d{4})([ -])(.*)", line)
            if not match:
                lines.append(line.removeprefix(" "))
                continue
            code, more, text = match.groups()
            if code[0] in "89":
                raise DaemonError(text)
            if text:
                lines.append(text)
            if more == " ":
                return lines
        raise ConnectionError("BIRD closed the connection")


def _connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(TIMEOUT)
    try:
        client.connect(str(path))
    except OSError as error:
        client.close()
        raise DaemonError(f"{path}: {error}") from error
    return client


def _without_secret(command: str) -> str:
    return re.sub(r"( password ).*", r"\1(hidden)", command)
