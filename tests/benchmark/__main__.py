"""Measure the collection, one blind task of cisco.aci, a playbook of its modules, and acc-provision if it is installed.

Run it with ``make benchmark``. Each request to APIC takes 30 ms longer than the emulator needs, as on a real controller. Timings
depend on the machine: nothing is asserted, a table is printed. The runs of a size alternate, in several rounds; the table has
the smallest figures of each, and how they compare with those of the blind task.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import yaml
from bench import HERE, Bench, Measured, Size, size
from timing import Used

FIRST, AGAIN = ", first run", ", second run"
BLIND = "one blind aci_rest task"
FLAVOUR = "calico-3.26.3"


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
    """Print what each task of a ``site`` that changes nothing takes."""
    with ExitStack() as stack:
        bench = Bench(stack, size)
        bench.run("site")
        bench.slow()
        print(f"\n{'seconds':>8} {'Ansible':>8} {'process':>8}  Tasks of site, nothing to change: {size}")
        for task, *figures in bench.tasks("site"):
            print(*(f"{figure:>8.2f}" for figure in figures), "", task, flush=True)


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
