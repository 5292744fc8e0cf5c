"""A cluster of a user's own inventory on the twin: as it is deployed, and after a change."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.world import plant
from integration.site.harness import Cluster, Site
from integration.verify.live import installed

from lab.apic.seed import APIC_PASSWORD
from lab.apic.server import ApicServer
from lab.kube.server import KubeServer
from lab.twin.bench import Bench
from rehearsals.changes import Planted
from rehearsals.world import Result, World, running

PASSWORD = "lab-bgp-password"


class OwnSite(Site):
    """Runs the playbooks with an inventory that exists, against the lab. It writes nothing beside the inventory."""

    def __init__(self, folder: Path, inventory: Path, host: str) -> None:
        super().__init__(folder)
        self.inventory, self._host = inventory, host
        self.extra = {"aci_calico_journal": str(folder / "journal"), "aci_calico_bgp_password": PASSWORD}

    def write(self) -> Path:
        """Return the inventory as it is."""
        return self.inventory

    def command(self, playbook: str | Path, *options: str) -> list[str]:
        return super().command(playbook, "--limit", self._host, *options)

    def record(self) -> None:
        """Use a copy of the cluster's allocation file from now on."""
        place = self.inventory if self.inventory.is_dir() else self.inventory.parent
        kept, recorded = place / ".allocations" / f"{self.plan()['cluster']}.yml", self.folder / "allocation.yml"
        if kept.exists():
            shutil.copy(kept, recorded)
        self.extra["aci_calico_allocation_file"] = str(recorded)

    def plan(self) -> dict[str, Any]:
        """Return the cluster's plan, made offline."""
        recorded, scratch = self.folder / "allocation.yml", self.folder / "scratch.yml"
        scratch.unlink(missing_ok=True)
        if recorded.exists():
            shutil.copy(recorded, scratch)
        self.run("plan", "-e", f"aci_calico_allocation_file={scratch}")
        (path,) = (self.folder / "artifacts").glob("*/plan.json")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def connect(self, apic: ApicServer, kube: KubeServer) -> None:
        """Point the connections at the lab's servers, whatever the inventory says."""
        self.extra |= {
            "aci_calico_apic_host": ["127.0.0.1"],
            "aci_calico_apic_port": apic.port,
            "aci_calico_apic_username": "admin",
            "aci_calico_apic_password": APIC_PASSWORD,
            "aci_calico_apic_private_key": "",
            "aci_calico_apic_use_ssl": True,
            "aci_calico_apic_use_proxy": False,
            "aci_calico_apic_validate_certs": False,
            "aci_calico_kubeconfig": str(kube.kubeconfig),
            "aci_calico_kube_context": "",
            "aci_calico_sessions_timeout": 0,
        }


def fabric_of(*plans: dict[str, Any]) -> dict[str, Any]:
    """Return a fabric that has what plans of a cluster take for granted: leaves, vPCs, domains, VLANs, tenant and VRF."""
    first, pods = plans[0], {}
    for plan in plans:
        for leaf in plan["leaves"]:
            pods.setdefault(leaf["pod"], {})[leaf["id"]] = leaf["rack"]
    seed: dict[str, Any] = {"asn": first["fabric"]["asn"], "users": {"admin": APIC_PASSWORD}, "pods": []}
    racks = {(rack["pod"], rack["id"]): rack for plan in plans for rack in plan["racks"]}
    for pod, leaves in pods.items():
        # The endpoint of the twin is behind a leaf without L3Out.
        compute = next(number for number in range(101, 4000) if number not in leaves)
        pairs = [rack["leaves"] for (where, _rack), rack in racks.items() if where == pod and len(rack["leaves"]) == 2]
        vpcs = {
            node["vpc"]: racks[pod, node["rack"]]["leaves"]
            for plan in plans
            for node in plan["nodes"]
            if node.get("vpc") and (pod, node["rack"]) in racks
        }
        seed["pods"].append({"id": pod, "leaves": sorted({compute, *leaves}), "vpc_pairs": pairs, "vpcs": vpcs})
    if not first["access"]["managed"]:
        vlans = sorted({tuple(pair) for plan in plans for pair in plan["access"]["vlans"]})
        pool = first["access"]["pool"] or "lab"
        seed["vlan_pools"] = [{"name": pool, "ranges": [list(pair) for pair in vlans]}]
        for kind, key in (("physical_domains", "physical"), ("l3_domains", "l3")):
            names = {plan["domains"][key] for plan in plans} - {None}
            seed[kind] = [{"name": name, "pool": pool} for name in sorted(names)]
        domains = [one["name"] for kind in ("physical_domains", "l3_domains") for one in seed[kind]]
        seed["aaeps"] = [{"name": first["access"]["aaep"] or "lab", "domains": list(dict.fromkeys(domains))}]
    tenants: dict[str, set[str]] = {"common": {"default"}}
    for plan in plans:
        names = plan["fabric"]
        tenants.setdefault(names["tenant"], set())
        tenants.setdefault(names["vrf_tenant"], set()).add(names["vrf"])
    if not first["access"]["tenant"]:
        seed["tenants"] = [{"name": name, "vrfs": sorted(vrfs)} for name, vrfs in tenants.items()]
    return seed


class OwnWorld(World):
    """The cluster of an inventory, and the same cluster after a change: another inventory, variables, or both."""

    def __init__(self, site: OwnSite, bench: Bench, cluster: Cluster, change: Change) -> None:
        super().__init__(site, bench, cluster, "own")
        self._own, self._to = site, change

    def _change(self, planted: Planted) -> None:
        self._own.inventory = self._to.inventory
        self._own.extra |= self._to.extra

    def _changed_plan(self, planted: Planted) -> dict[str, Any]:
        return self._to.plan

    def _restore(self, planted: Planted, heal: bool) -> None:
        """Leave all as it is: the servers end with the measurement."""


@dataclass(frozen=True)
class Change:
    """The inventory after a change, variables of the command line, and the plan of both."""

    inventory: Path
    extra: dict[str, Any]
    plan: dict[str, Any]


def measure_own(folder: Path, host: str, deployed: Path, changed: Path, extra: dict[str, Any]) -> Result:
    """Return what a change of a user's cluster does on the twin, and its undo."""
    with ExitStack() as stack:
        site = stack.enter_context(OwnSite(folder, deployed, host))
        site.record()
        before = site.plan()
        recorded, site.inventory, site.extra = site.extra, changed, site.extra | extra
        change = Change(changed, extra, site.plan())
        site.inventory, site.extra = deployed, recorded
        apic = stack.enter_context(ApicServer(fabric_of(before, change.plan), expose_secrets=True))
        kube = stack.enter_context(KubeServer(**installed(before), kubeconfig=folder / "kubeconfig"))
        site.connect(apic, kube)
        cluster = site.clusters[before["cluster"]] = Cluster(before["cluster"], {}, apic, kube)
        plant(cluster)
        bench = stack.enter_context(running(site, cluster, folder))
        there, then = ({node["name"] for node in plan["nodes"]} for plan in (before, change.plan))
        planted = Planted("the change", host, joins=tuple(sorted(then - there)), released=tuple(sorted(there - then)))
        return OwnWorld(site, bench, cluster, change).play(planted)
