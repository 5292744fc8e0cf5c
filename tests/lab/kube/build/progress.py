"""What the build tells, and how it runs programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Lines of a failed program's output that are worth showing.
TAIL = 25


class BuildError(Exception):
    """Something that the build cannot go on without; the message says what and what to do."""


class Progress:
    """Lines with the time that has gone by."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def say(self, text: str) -> None:
        print(f"[{self.seconds:4.0f} s] {text}", file=sys.stderr, flush=True)


def need_programs(programs: Mapping[str, str]) -> None:
    """Raises ``BuildError`` with all missing programs and the Debian packages (the mapping's values) that have them."""
    missing = {program: package for program, package in programs.items() if shutil.which(program) is None}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise BuildError(f"not on this machine: {', '.join(missing)}. On Debian: apt-get install {packages}")


def run(command: list[str], *, why: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Runs ``command`` and returns its output. ``why`` introduces the tail of the output when it fails."""
    return "".join(stream(command, why=why, cwd=cwd, env=env))


def stream(
    command: list[str], *, why: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[str]:
    """As ``run``, but yields each line as it comes."""
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=cwd, env=env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            yield line
    if process.returncode:
        raise BuildError(f"{why}\n{command[0]} ended with {process.returncode}:\n" + "".join(lines[-TAIL:]).rstrip())
