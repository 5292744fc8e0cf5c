"""Faults that are not about relations."""

from __future__ import annotations

from lab.twin.paper import mo


def test_a_floating_address_belongs_to_the_subnet_of_its_interface(client, l3out, floating) -> None:
    lifp = f"{l3out}/lnodep-rack-1/lifp-floating"
    dn = f"{lifp}/vlifp-[topology/pod-1/node-201]-[vlan-300]"

    def svi(address: str):
        relation = mo("l3extRsDynPathAtt", tDn="uni/phys-k8s", floatingAddr=address)
        return floating(relation)

    client.post(lifp, svi("192.168.9.253/24"))
    assert client.faults(dn) == ["F3744"]
    client.post(lifp, svi("192.168.2.253/24"))
    assert client.faults(dn) == []
    client.post(lifp, svi("0.0.0.0"))
    assert client.faults(dn) == ["F3744"]
    client.delete(f"{dn}/rsdynPathAtt-[uni/phys-k8s]")
    assert client.faults(dn) == []
