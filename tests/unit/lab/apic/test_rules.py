"""Checks across properties and objects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.twin.paper import mo

INFRA, PROD, L3OUT = "uni/infra", "uni/tn-prod", "uni/tn-common/out-calico"


def subnet(**attributes: str) -> dict[str, Any]:
    return mo("l3extInstP", mo("l3extSubnet", **attributes), name="default")


def entry(**attributes: str) -> dict[str, Any]:
    return mo("vzFilter", mo("vzEntry", name="e", **attributes), name="f")


def vlans(low: str, high: str) -> dict[str, Any]:
    return mo("fvnsVlanInstP", mo("fvnsEncapBlk", **{"from": low, "to": high}), name="p", allocMode="static")


@pytest.mark.usefixtures("l3out")
@pytest.mark.parametrize(
    ("dn", "body", "allowed"),
    [
        (PROD, mo("bgpCtxPol", name="p", grCtrl=""), True),
        (PROD, mo("l3extOut", name="o", enforceRtctrl="import,export"), True),
        (PROD, mo("l3extOut", name="o", enforceRtctrl="import"), False),
        (L3OUT, subnet(ip="10.1.0.0/16", scope="import-security,shared-security"), True),
        (L3OUT, subnet(ip="10.1.0.0/16", scope="shared-security"), False),
        (L3OUT, subnet(ip="0.0.0.0/0", scope="export-rtctrl", aggregate="export-rtctrl"), True),
        (L3OUT, subnet(ip="10.1.0.0/16", scope="export-rtctrl", aggregate="export-rtctrl"), False),
        (PROD, entry(etherT="ip", prot="tcp", dFromPort="179", dToPort="179"), True),
        (PROD, entry(etherT="ip", prot="tcp", dToPort="179"), False),
        (PROD, entry(prot="tcp"), False),
        (PROD, entry(etherT="ip", arpOpc="req"), False),
        (PROD, entry(etherT="ip", prot="tcp", tcpRules="est,syn"), False),
        (INFRA, vlans("vlan-500", "vlan-510"), True),
        (INFRA, vlans("vlan-510", "vlan-500"), False),
    ],
)
def test_rules_of_one_object(client, dn, body, allowed) -> None:
    assert (client.send("POST", f"/api/mo/{dn}.json", json.dumps(body)).status == 200) == allowed


def test_refusal_says_why(client) -> None:
    text = "Invalid Configuration Unenforced Route Control is not supported for Export direction."
    wanted = mo("l3extOut", name="o", enforceRtctrl="import")
    assert client.refusal("POST", f"/api/mo/{PROD}.json", wanted)[2] == text


def test_a_port_range_without_an_end_is_one_port(client) -> None:
    client.post(PROD, entry(etherT="ip", prot="tcp", dFromPort="179"))
    assert client.attributes("uni/tn-prod/flt-f/e-e")["dToPort"] == "179"


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
