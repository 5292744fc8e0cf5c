"""Servers as processes of their own: started, awaited, found again by a later command, stopped.

Nothing here knows what the servers are. A process is identified by its id and the moment that it started, so that an id
which the system has given to something else in the meantime is never signalled.
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
    """What the user has to know and can mend; printed without a traceback."""


@dataclass(frozen=True)
class Process:
    """A running server: its process id and what tells it from a later process with the same id."""

    pid: int
    birth: str

    @classmethod
    def start(cls, command: list[str], log: Path) -> Process:
        """Start a server in a session of its own, so that Ctrl-C of the terminal does not reach it."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(child.pid, _birth(child.pid))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return bool(self.birth) and _birth(self.pid) == self.birth

    def stop(self) -> None:
        """End the process and what it started: politely, after ten seconds by force."""
        if not self.alive():
            return
        for number in (signal.SIGTERM, signal.SIGKILL):  # the second also for children that outlive their parent
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            deadline = time.monotonic() + STOP_SECONDS
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.02)


def _birth(pid: int) -> str:
    """When the process started, in the system's own words; empty when there is none, or it only waits to be collected."""
    if Path("/proc/self/stat").exists():
        try:
            # The fields after the command's name, which may itself hold spaces and brackets: state, …, start time.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    state, __, start = (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    )
    return "" if state.startswith("Z") else start


def choose_port(wanted: int, variable: str) -> int:
    """Return the port to listen on: the wanted one, or any free one for 0 or where the wanted one is only our habit. A port
    that the user asked for, in the environment's ``variable``, and that is in use is the user's to sort out."""
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
                f"Port {wanted} of {HOST} is in use by another program. Stop that, or set another port: {variable}=NUMBER."
            ) from error
        return int(probe.getsockname()[1])


def wait_until_ready(name: str, process: Process, url: str, log: Path) -> str:
    """Return the line in which the server says its URL, as each does when it is ready; fail with the end of its log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        said = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if url in line]
        if said:
            return said[0]
        if not process.alive():
            raise LabError(f"{name} ended before it was ready. {log_end(log)}")
        time.sleep(0.02)
    raise LabError(f"{name} was not ready within {START_SECONDS} s. {log_end(log)}")
