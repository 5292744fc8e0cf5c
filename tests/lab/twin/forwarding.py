"""Measure forwarding with local and central peering: python tests/lab/twin/forwarding.py [--write].

Next hops are read from the leaves' BGP tables. Flows are hashed in a model over these next hops, because FRR and the kernel join
equal resolved next hops, and the twin cannot see which leaf of a pair a host sends to. With ``--write`` the tables go to the page.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__":
    # Started as a file: replace the folder on the path by the parent of the package ``lab``.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from lab.twin.bench import Bench, bench
from lab.twin.measure import interruption
from lab.twin.paper import Figure, scaled

PAGE = Path(__file__).resolve().parents[3] / "docs" / "choosing_svi.md"
BEGIN, END = "<!-- forwarding: begin -->\n", "<!-- forwarding: end -->\n"
SERVICE = "192.168.8.10"
FLOWS = 10_000
COMPUTE = 101
Leaves = tuple[int, ...]
Hops = Mapping[int, list[str]]  # by leaf: names of nodes and numbers of leaves

# Three racks of three nodes. Nodes 3 and 9 are behind a pair of leaves without anchors, wherever they peer.
FIGURE = replace(scaled(3, 3), serving=(1, 2, 3, 4, 7, 9))
AWAY, AWAY_LEAVES = (3, 9), (103, 104)
SCENARIOS = {
    "by rack": FIGURE,
    "by rack, propagated": replace(FIGURE, next_hop_propagation=True),
    "central": replace(FIGURE, central=True),
    "central, propagated": replace(FIGURE, central=True, next_hop_propagation=True),
}


def places(figure: Figure, away: Leaves = ()) -> dict[str, Leaves]:
    """Return the leaves to which each node is connected.

    :param away: the nodes that are behind leaves without anchors.
    """
    found: dict[str, Leaves] = {f"node-{node}": rack.leaves for rack in figure.racks for node in rack.nodes}
    return found | {f"node-{node}": AWAY_LEAVES for node in away}


def cabled(folder: Path, where: Mapping[str, Leaves]) -> Path:
    """Write the cabling of the nodes into the folder of a twin that is not running, and return the folder."""
    cables = {node: {"rack": leaves, "vlan": 300, "mtu": 9000} for node, leaves in where.items()}
    (folder / "cabling.json").write_text(json.dumps({"vrf": None, "cables": cables}), encoding="utf-8")
    return folder


def next_hops(made: Bench, leaf: int, prefix: str) -> list[str]:
    """Return the next hops of a prefix in a leaf's BGP table: nodes by name, other leaves by number."""
    answer = json.loads(made.daemons_of(f"leaf-{leaf}", "bgpd", f"show bgp ipv4 unicast {prefix} json") or "{}")
    used = [path for path in answer.get("paths", []) if path.get("multipath") or path.get("bestpath", {}).get("overall")]
    return sorted({_name(hop["ip"]) for path in used for hop in path["nexthops"][:1]}, key=_number)


def _name(address: str) -> str:
    last = address.rpartition(".")[2]
    return last if address.startswith("169.254.") else f"node-{last}"


def _number(name: str) -> int:
    return int(re.findall(r"\d+", name)[-1])


def journey(hops: Hops, where: Mapping[str, Leaves], entry: int, flow: int) -> tuple[str, list[int]]:
    """Return the node that a flow reaches, and the leaves on its way.

    Each leaf hashes the flow over its next hops. To a node that is connected elsewhere it sends by one of the node's own leaves.
    """
    way = [entry]
    while True:
        choices = hops[way[-1]]
        hop = choices[_hash(flow, way[-1]) % len(choices)]
        if hop.isdecimal():
            way.append(int(hop))
            continue
        if way[-1] not in where[hop]:
            way.append(where[hop][_hash(flow, hop) % len(where[hop])])
        return hop, way


def _hash(flow: int, place: object) -> int:
    return zlib.crc32(f"{place}/{flow}".encode()) >> 8


def shares(hops: Hops, where: Mapping[str, Leaves], entry: int, flows: int = FLOWS) -> tuple[Counter[str], int]:
    """Return how many flows each node gets, and how many pass a leaf to which neither they nor the node are connected."""
    reached: Counter[str] = Counter()
    detours = 0
    for flow in range(flows):
        node, way = journey(hops, where, entry, flow)
        reached[node] += 1
        detours += len(way) > 2
    return reached, detours


def read(figure: Figure) -> dict[int, list[str]]:
    """Run a figure in the twin, and return the next hops of the service on each leaf, when all have settled."""
    leaves = [*(leaf for rack in figure.anchors for leaf in rack.leaves), COMPUTE]
    with tempfile.TemporaryDirectory() as folder, bench(cabled(Path(folder), places(figure, AWAY)), figure) as made:
        made.settle()
        before: dict[int, list[str]] = {}
        while before != (found := {leaf: next_hops(made, leaf, f"{SERVICE}/32") for leaf in leaves}) or not all(found.values()):
            before = found
            time.sleep(3)
        return before


def forwarding() -> Iterable[str]:
    """Yield the table of next hops and the table of shares."""
    measured = {name: read(figure) for name, figure in SCENARIOS.items()}
    serving = [f"node-{number}" for number in FIGURE.serving]
    yield from _table(
        ("", "Leaves", "Next hops"),
        (
            (name, ", ".join(map(str, leaves)), ", ".join(hops))
            for name, found in measured.items()
            for hops, leaves in _alike(found).items()
        ),
    )
    yield ""
    where = places(FIGURE, AWAY)
    rows = []
    for name, found in measured.items():
        reached, detours = shares(found, where, COMPUTE)
        rows.append((name, *(str(reached[node]) for node in serving), f"{100 * detours / FLOWS:.0f} %"))
    yield from _table(("", *serving, "Detour"), rows)


def _alike(found: Hops) -> dict[tuple[str, ...], list[int]]:
    groups: dict[tuple[str, ...], list[int]] = {}
    for leaf, hops in found.items():
        groups.setdefault(tuple(hops), []).append(leaf)
    return groups


def failures() -> Iterable[str]:
    """Yield the table of central peering with 64 nodes in four racks, of which one has the anchors."""
    figures = {
        "without next-hop propagation": replace(scaled(4, 16), central=True),
        "with it": replace(scaled(4, 16), central=True, next_hop_propagation=True),
    }
    return _table(("64 nodes, central peering", *COLUMNS), ((name, *_failure(figure)) for name, figure in figures.items()))


COLUMNS = ("From nothing", "An anchor reloads", "An anchor loses power", "It is back")


def _failure(figure: Figure) -> Iterable[str]:
    """Measure the start, the interruption of flows by the end of an anchor, and the time until all is settled again."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, bench(cabled(Path(folder), places(figure)), figure) as made:
        made.settle()
        yield f"{time.monotonic() - started:.1f} s"
        # To pods behind an anchor and behind other leaves, several of each, because each flow takes one path.
        flows = [
            *(("endpoint", pod) for pod in ("10.1.0.1", "10.1.4.1", "10.1.15.193") for __ in range(2)),
            ("node-1", "192.0.2.10"),
        ]
        yield f"{interruption(made, lambda: made.twin.ask('drain', machine='leaf-201'), flows):.2f} s"
        yield f"{interruption(made, lambda: None, flows):.2f} s"
        made.twin.ask("kill", machine="leaf-201")
        made.twin.ask("start", machine="leaf-201")
        started = time.monotonic()
        made.settle()
        yield f"{time.monotonic() - started:.1f} s"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    header = list(header)
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]


def main(write: bool) -> None:
    """Print the tables, or write them into the page."""
    text = "\n".join([*forwarding(), "", *failures()]) + "\n"
    print(text)
    if write:
        before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(before + begin + text + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
