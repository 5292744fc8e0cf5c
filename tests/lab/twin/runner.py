"""Control the twin from other processes: start, query, enter and stop it by the records in its folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.processes import Process
from lab.twin import control
from lab.twin.model import TwinError

PROGRAM = Path(__file__).resolve().parent
START_SECONDS = 90
# The variable with the password of APIC's user, which a command line would show to everybody.
PASSWORD_VARIABLE = "ACI_CALICO_TWIN_APIC_PASSWORD"


class TwinRunner:
    """The twin whose state is in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._record = self.folder / "process.json"

    def up(self, arguments: list[str], **environment: str) -> None:
        """Start the supervisor unless it runs, and wait until it accepts commands."""
        if self._process():
            return
        if self.folder.is_relative_to("/run") or self.folder.is_relative_to("/var/run"):
            raise TwinError(
                "the twin's folder cannot be below /run, because the twin has its own file system there; choose another --dir"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / control.NAME).unlink(missing_ok=True)
        # Everything in these namespaces ends with their first process, however it ends.
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL"]
        command = [*namespaces, sys.executable, str(PROGRAM), "supervise", "--dir", str(self.folder), *arguments]
        process = Process.start(command, self._log, **environment)
        self._record.write_text(json.dumps(asdict(process)) + "\n", encoding="utf-8")
        self._await(process)

    def down(self) -> bool:
        """Stop the supervisor and everything in it; return True if it ran."""
        process = self._process()
        if process:
            process.stop()
        for name in (self._record, self.folder / control.NAME):
            name.unlink(missing_ok=True)
        return process is not None

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        return control.ask(self.folder / control.NAME, command, **arguments)

    def running(self) -> bool:
        return self._process() is not None

    def wait_for_sessions(self, seconds: float) -> dict[str, Any]:
        """Return the status as soon as every session is up, or after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            report = self.ask("status")
            if converged(report) or time.monotonic() >= deadline:
                return report
            time.sleep(0.2)

    def command_in(self, machine: str, argv: list[str]) -> list[str]:
        """Return the command line that runs a command in a machine's network namespace."""
        target = f"--target={self.supervisor()}"
        return ["nsenter", target, "--mount", "nsenter", f"--net=/run/netns/{machine}", *argv]

    def run_in(self, machine: str, *argv: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command in a machine's network namespace and wait for it."""
        command = self.command_in(machine, list(argv))
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    @property
    def _log(self) -> Path:
        return self.folder / "twin.log"

    def _process(self) -> Process | None:
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        process = Process(record["pid"], record["birth"])
        return process if process.alive() else None

    def supervisor(self) -> int:
        """Return the process id of the supervisor, the only child of the process that ``up`` started."""
        process = self._process()
        if not process:
            raise TwinError("the twin does not run")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        if not children:
            raise TwinError("the twin's supervisor has ended")
        return int(children[0])

    def _await(self, process: Process) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not process.alive():
                break
            if (self.folder / control.NAME).exists():
                with suppress(TwinError):  # the socket exists a moment before the supervisor listens
                    self.ask("status")
                    return
            time.sleep(0.02)
        process.stop()
        end = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
        raise TwinError("the supervisor did not start; its log ends with:\n" + "\n".join(end))


def converged(report: Mapping[str, Any]) -> bool:
    """Return True if there are sessions and all of them are up."""
    sessions = report.get("sessions", [])
    return bool(sessions) and all(session["state"] == "Established" for session in sessions)


def table(report: Mapping[str, Any]) -> str:
    """Return the sessions by node, MD5 failures and problems, as lines for the user."""
    sessions = report.get("sessions", [])
    lines = [f"{it['node']:20} {it['peer']:40} {it['state']:12} {it['info']}".rstrip() for it in sessions]
    lines.append(f"{sum(it['state'] == 'Established' for it in sessions)} of {len(sessions)} sessions established")
    lines += [f"MD5 failures on leaf {leaf}: {count}" for leaf, count in report.get("md5_failures", {}).items() if count]
    lines += [f"problem: {problem}" for problem in report.get("problems", [])]
    return "\n".join(lines)
