"""The services of docs/examples/services.yml in the twin: routes, reachability and verification as endpoints change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from integration.verify.live import Json, Live
from unit.plugin_utils.healthy_cluster import Cluster

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from lab.twin.bench import eventually

LOCAL, ANYWHERE, ANYWHERE_SUBNET = "192.168.3.10", "192.168.7.10", "192.168.7.0/24"
SPREAD = ("node-1", "node-3", "node-6")
RACK_1, RACK_2, COMPUTE = ("leaf-201", "leaf-202"), ("leaf-203", "leaf-204"), "leaf-101"


class Shop:
    """The example's services with endpoints as the controllers of Kubernetes maintain them."""

    def __init__(self, live: Live, manifests: Path) -> None:
        self.live = live
        self._services = [manifest for manifest in yaml.safe_load_all(manifests.read_text()) if manifest["kind"] == "Service"]

    def open(self, *nodes: str) -> None:
        """Apply the services with a ready pod on each of the nodes."""
        for number, service in enumerate(self._services, 10):
            ingress = [{"ip": ip} for ip in [service["spec"].get("loadBalancerIP")] if ip]
            spec = service["spec"] | {"clusterIP": f"192.168.8.{number}", "clusterIPs": [f"192.168.8.{number}"]}
            self.live.kube.apply([service | {"spec": spec, "status": {"loadBalancer": {"ingress": ingress}}}])
            self.live.apply(_endpoints(service["metadata"]["name"], nodes))

    def close(self) -> None:
        """Delete services and endpoints."""
        for service in self._services:
            for manifest in (service, _endpoints(service["metadata"]["name"], ())):
                self.live.kube.request("DELETE", self.live.kube.path(manifest))

    def hops(self, machine: str, prefix: str) -> list[str] | None:
        """Return the next hops of a prefix or host on a leaf, or None without a route."""
        return self.live.bench.routes(machine).get(prefix)


def _endpoints(service: str, nodes: tuple[str, ...]) -> Json:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service, "namespace": "default", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [f"10.1.255.{number}"], "nodeName": node, "conditions": {"ready": True}}
            for number, node in enumerate(nodes, 1)
        ],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    }


@pytest.fixture
def shop(cluster: Live, root: Path) -> Iterator[Shop]:
    """Yield the worked example with subnets for load balancers; remove these afterwards."""
    before = cluster.plan
    cluster.plan = Cluster(aci_calico_load_balancer_subnets=[ANYWHERE_SUBNET]).plan
    made = Shop(cluster, root / "docs" / "examples" / "services.yml")
    cluster.configure()
    made.open(*SPREAD)
    yield made
    made.close()
    for dn in flat(apic_tree(cluster.plan)).keys() - flat(apic_tree(before)).keys():
        cluster.bench.delete(dn)
    cluster.plan = before
    cluster.patch("BGPConfiguration", "default", {"spec": {"serviceLoadBalancerIPs": None}})
    cluster.until_green()


def test_services_follow_their_traffic_policy(shop: Shop) -> None:
    live = shop.live
    report = live.until_green()
    # Subnets of cluster IPs, external IPs and load balancers; the local service's external IP and its cluster IP.
    assert {tuple(row["services"]) for row in report["racks"]} == {(5, 5)}
    for leaves, nodes in ((RACK_1, SPREAD[:2]), (RACK_2, SPREAD[2:])):
        for leaf in leaves:
            assert shop.hops(leaf, LOCAL) == [f"192.168.2.{node.removeprefix('node-')}" for node in nodes]
            assert len(shop.hops(leaf, ANYWHERE_SUBNET) or ()) == 3
            assert shop.hops(leaf, ANYWHERE) is None
    assert len(shop.hops(COMPUTE, LOCAL) or ()) == 4
    for address in (LOCAL, ANYWHERE):
        eventually(lambda address=address: live.bench.pings("endpoint", address))

    shop.open(*SPREAD[:2])  # rack 2 has none: by the leaves of rack 1
    eventually(lambda: all(len(shop.hops(leaf, LOCAL) or ()) == 2 for leaf in (*RACK_2, COMPUTE)))
    live.until_green()
    assert live.bench.pings("endpoint", LOCAL)

    shop.open()
    eventually(lambda: all(shop.hops(leaf, LOCAL) is None for leaf in (*RACK_1, *RACK_2, COMPUTE)))
    assert {tuple(row["services"]) for row in live.until_green()["racks"]} == {(3, 3)}
    assert not live.bench.pings("endpoint", LOCAL, count=1)
