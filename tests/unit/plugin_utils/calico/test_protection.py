"""Settings on the nodes and of Calico that undo the plan."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import FLOATING, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.protection import threats
from ansible_collections.netops.aci_calico.plugins.plugin_utils.preflight.kubernetes import protection

PLAN = plan_of({**FLOATING, "aci_calico_load_balancer_subnets": ["10.4.0.0/16"]})
PLANNED = {node["name"]: node["networks"]["ipv4"]["address"] for node in PLAN["nodes"]}
OTHER = "10.9.9.9/24"


def cluster(spec: dict[str, Any] | None = None, environment: dict[str, str] | None = None, **about: Any) -> dict[str, Any]:
    """A cluster whose nodes have the planned addresses."""
    nodes = {
        name: {"labels": {}, "annotations": {"projectcalico.org/IPv4Address": address}, "addresses": [address.split("/")[0]]}
        for name, address in PLANNED.items()
    }
    configuration = {"kind": "BGPConfiguration", "metadata": {"name": "default"}, "spec": spec or {}}
    installation = {"installer": "operator", "version": "3.32.2", "routing": "bird", "data_plane": "iptables", **about}
    return {"nodes": nodes, "objects": [configuration], "environment": environment or {}, "installation": installation}


def detecting(method: str, annotation: str = "", internal: str = "") -> dict[str, Any]:
    """A cluster whose calico-node detects addresses."""
    found = cluster(environment={"IP": "autodetect", "IP_AUTODETECTION_METHOD": method})
    node = found["nodes"]["node-1"]
    node["annotations"]["projectcalico.org/IPv4Address"] = annotation or PLANNED["node-1"]
    node["addresses"] = [internal or PLANNED["node-1"].split("/")[0]]
    return found


def windows() -> dict[str, Any]:
    found = cluster()
    found["nodes"]["node-1"]["labels"]["kubernetes.io/os"] = "windows"
    return found


@pytest.mark.parametrize(
    ("id_", "found"),
    [
        ("address-detection", detecting("first-found", annotation=OTHER)),
        ("address-detection", detecting("kubernetes-internal-ip", internal="10.9.9.9")),
        ("address-detection", detecting("cidr=10.9.0.0/16")),
        ("asn-variable", cluster(environment={"AS": "64512"})),
        ("routes-by-felix", cluster(routing="felix")),
        ("vpp", cluster(data_plane="vpp")),
        ("listen-port", cluster({"listenPort": 1179})),
        ("load-balancer-aggregation", cluster({"serviceLoadBalancerAggregation": "Disabled"})),
        ("not-ready-announced", cluster(version="3.31.6")),
        ("not-ready-announced", cluster(version="3.32.0")),
        ("windows-node", windows()),
    ],
)
def test_a_setting_that_undoes_the_plan(id_: str, found: dict[str, Any]) -> None:
    assert {threat.id for threat in threats(PLAN, found)} == {id_}
    (problem, *_others) = protection(PLAN, found)
    assert problem.id == id_
    assert problem.remedy


@pytest.mark.parametrize(
    "found",
    [
        cluster(),
        cluster(environment={"AS": str(PLAN["cluster_asn"]), "IP": "autodetect"}),
        cluster({"listenPort": 179}, version="3.31.7"),
        cluster(version=""),
        detecting("first-found"),
        detecting("kubernetes-internal-ip", annotation=OTHER),
        detecting("cidr=192.168.2.0/24", annotation=OTHER),
        {**cluster(), "environment": {}, "nodes": {}},
    ],
)
def test_settings_that_do_no_harm(found: dict[str, Any]) -> None:
    assert threats(PLAN, found) == []
