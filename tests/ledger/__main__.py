"""Damage allocation files in every way of ``damage``, and fail if one is read as something else than the whole file.

Run it with ``make ledger``. It takes about half an hour of CPU time, goes on where it was stopped, and begins anew if a file
or the reader has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "collections")]

from ledger.damage import KINDS, OTHER, REFUSED, SAME, verdict  # noqa: E402

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.ledger import load_ledger  # noqa: E402

FILES = [
    ROOT / "inventories" / path
    for path in (
        "floating_svi/.allocations/prod1.yml",
        "standard_svi/.allocations/prod2.yml",
        "dual_stack_standard/.allocations/dual2.yml",
    )
]
STATE = ROOT / "build" / "ledger.json"
READERS = [ROOT / "plugins/plugin_utils/planning" / name for name in ("ledger.py", "record.py")]
SAVED_AFTER = 200


def main() -> int:
    """Go on with all files, and return 1 if one was read as something else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=FILES)
    counts: Counter[str] = Counter()
    for path in parser.parse_args().files:
        for kind in KINDS:
            found = _go_on(path, kind)
            print(f"{path.name}: {kind}: {', '.join(f'{found[name]} {name}' for name in (REFUSED, SAME, OTHER))}", flush=True)
            counts += found
    print(f"{counts.total()} files: {', '.join(f'{counts[name]} {name}' for name in (REFUSED, SAME, OTHER))}")
    return 1 if counts[OTHER] else 0


def _go_on(path: Path, kind: str) -> Counter[str]:
    """Try the damage of one kind from where the last run stopped."""
    whole = path.read_bytes()
    ledger, problems = load_ledger(whole.decode(), str(path))
    assert ledger.sealed, problems
    state = json.loads(STATE.read_text()) if STATE.exists() else {}
    content = hashlib.sha256(b"".join([whole, *(reader.read_bytes() for reader in READERS)])).hexdigest()
    key = f"{path.stem} {kind} {content}"
    counts: Counter[str] = Counter(state.get(key, {}))
    cases = itertools.islice(KINDS[kind](whole), counts.total(), None)
    while batch := list(itertools.islice(cases, SAVED_AFTER)):
        for damaged in batch:
            result = verdict(damaged, ledger)
            counts[result] += 1
            if result == OTHER:
                print(f"{path.name}: {kind}: {damaged!r}", file=sys.stderr)
        STATE.parent.mkdir(exist_ok=True)
        STATE.write_text(json.dumps(state | {key: counts}))
    return counts


if __name__ == "__main__":
    sys.exit(main())
