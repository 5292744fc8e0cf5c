"""Measure runs of one cluster by its number of nodes, and draw the figures.

Run it with ``make benchmark-nodes``. It keeps the figures in ``nodes.json`` beside this file, and writes the table and the plot of
``docs/scale.md`` from them; ``--draw`` writes these alone.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from bench import HERE, Bench, Size

FIGURES = HERE / "nodes.json"
PAGE = HERE.parents[1] / "docs/scale.md"
PLOT = PAGE.with_suffix(".svg")
# Leaves by number of nodes. More than 12 leaves need several L3Outs.
LEAVES = {6: 4, 192: 12, 1000: 80}
COLOURS = {
    "plan": "#2b5797",
    "ACI part, first run": "#8a6100",
    "site, nothing to change": "#3c7a4a",
    "one look of verify": "#9c27b0",
}
PANELS = (("cpu", "CPU seconds"), ("memory", "MiB, largest process"), ("read", "MiB read from APIC"))
WIDTH, HEIGHT, LEFT, TOP = 300, 230, 44, 34


def _measure(nodes: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of each run."""
    with ExitStack() as stack:
        bench = Bench(stack, Size("standard", LEAVES[nodes], nodes)).slow()
        plan, push = bench.run("plan"), bench.run("site", "--tags", "aci")
        bench.run("site")
        unchanged = bench.run("site")
        # The emulator has no BGP daemons: verify looks once, and reports all sessions.
        look = bench.run("verify", "-e", "aci_calico_verify_timeout=0", check=False)
        for run, found in zip(COLOURS, (plan, push, unchanged, look), strict=True):
            used = found.used
            figures = {"seconds": round(used.seconds, 1), "cpu": round(used.cpu, 1), "memory": round(used.memory)}
            yield {"nodes": nodes, "run": run, **figures, "requests": found.requests, "read": round(found.read / 2**20, 2)}


# --- the page --------------------------------------------------------------------------------------------------------


def _table(figures: list[dict[str, Any]]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| Nodes | Run | CPU | Memory | Requests | Read from APIC |", "|---|---|---|---|---|---|"]
    for one in figures:
        used = f"{one['cpu']} s | {one['memory']} MiB"
        lines.append(f"| {one['nodes']} | {one['run']} | {used} | {one['requests']} | {one['read']} MiB |")
    return "\n".join(lines)


def _plot(figures: list[dict[str, Any]]) -> str:
    """Return the figures as SVG: a panel for each measure, a line for each run."""
    width = WIDTH * len(PANELS)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 24}" width="{width}" height="{HEIGHT + 24}" role="img"'
        ' aria-label="Runs by number of nodes" font-family="system-ui, sans-serif" font-size="11" fill="#5b6770">',
        "<title>Runs by number of nodes</title>",
    ]
    for number, (measure, name) in enumerate(PANELS):
        lines += _panel(figures, measure, name, number * WIDTH)
    for number, (run, colour) in enumerate(COLOURS.items()):
        lines.append(f'<text x="{LEFT + 200 * number}" y="{HEIGHT + 16}" fill="{colour}">{run}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(figures: list[dict[str, Any]], measure: str, name: str, left: int) -> Iterator[str]:
    most, widest = max(one[measure] for one in figures) or 1, max(one["nodes"] for one in figures)
    across, down = WIDTH - LEFT - 20, HEIGHT - TOP - 26

    def point(nodes: int, value: float) -> tuple[float, float]:
        return round(left + LEFT + across * nodes / widest, 1), round(TOP + down * (1 - value / most), 1)

    yield f'<text x="{left + LEFT}" y="{TOP - 14}">{name}</text>'
    for value in (0, most / 2, most):
        x, y = point(0, value)
        yield f'<line x1="{x}" y1="{y}" x2="{x + across}" y2="{y}" stroke="#c9ced3"/>'
        yield f'<text x="{x - 5}" y="{y + 4}" text-anchor="end">{value:.3g}</text>'
    for nodes in sorted({one["nodes"] for one in figures}):
        x, y = point(nodes, 0)
        yield f'<text x="{x}" y="{y + 16}" text-anchor="middle">{nodes}</text>'
    for run, colour in COLOURS.items():
        points = [point(one["nodes"], one[measure]) for one in figures if one["run"] == run]
        path = " ".join(f"{x},{y}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points)


def draw(figures: list[dict[str, Any]]) -> None:
    """Write the plot, and the table between the comments of the page."""
    PLOT.write_text(_plot(figures), encoding="utf-8")
    begin, end = "<!-- figures of nodes -->\n", "<!-- end of figures -->"
    text = PAGE.read_text(encoding="utf-8")
    table = f"{begin}{_table(figures)}\n{end}"
    PAGE.write_text(re.sub(f"{begin}.*?{end}", lambda _found: table, text, flags=re.DOTALL), encoding="utf-8")


def main() -> None:
    """Measure, keep, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", nargs="*", type=int, choices=LEAVES, default=[*LEAVES], help="numbers of nodes")
    parser.add_argument("--draw", action="store_true", help="draw the kept figures, and measure nothing")
    options = parser.parse_args()
    known = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else []
    for nodes in () if options.draw else options.nodes:
        known = [one for one in known if one["nodes"] != nodes] + list(_measure(nodes))
        known.sort(key=lambda one: one["nodes"])
        FIGURES.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    print(_table(known))
    draw(known)


if __name__ == "__main__":
    main()
