"""The world of a series: a fabric and a Kubernetes cluster with objects of others, and inventories that differ."""

from __future__ import annotations

import difflib
import json
import subprocess
from pathlib import Path
from typing import Any

from integration.site.harness import Cluster, Site, fabric, intent

from lab.apic.server import ApicServer
from lab.kube.schema import SERVER_SET
from lab.kube.server import KubeServer

NAME = "chaos"
NODES = ("n1-1", "n1-2", "n2-1", "n2-2")
CONSENTS = ",".join(
    ["session-reset", "route-loss", "traffic-interruption", f"teardown:{NAME}", *(f"release:{node}" for node in NODES)]
)
ABSENT = "absent"
OTHER = {"annotation": "orchestrator:terraform", "descr": "by hand"}
# Objects of others: some beside the cluster's, one with a name much like its own.
FOREIGN_ON_APIC = [
    {"bgpCtxPol": {"attributes": {"name": "others", "holdIntvl": "90", "kaIntvl": "30", **OTHER}}},
    {"bgpCtxPol": {"attributes": {"name": f"calico-{NAME}2", **OTHER}}},
    {
        "l3extOut": {
            "attributes": {"name": f"calico-{NAME}-2", **OTHER},
            "children": [{"l3extInstP": {"attributes": {"name": "x"}}}],
        }
    },
    {"fvCtx": {"attributes": {"name": "other", **OTHER}}},
    {"tagAnnotation": {"attributes": {"key": "owner", "value": "somebody"}}},
]
GROUP = "crd.projectcalico.org/v1"
FOREIGN_IN_KUBERNETES = [
    {"apiVersion": GROUP, "kind": "BGPPeer", "metadata": {"name": "by-hand"},
     "spec": {"peerIP": "10.99.0.1", "asNumber": 65099, "nodeSelector": "has(by-hand)"}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "by-hand", "namespace": "kube-system"}, "data": {"a": "b"}},
    {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "by-hand", "namespace": "kube-system"},
     "spec": {"holderIdentity": "somebody"}},
]  # fmt: skip
_ADDRESSES = ("projectcalico.org/IPv4Address",)


def _racks(left_out: str = "", vlans: int = 0) -> list[dict[str, Any]]:
    """Return two racks whose nodes have fixed slots, so that the plan does not depend on earlier plans."""
    nodes = [
        {"name": name, "slot": slot, **({"vlan": vlans + slot} if vlans else {})}
        for slot, name in enumerate(NODES)
        if name != left_out
    ]
    return [
        {"id": rack, "leaves": [199 + 2 * rack, 200 + 2 * rack], "nodes": [one for one in nodes if one["name"][1] == str(rack)]}
        for rack in (1, 2)
    ]


# Inventories of the one cluster that differ in nodes, VLAN, kind and timers. ``renumber`` lets a run change all of that.
VARIANTS: list[dict[str, Any]] = [
    intent("floating", _racks(), renumber=["all"]),
    intent("floating", _racks("n2-2"), renumber=["all"], vlan=301, bgp_keepalive=3, bgp_hold=9),
    intent("standard", _racks("n1-2", 310), renumber=["all"], mtu=8900),
    intent("standard", _racks(vlans=320), renumber=["all"], bgp_graceful_restart=False),
]


class Run:
    """A process of ansible-playbook with files of its own, as on another control node."""

    def __init__(self, site: Site, name: str, playbook: str, *options: str) -> None:
        self.name = name
        self.output = site.folder / "output.txt"
        with self.output.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                [*site.command(playbook, *options), "-e", f"aci_calico_consent={CONSENTS}"],
                env=site.environment(),
                cwd=site.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> int:
        """Return the exit code at the end."""
        return self.process.wait(1800)

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")


class World:
    """One fabric and one Kubernetes cluster, with the objects of others, and the references of each variant."""

    def __init__(self, folder: Path, apic: ApicServer, kube: KubeServer) -> None:
        self.folder = folder
        self.apic, self.kube = apic, kube
        self._runs = 0
        self.references: dict[Any, tuple[str, str]] = {}
        plant(Cluster(NAME, {}, apic, kube))
        follow_planned_addresses(kube, VARIANTS[0]["aci_calico_node_subnets"])
        self.references[ABSENT] = self.state()
        self._foreign = foreign(apic, kube)

    def start(self, playbook: str, variant: int, *options: str, control: str = "one", wait: int = 1500) -> Run:
        """Start a playbook with a variant from one of two control nodes."""
        self._runs += 1
        site = Site(self.folder / control)
        site.folder.mkdir(exist_ok=True)
        variables = VARIANTS[variant] | {"aci_calico_lease_wait": wait}
        site.clusters[NAME] = Cluster(NAME, variables, self.apic, self.kube)
        return Run(site, f"{playbook} {variant}", playbook, *options)

    def reference(self, variant: int) -> tuple[str, str]:
        """Return the state that an undisturbed run makes from nothing."""
        if variant not in self.references:
            for playbook in ("site",) if self.state() == self.references[ABSENT] else ("teardown", "site"):
                run = self.start(playbook, variant)
                assert run.wait() == 0, run.said()
            self.references[variant] = self.state()
        return self.references[variant]

    def state(self) -> tuple[str, str]:
        """Return both sides as text, without what servers count and what calico-node keeps on a node."""
        tree = json.dumps(self.apic.snapshot(volatile=False), sort_keys=True, indent=1)
        return tree, json.dumps([plain(obj) for obj in self.kube.objects()], sort_keys=True, indent=1)

    def named(self) -> Any:
        """Return the variant whose reference is the present state; None if it is no variant's."""
        state = self.state()
        return next((variant for variant, reference in self.references.items() if reference == state), None)

    def unlike(self, variant: int) -> str:
        """Return the first lines in which the present state differs from a reference."""
        lines = [
            line
            for had, has in zip(self.references[variant], self.state(), strict=True)
            for line in difflib.unified_diff(had.splitlines(), has.splitlines(), "reference", "now", "", "", 4, "")
        ]
        return "\n".join(lines[:60])

    def problems(self) -> list[str]:
        """Return what is wrong whatever ran: objects of others that changed, and leases that are left."""
        found = []
        if foreign(self.apic, self.kube) != self._foreign:
            found.append("an object of others has changed")
        if "aci-calico-lease:" in self.state()[0]:
            found.append("a lease is left on APIC")
        if any(obj["metadata"]["name"] != "by-hand" for obj in self.kube.objects("Lease")):
            found.append("a lease is left in Kubernetes")
        return found


def plant(cluster: Cluster, tenant: str = "common") -> None:
    """Make objects of others on both sides."""
    assert cluster.kube
    cluster.post(f"uni/tn-{tenant}", {"fvTenant": {"attributes": {"name": tenant}, "children": FOREIGN_ON_APIC}})
    cluster.kube.apply(FOREIGN_IN_KUBERNETES)


def foreign(apic: ApicServer, kube: KubeServer, tenant: str = "common") -> str:
    """Return the objects of others, byte for byte."""
    names = {next(iter(mo.values()))["attributes"].get("name", "owner") for mo in FOREIGN_ON_APIC}
    ((_dn, place),) = [item for item in _objects(apic.snapshot(volatile=True)) if item[0] == f"uni/tn-{tenant}"]
    kept = [child for child in place["children"] if _name(child) in names]
    theirs = [obj for obj in kube.objects() if obj["metadata"]["name"] == "by-hand"]
    return json.dumps([kept, theirs], sort_keys=True)


def follow_planned_addresses(kube: KubeServer, subnets: list[str]) -> None:
    """Let calico-node detect addresses of the nodes' subnets, so that it keeps those of every variant."""
    (daemonset,) = kube.objects("DaemonSet")
    (container,) = daemonset["spec"]["template"]["spec"]["containers"]
    container["env"].append({"name": "IP_AUTODETECTION_METHOD", "value": f"cidr={','.join(subnets)}"})
    kube.request("PUT", kube.path(daemonset), daemonset)


def servers(folder: Path) -> tuple[ApicServer, KubeServer]:
    """Return the servers of a world, which the caller starts."""
    apic = ApicServer(seed=fabric(VARIANTS[0]["aci_calico_racks"]))
    return apic, KubeServer([{"name": name} for name in NODES], kubeconfig=folder / "kubeconfig")


def plain(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in obj["metadata"].items() if name not in SERVER_SET}
    if obj["kind"] == "Node" and "netops.aci-calico/cluster" not in metadata.get("labels", {}):
        # calico-node keeps the address of a node that is no longer planned.
        metadata["annotations"] = {
            name: value for name, value in metadata.get("annotations", {}).items() if name not in _ADDRESSES
        }
    if not metadata.get("annotations", True):
        del metadata["annotations"]
    if obj["kind"] == "Node" and not obj.get("spec"):
        obj = {name: value for name, value in obj.items() if name != "spec"}  # uncordoning leaves an empty one
    return {**obj, "metadata": metadata}


def _objects(mo: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for body in mo.values():
        found.append((body["attributes"].get("dn", ""), body))
        for child in body.get("children", ()):
            found += _objects(child)
    return found


def _name(mo: dict[str, Any]) -> str:
    attributes = next(iter(mo.values()))["attributes"]
    return str(attributes.get("name") or attributes.get("key", ""))
