# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network configuration of a node: its bond or interface, VLAN, MTU, addresses and default routes, as netplan and NetworkManager
want them.

White paper, "K8s node gateway": the leaves' shared address is the default gateway; bare metal bonds its NICs with LACP, a
virtual machine has one interface.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..schema.option import VM

# The limit of Linux (IFNAMSIZ).
LONGEST_INTERFACE = 15
FAMILIES = ("ipv4", "ipv6")
NETPLAN, NETWORK_MANAGER = "netplan", "network_manager"

# Words that YAML 1.1 does not read as text.
_NO_TEXT = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))

# The settings of a bond to a vPC pair: LACP, and flows distributed by address and port.
BOND = {"mode": "802.3ad", "mii-monitor-interval": 100, "transmit-hash-policy": "layer3+4"}


def node_network(plan: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a node's network configuration.

    :param plan: a cluster's plan.
    :param name: the node.
    :returns: ``{"description": {…}, "netplan": text, "network_manager": {file name: text}}``; the description is that of
        ``describe``.
    :raises ValueError: the plan has no such node.
    """
    node = next((node for node in plan["nodes"] if node["name"] == name), None)
    if node is None:
        raise ValueError(f"The plan of cluster {plan['cluster']} has no node {name}")
    description = describe(plan, node)
    return {"description": description, "netplan": netplan(description), "network_manager": network_manager(description)}


def describe(plan: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the network configuration of a node, independent of any format.

    :returns: ``kind``, ``nics``, ``bond`` (None for a VM), ``link`` (bond or NIC), ``vlan`` (None where
        frames leave untagged), ``device`` (what carries the addresses), ``mtu``, ``addresses`` and ``gateways`` by family,
        ``dns`` and ``hypervisor``.
    """
    system = node["system"]
    bond = system["bond"]
    link = bond or system["nics"][0]
    # Frames of a native VLAN have at most a priority tag, which Linux treats as untagged.
    vlan = node["vlan"] if plan["interface"]["mode"] == "regular" else None
    return {
        "node": node["name"],
        "kind": system["kind"],
        "nics": list(system["nics"]),
        "bond": bond,
        "link": link,
        "vlan": vlan,
        "device": vlan_device(link, vlan) if vlan else link,
        "mtu": plan["interface"]["mtu"],
        "addresses": {family: network["address"] for family, network in node["networks"].items()},
        "gateways": {family: network["gateway"] for family, network in node["networks"].items()},
        "dns": list(plan["node_network"]["dns"]),
        "hypervisor": system["hypervisor"],
    }


def vlan_device(link: str, vlan: int) -> str:
    """Return the name of the VLAN interface: ``bond0.300``, or ``vlan300`` if that would be too long."""
    name = f"{link}.{vlan}"
    return name if len(name) <= LONGEST_INTERFACE else f"vlan{vlan}"


# --- netplan ---------------------------------------------------------------------------------------------------------


def netplan(description: Mapping[str, Any]) -> str:
    """Return the file for ``/etc/netplan`` as YAML text."""
    layers: dict[str, dict[str, Any]] = {"ethernets": {name: {} for name in description["nics"]}}
    if description["bond"]:
        bond = {"interfaces": list(description["nics"]), "parameters": dict(BOND)}
        layers["bonds"] = {description["bond"]: bond}
    if description["vlan"]:
        layers["vlans"] = {description["device"]: {"id": description["vlan"], "link": description["link"]}}
    for devices in layers.values():
        for name, device in devices.items():
            # Nothing but the plan gives addresses; a device below another one has none at all.
            device |= {"dhcp4": False, "dhcp6": False, "accept-ra": False, "mtu": description["mtu"]}
            device |= _netplan_addresses(description) if name == description["device"] else {"link-local": []}
    lines = [f"# Node {description['node']}, as planned. Mode 0600, in /etc/netplan."]
    return "\n".join([*lines, *_yaml({"network": {"version": 2, **layers}}, "")]) + "\n"


def _yaml(mapping: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield block mappings with JSON scalars and lists, which are valid YAML. PyYAML would be too slow for a large plan."""
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield f"{indent}{_key(key)}:"
            yield from _yaml(value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {json.dumps(one)}" for one in value)
        else:
            yield f"{indent}{key}: {json.dumps(value)}"


def _key(name: str) -> str:
    """Return an interface's name, quoted if YAML would not read it as text."""
    return name if name[0].isalpha() and name.lower() not in _NO_TEXT else json.dumps(name)


def _netplan_addresses(description: Mapping[str, Any]) -> dict[str, Any]:
    gateways = description["gateways"].values()
    configured: dict[str, Any] = {
        "addresses": list(description["addresses"].values()),
        "routes": [{"to": "default", "via": gateway} for gateway in gateways],
    }
    if description["dns"]:
        configured["nameservers"] = {"addresses": list(description["dns"])}
    return configured


# --- NetworkManager --------------------------------------------------------------------------------------------------


def network_manager(description: Mapping[str, Any]) -> dict[str, str]:
    """Return the files for ``/etc/NetworkManager/system-connections``: text by file name."""
    device, mtu = description["device"], str(description["mtu"])
    profiles = [_ethernet(description, name, mtu) for name in description["nics"]]
    if description["bond"]:
        options = {
            "mode": str(BOND["mode"]),
            "miimon": str(BOND["mii-monitor-interval"]),
            "xmit_hash_policy": str(BOND["transmit-hash-policy"]),
        }
        bond = description["bond"]
        profiles.append(
            {"connection": _connection(bond, "bond"), "ethernet": {"mtu": mtu}, "bond": options} | _ip(description, bond)
        )
    if description["vlan"]:
        vlan = {"id": str(description["vlan"]), "parent": description["link"]}
        profiles.append(
            {"connection": _connection(device, "vlan"), "ethernet": {"mtu": mtu}, "vlan": vlan} | _ip(description, device)
        )
    return {f"{profile['connection']['id']}.nmconnection": _keyfile(profile) for profile in profiles}


def _connection(name: str, kind: str) -> dict[str, str]:
    return {"id": name, "type": kind, "interface-name": name}


def _ethernet(description: Mapping[str, Any], name: str, mtu: str) -> dict[str, dict[str, str]]:
    connection = _connection(name, "ethernet")
    if description["bond"]:
        connection |= {"master": description["bond"], "slave-type": "bond"}
        return {"connection": connection, "ethernet": {"mtu": mtu}}
    return {"connection": connection, "ethernet": {"mtu": mtu}} | _ip(description, name)


def _ip(description: Mapping[str, Any], name: str) -> dict[str, dict[str, str]]:
    """Return the IP settings of a device; both families are disabled if it only carries another device."""
    found = {}
    for family in FAMILIES:
        address = description["addresses"].get(family) if name == description["device"] else None
        found[family] = {"method": "disabled"}
        if address:
            found[family] = {"method": "manual", "address1": f"{address},{description['gateways'][family]}"}
            servers = [server for server in description["dns"] if (":" in server) == (family == "ipv6")]
            found[family] |= {"dns": "".join(f"{server};" for server in servers)} if servers else {}
    return found


def _keyfile(profile: Mapping[str, Mapping[str, str]]) -> str:
    blocks = [
        "\n".join([f"[{section}]", *(f"{key}={value}" for key, value in settings.items())])
        for section, settings in profile.items()
    ]
    return "\n\n".join(blocks) + "\n"


# --- for the plan's files and documents ------------------------------------------------------------------------------


def node_files(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of all nodes, by path below the plan's folder: ``nodes/<node>/…``."""
    formats = plan["node_network"]["configs"]
    files = {}
    for node in plan["nodes"]:
        description, folder = describe(plan, node), f"nodes/{node['name']}"
        if NETPLAN in formats:
            files[f"{folder}/netplan.yaml"] = netplan(description)
        if NETWORK_MANAGER in formats:
            files |= {f"{folder}/{name}": text for name, text in network_manager(description).items()}
    return files


def attachment(description: Mapping[str, Any]) -> str:
    """Return a short description of the node's connection."""
    nics = ", ".join(description["nics"])
    return f"LACP bond {description['bond']} of {nics}" if description["bond"] else nics


def vm_notes(plan: Mapping[str, Any]) -> list[str]:
    """Return the requirements of virtual machines on their hypervisors (white paper, "K8s node gateway")."""
    machines = [node["name"] for node in plan["nodes"] if node["system"]["kind"] == VM]
    if not machines:
        return []
    notes = [
        "The virtual switch's port group balances its load by 'route based on IP hash' (the uplinks are a vPC).",
        "No hypervisor runs more than one node of the cluster: its failure would take them all.",
    ]
    if plan["svi"]["kind"] == "standard":
        notes.append(
            "Each virtual machine is pinned to its hypervisor, and no live migration takes place: its VLAN is on that rack's"
            " leaves only."
        )
    else:
        notes.append("A machine that moves to another rack keeps working, with traffic that takes a detour over its own rack.")
    return [f"{_names(machines)}: virtual machines.", *notes]


def _names(names: Iterable[str], most: int = 8) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
