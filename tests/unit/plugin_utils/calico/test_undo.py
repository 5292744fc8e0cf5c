"""The way back in Kubernetes: what a journal keeps, and the changes that restore exactly that."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from unit.plugin_utils.calico.test_push import DEFAULT_POOL, GROUP, pushed
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico import undo
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.push import ADJUSTED_KINDS, kubernetes_push
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.undo import intended, kept_state, merge_patch, push_back
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.consent import SESSION_RESET, Consents

CONSENTS = Consents(frozenset({SESSION_RESET, "traffic-interruption", *(f"release:node-{number}" for number in range(1, 8))}))
Found = dict[str, Any]
RACKS = FLOATING["aci_calico_racks"]
PLAN = plan_of(FLOATING)
THEIRS = {"apiVersion": GROUP, "kind": "BGPPeer", "metadata": {"name": "by-hand"}, "spec": {"peerIP": "10.99.0.1"}}
OTHER_POOL = {**copy.deepcopy(DEFAULT_POOL), "metadata": {"name": "others"}, "spec": {"cidr": "10.200.0.0/16", "disabled": True}}


def fresh(*more: dict[str, Any]) -> Found:
    """Return a cluster with Calico as it is after installation."""
    nodes = [f"node-{number}" for number in range(1, 8)]
    return {
        "api_group": GROUP,
        "api_groups": [GROUP],
        "namespace": "kube-system",
        "namespaces": ["kube-system"],
        "nodes": {name: {"labels": {"a": "b"}, "annotations": {}} for name in nodes},
        "objects": copy.deepcopy([DEFAULT_POOL, THEIRS, OTHER_POOL, *more]),
        "password_matches": None,
        "failures": [],
    }


def configured(plan: dict[str, Any] = PLAN) -> Found:
    return pushed(fresh(), push_of(plan, fresh()))


def push_of(plan: dict[str, Any], found: Found, state: str = "present") -> dict[str, Any]:
    push = kubernetes_push(plan, found, state, consents=CONSENTS)
    assert not [one for one in push["problems"] if one.severity == "error"]
    return push


def undone(plan: dict[str, Any], before: Found, state: str = "present", later: Any = None) -> tuple[Found, dict[str, Any]]:
    """Return the cluster after a run and its undo, and the changes of the undo."""
    push = push_of(plan, before, state)
    kept = json.loads(json.dumps(kept_state(plan, before, push)))
    after = pushed(before, push)
    if later:
        later(after)
    back = push_back(plan, after, kept, CONSENTS)
    assert back["problems"] == []
    return pushed(after, back), back


def content(found: Found) -> Any:
    """Return what a merge leaves without empty parts, by name."""
    objects = {}
    for one in found["objects"]:
        metadata = {name: value for name, value in one["metadata"].items() if value not in ({}, None)}
        objects[one["kind"], metadata["name"]] = {**one, "metadata": metadata}
    return objects, found["nodes"]


CHANGES = {
    "subnets and the cluster's AS": {
        "service_subnets": ["192.168.12.0/22"],
        "load_balancer_subnets": ["192.168.40.0/24"],
        "cluster_asn": 65010,
    },
    "a node less": {"racks": [{**RACKS[0], "nodes": RACKS[0]["nodes"][:-1]}, RACKS[1]]},
    "a rack less": {"racks": RACKS[:1]},
    "a filter": {"bgp_filter": True},
    "another secret": {"bgp_secret_name": "other"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_undone(change: str) -> None:
    plan = plan_of(FLOATING, **CHANGES[change])
    for first, second in ((PLAN, plan), (plan, PLAN)):
        before = configured(first)
        after, _back = undone(second, before)
        assert content(after) == content(before)
        again = push_back(second, after, kept_state(second, before, push_of(second, before)))
        assert again["differences"] == {}


def test_the_first_run_is_undone_with_the_mesh_before_the_peers() -> None:
    after, back = undone(PLAN, fresh())
    assert content(after) == content(fresh())
    assert back["first"]
    assert [one["kind"] for one in back["patched"]] == ["IPPool", *["Node"] * 6]
    assert "BGPConfiguration" in {one["kind"] for one in back["deleted"]}


def test_a_teardown_is_undone_with_the_mesh_off_last() -> None:
    before = configured()
    after, back = undone(PLAN, before, "absent")
    assert content(after) == content(before)
    assert not back["first"]
    assert back["password"]
    assert [one["kind"] for one in back["postponed"]] == ["IPPool", "BGPConfiguration"]


def test_what_is_only_removed_goes_before_the_interfaces() -> None:
    fewer = plan_of(STANDARD, racks=[{**STANDARD["aci_calico_racks"][0], "nodes": ["node-1"]}])
    before = configured(fewer)
    _after, back = undone(plan_of(STANDARD), before)
    assert back["first"]
    _after, back = undone(fewer, configured(plan_of(STANDARD)))
    assert not back["first"]


def test_fields_that_the_collection_does_not_set_stay_as_others_left_them() -> None:
    def later(found: Found) -> None:
        for one in found["objects"]:
            if one["kind"] in ("BGPConfiguration", "IPPool"):
                one["spec"]["theirs"] = "new"
        found["nodes"]["node-1"]["labels"]["a"] = "c"

    theirs = fresh(
        {"apiVersion": GROUP, "kind": "BGPConfiguration", "metadata": {"name": "default"}, "spec": {"bindMode": "NodeIP"}}
    )
    before = pushed(theirs, push_of(PLAN, theirs))
    after, _back = undone(plan_of(FLOATING, cluster_asn=65010), before, later=later)
    held, nodes = content(after)
    assert nodes["node-1"]["labels"]["a"] == "c"
    assert held["BGPConfiguration", "default"]["spec"] == {
        **content(before)[0]["BGPConfiguration", "default"]["spec"],
        "theirs": "new",
    }
    assert held["IPPool", "others"]["spec"] == {**OTHER_POOL["spec"], "theirs": "new"}


def test_a_node_that_loses_its_sessions_needs_a_consent() -> None:
    fewer = plan_of(FLOATING, racks=[{**RACKS[0], "nodes": RACKS[0]["nodes"][:-1]}, RACKS[1]])
    before = configured(fewer)
    push = push_of(PLAN, before)
    kept, after = kept_state(PLAN, before, push), pushed(before, push)
    refused = push_back(PLAN, after, kept)
    assert [(one.id, one.path) for one in refused["problems"]] == [("consent-missing", "Node/node-3")]
    assert refused["patched"] == []
    assert push_back(PLAN, after, kept, CONSENTS)["problems"] == []


def test_a_node_that_has_left_stays_away() -> None:
    before = configured()
    _after, back = undone(PLAN, before, "absent", later=lambda found: found["nodes"].pop("node-3"))
    assert "node-3" not in {one["metadata"]["name"] for one in back["patched"]}


def test_an_object_of_others_in_the_place_of_a_kept_one_is_a_problem() -> None:
    before = configured()
    push = push_of(PLAN, before, "absent")
    after = pushed(before, push)
    peer = next(
        one["metadata"]["name"] for one in before["objects"] if one["kind"] == "BGPPeer" and one["metadata"]["name"] != "by-hand"
    )
    after["objects"].append({**copy.deepcopy(THEIRS), "metadata": {"name": peer}})
    back = push_back(PLAN, after, kept_state(PLAN, before, push))
    assert [one.id for one in back["problems"]] == ["foreign"]
    assert back["applied"] == []


@pytest.mark.parametrize(("pods", "ids"), [(None, ["pool-in-use"]), ({"new": 3}, ["pool-in-use"]), ({"new": 0}, [])])
def test_a_pool_that_pods_use_is_not_deleted(pods: dict[str, int] | None, ids: list[str]) -> None:
    before = configured()
    kept = kept_state(PLAN, before, push_of(PLAN, before))
    mark = {"netops.aci-calico/before": "null"}
    pool = {**copy.deepcopy(DEFAULT_POOL), "metadata": {"name": "new", "annotations": mark}, "spec": {"cidr": "10.9.0.0/16"}}
    back = push_back(PLAN, {**before, "objects": [*before["objects"], pool], "pool_pods": pods}, kept)
    assert [one.id for one in back["problems"]] == ids
    assert [one["metadata"]["name"] for one in back["deleted"]] == ([] if ids else ["new"])


def test_the_adoption_of_a_peer_is_undone_and_so_is_its_end() -> None:
    (peer, *_others) = PLAN["peers"]
    spec = {"peerIP": peer["address"], "asNumber": 65002, "nodeSelector": "all()"}
    theirs = {"apiVersion": GROUP, "kind": "BGPPeer", "metadata": {"name": peer["name"]}, "spec": spec}
    before = fresh(theirs)
    push = kubernetes_push(PLAN, before, adopt=True, consents=CONSENTS)
    kept = kept_state(PLAN, before, push)
    adopted = pushed(before, push)
    assert content(adopted)[0]["BGPPeer", peer["name"]] != theirs
    for one in (kept, {**kept, "objects": [other for other in kept["objects"] if other["kind"] != "BGPPeer"]}):
        back = push_back(PLAN, adopted, json.loads(json.dumps(one)))
        held = content(pushed(adopted, back))[0]["BGPPeer", peer["name"]]
        assert (held["metadata"]["name"], held["spec"]) == (peer["name"], spec)
        assert "netops.aci-calico/before" not in json.dumps(held)
    removal = push_of(PLAN, adopted, "absent")
    kept = json.loads(json.dumps(kept_state(PLAN, adopted, removal)))
    gone = pushed(adopted, removal)
    assert content(pushed(gone, push_back(PLAN, gone, kept))) == content(adopted)


def test_metadata_of_the_aggregated_api_server_is_kept_with_its_object() -> None:
    before = configured()
    title = "BGPConfiguration/default"
    stored = {"name": "default", "labels": {"x": "y"}}
    before["stored_metadata"] = {title: stored}
    push = push_of(PLAN, before, "absent")
    kept = kept_state(PLAN, before, push)
    after = pushed(before, push)
    after["objects"] = [one for one in after["objects"] if one["kind"] != "BGPConfiguration"]
    after["stored_metadata"] = {}
    (made,) = [one for one in push_back(PLAN, after, kept)["postponed"] if one["kind"] == "BGPConfiguration"]
    assert made["metadata"] == {"name": "default", "annotations": {"projectcalico.org/metadata": json.dumps(stored)}}


def test_a_journal_holds_no_password() -> None:
    push = push_of(PLAN, fresh())
    text = json.dumps([kept_state(PLAN, configured(), push), intended(push)])
    assert "data" not in json.loads(text)[1]["modified"].get("Secret/bgp-secrets", {})
    assert "<secret:" not in text


def test_a_patch_names_what_is_no_longer_wanted() -> None:
    assert merge_patch({"a": 1, "b": {"c": 2, "d": [1]}}, {"b": {"c": 3}, "e": 4}) == {
        "a": None,
        "b": {"c": 3, "d": None},
        "e": 4,
    }


def test_the_manifests_of_the_plan_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    before = configured()
    kept = kept_state(PLAN, before, push_of(PLAN, before))
    assert sum(one["kind"] in ADJUSTED_KINDS for one in kept["objects"]) > 1
    monkeypatch.setattr(undo, "kubernetes_objects", lambda *about: made.append(about) or kubernetes_objects(*about))
    push_back(PLAN, before, kept)
    assert len(made) == 1
