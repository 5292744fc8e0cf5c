"""Relations find their targets, and faults come and go with their cause."""

from __future__ import annotations


def faults(client, dn: str) -> list[str]:
    return sorted(
        f["faultInst"]["attributes"]["code"]
        for f in client.get(f"/api/mo/{dn}.json?rsp-subtree-include=faults,no-scoped")
    )


def test_a_name_resolves_in_the_tenant_then_in_common(client, mo) -> None:
    client.post("uni/tn-prod", mo("l3extOut", mo("l3extRsEctx", tnFvCtxName="calico"), name="o"))
    relation = "uni/tn-prod/out-o/rsectx"
    found = client.attributes(relation)
    assert (found["state"], found["tDn"], found["tCl"]) == ("formed", "uni/tn-common/ctx-calico", "fvCtx")
    client.post("uni/tn-prod", mo("fvCtx", name="calico"))
    assert client.attributes(relation)["tDn"] == "uni/tn-prod/ctx-calico"
    client.delete("uni/tn-prod/ctx-calico")
    assert client.attributes(relation)["tDn"] == "uni/tn-common/ctx-calico"


def test_a_missing_target_raises_a_fault_until_it_appears(client, mo) -> None:
    client.post("uni/tn-prod", mo("l3extOut", mo("l3extRsEctx", tnFvCtxName="late"), name="o"))
    relation = "uni/tn-prod/out-o/rsectx"
    assert client.attributes(relation)["state"] == "missing-target"
    assert faults(client, relation) == ["F1020"]
    client.post("uni/tn-prod", mo("fvCtx", name="late"))
    assert client.attributes(relation)["state"] == "formed"
    assert faults(client, relation) == []
    client.delete("uni/tn-prod/ctx-late")
    assert faults(client, relation) == ["F1020"]


def test_a_target_by_dn(client, mo) -> None:
    client.post("uni/tn-prod", mo("l3extOut", mo("l3extRsL3DomAtt", tDn="uni/l3dom-k8s-l3"), name="o"))
    relation = "uni/tn-prod/out-o/rsl3DomAtt"
    assert client.attributes(relation)["state"] == "formed"
    client.post("uni/tn-prod/out-o", mo("l3extRsL3DomAtt", tDn="uni/l3dom-nix"))
    assert client.attributes(relation)["state"] == "missing-target"
    assert faults(client, "uni/tn-prod/out-o") == ["F1021"]


def test_the_nearest_profile_wins(client, l3out, mo) -> None:
    client.post("uni/tn-common", mo("rtctrlProfile", name="import-map"))
    relation = mo("l3extRsInstPToProfile", tnRtctrlProfileName="import-map", direction="import")
    client.post(l3out, mo("l3extInstP", relation, name="default"))
    dn = f"{l3out}/instP-default/rsinstPToProfile-[import-map]-import"
    assert client.attributes(dn)["tDn"] == "uni/tn-common/prof-import-map"
    client.post(l3out, mo("rtctrlProfile", name="import-map"))
    assert client.attributes(dn)["tDn"] == f"{l3out}/prof-import-map"


def test_no_name_falls_back_to_the_default_policy(client, mo) -> None:
    client.post("uni/tn-prod", mo("fvCtx", name="v"))
    relation = "uni/tn-prod/ctx-v/rsbgpCtxPol"
    assert client.attributes(relation)["state"] == "unformed"
    client.post("uni/tn-common", mo("bgpCtxPol", name="default"))
    found = client.attributes(relation)
    assert (found["state"], found["stateQual"], found["tDn"]) == (
        "formed",
        "default-target",
        "uni/tn-common/bgpCtxP-default",
    )


def test_leaves_and_paths_are_not_looked_up(client, l3out) -> None:
    node = client.attributes(f"{l3out}/lnodep-rack-1/rsnodeL3OutAtt-[topology/pod-1/node-201]")
    assert node["state"] == "unformed"


def test_a_floating_address_belongs_to_the_subnet_of_its_interface(client, l3out, mo) -> None:
    lifp = f"{l3out}/lnodep-rack-1/lifp-floating"
    dn = f"{lifp}/vlifp-[topology/pod-1/node-201]-[vlan-300]"

    def path(floating: str):
        relation = mo("l3extRsDynPathAtt", tDn="uni/phys-k8s", floatingAddr=floating)
        interface = {"nodeDn": "topology/pod-1/node-201", "encap": "vlan-300", "addr": "192.168.2.201/24"}
        return mo("l3extVirtualLIfP", relation, **interface)

    client.post(lifp, path("192.168.9.253/24"))
    assert faults(client, dn) == ["F3744"]
    client.post(lifp, path("192.168.2.253/24"))
    assert faults(client, dn) == []
    client.post(lifp, path("0.0.0.0"))
    assert faults(client, dn) == ["F3744"]
    client.delete(f"{dn}/rsdynPathAtt-[uni/phys-k8s]")
    assert faults(client, dn) == []


def test_a_refused_post_leaves_relations_and_faults_alone(client, mo) -> None:
    client.post("uni/tn-prod", mo("l3extOut", mo("l3extRsEctx", tnFvCtxName="late"), name="o"))
    wanted = mo("fvTenant", mo("fvCtx", name="late"), mo("l3extOut", name="p", enforceRtctrl="import"), name="prod")
    client.refusal("POST", "/api/mo/uni.json", wanted)
    assert faults(client, "uni/tn-prod/out-o") == ["F1020"]
    assert client.attributes("uni/tn-prod/out-o/rsectx")["state"] == "missing-target"
