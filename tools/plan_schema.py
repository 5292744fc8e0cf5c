"""The shape of the plan (``plan.json``), as data for its JSON Schema.

A dictionary stands for an object that has exactly these keys, a list with one element for a list of such elements.
"""

from __future__ import annotations

from typing import Any

from json_schema import DRAFT, Schema, canonical

from plugins.plugin_utils.intent.limits import LIMITS
from plugins.plugin_utils.planning.compile import PEER_CONTROLS, POLICY_KINDS, SCHEMA
from plugins.plugin_utils.planning.peering import SIDES
from plugins.plugin_utils.schema.addressing import FAMILIES
from plugins.plugin_utils.schema.formats import FORMATS, PROTOCOLS
from plugins.plugin_utils.schema.keys import CONTRACT, LEAF, NODE, POOL, RACK, TRANSIT
from plugins.plugin_utils.schema.option import CENTRAL, USES, Option
from plugins.plugin_utils.schema.variables import PREFIX, VARIABLES


class Value(dict[str, Any]):
    """A part of the shape that is a schema already."""


class Maybe(Value):
    """The shape of a key that is there only if the variable is set."""


def variable(name: str) -> Value:
    """Return the schema of a variable's value."""
    return Value(canonical(VARIABLES[PREFIX + name]))


def key(options: tuple[Option, ...], name: str) -> Value:
    """Return the schema of the value of a dictionary's key."""
    return Value(canonical(next(option for option in options if option.name == name)))


def one_of(*choices: Any) -> Value:
    """Return an enumeration."""
    return Value(enum=list(choices))


def formatted(name: str) -> Value:
    """Return the schema of a text that has a format."""
    return Value(type="string", pattern=f"^(?:{FORMATS[name].pattern})$")


def pair(shape: Any) -> Value:
    """Return the schema of a list of two."""
    return Value(schema_of([shape]), minItems=2, maxItems=2)


def or_null(shape: Any) -> Value:
    """Return a schema that accepts null as well."""
    return Value(anyOf=[schema_of(shape), {"type": "null"}])


def by_family(shape: Any) -> Value:
    """Return the schema of an object with a value for each address family of the cluster."""
    return Value(type="object", properties=dict.fromkeys(FAMILIES, schema_of(shape)), additionalProperties=False)


def schema_of(shape: Any) -> Schema:
    """Return the schema of a shape."""
    if isinstance(shape, Value):
        return dict(shape)
    if isinstance(shape, list):
        return {"type": "array", "items": schema_of(shape[0])}
    properties = {name: schema_of(value) for name, value in shape.items()}
    required = [name for name, value in shape.items() if not isinstance(value, Maybe)]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


TEXT, YES_NO = Value(type="string", minLength=1), Value(type="boolean")
COUNT, PORT = Value(type="integer", minimum=0), Value(type="integer", minimum=1)
ADDRESS, SUBNET, NAME = formatted("address"), formatted("subnet"), formatted("apic-name")
# An address with the prefix length of its subnet.
INTERFACE = Value(type="string", pattern=r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$")
ASN, LEAF_ID, POD, VLAN = variable("fabric_asn"), key(LEAF, "id"), variable("pod"), key(NODE, "vlan")
RACK_ID, NODE_NAME, TENANT = key(RACK, "id"), key(NODE, "name"), variable("tenant")
KIND, FAMILY, SUBNETS = one_of("floating", "standard"), one_of(*FAMILIES), by_family([SUBNET])
SESSION = {"leaf": LEAF_ID, "family": FAMILY, "address": ADDRESS}
RELATIONS = {"provides": [NAME], "consumes": [NAME], "consumes_interfaces": [NAME]}
CRITERION = {"criterion": TEXT, "floating": TEXT, "standard": TEXT, "better": or_null(KIND), "source": TEXT}
NETWORK = schema_of({"subnet": SUBNET, "address": INTERFACE, "gateway": ADDRESS})
# What a node's network has with standard SVI only; leaf_b is null in a rack with one leaf.
OF_STANDARD = {"leaf_a": INTERFACE, "leaf_b": or_null(INTERFACE), "secondary": INTERFACE}
NODE_NETWORK = Value(
    NETWORK, properties={**NETWORK["properties"], **OF_STANDARD}, dependentRequired={"leaf_a": list(OF_STANDARD)}
)

# Each key of the plan with its description and its shape.
# fmt: off
PLAN: dict[str, tuple[str, Any]] = {
    "schema": ("The version of the plan's shape.", Value(const=SCHEMA)),
    "cluster": ("The cluster's name.", variable("cluster_name")),
    "address_families": ("The address families of the node subnets.", [FAMILY]),
    "fabric": ("The fabric, and the place of the L3Outs in it.", {
        "asn": ASN, "tenant": TENANT, "vrf": variable("vrf"), "vrf_tenant": TENANT, "router_id_base": formatted("router-id")}),
    "cluster_asn": ("The AS number of the nodes.", ASN),
    "svi": ("The kind of SVI with the reasons for it, and the comparison of both kinds.", {
        "kind": KIND, "requested": variable("svi"), "reasons": [TEXT],
        "advice": {"recommended": KIND, "reasons": [TEXT], "criteria": [CRITERION]}}),
    "interface": ("The settings of the SVIs.", {
        "mtu": variable("mtu"), "mode": variable("vlan_mode"), "encap_scope": variable("encap_scope"),
        "autostate": Maybe(YES_NO)}),
    "node_network": ("The settings of the nodes' own network.", {
        "dns": [ADDRESS], "configs": variable("node_configs"), "vm_mobility": YES_NO}),
    "domains": ("The domains of the L3Outs.", {"l3": NAME, "physical": or_null(NAME)}),
    "access": ("The access policies below the L3Outs.", {
        "managed": YES_NO, "tenant": YES_NO, **dict.fromkeys(("pool", "aaep", "lacp_policy"), or_null(NAME)), "profile": NAME,
        "vlans": [pair(VLAN)],
        "groups": [{"name": NAME, "vpc": YES_NO, "leaves": [{"id": LEAF_ID, "ports": [formatted("ports")]}]}]}),
    "bgp": ("The BGP policies.", {
        **{name: variable(f"bgp_{name}") for name in ("keepalive", "hold", "as_limit", "graceful_restart")},
        "restart_time": Maybe(variable("bgp_restart_time")),
        **{name: variable(f"bgp_{name}") for name in ("as_path_relax", "ecmp_ebgp", "ecmp_ibgp")},
        "next_hop_propagation": Maybe(variable("next_hop_propagation")),
        "peering": Maybe(one_of(CENTRAL)),
        "controls": [one_of(*PEER_CONTROLS)],
        "existing_policies": [one_of(*POLICY_KINDS)],
        "prefix_limit": or_null({
            "maximum": variable("bgp_prefix_limit"),
            **{name: variable(f"bgp_prefix_limit_{name}") for name in ("action", "threshold")}})}),
    "subnets": ("The subnets by role.",
                dict.fromkeys(("node", "pod", "service", "external_service", "load_balancer"), SUBNETS)),
    "route_control": ("The prefixes that the fabric accepts and advertises.",
                      dict.fromkeys(("import", "export"), by_family([formatted("route")]))),
    "names": ("The names of the cluster's objects, and the owner that marks them.", {
        "owner": TEXT,
        **dict.fromkeys(("timers", "best_path", "ecmp", "prefix_limit", "import_match", "export_match", "import_context",
                         "export_context", "transit", "external_epg", "cluster_contract"), NAME),
        **dict.fromkeys(("next_hop", "attached_hosts"), Maybe(NAME))}),
    "l3outs": ("The L3Outs with their racks; with floating SVI also VLAN and shared addresses.", [{
        "name": NAME, "racks": [RACK_ID],
        "floating": or_null({
            "vlan": VLAN, "networks": by_family({"subnet": SUBNET, "floating": INTERFACE, "secondary": INTERFACE})})}]),
    "retired_l3outs": ("The names of L3Outs that lost their last rack.", [NAME]),
    "non_anchor_leaves": ("Further leaves that nodes may be connected to.", [LEAF_ID]),
    "routes": ("The estimated number of routes on a leaf.", {
        "profile": variable("forwarding_profile"),
        "estimate": by_family(dict.fromkeys(("subnets", "services", "blocks", "hosts", "total"), COUNT))}),
    "racks": ("The racks.", [{
        "id": RACK_ID, "pod": POD, "l3out": NAME, "node_profile": NAME, "leaves": [LEAF_ID], "nodes": [NODE_NAME]}]),
    "leaves": ("The leaves; with floating SVI also their addresses.", [{
        "id": LEAF_ID, "pod": POD, "rack": RACK_ID, "side": one_of(*SIDES), "router_id": formatted("router-id"),
        "networks": by_family({"address": INTERFACE})}]),
    "nodes": ("The nodes with their addresses and BGP sessions.", [{
        "name": NODE_NAME, "rack": RACK_ID, "slot": key(NODE, "slot"), "asn": ASN, "vlan": VLAN, "vpc": or_null(NAME),
        "system": {"kind": variable("node_kind"), "nics": variable("nics"), "bond": or_null(variable("bond")),
                   "hypervisor": or_null(key(NODE, "hypervisor"))},
        "networks": by_family(NODE_NETWORK), "slot_name": Maybe(NODE_NAME), "spare": Maybe(YES_NO), "peers": [SESSION],
        "attached": Maybe(schema_of({"rack": RACK_ID, "leaves": [LEAF_ID]}))}]),
    "peers": ("The BGP peers, each of which becomes a BGPPeer.", [{
        "name": formatted("dns-name"), "rack": RACK_ID, "asn": ASN, "node": or_null(NODE_NAME), **SESSION}]),
    "external_epgs": ("The cluster's external EPG in each L3Out, then the microsegments.", [{
        "name": NAME, "l3out": NAME, "subnets": [{"prefix": SUBNET, "scope": variable("external_epg_scopes")}], **RELATIONS}]),
    "contracts": ("The contracts to create. A filter without entries is an existing filter.", [{
        "tenant": TENANT, "name": NAME, "scope": key(CONTRACT, "scope"),
        "filters": [{"name": NAME, "entries": [{"protocol": one_of(*PROTOCOLS), "ports": or_null(pair(PORT))}]}],
        "service_graph": or_null(NAME), "export_to": [TENANT]}]),
    "epg_contracts": ("The contracts of existing EPGs and external EPGs.", [{
        "tenant": TENANT, **dict.fromkeys(("application_profile", "epg", "l3out", "external_epg"), or_null(NAME)), **RELATIONS}]),
    "transit": ("The L3Outs that connect to the outside, with the prefixes of both sides.", [{
        "tenant": TENANT, "l3out": NAME, "order": key(TRANSIT, "order"), "outside": by_family([formatted("route")]),
        "inside": SUBNETS}]),
    "calico": ("The settings of Calico.", {
        "api_group": variable("calico_api_group"), "namespace": variable("calico_namespace"),
        "rack_label": variable("rack_label"),
        "secret": {"name": variable("bgp_secret_name"), "key": variable("bgp_secret_key")},
        "service_account": variable("service_account"), "block_size": by_family(COUNT),
        "pools": [{
            "name": formatted("dns-name"), "cidr": SUBNET, "family": FAMILY, "disabled": Maybe(YES_NO), "node_selector": Maybe(TEXT),
            "allowed_uses": Maybe(schema_of([one_of(*USES)])), "assignment_mode": Maybe(key(POOL, "assignment_mode")),
            "block_size": Maybe(COUNT)}],
        "bgp_filter": YES_NO}),
    "limits": ("The scale limits, and how much of each the cluster uses.", [{
        "id": one_of(*LIMITS), "value": COUNT, "limit": or_null(COUNT), "unit": TEXT, "source": TEXT, "release": TEXT}]),
    "warnings": ("The problems that do not prevent the plan.", [{
        "id": formatted("dns-label"), "path": TEXT, "problem": TEXT, "remedy": TEXT}]),
}
# fmt: on


def plan_schema() -> Schema:
    """Return the JSON Schema of the plan."""
    schema = schema_of({name: Value(description=text, **schema_of(shape)) for name, (text, shape) in PLAN.items()})
    head = {"$schema": DRAFT, "$id": "urn:netops:aci_calico:plan", "title": "Plan of a cluster (netops.aci_calico)"}
    return {**head, **schema}
