"""Relations find their targets; their faults appear and disappear with their cause."""

from __future__ import annotations

from lab.twin.paper import mo


def test_a_name_resolves_in_the_tenant_then_in_common(client) -> None:
    client.post("uni/tn-prod", mo("l3extOut", mo("l3extRsEctx", tnFvCtxName="calico"), name="o"))
    relation = "uni/tn-prod/out-o/rsectx"
    found = client.attributes(relation)
    assert (found["state"], found["tDn"], found["tCl"]) == ("formed", "uni/tn-common/ctx-calico", "fvCtx")
    client.post("uni/tn-prod", mo("fvCtx", name="calico"))
    assert client.attributes(relation)["tDn"] == "uni/tn-prod/ctx-calico"
    client.delete("uni/tn-prod/ctx-calico")
    assert client.attributes(relation)["tDn"] == "uni/tn-common/ctx-calico"


def test_target_by_dn_or_name_is_missing_until_it_appears(client) -> None:
    client.post("uni/tn-prod", mo("l3extOut", mo("l3extRsL3DomAtt", tDn="uni/l3dom-k8s-l3"), name="o"))
    relation = "uni/tn-prod/out-o/rsl3DomAtt"
    assert client.attributes(relation)["state"] == "formed"
    client.post("uni/tn-prod/out-o", mo("l3extRsL3DomAtt", tDn="uni/l3dom-nix"))
    assert client.attributes(relation)["state"] == "missing-target"
    assert client.faults("uni/tn-prod/out-o") == ["F1021"]
    client.post("uni/tn-prod", mo("l3extOut", mo("l3extRsEctx", tnFvCtxName="late"), name="o"))
    relation = "uni/tn-prod/out-o/rsectx"
    assert client.attributes(relation)["state"] == "missing-target"
    assert client.faults(relation) == ["F1020"]
    client.post("uni/tn-prod", mo("fvCtx", name="late"))
    assert client.attributes(relation)["state"] == "formed"
    assert client.faults(relation) == []
    client.delete("uni/tn-prod/ctx-late")
    assert client.faults(relation) == ["F1020"]


def test_nearest_profile_wins_and_leaves_are_not_looked_up(client, l3out) -> None:
    client.post("uni/tn-common", mo("rtctrlProfile", name="import-map"))
    relation = mo("l3extRsInstPToProfile", tnRtctrlProfileName="import-map", direction="import")
    client.post(l3out, mo("l3extInstP", relation, name="default"))
    dn = f"{l3out}/instP-default/rsinstPToProfile-[import-map]-import"
    assert client.attributes(dn)["tDn"] == "uni/tn-common/prof-import-map"
    client.post(l3out, mo("rtctrlProfile", name="import-map"))
    assert client.attributes(dn)["tDn"] == f"{l3out}/prof-import-map"
    node = client.attributes(f"{l3out}/lnodep-rack-1/rsnodeL3OutAtt-[topology/pod-1/node-201]")
    assert node["state"] == "unformed"


def test_no_name_falls_back_to_the_default_policy(client) -> None:
    client.post("uni/tn-prod", mo("fvCtx", name="v"))
    relation = "uni/tn-prod/ctx-v/rsbgpCtxPol"
    assert client.attributes(relation)["state"] == "unformed"
    client.post("uni/tn-common", mo("bgpCtxPol", name="default"))
    found = client.attributes(relation)
    assert (found["state"], found["stateQual"], found["tDn"]) == ("formed", "default-target", "uni/tn-common/bgpCtxP-default")
