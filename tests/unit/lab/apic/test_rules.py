"""Checks across properties and objects."""

from __future__ import annotations

import json

import pytest

from lab.twin.paper import mo


@pytest.mark.parametrize(
    ("cls", "attributes", "text"),
    [
        ("l3extOut", {"name": "o", "enforceRtctrl": "import"}, "Invalid Configuration Unenforced Route Control is not supported for Export direction."),
        ("bgpCtxPol", {"name": "p", "grCtrl": ""}, None),
        ("l3extOut", {"name": "o", "enforceRtctrl": "import,export"}, None),
    ],
)  # fmt: skip
def test_rules_of_one_object(client, cls, attributes, text) -> None:
    body = {cls: {"attributes": attributes}}
    if text is None:
        client.post("uni/tn-prod", body)
    else:
        assert client.refusal("POST", "/api/mo/uni/tn-prod.json", body)[2] == text


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        ({"ip": "10.1.0.0/16", "scope": "import-security,shared-security"}, True),
        ({"ip": "10.1.0.0/16", "scope": "shared-security"}, False),
        ({"ip": "0.0.0.0/0", "scope": "export-rtctrl", "aggregate": "export-rtctrl"}, True),
        ({"ip": "10.1.0.0/16", "scope": "export-rtctrl", "aggregate": "export-rtctrl"}, False),
    ],
)
def test_rules_of_external_subnets(client, l3out, attributes, allowed) -> None:
    body = mo("l3extInstP", mo("l3extSubnet", **attributes), name="default")
    assert (client.send("POST", f"/api/mo/{l3out}.json", json.dumps(body)).status == 200) == allowed


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        ({"etherT": "ip", "prot": "tcp", "dFromPort": "179", "dToPort": "179"}, True),
        ({"etherT": "ip", "prot": "tcp", "dToPort": "179"}, False),
        ({"prot": "tcp"}, False),
        ({"etherT": "ip", "arpOpc": "req"}, False),
        ({"etherT": "ip", "prot": "tcp", "tcpRules": "est,syn"}, False),
    ],
)
def test_rules_of_filter_entries(client, attributes, allowed) -> None:
    body = mo("vzFilter", mo("vzEntry", name="e", **attributes), name="f")
    assert (client.send("POST", "/api/mo/uni/tn-prod.json", json.dumps(body)).status == 200) == allowed


def test_a_port_range_without_an_end_is_one_port(client) -> None:
    client.post(
        "uni/tn-prod", mo("vzFilter", mo("vzEntry", name="e", etherT="ip", prot="tcp", dFromPort="179"), name="f")
    )
    assert client.attributes("uni/tn-prod/flt-f/e-e")["dToPort"] == "179"


@pytest.mark.parametrize(("low", "high", "allowed"), [("vlan-500", "vlan-510", True), ("vlan-510", "vlan-500", False)])
def test_vlan_ranges_run_upwards(client, low, high, allowed) -> None:
    body = mo("fvnsVlanInstP", mo("fvnsEncapBlk", **{"from": low, "to": high}), name="p", allocMode="static")
    assert (client.send("POST", "/api/mo/uni/infra.json", json.dumps(body)).status == 200) == allowed


@pytest.mark.parametrize(
    ("address", "secondary", "allowed"),
    [
        ("192.168.2.201/24", "192.168.2.254/24", True),
        ("192.168.2.201/32", "192.168.2.254/24", False),
        ("192.168.2.201/24", "2001:db8::fe/64", False),
    ],
)
def test_an_interface_has_a_network_and_one_family(client, l3out, floating, address, secondary, allowed) -> None:
    body = json.dumps(floating(mo("l3extIp", addr=secondary), addr=address))
    assert (client.send("POST", f"/api/mo/{l3out}/lnodep-rack-1/lifp-floating.json", body).status == 200) == allowed


def test_a_leaf_has_one_router_id_in_a_vrf(client, l3out) -> None:
    def second(vrf: str, router_id: str):
        node = mo("l3extRsNodeL3OutAtt", tDn="topology/pod-1/node-201", rtrId=router_id)
        profile = mo("l3extLNodeP", node, name="n")
        return mo("l3extOut", mo("l3extRsEctx", tnFvCtxName=vrf), profile, name="other")

    status, code, text = client.refusal("POST", "/api/mo/uni/tn-prod.json", second("calico", "9.9.9.9"))
    assert (status, code) == (400, "100")
    assert "1.1.4.201" in text
    assert "9.9.9.9" in text
    client.post("uni/tn-prod", second("other-vrf", "9.9.9.9"))
    client.delete("uni/tn-prod/out-other")
    client.post("uni/tn-prod", second("calico", "1.1.4.201"))
