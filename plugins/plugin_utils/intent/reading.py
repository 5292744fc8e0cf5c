# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading an intent from a cluster's variables, each checked by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..schema.addressing import IPAddress, IPNetwork, family_of
from ..schema.check import check_optional, plain, unknown_variables
from ..schema.option import CENTRAL, INVALID, Option
from ..schema.ports import Ports
from ..schema.problems import Problem, did_you_mean
from ..schema.variables import CLUSTER_VARIABLES, NODE_VARIABLES, PREFIX
from .intent import LAST_ROUTER_ID, SUBNET_ROLES, Intent, Leaf, Node, Pin, Rack, Subnet, listed_pins

PASSWORD = "aci_calico_bgp_password"
# How to judge a missing password: ignore it (filters), require its declaration but not its value (a plan without Vault), or
# require its value (before a push).
SECRETS_OPTIONAL = "optional"
SECRETS_DECLARED = "declared"
SECRETS_READABLE = "readable"


def read_intent(
    variables: Mapping[str, Any],
    host: str,
    node_hosts: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    secrets: str = SECRETS_OPTIONAL,
    unreadable: Collection[str] = (),
) -> tuple[Intent, list[Problem]]:
    """Read a cluster's variables, each by itself.

    :param variables: the cluster's variables; those without the prefix are ignored.
    :param host: the inventory host that stands for the cluster.
    :param node_hosts: the other hosts of the cluster's groups, with their variables.
    :param secrets: how strictly to check the password: one of ``SECRETS_…``.
    :param unreadable: variables that are declared and have no readable value.
    :returns: the intent, and all problems. No value of a variable raises an exception.
    """
    variables = {name: value for name, value in plain(variables).items() if name.startswith(PREFIX)}
    hosts = plain(node_hosts or {})
    problems = unknown_variables(variables)
    problems += _check_password(variables, secrets, unreadable)
    values = _read_values(variables, unreadable, problems)
    host = plain(host)
    subnets = {role: _read_subnets(role, values, problems) for role in SUBNET_ROLES}
    racks, sound = _read_racks(values, problems)
    intent = Intent(_cluster_name(values, host, problems), values, racks, subnets, sound)
    if not _add_node_hosts(intent, variables, hosts, problems):
        intent.sound = False
    if not _add_spares(intent, problems):
        intent.sound = False
    intent.places = racks
    if intent["peering"] == CENTRAL and racks:
        intent.racks = [_central(racks)]
    for name in ("floating_addresses", "secondary_addresses"):
        _check_shared_pins(intent, name, problems)
    return intent, problems


def _read_values(variables: dict[str, Any], unreadable: Collection[str], problems: list[Problem]) -> dict[str, Any]:
    values = {}
    for name, option in CLUSTER_VARIABLES.items():
        if option.secret or name in unreadable:
            continue
        value = check_optional(option, variables.get(name), name, problems)
        if value is not INVALID:
            values[name] = value
    return values


def _cluster_name(values: dict[str, Any], host: str, problems: list[Problem]) -> str:
    """Return the cluster's name: the inventory host's if the variable is not set, checked as if it had been written."""
    name = "aci_calico_cluster_name"
    if values.get(name):
        return str(values[name])
    if name in values:
        _check_name(CLUSTER_VARIABLES[name], host, name, problems)
    return host


def _check_name(option: Option, host: str, path: str, problems: list[Problem]) -> None:
    """Check an inventory host's name that stands for the value of an option."""
    found: list[Problem] = []
    check_optional(option, host, path, found)
    problems += [
        replace(problem, problem=f"{problem.problem} (the inventory host's name)", remedy=f"Set {option.name}. {problem.remedy}")
        for problem in found
    ]


# --- the password ----------------------------------------------------------------------------------------------------


def _check_password(variables: dict[str, Any], secrets: str, unreadable: Collection[str]) -> list[Problem]:
    """Return what is wrong with the password. The texts never quote it."""
    found: tuple[str, ...] | None = None
    if PASSWORD in unreadable:
        if secrets == SECRETS_READABLE:
            found = "password-unreadable", "The BGP password cannot be read: its Vault or lookup returns no value"
    elif PASSWORD in variables:
        found = _password_problem(variables[PASSWORD])
    elif secrets != SECRETS_OPTIONAL:
        found = "password-missing", "There is no BGP password"
    return [Problem(found[0], PASSWORD, found[1], *found[2:])] if found else []


def _password_problem(value: Any) -> tuple[str, ...] | None:
    """Return the id and text of what is wrong with a BGP password, and a remedy if it is not the catalogue's.

    TCP-MD5 keys have at most 80 bytes (Linux's ``TCP_MD5SIG_MAXKEYLEN``). Calico writes the password between quotes into
    BIRD's configuration, which knows no escapes.
    """
    if value is None or value == "":
        return "password-empty", "The BGP password is empty"
    if not isinstance(value, str):
        return "wrong-type", "The BGP password is not text", "Put it in quotes."
    if len(value.encode(errors="replace")) > 80:
        return "password-unusable", "The BGP password is longer than 80 bytes"
    if not all("!" <= character <= "~" and character != '"' for character in value):
        text = "The BGP password has a space, a double quote or a character that is not printable ASCII"
        return "password-unusable", text
    return None


# --- subnets and addresses -------------------------------------------------------------------------------------------


def _read_subnets(role: str, values: dict[str, Any], problems: list[Problem]) -> list[Subnet]:
    name = SUBNET_ROLES[role]
    given = values.get(name)
    if given == [] and CLUSTER_VARIABLES[name].required:
        problems.append(Problem("required", name, f"{name} is empty", "Name at least one subnet."))
    return [Subnet(role, network, f"{name}[{index}]") for index, network in enumerate(given or []) if network is not INVALID]


def _pins_of_list(addresses: Iterable[Any] | None, path: str, problems: list[Problem]) -> dict[str, Pin]:
    pins: dict[str, Pin] = {}
    for pin in listed_pins(addresses, path):
        _add_pin(pins, pin, problems)
    return pins


def _check_shared_pins(intent: Intent, name: str, problems: list[Problem]) -> None:
    """Check that a list has at most one address for each node subnet, and one for each family outside all of them."""
    by_subnet: dict[IPNetwork | None, dict[str, Pin]] = {}
    for pin in listed_pins(intent[name], PREFIX + name):
        networks = intent.networks("node", family_of(pin.address))
        home = next((network for network in networks if pin.address in network), None)
        _add_pin(by_subnet.setdefault(home, {}), pin, problems)


def _add_pin(pins: dict[str, Pin], pin: Pin, problems: list[Problem]) -> None:
    family = family_of(pin.address)
    if family in pins and pins[family].address != pin.address:
        problems.append(
            Problem(
                "address-family-twice",
                pin.path,
                f"{pin.address} is the second {family} address; {pins[family].address} is the first",
            )
        )
        return
    pins[family] = pin


def _pins(entry: Mapping[str, Any], path: str, problems: list[Problem], prefix: str = "") -> dict[str, Pin]:
    """Return the pins of a leaf, a node or a node's host from ``address`` and ``addresses`` together."""
    pins: dict[str, Pin] = {}
    address = entry.get(f"{prefix}address")
    if address is not None and address is not INVALID:
        _add_pin(pins, Pin(address, f"{path}.{prefix}address"), problems)
    addresses = entry.get(f"{prefix}addresses")
    for pin in _pins_of_list(None if addresses is INVALID else addresses, f"{path}.{prefix}addresses", problems).values():
        _add_pin(pins, pin, problems)
    return pins


# --- racks -----------------------------------------------------------------------------------------------------------


def _valid(value: Any) -> Any:
    return None if value is INVALID else value


def _read_racks(values: dict[str, Any], problems: list[Problem]) -> tuple[list[Rack], bool]:
    entries = values.get("aci_calico_racks")
    if entries is None:
        return [], False
    if not entries:
        problems.append(Problem("required", "aci_calico_racks", "There is no rack", "Name the racks with their leaves."))
        return [], False
    racks, sound = [], True
    for index, entry in enumerate(entries):
        if entry is INVALID:
            sound = False
            continue
        rack, complete = _read_rack(entry, f"aci_calico_racks[{index}]", values, problems)
        racks.append(rack)
        sound = sound and complete
    return racks, sound


def _read_rack(entry: dict[str, Any], path: str, values: dict[str, Any], problems: list[Problem]) -> tuple[Rack, bool]:
    leaves = [
        _read_leaf(leaf, entry["id"], f"{path}.leaves[{index}]", values, problems)
        for index, leaf in enumerate(entry["leaves"])
        if leaf is not INVALID
    ]
    # In a vPC pair the leaf with the lower ID is side A, whatever the order in which they are written.
    leaves.sort(key=lambda leaf: leaf.id)
    rack = Rack(
        entry["id"],
        path,
        _valid(entry["pod"]) or values.get("aci_calico_pod") or 1,
        leaves,
        len(entry["leaves"]),
        _valid(entry["node_kind"]) or values.get("aci_calico_node_kind") or "bare_metal",
    )
    nodes = _valid(entry["nodes"])
    for index, node in enumerate(nodes or []):
        if node is not INVALID:
            rack.nodes.append(_read_node(node, rack, f"{path}.nodes[{index}]", problems))
    sound = nodes is not None and INVALID not in nodes and INVALID not in entry["leaves"]
    return rack, sound


def _central(racks: list[Rack]) -> Rack:
    """Return the first rack with the nodes of all racks."""
    first = racks[0]
    return replace(first, nodes=[replace(node, rack=first.id) for rack in racks for node in rack.nodes])


def _read_leaf(entry: dict[str, Any], rack: str, path: str, values: dict[str, Any], problems: list[Problem]) -> Leaf:
    router_id = _valid(entry["router_id"])
    base = values.get("aci_calico_router_id_base")
    if entry["router_id"] is None and base is not None and base.value + entry["id"] <= LAST_ROUTER_ID:
        router_id = IPAddress(base.value + entry["id"], 4)
    return Leaf(entry["id"], rack, path, router_id, _pins(entry, path, problems))


def _read_node(entry: dict[str, Any], rack: Rack, path: str, problems: list[Problem]) -> Node:
    pins = _pins(entry, path, problems)
    return Node(
        entry["name"],
        rack.id,
        path,
        _valid(entry["slot"]),
        pins,
        _valid(entry["vlan"]),
        _valid(entry["vpc"]),
        _ports(entry["interfaces"]),
        _valid(entry["kind"]) or rack.node_kind,
        _nics(entry["nics"]),
        _valid(entry["hypervisor"]),
        _valid(entry.get("spare")),
    )


def _nics(entries: Any) -> tuple[str, ...]:
    return tuple(nic for nic in _valid(entries) or () if nic is not INVALID)


def _ports(entries: Any) -> tuple[Ports, ...]:
    return tuple(ports for ports in _valid(entries) or () if ports is not INVALID)


# --- nodes that are inventory hosts ----------------------------------------------------------------------------------


def _add_node_hosts(
    intent: Intent, cluster_variables: Mapping[str, Any], hosts: dict[str, dict[str, Any]], problems: list[Problem]
) -> bool:
    """Add the hosts to their racks.

    :returns: whether all of them were added.
    """
    used = any("aci_calico_rack" in variables for variables in hosts.values())
    racks = {rack.id: rack for rack in intent.racks}
    sound = True
    for host, variables in hosts.items():
        own = {name: value for name, value in variables.items() if name not in cluster_variables}
        problems += unknown_variables(own, f"hosts.{host}.")
        if used or any(name in variables for name, option in NODE_VARIABLES.items() if option.scope == "node"):
            sound = _add_node_host(host, variables, racks, intent, problems) and sound
    return sound


def _add_node_host(host: str, variables: dict[str, Any], racks: dict[str, Rack], intent: Intent, problems: list[Problem]) -> bool:
    path = f"hosts.{host}"
    rack = variables.get("aci_calico_rack")
    if "aci_calico_rack" not in variables:
        problems.append(
            Problem(
                "node-without-rack",
                f"{path}.aci_calico_rack",
                f"Host {host} is in a group of cluster {intent.cluster}, whose hosts are nodes, and has no rack",
            )
        )
        return False
    if rack is None or rack == "":
        return True
    before = len(problems)
    values = {
        name.removeprefix(PREFIX): check_optional(option, variables.get(name), f"{path}.{name}", problems)
        for name, option in NODE_VARIABLES.items()
        if option.scope == "node" or _own_value(variables.get(name), intent.values.get(name))
    }
    name = values["node_name"] or _checked_host_name(host, path, problems)
    pins = _pins({f"{PREFIX}{key}": value for key, value in values.items()}, path, problems, f"{PREFIX}node_")
    if len(problems) > before:
        return False
    if values["rack"] not in racks:
        if intent.sound:
            problems.append(_unknown_rack(host, values["rack"], path, racks))
        return False
    ports = _ports(values["node_interfaces"])
    home = racks[values["rack"]]
    kind = values.get("node_kind") or home.node_kind
    nics, hypervisor = _nics(values["node_nics"]), values["node_hypervisor"]
    slot, vlan, vpc = values["node_slot"], values["node_vlan"], values["node_vpc"]
    home.nodes.append(Node(name, home.id, path, slot, pins, vlan, vpc, ports, kind, nics, hypervisor, values["node_spare"]))
    return True


# --- spare slots -----------------------------------------------------------------------------------------------------


def _add_spares(intent: Intent, problems: list[Problem]) -> bool:
    """Add the spare slots to their racks, those that are taken as their nodes.

    :returns: whether all of them were added, and all that nodes take were found.
    """
    entries, path = intent["spare_nodes"] or [], f"{PREFIX}spare_nodes"
    racks = {rack.id: rack for rack in intent.racks}
    sound = INVALID not in entries
    found: set[tuple[str, str]] = set()
    for index, entry in enumerate(entries):
        if entry is INVALID:
            continue
        rack = racks.get(entry["rack"])
        if rack is None:
            sound = False
            if intent.sound:
                text = f"Spare slot {entry['name']} is in rack '{entry['rack']}', which is not in aci_calico_racks"
                problems.append(Problem("unknown-rack", f"{path}[{index}].rack", text, did_you_mean(entry["rack"], racks)))
            continue
        spare = replace(_read_node(entry, rack, f"{path}[{index}]", problems), is_spare=True)
        found.add((rack.id, spare.name))
        takers = [number for number, node in enumerate(rack.nodes) if node.spare == spare.name]
        for number in takers[:1]:
            rack.nodes[number] = _taking(rack.nodes[number], spare, problems)
        rack.nodes += [] if takers else [spare]
    missing = [node for node in intent.nodes if node.spare and (node.rack, node.spare) not in found]
    for node in missing if sound else ():
        text = f"Node {node.name} takes spare slot {node.spare}, which rack '{node.rack}' does not have"
        known = [name for rack_id, name in found if rack_id == node.rack]
        problems.append(Problem("unknown-spare", f"{node.path}.spare", text, did_you_mean(node.spare or "", known)))
    return sound and not missing


def _taking(node: Node, spare: Node, problems: list[Problem]) -> Node:
    """Return a node with what APIC has for its spare slot."""
    own = [name for name in ("slot", "pins", "vlan", "vpc", "ports") if getattr(node, name)]
    if own:
        names = {"pins": "address", "ports": "interfaces"}
        text = (
            f"Node {node.name} takes spare slot {spare.name}, and has of its own: {', '.join(names.get(one, one) for one in own)}"
        )
        problems.append(Problem("spare-differs", node.path, text))
    return replace(node, slot=spare.slot, pins=spare.pins, vlan=spare.vlan, vpc=spare.vpc, ports=spare.ports)


def _own_value(value: Any, clusters: Any) -> bool:
    """Return whether a host has a value of its own, and did not inherit the cluster's from a common group."""
    return value is not None and value != clusters


def _checked_host_name(host: str, path: str, problems: list[Problem]) -> str:
    _check_name(NODE_VARIABLES["aci_calico_node_name"], host, path, problems)
    return host


def _unknown_rack(host: str, rack: str, path: str, racks: Mapping[str, Rack]) -> Problem:
    return Problem(
        "unknown-rack",
        f"{path}.aci_calico_rack",
        f"Host {host} is in rack '{rack}', which is not in aci_calico_racks",
        did_you_mean(rack, racks) or f"The racks are {', '.join(racks) or 'none'}.",
    )
