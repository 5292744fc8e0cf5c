"""A cluster of some size, and what runs on it take."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import conftest  # noqa: E402

conftest.pytest_configure()

from integration.site.harness import Cluster, Site, fabric, intent, racks  # noqa: E402
from timing import Used, timed  # noqa: E402

# What a request to a real controller takes longer than to the emulator.
LATENCY = 0.03


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

    def fabric(self) -> dict[str, Any]:
        """Return the lab's fabric with the leaves and VLANs of the cluster."""
        spread = self.variables()["aci_calico_racks"]
        seed = fabric(spread)
        pod = seed["pods"][0]
        pairs = [rack["leaves"] for rack in spread if rack["leaves"] not in pod["vpc_pairs"]]
        pod["vpc_pairs"] += pairs
        pod["leaves"] += [leaf for pair in pairs for leaf in pair]
        seed["vlan_pools"][0]["ranges"] = [[300, max(499, 299 + self.nodes)]]
        return seed


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
        self.cluster: Cluster = self.site.add("bench", size.variables(), kube=kube, seed=size.fabric())
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

    def tasks(self, playbook: str, *options: str) -> list[tuple[str, float, float, float]]:
        """Return each task of a run with its seconds, the CPU seconds of Ansible meanwhile, and those of the task's process."""
        times = self.folder / "times"
        settings = {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "task_times"}
        self.run(playbook, *options, **settings, TASK_TIMES=str(times))
        return [tuple(task) for task in json.loads(times.read_text(encoding="utf-8"))]
