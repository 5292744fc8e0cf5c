# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of all ``aci_calico_*`` variables, as data.

Names, types, defaults, ranges and descriptions stand here only. The roles' argument specs and defaults, the JSON Schema
of a cluster's variables and ``docs/variables.md`` are generated from it (``make generate``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...module_utils.names import CALICO_GROUPS
from . import keys
from .addressing import BLOCK_LENGTHS
from .consent import CONSENT, CONSENTS
from .keys import contracts
from .option import BARE_METAL, CENTRAL, VM, Option, dicts, number, texts

PREFIX = "aci_calico_"
# Results that a play registers: that of the plan, that of the last push, the lease, and the clusters of the inventory.
PLANNED, PUSHED, LEASED, INVENTORY = "aci_calico_planned", "aci_calico_pushed", "aci_calico_leased", "aci_calico_inventory"
RUNTIME = frozenset({PLANNED, PUSHED, LEASED, INVENTORY, "aci_calico_rehearsed"})

# Sections of the white paper.
_PHYSICAL = "Physical connectivity"
_KINDS = "Standard SVI vs. floating SVI"
_GATEWAY = "K8s node gateway"
_LPM = "Longest prefix match scale"
_CALICO = "Calico routing and BGP configuration"
_AS = "AS Per Cluster design"
_INSIDE = "Cluster connectivity inside the fabric"
_OUTSIDE = "Cluster connectivity outside of the fabric"
_STEP_3, _STEP_4, _STEP_5, _STEP_10, _STEP_13 = (f"ACI BGP configuration, step {step}" for step in (3, 4, 5, 10, 13))
_STEPS_4_5 = "ACI BGP configuration, steps 4 and 5"


def _group(name: str, *options: Option, **common: Any) -> tuple[Option, ...]:
    return tuple(replace(option, group=name, **common) for option in options)


# The formatter would write these tables with a line for each argument.
# fmt: off
REGISTRY: tuple[Option, ...] = (
    *_group(
        "The cluster",
        Option("aci_calico_cluster_name",
               "The cluster's name. It marks the objects that the cluster owns on APIC and in Kubernetes.",
               format="cluster-name", default_text="the inventory host's name"),
        Option("aci_calico_state",
               "Whether the cluster's configuration is present. C(absent) removes all objects that the cluster owns.",
               choices=("present", "absent"), default="present"),
        dicts("aci_calico_racks", "The racks with their leaves, and with their nodes unless the nodes are inventory hosts.",
              options=keys.RACK, required=True, source=_PHYSICAL),
        dicts("aci_calico_spare_nodes",
              "Slots for nodes to come (standard SVI): their paths, addresses, VLANs and peers are on APIC before the node is. A node takes"
              " one with C(spare). Floating SVI needs none: its leaves accept each node of the node subnet.",
              options=keys.SPARE, default=[]),
        Option("aci_calico_artifacts_dir",
               "The folder for plans and documents, relative to the working directory. Each cluster has a folder in it.",
               default="artifacts"),
        Option("aci_calico_artifacts_diff",
               "Whether C(--diff) also shows how these files change. It always shows objects and the allocation file.",
               "bool", default=False),
        Option("aci_calico_allocation_file",
               "The file that records the slots, addresses and VLANs of all nodes. Commit it with the inventory.",
               default_text="`.allocations/<cluster>.yml` beside the inventory source of the cluster's host"),
        texts("aci_calico_renumber",
              "The nodes and leaves (C(leaf-201)) whose recorded addresses or VLANs may change. C(svi) stands for the shared"
              " addresses and the VLAN of a floating SVI, C(all) for everything, including the kind of SVI.", default=[]),
        Option("aci_calico_limits", "Scale limits that differ from those of the release, by limit ID.",
               "dict", default={}, source="Scalability"),
    ),
    *_group(
        "Addresses",
        texts("aci_calico_node_subnets",
              "Floating SVI: the subnet of the nodes; if the racks need several L3Outs, a subnet for each. Standard SVI: the"
              " supernets of the nodes' own subnets. Subnets of both families make the cluster dual stack.",
              format="subnet", required=True, source="Example floating SVI IP allocation; Example standard SVI IP allocation"),
        texts("aci_calico_pod_subnets", "The subnets of the pods. Each becomes an IPPool.",
              format="subnet", required=True, source=_CALICO),
        texts("aci_calico_service_subnets", "The subnets of the services' cluster IPs.",
              format="subnet", required=True, source=_CALICO),
        texts("aci_calico_external_service_subnets", "The subnets of the services' external IPs (C(spec.externalIPs)).",
              format="subnet", default=[], source=_CALICO),
        texts("aci_calico_load_balancer_subnets",
              "The subnets of the addresses of LoadBalancer services (C(status.loadBalancer)).",
              format="subnet", default=[], source=_CALICO),
        number("aci_calico_ipv6_node_prefix_length",
               "The length of each node's own IPv6 prefix (standard SVI). All operating systems support 64; leaves have little"
               " room for longer prefixes. The supernet must hold a prefix for each node.",
               1, 125, default=64, source="Dual stack considerations"),
        texts("aci_calico_floating_addresses", "The floating addresses, at most one for each node subnet (floating SVI).",
              format="address", default=[], default_text="the last usable address but one of the node subnet", source=_STEP_4),
        texts("aci_calico_secondary_addresses",
              "The secondary addresses, which are the nodes' default gateways, at most one for each node subnet (floating SVI).",
              format="address", default=[], default_text="the last usable address of the node subnet",
              source="ACI BGP configuration, step 6"),
    ),
    *_group(
        "ACI",
        Option("aci_calico_tenant", "The tenant of the L3Out. It must exist, unless C(aci_calico_manage_tenant) creates it.",
               required=True, format="tenant-name", source=_STEP_3),
        Option("aci_calico_vrf", "The VRF of the L3Out. It must exist, unless C(aci_calico_manage_tenant) creates it.",
               required=True, format="vrf-name", source=_STEP_3),
        Option("aci_calico_vrf_tenant", "The tenant of the VRF, if it is not the tenant of the L3Out: C(common).",
               format="tenant-name", default_text="`aci_calico_tenant`"),
        Option("aci_calico_l3out",
               "The name of the L3Out; further L3Outs get this name with a number. The cluster's policies have this name too.",
               format="apic-name", default_text="`calico-<cluster>`", source=_STEP_3),
        Option("aci_calico_external_epg", "The name of the external EPG.", format="apic-name", default="default", source=_STEP_5),
        Option("aci_calico_l3_domain", "The L3 domain of the L3Out.", required=True, format="apic-name", source=_STEP_3),
        Option("aci_calico_physical_domain", "The physical domain that provides the VLAN on the ports (floating SVI).",
               format="apic-name", source=_STEP_4),
        number("aci_calico_pod", "The ACI pod of the racks that set no C(pod).", 1, 254, default=1),
        Option("aci_calico_svi",
               "The kind of SVI. C(auto) selects floating SVI if the limits allow it; the plan gives the reasons.",
               choices=("auto", "floating", "standard"), default="auto", source=_KINDS),
        Option("aci_calico_vlan",
               "Floating SVI: the VLAN; if the racks need several L3Outs, a VLAN for each. Standard SVI: a range or a list with"
               " a VLAN for each node. Examples: C(300), C(300-363), C([300, 310-320]).",
               "vlans", required=True, range=(1, 4094), source=_STEPS_4_5),
        Option("aci_calico_vlan_mode",
               "The encapsulation on the nodes' ports: C(regular) is tagged, C(native) has an 802.1p tag, C(untagged) has no"
               " tag.", choices=("regular", "native", "untagged"), aliases={"tagged": "regular"}, default="regular"),
        Option("aci_calico_encap_scope", "The scope of the VLAN: this L3Out (C(local)) or the VRF (C(ctx)).",
               choices=("local", "ctx"), default="local"),
        number("aci_calico_mtu", "The MTU of the SVIs.", 576, 9216, default=9000, source=_STEPS_4_5),
        Option("aci_calico_autostate",
               "Whether a leaf takes an SVI down when none of its local ports with the VLAN is up, so that it no longer announces the"
               " node subnet and the shared address. C(false) keeps it up.", "bool", default_text="as it is on APIC, whose default is off"),
        Option("aci_calico_router_id_base",
               "The base of the router IDs. A leaf without C(router_id) has the base plus the leaf's node ID.",
               format="router-id", default="1.1.4.0", source=_STEPS_4_5),
        Option("aci_calico_vpc_name",
               "The name of each node's vPC interface policy group (standard SVI), with the placeholders C({node}) and"
               " C({rack}).", format="vpc-pattern", default="vpc-{node}", source=_STEP_5),
        Option("aci_calico_apic_version", 'The release of APIC, as text: C("6.1(2)"). It chooses the scale limits. Floating SVI requires 5.0 or newer.',
               format="apic-version", source=_KINDS),
        Option("aci_calico_non_anchor_leaves",
               "Leaves that are not anchors and that nodes may be connected to (floating SVI). Their traffic passes through the"
               " anchor leaves that the nodes peer with, unless next hops are propagated.",
               "list", "int", range=(101, 4000), default=[], source=_KINDS),
        Option("aci_calico_peering",
               "The leaves that nodes peer with: those of their own rack (C(rack)), or all with the leaves of the first rack"
               " (C(central), floating SVI). With C(central) all nodes have the rack label of the first rack, and the leaves of the"
               " others are non-anchor leaves.", choices=("rack", CENTRAL), default="rack", source=_AS),
        Option("aci_calico_next_hop_propagation",
               "Whether the leaves tell the fabric of the nodes as next hops, in place of the leaves that they peer with, and treat"
               " attached and distant nodes alike (floating SVI). Requires APIC 6.1(2). It changes the best path policy of the VRF"
               " on these leaves.", "bool", default=False, source=_KINDS),
        Option("aci_calico_forwarding_profile",
               "The forwarding scale profile of the cluster's leaves. It determines how many routes a leaf holds.",
               choices=("dual_stack", "high_dual_stack", "high_lpm", "high_policy", "ipv4"), default="dual_stack", source=_LPM),
        Option("aci_calico_adopt", "Whether to take over objects that others created. By default, such objects are conflicts.",
               "bool", default=False),
    ),
    *_group(
        "Access policies",
        Option("aci_calico_manage_access",
               "Whether to create the access policies: VLAN pool, domains, AAEP and, for nodes with known ports, interface"
               " policy groups, profiles and selectors.", "bool", default=False, source=_PHYSICAL),
        Option("aci_calico_manage_tenant",
               "Whether to create the tenant and the VRF if they do not exist. The tenant C(common) is never created.",
               "bool", default=False, source=_STEP_3),
        Option("aci_calico_vlan_pool", "The VLAN pool that C(aci_calico_manage_access) creates, with static allocation.",
               format="apic-name", default_text="the name of `aci_calico_l3_domain`"),
        Option("aci_calico_aaep",
               "The attachable access entity profile (AAEP) that connects the domains with the ports."
               " C(aci_calico_manage_access) creates it; otherwise preflight checks that the domains are attached to it.",
               format="apic-name",
               default_text="with `aci_calico_manage_access` the name of `aci_calico_l3_domain`, otherwise any AAEP with the"
               " domains"),
        Option("aci_calico_lacp_policy", "The port channel policy of the nodes' vPCs.",
               format="apic-name", default_text="`calico-lacp-active`, created with the other access policies", source=_PHYSICAL),
    ),
    *_group(
        "BGP",
        number("aci_calico_fabric_asn", "The AS number of the fabric.", 1, 2**32 - 1, required=True, source=_AS),
        number("aci_calico_cluster_asn", "The AS number of all nodes of the cluster.", 1, 2**32 - 1, required=True, source=_AS),
        Option("aci_calico_bgp_password",
               "The password of the BGP sessions, from Vault or a lookup. The plan does not contain it.",
               secret=True, required=True, source="BGP hardening"),
        Option("aci_calico_update_password",
               "Whether to send the password if APIC has one already; APIC never returns it. Set C(always) to change the"
               " password.", choices=("on_create", "always"), default="on_create"),
        number("aci_calico_bgp_keepalive", "The keepalive interval in seconds.", 0, 3600, default=1, source="BGP timers"),
        number("aci_calico_bgp_hold", "The hold time in seconds: 0 for no limit, or at least 3.",
               0, 3600, default=3, source="BGP timers"),
        number("aci_calico_bgp_as_limit", "The highest number of AS numbers in the path of a received route; 0 for no limit.",
               0, 2000, default=1, source="BGP hardening"),
        Option("aci_calico_bgp_graceful_restart", "Whether the leaves are graceful restart helpers.",
               "bool", default=True, source="BGP Graceful Restart"),
        number("aci_calico_bgp_restart_time",
               "How many seconds a leaf keeps the routes of a node whose BGP daemon was killed, until it is back: the restart time that the"
               " node announces (C(maxRestartTime) of the BGPPeers) and APIC's stale interval. Shorter than a restart of calico-node takes,"
               " it makes the restart an interruption.", 1, 3600,
               default_text="120 seconds from the node, 300 on APIC", source="BGP Graceful Restart"),
        Option("aci_calico_bgp_as_path_relax", "Whether paths with different AS paths can be equal.",
               "bool", default=True, source="AS path policy"),
        number("aci_calico_bgp_ecmp_ebgp", "The highest number of equal eBGP paths. The setting is valid for the whole VRF.",
               1, 64, default=64, source="Max BGP ECMP path"),
        number("aci_calico_bgp_ecmp_ibgp", "The highest number of equal iBGP paths. The setting is valid for the whole VRF.",
               1, 64, default=64, source="Max BGP ECMP path"),
        Option("aci_calico_bgp_timers_policy",
               "An existing BGP timers policy, if another L3Out of the VRF uses it on the cluster's leaves: a leaf has one for"
               " each VRF. Set C(aci_calico_bgp_keepalive), C(aci_calico_bgp_hold), C(aci_calico_bgp_as_limit),"
               " C(aci_calico_bgp_graceful_restart) and C(aci_calico_bgp_restart_time) to its values.",
               format="apic-name", default_text="named after these values and created"),
        Option("aci_calico_bgp_best_path_policy",
               "An existing BGP best path policy, if another L3Out of the VRF uses it on the cluster's leaves. Set"
               " C(aci_calico_bgp_as_path_relax) to its value.",
               format="apic-name", default_text="named after this value and created"),
        Option("aci_calico_bgp_ecmp_policy",
               "An existing BGP address family context policy, if the VRF has one. Set C(aci_calico_bgp_ecmp_ebgp) and"
               " C(aci_calico_bgp_ecmp_ibgp) to its values.",
               format="apic-name", default_text="named after these values and created"),
        number("aci_calico_bgp_prefix_limit", "The highest number of prefixes from a node; no limit if unset.",
               1, 300000, source=_STEP_13),
        Option("aci_calico_bgp_prefix_limit_action", "The action beyond the prefix limit.",
               choices=("reject", "log", "shut", "restart"), default="reject", source=_STEP_13),
        number("aci_calico_bgp_prefix_limit_threshold", "The percentage of the prefix limit at which APIC raises a warning.",
               1, 100, default=75),
        texts("aci_calico_import_subnets", "The prefixes that the fabric accepts from the nodes.",
              format="subnet", default_text="all of the cluster's subnets", source=_STEP_10),
        texts("aci_calico_export_subnets", "The prefixes that the fabric advertises to the nodes.",
              format="subnet", default_text="all of the cluster's subnets", source=_STEP_10),
    ),
    *_group(
        "Connectivity",
        texts("aci_calico_external_epg_scopes",
              "The scopes of the cluster's subnets in its external EPG. C(shared-rtctrl) and C(shared-security) leak the subnets"
              " to other VRFs.",
              choices=("import-security", "export-rtctrl", "import-rtctrl", "shared-rtctrl", "shared-security"),
              default=["import-security"], source=_STEP_5),
        dicts("aci_calico_contracts", "The contracts to create. Clusters that list the same contract share it.",
              options=keys.CONTRACT, default=[], source=_INSIDE),
        contracts("aci_calico_provided_contracts", "The contracts that the cluster's external EPG provides.", source=_INSIDE),
        contracts("aci_calico_consumed_contracts", "The contracts that the cluster's external EPG consumes.", source=_INSIDE),
        contracts("aci_calico_consumed_interfaces",
                  "The contract interfaces that the cluster's external EPG consumes: contracts that other tenants export.",
                  source=_INSIDE),
        dicts("aci_calico_epg_contracts",
              "Contracts for existing EPGs and external EPGs to provide or consume. Nothing else of these EPGs changes.",
              options=keys.EPG, default=[], source=_INSIDE),
        dicts("aci_calico_transit",
              "Existing L3Outs that connect to the outside. They advertise the cluster's prefixes; the nodes get the outside's.",
              options=keys.TRANSIT, shorthand="l3out", default=[], source=_OUTSIDE),
        texts("aci_calico_transit_subnets", "The prefixes that the transit L3Outs advertise to the outside.",
              format="subnet", default_text="all of the cluster's subnets", source=_OUTSIDE),
        dicts("aci_calico_microsegments",
              "Further external EPGs for some of the cluster's services or pods, with contracts of their own.",
              options=keys.MICROSEGMENT, default=[], source="Microsegmentation"),
    ),
    *_group(
        "Calico",
        Option("aci_calico_calico_api_group",
               "The API group of Calico's resources. With C(auto) it is discovered in the cluster.",
               choices=("auto", *CALICO_GROUPS), default="auto"),
        Option("aci_calico_calico_namespace", "The namespace of calico-node. With C(auto) it is discovered in the cluster.",
               format="dns-label", default="auto"),
        Option("aci_calico_rack_label", "The node label that holds the rack.",
               format="label-key", default="rack_id", source=_CALICO),
        Option("aci_calico_bgp_secret_name", "The Secret with the BGP password.",
               format="dns-name", default="bgp-secrets", source=_CALICO),
        Option("aci_calico_bgp_secret_key", "The key of the BGP password in the Secret.",
               format="secret-key", default="rr-password", source=_CALICO),
        Option("aci_calico_service_account", "The service account of calico-node. It gets read access to the Secret.",
               format="dns-name", default="calico-node", source=_CALICO),
        number("aci_calico_block_size", "The prefix length of the IPv4 blocks that nodes take from a pool.",
               *BLOCK_LENGTHS["ipv4"], default=26, source="Kubernetes node ingress routing"),
        number("aci_calico_ipv6_block_size", "The prefix length of the IPv6 blocks that nodes take from a pool.",
               *BLOCK_LENGTHS["ipv6"], default=122, source="Kubernetes node ingress routing"),
        dicts("aci_calico_pools",
              "Settings of single IP pools, by subnet. What is not said is left as it is in the cluster. An entry for a load balancer"
              " subnet makes a pool for Calico's own addresses of LoadBalancer services.",
              options=keys.POOL, shorthand="cidr", default=[], source=_CALICO),
        number("aci_calico_pods_per_node",
               "The number of pods on a node, for the estimate of blocks and routes. The default is kubelet's limit.",
               1, 10000, default=110, source=_LPM),
        number("aci_calico_exposed_services",
               "The expected number of services with C(externalTrafficPolicy: Local). Each is a host route in each family.",
               0, 100000, default=0, source=_LPM),
        Option("aci_calico_bgp_filter",
               "Whether nodes filter the routes that they learned from one leaf out of their advertisements to the other. The AS"
               " limit drops these routes in any case, but they count toward a prefix limit. Requires Calico 3.27 or newer.",
               "bool", default=False),
        Option("aci_calico_manage_installation",
               "Whether to change pools of the Tigera operator through its Installation. Otherwise the run keeps the node-to-node mesh"
               " and stops with what to apply. Installations of RKE2 are never changed: their HelmChartConfig is.",
               "bool", default=False),
        number("aci_calico_sessions_timeout",
               "How many seconds to wait, before the node-to-node mesh is turned off and existing pools change, until all sessions are up"
               " and each node has the others' pod routes from a leaf. If some are missing then, the run fails and the mesh stays on. On a"
               " live mesh, also how many seconds they may take to come back after each of these changes, which is put back otherwise."
               " 0 does not wait.", 0, 3600, default=60),
    ),
    *_group(
        "The nodes' own network",
        Option("aci_calico_node_kind",
               "The kind of the nodes: bare metal with an LACP bond, or virtual machines with one interface. A node's own"
               " inventory host can override it.", choices=(BARE_METAL, VM), default=BARE_METAL, scope="any", source=_GATEWAY),
        texts("aci_calico_nics",
              "The network interfaces of the nodes: the members of the bond, or the one interface of a virtual machine.",
              format="interface-name", default_text="`eno1` and `eno2` of bare metal, `ens192` of a virtual machine",
              source=_GATEWAY),
        Option("aci_calico_bond", "The name of the bond (bare metal).", format="interface-name", default="bond0"),
        texts("aci_calico_dns_servers", "The name servers of the nodes.", format="address", default=[]),
        texts("aci_calico_node_configs", "The formats of the nodes' network configurations in the artifacts.",
              choices=("netplan", "network_manager"), default=["netplan", "network_manager"]),
        Option("aci_calico_vm_mobility",
               "Whether virtual machines can move to other hypervisors while they run. Requires floating SVI.",
               "bool", default=False, source=f"{_KINDS}; {_GATEWAY}"),
    ),
    *_group(
        "Two runs at once",
        number("aci_calico_lease_wait",
               "How many seconds to wait while another run changes the cluster. A run that ended without releasing its lease is"
               " taken over after 180 seconds. 0 does not wait.", 0, 86400, default=300),
        Option("aci_calico_take_lease",
               "The run, or the holder (C(user@host)), whose lease is taken over at once. The message of a run that waits names"
               " both. Give it on the command line (C(-e)), for one run."),
    ),
    *_group(
        "Undo",
        Option("aci_calico_journal",
               "The folder for journals, which C(undo) needs: what a cluster owned before each run that changed something. They are"
               " in C(<cluster>/journal) below it, and hold no secrets. On a control node that does not outlive the run (a container"
               " of AWX), set it to a folder that does.", default_text="aci_calico_artifacts_dir"),
        number("aci_calico_journal_keep", "How many journals of the cluster to keep. 0 writes none.", 0, 1000, default=10),
    ),
    *_group(
        "Connection to APIC",
        texts("aci_calico_apic_host", "The names or addresses of the controllers. The first that answers is used.", default=[]),
        number("aci_calico_apic_port", "The port; the protocol's port if unset.", 1, 65535),
        Option("aci_calico_apic_username", "The name of the user.", default="admin"),
        Option("aci_calico_apic_password", "The password of the user.", secret=True),
        Option("aci_calico_apic_private_key",
               "The private key of the user, or its file. It signs each request, in place of a password.", secret=True),
        Option("aci_calico_apic_certificate_name", "The name of the key's certificate on APIC."),
        Option("aci_calico_apic_validate_certs", "Whether to verify the controllers' certificates.", "bool", default=True),
        Option("aci_calico_apic_use_ssl", "Whether to use HTTPS.", "bool", default=True),
        Option("aci_calico_apic_use_proxy", "Whether to use the proxy that the environment sets.", "bool", default=True),
        number("aci_calico_apic_timeout", "How many seconds to wait for a reply.", 1, 3600, default=30),
        connection=True,
    ),
    *_group(
        "Connection to Kubernetes",
        Option("aci_calico_kubeconfig", "The kubeconfig file; located by kubectl's rules if unset."),
        Option("aci_calico_kube_context", "The context in the kubeconfig."),
        Option("aci_calico_kube_host", "The URL of the API server, in place of a kubeconfig."),
        Option("aci_calico_kube_api_key", "The token for the API server.", secret=True),
        Option("aci_calico_kube_ca_cert", "The file with the CA certificate of the API server."),
        Option("aci_calico_kube_validate_certs", "Whether to verify the API server's certificate.", "bool", default=True),
        connection=True,
    ),
    *_group(
        "Preflight",
        Option("aci_calico_preflight",
               "Whether C(site) checks the fabric and Kubernetes first, and stops before a change that would fail or do harm.",
               "bool", default=True),
    ),
    *_group(
        "Verification",
        number("aci_calico_verify_timeout", "How many seconds to wait for missing sessions and routes.", 0, 3600, default=60),
        number("aci_calico_verify_interval", "The seconds between two checks.", 1, 300, default=2),
        Option("aci_calico_verify_kubernetes",
               "Whether to check Kubernetes as well as APIC. Otherwise, Calico's configuration and the state of the nodes are"
               " not verified.", "bool", default=True),
        Option("aci_calico_verify_node_status",
               "Whether to read sessions and routes from the nodes' BGP daemons. A CalicoNodeStatus is created for each node and"
               " removed afterwards.", "bool", default=True),
    ),
    *_group(
        "Drift and metrics",
        Option("aci_calico_drift_fails", "Whether the playbook C(drift) fails if anything differs from the plan, for pipelines.",
               "bool", default=False),
        Option("aci_calico_metrics_dir",
               "The folder of the node exporter's textfile collector, in which C(verify) and C(drift) write metrics for Prometheus."
               " Without it they write none."),
    ),
    *_group(
        "Rehearsal",
        Option("aci_calico_deployed_plan",
               "The C(plan.json) of an earlier run, or the folder of the artifacts that has it. C(rehearse) then compares the plan with that"
               " one instead of with APIC and Kubernetes, and needs no connection."),
    ),
    *_group(
        "Given with a run",
        texts(CONSENT,
              "The interruptions to which you agree in this run, by name:"
              f" {'; '.join(f'C({name}), {text}' for name, text in CONSENTS.items())};"
              " C(teardown:<cluster>), the removal of a cluster; C(release:<node>), the loss of a node that left the inventory."
              " The run stops before it interrupts something without a consent,"
              " and says which one it needs. Set it with C(-e) only: elsewhere it would outlive its purpose, and is refused.",
              format="consent", default=[], per_run=True),
        texts("aci_calico_mend",
              "The differences that the playbook C(mend) puts back, by the names that C(drift) prints. C(all) stands for those of"
              " the cluster's own objects; differences in objects of others are mended only if they are named.",
              default=[], per_run=True),
        Option("aci_calico_seal_allocation",
               "The name of the cluster whose allocation file you edited or merged by hand. The plan checks and seals it again.",
               per_run=True),
    ),
    *_group(
        "Node hosts",
        Option("aci_calico_rack", "The rack of the node. Set it to an empty string if the host is not a node.",
               format="rack-id", empty=True),
        Option("aci_calico_node_name", "The node's name in Kubernetes.",
               format="dns-name", default_text="the inventory host's name"),
        number("aci_calico_node_slot", "See C(slot) of a rack's nodes.", 0, 2**31),
        Option("aci_calico_node_address", "See C(address) of a rack's nodes.", format="address"),
        texts("aci_calico_node_addresses", "See C(addresses) of a rack's nodes.", format="address"),
        number("aci_calico_node_vlan", "See C(vlan) of a rack's nodes.", 1, 4094),
        Option("aci_calico_node_vpc", "See C(vpc) of a rack's nodes.", format="apic-name"),
        texts("aci_calico_node_nics", "See C(nics) of a rack's nodes.", format="interface-name"),
        Option("aci_calico_node_hypervisor", "See C(hypervisor) of a rack's nodes.", format="hypervisor"),
        Option("aci_calico_node_spare", "See C(spare) of a rack's nodes.", format="dns-name"),
        texts("aci_calico_node_interfaces", "See C(interfaces) of a rack's nodes.", format="ports", default=[]),
        scope="node",
    ),
)

# Parameters of single roles, which are not variables of a cluster.
ROLE_OPTIONS: Mapping[str, tuple[Option, ...]] = {
    "preflight": (
        Option("preflight_apic", "Whether to check the fabric.", "bool", default=True),
        Option("preflight_kubernetes", "Whether to check Kubernetes.", "bool", default=True),
        Option("preflight_compare", "Whether to return what a run of C(site) would change (C(preflight_result.comparison)).", "bool",
               default=False),
    ),
    "undo": (
        Option("undo_journal", "The name of the journal to bring back. The newest one if empty.", default=""),
        Option("undo_list", "Whether to list the journals and change nothing.", "bool", default=False),
    ),
    "node_maintenance": (
        texts("node_maintenance_nodes", "The names of nodes.", default=[]),
        texts("node_maintenance_racks", "The IDs of racks, whose nodes are all taken together.", default=[]),
        texts("node_maintenance_leaves",
              "The IDs of leaves; C(odd) or C(even) for a group of an upgrade as a whole, C(all) for each leaf by itself. A run is about"
              " leaves, or about nodes and racks.", default=[]),
        Option("node_maintenance_state",
               "C(ask) says whether they may go now, and changes nothing; without names it answers for each leaf. C(begin) takes them out"
               " of service, C(end) waits until sessions and routes are back and restores the previous state.",
               choices=("ask", "begin", "end"), default="begin"),
        Option("node_maintenance_work",
               "A file with tasks of your own. The run then takes what is named out of service step by step, includes the file, and"
               " returns it to service. The tasks find the names in C(node_maintenance_step.nodes) and C(node_maintenance_step.leaves).",
               default=""),
        number("node_maintenance_at_once", "How many nodes, racks, leaves or groups are one step of the work. 0 makes all of them one step.",
               0, 1000, default=1),
        Option("node_maintenance_drain",
               "Whether to move pods to other nodes. Otherwise, the node is only cordoned and services are advertised from other"
               " nodes.", "bool", default=True),
        Option("node_maintenance_delete_options",
               "The C(delete_options) of C(kubernetes.core.k8s_drain). C(ignore_daemonsets) is always set.",
               "dict", default={"wait_timeout": 300}),
        number("node_maintenance_timeout", "How many seconds to wait until no leaf sends services' traffic to the nodes.",
               0, 3600, default=60),
        number("node_maintenance_return_timeout", "How many seconds to wait until sessions and routes are back.", 0, 7200, default=900),
    ),
    "aci_bgp_hardening": (
        Option("aci_bgp_hardening_l3out",
               "Whether to apply the policies to the L3Outs. Not needed before a role for the L3Outs, which pushes policies and"
               " interfaces in one transaction.", "bool", default=True),
    ),
}
# fmt: on

VARIABLES: Mapping[str, Option] = {option.name: option for option in REGISTRY}
CLUSTER_VARIABLES = {name: option for name, option in VARIABLES.items() if option.scope != "node"}
NODE_VARIABLES = {name: option for name, option in VARIABLES.items() if option.scope != "cluster"}
SECRETS = frozenset(name for name, option in VARIABLES.items() if option.secret)
# The variables for the connection options of modules: ``{option: variable}``.
APIC_ACCESS = {
    name.removeprefix("aci_calico_apic_"): name
    for name, option in VARIABLES.items()
    if option.connection and name.startswith("aci_calico_apic_")
}
KUBERNETES_ACCESS = {
    re.sub("^aci_calico_(kube_)?", "", name): name
    for name, option in VARIABLES.items()
    if option.connection and name.startswith("aci_calico_kube")
}
