"""The module against the lab's APIC emulator."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from unit.module_utils.fabric import OURS, SHARED, an
from unit.modules.running import OUT, PASSWORD, PEERS, ROOTS, TENANT, asked, digest, doors, policies, tenant, told

# --- how many requests, and what they say ----------------------------------------------------------------------------


def test_first_run_takes_a_login_and_for_each_root_a_get_and_a_post(run, server):
    result = run(ROOTS)
    assert asked(server) == [
        ("POST", "aaaLogin"),
        ("GET", f"mo/{TENANT}"),
        ("GET", f"mo/{OUT}"),
        ("POST", f"mo/{TENANT}"),
        ("POST", f"mo/{OUT}"),
    ]
    assert result["changed"]
    assert result["requests"] == {"login": 1, "get": 2, "post": 2, "retries": 0, "total": 5}


def test_second_run_posts_nothing(run, server):
    run(ROOTS)
    asked(server)
    result = run(ROOTS)
    assert [method for method, _path in asked(server)] == ["POST", "GET", "GET"]
    assert not result["changed"]
    assert told(result) == {"changed": False, "created": [], "modified": [], "deleted": [], "diff": []}


def test_the_tree_is_there_with_the_secret_in_its_place(run):
    run(ROOTS)
    objects = run.objects()
    assert objects[OUT][1]["annotation"] == OURS
    assert objects[OUT][1]["enforceRtctrl"] == "export,import"
    assert objects[f"{OUT}/rsectx"][1]["tnFvCtxName"] == "calico"
    assert {objects[peer][1]["password"] for peer in PEERS} == {digest(PASSWORD)}


def test_secret_takes_jsons_escapes(run):
    run(ROOTS, secrets={"bgp_password": 'a"\\b'})
    assert run.objects()[PEERS[0]][1]["password"] == digest('a"\\b')


@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode_announces_exactly_what_the_run_does(run, server, state):
    if state == "absent":
        run(ROOTS)
    before = run.objects(volatile=True)
    announced = told(run(ROOTS, check=True, state=state))
    assert run.objects(volatile=True) == before
    server.log.clear()
    assert told(run(ROOTS, state=state)) == announced
    after = run.objects()
    assert len(set(announced["created"])) == len(announced["created"])
    assert set(announced["created"]) == {dn for dn in after if dn not in before and is_marked(after[dn])}
    assert set(announced["deleted"]) == {dn for dn in before if dn not in after and is_marked(before[dn])}
    assert announced["changed"]


def test_a_root_that_is_to_be_absent_goes_and_the_others_stay(run):
    run(ROOTS)
    gone = {"dn": OUT, "state": "absent", "tree": an("l3extOut", name="calico")}
    result = run([policies_alone(), gone])
    objects = run.objects()
    assert OUT in result["deleted"]
    assert OUT not in objects
    assert f"{TENANT}/bgpCtxP-timers" in objects
    assert not run([policies_alone(), gone])["changed"]


def policies_alone():
    """The tenant's policies without the L3Out."""
    root = policies()
    root["tree"]["fvTenant"]["children"] = [child for child in root["tree"]["fvTenant"]["children"] if "l3extOut" not in child]
    return root


def is_marked(found):
    cls, attributes = found
    return cls.startswith("tag") or attributes.get("annotation", "").startswith(SHARED)


def test_check_mode_announces_changes_of_every_kind(run):
    run(ROOTS)
    changed = [policies(holdIntvl="9"), doors(subnets=["10.1.0.0/16", "10.2.0.0/16"], leaves=[201])]
    announced = told(run(changed, check=True))
    assert announced["created"] == [f"{OUT}/instP-default/extsubnet-[10.2.0.0/16]"]
    assert announced["modified"] == [{"dn": f"{TENANT}/bgpCtxP-timers", "properties": ["holdIntvl"]}]
    assert f"{OUT}/instP-default/extsubnet-[192.168.8.0/22]" in announced["deleted"]
    assert PEERS[1] in announced["deleted"]
    assert told(run(changed)) == announced
    assert not run(changed)["changed"]


def test_diff_shows_each_object_and_hides_secrets(run):
    result = run(ROOTS)
    by_dn = {item["after_header"].split(" (")[0]: item for item in result["diff"]}
    assert set(by_dn) == set(result["created"])
    assert "password: (hidden)\n" in by_dn[PEERS[0]]["after"]
    assert by_dn[PEERS[0]]["before"] == ""
    (item,) = run([policies(holdIntvl="9"), doors()])["diff"]
    assert (item["before"], item["after"]) == ("holdIntvl: 3\n", "holdIntvl: 9\n")
    assert "diff" not in run(ROOTS, diff=False)


def test_reading_by_name_costs_the_same_in_a_crowded_tenant(run, server):
    run(ROOTS)
    server.log.clear()
    run(ROOTS)
    before = [entry["out"] for entry in server.log]
    crowd = [an("rtctrlSubjP", name=f"other-{number}") for number in range(300)]
    crowd += [an("bgpCtxPol", name=f"other-{number}") for number in range(300)]
    run.make(TENANT, an("fvTenant", *crowd, name="common"))
    assert not run(ROOTS)["changed"]
    assert [entry["out"] for entry in server.log] == before


def test_many_names_are_asked_for_by_how_they_begin(run):
    names = [f"prod1-{number}" for number in range(40)]
    root = {
        "dn": TENANT,
        "scope": "named",
        "tree": an("fvTenant", *[an("rtctrlSubjP", name=name) for name in names], name="common", status="modified"),
    }
    run([root])
    assert not run([root])["changed"]
    assert len(run.objects()) > 40
    (query,) = {entry["query"] for entry in run.server.log if entry["method"] == "GET"}
    assert f'wcard(rtctrlSubjP.dn,"{TENANT}/subj-prod1-")' in query
    assert len(query) < 500


def test_class_that_the_tree_no_longer_has_is_given_up_if_the_root_says_so(run):
    with_limit = policies()
    with_limit["tree"]["fvTenant"]["children"].append(an("bgpPeerPfxPol", name="limit"))
    run([with_limit])
    assert not run([policies()])["changed"]
    assert run([{**policies(), "classes": ["bgpPeerPfxPol"]}])["deleted"] == [f"{TENANT}/bgpPfxP-limit"]


def test_a_fault_holds_no_object_back(run):
    provided = an("l3extOut", an("l3extInstP", an("fvRsProv", tnVzBrCPName="nowhere"), name="default"), name="calico")
    run([{"dn": OUT, "tree": provided}])
    assert any("/fault-F0974" in dn for dn in run.objects())
    assert run([{"dn": OUT, "tree": provided}], state="absent")["kept"] == []
    assert OUT not in run.objects()


def test_what_another_root_is_responsible_for_is_not_given_up(run):
    provided = an("l3extOut", an("l3extInstP", an("fvRsProv", tnVzBrCPName="web"), name="default"), name="calico")
    run([{"dn": OUT, "tree": provided}])
    everywhere = {"dn": "uni", "scope": "named", "tree": an("polUni"), "classes": ["fvRsProv"]}
    assert not run([{**everywhere, "except": [OUT]}])["changed"]
    assert not run([{**everywhere, "except": [TENANT]}], state="absent")["changed"]
    assert run([{**everywhere, "except": [f"{OUT}-2"]}])["deleted"] == [f"{OUT}/instP-default/rsprov-web"]


# --- what is not ours ------------------------------------------------------------------------------------------------


def test_what_others_made_is_the_same_to_the_byte_after_run_prune_and_absent(run):
    by_hand = an(
        "fvTenant",
        an("bgpCtxPol", name="theirs", kaIntvl="60"),
        an("rtctrlSubjP", name="theirs", annotation="orchestrator:aci-calico:prod2"),
        an("l3extOut", an("l3extInstP", an("l3extSubnet", ip="0.0.0.0/0"), name="theirs"), name="theirs"),
        name="common",
    )
    run.make(TENANT, by_hand)
    run(ROOTS)
    run.make(OUT, an("l3extOut", an("l3extInstP", an("l3extSubnet", ip="172.16.0.0/12"), name="by-hand"), name="calico"))
    run.make(f"{OUT}/instP-default", an("l3extInstP", an("fvRsProv", tnVzBrCPName="web"), name="default"))
    ours = {dn for dn, found in run.objects().items() if is_marked(found) and "prod2" not in found[1].get("annotation", "")}
    theirs = {dn: found for dn, found in run.objects(volatile=True).items() if dn not in ours and is_by_hand(dn)}
    assert len(theirs) >= 8
    for roots, state in ((ROOTS, "present"), ([policies(), doors(subnets=[])], "present"), (ROOTS, "absent")):
        result = run(roots, state=state)
        now = run.objects(volatile=True)
        assert {dn: now.get(dn) for dn in theirs} == theirs
    assert [item["dn"] for item in result["kept"]] == [OUT, f"{OUT}/instP-default"]
    assert "fvRsProv" not in result["kept"][1]["reason"]
    assert "rsprov-web" in result["kept"][1]["reason"]
    assert len(run.warnings) == 2
    assert not run(ROOTS, state="absent")["changed"]


def test_only_named_objects_change_and_one_of_others_goes_only_if_it_is_named(run):
    guest = f"{OUT}/instP-guest"
    run(ROOTS)
    run.make(OUT, an("l3extOut", an("l3extInstP", an("l3extSubnet", ip="172.16.0.0/12"), name="guest"), name="calico"))
    timers, match = f"{TENANT}/bgpCtxP-timers", f"{TENANT}/subj-pods"
    run.make(TENANT, an("fvTenant", an("bgpCtxPol", name="timers", holdIntvl="99"), name="common"))
    run.make(f"{match}/dest-[10.1.0.0/16]", an("rtctrlMatchRtDest", ip="10.1.0.0/16", aggregate="no"))
    before = run.objects(volatile=True)
    result = run(ROOTS, only=[timers])
    assert [one["dn"] for one in result["modified"]] == [timers]
    after = run.objects(volatile=True)
    assert {dn for dn in before if after[dn] != before[dn]} == {timers}
    result = run(ROOTS, only=[guest, f"{OUT}/instP-gone"])
    assert (result["modified"], result["created"]) == ([], [])
    assert guest in result["deleted"]
    assert set(after) - set(run.objects()) == {dn for dn in after if f"{dn}/".startswith(f"{guest}/")}


def is_by_hand(dn):
    return "theirs" in dn or "by-hand" in dn or "rsprov" in dn


def test_a_tenant_that_is_made_is_read_bare_and_kept_while_somebody_is_in_it(run, server):
    assert "uni/tn-new/ctx-v" in run([tenant()])["created"]
    run.make("uni/tn-new", an("fvBD", name="theirs"))
    assert not run([tenant()])["changed"]
    assert "BD-theirs" not in str(server.log)
    assert run([tenant("prod2")], cluster="prod2")["changed"]
    run([tenant()], state="absent")
    assert "uni/tn-new/ctx-v" in run.objects()
    assert "uni/tn-new" in [item["dn"] for item in run([tenant("prod2")], cluster="prod2", state="absent")["kept"]]
    assert {"uni/tn-new", "uni/tn-new/BD-theirs"} <= set(run.objects())
    assert "uni/tn-new/ctx-v" not in run.objects()


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_secrets_are_in_no_result(run, tmp_path):
    output = tmp_path / "sent.json"
    seen = [run(ROOTS, output_path=str(output)), run(ROOTS, update_password="always")]
    run.make("uni", an("polUni", an("fvTenant", name="x")))
    seen.append(run(ROOTS, secrets={"bgp_password": "é" * 400 + PASSWORD}, update_password="always"))
    assert PASSWORD not in json.dumps(seen)
    assert PASSWORD not in output.read_text()
    assert "<secret:bgp_password>" in output.read_text()


# --- errors ----------------------------------------------------------------------------------------------------------


def test_refusal_tells_code_text_object_and_root_and_what_was_done_before(run):
    bad = doors()
    bad["tree"]["l3extOut"]["attributes"]["targetDscp"] = "999"
    result = run([policies(), bad])
    assert result["failed"]
    assert result["error"]["root"] == OUT
    assert result["error"]["code"]
    assert result["error"]["status"] == 400
    for part in (OUT, result["error"]["code"], result["error"]["text"], "configure"):
        assert part in result["msg"]
    assert result["changed"]
    assert f"{TENANT}/bgpCtxP-timers" in result["created"]
    assert PEERS[0] not in result["created"]
    assert PEERS[0] not in run.objects()


def test_faults_of_all_trees_before_anything_is_asked(run, server):
    result = run(
        [{"dn": OUT, "tree": an("l3extOut", name="x")}, {"dn": TENANT, "tree": an("fvTenant", an("fvCtx"), name="common")}]
    )
    assert len(result["problems"]) == 2
    assert len(server.log) == 0


# --- other ways in ---------------------------------------------------------------------------------------------------


def test_second_controller_takes_over(run, server):
    hosts = ",".join(f"127.0.0.1:{port}" for port in server.ports)
    server.misbehave("drop", count=0, controller=1)
    assert run(ROOTS, host=hosts, port=None)["changed"]
    server.misbehaviour.clear()
    assert not run(ROOTS)["changed"]


def test_certificate_signs_every_request(run, server):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    run.make("uni/userext/user-admin", an("aaaUser", an("aaaUserCert", name="ansible", data=certificate(key)), name="admin"))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    result = run(ROOTS, private_key=pem, certificate_name="ansible", password=None)
    assert result["requests"] == {"login": 0, "get": 2, "post": 2, "retries": 0, "total": 4}
    assert not run(ROOTS, private_key=pem, certificate_name="ansible", password=None)["changed"]


def certificate(key):

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ansible")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
