"""Rehearse on the twin, and measure: the planted changes, or one change of a user's own inventory.

``make rehearsals SEED=…`` goes on where an earlier call with the same seed ended, and writes the table of
``docs/development/rehearsals.md``. ``make rehearse INVENTORY=… HOST=… ARGS='-e …'`` measures one change.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import conftest

conftest.pytest_configure()

from ansible.parsing.splitter import parse_kv  # noqa: E402

from lab.twin.machines import missing_prerequisites  # noqa: E402
from rehearsals.changes import PLANTED, WORLDS  # noqa: E402
from rehearsals.own import measure_own  # noqa: E402
from rehearsals.table import PAGE, line, report, with_table  # noqa: E402
from rehearsals.world import Result, world  # noqa: E402


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", default="1", help="chooses the pairs that are probed, and the order of the changes")
    parser.add_argument("--folder", type=Path, default=Path("build/rehearsals"), help="keeps the results")
    parser.add_argument("--only", default="", help="planted changes whose name has this text")
    parser.add_argument("--inventory", type=Path, help="an inventory of your own, as it is deployed")
    parser.add_argument("--host", help="the cluster's host in it")
    parser.add_argument("--changed", type=Path, help="the inventory after the change (default: the same)")
    parser.add_argument("-e", "--extra-vars", action="append", default=[], help="changed variables, as for ansible-playbook")
    given = parser.parse_args()
    if missing := missing_prerequisites():
        sys.exit(f"The twin cannot run on this machine. Missing: {'; '.join(missing)}.")
    given.folder.mkdir(parents=True, exist_ok=True)
    return _own(given) if given.inventory else _series(given)


def _own(given: argparse.Namespace) -> int:
    extra = {name: value for text in given.extra_vars for name, value in _variables(text).items()}
    if not given.host or not (extra or given.changed):
        sys.exit("Name the cluster's host, and the change: variables (-e), another inventory, or both.")
    with tempfile.TemporaryDirectory() as folder:
        deployed, changed = (path.resolve() for path in (given.inventory, given.changed or given.inventory))
        result = measure_own(Path(folder), given.host, deployed, changed, extra)
    (given.folder / f"{given.host}.json").write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    print(report(result))
    return 1 if result.wrong else 0


def _variables(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text.startswith("{") else parse_kv(text)
    return found


def _series(given: argparse.Namespace) -> int:
    """Play the changes that are left, print each, and write the table at the end."""
    record = given.folder / f"{given.seed}.jsonl"
    done = _read(record)
    for name in WORLDS:
        left = [one for one in PLANTED if one.world == name and (name, one.name) not in done and given.only in one.name]
        if not left:
            continue
        with tempfile.TemporaryDirectory() as folder, world(Path(folder), name, given.seed) as made:
            for planted in left:
                started = time.monotonic()
                result = done[name, planted.name] = made.play(planted)
                with record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
                print(f"{time.monotonic() - started:>6.1f} s  {line(result)}", flush=True)
    results = [done.get((one.world, one.name)) or Result(one.name, one.world, beyond=one.beyond) for one in PLANTED]
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), results, given.seed), encoding="utf-8")
    return 1 if any(result.wrong for result in results) else 0


def _read(record: Path) -> dict[tuple[str, str], Result]:
    lines = record.read_text("utf-8").splitlines() if record.exists() else []
    results = [Result(**json.loads(text)) for text in lines]
    return {(one.world, one.name): one for one in results}


if __name__ == "__main__":
    sys.exit(main())
