"""Measure the planning of many clusters: CPU time for each, without that of a run that does nothing.

Run it with ``make benchmark-clusters``. Each cluster has 20 nodes on four leaves, which it shares with nine others.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from timing import timed

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
NODES, ON_LEAF = 20, 10
NODE_SUBNETS, PODS, SERVICES = (int(ipaddress.ip_address(first)) for first in ("20.0.0.0", "30.0.0.0", "40.0.0.0"))
NOTHING = "- hosts: localhost\n  gather_facts: false\n  tasks: []\n"


def cluster(number: int) -> dict[str, Any]:
    """Return the variables of a cluster that is in nobody's way."""
    place, leaf = number % ON_LEAF, 101 + 4 * (number // ON_LEAF)
    racks = [
        {
            "id": str(rack),
            "leaves": [leaf + 2 * rack, leaf + 2 * rack + 1],
            "nodes": [f"n{rack}-{node}" for node in range(NODES // 2)],
        }
        for rack in range(2)
    ]
    variables = {
        "apic_host": ["apic1.example.com"],
        "fabric_asn": 65002,
        "tenant": "k8s",
        "vrf": "calico",
        "l3_domain": "k8s-l3",
        "physical_domain": "k8s",
        "svi": "standard",
        "vlan": f"{300 + NODES * place}-{299 + NODES * (place + 1)}",
        "node_subnets": [f"{ipaddress.ip_address(NODE_SUBNETS + number * 256)}/24"],
        "cluster_asn": 4200000000 + number,
        "pod_subnets": [f"{ipaddress.ip_address(PODS + number * 4096)}/20"],
        "service_subnets": [f"{ipaddress.ip_address(SERVICES + number * 512)}/24"],
        "external_service_subnets": [f"{ipaddress.ip_address(SERVICES + number * 512 + 256)}/24"],
        "bgp_password": "benchmark",
        "racks": racks,
    }
    return {f"aci_calico_{name}": value for name, value in variables.items()}


def inventory(folder: Path, count: int) -> Path:
    """Write an inventory of that many clusters."""
    path = folder / "inventory" / "hosts.yml"
    path.parent.mkdir(exist_ok=True)
    hosts = {f"c{number:03}": cluster(number) for number in range(count)}
    path.write_text(yaml.safe_dump({"aci_calico_clusters": {"hosts": hosts}}), encoding="utf-8")
    return path


def measure(folder: Path, playbook: Path, *options: str) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of a run."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "HOME": str(folder),
    }
    command = [str(ANSIBLE), "-e", f"aci_calico_artifacts_dir={folder}/artifacts", str(playbook), *options]
    used = timed(command, folder, environment)
    return used.seconds, used.cpu


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", nargs="*", type=int, default=[10, 100, 500], help="numbers of clusters")
    counts = parser.parse_args().counts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nothing = folder / "nothing.yml"
        nothing.write_text(NOTHING, encoding="utf-8")
        empty, idle = measure(folder, nothing)
        print(
            f"{'clusters':>8} {'seconds':>8} {'x empty run':>12} {'CPU of one':>11}\n{0:>8} {empty:>8.1f} {1:>12} {idle:>11.2f}",
            flush=True,
        )
        for count in counts:
            seconds, cpu = measure(folder, ROOT / "playbooks/plan.yml", "-i", str(inventory(folder, count)))
            print(f"{count:>8} {seconds:>8.1f} {seconds / empty:>12.1f} {(cpu - idle) / count:>11.3f}", flush=True)


if __name__ == "__main__":
    main()
