"""Let each leaf of the eight-rack example go and come back in the twin, and ask about all others meanwhile.

Run it with ``make departures`` as root. It takes about ten minutes, goes on where it was stopped, and begins anew with another seed.
Each leaf closes its sessions first, as in a graceful upgrade, or loses its power. The table shows the longest interruption of eight
flows through its rack, sampled every 20 ms.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "collections")]

from integration.verify.live import Json, Live, live  # noqa: E402

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.departure import Departure  # noqa: E402
from lab.twin.bench import eventually  # noqa: E402

PLAN: Json = json.loads((ROOT / "tests/golden/eight_racks/wide1/plan.json").read_text(encoding="utf-8"))
LEAVES = [leaf["id"] for leaf in PLAN["leaves"]]
STATE = ROOT / "build" / "departures.json"
HEAD = "| Leaf | Goes by | Others refused | Longest interruption |\n|---|---|---|---|"


def main() -> int:
    """Go on with the departures that are left, and return 1 if a wrong leaf was refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    rng = random.Random(seed)
    wanted = [(leaf, rng.choice(["closing its sessions", "losing power"])) for leaf in rng.sample(LEAVES, len(LEAVES))]
    state = json.loads(STATE.read_text()) if STATE.exists() else {}
    rows = state.get(str(seed), [])
    if len(rows) < len(wanted):
        with tempfile.TemporaryDirectory() as folder, live(Path(folder), PLAN) as made:
            made.bench.settle()
            for leaf, how in wanted[len(rows) :]:
                rows.append(_depart(made, leaf, how))
                print(rows[-1], flush=True)
                STATE.parent.mkdir(exist_ok=True)
                STATE.write_text(json.dumps({**state, str(seed): rows}))
    print("\n".join([HEAD, *(f"| {leaf} | {how} | {refused} | {longest:.2f} s |" for leaf, how, refused, longest in rows)]))
    return 1 if any(refused != [_partner(leaf)] for leaf, __, refused, __ in rows) else 0


def _partner(leaf: int) -> int:
    return next(other for rack in PLAN["racks"] if leaf in rack["leaves"] for other in rack["leaves"] if other != leaf)


def _depart(made: Live, leaf: int, how: str) -> tuple[int, str, list[int], float]:
    """Let one leaf go and come back, and return the table's row."""
    assert not Departure(PLAN, made.aci()).problems([leaf]), f"leaf {leaf} may go: all is well"
    handed_over = _refused(Departure(PLAN, made.aci(), [leaf]), leaf)
    near = next(rack["nodes"] for rack in PLAN["racks"] if leaf in rack["leaves"])
    far = next(rack["nodes"] for rack in PLAN["racks"] if leaf not in rack["leaves"])
    pairs = [*zip(near, far, strict=True), *zip(far, near, strict=True)] * 2
    name = f"leaf-{leaf}"
    with ExitStack() as stack:
        flows = [stack.enter_context(made.bench.flow(one, made.pod(other), "-I", made.pod(one))) for one, other in pairs]
        for step in (["drain"] if how.startswith("closing") else []) + ["off", "kill"]:
            made.bench.twin.ask(step, machine=name)
        eventually(lambda: not _established(made.aci(), leaf))
        gone = _refused(Departure(PLAN, made.aci()), leaf)
        for step in ("on", "start"):
            made.bench.twin.ask(step, machine=name)
        made.bench.settle()
    return leaf, how, sorted({*handed_over, *gone}) if handed_over == gone else [-1], max(longest for (longest,) in flows)


def _refused(departure: Departure, gone: int) -> list[int]:
    return [leaf for leaf in LEAVES if leaf != gone and departure.problems([leaf])]


def _established(aci: Json, leaf: int) -> list[str]:
    sessions = aci["leaves"].get(str(leaf), {"sessions": []})["sessions"]
    return [state["address"] for state in sessions if state["state"] == "established"]


if __name__ == "__main__":
    sys.exit(main())
