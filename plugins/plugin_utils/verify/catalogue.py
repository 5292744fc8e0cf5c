# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue of findings: each with its likely cause, its remedy, and the findings that it explains."""

from __future__ import annotations

from dataclasses import dataclass

from ..schema.messages import ERROR, WARNING


@dataclass(frozen=True)
class Rule:
    """One rule of the verification.

    :param suite: ``sessions``, ``routes``, ``aci`` or ``calico``.
    :param title: the finding in a few words.
    :param heals: whether the finding may disappear without a change, as a session that comes up later.
    """

    suite: str
    title: str
    cause: str
    remedy: str
    severity: str = ERROR
    heals: bool = False


SITE = "Run netops.aci_calico.site for this cluster."
SITE_ACI = f"{SITE} It puts the planned value back on APIC."
SITE_CALICO = f"{SITE} It puts the planned object back in Kubernetes."

RULES = {
    # --- the fabric's configuration ---
    "as-override-off": Rule(
        "aci",
        "AS override is off",
        "The BGP control as-override is missing on the peer: nodes find their own AS number in the path and drop each other's routes.",
        SITE_ACI,
    ),
    "peer-as-check-on": Rule(
        "aci",
        "the peer AS check is on",
        "The BGP control dis-peer-as-check is missing on the peer: the leaf sends a node no routes that contain the cluster's AS number.",
        SITE_ACI,
    ),
    "timers": Rule(
        "aci",
        "the BGP timers are not the planned ones",
        "The timers policy differs or the node profile does not use it; with the default 60 s/180 s a dead node keeps its routes for minutes.",
        SITE_ACI,
    ),
    "as-limit": Rule(
        "aci",
        "the AS limit is not the planned one",
        "maxAsLimit of the timers policy differs: the leaf accepts routes that the sending node did not originate.",
        SITE_ACI,
    ),
    "graceful-restart-off": Rule(
        "aci",
        "graceful restart is not as planned on APIC",
        "grCtrl of the timers policy differs: leaves remove a node's routes when its BGP daemon restarts.",
        SITE_ACI,
    ),
    "as-path-relax-off": Rule(
        "aci",
        "AS-path relaxation is not as planned",
        "The best path policy differs or the node profile does not use it: a leaf may use only one of several equal paths.",
        SITE_ACI,
    ),
    "ecmp": Rule(
        "aci",
        "the number of ECMP paths is not the planned one",
        "The BGP address family context of the VRF differs or is not applied: traffic to a service does not reach all its nodes.",
        f"{SITE_ACI} The policy applies to the whole VRF: ask the other users of the VRF first.",
    ),
    "import-control-off": Rule(
        "aci",
        "import route control is not enforced",
        "enforceRtctrl of the L3Out lacks import: the fabric accepts every route that a node advertises.",
        SITE_ACI,
    ),
    "import-prefix-missing": Rule(
        "aci",
        "import route control lacks a prefix of the cluster",
        "The route map default-import does not permit the prefix: the leaf drops these routes of the nodes.",
        SITE_ACI,
    ),
    "import-prefix-extra": Rule(
        "aci",
        "import route control permits a foreign prefix",
        "The match rule of the route map default-import contains a prefix that does not belong to the cluster.",
        "Remove the prefix, or add it to the cluster's subnets if it belongs there.",
    ),
    "export-prefix-missing": Rule(
        "aci",
        "export route control lacks a prefix of the cluster",
        "The route map default-export does not permit the prefix: nodes do not learn these routes of the other nodes.",
        SITE_ACI,
    ),
    "secondary-address": Rule(
        "aci",
        "the secondary address is not as planned",
        "The nodes' default gateway is missing or differs on the interface: nodes have no default gateway on this leaf.",
        SITE_ACI,
    ),
    "prefix-limit-differs": Rule(
        "aci",
        "the prefix limit is not the planned one",
        "The peer prefix policy or its use on the peer differs.",
        SITE_ACI,
    ),
    "router-id-differs": Rule(
        "aci", "a leaf's router ID is not the planned one", "The L3Out gives the leaf another router ID.", SITE_ACI
    ),
    "duplicate-router-id": Rule(
        "aci",
        "a router ID is used twice in the VRF",
        "Two BGP speakers with the same router ID drop each other's routes and refuse sessions with each other.",
        "Give each leaf its own router_id (one per leaf and VRF, across all L3Outs), then run netops.aci_calico.site.",
    ),
    "peer-asn": Rule(
        "aci",
        "the peer's AS number is not the cluster's",
        "The remote AS number of the peer differs: no session comes up.",
        SITE_ACI,
    ),
    "bd-enforced": Rule(
        "aci",
        "the VRF enforces bridge domain addresses",
        "bdEnforcedEnable is on: the VRF drops the eBGP sessions of the nodes.",
        "Set BD Enforcement of the VRF to off, or add an exception for the leaves' addresses.",
    ),
    "contract-differs": Rule(
        "aci",
        "a contract, or one of its relations, is not as planned",
        "Somebody changed it, or the plan changed since: other traffic is permitted than planned.",
        SITE_ACI,
    ),
    "contract-unresolved": Rule(
        "aci",
        "an EPG or a contract refers to a missing object",
        "A contract, a filter, an exported interface or a service graph of somebody else is missing on APIC.",
        "Create it, correct its name in the inventory, or add it to aci_calico_contracts.",
    ),
    "external-subnet": Rule(
        "aci",
        "an external EPG does not have the planned subnets",
        "A subnet was added, removed or changed: its addresses belong to another EPG, with other contracts.",
        f"{SITE_ACI} Remove subnets that others added, or add them to the inventory.",
    ),
    "transit-route": Rule(
        "aci",
        "a transit L3Out does not advertise the cluster's prefixes as planned",
        "The cluster's entry in the L3Out's route map default-export, or its match rule, is missing or differs.",
        SITE_ACI,
    ),
    "aci-missing": Rule(
        "aci", "an object of the plan is missing on APIC", "It was never pushed, or somebody removed it.", SITE_ACI
    ),
    "aci-differs": Rule(
        "aci", "an object on APIC is not as planned", "Somebody changed it, or the plan changed since.", SITE_ACI
    ),
    "aci-extra-peer": Rule(
        "aci",
        "a BGP peer that is not planned",
        "Somebody added a peer to the cluster's interfaces.",
        "Remove the peer, or move it to an L3Out of its own.",
    ),
    "aci-fault": Rule(
        "aci", "APIC reports a fault", "See the fault's text.", "Follow the fault's recommended action on APIC."
    ),
    "session-fault": Rule(
        "sessions",
        "APIC reports a fault of a session",
        "See the fault's text.",
        "Follow the fault's recommended action on APIC.",
        heals=True,
    ),
    "lpm-usage": Rule(
        "aci",
        "the leaf's longest-prefix-match table is nearly full",
        "Routes of all VRFs on the leaf share this table.",
        "Choose a forwarding scale profile with more LPM entries, or a larger IPAM block size.",
        WARNING,
    ),
    # --- Calico's configuration ---
    "node-missing": Rule(
        "calico",
        "a node of the plan is not in Kubernetes",
        "The node has another name, or has not joined the cluster.",
        "Correct the inventory, or join the node.",
    ),
    "node-not-ready": Rule(
        "calico", "a node is not ready", "The node or its kubelet is down.", "See the node's conditions.", WARNING
    ),
    "rack-label": Rule(
        "calico",
        "a node's rack label is wrong",
        "The label selects the leaves that the node peers with: it peers with those of another rack, or with none.",
        SITE_CALICO,
    ),
    "node-asn": Rule(
        "calico",
        "a node's AS number is wrong",
        "The annotation projectcalico.org/ASNumber differs: the leaves refuse the node's sessions.",
        SITE_CALICO,
    ),
    "node-address": Rule(
        "calico",
        "a node's BGP address is wrong",
        "The annotation with the node's address differs: the node uses an address that the leaves do not expect.",
        f"{SITE} If calico-node detects addresses itself, set its IP_AUTODETECTION_METHOD to the planned interface.",
    ),
    "mesh-on": Rule(
        "calico",
        "the node-to-node mesh is on",
        "nodeToNodeMeshEnabled is not false: nodes also peer with each other, and use other routes than planned.",
        SITE_CALICO,
    ),
    "pool-missing": Rule(
        "calico", "an IP pool of the plan is missing", "Pods get other addresses, or none.", SITE_CALICO
    ),
    "pool-encapsulation": Rule(
        "calico",
        "an IP pool encapsulates",
        "IP-in-IP or VXLAN is on: the fabric sees tunnels instead of pod traffic.",
        f"{SITE_CALICO} Running pods keep working while the mode changes.",
    ),
    "pool-nat": Rule(
        "calico",
        "an IP pool translates outgoing addresses",
        "natOutgoing is on: the fabric does not see pod addresses.",
        SITE_CALICO,
    ),
    "pool-differs": Rule(
        "calico", "an IP pool is not as planned", "Somebody changed it, or the plan changed since.", SITE_CALICO
    ),
    "service-cidr-missing": Rule(
        "calico",
        "a service subnet is not advertised",
        "BGPConfiguration lacks the subnet: no node advertises it.",
        SITE_CALICO,
    ),
    "foreign-prefix": Rule(
        "calico",
        "a node advertises a foreign prefix",
        "The prefix lies outside the cluster's subnets; only import route control keeps it out of the fabric.",
        "Remove the pool, advertised subnet or route from Calico, or add the prefix to the cluster's subnets.",
    ),
    "bgppeer-missing": Rule(
        "calico", "a BGPPeer of the plan is missing", "No node is configured to peer with the leaf.", SITE_CALICO
    ),
    "bgppeer-differs": Rule(
        "calico", "a BGPPeer is not as planned", "Somebody changed it, or the plan changed since.", SITE_CALICO
    ),
    "bgppeer-password": Rule(
        "calico",
        "a BGPPeer does not refer to the planned password",
        "The password differs: the node signs its segments with another key than the leaf, or not at all.",
        SITE_CALICO,
    ),
    "bgppeer-keepalive": Rule(
        "calico",
        "a BGPPeer's keepalive time exceeds the hold time",
        "keepaliveTime is longer than the negotiated hold time: every session expires.",
        "Remove keepaliveTime from the BGPPeer.",
    ),
    "bgppeer-extra": Rule("calico", "a BGPPeer that is not planned", "Somebody added a peer.", "Remove the BGPPeer."),
    "cross-rack-peer": Rule(
        "calico",
        "a BGPPeer lets nodes peer with leaves of another rack",
        "Its selector selects nodes of other racks than the leaf's: traffic takes a detour over those racks.",
        "Remove the BGPPeer, or select by the leaf's rack; then run netops.aci_calico.site.",
    ),
    "bgpfilter-missing": Rule(
        "calico",
        "the BGPFilter of the plan is missing or not used",
        "Nodes advertise learned routes back to the leaves, where they count against the prefix limit.",
        SITE_CALICO,
    ),
    "secret-missing": Rule(
        "calico",
        "the Secret with the BGP password is missing",
        "Without it calico-node uses no password, but the leaves do.",
        SITE_CALICO,
    ),
    "secret-unreadable": Rule(
        "calico",
        "calico-node has no permission to read the Secret",
        "Role or RoleBinding is missing or differs: calico-node cannot read the password.",
        SITE_CALICO,
    ),
    "password-differs": Rule(
        "calico",
        "the BGP password differs",
        "The two ends of the session sign with different passwords: TCP drops every segment without a message (MD5 failures).",
        "Set the password on both sides: run netops.aci_calico.site with aci_calico_update_password=always.",
        heals=True,
    ),
    "node-status-missing": Rule(
        "calico",
        "a node's BGP daemon does not report",
        "calico-node has not updated the node's CalicoNodeStatus: the node's own sessions and routes are unknown.",
        "See the logs of calico-node on the node; CalicoNodeStatus needs Calico 3.20 or later.",
        WARNING,
        heals=True,
    ),
    "unreadable": Rule(
        "calico",
        "an object could not be read",
        "The account lacks the permission.",
        "Grant get and list on the object, or accept that it is not verified.",
        WARNING,
    ),
    # --- sessions ---
    "leaf-silent": Rule(
        "sessions",
        "a leaf has no BGP in the VRF",
        "The leaf is down or not connected to the fabric, or the L3Out is not deployed on it.",
        "See the leaf's state and the faults of the L3Out's node profile.",
        heals=True,
    ),
    "session-missing": Rule(
        "sessions",
        "no session with a node",
        "The node does not reach the leaf (node down, wrong VLAN or address), or the password differs.",
        "Check that the node pings the leaf's address, then compare passwords.",
        heals=True,
    ),
    "session-down": Rule(
        "sessions",
        "a session is not established",
        "The ends do not reach each other, or refuse each other.",
        "Check that the node pings the leaf's address, then AS numbers and passwords.",
        heals=True,
    ),
    "session-refused": Rule(
        "sessions",
        "a session is refused while it opens",
        "The ends reach each other, but do not agree on AS number, router ID or address family.",
        "Compare AS numbers on both ends, and router IDs.",
        heals=True,
    ),
    "session-asn": Rule(
        "sessions",
        "a session runs with another AS number than planned",
        "APIC's peer or the fabric has another AS number than the plan.",
        "Correct aci_calico_fabric_asn or aci_calico_cluster_asn, then run netops.aci_calico.site.",
    ),
    "session-timers": Rule(
        "sessions",
        "a session negotiated other timers",
        "The session was opened before the timers changed, or the node has other timers.",
        "Reset the session so that the timers are negotiated again.",
        heals=True,
    ),
    "session-graceful-restart": Rule(
        "sessions",
        "a session has no graceful restart",
        "One end did not offer it when the session opened.",
        "Restart calico-node on the node, one node at a time.",
    ),
    "session-password": Rule(
        "sessions",
        "a session is not protected by a password",
        "The leaf's peer has no password.",
        "Run netops.aci_calico.site with aci_calico_update_password=always.",
    ),
    "session-cross-rack": Rule(
        "sessions",
        "a session across racks",
        "The node peers with a leaf of another rack: wrong rack label or an additional BGPPeer.",
        "Correct the node's label or remove the BGPPeer.",
    ),
    "session-stranger": Rule(
        "sessions",
        "a session with an unknown host",
        "A host in the node subnet that is not a node of the plan has a BGP session with the leaf.",
        "Find the host with this address; add it to the inventory if it is a node.",
    ),
    "session-mesh": Rule(
        "sessions", "a session between nodes", "The node-to-node mesh is on.", SITE_CALICO, heals=True
    ),
    "calico-session-down": Rule(
        "sessions",
        "Calico sees the session down",
        "The node's BGP daemon and the leaf report different states; the daemon may have just restarted.",
        "Run calicoctl node status on the node.",
        heals=True,
    ),
    # --- routes ---
    "pod-block-missing": Rule(
        "routes",
        "a node's pod block is not on a leaf",
        "The node does not advertise it, or the leaf does not accept it.",
        "See the node's IP pools and import route control.",
        heals=True,
    ),
    "service-route-missing": Rule(
        "routes",
        "a service route is not on a leaf",
        "No node advertises it, or the leaf does not accept it.",
        "See BGPConfiguration and import route control.",
        heals=True,
    ),
    "drained-node-announced": Rule(
        "routes",
        "a drained node still gets services' traffic",
        "calico-node on it has not withdrawn the routes, or does not run and the leaf keeps them for a graceful restart.",
        "See the logs of calico-node on the node. A node that is down already needs no maintenance.",
        heals=True,
    ),
    "ecmp-width": Rule(
        "routes",
        "a route has fewer next hops than nodes",
        "Not every node advertises it, or the leaf keeps fewer paths.",
        "See the nodes that are missing, and the ECMP policy of the VRF.",
        heals=True,
    ),
    "route-next-hop": Rule(
        "routes",
        "a route has an unexpected next hop",
        "A node advertises the prefix that does not own it.",
        "Find out why the node advertises it: a borrowed block, a static route or a prepended route.",
        heals=True,
    ),
    "foreign-route": Rule(
        "routes",
        "a leaf accepted a route outside the cluster's prefixes",
        "Import route control is not enforced, and a node advertises a prefix that does not belong to the cluster.",
        "Enforce import route control, and remove the route from the node.",
    ),
    "nothing-accepted": Rule(
        "routes",
        "a leaf accepts nothing from a node",
        "Import route control, the AS limit or the prefix limit rejects all routes.",
        "See import route control, the AS limit and the prefix limit of the L3Out.",
        heals=True,
    ),
    "node-route-missing": Rule(
        "routes",
        "a node does not learn the other nodes' blocks",
        "The leaves do not send them, or the node rejects them: AS override, peer AS check or export route control.",
        "See the BGP controls of the peer and the route map default-export.",
        heals=True,
    ),
    "node-route-tunnel": Rule(
        "routes",
        "a node reaches another node's block through a tunnel",
        "The pool encapsulates.",
        SITE_CALICO,
        heals=True,
    ),
    "prefix-limit-exceeded": Rule(
        "routes",
        "a node exceeds the prefix limit",
        "The node advertises more prefixes than the leaf accepts; routes learned from the other leaf count too.",
        "Raise aci_calico_bgp_prefix_limit, or set aci_calico_bgp_filter so that nodes do not re-advertise.",
        heals=True,
    ),
    "prefix-limit-small": Rule(
        "routes",
        "the prefix limit is too small for the cluster",
        "Nodes advertise routes to a leaf that they learned from its pair; the leaf drops them, but they count against the limit.",
        "Raise aci_calico_bgp_prefix_limit, or set aci_calico_bgp_filter so that nodes do not re-advertise.",
    ),
    "prefix-limit-near": Rule(
        "routes",
        "the prefix limit is nearly reached",
        "The number of prefixes that nodes send to a leaf exceeds the policy's threshold.",
        "Raise aci_calico_bgp_prefix_limit, or set aci_calico_bgp_filter so that nodes do not re-advertise.",
        WARNING,
    ),
}

_SESSIONS = frozenset(
    {"session-fault", "session-missing", "session-down", "session-refused", "calico-session-down", "password-differs"}
)
_UNPLANNED = frozenset({"session-cross-rack", "session-stranger", "session-mesh"})
_LEAF_ROUTES = frozenset({"pod-block-missing", "service-route-missing", "ecmp-width", "nothing-accepted"})
_NODE_ROUTES = frozenset({"node-route-missing"})
_ROUTES = _LEAF_ROUTES | _NODE_ROUTES
_LIMIT = frozenset({"prefix-limit-exceeded"})

# The symptoms that a finding explains. The first cause in this order that covers a symptom takes it.
EXPLAINS = {
    "node-missing": _SESSIONS | _ROUTES,
    "rack-label": _SESSIONS | _UNPLANNED | _ROUTES | {"route-next-hop"},
    "node-address": _SESSIONS | _UNPLANNED | _ROUTES | {"route-next-hop"},
    "node-asn": _SESSIONS | _ROUTES,
    "bd-enforced": _SESSIONS | _ROUTES,
    "peer-asn": _SESSIONS | _ROUTES | {"session-asn"},
    "duplicate-router-id": _SESSIONS | _ROUTES | {"router-id-differs"},
    "mesh-on": frozenset({"session-mesh", "route-next-hop"}),
    "cross-rack-peer": _SESSIONS | _UNPLANNED | _ROUTES | {"route-next-hop"},
    "bgppeer-missing": _SESSIONS | _ROUTES,
    "bgppeer-password": _SESSIONS | _ROUTES,
    "bgppeer-keepalive": _SESSIONS | _ROUTES | {"session-timers"},
    "bgppeer-differs": _SESSIONS | _UNPLANNED | _ROUTES,
    "bgppeer-extra": _UNPLANNED,
    "secret-missing": _SESSIONS | _ROUTES,
    "secret-unreadable": _SESSIONS | _ROUTES,
    "aci-missing": _SESSIONS | _ROUTES | {"leaf-silent"},
    "aci-extra-peer": _UNPLANNED,
    "timers": frozenset({"session-timers"}),
    "graceful-restart-off": frozenset({"session-graceful-restart"}),
    "as-override-off": _NODE_ROUTES,
    "peer-as-check-on": _NODE_ROUTES,
    "export-prefix-missing": _NODE_ROUTES,
    "import-prefix-missing": _ROUTES,
    "import-control-off": frozenset({"foreign-route"}),
    "import-prefix-extra": frozenset({"foreign-route"}),
    "as-limit": frozenset({"route-next-hop", "ecmp-width"}),
    "ecmp": frozenset({"ecmp-width"}),
    "as-path-relax-off": frozenset({"ecmp-width"}),
    "service-cidr-missing": frozenset({"service-route-missing", "ecmp-width"}),
    "pool-encapsulation": frozenset({"node-route-tunnel"}),
    "pool-missing": frozenset({"pod-block-missing", "node-route-missing"}),
    "prefix-limit-small": _LIMIT | _SESSIONS | _ROUTES,
    "prefix-limit-exceeded": _SESSIONS | _ROUTES | {"prefix-limit-near"},
    "leaf-silent": _SESSIONS | _ROUTES,
    "node-not-ready": _SESSIONS | _ROUTES,
    "password-differs": _ROUTES | {"session-missing", "session-down", "calico-session-down"},
    "session-missing": _ROUTES | {"calico-session-down"},
    "session-down": _ROUTES | {"calico-session-down", "session-fault"},
    "session-refused": _ROUTES | {"calico-session-down", "session-fault"},
    "pod-block-missing": _NODE_ROUTES | {"nothing-accepted"},
    "foreign-prefix": frozenset({"foreign-route"}),
}
