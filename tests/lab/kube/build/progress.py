"""Progress messages of the build, and the programs that it runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Lines of a failed program's output to show.
TAIL = 25


class BuildError(Exception):
    """A problem that stops the build; the message says what is wrong and what to do."""


class Progress:
    """Messages with the elapsed time."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def say(self, text: str) -> None:
        print(f"[{self.seconds:4.0f} s] {text}", file=sys.stderr, flush=True)


def need_programs(programs: Mapping[str, str]) -> None:
    """Raise ``BuildError`` with all missing programs and their Debian packages (the mapping's values)."""
    missing = {program: package for program, package in programs.items() if shutil.which(program) is None}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise BuildError(f"missing programs: {', '.join(missing)}. On Debian: apt-get install {packages}")


def run(command: list[str], *, why: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run ``command`` and return its output. If it fails, ``why`` introduces the end of the output."""
    return "".join(stream(command, why=why, cwd=cwd, env=env))


def stream(command: list[str], *, why: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Do as ``run``, but yield each line as it comes."""
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
