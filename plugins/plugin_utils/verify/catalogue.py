# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue of findings: each with its likely cause, its remedy, and the findings that it explains."""

from __future__ import annotations

from collections.abc import Iterator
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
    severity: str
    heals: bool


# The remedy of a rule that names none.
_REMEDIES = {
    "aci": "Run netops.aci_calico.site for this cluster. It puts the planned value back on APIC.",
    "calico": "Run netops.aci_calico.site for this cluster. It puts the planned object back in Kubernetes.",
}

# The rules by suite, each as ``id [warning] [heals]: title``, a line with the cause, and any lines with the remedy.
_RULES = {
    "aci": """
as-override-off: AS override is off
  The BGP control as-override is missing on the peer: nodes find their own AS number in the path and drop each other's routes.
peer-as-check-on: the peer AS check is on
  The BGP control dis-peer-as-check is missing on the peer: the leaf sends a node no routes that contain the cluster's AS number.
timers: the BGP timers are not the planned ones
  The timers policy differs or the node profile does not use it; with the default 60 s/180 s a dead node keeps its routes for minutes.
as-limit: the AS limit is not the planned one
  maxAsLimit of the timers policy differs: the leaf accepts routes that the sending node did not originate.
graceful-restart-off: graceful restart is not as planned on APIC
  grCtrl of the timers policy differs: leaves remove a node's routes when its BGP daemon restarts.
as-path-relax-off: AS-path relaxation is not as planned
  The best path policy differs or the node profile does not use it: a leaf may use only one of several equal paths.
ecmp: the number of ECMP paths is not the planned one
  The BGP address family context of the VRF differs or is not applied: traffic to a service does not reach all its nodes.
  Run netops.aci_calico.site for this cluster. It puts the planned value back on APIC.
  The policy applies to the whole VRF: ask the other users of the VRF first.
import-control-off: import route control is not enforced
  enforceRtctrl of the L3Out lacks import: the fabric accepts every route that a node advertises.
import-prefix-missing: import route control lacks a prefix of the cluster
  The route map default-import does not permit the prefix: the leaf drops these routes of the nodes.
import-prefix-extra: import route control permits a foreign prefix
  The match rule of the route map default-import contains a prefix that does not belong to the cluster.
  Remove the prefix, or add it to the cluster's subnets if it belongs there.
export-prefix-missing: export route control lacks a prefix of the cluster
  The route map default-export does not permit the prefix: nodes do not learn these routes of the other nodes.
secondary-address: the secondary address is not as planned
  The nodes' default gateway is missing or differs on the interface: nodes have no default gateway on this leaf.
prefix-limit-differs: the prefix limit is not the planned one
  The peer prefix policy or its use on the peer differs.
router-id-differs: a leaf's router ID is not the planned one
  The L3Out gives the leaf another router ID.
duplicate-router-id: a router ID is used twice in the VRF
  Two BGP speakers with the same router ID drop each other's routes and refuse sessions with each other.
  Give each leaf its own router_id (one per leaf and VRF, across all L3Outs), then run netops.aci_calico.site.
peer-asn: the peer's AS number is not the cluster's
  The remote AS number of the peer differs: no session comes up.
bd-enforced: the VRF enforces bridge domain addresses
  bdEnforcedEnable is on: the VRF drops the eBGP sessions of the nodes.
  Set BD Enforcement of the VRF to off, or add an exception for the leaves' addresses.
contract-differs: a contract, or one of its relations, is not as planned
  Somebody changed it, or the plan changed since: other traffic is permitted than planned.
contract-unresolved: an EPG or a contract refers to a missing object
  A contract, a filter, an exported interface or a service graph of somebody else is missing on APIC.
  Create it, correct its name in the inventory, or add it to aci_calico_contracts.
external-subnet: an external EPG does not have the planned subnets
  A subnet was added, removed or changed: its addresses belong to another EPG, with other contracts.
  Run netops.aci_calico.site for this cluster. It puts the planned value back on APIC.
  Remove subnets that others added, or add them to the inventory.
transit-route: a transit L3Out does not advertise the cluster's prefixes as planned
  The cluster's entry in the L3Out's route map default-export, or its match rule, is missing or differs.
aci-missing: an object of the plan is missing on APIC
  It was never pushed, or somebody removed it.
aci-differs: an object on APIC is not as planned
  Somebody changed it, or the plan changed since.
aci-extra-peer: a BGP peer that is not planned
  Somebody added a peer to the cluster's interfaces.
  Remove the peer, or move it to an L3Out of its own.
aci-fault: APIC reports a fault
  See the fault's text.
  Follow the fault's recommended action on APIC.
lpm-usage warning: the leaf's longest-prefix-match table is nearly full
  Routes of all VRFs on the leaf share this table.
  Choose a forwarding scale profile with more LPM entries, or a larger IPAM block size.
""",
    "sessions": """
session-fault heals: APIC reports a fault of a session
  See the fault's text.
  Follow the fault's recommended action on APIC.
leaf-silent heals: a leaf has no BGP in the VRF
  The leaf is down or not connected to the fabric, or the L3Out is not deployed on it.
  See the leaf's state and the faults of the L3Out's node profile.
session-missing heals: no session with a node
  The node does not reach the leaf (node down, wrong VLAN or address), or the password differs.
  Check that the node pings the leaf's address, then compare passwords.
session-down heals: a session is not established
  The ends do not reach each other, or refuse each other.
  Check that the node pings the leaf's address, then AS numbers and passwords.
session-refused heals: a session is refused while it opens
  The ends reach each other, but do not agree on AS number, router ID or address family.
  Compare AS numbers on both ends, and router IDs.
session-asn: a session runs with another AS number than planned
  APIC's peer or the fabric has another AS number than the plan.
  Correct aci_calico_fabric_asn or aci_calico_cluster_asn, then run netops.aci_calico.site.
session-timers heals: a session negotiated other timers
  The session was opened before the timers changed, or the node has other timers.
  Reset the session so that the timers are negotiated again.
session-graceful-restart: a session has no graceful restart
  One end did not offer it when the session opened.
  Restart calico-node on the node, one node at a time.
session-password: a session is not protected by a password
  The leaf's peer has no password.
  Run netops.aci_calico.site with -e aci_calico_update_password=always -e aci_calico_consent=session-reset.
session-cross-rack: a session across racks
  The node peers with a leaf of another rack: wrong rack label or an additional BGPPeer.
  Correct the node's label or remove the BGPPeer.
session-stranger: a session with an unknown host
  A host in the node subnet that is not a node of the plan has a BGP session with the leaf.
  Find the host with this address; add it to the inventory if it is a node.
session-mesh heals: a session between nodes
  The node-to-node mesh is on.
  Run netops.aci_calico.site for this cluster. It puts the planned object back in Kubernetes.
calico-session-down heals: Calico sees the session down
  The node's BGP daemon and the leaf report different states; the daemon may have just restarted.
  Run calicoctl node status on the node.
""",
    "calico": """
node-pending warning: a planned node is not in Kubernetes
  The node has not joined the cluster yet, has left it, or has another name. Its sessions and routes are not expected.
  Join the node, then run netops.aci_calico.site; or correct the inventory.
node-joined warning: a node that is not planned has joined by itself
  It has a rack label and an address in the node subnet, and peers with the leaves of its rack. Its address is recorded nowhere.
  Add it to its rack in the inventory with this address, unless it leaves again by itself.
address-detection: calico-node replaces the planned address of a node
  It detects another address (IP=autodetect), every minute.
  Make calico-node detect the planned address: see the page on installers.
asn-variable: calico-node's variable AS replaces the planned AS number
  The environment of the DaemonSet has AS, which counts at each start of calico-node.
  Remove the variable AS from calico-node's DaemonSet.
routes-by-felix: Felix programs the routes between nodes
  clusterRoutingMode or programClusterRoutes is set: the leaves' routes have no effect.
  Set clusterRoutingMode: BIRD in the Installation, or programClusterRoutes: Disabled in the FelixConfiguration.
vpp: the data plane is VPP
  VPP has a BGP of its own, which does not read Calico's peers.
  Use another data plane.
listen-port: the nodes do not listen on BGP's port
  listenPort is set in the BGPConfiguration, and the leaves connect to port 179.
  Remove listenPort from the BGPConfiguration.
load-balancer-aggregation warning: the nodes announce no subnets of load balancers
  serviceLoadBalancerAggregation is Disabled in the BGPConfiguration.
  Remove it from the BGPConfiguration, unless it is intended.
not-ready-announced warning: Calico announces services from nodes without a ready endpoint
  Releases 3.31.0 to 3.31.6, 3.32.0 and 3.32.1 have this defect.
  Upgrade Calico.
windows-node: a planned node runs Windows
  Calico on Windows sets no BGP password.
  Remove the node from the plan.
node-not-ready warning: a node is not ready
  The node or its kubelet is down.
  See the node's conditions.
rack-label: a node's rack label is wrong
  The label selects the leaves that the node peers with: it peers with those of another rack, or with none.
node-asn: a node's AS number is wrong
  The annotation projectcalico.org/ASNumber differs: the leaves refuse the node's sessions.
node-address: a node's BGP address is wrong
  The annotation with the node's address differs: the node uses an address that the leaves do not expect.
  Run netops.aci_calico.site for this cluster. If calico-node detects addresses itself, set its IP_AUTODETECTION_METHOD to the planned interface.
mesh-on: the node-to-node mesh is on
  nodeToNodeMeshEnabled is not false: nodes also peer with each other, and use other routes than planned.
pool-missing: an IP pool of the plan is missing
  Pods get other addresses, or none.
pool-encapsulation: an IP pool encapsulates
  IP-in-IP or VXLAN is on: the fabric sees tunnels instead of pod traffic.
  Run netops.aci_calico.site for this cluster. It puts the planned object back in Kubernetes.
  Running pods keep working while the mode changes.
pool-nat: an IP pool translates outgoing addresses
  natOutgoing is on: the fabric does not see pod addresses.
pool-differs: an IP pool is not as planned
  Somebody changed it, or the plan changed since.
service-cidr-missing: a service subnet is not advertised
  BGPConfiguration lacks the subnet: no node advertises it.
foreign-prefix: a node advertises a foreign prefix
  The prefix lies outside the cluster's subnets; only import route control keeps it out of the fabric.
  Remove the pool, advertised subnet or route from Calico, or add the prefix to the cluster's subnets.
bgppeer-missing: a BGPPeer of the plan is missing
  No node is configured to peer with the leaf.
bgppeer-differs: a BGPPeer is not as planned
  Somebody changed it, or the plan changed since.
bgppeer-password: a BGPPeer does not refer to the planned password
  The password differs: the node signs its segments with another key than the leaf, or not at all.
bgppeer-keepalive: a BGPPeer's keepalive time exceeds the hold time
  keepaliveTime is longer than the negotiated hold time: every session expires.
  Remove keepaliveTime from the BGPPeer.
bgppeer-extra: a BGPPeer that is not planned
  Somebody added a peer.
  Remove the BGPPeer.
cross-rack-peer: a BGPPeer lets nodes peer with leaves of another rack
  Its selector selects nodes of other racks than the leaf's: traffic takes a detour over those racks.
  Remove the BGPPeer, or select by the leaf's rack; then run netops.aci_calico.site.
bgpfilter-missing: the BGPFilter of the plan is missing or not used
  Nodes advertise learned routes back to the leaves, where they count against the prefix limit.
secret-missing: the Secret with the BGP password is missing
  Without it calico-node uses no password, but the leaves do.
secret-unreadable: calico-node has no permission to read the Secret
  Role or RoleBinding is missing or differs: calico-node cannot read the password.
rotation-unfinished: a rotation of the BGP password is not finished
  A run of netops.aci_calico.rotate was interrupted: some leaves and their peers have the new password, the others the old one.
  Run netops.aci_calico.rotate with -e aci_calico_consent=session-reset. It finishes the rotation, or undoes it if the inventory has the old password.
password-differs heals: the BGP password differs
  The two ends of the session sign with different passwords: TCP drops every segment without a message (MD5 failures).
  Set the password on both sides: run netops.aci_calico.site with -e aci_calico_update_password=always -e aci_calico_consent=session-reset.
node-status-missing warning heals: a node's BGP daemon does not report
  calico-node has not updated the node's CalicoNodeStatus: the node's own sessions and routes are unknown.
  See the logs of calico-node on the node; CalicoNodeStatus needs Calico 3.20 or later.
unreadable warning: an object could not be read
  The account lacks the permission.
  Grant get and list on the object, or accept that it is not verified.
""",
    "routes": """
pod-block-missing heals: a node's pod block is not on a leaf
  The node does not advertise it, or the leaf does not accept it.
  See the node's IP pools and import route control.
service-route-missing heals: a service route is not on a leaf
  No node advertises it, or the leaf does not accept it.
  See BGPConfiguration and import route control.
drained-node-announced heals: a drained node still gets services' traffic
  calico-node on it has not withdrawn the routes, or does not run and the leaf keeps them for a graceful restart.
  See the logs of calico-node on the node. A node that is down already needs no maintenance.
ecmp-width heals: a route has fewer next hops than nodes
  Not every node advertises it, the leaf keeps fewer paths, or it prefers nodes that are connected to itself to one that moved.
  See the nodes that are missing, and the ECMP policy of the VRF. For nodes behind other leaves see aci_calico_next_hop_propagation.
route-next-hop heals: a route has an unexpected next hop
  A node advertises the prefix that does not own it.
  Find out why the node advertises it: a borrowed block, a static route or a prepended route.
foreign-route: a leaf accepted a route outside the cluster's prefixes
  Import route control is not enforced, and a node advertises a prefix that does not belong to the cluster.
  Enforce import route control, and remove the route from the node.
nothing-accepted heals: a leaf accepts nothing from a node
  Import route control, the AS limit or the prefix limit rejects all routes.
  See import route control, the AS limit and the prefix limit of the L3Out.
node-route-missing heals: a node does not learn the other nodes' blocks
  The leaves do not send them, or the node rejects them: AS override, peer AS check or export route control.
  See the BGP controls of the peer and the route map default-export.
node-route-tunnel heals: a node reaches another node's block through a tunnel
  The pool encapsulates.
  Run netops.aci_calico.site for this cluster. It puts the planned object back in Kubernetes.
prefix-limit-exceeded heals: a node exceeds the prefix limit
  The node advertises more prefixes than the leaf accepts; routes learned from the other leaf count too.
  Raise aci_calico_bgp_prefix_limit, or set aci_calico_bgp_filter so that nodes do not re-advertise.
prefix-limit-small: the prefix limit is too small for the cluster
  Nodes advertise routes to a leaf that they learned from its pair; the leaf drops them, but they count against the limit.
  Raise aci_calico_bgp_prefix_limit, or set aci_calico_bgp_filter so that nodes do not re-advertise.
prefix-limit-near warning: the prefix limit is nearly reached
  The number of prefixes that nodes send to a leaf exceeds the policy's threshold.
  Raise aci_calico_bgp_prefix_limit, or set aci_calico_bgp_filter so that nodes do not re-advertise.
""",
}


def _rules() -> Iterator[tuple[str, Rule]]:
    for suite, text in _RULES.items():
        for block in text.strip().replace("\n  ", "\t").split("\n"):
            head, cause, *remedy = block.split("\t")
            names, _colon, title = head.partition(": ")
            rule_id, *flags = names.split()
            severity = WARNING if "warning" in flags else ERROR
            yield rule_id, Rule(suite, title, cause, " ".join(remedy) or _REMEDIES[suite], severity, "heals" in flags)


RULES = dict(_rules())

_GROUPS = {
    "SESSIONS": "session-fault session-missing session-down session-refused calico-session-down password-differs",
    "UNPLANNED": "session-cross-rack session-stranger session-mesh",
    "ROUTES": "pod-block-missing service-route-missing ecmp-width nothing-accepted node-route-missing",
}

# ``causes: symptoms that each of them explains``. The first cause in this order that covers a symptom takes it.
_EXPLAINS = """
address-detection: node-address SESSIONS ROUTES route-next-hop
asn-variable: node-asn SESSIONS ROUTES
listen-port vpp windows-node: SESSIONS ROUTES
routes-by-felix: ROUTES route-next-hop
rack-label node-address: SESSIONS UNPLANNED ROUTES route-next-hop
node-asn bd-enforced: SESSIONS ROUTES
peer-asn: SESSIONS ROUTES session-asn
duplicate-router-id: SESSIONS ROUTES router-id-differs
mesh-on: session-mesh route-next-hop
cross-rack-peer: SESSIONS UNPLANNED ROUTES route-next-hop
rotation-unfinished: bgppeer-password SESSIONS ROUTES
bgppeer-missing bgppeer-password: SESSIONS ROUTES
bgppeer-keepalive: SESSIONS ROUTES session-timers
bgppeer-differs: SESSIONS UNPLANNED ROUTES
bgppeer-extra: UNPLANNED
secret-missing secret-unreadable: SESSIONS ROUTES
aci-missing: SESSIONS ROUTES leaf-silent
aci-extra-peer: UNPLANNED
timers: session-timers
graceful-restart-off: session-graceful-restart
as-override-off peer-as-check-on export-prefix-missing: node-route-missing
import-prefix-missing: ROUTES
import-control-off import-prefix-extra: foreign-route
as-limit: route-next-hop ecmp-width
ecmp as-path-relax-off: ecmp-width
service-cidr-missing: service-route-missing ecmp-width
pool-encapsulation: node-route-tunnel
pool-missing: pod-block-missing node-route-missing
prefix-limit-small: prefix-limit-exceeded SESSIONS ROUTES
prefix-limit-exceeded: SESSIONS ROUTES prefix-limit-near
leaf-silent node-not-ready: SESSIONS ROUTES
password-differs: ROUTES session-missing session-down calico-session-down
session-missing: ROUTES calico-session-down
session-down session-refused: ROUTES calico-session-down session-fault
pod-block-missing: node-route-missing nothing-accepted
foreign-prefix: foreign-route
"""


def _explains() -> Iterator[tuple[str, frozenset[str]]]:
    for line in _EXPLAINS.strip().splitlines():
        causes, _colon, symptoms = line.partition(": ")
        explained = frozenset(name for word in symptoms.split() for name in _GROUPS.get(word, word).split())
        yield from ((cause, explained) for cause in causes.split())


EXPLAINS = dict(_explains())
