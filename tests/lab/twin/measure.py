"""Measure the twin: python tests/lab/twin/measure.py [RUNS].

Prints the least, the median and the most of several runs: start from nothing, lifetime of a dead node's routes, effect
of a BIRD crash, and interruption of flows when a leaf ends.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

if __name__ == "__main__":
    # Started as a file: replace the folder on the path by the parent of the package ``lab``.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from lab.kube.interface import MERGE_PATCH
from lab.twin.bench import Bench, bench, eventually
from lab.twin.paper import Figure, scaled

LEAVES = ("leaf-201", "leaf-202", "leaf-203", "leaf-204", "leaf-101")
BLOCK = "10.1.0.0/26"  # of node-1
# Several of each kind, because each flow takes only one of the possible paths.
FLOWS = (
    *(("node-4", "10.1.0.1", "-I", "10.1.0.193") for __ in range(4)),
    *(("endpoint", "10.1.0.1") for __ in range(2)),
    *(("node-1", "192.0.2.10") for __ in range(2)),
)


def bring_up(figure: Figure) -> float:
    """Return the seconds from the start of the twin until every machine has every route."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with bench(Path(folder), figure) as made:
            made.settle()
            return time.monotonic() - started


def node_death(made: Bench) -> float:
    """Return the seconds until the routes of a node without power are gone from every leaf."""
    started = time.monotonic()
    made.twin.ask("off", machine="node-1")
    eventually(lambda: not any(BLOCK in made.routes(leaf) for leaf in LEAVES), every=0.02)
    took = time.monotonic() - started
    made.twin.ask("on", machine="node-1")
    made.settle()
    return took


def bird_crash(made: Bench) -> float:
    """Return the number of route changes on a near and a far leaf while BIRD is away for a second."""
    with made.watched_routes("leaf-201") as near, made.watched_routes("leaf-101") as far:
        made.twin.ask("kill", machine="node-1")
        time.sleep(1)
        made.twin.ask("start", machine="node-1")
        made.settle()
        time.sleep(2)
    return float(sum("10.1." in line or "192.168.8" in line for line in (*near, *far)))


def killed_for_good(made: Bench, restart_time: int) -> float:
    """Return the seconds until the routes of a node whose BIRD was killed are gone from a leaf of its rack.

    BIRD announces the restart time when a session begins, so it is restarted first.
    """
    for peer in (one for one in Figure().objects() if one["kind"] == "BGPPeer"):
        made.kube.request("PATCH", made.kube.path(peer), {"spec": {"maxRestartTime": f"{restart_time}s"}}, MERGE_PATCH)
    time.sleep(5)
    made.twin.ask("kill", machine="node-1")
    made.twin.ask("start", machine="node-1")
    time.sleep(5)
    made.settle()
    started = time.monotonic()
    made.twin.ask("kill", machine="node-1")
    eventually(lambda: BLOCK not in made.routes("leaf-201"), every=0.02)
    took = time.monotonic() - started
    made.twin.ask("start", machine="node-1")
    made.settle()
    return took


def power_cut(made: Bench) -> float:
    """Return the seconds that flows are interrupted when a leaf falls silent and its neighbours must notice."""
    return interruption(made, lambda: None)


def reload(made: Bench) -> float:
    """Return the seconds that flows are interrupted when a leaf ends its sessions before it leaves."""
    return interruption(made, lambda: made.twin.ask("drain", machine="leaf-201"))


def interruption(made: Bench, before: Callable[[], object], flows_: Iterable[tuple[str, ...]] = FLOWS) -> float:
    """Return the longest interruption of flows that leaf 201 and its pair carry."""
    with ExitStack() as stack:
        flows = [stack.enter_context(made.flow(*it)) for it in flows_]
        before()
        made.twin.ask("off", machine="leaf-201")
        made.twin.ask("kill", machine="leaf-201")
        time.sleep(6)
    made.twin.ask("on", machine="leaf-201")
    made.twin.ask("start", machine="leaf-201")
    made.settle()
    return max(longest for (longest,) in flows)


def show(what: str, figures: list[float]) -> None:
    least, median, most = min(figures), statistics.median(figures), max(figures)
    print(f"{what:55} {least:6.2f} {median:6.2f} {most:6.2f}   ({len(figures)} runs)", flush=True)


def main(runs: int) -> None:
    print(f"{'':55} {'least':>6} {'median':>6} {'most':>6}")
    for what, figure in (
        ("6 nodes, floating SVI, from nothing (s)", Figure()),
        ("6 nodes, standard SVI, from nothing (s)", Figure(floating=False)),
        ("64 nodes behind 4 leaves, from nothing (s)", scaled(2, 32)),
    ):
        show(what, [bring_up(figure) for __ in range(3)])
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder), Figure()) as made:
        made.settle()
        for what, measure in (
            ("routes of a dead node gone from every leaf (s)", node_death),
            ("route changes while BIRD crashes and comes back", bird_crash),
            ("interruption of flows when a leaf reloads (s)", reload),
            ("interruption of flows when a leaf loses power (s)", power_cut),
        ):
            show(what, [measure(made) for __ in range(runs)])
        for seconds in (5, 20, 120):
            what = f"routes after BIRD was killed, restart time {seconds} s (s)"
            show(what, [killed_for_good(made, seconds) for __ in range(min(runs, 3))])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
