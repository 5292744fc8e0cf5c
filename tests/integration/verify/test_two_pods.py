"""Racks in two ACI pods: preflight knows the ACI pod of each leaf, and the L3Out works in both."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.verify.live import Live, installed
from integration.verify.play import Play
from unit.plugin_utils.healthy_cluster import STANDARD, VARIABLES, Cluster

from lab.apic.seed import DEFAULT as DEFAULT_FABRIC
from lab.apic.server import ApicServer
from lab.kube.server import KubeServer
from lab.twin.bench import Bench, eventually
from lab.twin.machines import missing_prerequisites

POD_2 = {"id": 2, "spines": [1003], "leaves": [301, 302], "vpc_pairs": [[301, 302]]}


def racks(second_pod: int | None) -> list[dict[str, Any]]:
    """Return the worked example's racks, the second with leaves 301 and 302."""
    first, second = copy.deepcopy(VARIABLES["aci_calico_racks"])
    second["leaves"] = [{**leaf, "id": leaf["id"] + 98} for leaf in second["leaves"]]
    return [first, second | ({"pod": second_pod} if second_pod else {})]


def two_pods() -> dict[str, Any]:
    """Return the lab's fabric with a second ACI pod for the second rack's leaves."""
    seed = yaml.safe_load(DEFAULT_FABRIC.read_text(encoding="utf-8"))
    vpcs = {f"vpc-node-{number}": POD_2["leaves"] for number in (4, 5, 6)}
    seed["pods"][0]["vpcs"] = {name: pair for name, pair in seed["pods"][0]["vpcs"].items() if name not in vpcs}
    seed["pods"].append(POD_2 | {"vpcs": vpcs})
    return seed


@contextmanager
def fabric(folder: Path, variables: dict[str, Any]) -> Iterator[Live]:
    """Yield two ACI pods and a cluster that is not configured."""
    plan = Cluster(**variables).plan
    with ApicServer(two_pods(), https=False, expose_secrets=True) as apic, KubeServer(**installed(plan)) as kube:
        yield Live(Bench(apic, kube, folder / "twin"), plan)


def test_wrong_aci_pod_is_found_before_anything_is_written(tmp_path: Path, root: Path) -> None:
    variables = {**VARIABLES, "aci_calico_racks": racks(None)}
    with fabric(tmp_path, variables) as made:
        done = Play(tmp_path, root, made, variables)(playbook="site")
        assert done.returncode == 2, done.stdout
        for leaf in POD_2["leaves"]:
            assert f"Leaf {leaf} is in ACI pod 2, rack '2' in ACI pod 1" in done.stdout + done.stderr
        assert "uni/tn-common/out-calico-prod1" not in {mo["dn"] for mo in made.bench.objects("l3extOut")}


@pytest.mark.parametrize("variables", [{}, STANDARD], ids=["floating", "standard"])
def test_racks_in_two_pods_work(tmp_path: Path, root: Path, variables: dict[str, Any]) -> None:
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    variables = {**VARIABLES, **variables, "aci_calico_racks": racks(2)}
    with fabric(tmp_path, variables) as made:
        made.bench.start()
        try:
            done = Play(tmp_path, root, made, variables)(playbook="site")
            assert done.returncode == 0, done.stdout
            assert "prod1: aci_calico" not in done.stdout + done.stderr, "preflight has warnings"
            assert "uni/tn-common/out-calico-prod1" in {mo["dn"] for mo in made.bench.objects("l3extOut")}
            _works(made)
        finally:
            made.bench.twin.down()


def _works(made: Live) -> None:
    report = made.until_green()
    assert len(report["sessions"]) == 12
    for leaf, pod in ((201, 1), (301, 2)):
        entries = {entry["dn"].split("/sys/")[0] for entry in made.bench.objects("bgpPeerEntry", leaf)}
        assert entries == {f"topology/pod-{pod}/node-{leaf}"}
    paths = {path["tDn"].rpartition("/")[0] for path in _ours(made, "l3extRsPathL3OutAtt")}
    floating = {svi["nodeDn"] for svi in _ours(made, "l3extVirtualLIfP")}
    if made.plan["svi"]["kind"] == "standard":
        assert (paths, floating) == ({"topology/pod-1/protpaths-201-202", "topology/pod-2/protpaths-301-302"}, set())
    else:
        nodes = {f"topology/pod-{leaf['pod']}/node-{leaf['id']}" for leaf in made.plan["leaves"]}
        assert (paths, floating) == (set(), nodes)
    eventually(lambda: made.reaches("node-1", "node-6"), 10)
    assert made.bench.pings("endpoint", made.pod("node-6"))


def _ours(made: Live, cls: str) -> list[dict[str, str]]:
    """Return the objects of a class in the cluster's own L3Out."""
    dns = made.each(cls)
    return [mo for mo in made.bench.objects(cls) if mo["dn"] in dns]
