"""Measure the collection, one blind task of cisco.aci, and a playbook of its modules that configure the same cluster.

Run it with ``make benchmark``. Each request to APIC takes 30 ms longer than the emulator needs, as on a real
controller. Timings depend on the machine: nothing is asserted, a table is printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import conftest  # noqa: E402

conftest.pytest_configure()

from integration.site.harness import Cluster, Site, intent, racks  # noqa: E402
from timing import timed  # noqa: E402

LATENCY = 0.03


def _cluster(kind: str, leaves: int, nodes: int) -> dict[str, Any]:
    """Return a cluster with evenly spread nodes."""
    count = leaves // 2
    if kind == "floating":
        return intent("floating", racks(count, nodes // count))
    vlans = f"300-{299 + nodes}"
    return intent("standard", racks(count, nodes // count), vlan=vlans, node_subnets=["192.168.0.0/20"]) | {
        "aci_calico_service_subnets": ["192.168.16.0/22"],
        "aci_calico_external_service_subnets": ["192.168.24.0/24"],
    }


def _measure(cluster: Cluster, run: Callable[[], object]) -> tuple[float, float, int, int]:
    """Return seconds, CPU seconds of Ansible, requests to APIC, and the number of requests that write."""
    cluster.apic.log.clear()
    seconds, cpu = timed(run)
    entries = cluster.apic.log.entries
    writes = [entry for entry in entries if entry["method"] != "GET" and "/aaa" not in entry["path"]]
    return seconds, cpu, len(entries), len(writes)


def _show(what: str, size: tuple[str, int, int], figures: tuple[float, float, int, int]) -> None:
    (kind, leaves, nodes), (seconds, cpu, requests, writes) = size, figures
    print(f"{what:38} {kind:8} {leaves:>6} {nodes:>6} {seconds:>9.1f} {cpu:>6.1f} {requests:>9} {writes:>7}", flush=True)


def _ours(*size: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), forked=False) as site:
        cluster = site.add("bench", _cluster(*size))
        cluster.apic.misbehave("latency", seconds=LATENCY, count=0)
        _show("plan", size, _measure(cluster, lambda: site.run("plan")))
        for what, options in (
            ("ACI part, first run", ("--tags", "aci")),
            ("ACI part, second run", ("--tags", "aci")),
            ("site, with Calico for the first time", ()),
            ("site again", ()),
        ):
            _show(what, size, _measure(cluster, lambda options=options: site.run("site", *options)))
        _show("ansible-playbook that does nothing", size, _measure(cluster, lambda: site.run(HERE / "nothing.yml")))
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), forked=False) as site:
        cluster = site.add("bench", _cluster(*size))
        cluster.apic.misbehave("latency", seconds=LATENCY, count=0)
        _show("site from nothing", size, _measure(cluster, lambda: site.run("site")))


def _blind(*size: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), forked=False) as site:
        cluster = site.add("bench", _cluster(*size), kube=False)
        site.run("plan")
        cluster.apic.misbehave("latency", seconds=LATENCY, count=0)
        tree = Path(folder) / "artifacts/bench/apic.json"
        for what in ("one blind aci_rest task, first run", "one blind aci_rest task, second run"):
            _show(what, size, _measure(cluster, lambda: site.run(HERE / "blind.yml", "-e", f"tree_file={tree}")))


def _theirs(*size: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), forked=False) as site:
        cluster = site.add("bench", _cluster(*size), kube=False)
        site.run("plan")
        cluster.apic.misbehave("latency", seconds=LATENCY, count=0)
        plan = Path(folder) / "artifacts/bench/plan.json"
        for what in ("cisco.aci modules, first run", "cisco.aci modules, second run"):
            run = _measure(cluster, lambda: site.run(HERE / "cisco_aci.yml", "-e", f"plan_file={plan}"))
            _show(what, size, run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", nargs="*", default=["floating:4x6", "standard:4x6", "standard:12x192"], help="KIND:LEAVESxNODES"
    )
    parser.add_argument("--most-compared", type=int, default=32, help="largest number of nodes for cisco.aci's modules")
    options = parser.parse_args()
    print(f"{'':38} {'kind':8} {'leaves':>6} {'nodes':>6} {'seconds':>9} {'CPU':>6} {'requests':>9} {'writes':>7}")
    for size in options.sizes:
        kind, _colon, amounts = size.partition(":")
        leaves, nodes = map(int, amounts.split("x"))
        _blind(kind, leaves, nodes)
        _ours(kind, leaves, nodes)
        if kind == "standard" and nodes <= options.most_compared:
            _theirs(kind, leaves, nodes)


if __name__ == "__main__":
    main()
