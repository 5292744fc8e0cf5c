"""Run a series: ``make drifts SEED=… COUNT=…``. It goes on where an earlier call with the same seed and folder ended."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import conftest

conftest.pytest_configure()

from drifts.series import play  # noqa: E402


def main() -> int:
    """Play the rounds that are left, print each, and the distribution of times at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=Path("build/drifts"), help="keeps the results of all rounds")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    record = given.folder / f"{given.seed}.jsonl"
    done = [json.loads(line) for line in record.read_text("utf-8").splitlines()] if record.exists() else []

    def report(one: dict[str, Any]) -> None:
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(one) + "\n")
        times = ", ".join(f"{named['seconds']:.2f}" for named in one["named"])
        print(f"{one['number']:>4}  {one['disturbed']:18} {times}  {one['missed'] or ''}{one['wrong'] or ''}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        done = asyncio.run(play(Path(name), given.seed, done, given.count, report))
    return _table(done)


def _table(done: list[dict[str, Any]]) -> int:
    print(f"\n{'':22} {'changes':>8} {'missed':>7} {'wrong':>6} {'median':>7} {'95 %':>6} {'99 %':>6} {'max':>6} {'> 2 s':>6}")
    kinds = sorted({one["disturbed"] for one in done})
    for kind in kinds:
        _line(kind or "subscribed", [one for one in done if one["disturbed"] == kind])
    _line("all", done)
    return 1 if any(one["missed"] or one["wrong"] for one in done) else 0


def _line(title: str, rounds: Iterable[dict[str, Any]]) -> None:
    rounds = list(rounds)
    times = sorted(named["seconds"] for one in rounds for named in one["named"])
    missed, wrong = (sum(len(one[what]) for one in rounds) for what in ("missed", "wrong"))
    shares = [times[min(len(times) - 1, int(len(times) * share))] if times else 0 for share in (0.5, 0.95, 0.99, 1)]
    late = sum(one > 2 for one in times)
    print(
        f"{title:22} {len(times) + missed:>8} {missed:>7} {wrong:>6} "
        + " ".join(f"{one:>6.2f}" for one in shares)
        + f" {late:>6}"
    )


if __name__ == "__main__":
    sys.exit(main())
