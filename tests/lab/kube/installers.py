"""How Calico is installed in the lab, and the forces that act on an installed cluster: its operator and calico-node.

They work through the API alone, so that they act on the embedded and on a real API server. ``Operator`` follows
tigera/operator (``pkg/controller/ippool/{pool_controller,defaults}.go``): it makes pools from the Installation, labels them,
puts back what others change in them, and becomes degraded where the operator does. Operators of Calico before 3.32 write the
defaults into the Installation, newer ones publish them in its status. ``CalicoNode`` follows projectcalico/calico
(``node/pkg/lifecycle/startup``): a node's address is detected anew in each round, an ``AS`` variable counts when it starts.
"""

from __future__ import annotations

import copy
import ipaddress
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from lab.kube.interface import CALICO_V1, CALICO_V3, DEFAULT_NAMESPACE, MERGE_PATCH, ApiFailure, KubeApi

Json = dict[str, Any]

NEWEST = "3.32"
VERSIONS = ("3.26", "3.28", "3.30", NEWEST)
OPERATOR_V1 = "operator.tigera.io/v1"
INSTALLATION = f"/apis/{OPERATOR_V1}/installations/default"
STATUS = f"/apis/{OPERATOR_V1}/tigerastatuses/ippools"
MANAGED_BY = {"app.kubernetes.io/managed-by": "tigera-operator"}
#: The addresses that calico-node finds on a node's interfaces, in their order: prefixes separated by commas.
INTERFACES = "lab/interfaces"
ADDRESS = {4: "projectcalico.org/IPv4Address", 6: "projectcalico.org/IPv6Address"}
ENCAPSULATIONS = {
    "IPIP": {"ipipMode": "Always", "vxlanMode": "Never"},
    "IPIPCrossSubnet": {"ipipMode": "CrossSubnet", "vxlanMode": "Never"},
    "VXLAN": {"ipipMode": "Never", "vxlanMode": "Always"},
    "VXLANCrossSubnet": {"ipipMode": "Never", "vxlanMode": "CrossSubnet"},
    "None": {},
}


@dataclass(frozen=True)
class Installer:
    """One way to install Calico.

    :param groups: the API groups of Calico, the preferred one first.
    :param aggregated: whether v3 is the aggregated API server's view of v1 objects.
    """

    groups: tuple[str, ...]
    namespace: str
    cluster_type: str
    operator: bool = False
    aggregated: bool = False


SYSTEM = "calico-system"
OPERATED = "typha,kdd,k8s,operator,bgp"
INSTALLERS = {
    "operator": Installer((CALICO_V3, CALICO_V1), SYSTEM, OPERATED, operator=True, aggregated=True),
    "operator-native": Installer((CALICO_V3,), SYSTEM, OPERATED, operator=True),
    "manifests": Installer((CALICO_V1,), DEFAULT_NAMESPACE, "k8s,bgp,kdd"),
    "kubespray": Installer((CALICO_V1,), DEFAULT_NAMESPACE, "kubespray,bgp,kubeadm,kdd"),
    # Calico's objects alone, without anything that owns them.
    "v1": Installer((CALICO_V1,), DEFAULT_NAMESPACE, "k8s,bgp,kdd"),
    "v3": Installer((CALICO_V3,), SYSTEM, "k8s,bgp,kdd"),
}


def information(installer: Installer, version: str) -> Json:
    """Return Calico's ClusterInformation."""
    spec = {"calicoVersion": f"v{version}.2", "clusterType": installer.cluster_type, "datastoreReady": True, "variant": "Calico"}
    return {"apiVersion": installer.groups[0], "kind": "ClusterInformation", "metadata": {"name": "default"}, "spec": spec}


def installation(pod_subnets: list[str]) -> Json:
    """Return an Installation with the operator's defaults."""
    pools = [{"cidr": subnet} for subnet in pod_subnets]
    network = {"bgp": "Enabled", "linuxDataplane": "Iptables", "ipPools": pools}
    metadata = {"name": "default"}
    return {"apiVersion": OPERATOR_V1, "kind": "Installation", "metadata": metadata, "spec": {"calicoNetwork": network}}


def cluster(seed: Json, name: str, version: str = NEWEST) -> Json:
    """Return the arguments of a server for a cluster whose Calico is installed this way.

    :param seed: the arguments for a cluster of any kind.
    :param name: one of ``INSTALLERS``.
    """
    installer = INSTALLERS[name]
    subnets = list(seed.get("pod_subnets", ("10.1.0.0/16",)))
    made = {
        **seed,
        "api_groups": installer.groups,
        "namespace": installer.namespace,
        "version": version,
        "operator": installer.operator,
        "aggregated": installer.aggregated,
        "objects": [*seed.get("objects", ()), information(installer, version)],
    }
    if installer.operator:
        # The operator makes the pools.
        made |= {"pod_subnets": (), "objects": [*made["objects"], installation(subnets)]}
    return made


@contextmanager
def forces(server: KubeApi, installer: Installer, version: str = NEWEST, seconds: float = 1) -> Iterator[None]:
    """Let the operator, if there is one, and calico-node act in the background, each on a connection of its own."""
    acting: list[Operator | CalicoNode] = [CalicoNode(access(server))]
    if installer.operator:
        acting.append(Operator(access(server), version))
    with ExitStack() as stack:
        for force in acting:
            force.act()  # once before anybody else sees the cluster
            stack.enter_context(_repeated(force, seconds))
        yield


def access(server: KubeApi) -> KubeApi:
    """Return access with a connection of its own."""
    copied = KubeApi()
    copied.url, copied.token, copied.ca_file, copied.kubeconfig = server.url, server.token, server.ca_file, server.kubeconfig
    return copied


@contextmanager
def _repeated(force: Operator | CalicoNode, seconds: float) -> Iterator[None]:
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            with suppress(ApiFailure, OSError):  # the next round sees the cluster as it is then
                force.act()

    thread = threading.Thread(target=run, name=type(force).__name__, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Operator:
    """The operator's controller of IP pools."""

    def __init__(self, api: KubeApi, version: str = NEWEST) -> None:
        self._api = api
        self._publishes = tuple(map(int, version.split("."))) >= (3, 32)
        groups = {group["name"] for group in api.request("GET", "/apis")["groups"]}
        self._group = CALICO_V3 if "projectcalico.org" in groups else CALICO_V1

    def act(self) -> None:
        """Reconcile the pools with the Installation once."""
        try:
            found = self._api.request("GET", INSTALLATION)
        except ApiFailure as failure:
            if failure.status == 404:
                return
            raise
        pools = self._api.request("GET", f"/apis/{self._group}/ippools")["items"]
        entries = self._with_defaults(found, pools)
        ours, others = self._owners(entries, pools)
        for entry in entries:
            if entry["cidr"] not in others:
                self._make(entry, ours.get(entry["cidr"]))
        declared = {entry["cidr"] for entry in entries}
        for cidr, pool in ours.items():
            if cidr not in declared:
                self._api.request("DELETE", f"/apis/{self._group}/ippools/{pool['metadata']['name']}")
        self._report("Cannot update an IP pool not owned by the operator" if others & declared else "")

    def _with_defaults(self, found: Json, pools: list[Json]) -> list[Json]:
        declared = found["spec"].get("calicoNetwork", {}).get("ipPools")
        names = {pool["spec"]["cidr"]: pool["metadata"]["name"] for pool in pools}
        entries = [_complete(entry, names) for entry in declared or ()]
        part = {"calicoNetwork": {**found["spec"].get("calicoNetwork", {}), "ipPools": entries}}
        if not self._publishes and entries != declared:
            self._api.request("PATCH", INSTALLATION, {"spec": part}, MERGE_PATCH)
        elif self._publishes and (found.get("status") or {}).get("computed") != part:
            self._api.request("PATCH", f"{INSTALLATION}/status", {"status": {"computed": part}}, MERGE_PATCH)
        return entries

    def _owners(self, entries: list[Json], pools: list[Json]) -> tuple[dict[str, Json], set[str]]:
        """Return the operator's pools by CIDR, and the CIDRs of others: unlabelled pools that differ from their entry."""
        wanted = {entry["cidr"]: _pool_spec(entry) for entry in entries}
        ours, others = {}, set()
        for pool in pools:
            cidr = pool["spec"]["cidr"]
            labelled = MANAGED_BY.items() <= (pool["metadata"].get("labels") or {}).items()
            if labelled or _clean(pool["spec"]) == wanted.get(cidr):
                ours[cidr] = pool
            else:
                others.add(cidr)
        return ours, others

    def _make(self, entry: Json, held: Json | None) -> None:
        spec = _pool_spec(entry)
        collection = f"/apis/{self._group}/ippools"
        if held is None:
            metadata = {"name": entry["name"], "labels": dict(MANAGED_BY)}
            body = {"apiVersion": self._group, "kind": "IPPool", "metadata": metadata, "spec": spec}
            self._api.request("POST", collection, body)
            return
        labelled = MANAGED_BY.items() <= (held["metadata"].get("labels") or {}).items()
        if _clean(held["spec"]) != spec or not labelled:
            gone = dict.fromkeys(set(held["spec"]) - set(spec))
            patch = {"metadata": {"labels": dict(MANAGED_BY)}, "spec": {**gone, **spec}}
            self._api.request("PATCH", f"{collection}/{held['metadata']['name']}", patch, MERGE_PATCH)

    def _report(self, problem: str) -> None:
        condition = {"type": "Degraded", "status": "True" if problem else "False", "message": problem}
        status = {"apiVersion": OPERATOR_V1, "kind": "TigeraStatus", "metadata": {"name": "ippools"}}
        self._api.apply([{**status, "spec": {}}])
        if (self._api.request("GET", STATUS).get("status") or {}).get("conditions") != [condition]:
            self._api.request("PATCH", f"{STATUS}/status", {"status": {"conditions": [condition]}}, MERGE_PATCH)


def _complete(entry: Json, names: dict[str, str]) -> Json:
    """Return a pool of the Installation with the operator's defaults."""
    version = ipaddress.ip_network(entry["cidr"]).version
    defaults = {
        "allowedUses": ["Workload", "Tunnel"],
        "encapsulation": "IPIP" if version == 4 else "None",
        "natOutgoing": "Enabled" if version == 4 else "Disabled",
        "nodeSelector": "all()",
        "blockSize": 26 if version == 4 else 122,
        "disableNewAllocations": False,
        "name": names.get(entry["cidr"], f"default-ipv{version}-ippool"),
        "assignmentMode": "Automatic",
    }
    return {**defaults, **{name: value for name, value in entry.items() if value not in (None, "", [])}}


def _pool_spec(entry: Json) -> Json:
    """Return the spec of the pool that the operator makes: Go leaves out what is false or empty."""
    spec = {name: entry[name] for name in ("cidr", "blockSize", "nodeSelector", "allowedUses", "assignmentMode")}
    spec |= ENCAPSULATIONS[entry["encapsulation"]]
    flags = {"natOutgoing": entry["natOutgoing"] == "Enabled", "disabled": entry["disableNewAllocations"]}
    return {**spec, **{name: True for name, value in flags.items() if value}}


def _clean(spec: Json) -> Json:
    """Return a pool's spec as Go decodes and encodes it."""
    return {name: value for name, value in spec.items() if value not in (None, False, "", [])}


class CalicoNode:
    """calico-node's writing of each node's address and AS number."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._started: set[str] = set()

    def act(self) -> None:
        """Detect the address of each node, and set the AS number of those that have just started."""
        environment = self._environment()
        for node in self._api.request("GET", "/api/v1/nodes")["items"]:
            name, held = node["metadata"]["name"], node["metadata"].get("annotations") or {}
            new = dict(_detected(node, environment))
            if name not in self._started and environment.get("AS"):
                new["projectcalico.org/ASNumber"] = environment["AS"]
            self._started.add(name)
            if any(held.get(key) != value for key, value in new.items()):
                self._api.request("PATCH", f"/api/v1/nodes/{name}", {"metadata": {"annotations": new}}, MERGE_PATCH)

    def restart(self, node: str) -> None:
        """Let calico-node start anew on a node."""
        self._started.discard(node)

    def _environment(self) -> dict[str, str]:
        sets = self._api.request("GET", "/apis/apps/v1/daemonsets")["items"]
        specs = [item["spec"]["template"]["spec"] for item in sets if item["metadata"]["name"] == "calico-node"]
        entries = [entry for spec in specs for container in spec["containers"] for entry in container.get("env") or ()]
        return {entry["name"]: entry["value"] for entry in entries if entry.get("value")}


def _detected(node: Json, environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    text = (node["metadata"].get("annotations") or {}).get(INTERFACES, "")
    interfaces = [ipaddress.ip_interface(one) for one in text.split(",") if one]
    internal = {one["address"] for one in node.get("status", {}).get("addresses", ()) if one["type"] == "InternalIP"}
    for version, variable in ((4, "IP"), (6, "IP6")):
        if environment.get(variable) != "autodetect":
            continue
        method = environment.get(f"{variable}_AUTODETECTION_METHOD", "first-found")
        found = [one for one in interfaces if one.version == version]
        if method == "kubernetes-internal-ip":
            found = [one for one in found if str(one.ip) in internal]
        elif method.startswith("cidr="):
            networks = [ipaddress.ip_network(one) for one in method.removeprefix("cidr=").split(",")]
            found = [one for one in found if any(one.ip in network for network in networks)]
        if found:
            yield ADDRESS[version], str(found[0])


def kubespray_run(api: KubeApi, nodes_mesh: bool = True, service_external_ips: tuple[str, ...] = ()) -> None:
    """Set what a run of kubespray sets again (``roles/network_plugin/calico/tasks/install.yml``), whatever it finds."""
    spec = {
        "listenPort": 179,
        "logSeverityScreen": "Info",
        "nodeToNodeMeshEnabled": nodes_mesh,
        "serviceExternalIPs": [{"cidr": cidr} for cidr in service_external_ips],
    }
    body: Json = {"apiVersion": CALICO_V1, "kind": "BGPConfiguration", "metadata": {"name": "default"}}
    api.apply([{**body, "spec": copy.deepcopy(spec)}])
    api.request("PATCH", f"/apis/{CALICO_V1}/bgpconfigurations/default", {"spec": spec}, MERGE_PATCH)
