# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find out how Calico is installed: by whom, in which version, with which data plane.

Sources: Calico's ``ClusterInformation`` (``spec.calicoVersion``, ``spec.clusterType``); tigera/operator, ``api/v1/installation_types.go``
(``linuxDataplane``, ``clusterRoutingMode``) and its TigeraStatus ``ippools``; kubespray, ``templates/calico-config.yml.j2``
(cluster type ``kubespray,bgp``). RKE2 installs the operator by the HelmChart ``rke2-calico`` (its charts; not run against one).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..names import HELM_V1, OPERATOR_V1
from .api import KubeApi

OPERATOR, RKE2, KUBESPRAY, MANIFESTS, UNKNOWN = "operator", "rke2", "kubespray", "manifests", "unknown"
INSTALLATION = f"/apis/{OPERATOR_V1}/installations/default"
POOL_STATUS = f"/apis/{OPERATOR_V1}/tigerastatuses/ippools"
CHART = f"/apis/{HELM_V1}/namespaces/kube-system/helmcharts/rke2-calico"
# The variables of calico-node that determine AS numbers and addresses, and its kind of data plane.
KEPT = ("AS", "IP", "IP6", "IP_AUTODETECTION_METHOD", "IP6_AUTODETECTION_METHOD", "CALICO_ROUTER_ID", "FELIX_BPFENABLED")
DATA_PLANES = {"BPF": "ebpf", "Nftables": "nftables", "VPP": "vpp"}


@dataclass
class Installed:
    """What the cluster says about its installation; empty parts could not be read or do not exist."""

    information: Mapping[str, Any] = field(default_factory=dict)
    installation: Mapping[str, Any] | None = None
    chart: bool = False
    felix: Mapping[str, Any] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)

    @property
    def objects(self) -> list[Mapping[str, Any]]:
        """The operator's Installation, if there is one."""
        return [self.installation] if self.installation else []

    def describe(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """Return the installation as plain data."""
        network = _network(self.installation)
        felix = self.felix.get("programClusterRoutes") or ""
        return {
            "installer": self._installer(),
            "version": str(self.information.get("calicoVersion") or "").removeprefix("v"),
            "data_plane": self._data_plane(network, environment),
            "routing": "felix" if network.get("clusterRoutingMode") == "Felix" or felix.startswith("Enabled") else "bird",
            "degraded": self.degraded,
            "pools": network.get("ipPools") or [],
        }

    def _installer(self) -> str:
        kinds = str(self.information.get("clusterType") or "").split(",")
        if self.chart:
            return RKE2
        if self.installation or OPERATOR in kinds:
            return OPERATOR
        if KUBESPRAY in kinds:
            return KUBESPRAY
        return MANIFESTS if self.information else UNKNOWN

    def _data_plane(self, network: Mapping[str, Any], environment: Mapping[str, str]) -> str:
        if network.get("linuxDataplane") in DATA_PLANES:
            return DATA_PLANES[network["linuxDataplane"]]
        if self.felix.get("bpfEnabled") or environment.get("FELIX_BPFENABLED", "").lower() == "true":
            return "ebpf"
        return "nftables" if self.felix.get("nftablesMode") == "Enabled" else "iptables"


def _network(installation: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return ``calicoNetwork`` as the operator uses it: newer operators publish the spec with its defaults in the status."""
    held = installation or {}
    computed = (held.get("status") or {}).get("computed") or held.get("spec") or {}
    return computed.get("calicoNetwork") or {}


def read(reader: KubeApi, served: Collection[str], api_group: str | None) -> Installed:
    """Read the installation, with requests only for what the cluster serves."""
    found = Installed()
    if api_group:
        found.information = _spec(reader, f"/apis/{api_group}/clusterinformations/default")
        found.felix = _spec(reader, f"/apis/{api_group}/felixconfigurations/default")
    if OPERATOR_V1 in served:
        found.installation = reader.get(INSTALLATION)
        found.degraded = _degraded(reader.get(POOL_STATUS) or {})
    if HELM_V1 in served:
        found.chart = reader.get(CHART) is not None
    return found


def _spec(reader: KubeApi, path: str) -> dict[str, Any]:
    return (reader.get(path) or {}).get("spec") or {}


def _degraded(status: Mapping[str, Any]) -> list[str]:
    conditions = (status.get("status") or {}).get("conditions") or []
    return [
        str(one.get("message") or one.get("reason") or "Degraded")
        for one in conditions
        if one["type"] == "Degraded" and one["status"] == "True"
    ]


def environment(daemonsets: list[dict[str, Any]], namespace: str | None) -> dict[str, str]:
    """Return the environment variables of calico-node that determine what it writes to its node."""
    own = [item for item in daemonsets if item["metadata"].get("namespace") == namespace]
    pod = own[0].get("spec", {}).get("template", {}).get("spec", {}) if own else {}
    entries = [entry for container in pod.get("containers", []) for entry in container.get("env") or []]
    return {entry["name"]: str(entry["value"]) for entry in entries if entry["name"] in KEPT and entry.get("value") is not None}
