"""The network configurations of nodes agree with the plan, in both formats."""

from __future__ import annotations

import configparser
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest
import yaml
from unit.plugin_utils.sample_plans import BASES, FLOATING, STANDARD, ipv6_alone, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents import nodes
from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.nodes import node_files, node_network

KINDS = {"bare_metal": ["eno1", "eno2"], "vm": ["ens192"]}


def node_of(plan: dict[str, Any], name: str) -> dict[str, Any]:
    """A node of a plan."""
    return next(node for node in plan["nodes"] if node["name"] == name)


def keyfile(text: str) -> dict[str, dict[str, str]]:
    """A keyfile, read back."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["regular", "native", "untagged"])
@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_both_formats_say_what_the_plan_says(base, mode, kind):
    plan = plan_of(base, node_kind=kind, vlan_mode=mode, mtu=8900, dns_servers=["10.0.0.53", "fd00::53"])
    node = node_of(plan, "node-5")
    link = "bond0" if kind == "bare_metal" else "ens192"
    device = f"{link}.{node['vlan']}" if mode == "regular" else link
    wanted = {
        "device": device,
        "nics": KINDS[kind],
        "addresses": [network["address"] for network in node["networks"].values()],
        "gateways": [network["gateway"] for network in node["networks"].values()],
    }
    configured = node_network(plan, "node-5")
    assert _of_netplan(configured["netplan"], node, kind) == wanted
    assert _of_network_manager(configured["network_manager"], node, kind) == wanted
    assert configured["description"]["device"] == device


def _of_netplan(text: str, node: dict[str, Any], kind: str) -> dict[str, Any]:
    network = yaml.safe_load(text)["network"]
    layers = [layer for layer in ("ethernets", "bonds", "vlans") if layer in network]
    ((device, top),) = network[layers[-1]].items()
    everything = [one for layer in layers for one in network[layer].values()]
    assert all((one["mtu"], one["dhcp4"], one["dhcp6"], one["accept-ra"]) == (8900, False, False, False) for one in everything)
    assert [one.get("link-local") for one in everything if one is not top] == [[]] * (len(everything) - 1)
    if kind == "bare_metal":
        (bond,) = network["bonds"].values()
        assert bond["interfaces"] == list(network["ethernets"])
        assert bond["parameters"]["mode"] == "802.3ad"
    if "vlans" in network:
        assert (top["id"], top["link"]) == (node["vlan"], device.rpartition(".")[0])
    assert top["nameservers"] == {"addresses": ["10.0.0.53", "fd00::53"]}
    assert {route["to"] for route in top["routes"]} == {"default"}
    gateways = [route["via"] for route in top["routes"]]
    return {"device": device, "nics": list(network["ethernets"]), "addresses": top["addresses"], "gateways": gateways}


def _of_network_manager(files: dict[str, str], node: dict[str, Any], kind: str) -> dict[str, Any]:
    profiles = {name.removesuffix(".nmconnection"): keyfile(text) for name, text in files.items()}
    assert all(profile["connection"]["interface-name"] == name for name, profile in profiles.items())
    assert all(profile["ethernet"]["mtu"] == "8900" for profile in profiles.values())
    nics = [name for name, profile in profiles.items() if profile["connection"]["type"] == "ethernet"]
    if kind == "bare_metal":
        assert {profiles[nic]["connection"]["master"] for nic in nics} == {"bond0"}
        assert profiles["bond0"]["bond"]["mode"] == "802.3ad"
    (device,) = (name for name, profile in profiles.items() if "manual" in str(profile))
    families = [profiles[device][family] for family in node["networks"]]
    assert {family["dns"] for family in families} <= {"10.0.0.53;", "fd00::53;"}
    if profiles[device]["connection"]["type"] == "vlan":
        assert profiles[device]["vlan"] == {"id": str(node["vlan"]), "parent": device.rpartition(".")[0]}
    pairs = [family["address1"].split(",") for family in families]
    return {"device": device, "nics": nics, "addresses": [one[0] for one in pairs], "gateways": [one[1] for one in pairs]}


def test_a_node_without_ipv4_has_it_disabled():
    files = node_network(plan_of(STANDARD, **ipv6_alone()), "n1")["network_manager"]
    assert keyfile(files["bond0.300.nmconnection"])["ipv4"] == {"method": "disabled"}


def test_a_gateway_lies_in_the_subnet_of_its_address():
    for base in BASES.values():
        for node in plan_of(base)["nodes"]:
            for network in node["networks"].values():
                assert ip_address(network["gateway"]) in ip_interface(network["address"]).network


@pytest.mark.parametrize(("link", "name"), [("bond0", "bond0.4094"), ("enp129s0f1np1", "vlan4094")])
def test_a_vlan_interface_has_a_name_that_linux_takes(link, name):
    assert nodes.vlan_device(link, 4094) == name


@pytest.mark.parametrize("name", ["on", "123", "1e3", "_x"])
def test_an_interface_may_be_called_anything(name):
    text = node_network(plan_of(FLOATING, node_kind="vm", nics=[name]), "node-1")["netplan"]
    assert list(yaml.safe_load(text)["network"]["ethernets"]) == [name]


def test_files_are_those_of_the_formats_that_are_wanted():
    plan = plan_of(FLOATING, node_configs="netplan")
    assert sorted(node_files(plan)) == [f"nodes/node-{number}/netplan.yaml" for number in range(1, 7)]
    names = {path.rpartition("/")[2] for path in node_files(plan_of(FLOATING, node_configs=["network_manager"]))}
    assert names == {f"{name}.nmconnection" for name in ("eno1", "eno2", "bond0", "bond0.300")}
    assert node_files(plan_of(FLOATING, node_configs=[])) == {}


def test_an_unknown_node_is_an_error():
    with pytest.raises(ValueError, match="has no node nobody"):
        node_network(plan_of(), "nobody")


# --- whose kind counts -------------------------------------------------------------------------------------------------


def test_the_node_counts_more_than_its_rack_and_the_rack_more_than_the_cluster():
    racks = [
        {"id": 1, "leaves": [201, 202], "nodes": ["a", {"name": "b", "kind": "vm", "nics": ["ens3"]}]},
        {"id": 2, "leaves": [203, 204], "nodes": ["c"], "node_kind": "vm"},
    ]
    plan = plan_of(FLOATING, racks=racks)
    assert {node["name"]: (node["system"]["kind"], node["system"]["nics"], node["system"]["bond"]) for node in plan["nodes"]} == {
        "a": ("bare_metal", ["eno1", "eno2"], "bond0"),
        "b": ("vm", ["ens3"], None),
        "c": ("vm", ["ens192"], None),
    }


def test_an_inventory_host_has_its_own_kind_or_that_of_its_rack():
    racks = [{"id": 1, "leaves": [201, 202]}, {"id": 2, "leaves": [203, 204], "node_kind": "vm"}]
    inherited = {"aci_calico_node_kind": "bare_metal"}
    hosts = {
        "a": {"aci_calico_rack": 1, "aci_calico_node_kind": "vm", "aci_calico_node_hypervisor": "esx-1"},
        "b": {"aci_calico_rack": 2, **inherited},
        "c": {"aci_calico_rack": 1, "aci_calico_node_nics": ["p1p1", "p2p1"], **inherited},
    }
    plan = plan_of(FLOATING, {"node_hosts": hosts}, racks=racks, node_kind="bare_metal")
    systems = {node["name"]: node["system"] for node in plan["nodes"]}
    assert {name: system["kind"] for name, system in systems.items()} == {"a": "vm", "b": "vm", "c": "bare_metal"}
    assert (systems["a"]["hypervisor"], systems["c"]["nics"]) == ("esx-1", ["p1p1", "p2p1"])


def test_a_host_that_only_inherits_the_kind_is_no_node():
    hosts = {"bastion": {"aci_calico_node_kind": "vm"}}
    assert plan_of(FLOATING, {"node_hosts": hosts}, node_kind="vm")
