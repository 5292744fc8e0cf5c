"""POST and DELETE: stored values, error answers, and all-or-nothing transactions."""

from __future__ import annotations

import json

import pytest

from lab.twin.paper import mo

PEER = "uni/tn-common/out-calico/lnodep-rack-1/lifp-floating/vlifp-[topology/pod-1/node-201]-[vlan-300]/peerP-[192.168.2.0/24]"


def test_stored_values_have_defaults_and_normal_forms(client) -> None:
    changed = client.post("uni", mo("fvTenant", mo("l3extOut", name="o"), name="t"))
    assert changed[0]["fvTenant"]["attributes"]["status"] == "created"
    found = client.attributes("uni/tn-t/out-o")
    assert (found["enforceRtctrl"], found["targetDscp"], found["lcOwn"]) == ("export", "unspecified", "local")
    assert found["modTs"].startswith("20")
    assert client.attributes("uni/tn-t/out-o/rsectx")["tnFvCtxName"] == ""
    client.post("uni/tn-prod", mo("l3extOut", name="o", enforceRtctrl="import,export"))
    client.post(
        "uni/tn-prod", mo("vzFilter", mo("vzEntry", name="e", etherT="ip", prot="6", dFromPort="80", dToPort="80"), name="f")
    )
    assert client.attributes("uni/tn-prod/out-o")["enforceRtctrl"] == "export,import"
    entry = client.attributes("uni/tn-prod/flt-f/e-e")
    assert (entry["prot"], entry["dFromPort"]) == ("tcp", "http")


def test_the_url_names_the_object_or_its_parent(client) -> None:
    client.post("uni/tn-a", mo("fvTenant", descr="x"))
    client.post("uni", mo("fvTenant", dn="uni/tn-b"))
    client.post("uni/tn-b", mo("fvCtx", name="v"))
    assert client.attributes("uni/tn-a")["descr"] == "x"
    assert client.attributes("uni/tn-b/ctx-v")["name"] == "v"


def test_only_changes_count_and_are_shown_nested(client) -> None:
    wanted = mo("fvTenant", mo("l3extOut", name="o", enforceRtctrl="import,export"), name="t")
    client.post("uni", wanted)
    before = client.apic.snapshot()
    assert client.post("uni", wanted) == []
    assert client.apic.snapshot() == before
    client.post("uni", mo("fvTenant", mo("l3extOut", name="o"), name="t"))
    (changed,) = client.post("uni", mo("fvTenant", mo("l3extOut", name="o", descr="new"), name="t"))
    assert changed == {
        "l3extOut": {"attributes": {"descr": "new", "dn": "uni/tn-t/out-o", "name": "o", "rn": "", "status": "modified"}}
    }


def test_deleted_and_absent_are_no_errors(client) -> None:
    client.post("uni", mo("fvTenant", mo("fvCtx", name="v"), name="t"))
    (gone,) = client.post("uni", mo("fvTenant", mo("fvCtx", name="v", status="deleted"), name="t"))
    assert gone["fvCtx"]["attributes"]["status"] == "deleted"
    assert client.post("uni", mo("fvTenant", mo("fvCtx", name="v", status="deleted"), name="t")) == []
    client.delete("uni/tn-t")
    client.delete("uni/tn-t")
    assert client.get("/api/mo/uni/tn-t.json") == []
    assert client.apic.tree.get("uni/tn-t/rsTenantMonPol") is None


def test_implicit_and_fabric_objects_cannot_be_deleted(client, l3out) -> None:
    assert client.post(l3out, mo("l3extRsEctx", status="deleted")) == []
    assert client.attributes(f"{l3out}/rsectx")["tnFvCtxName"] == "calico"
    assert client.refusal("DELETE", "/api/mo/uni/infra.json")[1] == "107"
    assert client.attributes(f"{l3out}/lnodep-[rack-1]/lifp-[floating]")["dn"] == f"{l3out}/lnodep-rack-1/lifp-floating"


def test_nothing_of_a_refused_post_stays(client) -> None:
    waiting = mo("l3extOut", mo("l3extRsEctx", tnFvCtxName="new"), name="waiting")
    client.post("uni", mo("fvTenant", mo("fvCtx", name="old"), waiting, name="t"))
    before = client.apic.snapshot()
    wanted = mo(
        "fvTenant",
        mo("fvCtx", name="old", status="deleted"),
        mo("fvCtx", name="new"),
        mo("l3extOut", name="o", enforceRtctrl="import"),
        name="t",
    )
    assert client.refusal("POST", "/api/mo/uni.json", wanted)[0] == 400
    assert client.apic.snapshot() == before
    assert client.faults("uni/tn-t/out-waiting") == ["F1020"]


@pytest.mark.parametrize(
    ("dn", "body", "status", "code", "text"),
    [
        ("uni", {"fvFoobar": {"attributes": {}}}, 400, "122", "unknown managed object class fvFoobar"),
        ("uni", {"fvTenant": {"attributes": {"name": "t", "description": "x"}}}, 400, "400", "unknown attribute 'description' in element 'fvTenant'"),
        (
            "uni", {"fvTenant": {"children": []}}, 400, "400",
            "invalid data at line '1'. Attributes are missing, tag 'attributes' must be specified first, before any other tag",
        ),
        ("uni", '{"fvTenant": {"attributes": {"name": "t", "descr": 1}}}', 400, "400", "JSON parsing failed - incomplete attribute value at line: 1"),
        (
            "uni", '{"fvTenant": {"attributes": {"descr": 12, "name": "t"}}}', 400, "120",
            "unknown property value 2, , name descr, class fvTenant [(Dn0)] Dn0=, ",
        ),
        ("uni", '{"fvTenant": ', 400, "400", "JSON parsing failed - incomplete attribute value at line: 1"),
        (
            "uni/tn-prod", {"l3extOut": {"attributes": {"name": "o", "targetDscp": "XX"}}}, 400, "120",
            "unknown property value XX, name targetDscp, class l3extOut [(Dn0)] Dn0=uni/tn-prod/out-o, ",
        ),
        (
            "uni/tn-prod", {"bgpCtxPol": {"attributes": {"name": "p", "holdIntvl": "4000"}}}, 400, "801",
            "Property holdIntvl of uni/tn-prod/bgpCtxP-p is out of range",
        ),
        ("uni", {"fvTenant": {"attributes": {"name": "t", "descr": "[x]"}}}, 400, "801", "property descr of uni/tn-t failed validation for value '[x]'"),
        ("uni", {"fvTenant": {"attributes": {"dn": "uni/foo-t"}}}, 400, "120", "unknown property value uni/foo-t, name dn, class fvTenant [(Dn0)] Dn0=, "),
        ("uni", {"fvCtx": {"attributes": {"dn": "uni/tn-prod"}}}, 400, "400", "Invalid request. dn 'uni/tn-prod' is not valid for class fvCtx"),
        (
            "uni/tn-prod", {"fvTenant": {"attributes": {"name": "prod"}, "children": [{"l3extInstP": {"attributes": {"rn": "instP-x"}}}]}}, 400, "400",
            "Invalid request. Can not contain child 'instP-x' under parent 'uni/tn-prod'",
        ),
        ("uni/tn-nix/out-o", {"l3extOut": {"attributes": {}}}, 400, "102", "configured object ((Dn0)) not found Dn0=uni/tn-nix/out-o, "),
        ("uni", {"fvTenant": {"attributes": {"name": "nix", "status": "modified"}}}, 400, "102", "configured object ((Dn0)) not found Dn0=uni/tn-nix, "),
        (
            "uni", {"fvTenant": {"attributes": {"name": "prod", "status": "created"}}}, 400, "103",
            "child (Rn) of class fvTenant is already attached. dn[(Dn0)] Dn0=uni, Rn0=tn-prod, ",
        ),
        (
            "uni/tn-prod", {"fvTenant": {"attributes": {"name": "other"}}}, 400, "105",
            "Create-only and naming props cannot be modified after creation, class=fvTenant, prop=name",
        ),
        ("uni/tn-prod", {"fvTenant": {"attributes": {"lcOwn": "policy"}}}, 400, "170", "Admin implicit props cannot be modified, class=fvTenant, prop=lcOwn"),
        ("uni/foo", {"fvTenant": {"attributes": {}}}, 400, "104", "Invalid DN uni/foo, wrong rn prefix foo at position 2"),
    ],
)  # fmt: skip
def test_refusals(client, dn, body, status, code, text) -> None:
    assert client.refusal("POST", f"/api/mo/{dn}.json", body) == (status, code, text)


def test_a_password_is_stored_but_never_returned(client, l3out, floating) -> None:
    peer = mo("bgpPeerP", addr="192.168.2.0/24", password="marker-secret")
    lifp = f"{l3out}/lnodep-rack-1/lifp-floating"
    created = client.post(lifp, floating(peer))
    assert "marker-secret" not in json.dumps(created)
    assert "marker-secret" not in json.dumps(client.get("/api/mo/uni.json?rsp-subtree=full"))
    assert "marker-secret" not in json.dumps(client.apic.snapshot())
    assert "password" not in client.attributes(PEER)
    assert client.apic.secrets(dn=PEER) == {PEER: {"password": "marker-secret"}}
    assert client.post(lifp, floating(peer)) == []
    rotated = client.post(lifp, floating(mo("bgpPeerP", addr="192.168.2.0/24", password="other")))
    assert rotated[0]["bgpPeerP"]["attributes"] == {"addr": "192.168.2.0/24", "dn": PEER, "rn": "", "status": "modified"}


def test_xml_in_and_out(client) -> None:
    body = '<fvTenant name="x"><fvCtx name="v" bdEnforcedEnable="true"/></fvTenant>'
    response = client.send("POST", "/api/mo/uni.xml?rsp-subtree=modified", body)
    assert response.status == 200
    assert b"<fvCtx" in response.body
    shown = client.send(
        "GET", "/api/mo/uni/tn-x.xml?rsp-prop-include=naming-only&rsp-subtree=children&rsp-subtree-class=fvCtx"
    ).body.decode()
    assert shown == (
        '<?xml version="1.0" encoding="UTF-8"?><imdata totalCount="1">'
        '<fvTenant dn="uni/tn-x" name="x"><fvCtx name="v"/></fvTenant></imdata>'
    )
    refused = client.send("POST", "/api/mo/uni.xml", "<fvFoobar/>")
    assert (refused.status, refused.body) == (
        400,
        b'<?xml version="1.0" encoding="UTF-8"?><imdata totalCount="1">'
        b'<error code="122" text="unknown managed object class fvFoobar"/></imdata>',
    )
