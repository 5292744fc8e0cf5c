# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of every ``aci_calico_*`` variable, and the check of values against it.

This is the only place that knows names, types, defaults, ranges and descriptions: argument specs, role defaults and
the documentation's tables are generated from it (``tools/generate.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .option import APIC_ROLES, KUBERNETES_ROLES, Option

PREFIX = "aci_calico_"
# The kinds of node.
BARE_METAL, VM = "bare_metal", "vm"

# Set while a play runs, not by users.
RUNTIME = frozenset({"aci_calico_plan", "aci_calico_report"})


_ADDRESSES = "addresses, at most one of each family"
_NODE_OPTIONS = (
    Option("name", "The node's name in Kubernetes.", required=True, format="dns-name"),
    Option(
        "slot",
        "The node's place: its address (floating SVI) or subnet and VLAN (standard SVI), counted from 0.",
        "int",
        range=(0, 2**31),
    ),
    Option("address", "The node's address, pinned.", format="address"),
    Option("addresses", "The node's addresses, pinned, at most one of each family.", "list", "str", format="address"),
    Option("vlan", "The node's VLAN, pinned (standard SVI).", "int", range=(1, 4094)),
    Option("vpc", "The vPC interface policy group that the node hangs off (standard SVI).", format="apic-name"),
    Option(
        "interfaces",
        "The ports that the node is cabled to: C(1/10) is the same port of both leaves, C(201:1/10) one of leaf 201 alone.",
        "list",
        "str",
        format="ports",
        default=[],
    ),
    Option("kind", "As C(aci_calico_node_kind), for this node.", choices=("bare_metal", "vm")),
    Option("nics", "As C(aci_calico_nics), for this node.", "list", "str", format="interface-name"),
    Option("hypervisor", "The host that the virtual machine runs on.", format="hypervisor"),
)
_LEAF_OPTIONS = (
    Option("id", "The leaf's node ID in the fabric.", "int", required=True, range=(101, 4000)),
    Option("address", "The anchor leaf's primary address, pinned (floating SVI).", format="address"),
    Option(
        "addresses",
        "The anchor leaf's primary addresses, pinned, at most one of each family.",
        "list",
        "str",
        format="address",
    ),
    Option("router_id", "The leaf's router ID; one for the leaf in the whole VRF.", format="router-id"),
)
_RACK_OPTIONS = (
    Option("id", "The rack's name; it becomes the nodes' label.", required=True, format="rack-id"),
    Option(
        "pod", "The ACI pod that the rack's leaves belong to; C(aci_calico_pod) unless given.", "int", range=(1, 254)
    ),
    Option("node_kind", "As C(aci_calico_node_kind), for the rack's nodes.", choices=("bare_metal", "vm")),
    Option(
        "leaves",
        "The rack's pair of leaves: IDs, or dictionaries.",
        "list",
        "dict",
        options=_LEAF_OPTIONS,
        shorthand="id",
        required=True,
    ),
    Option(
        "nodes",
        "The rack's Kubernetes nodes: names, or dictionaries. Nodes may also be inventory hosts with C(aci_calico_rack).",
        "list",
        "dict",
        options=_NODE_OPTIONS,
        shorthand="name",
        default=[],
    ),
)


_CONTRACT_NAMES = {"type": "list", "elements": "str", "format": "apic-name", "default": []}
_RELATION_OPTIONS = (
    Option("provide", "Contracts that it provides.", **_CONTRACT_NAMES),
    Option("consume", "Contracts that it consumes.", **_CONTRACT_NAMES),
    Option(
        "consume_interfaces", "Exported contracts, by the name of the interface, that it consumes.", **_CONTRACT_NAMES
    ),
)
_FILTER_OPTIONS = (
    Option("name", "The filter's name.", required=True, format="apic-name"),
    Option(
        "entries",
        "What the filter lets through. Without entries it is a filter that is there already, in the contract's tenant or"
        " in C(common).",
        "list",
        "str",
        format="filter-entry",
        default=[],
    ),
)
_CONTRACT_OPTIONS = (
    Option("name", "The contract's name.", required=True, format="apic-name"),
    Option("tenant", "The contract's tenant; C(aci_calico_tenant) unless given.", format="tenant-name"),
    Option(
        "scope",
        "How far apart provider and consumer may be: C(context) is the VRF.",
        choices=("context", "tenant", "global", "application-profile"),
        default="context",
    ),
    Option(
        "filters",
        "What it lets through: names of existing filters, or dictionaries.",
        "list",
        "dict",
        options=_FILTER_OPTIONS,
        shorthand="name",
        required=True,
    ),
    Option(
        "service_graph",
        "An existing service graph template that the traffic goes through; policy-based redirect is part of its device"
        " selection policy.",
        format="apic-name",
    ),
    Option(
        "export_to",
        "Tenants that get the contract as an interface of the same name.",
        "list",
        "str",
        format="tenant-name",
        default=[],
    ),
)
_EPG_OPTIONS = (
    Option("tenant", "The EPG's tenant; C(aci_calico_tenant) unless given.", format="tenant-name"),
    Option("application_profile", "The application profile of an EPG.", format="apic-name"),
    Option("epg", "An EPG of the application profile.", format="apic-name"),
    Option("l3out", "The L3Out of an external EPG.", format="apic-name"),
    Option("external_epg", "An external EPG of the L3Out.", format="apic-name"),
    *_RELATION_OPTIONS,
)
_TRANSIT_OPTIONS = (
    Option("tenant", "The L3Out's tenant; C(aci_calico_tenant) unless given.", format="tenant-name"),
    Option("l3out", "The L3Out that leads outside.", required=True, format="apic-name"),
    Option(
        "subnets",
        "What is outside, and told to the nodes; a default route as itself, other prefixes with all that they contain.",
        "list",
        "str",
        format="route",
        default=[],
    ),
    Option(
        "order",
        "The place of the cluster's entry in the L3Out's route map C(default-export): behind the owner's own by default.",
        "int",
        range=(0, 9),
        default=9,
    ),
    Option("external_epg", "The L3Out's external EPG that the contracts below belong to.", format="apic-name"),
    *_RELATION_OPTIONS,
)
_MICROSEGMENT_OPTIONS = (
    Option("name", "The external EPG's name.", required=True, format="apic-name"),
    Option(
        "subnets",
        "Its services or pods, by address: the longest prefix decides which external EPG an address is in.",
        "list",
        "str",
        format="subnet",
        required=True,
    ),
    *_RELATION_OPTIONS,
)


def _group(name: str, *options: Option, **common: Any) -> tuple[Option, ...]:
    return tuple(replace(option, group=name, **common) for option in options)


REGISTRY: tuple[Option, ...] = (
    *_group(
        "The cluster",
        Option(
            "aci_calico_cluster_name",
            "The cluster's name: it marks what the cluster owns on APIC and in Kubernetes.",
            format="cluster-name",
            default_text="the inventory host's name",
        ),
        Option(
            "aci_calico_state",
            "C(absent) takes down what the cluster owns.",
            choices=("present", "absent"),
            default="present",
        ),
        Option(
            "aci_calico_racks",
            "The racks: their leaves, and their nodes unless these are inventory hosts.",
            "list",
            "dict",
            options=_RACK_OPTIONS,
            required=True,
            source="Physical connectivity",
        ),
        Option(
            "aci_calico_artifacts_dir",
            "Where plans are written, in a folder for each cluster; relative to the working directory.",
            default="artifacts",
        ),
        Option(
            "aci_calico_allocation_file",
            "The file that keeps every node's slot, addresses and VLAN. Commit it with the inventory.",
            default_text="`.allocations/<cluster>.yml` beside the inventory source of the cluster's host",
        ),
        Option(
            "aci_calico_renumber",
            "Nodes and leaves (C(leaf-201)) whose recorded addresses or VLAN may change; C(svi) for the shared addresses"
            " and VLAN of a floating SVI; C(all) for everything, the kind of SVI included.",
            "list",
            "str",
            default=[],
        ),
        Option(
            "aci_calico_limits",
            "Scale limits that differ from those of ACI 5.2, by the limit's id.",
            "dict",
            default={},
            source="Scalability",
        ),
    ),
    *_group(
        "Addresses",
        Option(
            "aci_calico_node_subnets",
            "The subnet of the nodes (floating SVI; one for each L3Out where the racks need several), or the supernets that the nodes' own"
            " subnets are cut from (standard SVI). A subnet of the other family makes the cluster dual stack.",
            "list",
            "str",
            format="subnet",
            required=True,
            source="Example floating SVI IP allocation; Example standard SVI IP allocation",
        ),
        Option(
            "aci_calico_pod_subnets",
            "The pods' subnets; each becomes an IPPool.",
            "list",
            "str",
            format="subnet",
            required=True,
            source="Calico routing and BGP configuration",
        ),
        Option(
            "aci_calico_service_subnets",
            "The subnets of cluster IPs.",
            "list",
            "str",
            format="subnet",
            required=True,
            source="Calico routing and BGP configuration",
        ),
        Option(
            "aci_calico_external_service_subnets",
            "The subnets of the services' external IPs (C(spec.externalIPs)).",
            "list",
            "str",
            format="subnet",
            default=[],
            source="Calico routing and BGP configuration",
        ),
        Option(
            "aci_calico_load_balancer_subnets",
            "The subnets of the addresses that services of type LoadBalancer get (C(status.loadBalancer)).",
            "list",
            "str",
            format="subnet",
            default=[],
            source="Calico routing and BGP configuration",
        ),
        Option(
            "aci_calico_ipv6_node_prefix_length",
            "The length of each node's own IPv6 prefix (standard SVI). 64 is every operating system's expectation, and keeps the"
            " prefix out of the small table that leaves have for longer ones; the supernet must hold one for each node.",
            "int",
            range=(1, 125),
            default=64,
            source="Dual stack considerations",
        ),
        Option(
            "aci_calico_floating_addresses",
            "The floating addresses, pinned, at most one for each node subnet (floating SVI).",
            "list",
            "str",
            format="address",
            default=[],
            default_text="the last usable address but one of the node subnet",
            source="ACI BGP configuration, step 4",
        ),
        Option(
            "aci_calico_secondary_addresses",
            "The secondary addresses, the nodes' default gateways, pinned, at most one for each node subnet (floating SVI).",
            "list",
            "str",
            format="address",
            default=[],
            default_text="the last usable address of the node subnet",
            source="ACI BGP configuration, step 6",
        ),
    ),
    *_group(
        "ACI",
        Option(
            "aci_calico_tenant",
            "The tenant of the L3Out. It must be there, unless C(aci_calico_manage_tenant) makes it.",
            required=True,
            format="tenant-name",
            source="ACI BGP configuration, step 3",
        ),
        Option(
            "aci_calico_vrf",
            "The VRF of the L3Out. It must be there, unless C(aci_calico_manage_tenant) makes it.",
            required=True,
            format="vrf-name",
            source="ACI BGP configuration, step 3",
        ),
        Option(
            "aci_calico_vrf_tenant",
            "The tenant of the VRF, where it is not that of the L3Out (C(common)).",
            format="tenant-name",
            default_text="`aci_calico_tenant`",
        ),
        Option(
            "aci_calico_l3out",
            "The L3Out's name; further ones get a number behind it. The cluster's policies are named after it.",
            format="apic-name",
            default_text="`calico-<cluster>`",
            source="ACI BGP configuration, step 3",
        ),
        Option(
            "aci_calico_external_epg",
            "The external EPG's name.",
            format="apic-name",
            default="default",
            source="ACI BGP configuration, step 5",
        ),
        Option(
            "aci_calico_l3_domain",
            "The external routed domain.",
            required=True,
            format="apic-name",
            source="ACI BGP configuration, step 3",
        ),
        Option(
            "aci_calico_physical_domain",
            "The physical domain that binds the VLAN to ports (floating SVI).",
            format="apic-name",
            source="ACI BGP configuration, step 4",
        ),
        Option("aci_calico_pod", "The ACI pod of racks that name none.", "int", range=(1, 254), default=1),
        Option(
            "aci_calico_svi",
            "The kind of SVI. C(auto) takes floating where the limits allow it, and says why in the plan.",
            choices=("auto", "floating", "standard"),
            default="auto",
            source="Standard SVI vs. floating SVI",
        ),
        Option(
            "aci_calico_vlan",
            "One VLAN (floating SVI; one for each L3Out where the racks need several), or a range or list with one for each node (standard"
            " SVI): C(300), C(300-363), C([300, 310-320]).",
            "vlans",
            required=True,
            range=(1, 4094),
            source="ACI BGP configuration, steps 4 and 5",
        ),
        Option(
            "aci_calico_vlan_mode",
            "How nodes see the VLAN: tagged (C(regular)), with 802.1p tag (C(native)) or C(untagged).",
            choices=("regular", "native", "untagged"),
            default="regular",
        ),
        Option(
            "aci_calico_encap_scope",
            "Whether the VLAN belongs to this L3Out only (C(local)) or to the VRF (C(ctx)).",
            choices=("local", "ctx"),
            default="local",
        ),
        Option(
            "aci_calico_mtu",
            "The MTU of the SVIs.",
            "int",
            range=(576, 9216),
            default=9000,
            source="ACI BGP configuration, steps 4 and 5",
        ),
        Option(
            "aci_calico_router_id_base",
            "What the leaf's ID is added to for its router ID, unless the leaf has a C(router_id).",
            format="router-id",
            default="1.1.4.0",
            source="ACI BGP configuration, steps 4 and 5",
        ),
        Option(
            "aci_calico_vpc_name",
            "The name of each node's vPC interface policy group, with the placeholders C({node}) and C({rack}) (standard SVI).",
            format="vpc-pattern",
            default="vpc-{node}",
            source="ACI BGP configuration, step 5",
        ),
        Option(
            "aci_calico_apic_version",
            "The fabric's APIC release, such as 5.2 or 6.0: floating SVI needs 5.0 or newer.",
            format="apic-version",
            source="Standard SVI vs. floating SVI",
        ),
        Option(
            "aci_calico_non_anchor_leaves",
            "Leaves without anchors that nodes may be behind (floating SVI): their traffic takes a detour over the anchors that they peer with.",
            "list",
            "int",
            range=(101, 4000),
            default=[],
            source="Standard SVI vs. floating SVI",
        ),
        Option(
            "aci_calico_forwarding_profile",
            "The forwarding scale profile of the cluster's leaves: it says how many routes they hold.",
            choices=("dual_stack", "high_dual_stack", "high_lpm", "high_policy", "ipv4"),
            default="dual_stack",
            source="Longest prefix match scale",
        ),
        Option(
            "aci_calico_adopt",
            "Take over objects that somebody else made, instead of refusing them.",
            "bool",
            default=False,
        ),
    ),
    *_group(
        "Access policies",
        Option(
            "aci_calico_manage_access",
            "Make what the L3Out stands on: VLAN pool, domains, AAEP and, for nodes whose ports are known, interface policy groups,"
            " profiles and selectors.",
            "bool",
            default=False,
            source="Physical connectivity",
        ),
        Option(
            "aci_calico_manage_tenant",
            "Make tenant and VRF where they are not there. The tenant C(common) is never made.",
            "bool",
            default=False,
            source="ACI BGP configuration, step 3",
        ),
        Option(
            "aci_calico_vlan_pool",
            "The VLAN pool that C(aci_calico_manage_access) makes, with static allocation.",
            format="apic-name",
            default_text="the name of `aci_calico_l3_domain`",
        ),
        Option(
            "aci_calico_aaep",
            "The attachable access entity profile that joins the domains with the ports. C(aci_calico_manage_access) makes it;"
            " without that, preflight looks whether the domains are on it.",
            format="apic-name",
            default_text="with `aci_calico_manage_access` the name of `aci_calico_l3_domain`, else any that has the domains",
        ),
        Option(
            "aci_calico_lacp_policy",
            "The port channel policy of the nodes' vPCs. Unset, one with LACP active is made.",
            format="apic-name",
            default_text="`calico-lacp-active`, made with the rest",
            source="Physical connectivity",
        ),
        roles=("aci_access_policies", "apic_push", "preflight"),
    ),
    *_group(
        "BGP",
        Option(
            "aci_calico_fabric_asn",
            "The fabric's AS number.",
            "int",
            required=True,
            range=(1, 4294967295),
            source="AS Per Cluster design",
        ),
        Option(
            "aci_calico_cluster_asn",
            "The AS number of all nodes of the cluster.",
            "int",
            required=True,
            range=(1, 4294967295),
            source="AS Per Cluster design",
        ),
        Option(
            "aci_calico_bgp_password",
            "The password of the BGP sessions; from Vault or a lookup. It is never in the plan.",
            secret=True,
            required=True,
            source="BGP hardening",
        ),
        Option(
            "aci_calico_update_password",
            "Whether to send a password that is there already: APIC never says what it has. Rotation uses C(always).",
            choices=("on_create", "always"),
            default="on_create",
        ),
        Option(
            "aci_calico_bgp_keepalive",
            "Keepalive interval in seconds.",
            "int",
            range=(0, 3600),
            default=1,
            source="BGP timers",
        ),
        Option(
            "aci_calico_bgp_hold",
            "Hold time in seconds: 0 (never), or 3 and more.",
            "int",
            range=(0, 3600),
            default=3,
            source="BGP timers",
        ),
        Option(
            "aci_calico_bgp_as_limit",
            "How many AS numbers a received path may have; 0: any.",
            "int",
            range=(0, 2000),
            default=1,
            source="BGP hardening",
        ),
        Option(
            "aci_calico_bgp_graceful_restart",
            "Graceful restart helper.",
            "bool",
            default=True,
            source="BGP Graceful Restart",
        ),
        Option(
            "aci_calico_bgp_as_path_relax",
            "Several equal paths although their AS paths differ.",
            "bool",
            default=True,
            source="AS path policy",
        ),
        Option(
            "aci_calico_bgp_ecmp_ebgp",
            "Equal eBGP paths; one value for the whole VRF.",
            "int",
            range=(1, 64),
            default=64,
            source="Max BGP ECMP path",
        ),
        Option(
            "aci_calico_bgp_ecmp_ibgp",
            "Equal iBGP paths; one value for the whole VRF.",
            "int",
            range=(1, 64),
            default=64,
            source="Max BGP ECMP path",
        ),
        Option(
            "aci_calico_bgp_prefix_limit",
            "Prefixes accepted from a node; unset: no limit.",
            "int",
            range=(1, 300000),
            source="ACI BGP configuration, step 13",
        ),
        Option(
            "aci_calico_bgp_prefix_limit_action",
            "What happens beyond the prefix limit.",
            choices=("reject", "log", "shut", "restart"),
            default="reject",
            source="ACI BGP configuration, step 13",
        ),
        Option(
            "aci_calico_bgp_prefix_limit_threshold",
            "Percentage of the prefix limit that raises a warning.",
            "int",
            range=(1, 100),
            default=75,
        ),
        Option(
            "aci_calico_import_subnets",
            "What the fabric accepts from the nodes.",
            "list",
            "str",
            format="subnet",
            default_text="all of the cluster's subnets",
            source="ACI BGP configuration, step 10",
        ),
        Option(
            "aci_calico_export_subnets",
            "What the fabric tells the nodes.",
            "list",
            "str",
            format="subnet",
            default_text="all of the cluster's subnets",
            source="ACI BGP configuration, step 10",
        ),
    ),
    *_group(
        "Connectivity",
        Option(
            "aci_calico_external_epg_scopes",
            "What the cluster's subnets are for in its external EPG; C(shared-rtctrl) and C(shared-security) leak them to other VRFs.",
            "list",
            "str",
            choices=("import-security", "export-rtctrl", "import-rtctrl", "shared-rtctrl", "shared-security"),
            default=["import-security"],
            source="ACI BGP configuration, step 5",
        ),
        Option(
            "aci_calico_contracts",
            "Contracts to make. Clusters that name the same one share it.",
            "list",
            "dict",
            options=_CONTRACT_OPTIONS,
            default=[],
            source="Cluster connectivity inside the fabric",
        ),
        Option(
            "aci_calico_provided_contracts",
            "Contracts that the cluster's external EPG provides.",
            source="Cluster connectivity inside the fabric",
            **_CONTRACT_NAMES,
        ),
        Option(
            "aci_calico_consumed_contracts",
            "Contracts that the cluster's external EPG consumes.",
            source="Cluster connectivity inside the fabric",
            **_CONTRACT_NAMES,
        ),
        Option(
            "aci_calico_consumed_interfaces",
            "Contracts that other tenants have exported to the cluster's, and that its external EPG consumes.",
            source="Cluster connectivity inside the fabric",
            **_CONTRACT_NAMES,
        ),
        Option(
            "aci_calico_epg_contracts",
            "Contracts that existing EPGs and external EPGs are to provide or consume. The EPG itself is left as it is.",
            "list",
            "dict",
            options=_EPG_OPTIONS,
            default=[],
            source="Cluster connectivity inside the fabric",
        ),
        Option(
            "aci_calico_transit",
            "Existing L3Outs that lead outside: the cluster's prefixes leave through them, and the nodes are told what is outside.",
            "list",
            "dict",
            options=_TRANSIT_OPTIONS,
            shorthand="l3out",
            default=[],
            source="Cluster connectivity outside of the fabric",
        ),
        Option(
            "aci_calico_transit_subnets",
            "What the transit L3Outs tell the outside of the cluster.",
            "list",
            "str",
            format="subnet",
            default_text="all of the cluster's subnets",
            source="Cluster connectivity outside of the fabric",
        ),
        Option(
            "aci_calico_microsegments",
            "External EPGs for some of the cluster's services or pods, with contracts of their own.",
            "list",
            "dict",
            options=_MICROSEGMENT_OPTIONS,
            default=[],
            source="Microsegmentation",
        ),
    ),
    *_group(
        "Calico",
        Option(
            "aci_calico_calico_api_group",
            "The API group of Calico's kinds; C(auto) asks the cluster.",
            choices=("auto", "projectcalico.org/v3", "crd.projectcalico.org/v1"),
            default="auto",
        ),
        Option(
            "aci_calico_calico_namespace",
            "The namespace that calico-node runs in; C(auto) asks the cluster.",
            format="dns-label",
            default="auto",
        ),
        Option(
            "aci_calico_rack_label",
            "The label that holds a node's rack.",
            format="label-key",
            default="rack_id",
            source="Calico routing and BGP configuration",
        ),
        Option(
            "aci_calico_bgp_secret_name",
            "The Secret that holds the BGP password.",
            format="dns-name",
            default="bgp-secrets",
            source="Calico routing and BGP configuration",
        ),
        Option(
            "aci_calico_bgp_secret_key",
            "The Secret's key.",
            format="secret-key",
            default="rr-password",
            source="Calico routing and BGP configuration",
        ),
        Option(
            "aci_calico_service_account",
            "calico-node's service account, which may read the Secret.",
            format="dns-name",
            default="calico-node",
            source="Calico routing and BGP configuration",
        ),
        Option(
            "aci_calico_block_size",
            "Prefix length of the IPv4 blocks that nodes take from a pool.",
            "int",
            range=(20, 32),
            default=26,
            source="Kubernetes node ingress routing",
        ),
        Option(
            "aci_calico_ipv6_block_size",
            "Prefix length of the IPv6 blocks that nodes take from a pool.",
            "int",
            range=(116, 128),
            default=122,
            source="Kubernetes node ingress routing",
        ),
        Option(
            "aci_calico_pods_per_node",
            "How many pods a node is taken to run, to estimate its blocks and the routes of the cluster; by default what kubelet allows.",
            "int",
            range=(1, 10000),
            default=110,
            source="Longest prefix match scale",
        ),
        Option(
            "aci_calico_exposed_services",
            "How many services with C(externalTrafficPolicy: Local) are expected: each is a host route, for each family.",
            "int",
            range=(0, 100000),
            default=0,
            source="Longest prefix match scale",
        ),
        Option(
            "aci_calico_bgp_filter",
            "Keep nodes from telling a leaf the routes that they learned from another one. The AS limit drops those routes anyway, but they"
            " count against a prefix limit. Needs Calico 3.29 or newer.",
            "bool",
            default=False,
        ),
        Option(
            "aci_calico_sessions_timeout",
            "Seconds to wait until APIC sees every session established, before Calico's node-to-node mesh is turned off and existing"
            " pools change. If they do not come up, the run fails and the mesh stays on. 0: do not wait.",
            "int",
            range=(0, 3600),
            default=60,
            roles=("calico_bgp",),
        ),
    ),
    *_group(
        "The nodes' own network",
        Option(
            "aci_calico_node_kind",
            "What the nodes are: bare metal with an LACP bond, or virtual machines with one interface. Set on a node's inventory host it is"
            " that node's.",
            choices=("bare_metal", "vm"),
            default="bare_metal",
            scope="any",
            source="K8s node gateway",
        ),
        Option(
            "aci_calico_nics",
            "The names of the nodes' network interfaces: the members of the bond, or a virtual machine's only one.",
            "list",
            "str",
            format="interface-name",
            default_text="`eno1` and `eno2` of bare metal, `ens192` of a virtual machine",
            source="K8s node gateway",
        ),
        Option("aci_calico_bond", "The name of the bond of bare metal.", format="interface-name", default="bond0"),
        Option("aci_calico_dns_servers", "Name servers for the nodes.", "list", "str", format="address", default=[]),
        Option(
            "aci_calico_node_configs",
            "The formats in which the nodes' network configurations are written to the artifacts.",
            "list",
            "str",
            choices=("netplan", "network_manager"),
            default=["netplan", "network_manager"],
        ),
        Option(
            "aci_calico_vm_mobility",
            "Virtual machines may move to other hypervisors while they run. Needs floating SVI.",
            "bool",
            default=False,
            source="Standard SVI vs. floating SVI; K8s node gateway",
        ),
    ),
    *_group(
        "Connection to APIC",
        Option(
            "aci_calico_apic_host",
            "The controllers' names or addresses; the first that answers is used.",
            "list",
            "str",
            default=[],
        ),
        Option("aci_calico_apic_port", "The port; unset: that of the protocol.", "int", range=(1, 65535)),
        Option("aci_calico_apic_username", "The user's name.", default="admin"),
        Option("aci_calico_apic_password", "The user's password.", secret=True),
        Option(
            "aci_calico_apic_private_key",
            "The user's private key or the file that holds it: signs each request in place of a password.",
            secret=True,
        ),
        Option("aci_calico_apic_certificate_name", "The name of the certificate on APIC that belongs to the key."),
        Option("aci_calico_apic_validate_certs", "Verify the controller's certificate.", "bool", default=True),
        Option("aci_calico_apic_use_ssl", "HTTPS.", "bool", default=True),
        Option("aci_calico_apic_use_proxy", "Use the proxy that the environment names.", "bool", default=True),
        Option("aci_calico_apic_timeout", "Seconds to wait for an answer.", "int", range=(1, 3600), default=30),
        connection=True,
        roles=(*APIC_ROLES, "calico_bgp"),
        at_times=("calico_bgp", "node_maintenance", "preflight"),  # to see sessions go up or routes go away; by tags
    ),
    *_group(
        "Connection to Kubernetes",
        Option("aci_calico_kubeconfig", "The kubeconfig file; unset: kubectl's own rules."),
        Option("aci_calico_kube_context", "The kubeconfig's context."),
        Option("aci_calico_kube_host", "The API server's URL, in place of a kubeconfig."),
        Option("aci_calico_kube_api_key", "The token that goes with the URL.", secret=True),
        Option("aci_calico_kube_ca_cert", "The file of the authority that signed the API server's certificate."),
        Option("aci_calico_kube_validate_certs", "Verify the API server's certificate.", "bool", default=True),
        connection=True,
        roles=KUBERNETES_ROLES,
        at_times=("preflight", "verify"),
    ),
    *_group(
        "Preflight",
        Option(
            "aci_calico_preflight",
            "Look at the fabric and at Kubernetes before C(site) writes anything, and stop at what would fail or harm.",
            "bool",
            default=True,
        ),
        roles=("preflight",),
    ),
    *_group(
        "Verification",
        Option(
            "aci_calico_verify_timeout",
            "Seconds to wait for sessions and routes that may still come.",
            "int",
            range=(0, 3600),
            default=60,
        ),
        Option("aci_calico_verify_interval", "Seconds between two looks.", "int", range=(1, 300), default=2),
        Option(
            "aci_calico_verify_kubernetes",
            "Look at Kubernetes as well as at APIC. Without it, Calico's configuration and the nodes' own view stay unverified.",
            "bool",
            default=True,
        ),
        Option(
            "aci_calico_verify_node_status",
            "Ask the nodes' BGP daemons for their sessions and routes, by a CalicoNodeStatus for each node that is removed afterwards.",
            "bool",
            default=True,
        ),
        roles=("verify",),
    ),
    *_group(
        "Node hosts",
        Option("aci_calico_rack", "The rack that the node is in. Empty: this host is no node.", format="rack-id"),
        Option(
            "aci_calico_node_name",
            "The node's name in Kubernetes.",
            format="dns-name",
            default_text="the inventory host's name",
        ),
        Option("aci_calico_node_slot", "See C(slot) of a rack's nodes.", "int", range=(0, 2**31)),
        Option("aci_calico_node_address", "See C(address) of a rack's nodes.", format="address"),
        Option("aci_calico_node_addresses", "See C(addresses) of a rack's nodes.", "list", "str", format="address"),
        Option("aci_calico_node_vlan", "See C(vlan) of a rack's nodes.", "int", range=(1, 4094)),
        Option("aci_calico_node_vpc", "See C(vpc) of a rack's nodes.", format="apic-name"),
        Option("aci_calico_node_nics", "See C(nics) of a rack's nodes.", "list", "str", format="interface-name"),
        Option("aci_calico_node_hypervisor", "See C(hypervisor) of a rack's nodes.", format="hypervisor"),
        Option(
            "aci_calico_node_interfaces",
            "See C(interfaces) of a rack's nodes.",
            "list",
            "str",
            format="ports",
            default=[],
        ),
        scope="node",
        roles=(),
    ),
)

# Parameters of single roles, which are no variables of a cluster.
ROLE_OPTIONS: Mapping[str, tuple[Option, ...]] = {
    "apic_push": (
        Option(
            "apic_push_part",
            "What to push: what the L3Outs stand on, the BGP policies alone, these with the L3Outs' guards, or the whole L3Outs.",
            choices=("access", "policies", "hardening", "l3out"),
            required=True,
        ),
        Option("apic_push_svi", "Refuse a plan for the other kind of SVI.", choices=("floating", "standard")),
    ),
    "preflight": (
        Option("preflight_apic", "Whether to look at the fabric.", "bool", default=True),
        Option("preflight_kubernetes", "Whether to look at Kubernetes.", "bool", default=True),
    ),
    "node_maintenance": (
        Option("node_maintenance_nodes", "The nodes, by their names.", "list", "str", required=True),
        Option(
            "node_maintenance_state",
            "C(begin) takes the nodes out of service, C(end) puts them back to what they were.",
            choices=("begin", "end"),
            default="begin",
        ),
        Option(
            "node_maintenance_drain",
            "Whether pods are moved to other nodes. Without it, services are announced from elsewhere and the node is cordoned, no more.",
            "bool",
            default=True,
        ),
        Option(
            "node_maintenance_delete_options",
            "The C(delete_options) of C(kubernetes.core.k8s_drain), beside C(ignore_daemonsets), which is always on.",
            "dict",
            default={"wait_timeout": 300},
        ),
        Option(
            "node_maintenance_timeout",
            "Seconds to wait until no leaf sends services' traffic to the nodes.",
            "int",
            range=(0, 3600),
            default=60,
        ),
    ),
    "aci_bgp_hardening": (
        Option(
            "aci_bgp_hardening_l3out",
            "Whether to guard the L3Outs too. Not where a role for the L3Out follows: it puts up guards and doors in one transaction.",
            "bool",
            default=True,
        ),
    ),
}

VARIABLES: Mapping[str, Option] = {option.name: option for option in REGISTRY}
CLUSTER_VARIABLES = {name: option for name, option in VARIABLES.items() if option.scope != "node"}
NODE_VARIABLES = {name: option for name, option in VARIABLES.items() if option.scope != "cluster"}
SECRETS = frozenset(name for name, option in VARIABLES.items() if option.secret)
# Where the options of modules that reach a server come from: ``{option: variable}``.
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
