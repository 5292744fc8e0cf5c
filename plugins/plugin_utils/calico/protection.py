# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of calico-node and of Calico that undo the plan on the nodes, although each planned object is in place.

Sources: projectcalico/calico, ``node/pkg/lifecycle/startup`` (``IP=autodetect`` detects anew every 60 s and writes the node's
address; ``AS`` replaces its AS number at each start) and ``api/pkg/apis/projectcalico/v3`` (``listenPort``,
``serviceLoadBalancerAggregation``, ``programClusterRoutes``); tigera/operator, ``clusterRoutingMode``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...module_utils.names import ADDRESS_ANNOTATIONS
from ..schema.addressing import IPNetwork
from .installers import detection_remedy, installed
from .manifests import BGP_CONFIGURATION
from .push import bgp_configuration

BGP_PORT = 179
DETECTS = "autodetect"
INTERNAL = "kubernetes-internal-ip"
VARIABLES = {"ipv4": ("IP", "IP_AUTODETECTION_METHOD"), "ipv6": ("IP6", "IP6_AUTODETECTION_METHOD")}
# The releases that announce a service with externalTrafficPolicy: Local from nodes whose endpoints are not ready: first and last.
NOT_READY_ANNOUNCED = (((3, 31, 0), (3, 31, 6)), ((3, 32, 0), (3, 32, 1)))
OS_LABEL = "kubernetes.io/os"


@dataclass(frozen=True)
class Threat:
    """One setting that undoes the plan.

    :param id: of the problem, and of the finding of ``verify``.
    :param path: the object that holds the setting.
    :param node: the node that it concerns; empty for all.
    """

    id: str
    path: str
    text: str
    remedy: str = ""
    node: str = ""


def threats(plan: dict, found: dict) -> list[Threat]:
    """Return the settings that undo the plan.

    :param found: what ``netops.aci_calico.calico_info`` returned as ``calico``.
    """
    rules = (_detection, _as_number, _routing, _configuration, _release, _nodes)
    return [threat for rule in rules for threat in rule(plan, found)]


def _detection(plan: dict, found: dict) -> Iterator[Threat]:
    """Yield the nodes whose planned address calico-node replaces by another."""
    environment = found.get("environment") or {}
    for node in plan["nodes"]:
        seen = found["nodes"].get(node["name"])
        for family, network in node["networks"].items() if seen else ():
            variable, method_variable = VARIABLES[family]
            if environment.get(variable) != DETECTS:
                continue
            planned = network["address"].split("/")[0]
            other = _detected(environment.get(method_variable, "first-found"), seen, family, planned)
            if other:
                text = f"calico-node detects {other} ({variable}=autodetect), and replaces the planned address {planned} within a minute"
                yield Threat("address-detection", f"Node/{node['name']}", text, detection_remedy(found), node["name"])


def _detected(method: str, node: dict, family: str, planned: str) -> str:
    """Return the address that calico-node detects in place of the planned one; empty if it keeps that, or nobody can tell."""
    if method.startswith("cidr="):
        networks = [IPNetwork(text.strip()) for text in method.removeprefix("cidr=").split(",") if text.strip()]
        same = [network for network in networks if (network.version == 6) == (family == "ipv6")]
        return "" if any(planned in network for network in same) or not same else f"an address of {method.removeprefix('cidr=')}"
    internal = [address for address in node.get("addresses", ()) if (":" in address) == (family == "ipv6")]
    if method == INTERNAL:
        return "" if not internal or planned in internal else internal[0]
    written = node.get("annotations", {}).get(ADDRESS_ANNOTATIONS[family], "").split("/")[0]
    return written if written and written != planned else ""


def _as_number(plan: dict, found: dict) -> Iterator[Threat]:
    number = (found.get("environment") or {}).get("AS", "")
    if number and number != str(plan["cluster_asn"]):
        text = f"The variable AS={number} replaces the AS number of each node when calico-node starts"
        yield Threat("asn-variable", "DaemonSet/calico-node", text)


def _routing(plan: dict, found: dict) -> Iterator[Threat]:
    about = installed(found)
    if about["routing"] == "felix":
        text = "Felix programs the routes between nodes: it bypasses the leaves' routes"
        yield Threat("routes-by-felix", "Installation/default or FelixConfiguration/default", text)
    if about["data_plane"] == "vpp":
        yield Threat("vpp", "Installation/default", "The data plane is VPP, which has a BGP of its own")


def _configuration(plan: dict, found: dict) -> Iterator[Threat]:
    path = f"BGPConfiguration/{BGP_CONFIGURATION}"
    spec = bgp_configuration(found)
    if spec.get("listenPort", BGP_PORT) != BGP_PORT:
        yield Threat("listen-port", path, f"The nodes listen on port {spec['listenPort']}, and the leaves connect to {BGP_PORT}")
    subnets = [prefix for prefixes in plan["subnets"]["load_balancer"].values() for prefix in prefixes]
    if subnets and spec.get("serviceLoadBalancerAggregation") == "Disabled":
        text = (
            f"serviceLoadBalancerAggregation is Disabled: the nodes do not announce {', '.join(subnets)}, only single addresses"
        )
        yield Threat("load-balancer-aggregation", path, text)


def _release(plan: dict, found: dict) -> Iterator[Threat]:
    text = installed(found)["version"]
    parts = text.split("-")[0].split(".")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        release = (int(parts[0]), int(parts[1]), int(parts[2]))
        if any(first <= release <= last for first, last in NOT_READY_ANNOUNCED):
            what = f"Calico {text} announces services with externalTrafficPolicy: Local also from nodes whose endpoints are not ready"
            yield Threat("not-ready-announced", "ClusterInformation/default", what)


def _nodes(plan: dict, found: dict) -> Iterator[Threat]:
    for node in plan["nodes"]:
        if found["nodes"].get(node["name"], {}).get("labels", {}).get(OS_LABEL) == "windows":
            text = "Calico on Windows sets no BGP password, so the node has no session with a leaf"
            yield Threat("windows-node", f"Node/{node['name']}", text, node=node["name"])
