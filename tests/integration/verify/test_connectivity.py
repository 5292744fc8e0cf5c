"""The examples with contracts, transit and microsegments on the twin: without findings, and with one part broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.verify.live import Live, live, together

from lab.twin.apic import Access
from lab.twin.bench import APIC_PASSWORD, Bench, eventually
from lab.twin.machines import missing_prerequisites
from lab.twin.paper import service
from lab.twins import group

ROUTER, CORE, OUTSIDE, TARGET = "core-router", "uni/tn-prod/out-core", "172.16.0.0/12", "172.16.0.1"
UPLINKS = ("10.254.103.1", "10.254.104.1")
# East announces its services to the outside, west all of its prefixes (docs/connectivity.md).
EAST_TOLD = {"192.168.22.0/24"}
WEST_TOLD = {"192.168.21.0/24", "192.168.23.0/24", "192.168.28.0/22"}
EAST_SERVICE, WEST_SERVICE = "192.168.22.10", "192.168.28.10"


def _plan(root: Path, inventory: str, cluster: str) -> dict[str, Any]:
    path = root / "tests" / "golden" / inventory / cluster / "plan.json"
    plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return plan


def _needs_the_twin() -> None:
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))


# --- two clusters and a way out -------------------------------------------------------------------------------------


class Transit:
    """The two clusters of the example and the router behind the L3Out ``core``, in one twin."""

    def __init__(self, east: Live, west: Live) -> None:
        self.east = east
        self.west = west
        self.bench: Bench = east.bench

    def in_order(self) -> None:
        """Wait until neither cluster has a finding."""
        self.east.until_green()
        self.west.until_green()

    def outside_knows(self) -> set[str]:
        """The prefixes that the router outside has from the fabric."""
        return {prefix for prefix, hops in self.bench.routes(ROUTER).items() if hops}

    def blocks(self, cluster: str) -> set[str]:
        """The pod blocks of a cluster."""
        nodes = self.bench.twin.ask("machines")["nodes"].items()
        return {block for name, node in nodes if name.startswith(f"{cluster}.") for block in node["blocks"]}

    def nodes(self) -> list[str]:
        """The nodes of both clusters."""
        return list(self.bench.twin.ask("machines")["nodes"])

    def learns(self, node: str, prefix: str) -> bool:
        """Return whether a node has a route that is not its default route."""
        return bool(self.bench.routes(node).get(prefix))


@pytest.fixture(scope="module")
def transit(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transit]:
    """Both clusters of the example at once, each with a service."""
    _needs_the_twin()
    plans = [_plan(root, "transit", name) for name in ("east", "west")]
    with together(tmp_path_factory.mktemp("twin"), *plans) as (east, west):
        made = Transit(east, west)
        backends = (east, "east-node-2", EAST_SERVICE), (west, "west-node-3", WEST_SERVICE)
        for cluster, node, address in backends:
            cluster.kube.apply(service("shop", address, [node], local=False))
        made.in_order()
        yield made


@pytest.fixture
def breakable(transit: Transit) -> Iterator[Transit]:
    """Yield the clusters for a test to break; restore them afterwards."""
    yield transit
    for cluster in (transit.east, transit.west):
        cluster.configure()
    transit.in_order()


def test_outside_learns_exactly_the_planned_prefixes(transit: Transit) -> None:
    assert len(transit.blocks("east")) == len(transit.blocks("west")) == 3
    wanted = EAST_TOLD | WEST_TOLD | transit.blocks("west")
    eventually(lambda: transit.outside_knows() == wanted)
    eventually(lambda: {tuple(hops) for hops in transit.bench.routes(ROUTER).values() if hops} == {UPLINKS})


def test_nodes_learn_outside_prefixes(transit: Transit) -> None:
    assert len(transit.nodes()) == 6
    for node in transit.nodes():
        eventually(lambda node=node: transit.learns(node, OUTSIDE))


@pytest.mark.parametrize(
    ("source", "address", "options", "answered"),
    [
        (ROUTER, "10.4.0.1", [], True),
        (ROUTER, WEST_SERVICE, [], True),
        (ROUTER, EAST_SERVICE, [], True),
        (ROUTER, "10.3.0.1", [], False),
        ("west.west-node-2", TARGET, [], True),
        ("west.west-node-2", TARGET, ["-I", "10.4.0.65"], True),
        ("east.east-node-1", TARGET, [], False),
        ("west.west-node-1", EAST_SERVICE, [], True),
        ("west.west-node-1", EAST_SERVICE, ["-I", "10.4.0.1"], True),
        ("endpoint", EAST_SERVICE, [], True),
    ],
    ids=[
        "from outside to a pod",
        "from outside to a service",
        "from outside to a service of the cluster that announces services only",
        "but not to its pods",
        "from a node to the outside",
        "from a pod to the outside",
        "but not from a node that is not announced to the outside",
        "from a node to the other cluster's service",
        "from a pod to the other cluster's service",
        "from a bridge domain to a service",
    ],
)
def test_traffic_passes_where_planned(transit: Transit, source: str, address: str, options: list[str], answered: bool) -> None:
    if answered:
        eventually(lambda: transit.bench.pings(source, address, *options))
    else:
        assert not transit.bench.pings(source, address, *options, count=1)


def test_transit_survives_the_loss_of_a_leaf(transit: Transit) -> None:
    transit.bench.twin.ask("kill", machine="leaf-103")
    try:
        eventually(lambda: transit.bench.routes(ROUTER).get("10.4.0.0/26") == [UPLINKS[1]])
        eventually(lambda: transit.bench.pings("west.west-node-1", TARGET))
    finally:
        transit.bench.twin.ask("start", machine="leaf-103")
    eventually(lambda: tuple(transit.bench.routes(ROUTER).get("10.4.0.0/26", ())) == UPLINKS)


def test_missing_export_entry_is_found_for_its_cluster_only(breakable: Transit) -> None:
    east, west = breakable.east, breakable.west
    breakable.bench.delete(f"{CORE}/prof-default-export/ctx-{east.plan['names']['transit']}")
    assert "out-core" in east.until_named("transit-route")["what"]
    eventually(lambda: breakable.outside_knows() == WEST_TOLD | breakable.blocks("west"))
    west.until_green()
    assert not breakable.bench.pings(ROUTER, EAST_SERVICE, count=1)

    breakable.bench.delete(f"uni/tn-prod/subj-{west.plan['names']['transit']}/dest-[10.4.0.0/16]")
    assert "10.4.0.0/16" in west.until_named("transit-route")["what"]
    eventually(lambda: breakable.outside_knows() == WEST_TOLD)

    for cluster in (east, west):
        cluster.configure()
    eventually(lambda: breakable.outside_knows() == EAST_TOLD | WEST_TOLD | breakable.blocks("west"))


def test_missing_export_to_nodes_is_found(breakable: Transit) -> None:
    names = breakable.west.plan["names"]
    breakable.bench.delete(f"uni/tn-prod/subj-{names['export_match']}/dest-[{OUTSIDE}]")
    assert breakable.west.until_named("export-prefix-missing")["prefix"] == OUTSIDE
    eventually(lambda: not breakable.learns("west.west-node-1", OUTSIDE))
    assert breakable.learns("east.east-node-1", OUTSIDE)


def test_prefix_in_no_external_epg_has_routes_and_no_traffic(breakable: Transit) -> None:
    """The owner of the L3Out imports the subnet and assigns it to no external EPG."""
    subnet = f"{CORE}/instP-corporate/extsubnet-[{OUTSIDE}]"
    breakable.bench.change("l3extSubnet", subnet, scope="import-rtctrl")
    try:
        eventually(lambda: not breakable.bench.pings("west.west-node-1", TARGET, count=1))
        assert not breakable.bench.pings(ROUTER, "10.4.0.1", count=1)
        assert breakable.learns("west.west-node-1", OUTSIDE)
    finally:
        breakable.bench.change("l3extSubnet", subnet, scope="import-security")
    eventually(lambda: breakable.bench.pings("west.west-node-1", TARGET))


def test_missing_contract_is_found(breakable: Transit) -> None:
    breakable.bench.delete("uni/tn-prod/brc-k8s-services")
    for cluster in (breakable.east, breakable.west):
        cluster.until_named("contract-differs", "contract-unresolved")


def test_both_clusters_belong_to_one_twin(transit: Transit) -> None:
    kubeconfigs = {name: getattr(transit, name).kube.kubeconfig for name in ("west", "east")}
    apic = Access(transit.bench.apic.url, "admin", APIC_PASSWORD)
    assert group(apic, kubeconfigs) == [("prod:prod", ["east", "west"])]


# --- microsegments ---------------------------------------------------------------------------------------------------


def test_unplanned_subnet_of_a_microsegment_is_found(root: Path, tmp_path: Path) -> None:
    _needs_the_twin()
    with live(tmp_path, _plan(root, "microsegmentation", "shop")) as made:
        made.until_green()
        dn = f"uni/tn-prod/out-{made.plan['l3outs'][0]['name']}/instP-payments"
        subnet = {"l3extSubnet": {"attributes": {"ip": "192.168.33.64/28"}}}
        made.bench.post(dn, {"l3extInstP": {"attributes": {}, "children": [subnet]}})
        assert "192.168.33.64/28 is not planned" in made.until_named("external-subnet")["what"]
