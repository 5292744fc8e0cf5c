"""The time that a run takes."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Return seconds, and CPU seconds of the processes that a run starts."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run()
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
