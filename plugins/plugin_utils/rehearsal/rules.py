# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules by which a rehearsal classes changes: what a change of an object does to a running cluster.

``RULES`` is searched from the top; the first rule that fits decides. Changes without a rule get ``UNKNOWN``. A rule names its source.
``guess`` marks rules that no source proves; they are on the careful side.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..comparison import CREATE, DELETE, MODIFY, POLICIES
from ..schema.consent import ROUTE_LOSS, SESSION_RESET, TRAFFIC_INTERRUPTION

HITLESS, PATH_CHANGE = "hitless", "path-change"
# From the best to the worst.
CLASSES = (HITLESS, PATH_CHANGE, SESSION_RESET, ROUTE_LOSS, TRAFFIC_INTERRUPTION)
MEANINGS = {
    HITLESS: "No session ends, no route disappears, no packet is lost.",
    PATH_CHANGE: "Traffic takes other paths. Single packets may arrive out of order.",
    SESSION_RESET: "BGP sessions end and are established anew. Their routes are missing in between, and packets are lost, unless others lead to the"
    " same destination.",
    ROUTE_LOSS: "Routes disappear, and with them what they lead to.",
    TRAFFIC_INTERRUPTION: "Traffic of nodes, pods or services is interrupted.",
}


@dataclass(frozen=True)
class Rule:
    """The effect of a change.

    :param kinds: the classes (APIC) or kinds (Kubernetes).
    :param operations: create, modify, delete.
    :param fields: the fields whose change it is about; empty for all.
    :param effect: one of ``CLASSES``.
    :param why: the reason, as sentences.
    :param lasts: how long it is expected to last.
    :param restart: whether graceful restart covers it; None where no session ends.
    :param source: where this is known from.
    :param when: the name of a condition (``conditions.py``); the rule fits only if it is true.
    :param variables: the variables whose change causes it, without their prefix.
    """

    kinds: tuple[str, ...]
    operations: tuple[str, ...]
    fields: tuple[str, ...]
    effect: str
    why: str
    lasts: str = ""
    restart: bool | None = None
    source: str = ""
    guess: bool = False
    when: str = ""
    variables: tuple[str, ...] = ()


UNKNOWN = Rule(
    (), (), (), TRAFFIC_INTERRUPTION, "No rule says what this change does, so it counts as the worst.", "unknown", guess=True
)

# --- sources ---------------------------------------------------------------------------------------------------------

PAPER = "ACI Calico Design White Paper"
MODEL = "APIC object model"
BIRD = "BIRD 1.6, bgp_reconfigure: a session restarts if AS numbers, addresses or the password in its configuration differ"
BIRD_FILTER = "BIRD 1.6, proto_reconfigure: other filters are applied without a restart"
CONFD = "Calico's confd templates: BIRD's configuration holds the result of selectors and references, not their names"
NXOS = "Nexus 3000 NX-OS Unicast Routing Configuration Guide, guidelines for BGP: smaller timers can flap sessions"
NXOS_ID = "Nexus 3000 NX-OS Unicast Routing Configuration Guide, guidelines for BGP: a new router ID flaps sessions"
RFC = "RFC 4724: a session that ends with a notification is no graceful restart"
NAT = "docs/brownfield.md, step 5"
TWIN = "measured with BIRD 1.6.8 and FRR 8.4 (docs/development/rehearsals.md)"
MEASURED = "measured with BIRD 1.6.8 (docs/brownfield.md, step 2)"
OPTIMAL = "Cisco's ACI design for Cilium, Advanced Design Config Example"
FLOATING = "Cisco, Avoiding Suboptimal Traffic From a Cisco ACI Internal Endpoint to a Floating L3Out"
PUSH = "the order of the pushes (docs/development/architecture.md)"

# --- durations -------------------------------------------------------------------------------------------------------

UNTIL_BACK = "some seconds after both sides are configured: BIRD waits 5 s before it connects again"
UNTIL_NODES = "until the nodes have the new settings too"
UNTIL_SESSIONS = "some seconds, until the sessions are established again"
UNTIL_MESH = "2 to 3 s, twice if the nodes do not change together"
UNTIL_CALICO = "from the push to APIC until Calico has the new value, and some seconds more"
FOR_GOOD = "for good"

SUBNETS = ("pod_subnets", "service_subnets", "external_service_subnets", "load_balancer_subnets", "node_subnets")
ANY = (CREATE, MODIFY, DELETE)
SVIS = ("l3extVirtualLIfP", "l3extRsPathL3OutAtt")
CONTRACT_PARTS = ("vzBrCP", "vzSubj", "vzRsSubjFiltAtt", "vzFilter", "vzEntry", "vzCPIf", "vzRsIf")
RELATIONS = ("fvRsProv", "fvRsCons", "fvRsConsIf")
ROUTE_MAPS = ("rtctrlProfile", "rtctrlCtxP", "rtctrlSubjP", "rtctrlRsCtxPToSubjP", "rtctrlMatchRtDest")
NEXT_HOP = ("rtctrlProfile", "rtctrlAttrP")
PORTS = ("infraAccBndlGrp", "infraHPortS", "infraPortBlk", "infraRsAccBaseGrp", "infraRsAttEntP", "infraRsLacpPol")
LEAF_PORTS = ("infraAccPortP", "infraNodeP", "infraLeafS", "infraNodeBlk", "infraRsAccPortP")
VLANS = (
    "fvnsVlanInstP",
    "fvnsEncapBlk",
    "infraRsVlanNs",
    "infraAttEntityP",
    "infraRsDomP",
    "l3extDomP",
    "physDomP",
    "lacpLagPol",
)

# fmt: off
_EVERYWHERE = (
    Rule(("tagAnnotation",), ANY, (), HITLESS, "It notes who uses an object.", source=MODEL),
    Rule((), (MODIFY,), ("annotation", "descr", "nameAlias", "metadata"), HITLESS, "It is a note.", source=MODEL),
    Rule((), (CREATE,), (), HITLESS, "The cluster was not configured on this side before: nothing relies on it yet.", source=PUSH,
         when="first"),
)

_INTERFACES = (
    Rule(("l3extOut",), (CREATE,), (), TRAFFIC_INTERRUPTION,
         "The cluster has no node profiles in this L3Out, but Calico is configured. The former L3Out stays, with the same leaves and VLANs.",
         FOR_GOOD, False, MODEL, True, "beside", ("l3out", "tenant")),
    Rule(("bgpProtP",), (CREATE,), (), ROUTE_LOSS, "Timers, AS limit and best path policy begin to apply to sessions that were without.",
         FOR_GOOD, False, MODEL, True),
    Rule(("l3extRsNodeL3OutAtt", "l3extVirtualLIfP"), (CREATE,), (), TRAFFIC_INTERRUPTION,
         "The rack gets another leaf. It has the nodes' gateway at once, and their routes a moment later.", "about a second", False, TWIN,
         True, "leaf_joins", ("racks",)),
    Rule(("l3extOut", "l3extLNodeP", "l3extRsNodeL3OutAtt", "l3extLIfP", *SVIS, "bgpPeerP", "bgpAsP", "bgpExtP"),
         (CREATE,), (), HITLESS, "It is new, and nothing uses it yet.", source=MODEL, variables=("racks", "non_anchor_leaves", "peering")),
    Rule(("l3extOut", "l3extLNodeP", "l3extLIfP", "l3extRsPathL3OutAtt", "l3extMember", "bgpPeerP", *PORTS, "infraAccPortP",
          "infraNodeP"), (DELETE,), (),
         HITLESS, "Its nodes are drained, or not in Kubernetes.", source=PUSH, when="unused", variables=("racks",)),
    Rule(("l3extOut", "l3extLNodeP", "l3extLIfP"), (DELETE,), (), TRAFFIC_INTERRUPTION,
         "The interfaces and BGP peers of nodes that are in Kubernetes are removed.", FOR_GOOD, False, MODEL,
         variables=("racks", "svi", "node_subnets", "peering")),
    Rule(("l3extRsNodeL3OutAtt", "l3extVirtualLIfP"), (DELETE,), (), TRAFFIC_INTERRUPTION,
         "The sessions with this leaf end; the nodes keep those with the other leaf. Packets that reach a leaf without its SVI are lost,"
         " so take the leaf out of service first.", "until the traffic uses the other leaf", False,
         f"{PAPER}, K8s node gateway; {TWIN}",
         when="leaf_leaves", variables=("racks",)),
    Rule(("l3extVirtualLIfP", "l3extRsPathL3OutAtt"), (DELETE,), (), TRAFFIC_INTERRUPTION,
         "The SVI of nodes that are in Kubernetes is removed, and made anew with another VLAN, path or leaf.", UNTIL_NODES, False,
         f"{MODEL}: VLAN, path and leaf name the object", variables=("vlan", "racks", "vpc_name", "node_vlan", "node_vpc", "pod")),
    Rule(("l3extRsNodeL3OutAtt",), (DELETE,), (), TRAFFIC_INTERRUPTION, "All leaves of the rack are removed or replaced at once.",
         UNTIL_SESSIONS, False, MODEL, variables=("racks",)),
    Rule(("l3extRsNodeL3OutAtt",), (MODIFY,), (), SESSION_RESET, "The router ID of the leaf changes in the VRF.", UNTIL_SESSIONS,
         False, NXOS_ID, True, variables=("router_id_base",)),
    Rule(SVIS, (MODIFY,), ("mtu",), TRAFFIC_INTERRUPTION,
         "The leaves drop packets that are larger than the new MTU until the nodes have it too.", UNTIL_NODES, None,
         f"{PAPER}, step 4", when="lowered", variables=("mtu",)),
    Rule(SVIS, (MODIFY,), ("mtu",), SESSION_RESET, "The SVI is programmed anew. Set the new MTU on the nodes afterwards.",
         "some seconds", False, MODEL, True, variables=("mtu",)),
    Rule(SVIS, (MODIFY,), ("autostate",), SESSION_RESET,
         "A leaf on which no port with the VLAN is up loses the SVI, and its sessions with nodes behind other leaves.",
         "until such a port is up", False, MODEL, True, "enabled", ("autostate",)),
    Rule(SVIS, (MODIFY,), ("autostate",), SESSION_RESET, "The SVI may be programmed anew.", "some seconds", False, MODEL, True,
         variables=("autostate",)),
    Rule(SVIS, (MODIFY,), ("encap", "mode", "encapScope", "tDn"), TRAFFIC_INTERRUPTION,
         "The VLAN on the ports of the nodes changes.", UNTIL_NODES, False, f"{PAPER}, steps 4 and 5",
         variables=("vlan", "vlan_mode", "encap_scope", "node_vlan")),
    Rule((*SVIS, "l3extMember"), (MODIFY,), ("addr",), SESSION_RESET,
         "The leaf's own address changes, with which the nodes have their sessions.", UNTIL_CALICO, False, BIRD,
         variables=("node_subnets", "renumber")),
    Rule(("l3extMember",), (CREATE, DELETE), (), TRAFFIC_INTERRUPTION, "A leaf's address on the SVI of the nodes changes.",
         UNTIL_CALICO, False, MODEL, True),
    Rule(("l3extIp",), (CREATE,), (), HITLESS, "It is an additional address.", source=MODEL),
    Rule(("l3extIp",), (MODIFY,), ("ipv6Dad",), SESSION_RESET, "The address may be programmed anew.", "some seconds", False, MODEL,
         True),
    Rule(("l3extIp",), (DELETE, MODIFY), (), TRAFFIC_INTERRUPTION, "The default gateway of the nodes disappears.", UNTIL_NODES,
         None, f"{PAPER}, K8s node gateway", variables=("secondary_addresses", "node_subnets", "renumber")),
    Rule(("l3extRsDynPathAtt",), (MODIFY,), ("floatingAddr",), TRAFFIC_INTERRUPTION,
         "Nodes on non-anchor leaves use this address.", "some seconds", None, f"{PAPER}, Floating SVI design", True,
         variables=("floating_addresses", "node_subnets", "renumber")),
    Rule(("l3extRsDynPathAtt",), (CREATE, DELETE), (), TRAFFIC_INTERRUPTION,
         "The physical domain, which brings the VLAN to the ports, changes.", "some seconds", None,
         f"{PAPER}, Floating SVI design", True, variables=("physical_domain",)),
)

_SESSIONS = (
    Rule(("bgpPeerP",), (DELETE,), (), TRAFFIC_INTERRUPTION, "The leaves no longer accept the sessions of these nodes.",
         UNTIL_CALICO, False, MODEL, variables=("node_subnets", "renumber", "node_address", "node_addresses", "node_slot")),
    Rule(("bgpPeerP",), (MODIFY,), ("password",), HITLESS,
         "The nodes use this password already. Sessions that are established have it, and those that are not cannot be reset.",
         source=BIRD, when="password_known", variables=("update_password",)),
    Rule(("bgpPeerP",), (MODIFY,), ("password",), SESSION_RESET,
         "A new password ends the sessions; routes of the nodes are missing until they are back.", UNTIL_BACK, False,
         f"{BIRD}; {RFC}", variables=("bgp_password", "update_password")),
    Rule(("bgpPeerP",), (MODIFY,), ("ctrl",), SESSION_RESET, "The controls of the peer apply to new sessions.", UNTIL_SESSIONS,
         False, MODEL, True, "grown"),
    Rule(("bgpPeerP",), (MODIFY,), ("ctrl",), ROUTE_LOSS,
         "Without AS override or with the peer AS check the nodes lose the routes of the others.", FOR_GOOD, None,
         f"{PAPER}, AS override"),
    Rule(("bgpAsP",), (MODIFY, DELETE), (), TRAFFIC_INTERRUPTION,
         "All sessions end, and the leaves refuse new ones until the nodes have the new AS number.", UNTIL_CALICO, False,
         f"{BIRD}; {RFC}", variables=("cluster_asn",)),
    Rule(("bgpCtxPol",), (MODIFY,), ("maxAsLimit",), HITLESS, "The leaves accept longer AS paths than before.",
         source=f"{PAPER}, BGP hardening", when="raised_limit", variables=("bgp_as_limit",)),
    Rule(("bgpCtxPol",), (MODIFY,), ("maxAsLimit",), ROUTE_LOSS, "The leaves drop routes with longer AS paths.", FOR_GOOD, None,
         f"{PAPER}, BGP hardening", variables=("bgp_as_limit",)),
    Rule(("bgpCtxPol",), (MODIFY,), ("kaIntvl", "holdIntvl"), SESSION_RESET, "The timers are negotiated when a session begins.",
         UNTIL_SESSIONS, False, NXOS, True, variables=("bgp_keepalive", "bgp_hold")),
    Rule(("bgpCtxPol",), (MODIFY,), ("grCtrl",), SESSION_RESET, "Graceful restart is negotiated when a session begins.",
         UNTIL_SESSIONS, False, RFC, True, variables=("bgp_graceful_restart",)),
    Rule(("bgpCtxPol",), (MODIFY,), ("staleIntvl",), SESSION_RESET, "The leaves keep the routes of a session that ended for another time.",
         UNTIL_SESSIONS, False, MODEL, True, variables=("bgp_restart_time",)),
    Rule(("bgpRsBgpNodeCtxPol",), ANY, (), SESSION_RESET, "Another timers policy applies, whose content is unknown.",
         UNTIL_SESSIONS, False, MODEL, True, variables=("bgp_timers_policy",)),
    Rule(("bgpBestPathCtrlPol",), (MODIFY,), (), PATH_CHANGE, "The leaves use more or fewer of the equal paths.", "at once", None,
         f"{PAPER}, AS path policy", variables=("bgp_as_path_relax",)),
    Rule(("bgpRsBestPathCtrlPol",), ANY, (), PATH_CHANGE, "Another best path policy applies.", "at once", None, MODEL, True,
         variables=("bgp_best_path_policy", "next_hop_propagation")),
    Rule(("bgpCtxAfPol",), (MODIFY,), (), PATH_CHANGE, "The leaves use more or fewer of the equal paths, in the whole VRF.",
         "at once", None, f"{PAPER}, Max BGP ECMP path", variables=("bgp_ecmp_ebgp", "bgp_ecmp_ibgp")),
    Rule(("fvRsCtxToBgpCtxAfPol",), ANY, (), PATH_CHANGE, "Another ECMP policy applies in the whole VRF.", "at once", None, MODEL,
         True, variables=("bgp_ecmp_policy",)),
    Rule(("bgpCtxPol",), (CREATE,), (), ROUTE_LOSS,
         "The L3Outs name this policy already, and have APIC's default without it: its timers and its AS limit apply from now on.",
         FOR_GOOD, False, MODEL, True, "named_already"),
    Rule(("bgpBestPathCtrlPol", "bgpCtxAfPol"), (CREATE,), (), PATH_CHANGE,
         "This policy is named already, and applies from now on.", "at once", None, MODEL, True, "named_already"),
    Rule(("bgpPeerPfxPol",), (CREATE,), (), ROUTE_LOSS, "The peers name this policy already: its limit applies from now on.",
         FOR_GOOD, None, MODEL, True, "named_already"),
    Rule(POLICIES, (CREATE, DELETE), (), HITLESS, "Nothing names this policy.", source=PUSH, variables=("vrf_tenant",)),
    Rule(("bgpPeerPfxPol",), (MODIFY,), ("thresh",), HITLESS, "It changes a warning.", source=MODEL,
         variables=("bgp_prefix_limit_threshold",)),
    Rule(("bgpPeerPfxPol",), (MODIFY,), ("maxPfx",), HITLESS, "The leaves accept more prefixes than before.", source=MODEL,
         when="raised", variables=("bgp_prefix_limit",)),
    Rule(("bgpPeerPfxPol",), (MODIFY,), ("action",), HITLESS, "Prefixes beyond the limit are only logged.", source=MODEL,
         when="only_logs", variables=("bgp_prefix_limit_action",)),
    Rule(("bgpRsPeerToProfile",), ANY, (), SESSION_RESET,
         "Another route map decides which routes of the nodes the leaves accept, and with which next hops. It has the same prefixes.",
         UNTIL_SESSIONS, False, OPTIMAL, True, variables=("next_hop_propagation",)),
    Rule(("l3extRsRedistributePol",), ANY, (), PATH_CHANGE, "The leaves begin or cease to tell the fabric of the nodes attached to them.",
         "at once", None, FLOATING, True, variables=("next_hop_propagation",)),
    Rule(("bgpRsPeerPfxPol",), (DELETE, MODIFY), (), ROUTE_LOSS,
         "APIC's default limit applies in place of the cluster's, which may be lower.", FOR_GOOD, None, MODEL, True, "emptied",
         ("bgp_prefix_limit",)),
    Rule(("bgpRsPeerPfxPol",), (CREATE, MODIFY), (), HITLESS, "Prefixes beyond the limit are only logged.", source=MODEL,
         when="limit_only_logs"),
    Rule(("bgpPeerPfxPol", "bgpRsPeerPfxPol"), (CREATE, MODIFY), (), ROUTE_LOSS,
         "A node's prefixes beyond the limit are lost, or its sessions with them.", FOR_GOOD, None, f"{PAPER}, BGP hardening",
         variables=("bgp_prefix_limit", "bgp_prefix_limit_action")),
)

_ROUTES = (
    Rule(("l3extRsEctx",), ANY, (), TRAFFIC_INTERRUPTION, "The L3Out moves to another VRF.", FOR_GOOD, False, MODEL,
         variables=("vrf", "vrf_tenant")),
    Rule(("l3extRsL3DomAtt",), ANY, (), TRAFFIC_INTERRUPTION, "The L3 domain, which allows the VLANs, changes.", "some seconds",
         None, MODEL, True, variables=("l3_domain",)),
    Rule(("bgpExtP", "bgpProtP"), (DELETE,), (), TRAFFIC_INTERRUPTION, "BGP ends in the L3Out.", FOR_GOOD, False, MODEL),
    Rule(("l3extOut",), (MODIFY,), ("enforceRtctrl",), ROUTE_LOSS,
         "Other route maps decide from now on which routes the leaves accept.", FOR_GOOD, None, f"{PAPER}, step 7"),
    Rule(NEXT_HOP, (CREATE, DELETE), (), HITLESS, "No peer names this route map: the push makes it before the peers, and removes it after them.",
         source=PUSH, when="of_next_hop", variables=("next_hop_propagation",)),
    Rule(("rtctrlScope", "rtctrlRsScopeToAttrP", "rtctrlSetNhUnchanged", "rtctrlSetRedistMultipath"), ANY, (), PATH_CHANGE,
         "The leaves pass on nodes as next hops, or themselves.", "at once", None, OPTIMAL, True),
    Rule(("rtctrlProfile",), (CREATE,), (), ROUTE_LOSS, "A route map begins to filter routes that were accepted without it.",
         FOR_GOOD, None, f"{PAPER}, step 10", when="in_own_l3out"),
    Rule(("rtctrlSubjP",), (CREATE,), (), ROUTE_LOSS, "A route map names this match rule already, and lets through other routes without it.",
         FOR_GOOD, None, MODEL, True, "named_already"),
    Rule(("rtctrlCtxP",), (CREATE,), (), ROUTE_LOSS, "A route map begins to filter routes that were accepted without it.", FOR_GOOD,
         None, f"{PAPER}, step 10", True, "in_own_l3out"),
    Rule(("rtctrlRsCtxPToSubjP",), (CREATE,), (), ROUTE_LOSS, "A context without a match rule lets all routes through, and one with it fewer.",
         FOR_GOOD, None, MODEL, True),
    Rule(ROUTE_MAPS, (CREATE,), (), HITLESS, "It lets more routes through.", source=f"{PAPER}, step 10",
         variables=("import_subnets", "export_subnets", "transit", "transit_subnets", *SUBNETS)),
    Rule(ROUTE_MAPS, (MODIFY, DELETE), (), ROUTE_LOSS, "Routes that it let through are refused.", FOR_GOOD, None,
         f"{PAPER}, step 10",
         variables=("import_subnets", "export_subnets", "transit", "transit_subnets", *SUBNETS)),
)

_POLICY = (
    Rule(("l3extInstP",), (CREATE,), (), TRAFFIC_INTERRUPTION, "Traffic of its subnets is subject to its contracts from now on.",
         FOR_GOOD, None, f"{PAPER}, Microsegmentation", when="takes_subnets", variables=("external_epg", "microsegments")),
    Rule(("l3extSubnet",), (CREATE,), (), TRAFFIC_INTERRUPTION,
         "Traffic of this subnet moves to another external EPG, with other contracts.", FOR_GOOD, None,
         f"{PAPER}, Microsegmentation", when="takes_subnets", variables=("microsegments",)),
    Rule(("l3extInstP", "l3extSubnet"), (CREATE,), (), HITLESS, "It classifies traffic that had no external EPG.", source=MODEL,
         variables=SUBNETS),
    Rule(("l3extSubnet",), (MODIFY,), ("scope", "aggregate"), HITLESS, "The subnet is leaked to more VRFs.", source=MODEL,
         when="grown", variables=("external_epg_scopes",)),
    Rule(("l3extInstP", "l3extSubnet"), (MODIFY, DELETE), (), TRAFFIC_INTERRUPTION,
         "Traffic of the subnet has no external EPG, or another one.", FOR_GOOD, None, f"{PAPER}, step 5",
         variables=("external_epg", "external_epg_scopes", "microsegments", *SUBNETS)),
    Rule(("vzRsSubjGraphAtt",), ANY, (), TRAFFIC_INTERRUPTION, "Traffic is redirected in another way.", "some seconds", None,
         f"{PAPER}, Microsegmentation", True, variables=("contracts",)),
    Rule((*CONTRACT_PARTS, *RELATIONS), (CREATE,), (), HITLESS, "It permits more traffic.", source=MODEL,
         variables=("contracts", "provided_contracts", "consumed_contracts", "consumed_interfaces", "epg_contracts")),
    Rule((*CONTRACT_PARTS, *RELATIONS), (MODIFY, DELETE), (), TRAFFIC_INTERRUPTION, "Traffic that only this permits is dropped.",
         FOR_GOOD, None, MODEL,
         variables=("contracts", "provided_contracts", "consumed_contracts", "consumed_interfaces", "epg_contracts")),
)

_ACCESS = (
    Rule(("lacpLagPol",), (CREATE,), (), TRAFFIC_INTERRUPTION,
         "Policy groups name this policy already: the mode of their port channels changes.", "some seconds", None, MODEL, True,
         "named_already"),
    Rule(("fvTenant", "fvCtx"), (DELETE,), (), TRAFFIC_INTERRUPTION, "All that is in it ends.", FOR_GOOD, False, MODEL),
    Rule((*VLANS, *PORTS, *LEAF_PORTS, "fvTenant", "fvCtx"), (CREATE,), (), HITLESS, "It is new, and nothing relies on it yet.",
         source=MODEL, variables=("manage_access", "manage_tenant", "vlan_pool", "aaep", "node_interfaces")),
    Rule((*VLANS, *PORTS, *LEAF_PORTS), (MODIFY, DELETE), (), TRAFFIC_INTERRUPTION,
         "Ports of nodes lose their settings, or VLANs are no longer allowed on them.", "until the rest of the run", None, MODEL,
         True, variables=("manage_access", "vlan_pool", "aaep", "lacp_policy", "node_interfaces")),
)

_CALICO = (
    Rule(("Node",), (MODIFY,), ("rack",), PATH_CHANGE,
         "The node has none yet: its sessions begin, and the leaves spread the traffic of services over it, too.", "at once", None, TWIN,
         when="joins", variables=("racks", "rack")),
    Rule(("Node",), (MODIFY,), ("rack",), HITLESS, "The node has none yet: its sessions begin.", source=CONFD, when="added",
         variables=("racks", "rack")),
    Rule(("Node",), (MODIFY,), ("rack", "asn"), HITLESS, "The node is drained, and leaves the plan.", source=PUSH, when="unused",
         variables=("racks", "rack")),
    Rule(("Node",), (MODIFY,), ("rack",), TRAFFIC_INTERRUPTION,
         "The node leaves the plan, and keeps running: its sessions end, and nothing reaches its pods.", FOR_GOOD, False, CONFD,
         when="removed", variables=("racks", "rack")),
    Rule(("Node",), (MODIFY,), ("rack",), TRAFFIC_INTERRUPTION,
         "The node moves to another rack: its sessions end, and those with other leaves begin.", UNTIL_SESSIONS, False, CONFD,
         variables=("racks", "rack", "peering")),
    Rule(("Node",), (MODIFY,), ("asn",), HITLESS,
         "The peers with the leaves have the AS number of the cluster already (localASNumber), and the node gets it after the mesh is off.",
         source=f"{BIRD}; {PUSH}", when="local_asn", variables=("cluster_asn",)),
    Rule(("Node",), (MODIFY,), ("asn",), SESSION_RESET,
         "The sessions of the node-to-node mesh end, and those with the new AS number begin. Routes of pods without encapsulation or with"
         " IP-in-IP are missing in between.", UNTIL_MESH, False, MEASURED, when="mesh_restarts", variables=("cluster_asn",)),
    Rule(("Node",), (MODIFY,), ("asn", "address"), HITLESS, "The node has none yet: its sessions begin.", source=CONFD,
         when="added"),
    Rule(("Node",), (MODIFY,), ("asn",), TRAFFIC_INTERRUPTION,
         "All sessions of the node end, and those with the new AS number begin.", UNTIL_SESSIONS, False, f"{BIRD}; {RFC}",
         variables=("cluster_asn",)),
    Rule(("Node",), (MODIFY,), ("address",), TRAFFIC_INTERRUPTION,
         "All sessions of the node end, and those with its new address begin.", UNTIL_NODES, False, BIRD,
         variables=("node_subnets", "renumber", "node_address", "node_addresses", "node_slot")),
    Rule(("Node",), (MODIFY,), ("labels", "annotations"), HITLESS, "It notes who owns an object.", source=CONFD),
    Rule(("Secret", "Role", "RoleBinding"), (CREATE,), (), HITLESS, "It is new, and nothing refers to it yet.", source=CONFD),
    Rule(("Secret", "Role", "RoleBinding"), (MODIFY, DELETE), (), SESSION_RESET,
         "Calico may not find the password of the sessions for a moment.", UNTIL_SESSIONS, False, CONFD, True,
         variables=("bgp_secret_name", "bgp_secret_key", "service_account")),
    Rule(("BGPPeer",), (CREATE,), (), PATH_CHANGE, "It only adds sessions, and the leaves spread the traffic of services over them, too.",
         "at once", None, TWIN, when="spreads", variables=("racks",)),
    Rule(("BGPPeer",), (CREATE,), (), HITLESS, "It only adds sessions.", source=CONFD, variables=("racks",)),
    Rule(("BGPPeer",), (DELETE,), (), HITLESS, "Its nodes are drained, or not in Kubernetes.", source=CONFD, when="unused",
         variables=("racks",)),
    Rule(("BGPPeer",), (DELETE, MODIFY), ("", "peerIP", "node"), SESSION_RESET, "The sessions of these nodes with one leaf end.",
         UNTIL_SESSIONS, False, BIRD, variables=("racks", "node_subnets", "renumber")),
    Rule(("BGPPeer",), (MODIFY,), ("localASNumber",), SESSION_RESET,
         "The sessions of these nodes with one leaf end, and those with the AS number of the cluster begin.", UNTIL_SESSIONS, False, BIRD,
         variables=("cluster_asn",)),
    Rule(("BGPPeer",), (MODIFY,), ("asNumber",), TRAFFIC_INTERRUPTION,
         "The nodes refuse sessions of a fabric with another AS number.", UNTIL_SESSIONS, False, BIRD, variables=("fabric_asn",)),
    Rule(("BGPPeer",), (MODIFY,), ("filters",), ROUTE_LOSS,
         "The nodes announce again what they learned from the other leaf, and that counts against the prefix limit.", FOR_GOOD,
         None, f"{BIRD_FILTER}; {PAPER}, BGP hardening", when="routes_count", variables=("bgp_filter",)),
    Rule(("BGPPeer",), (MODIFY,), ("filters",), HITLESS,
         "Routes that the leaves drop anyway are no longer announced, or are announced again.",
         source=f"{BIRD_FILTER}; {PAPER}, BGP hardening", when="own_filter", variables=("bgp_filter",)),
    Rule(("BGPPeer",), (MODIFY,), ("filters",), ROUTE_LOSS, "The filters of others end, or begin to apply.", FOR_GOOD, None,
         BIRD_FILTER, True),
    Rule(("BGPPeer",), (MODIFY,), ("nodeSelector", "password"), SESSION_RESET, "It selects nodes or the password in another way.",
         UNTIL_SESSIONS, False, CONFD, True, variables=("rack_label", "bgp_secret_name", "bgp_secret_key")),
    Rule(("BGPFilter",), (DELETE,), (), ROUTE_LOSS,
         "The nodes announce again what they learned from the other leaf, and that counts against the prefix limit.", FOR_GOOD,
         None, f"{BIRD_FILTER}; {PAPER}, BGP hardening", when="routes_count", variables=("bgp_filter",)),
    Rule(("BGPFilter",), ANY, (), HITLESS, "Routes that the leaves drop anyway are no longer announced, or are announced again.",
         source=f"{BIRD_FILTER}; {PAPER}, BGP hardening", variables=("bgp_filter",)),
    Rule(("BGPPeer",), (MODIFY,), ("maxRestartTime",), SESSION_RESET, "The nodes announce another restart time with new sessions.",
         UNTIL_SESSIONS, False, BIRD, variables=("bgp_restart_time",)),
    Rule(("IPPool",), (MODIFY, DELETE), ("", "allowedUses"), TRAFFIC_INTERRUPTION,
         "Services may have addresses of this pool, and lose them.", "until they have new ones", None, "Calico's resource reference, IPPool",
         True, "serves", ("pools",)),
    Rule(("IPPool",), (MODIFY,), ("disabled", "nodeSelector", "allowedUses", "assignmentMode"), HITLESS,
         "It decides about new addresses only.", source="Calico's resource reference, IPPool", variables=("pools",)),
    Rule(("IPPool",), (DELETE,), (), HITLESS, "It is disabled, and no pod has an address of it.", source=PUSH,
         variables=("pod_subnets", "pools")),
    Rule(("IPPool",), (CREATE,), (), HITLESS, "It is new, and no pod uses it.", source=CONFD, variables=("pod_subnets",)),
    Rule(("IPPool", "Installation"), (MODIFY,), ("ipipMode", "vxlanMode", "natOutgoing", "calicoNetwork"), HITLESS,
         "No pod has an address of the pool.", source=PUSH, when="empty", variables=("manage_installation",)),
    Rule(("IPPool",), (MODIFY,), ("natOutgoing",), TRAFFIC_INTERRUPTION,
         "The source NAT of pods changes: their connections with the outside end.", "until they are made anew", None, NAT),
    Rule(("IPPool", "Installation"), (MODIFY,), (), TRAFFIC_INTERRUPTION,
         "Encapsulation or NAT of running pods changes, and not on all nodes at once.", "some seconds", None, CONFD, True,
         variables=("manage_installation",)),
    Rule(("BGPConfiguration",), (MODIFY, CREATE), ("nodeToNodeMeshEnabled",), HITLESS,
         "The mesh goes off after all sessions with the leaves are established.", source=PUSH),
    Rule(("BGPConfiguration",), (MODIFY,), ("logSeverityScreen",), HITLESS, "It changes what BIRD logs.", source=CONFD),
    Rule(("BGPConfiguration",), (MODIFY, CREATE), ("asNumber",), TRAFFIC_INTERRUPTION,
         "Nodes in Kubernetes are not in the plan, and get another AS number: their sessions end.", UNTIL_SESSIONS, False, BIRD,
         when="asn_of_strangers", variables=("cluster_asn",)),
    Rule(("BGPConfiguration",), (MODIFY, CREATE), ("asNumber",), HITLESS, "Each node has an AS number of its own.", source=CONFD,
         variables=("cluster_asn",)),
    Rule(("BGPConfiguration",), (MODIFY, CREATE), ("serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs"), HITLESS,
         "The nodes announce more subnets than before.", source=f"{PAPER}, Kubernetes node ingress routing", when="grown",
         variables=("service_subnets", "external_service_subnets", "load_balancer_subnets")),
    Rule(("BGPConfiguration",), (MODIFY, CREATE), ("serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs"),
         ROUTE_LOSS, "The nodes no longer announce these subnets.", FOR_GOOD, None, f"{PAPER}, Kubernetes node ingress routing",
         variables=("service_subnets", "external_service_subnets", "load_balancer_subnets")),
    Rule(("BGPConfiguration",), (CREATE,), (), HITLESS, "It is new.", source=CONFD),
)

# What interrupts also a cluster that is configured for the first time: nodes that no leaf knows, pods that the mesh still connects,
# ports that nodes use, and a Secret that others may use.
_ALWAYS = (
    Rule(("BGPConfiguration",), ANY, ("nodeToNodeMeshEnabled",), TRAFFIC_INTERRUPTION,
         "Nodes in Kubernetes are not in the plan. Nothing reaches their pods once the node-to-node mesh is off.",
         "until they are planned or gone", False, PUSH, when="strangers"),
    Rule(("BGPConfiguration",), ANY, ("nodeToNodeMeshEnabled",), TRAFFIC_INTERRUPTION,
         "The node-to-node mesh goes off without waiting for the sessions with the leaves.", UNTIL_SESSIONS, False, PUSH,
         when="ungated", variables=("sessions_timeout",)),
    Rule(("infraAccPortP", "infraHPortS", "infraPortBlk"), (CREATE,), (), TRAFFIC_INTERRUPTION,
         "The nodes on these ports run, so the ports have settings of others already, which may no longer apply.",
         "until the rest of the run", None, MODEL, True, "ports_in_use", ("manage_access", "node_interfaces")),
    Rule(("Secret",), (MODIFY,), ("data",), SESSION_RESET,
         "A new password ends all sessions; routes are missing until they are back. The playbook rotate changes one leaf after the other.",
         UNTIL_BACK, False, f"{BIRD}; {RFC}",
         variables=("bgp_password", "update_password")),
)
# fmt: on

RULES = (*_ALWAYS, *_EVERYWHERE, *_INTERFACES, *_SESSIONS, *_ROUTES, *_POLICY, *_ACCESS, *_CALICO)
