# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of the variables that are dictionaries or lists of dictionaries, as data."""

from __future__ import annotations

from functools import partial

from . import option
from .addressing import BLOCK_LENGTHS
from .option import BARE_METAL, VM, Option, dicts, number, texts

contracts = partial(texts, format="apic-name", default=[])

# fmt: off
NODE = (
    Option("name", "The node's name in Kubernetes.", required=True, format="dns-name"),
    number("slot",
           "The node's slot, counted from 0; allocated if unset. It determines the address (floating SVI), or the subnet and the"
           " VLAN (standard SVI).", 0, 2**31),
    Option("address", "The node's address; allocated if unset.", format="address"),
    texts("addresses", "The node's addresses, at most one of each family; allocated if unset.", format="address"),
    number("vlan", "The node's VLAN (standard SVI); allocated if unset.", 1, 4094),
    Option("vpc", "The vPC interface policy group of the node's ports (standard SVI).", format="apic-name"),
    texts("interfaces",
          "The leaf ports that the node is cabled to. C(1/10) is that port of both leaves, C(201:1/10) that port of leaf 201.",
          format="ports", default=[]),
    Option("kind", "Like C(aci_calico_node_kind), for this node.", choices=(BARE_METAL, VM)),
    texts("nics", "Like C(aci_calico_nics), for this node.", format="interface-name"),
    Option("hypervisor", "The host that the virtual machine runs on.", format="hypervisor"),
    Option("spare", "The spare slot of C(aci_calico_spare_nodes) that the node takes (standard SVI).", format="dns-name"),
)
# A spare slot is a node without a machine.
SPARE = (
    Option("name", "The name of the slot on APIC and in the allocation file.", required=True, format="dns-name"),
    Option("rack", "The id of the slot's rack.", required=True, format="rack-id"),
    *(option for option in NODE if option.name not in ("name", "spare")),
)
LEAF = (
    Option("id", "The leaf's node ID in the fabric.", "int", required=True, range=(101, 4000)),
    Option("address", "The primary address of the anchor leaf (floating SVI); allocated if unset.", format="address"),
    texts("addresses", "The primary addresses of the anchor leaf, at most one of each family; allocated if unset.",
          format="address"),
    Option("router_id", "The leaf's router ID. A leaf has one router ID in a VRF.", format="router-id"),
)
RACK = (
    Option("id", "The rack's name. It becomes a label of the rack's nodes.", required=True, format="rack-id"),
    number("pod", "The ACI pod of the rack's leaves; C(aci_calico_pod) if unset.", 1, 254),
    Option("node_kind", "Like C(aci_calico_node_kind), for the rack's nodes.", choices=(BARE_METAL, VM)),
    dicts("leaves", "The rack's pair of leaves: node IDs, or dictionaries.", options=LEAF, shorthand="id", required=True),
    dicts("nodes",
          "The rack's Kubernetes nodes: names, or dictionaries. Nodes can also be inventory hosts with C(aci_calico_rack).",
          options=NODE, shorthand="name", default=[]),
)

POOL = (
    Option("cidr", "The pool: one of the pod subnets or load balancer subnets.", required=True, format="subnet"),
    Option("disabled", "Whether no more addresses are taken from the pool. Addresses in use stay.", "bool"),
    Option("node_selector", "The nodes that take blocks from the pool, as Calico's selector."),
    texts("racks", "The racks whose nodes take blocks from the pool, in place of C(node_selector).", format="rack-id", default=[]),
    texts("allowed_uses",
          "What the addresses are for. Pools of load balancer subnets have C(LoadBalancer), all others none of it (Calico 3.30 or"
          " newer).", choices=option.USES, default=[]),
    Option("assignment_mode", "Whether addresses are taken without being asked for (Calico 3.30 or newer).",
           choices=("Automatic", "Manual")),
    number("block_size", "Like C(aci_calico_block_size), for this pool. A pool never changes it.",
           BLOCK_LENGTHS["ipv4"][0], BLOCK_LENGTHS["ipv6"][1]),
)

RELATION = (
    contracts("provide", "The contracts to provide."),
    contracts("consume", "The contracts to consume."),
    contracts("consume_interfaces", "The exported contracts to consume, by the names of their interfaces."),
)
FILTER = (
    Option("name", "The filter's name.", required=True, format="apic-name"),
    texts("entries",
          "The traffic that the filter permits. Without entries, the filter must exist in the contract's tenant or in C(common).",
          format="filter-entry", default=[]),
)
CONTRACT = (
    Option("name", "The contract's name.", required=True, format="apic-name"),
    Option("tenant", "The contract's tenant; C(aci_calico_tenant) if unset.", format="tenant-name"),
    Option("scope", "The scope within which provider and consumer can communicate. C(context) is the VRF.",
           choices=("context", "tenant", "global", "application-profile"), default="context"),
    dicts("filters", "The filters of the contract's subject: names of existing filters, or dictionaries.",
          options=FILTER, shorthand="name", required=True),
    Option("service_graph",
           "An existing service graph template for the traffic. Its device selection policy can redirect the traffic.",
           format="apic-name"),
    texts("export_to", "Tenants to export the contract to, as a contract interface of the same name.",
          format="tenant-name", default=[]),
)
EPG = (
    Option("tenant", "The EPG's tenant; C(aci_calico_tenant) if unset.", format="tenant-name"),
    Option("application_profile", "The application profile of an EPG.", format="apic-name"),
    Option("epg", "An EPG of the application profile.", format="apic-name"),
    Option("l3out", "The L3Out of an external EPG.", format="apic-name"),
    Option("external_epg", "An external EPG of the L3Out.", format="apic-name"),
    *RELATION,
)
TRANSIT = (
    Option("tenant", "The L3Out's tenant; C(aci_calico_tenant) if unset.", format="tenant-name"),
    Option("l3out", "The L3Out that connects to the outside.", required=True, format="apic-name"),
    texts("subnets",
          "The prefixes outside the fabric to advertise to the nodes. A default route matches exactly; other prefixes include"
          " the longer prefixes within them.", format="route", default=[]),
    number("order",
           "The order of the cluster's context in the L3Out's route map C(default-export). The default places it after the"
           " contexts of the L3Out's owner.", 0, 9, default=9),
    Option("external_epg", "The L3Out's external EPG that gets the contracts below.", format="apic-name"),
    *RELATION,
)
MICROSEGMENT = (
    Option("name", "The external EPG's name.", required=True, format="apic-name"),
    texts("subnets",
          "The addresses of its services or pods. An address belongs to the external EPG with the longest matching prefix.",
          format="subnet", required=True),
    *RELATION,
)
