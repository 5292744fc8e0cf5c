"""A cluster on a real kube-apiserver: configured by the playbook, verified, broken and repaired.

The twin runs from the start, so ``site`` waits for real sessions before it turns the mesh off. Playbooks and checks use
the access of a user with the rights of ``docs/examples/rbac.yml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.verify.live import Json, Live, installed
from integration.verify.play import Play
from unit.plugin_utils.healthy_cluster import LOCAL_NODES, LOCAL_SERVICE, STANDARD, VARIABLES, Cluster

from lab.apic.server import ApicServer
from lab.kube.interface import INSTALLATIONS, ApiFailure
from lab.kube.real import OPERATOR, RealKubeServer
from lab.twin.bench import Bench, eventually
from lab.twin.machines import missing_prerequisites
from lab.twin.paper import service

#: Changes to the worked example, for each installation of Calico.
EXAMPLES: dict[str, dict[str, Any]] = {"v1": {}, "v3": STANDARD}


class Real(Live):
    """A cluster on a real server, with its playbooks."""

    play: Play
    namespace: str


@pytest.fixture(scope="module", params=EXAMPLES)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[Real]:
    """Yield the worked example, configured by ``site``, with the twin running."""
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    (group, namespace), variables = INSTALLATIONS[request.param], EXAMPLES[request.param]
    plan, folder = Cluster(**variables).plan, tmp_path_factory.mktemp("real")
    options = installed(plan) | {"service_subnets": VARIABLES["aci_calico_service_subnets"], "assets": assets}
    with (
        ApicServer(https=False, expose_secrets=True) as apic,
        RealKubeServer(**options, api_groups=(group,), namespace=namespace) as kube,
    ):
        made = Real(Bench(apic, kube, folder / "twin"), plan, group, namespace, kube.as_user(OPERATOR))
        made.play = Play(folder, request.getfixturevalue("root"), made, {**VARIABLES, **variables})
        made.namespace = namespace
        made.bench.start()
        try:
            done = made.play(playbook="site")
            assert done.returncode == 0, done.stdout
            assert "12/12 sessions established" in done.stdout
            yield made
        finally:
            made.bench.twin.down()


def test_verify_reports_a_cluster_in_order(real: Real) -> None:
    done = real.play()
    assert done.returncode == 0, done.stdout
    assert "12 of 12 sessions established, everything as planned" in done.stdout
    nodes = {node["name"] for node in real.plan["nodes"]}
    assert {affinity["spec"]["node"] for affinity in real.kube.objects("BlockAffinity")} == nodes
    assert real.kube.objects("CalicoNodeStatus") == [], "verify removes its requests to the nodes"


def test_calico_may_read_its_secret_only(real: Real) -> None:
    """Ask the server itself; the twin has sessions only because it could read the Secret."""

    def may_read(secret: str) -> bool:
        what = {"namespace": real.namespace, "verb": "get", "resource": "secrets", "name": secret}
        user = f"system:serviceaccount:{real.namespace}:calico-node"
        review = {"spec": {"user": user, "resourceAttributes": what}}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(real.kube.request("POST", path, review)["status"]["allowed"])

    assert may_read(real.plan["calico"]["secret"]["name"])
    assert not may_read("another")


def test_local_service_has_its_endpoints_as_next_hops(real: Real) -> None:
    for manifest in service("front", LOCAL_SERVICE, list(LOCAL_NODES), local=True):
        real.kube.apply([_as_served(real, manifest)])
    real.until(lambda it: not it["findings"] and {tuple(row["services"]) for row in it["racks"]} == {(3, 3)})
    hops = {network["address"].split("/")[0] for name, network in _networks(real) if name in LOCAL_NODES[:2]}
    eventually(lambda: set(real.bench.routes("leaf-201")[LOCAL_SERVICE]) == hops)


def _networks(real: Real) -> list[tuple[str, Json]]:
    return [(node["name"], node["networks"]["ipv4"]) for node in real.plan["nodes"]]


def _as_served(real: Real, manifest: Json) -> Json:
    """Return an EndpointSlice in the version of the server; the older version has the node in the topology."""
    try:
        real.kube.path(manifest)
    except ApiFailure:
        endpoints = [
            {name: value for name, value in one.items() if name != "nodeName"}
            | {"topology": {"kubernetes.io/hostname": one["nodeName"]}}
            for one in manifest["endpoints"]
        ]
        return manifest | {"apiVersion": "discovery.k8s.io/v1beta1", "endpoints": endpoints}
    return manifest


def test_site_repairs_what_verify_finds(real: Real) -> None:
    real.until_green()
    real.patch("Node", "node-1", {"metadata": {"labels": {"rack_id": "2"}}})
    assert real.until_named("rack-label")["nodes"] == ["node-1"]
    done = real.play("--tags", "calico", "-e", "aci_calico_consent=traffic-interruption", playbook="site")
    assert done.returncode == 0, done.stdout
    real.until_green()
