"""Measure the collection, one blind task of cisco.aci, a playbook of its modules, and acc-provision if it is installed.

Run it with ``make benchmark``. Each request to APIC takes 30 ms longer than the emulator needs, as on a real controller. Timings
depend on the machine: nothing is asserted, a table is printed. The runs of a size alternate, in several rounds; the table has
the smallest figures of each, and how they compare with those of the blind task.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import conftest  # noqa: E402

conftest.pytest_configure()

from integration.site.harness import Cluster, Site, intent, racks  # noqa: E402
from timing import Used, timed  # noqa: E402

LATENCY = 0.03
FIRST, AGAIN = ", first run", ", second run"
BLIND = "one blind aci_rest task"
FLAVOUR = "calico-3.26.3"


class Size(NamedTuple):
    """A kind of SVI with numbers of leaves and nodes."""

    kind: str
    leaves: int
    nodes: int

    def __str__(self) -> str:
        return f"{self.kind} SVI, {self.nodes} nodes behind {self.leaves} leaves"

    def variables(self) -> dict[str, Any]:
        """Return the variables of a cluster with evenly spread nodes."""
        count = self.leaves // 2
        spread = racks(count, self.nodes // count)
        if self.kind == "floating":
            return intent("floating", spread)
        return intent("standard", spread, vlan=f"300-{299 + self.nodes}", node_subnets=["10.128.0.0/17"]) | {
            "aci_calico_service_subnets": ["192.168.16.0/22"],
            "aci_calico_external_service_subnets": ["192.168.24.0/24"],
        }


def size(text: str) -> Size:
    """Return a size from ``KIND:LEAVESxNODES``."""
    kind, _colon, amounts = text.partition(":")
    leaves, nodes = map(int, amounts.split("x"))
    return Size(kind, leaves, nodes)


class Measured(NamedTuple):
    """What a run took, its requests to APIC, those of them that write, and the bytes that APIC answered."""

    used: Used
    requests: int
    writes: int
    read: int


class Bench:
    """A cluster with servers of its own, and the runs on it."""

    def __init__(self, stack: ExitStack, size: Size, kube: bool = True) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.site = stack.enter_context(Site(self.folder, forked=False))
        self.cluster: Cluster = self.site.add("bench", size.variables(), kube=kube)
        self.artifacts = self.folder / "artifacts/bench"

    def slow(self) -> Bench:
        """Let each request to APIC take longer from now on."""
        self.cluster.apic.misbehave("latency", seconds=LATENCY, count=0)
        return self

    def run(self, playbook: str | Path, *options: str, check: bool = True, **settings: str) -> Measured:
        """Measure a playbook.

        :param settings: environment variables.
        """
        return self.measure(self.site.command(playbook, *options), self.site.environment() | settings, check)

    def measure(self, command: list[str], environment: dict[str, str], check: bool = True) -> Measured:
        """Measure a command."""
        self.cluster.apic.log.clear()
        used = timed(command, self.folder, environment, check)
        entries = self.cluster.apic.log.entries
        writes = [entry for entry in entries if entry["method"] != "GET" and "/aaa" not in entry["path"]]
        return Measured(used, len(entries), len(writes), sum(entry["out"] for entry in entries))

    def tasks(self, playbook: str, *options: str) -> list[tuple[str, float]]:
        """Return the seconds of each task of a run."""
        times = self.folder / "times"
        settings = {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "task_times"}
        self.run(playbook, *options, **settings, TASK_TIMES=str(times))
        return [(task, seconds) for task, seconds in json.loads(times.read_text(encoding="utf-8"))]


# --- the rounds ------------------------------------------------------------------------------------------------------


def _round(size: Size, compared: bool, provision: str | None) -> Iterator[tuple[str, Measured]]:
    """Yield the runs of a round, by what was run."""
    with ExitStack() as stack:
        ours, blind = Bench(stack, size).slow(), Bench(stack, size, kube=False)
        blind.run("plan")
        blind.slow()
        tree = ("-e", f"tree_file={blind.artifacts / 'apic.json'}")
        yield "ansible-playbook that does nothing", ours.run(HERE / "nothing.yml")
        for which in (FIRST, AGAIN):
            yield BLIND + which, blind.run(HERE / "blind.yml", *tree)
            yield f"ACI part of site{which}", ours.run("site", "--tags", "aci")
        yield "site, with Calico for the first time", ours.run("site")
        yield BLIND + AGAIN, blind.run(HERE / "blind.yml", *tree)
        yield "site, nothing to change", ours.run("site")
        yield "plan", ours.run("plan")
        if provision and size.kind == "floating":
            other = Bench(stack, size, kube=False).slow()
            for which in (FIRST, AGAIN):
                yield f"acc-provision{which}", _provision(other, provision)
        if compared:
            modules = Bench(stack, size, kube=False)
            modules.run("plan")
            modules.slow()
            plan = ("-e", f"plan_file={modules.artifacts / 'plan.json'}")
            for which in (FIRST, AGAIN):
                yield f"cisco.aci modules{which}", modules.run(HERE / "cisco_aci.yml", *plan)


def _provision(bench: Bench, program: str) -> Measured:
    """Run acc-provision for a cluster of the same size."""
    variables = bench.cluster.variables
    racks_ = [
        {
            "id": rack["id"],
            "aci_pod_id": 1,
            "leaf": [{"id": leaf, "local_ip": f"192.168.2.{leaf - 200}"} for leaf in rack["leaves"]],
            "node": [{"name": name} for name in rack["nodes"]],
        }
        for rack in variables["aci_calico_racks"]
    ]
    content = {
        "aci_config": {
            "apic_hosts": [f"127.0.0.1:{bench.cluster.apic.port}"],
            "vrf": {"name": "prod", "tenant": "prod"},  # it requires an external L3Out
            "cluster_l3out": {
                "name": "calico_l3out",
                "aep": "k8s",
                "svi": {"type": "floating", "floating_ip": "192.168.0.254/22", "secondary_ip": "192.168.1.254/22"}
                | {"vlan_id": variables["aci_calico_vlan"], "mtu": 9000},
                "bgp": {
                    "secret": variables["aci_calico_bgp_password"],
                    "peering": {
                        "prefixes": 500,
                        "remote_as_number": variables["aci_calico_cluster_asn"],
                        "aci_as_number": variables["aci_calico_fabric_asn"],
                    },
                },
            },
            "l3out": {"name": "core", "external_networks": ["corporate"]},
        },
        "net_config": {
            "node_subnet": "192.168.0.0/22",
            "pod_subnet": "10.1.0.0/16",
            "extern_dynamic": "192.168.16.0/24",
            "cluster_svc_subnet": "192.168.8.0/22",
        },
        "calico_config": {"net_config": {}},
        "topology": {"rack": racks_},
    }
    config = bench.folder / "acc.yml"
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    user = ["-u", "admin", "-p", "lab-admin"]
    command = [program, "-a", "-c", str(config), "-f", FLAVOUR, "-o", str(bench.folder / "acc-out.yml"), *user]
    return bench.measure(command, dict(os.environ))


def _smallest(found: list[Measured]) -> Measured:
    used = [one.used for one in found]
    least = Used(min(one.seconds for one in used), min(one.cpu for one in used), min(one.memory for one in used))
    return found[0]._replace(used=least)


def _show(found: dict[str, Measured], size: Size) -> None:
    print(f"\n{size!s:44} {'requests':>8} {'writes':>6} {'seconds':>8} {'CPU':>6} {'x blind':>8} {'x its CPU':>9}")
    for what, one in found.items():
        blind = found[BLIND + (FIRST if what.endswith(FIRST) else AGAIN)].used
        ratios = f"{one.used.seconds / blind.seconds:>8.2f} {one.used.cpu / blind.cpu:>9.2f}"
        print(f"{what:44} {one.requests:>8} {one.writes:>6} {one.used.seconds:>8.1f} {one.used.cpu:>6.1f} {ratios}", flush=True)


def _profile(size: Size) -> None:
    """Print the seconds of each task of a ``site`` that changes nothing."""
    with ExitStack() as stack:
        bench = Bench(stack, size)
        bench.run("site")
        bench.slow()
        print(f"\nTasks of site, nothing to change: {size}")
        for task, seconds in bench.tasks("site"):
            print(f"{seconds:>8.2f}  {task}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", nargs="*", type=size, default=[*map(size, ("floating:4x6", "standard:12x192"))], help="KIND:LEAVESxNODES"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each run is measured")
    parser.add_argument("--modules", action="store_true", help="measure a playbook of cisco.aci's modules, too (standard SVI)")
    parser.add_argument("--acc-provision", default=shutil.which("acc-provision"), help="the program, if it is installed")
    options = parser.parse_args()
    for one in options.sizes:
        found: dict[str, list[Measured]] = {}
        for _number in range(options.rounds):
            for what, measured in _round(one, options.modules and one.kind == "standard", options.acc_provision):
                found.setdefault(what, []).append(measured)
        _show({what: _smallest(several) for what, several in found.items()}, one)
        _profile(one)


if __name__ == "__main__":
    main()
