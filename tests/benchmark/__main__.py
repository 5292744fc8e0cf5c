"""Measure the collection and a playbook of cisco.aci's modules that configures the same cluster.

Run it with ``make benchmark``. Each request to APIC takes 30 ms longer than the emulator needs, as on a real
controller. Timings depend on the machine: nothing is asserted, a table is printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "integration" / "site")]

from harness import Cluster, Site, intent, racks  # noqa: E402

LATENCY = 0.03


def _standard(leaves: int, nodes: int) -> dict[str, Any]:
    """Return a cluster with standard SVIs and evenly spread nodes."""
    count = leaves // 2
    vlans = f"300-{299 + nodes}"
    return intent("standard", racks(count, nodes // count), vlan=vlans, node_subnets=["192.168.0.0/20"]) | {
        "aci_calico_service_subnets": ["192.168.16.0/22"],
        "aci_calico_external_service_subnets": ["192.168.24.0/24"],
    }


def _measure(cluster: Cluster, run: Callable[[], object]) -> tuple[float, int, int]:
    """Return seconds, requests to APIC, and the number of requests that write."""
    cluster.apic.log.clear()
    started = time.perf_counter()
    run()
    seconds = time.perf_counter() - started
    entries = cluster.apic.log.entries
    writes = [entry for entry in entries if entry["method"] != "GET" and "/aaa" not in entry["path"]]
    return seconds, len(entries), len(writes)


def _show(what: str, leaves: int, nodes: int, figures: tuple[float, int, int]) -> None:
    seconds, requests, writes = figures
    print(f"{what:38} {leaves:>6} {nodes:>6} {seconds:>9.1f} {requests:>9} {writes:>7}", flush=True)


def _ours(leaves: int, nodes: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), forked=False) as site:
        cluster = site.add("bench", _standard(leaves, nodes))
        cluster.apic.misbehave("latency", seconds=LATENCY, count=0)
        _show("plan", leaves, nodes, _measure(cluster, lambda: site.run("plan")))
        for what, options in (
            ("ACI part, first run", ("--tags", "aci")),
            ("ACI part, second run", ("--tags", "aci")),
            ("site, with Calico for the first time", ()),
            ("site again", ()),
        ):
            _show(what, leaves, nodes, _measure(cluster, lambda options=options: site.run("site", *options)))
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), forked=False) as site:
        cluster = site.add("bench", _standard(leaves, nodes))
        cluster.apic.misbehave("latency", seconds=LATENCY, count=0)
        _show("site from nothing", leaves, nodes, _measure(cluster, lambda: site.run("site")))


def _theirs(leaves: int, nodes: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), forked=False) as site:
        cluster = site.add("bench", _standard(leaves, nodes), kube=False)
        site.run("plan")
        cluster.apic.misbehave("latency", seconds=LATENCY, count=0)
        plan = Path(folder) / "artifacts/bench/plan.json"
        for what in ("cisco.aci modules, first run", "cisco.aci modules, second run"):
            run = _measure(cluster, lambda: site.run(HERE / "cisco_aci.yml", "-e", f"plan_file={plan}"))
            _show(what, leaves, nodes, run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=["4x6", "4x32", "12x192"], help="LEAVESxNODES")
    parser.add_argument("--most-compared", type=int, default=32, help="largest number of nodes for cisco.aci's modules")
    options = parser.parse_args()
    print(f"{'':38} {'leaves':>6} {'nodes':>6} {'seconds':>9} {'requests':>9} {'writes':>7}")
    for size in options.sizes:
        leaves, nodes = map(int, size.split("x"))
        _ours(leaves, nodes)
        if nodes <= options.most_compared:
            _theirs(leaves, nodes)


if __name__ == "__main__":
    main()
