"""A cluster without findings, as its leaves, nodes and API server report it; tests break one thing of it."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import cluster_plan
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.observed import Kubernetes
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.report import explain, verify
from lab.example import worked_example

VARIABLES = worked_example()
STANDARD = {"aci_calico_svi": "standard", "aci_calico_vlan": "300-309"}

NODES = {f"node-{number}": f"192.168.2.{number}" for number in range(1, 7)}
BLOCKS = {node: f"10.1.{number}.0/26" for number, node in enumerate(NODES, 1)}
RACKS = {"1": ("node-1", "node-2", "node-3"), "2": ("node-4", "node-5", "node-6")}
LEAVES = {201: "1", 202: "1", 203: "2", 204: "2"}
# A service with externalTrafficPolicy Local and endpoints on these nodes, as in the white paper's example.
LOCAL_SERVICE, LOCAL_NODES = "192.168.8.10", ("node-1", "node-3", "node-6")


def tep(leaf):
    """Return a leaf's address in the fabric."""
    return f"10.0.0.{leaf - 200}"


class Cluster:
    """A healthy cluster. ``aci``, ``info`` and ``state`` are the results of the three modules; tests change them."""

    def __init__(self, **variables):
        self.plan = cluster_plan({**copy.deepcopy(VARIABLES), **variables})
        self.nodes = {node["name"]: node["networks"]["ipv4"]["address"].split("/")[0] for node in self.plan["nodes"]}
        self.aci = {
            "leaves": {str(leaf): self._leaf(leaf, rack) for leaf, rack in LEAVES.items()},
            "objects": copy.deepcopy(flat(apic_tree(self.plan))),
            "faults": [],
        }
        manifests = copy.deepcopy(kubernetes_objects(self.plan, "projectcalico.org/v3", "calico-system"))
        self.info = {
            "api_group": "projectcalico.org/v3",
            "namespace": "calico-system",
            "nodes": {obj["metadata"]["name"]: obj["metadata"] for obj in manifests if obj["kind"] == "Node"},
            "objects": [obj for obj in manifests if obj["kind"] != "Node"],
            "password_matches": True,
            "failures": [],
        }
        addresses = {"service": [LOCAL_SERVICE], "external_service": [], "load_balancer": []}
        self.state = {
            "blocks": [{"cidr": cidr, "node": node} for node, cidr in BLOCKS.items()],
            "local_services": [{"name": "shop/front", "addresses": addresses, "nodes": list(LOCAL_NODES)}],
            "excluded": [],
            "ready": dict.fromkeys(NODES, True),
            "status": {node: self._status(node) for node in NODES},
            "failures": [],
        }

    def verify(self, kubernetes=True):
        """Return the report on this cluster."""
        return verify(self.plan, self.aci, Kubernetes(self.info, self.state) if kubernetes else None)

    # --- the fabric's side ---

    def _leaf(self, leaf, rack):
        return {
            "up": True,
            "router_id": f"1.1.4.{leaf}",
            "tep": tep(leaf),
            "sessions": [self.session(node) for node in RACKS[rack]],
            "routes": {"ipv4": self._routes(leaf, rack)},
            "lpm": {"used": 40, "limit": 20000},
        }

    def session(self, node, **changes):
        """Return a node's session as a leaf reports it."""
        return {
            "address": self.nodes.get(node, node),
            "state": "established",
            "type": "ebgp",
            "local_asn": 65002,
            "remote_asn": 65003,
            "keepalive": 1,
            "hold": 3,
            "graceful_restart": True,
            "password": True,
            "router_id": self.nodes.get(node, node),
            "shut_reason": "unspecified",
            "families": {"ipv4": {"accepted": 4, "sent": 9, "flags": []}},
            **changes,
        }

    def _routes(self, leaf, rack):
        prefixes = {
            **{cidr: (node,) for node, cidr in BLOCKS.items()},
            "192.168.8.0/22": tuple(NODES),
            "192.168.3.0/24": tuple(NODES),
            f"{LOCAL_SERVICE}/32": LOCAL_NODES,
        }
        return {prefix: self.hops(rack, nodes) for prefix, nodes in prefixes.items()}

    def hops(self, rack, nodes):
        """Return the next hops of a prefix of these nodes on a leaf of a rack."""
        local = [node for node in nodes if node in RACKS[rack]]
        if local:
            return [{"address": self.nodes[node], "type": "ebgp"} for node in local]
        home = [leaf for leaf, other in LEAVES.items() if other != rack]
        return [{"address": tep(leaf), "type": "ibgp"} for leaf in home]

    def leaf(self, number):
        """Return the state of a leaf."""
        return self.aci["leaves"][str(number)]

    def routes(self, leaf):
        """Return a leaf's IPv4 routes."""
        return self.leaf(leaf)["routes"]["ipv4"]

    def seen(self, leaf, node):
        """Return a node's session on a leaf."""
        return next(session for session in self.leaf(leaf)["sessions"] if session["address"] == self.nodes[node])

    def drop_session(self, leaf, node):
        """Remove a node's session and its routes from a leaf."""
        self.leaf(leaf)["sessions"].remove(self.seen(leaf, node))
        for prefix in list(self.routes(leaf)):
            hops = [hop for hop in self.routes(leaf)[prefix] if hop["address"] != self.nodes[node]]
            self.routes(leaf)[prefix] = hops
            if not hops:
                del self.routes(leaf)[prefix]

    def objects(self, cls):
        """Return the attributes of APIC's objects of a class by DN."""
        return {dn: mo["attributes"] for dn, mo in self.aci["objects"].items() if mo["class"] == cls}

    def delete_object(self, dn):
        """Remove an object and everything below it from APIC."""
        for other in [other for other in self.aci["objects"] if other == dn or other.startswith(f"{dn}/")]:
            del self.aci["objects"][other]

    # --- the cluster's side ---

    def _status(self, node):
        leaves = [peer["address"] for entry in self.plan["nodes"] if entry["name"] == node for peer in entry["peers"]]
        learned = [cidr for other, cidr in BLOCKS.items() if other != node]
        own = [BLOCKS[node], "192.168.8.0/22", "192.168.3.0/24"]
        return {
            "peers": {address: {"state": "Established", "type": "NodePeer"} for address in leaves},
            "routes": [
                *({"destination": cidr, "source": "BGPPeer", "peer": leaves[0], "interface": "eth0"} for cidr in learned),
                *({"destination": cidr, "source": "Static", "peer": "", "interface": "blackhole"} for cidr in own),
            ],
        }

    def peer(self, node, address):
        """Return a peer as a node's BGP daemon reports it."""
        return self.state["status"][node]["peers"][address]

    def manifest(self, kind, name=None):
        """Return an object of the cluster."""
        return next(obj for obj in self.info["objects"] if obj["kind"] == kind and name in (None, obj["metadata"]["name"]))

    def remove(self, kind, name=None):
        """Remove an object from the cluster."""
        self.info["objects"].remove(self.manifest(kind, name))

    def forget(self, node):
        """Remove all routes of a node."""
        self.state["status"][node]["routes"] = []


def ids(report):
    """Return the rules of the findings that no other finding explains."""
    return [finding["id"] for finding in report["findings"]]


def only(report: dict[str, Any]) -> dict[str, Any]:
    """Return the one finding of a report."""
    assert len(report["findings"]) == 1, explain(report)
    return report["findings"][0]


def set_attribute(cluster: Cluster, cls: str, name: str, value: str) -> None:
    """Change a property of all objects of a class."""
    for attributes in cluster.objects(cls).values():
        attributes[name] = value
