"""Run a series: ``make chaos SEED=… STEPS=…``. It goes on where an earlier call with the same seed and folder ended."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import conftest

conftest.pytest_configure()

from chaos.steps import STEPS, play  # noqa: E402
from chaos.world import World, servers  # noqa: E402


def main() -> int:
    """Play the steps that are left, print each, and a table at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--kinds", default=",".join(STEPS), help="kinds of steps, separated by commas")
    parser.add_argument("--folder", type=Path, default=Path("build/chaos"), help="keeps the results of all steps")
    given = parser.parse_args()
    kinds = given.kinds.split(",")
    given.folder.mkdir(parents=True, exist_ok=True)
    record = given.folder / f"{given.seed}-{'-'.join(kinds)}.jsonl"
    done = [json.loads(line) for line in record.read_text("utf-8").splitlines()] if record.exists() else []
    with tempfile.TemporaryDirectory() as name:
        apic, kube = servers(Path(name))
        with apic, kube:
            world = World(Path(name), apic, kube)
            for number in range(len(done) + 1, given.steps + 1):
                started = time.monotonic()
                step = play(world, given.seed, number, kinds)
                done.append(vars(step))
                with record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(vars(step)) + "\n")
                end = "; ".join(step.wrong) or "whole"
                print(f"{number:>4} {time.monotonic() - started:>6.1f} s  {step.what:24} {step.outcome:60} {end}", flush=True)
    return _table(done)


def _table(done: list[dict]) -> int:
    counts = Counter(step["what"] for step in done)
    wrong = Counter(step["what"] for step in done if step["wrong"])
    print(f"\n{'step':28} {'number':>6} {'wrong':>6}")
    for what in sorted(counts):
        print(f"{what:28} {counts[what]:>6} {wrong[what]:>6}")
    print(f"{'all':28} {len(done):>6} {sum(wrong.values()):>6}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
