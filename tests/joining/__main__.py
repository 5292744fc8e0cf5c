"""Measure on the BGP twin what a node that comes, and a live mesh that goes, cost: ``make joining RUNS=5``.

Each run is noted in ``build/joining.json`` as soon as it ends, so that a series goes on where it was stopped. The result is a
table in ``build/joining.md``. The twin shows BGP's part: a real calico-node also needs to be pulled and started, and Felix to
program its part.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "collections")]

from integration.verify.live import Live, live  # noqa: E402

from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects  # noqa: E402
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import cluster_plan  # noqa: E402
from lab.example import worked_example  # noqa: E402
from lab.twin.bench import eventually  # noqa: E402

STATE, TABLE = ROOT / "build" / "joining.json", ROOT / "build" / "joining.md"
MESH_ASN = 64512
ADDRESS, ASN = "projectcalico.org/IPv4Address", "projectcalico.org/ASNumber"


def node(plan: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a node as kubelet and calico-node register it: with its address and its rack label, without an AS number."""
    (planned,) = [one for one in plan["nodes"] if one["name"] == name]
    address = planned["networks"]["ipv4"]["address"]
    metadata = {"name": name, "labels": {plan["calico"]["rack_label"]: planned["rack"]}, "annotations": {ADDRESS: address}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"addresses": []}}


def serves(made: Live, name: str, near: str = "node-5") -> bool:
    """Return whether a pod behind another rack reaches a pod of the node, from address to address."""
    blocks = made.bench.twin.ask("machines")["nodes"].get(name, {}).get("blocks")
    return bool(blocks) and made.bench.pings(near, made.pod(name), "-I", made.pod(near), count=1)


def joins(made: Live, name: str) -> float:
    """Return the seconds from the registration of a node until it serves."""
    started = time.monotonic()
    made.apply(node(made.plan, name))
    eventually(lambda: serves(made, name), every=0.05)
    return time.monotonic() - started


def away(made: Live, name: str) -> None:
    """Delete a node with its block, and wait until the leaves have forgotten it."""
    made.delete("Node", name)
    eventually(lambda: name not in made.bench.twin.ask("machines")["nodes"])
    time.sleep(3)


def joined(made: Live) -> float:
    """Measure a node that nobody configured: its rack label is the kubelet's, its AS number that of the BGPConfiguration."""
    away(made, "node-3")
    return joins(made, "node-3")


# --- the end of a mesh -------------------------------------------------------------------------------------------------


def on_mesh(made: Live) -> None:
    """Give the cluster a mesh with an AS number of its own, without peers with the leaves."""
    for peer in made.plan["peers"]:
        made.delete("BGPPeer", peer["name"])
    for one in made.plan["nodes"]:
        made.patch("Node", one["name"], {"metadata": {"annotations": {ASN: None}}})
    made.patch("BGPConfiguration", "default", {"spec": {"nodeToNodeMeshEnabled": True, "asNumber": MESH_ASN}})
    eventually(lambda: serves(made, "node-2") and serves(made, "node-1"))
    time.sleep(3)


def _migrated(made: Live, local_asn: bool) -> float:
    """Return the longest time without an answer between pods, while the leaves take over from the mesh."""
    on_mesh(made)
    manifests = kubernetes_objects(made.plan, "crd.projectcalico.org/v1", "kube-system")
    peers, nodes, (mesh,) = (
        [copy.deepcopy(one) for one in manifests if one["kind"] == kind] for kind in ("BGPPeer", "Node", "BGPConfiguration")
    )
    with ExitStack() as stack:
        pairs = (("node-5", "node-1"), ("node-1", "node-2"), ("node-2", "node-6"), ("node-4", "node-6"))
        flows = [stack.enter_context(made.bench.flow(near, made.pod(far), "-I", made.pod(near))) for near, far in pairs]
        if local_asn:
            for peer in peers:
                made.apply({**peer, "spec": {**peer["spec"], "localASNumber": made.plan["cluster_asn"]}})
        else:
            for one in [*nodes, *peers]:
                made.apply(one)
        made.bench.settle()
        made.apply(mesh)
        if local_asn:
            time.sleep(2)
            for one in nodes:
                made.apply(one)
        time.sleep(5)
    made.bench.settle()
    for peer in peers:
        made.patch("BGPPeer", peer["metadata"]["name"], {"spec": {"localASNumber": None}})  # which ends no session either
    return max(longest for (longest,) in flows)


MEASURES: dict[str, Callable[[Live], float]] = {
    "a node joins by itself, or is reinstalled: until it serves": joined,
    "the leaves take over from a mesh with another AS number: longest gap, with localASNumber": lambda made: _migrated(
        made, True
    ),
    "the same without localASNumber": lambda made: _migrated(made, False),
}


def written(state: dict[str, list[float]]) -> str:
    """Return the table of all runs."""
    lines = ["| What | Runs | Least (s) | Median (s) | Most (s) |", "|---|---|---|---|---|"]
    for what, runs in state.items():
        numbers = " | ".join(f"{one:.2f}" for one in (min(runs), statistics.median(runs), max(runs)))
        lines.append(f"| {what} | {len(runs)} | {numbers} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    state: dict[str, list[float]] = json.loads(STATE.read_text(encoding="utf-8")) if STATE.exists() else {}
    STATE.parent.mkdir(exist_ok=True)
    left = [what for what in MEASURES if len(state.get(what, ())) < runs]
    if left:
        with tempfile.TemporaryDirectory() as folder, live(Path(folder), cluster_plan(worked_example())) as made:
            made.bench.settle()
            for what in left:
                while len(state.setdefault(what, [])) < runs:
                    state[what].append(round(MEASURES[what](made), 3))
                    STATE.write_text(json.dumps(state), encoding="utf-8")
                    print(f"{state[what][-1]:7.2f} s  {what}", flush=True)
    TABLE.write_text(written(state), encoding="utf-8")
    print(written(state))


if __name__ == "__main__":
    main()
