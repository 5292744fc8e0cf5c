"""What a run takes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Used:
    """Seconds, CPU seconds of all processes of a run, and the memory of the largest one in MiB."""

    seconds: float
    cpu: float
    memory: float


def timed(command: Sequence[str], folder: Path, environment: Mapping[str, str], check: bool = True) -> Used:
    """Run a command to its end, and return what it took.

    :param check: whether to end the benchmark if the command fails.
    """
    with (folder / "output").open("w", encoding="utf-8") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
        _pid, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if check and process.returncode:
        raise SystemExit((folder / "output").read_text(encoding="utf-8")[-4000:])
    return Used(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
