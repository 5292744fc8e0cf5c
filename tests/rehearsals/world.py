"""A cluster that is kept up: an APIC, an API server, the twin, objects of others, and the playbooks that change it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.world import follow_planned_addresses, foreign, plain, plant
from integration.site.harness import Cluster, Outcome, Site, fabric
from integration.verify.live import installed

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import cluster_plan
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.consent import CONSENTS
from lab.apic.server import ApicServer
from lab.kube.interface import ApiFailure, cluster_objects
from lab.kube.server import KubeServer
from lab.twin.bench import Bench
from rehearsals.changes import WORLDS, Planted
from rehearsals.measure import Measured, Watch

NAME = "prod"
REFUSED = "refused"  # preflight stopped the run before it rehearsed anything
# What the nodes make by themselves, and what runs leave.
NOT_CONFIGURED = ("BlockAffinity", "CalicoNodeStatus", "Lease")
_PASSWORD = re.compile(r'"(password|rr-password|other-key)": "[^"]*"')
_OVERALL = re.compile(r"rehearsal: ([a-z-]+) \(")
GROUPS = "uni/fabric/protpol"


@dataclass
class Result:
    """A change that was rehearsed, made, measured and undone."""

    name: str
    world: str
    predicted: str = ""
    reasons: list[str] = field(default_factory=list)
    guess: bool = False
    measured: dict[str, Any] = field(default_factory=dict)
    undo_predicted: str = ""
    undo_measured: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    beyond: str = ""


class World:
    """One cluster on the twin."""

    def __init__(self, site: Site, bench: Bench, cluster: Cluster, seed: str) -> None:
        self.site, self.bench, self.cluster, self._seed = site, bench, cluster, seed
        assert cluster.kube
        self.kube = cluster.kube
        self._base = dict(cluster.variables)

    def play(self, planted: Planted) -> Result:
        """Rehearse a change, make it, and undo it, both measured; then bring the cluster back to where it was."""
        result = Result(planted.name, planted.world, beyond=planted.beyond)
        self._prepare(planted)
        without = {*planted.joins, *planted.drained}
        before, others = self.state(), foreign(self.cluster.apic, self.kube)
        try:
            self._change(planted)
            self._rehearsal.unlink(missing_ok=True)
            made = self._measure(planted, without, "site", result)
            result.measured = made.as_dict()
            if self._predicted(result):
                undone = self._measure(planted, {*without, *planted.released}, "undo", result)
                result.undo_measured = undone.as_dict()
                if self.state() != before:
                    result.wrong.append("the undo did not bring back both sides")
            if foreign(self.cluster.apic, self.kube) != others:
                result.wrong.append("an object of others has changed")
        finally:
            self._restore(planted, heal=bool(result.wrong) or "bgp_password" in planted.changes or self.state() != before)
        return result

    def state(self) -> tuple[str, str]:
        """Return both sides as text, without passwords, which no undo brings back, and what nodes and runs make by themselves."""
        objects = [plain(obj) for obj in self.kube.objects() if obj["kind"] not in NOT_CONFIGURED]
        texts = (json.dumps(both, sort_keys=True) for both in (self.cluster.tree(), objects))
        tree, kube = (_PASSWORD.sub("", text) for text in texts)
        return tree, kube

    def _measure(self, planted: Planted, without: set[str], playbook: str, result: Result) -> Measured:
        watch = Watch(self.bench, f"{self._seed}:{planted.world}:{planted.name}", without, planted.bytes)
        outcomes: list[Outcome] = []

        def act() -> None:
            outcomes.append(self.site.run(playbook, check=False))
            # The nodes get their new configuration as soon as the run has ended.
            self.bench.twin.ask("recable")

        measured = watch.during(act)
        (outcome,) = outcomes
        if outcome.code:
            result.wrong.append(f"{playbook} failed: {outcome.output[-3000:]}")
        if playbook == "undo":
            found = _OVERALL.search(" ".join(outcome.output.split()))
            result.undo_predicted = found.group(1) if found else ""
        return measured

    def _predicted(self, result: Result) -> bool:
        """Read what ``site`` rehearsed before it changed anything; return whether there was something to change."""
        if not self._rehearsal.exists():
            result.predicted = REFUSED
            return False
        rehearsal = json.loads(self._rehearsal.read_text(encoding="utf-8"))
        worst = [change for change in rehearsal["changes"] if change["class"] == rehearsal["overall"]]
        result.predicted = rehearsal["overall"]
        result.reasons = list(dict.fromkeys(change["reason"] for change in worst))
        result.guess = bool(worst) and all(change["guess"] for change in worst)
        return bool(worst)

    @property
    def _rehearsal(self) -> Path:
        return self.site.folder / "artifacts" / self.cluster.name / "rehearsal.json"

    # --- what the user does ---

    def _change(self, planted: Planted) -> None:
        """Change the inventory."""
        self.cluster.variables = planted.variables()

    def _changed_plan(self, planted: Planted) -> dict[str, Any]:
        return cluster_plan(planted.variables(), NAME)

    def _prepare(self, planted: Planted) -> None:
        """Do what the user does before the run."""
        if planted.joins:
            joining = [one for one in installed(self._changed_plan(planted))["nodes"] if one["name"] in planted.joins]
            self.kube.apply([obj for obj in cluster_objects(joining) if obj["kind"] == "Node"])
        if planted.drained:
            self._maintain(planted, "begin")
        if planted.replaced:
            self._pair(*planted.replaced)
        self.site.consents = [*CONSENTS, *(f"release:{node}" for node in (*planted.joins, *planted.released))]

    def _restore(self, planted: Planted, heal: bool) -> None:
        """Bring back what the undo does not: passwords, and what the user did beside the run."""
        self.cluster.variables = self._base
        if heal:
            self.site.run("site", "-e", "aci_calico_update_password=always")
        if planted.replaced:
            self._pair(*reversed(planted.replaced))
        if planted.drained:
            self._maintain(planted, "end")
        for obj in self.kube.objects("Node"):
            if obj["metadata"]["name"] in planted.joins:
                self.kube.request("DELETE", self.kube.path(obj))
        for obj in self.kube.objects("BlockAffinity"):
            if obj["spec"]["node"] in planted.joins:
                with suppress(ApiFailure):
                    self.kube.request("DELETE", self.kube.path(obj))
        self.bench.twin.ask("recable")
        self.bench.settle()

    def _maintain(self, planted: Planted, state: str) -> None:
        options = {"nodes": ",".join(planted.drained), "drain": "false", "timeout": "600", "state": state}
        self.site.run(
            "maintenance", *(word for name, value in options.items() for word in ("-e", f"node_maintenance_{name}={value}"))
        )

    def _pair(self, gone: int, new: int) -> None:
        """Put a leaf in the place of another one in its vPC pair."""
        groups = [
            group
            for group in self.bench.objects("fabricExplicitGEp")
            if f"-{min(gone, new)}" in group["dn"] or f"{gone}" in group["dn"]
        ]
        for group in groups[:1]:
            member = {"fabricNodePEp": {"attributes": {"id": str(new), "podId": "1"}}}
            self.bench.post(group["dn"], {"fabricExplicitGEp": {"attributes": {}, "children": [member]}})


@contextmanager
def world(folder: Path, name: str, seed: str) -> Iterator[World]:
    """Yield a cluster of ``WORLDS`` on the twin, configured and settled."""
    variables = WORLDS[name]
    with Site(folder) as site, ApicServer(_fabric(variables), expose_secrets=True) as apic:
        described = installed(cluster_plan(variables, NAME))
        with KubeServer(**described, kubeconfig=folder / "kubeconfig") as kube:
            cluster = site.clusters[NAME] = Cluster(NAME, variables, apic, kube)
            plant(cluster)
            follow_planned_addresses(kube, ["192.168.0.0/16"])
            with running(site, cluster, folder) as bench:
                yield World(site, bench, cluster, seed)


@contextmanager
def running(site: Site, cluster: Cluster, folder: Path) -> Iterator[Bench]:
    """Configure a cluster, start its twin, and yield it, settled."""
    assert cluster.kube
    site.run("site")
    bench = Bench(cluster.apic, cluster.kube, folder / "twin")
    bench.start()
    try:
        bench.settle()
        yield bench
    finally:
        bench.twin.down()


def _fabric(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the lab's fabric with vPCs for all nodes of all changes."""
    racks: list[dict[str, Any]] = []
    for number in (1, 2, 3):
        nodes = [f"n{rack}-{at}" for rack in (1, 2, 3) for at in (1, 2, 3, 9)]
        racks.append(
            {
                "id": number,
                "leaves": [199 + 2 * number, 200 + 2 * number],
                "nodes": [one for one in nodes if one[1] == str(number)],
            }
        )
    return fabric(racks)
