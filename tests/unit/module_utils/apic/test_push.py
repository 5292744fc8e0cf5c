"""A task against the lab's APIC emulator: reasons not to start, secrets, and whatever goes wrong at any request."""

from __future__ import annotations

import pytest
from unit.module_utils.fabric import SHARED, an
from unit.modules.running import OUT, PEERS, ROOTS, TENANT, Runner, Standalone, asked, digest, doors, policies, tenant, told

from ansible_collections.netops.aci_calico.plugins.module_utils.apic import session as session_module

# --- reasons not to start ---------------------------------------------------------------------------------------------


def test_conflicts_of_all_roots_come_at_once_and_nothing_is_sent(run, server):
    run.make(TENANT, an("fvTenant", an("bgpCtxPol", name="timers", kaIntvl="60"), an("l3extOut", name="calico"), name="common"))
    before = run.objects(volatile=True)
    result = run(ROOTS)
    assert result["failed"]
    assert len(result["conflicts"]) == 4
    assert all(part in result["msg"] for part in (f"{TENANT}/bgpCtxP-timers", "'60'", "'1'", f"{OUT} ", "adopt: true"))
    assert run.objects(volatile=True) == before
    assert not result["changed"]
    assert not run(ROOTS, adopt=True).get("failed")
    assert not run(ROOTS)["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_container_that_is_absent_is_named(run, check):
    root = {**policies(), "dn": "uni/tn-nowhere"}
    root["tree"]["fvTenant"]["attributes"]["name"] = "nowhere"
    result = run([root], check=check)
    assert result["failed"]
    assert "uni/tn-nowhere" in result["msg"]
    assert "must exist already" in result["msg"]
    assert not result["changed"]
    if not check:
        assert result["error"]["code"] == "102"


def test_check_mode_looks_for_a_container_once_and_only_if_it_must(run, server):
    run(ROOTS, check=True)
    assert [path for _method, path in asked(server)] == ["aaaLogin", f"mo/{TENANT}", f"mo/{OUT}", f"mo/{TENANT}/ctx-calico"]
    run(ROOTS)
    asked(server)
    run(ROOTS, check=True)
    assert len(asked(server)) == 3


def test_root_in_a_tenant_that_does_not_exist(run):
    result = run([{"dn": "uni/tn-nowhere/out-o", "tree": an("l3extOut", name="o")}], check=True)
    assert "uni/tn-nowhere: does not exist, but must exist already" in result["msg"]


def test_tree_of_containers_only_still_looks(run):
    root = {"dn": "uni/tn-nowhere", "scope": "named", "tree": an("fvTenant", name="nowhere", status="modified")}
    assert "must exist already" in run([root])["msg"]


def test_a_container_that_another_task_makes_is_not_missed_by_a_dry_run(run):
    l3out = {"dn": "uni/tn-new/out-o", "tree": an("l3extOut", name="o"), "assumed": ["uni/tn-new"]}
    assert run([l3out], check=True)["created"] == ["uni/tn-new/out-o"]
    assert "must exist already" in run([l3out])["msg"]
    run([tenant()])
    assert run([l3out])["created"] == ["uni/tn-new/out-o"]


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_password_is_sent_again_only_if_asked_and_reported_as_it_was(run, server):
    run(ROOTS)
    assert not run(ROOTS, secrets={"bgp_password": "rotated"})["changed"]
    result = run(ROOTS, secrets={"bgp_password": "rotated"}, update_password="always")
    assert result["modified"] == [{"dn": peer, "properties": ["password"]} for peer in PEERS]
    assert run.objects()[PEERS[0]][1]["password"] == digest("rotated")
    server.log.clear()
    result = run(ROOTS, secrets={"bgp_password": "rotated"}, update_password="always")
    assert not result["changed"]
    assert result["modified"] == result["diff"] == []
    assert server.log.count("POST", OUT) == 1


def test_password_of_one_peer_only(run):
    run(ROOTS)
    run.make(PEERS[0], {"bgpPeerP": {"attributes": {"password": "drifted"}}})
    result = run(ROOTS, update_password="always")
    assert result["modified"] == [{"dn": PEERS[0], "properties": ["password"]}]


def test_check_mode_cannot_know_and_announces_what_would_be_sent(run):
    run(ROOTS)
    result = run(ROOTS, update_password="always", check=True)
    assert result["modified"] == [{"dn": peer, "properties": ["password"]} for peer in PEERS]


@pytest.mark.parametrize(("secrets", "what"), [({}, "missing"), ({"bgp_password": ""}, "empty")])
def test_secret_that_is_needed_and_not_given(run, server, secrets, what):
    result = run(ROOTS, secrets=secrets)
    assert f"'bgp_password' is {what}" in result["msg"]
    assert server.log.count("POST", "/mo/") == 0
    run(ROOTS)
    assert not run(ROOTS, secrets=secrets).get("failed")


# --- whatever goes wrong, at every request ---------------------------------------------------------------------------

REQUESTS = range(1, 6)


@pytest.fixture(scope="module")
def undisturbed(running):
    """The tree that a run without trouble ends in."""
    running.reset()
    with pytest.MonkeyPatch.context() as patch:
        runner = Runner(running, patch)
        runner(ROOTS)
        return runner.objects()


@pytest.mark.parametrize("nth", REQUESTS)
@pytest.mark.parametrize(
    "trouble",
    [
        {"action": "drop"},
        {"action": "drop-after"},
        {"action": "expire"},
        {"action": "status", "status": 503},
        {"action": "status", "status": 429},
    ],
)
def test_trouble_at_any_request_is_overcome_by_the_same_run(run, server, undisturbed, nth, trouble):
    expected = told(run(ROOTS, check=True))
    server.log.clear()
    server.misbehave(nth=nth, **trouble)
    result = run(ROOTS)
    assert told(result) == expected
    assert result["requests"]["total"] == len(server.log)
    assert result["requests"]["retries"] >= (trouble["action"] != "expire" or nth > 1)
    assert run.objects() == undisturbed
    assert_guarded(run.objects())
    assert not run(ROOTS)["changed"]


@pytest.mark.parametrize("nth", REQUESTS)
def test_trouble_that_does_not_end_fails_and_the_next_run_gets_there(run, server, undisturbed, nth):
    server.misbehave("status", nth=nth, count=0)
    result = run(ROOTS)
    assert result["failed"]
    assert "503" in result["msg"]
    assert result["requests"]["total"] == len(server.log) < 25
    server.misbehaviour.clear()
    assert_guarded(run.objects())
    run(ROOTS)
    assert run.objects() == undisturbed


@pytest.fixture(scope="module")
def standalone():
    with Standalone() as processes:
        yield processes


@pytest.mark.parametrize("action", ["hang", "hang-after"])
@pytest.mark.parametrize("nth", REQUESTS)
def test_killed_at_any_request_the_next_run_gets_there(run, server, undisturbed, standalone, action, nth):
    server.misbehave(action, nth=nth)
    standalone.kill_when(server.misbehaviour.hung, server, ROOTS)
    server.misbehaviour.clear()
    assert_guarded(run.objects())
    run(ROOTS)
    assert run.objects() == undisturbed


def assert_guarded(objects):
    """No peer and no interface without the route map and its enforcement."""
    doors = ("bgpPeerP", "l3extVirtualLIfP")
    if any(dn.startswith(f"{OUT}/") and cls in doors for dn, (cls, _attributes) in objects.items()):
        assert "import" in objects[OUT][1]["enforceRtctrl"]
        assert f"{OUT}/prof-default-import/ctx-pods/rsctxPToSubjP-pods" in objects
        assert f"{TENANT}/subj-pods" in objects


def test_object_that_vanishes_between_read_and_post_is_read_again(run, monkeypatch):
    run(ROOTS)
    post = session_module.Session.post

    def after_somebody(session, path, data):
        monkeypatch.setattr(session_module.Session, "post", post)
        run.make(
            "uni/tn-common", an("fvTenant", {"l3extOut": {"attributes": {"name": "calico", "status": "deleted"}}}, name="common")
        )
        return post(session, path, data)

    monkeypatch.setattr(session_module.Session, "post", after_somebody)
    result = run([doors(subnets=["10.9.0.0/16"])])
    assert not result.get("failed")
    assert not run([doors(subnets=["10.9.0.0/16"])])["changed"]


def test_two_clusters_that_leave_at_the_same_time_leave_nothing(run, monkeypatch):
    before = run.objects()
    roots = [
        {
            "dn": TENANT,
            "scope": "named",
            "tree": an("fvTenant", an("bgpCtxAfPol", name="ecmp", annotation=SHARED), name="common", status="modified"),
        }
    ]
    run(roots, cluster="a")
    run(roots, cluster="b")
    post = session_module.Session.post

    def after_the_other(session, path, data):
        monkeypatch.setattr(session_module.Session, "post", post)
        run(roots, cluster="b", state="absent")
        return post(session, path, data)

    monkeypatch.setattr(session_module.Session, "post", after_the_other)
    result = run(roots, cluster="a", state="absent")
    assert run.objects() == before
    assert result["requests"]["post"] == 2
