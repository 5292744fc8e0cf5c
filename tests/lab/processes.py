"""Server processes: start them, wait until they are ready, find them again in a later command, stop them.

A process is identified by its id and its start time, so that a process that got the same id later is never signalled.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab.files import log_end

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 10


class LabError(Exception):
    """A problem that the user can solve; printed without a traceback."""


@dataclass(frozen=True)
class Process:
    """A running server: its process id, and its start time to tell it from a later process with the same id."""

    pid: int
    birth: str

    @classmethod
    def start(cls, command: list[str], log: Path, **environment: str) -> Process:
        """Start a server in its own session, so that Ctrl-C in the terminal does not reach it."""
        log.parent.mkdir(parents=True, exist_ok=True)
        env, stdin = {**os.environ, **environment}, subprocess.DEVNULL
        with log.open("wb") as out:
            child = subprocess.Popen(command, env=env, stdin=stdin, stdout=out, stderr=out, start_new_session=True)
        return cls(child.pid, _birth(child.pid))

    def alive(self) -> bool:
        """Return True while this process, and not a later one with its id, runs."""
        return bool(self.birth) and _birth(self.pid) == self.birth

    def stop(self) -> None:
        """End the process and its children, by force after ten seconds."""
        if not self.alive():
            return
        for number in (signal.SIGTERM, signal.SIGKILL):  # the second also ends children that outlive their parent
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            deadline = time.monotonic() + STOP_SECONDS
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.02)


def _birth(pid: int) -> str:
    """Return the start time as the system spells it; empty for a process that has ended or does not exist."""
    if Path("/proc/self/stat").exists():
        try:
            # The fields after the command's name, which may hold spaces and brackets: state, …, start time.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    state, __, start = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    return "" if state.startswith("Z") else start


def choose_port(wanted: int, variable: str) -> int:
    """Return the wanted port, or a free one when 0 is wanted.

    A default port that is in use is replaced by a free one, too. Raises LabError when the user asked for the port in
    the environment's ``variable``.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if not os.environ.get(variable):
                return choose_port(0, variable)
            raise LabError(
                f"Port {wanted} of {HOST} is in use by another program. Stop that program, or set another port: {variable}=NUMBER."
            ) from error
        return int(probe.getsockname()[1])


def wait_until_ready(name: str, process: Process, url: str, log: Path) -> str:
    """Return the line in which a server prints its URL, which it does when it is ready.

    Raises LabError with the end of the log when the server ends or takes too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        said = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if url in line]
        if said:
            return said[0]
        if not process.alive():
            raise LabError(f"{name} ended before it was ready. {log_end(log)}")
        time.sleep(0.02)
    raise LabError(f"{name} was not ready within {START_SECONDS} s. {log_end(log)}")
