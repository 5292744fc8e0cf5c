"""What differs, who owns it, who changed it, and which side is right."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.drift.planted import OUT, PEER, SVI, Deployed
from unit.plugin_utils.sample_plans import BASES, plan_of

from ansible_collections.netops.aci_calico.plugins.module_utils.names import CLUSTER_LABEL, MANAGED_BY_LABEL
from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift import origin
from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift.differences import spelled
from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift.origin import audit_query

OWNER = "orchestrator:aci-calico:prod1"


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


def the_one(deployed: Deployed) -> dict[str, Any]:
    (difference,) = deployed.report()["differences"]
    return difference


def test_a_cluster_as_planned_has_no_drift(deployed: Deployed) -> None:
    assert deployed.report() == {"cluster": "prod1", "drifted": False, "differences": []}


def test_a_changed_attribute_has_both_values_and_who_changed_it(deployed: Deployed) -> None:
    deployed.objects[SVI]["attributes"]["mtu"] = "1500"
    deployed.note("eve", SVI, "modification", "mtu (Old: 9000, New: 1500)", "2026-01-02T03:04:05.000+00:00")
    deployed.note("bob", SVI, "modification", "descr (Old: , New: x)", "2026-01-03T03:04:05.000+00:00")
    found = the_one(deployed)
    assert (found["object"], found["kind"], found["difference"]) == (SVI, "l3extVirtualLIfP", "differs")
    assert found["attributes"] == [{"attribute": "mtu", "planned": "9000", "found": "1500"}]
    assert (found["changed_by"], found["changed_at"], found["changed_from"]) == (
        "eve",
        "2026-01-02T03:04:05.000+00:00",
        "audit log",
    )
    assert (found["owner"], found["right"], found["rule"]) == ("this cluster", "plan", "own")


def test_without_a_record_the_time_of_the_object_is_told(deployed: Deployed) -> None:
    deployed.objects[SVI]["attributes"] |= {"mtu": "1500", "modTs": "2026-01-02T03:04:05.000+00:00"}
    found = the_one(deployed)
    assert (found["changed_by"], found["changed_at"], found["changed_from"]) == ("", "2026-01-02T03:04:05.000+00:00", "modTs")


def test_a_change_by_the_account_of_the_runs_is_told_apart(deployed: Deployed) -> None:
    deployed.objects[SVI]["attributes"]["mtu"] = "1500"
    deployed.note("ansible", SVI, "modification", "mtu (Old: 9000, New: 1500)")
    assert the_one(deployed)["rule"] == "own-account"


def test_a_missing_object_is_one_difference_with_what_is_gone_with_it(deployed: Deployed) -> None:
    gone = [dn for dn in deployed.objects if f"{dn}/".startswith(f"{SVI}/")]
    for dn in gone:
        del deployed.objects[dn]
    deployed.note("eve", SVI, "deletion")
    deployed.note("bob", SVI, "creation", time="2025-01-01T00:00:00.000+00:00")
    found = the_one(deployed)
    assert (found["object"], found["difference"], found["changed_by"]) == (SVI, "missing", "eve")
    assert sorted([SVI, *found["below"]]) == sorted(gone)


def test_a_deletion_may_be_recorded_above_the_missing_object(deployed: Deployed) -> None:
    for dn in [dn for dn in deployed.objects if f"{dn}/".startswith(f"{SVI}/")]:
        del deployed.objects[dn]
    deployed.note("eve", SVI.rpartition("/vlifp")[0], "deletion")
    assert the_one(deployed)["changed_by"] == "eve"


def test_an_object_of_others_below_our_own_is_an_addition_and_stays(deployed: Deployed) -> None:
    dn = f"{OUT}/instP-guest"
    deployed.add(dn, "l3extInstP", name="guest", annotation="orchestrator:terraform")
    deployed.add(f"{dn}/extsubnet-[10.0.0.0/8]", "l3extSubnet", ip="10.0.0.0/8", annotation="orchestrator:terraform")
    deployed.note("eve", dn, "creation", "name:guest")
    found = the_one(deployed)
    assert (found["object"], found["difference"], found["owner"]) == (dn, "extra", "orchestrator:terraform")
    assert (found["right"], found["rule"], found["changed_by"]) == ("undecided", "addition", "eve")
    assert found["below"] == [f"{dn}/extsubnet-[10.0.0.0/8]"]


@pytest.mark.parametrize(
    ("cls", "rn", "attributes"),
    [
        ("l3extRsEctx", "rsectx", {}),
        ("l3extSomething", "made", {"uid": "0"}),
        ("l3extSomething", "made", {"lcOwn": "implicit"}),
        ("l3extInstP", "instP-x", {"annotation": "orchestrator:aci-calico:other"}),
        ("tagAnnotation", "annotationKey-[aci-calico-lease:prod1]", {"key": "aci-calico-lease:prod1"}),
    ],
)
def test_what_apic_or_this_collection_makes_is_no_addition(
    deployed: Deployed, cls: str, rn: str, attributes: dict[str, str]
) -> None:
    deployed.objects.pop(f"{OUT}/rsectx") if rn == "rsectx" else None
    before = deployed.report()
    deployed.add(f"{OUT}/{rn}", cls, **attributes)
    after = deployed.report()
    assert [one for one in after["differences"] if one["difference"] == "extra"] == []
    assert before["cluster"] == after["cluster"]


def test_a_removed_mark_of_an_own_object_is_drift(deployed: Deployed) -> None:
    deployed.objects[SVI]["attributes"]["annotation"] = ""
    found = the_one(deployed)
    assert found["attributes"] == [{"attribute": "annotation", "planned": OWNER, "found": ""}]
    assert (found["owner"], found["right"]) == ("nobody (no annotation)", "plan")


def test_an_object_of_others_that_is_as_planned_is_no_drift(deployed: Deployed) -> None:
    (dn,) = [dn for dn, one in deployed.objects.items() if one["class"] == "bgpCtxPol"]
    deployed.objects[dn]["attributes"]["annotation"] = "orchestrator:terraform"
    assert deployed.report()["differences"] == []
    deployed.objects[dn]["attributes"]["holdIntvl"] = "99"
    found = the_one(deployed)
    assert (found["owner"], found["right"], found["rule"]) == ("orchestrator:terraform", "undecided", "foreign")
    assert {"attribute": "holdIntvl", "planned": "3", "found": "99"} in found["attributes"]


def test_a_shared_object_needs_an_agreement(deployed: Deployed) -> None:
    (dn,) = [dn for dn, one in deployed.objects.items() if one["class"] == "bgpCtxPol"]
    tag = {"key": "orchestrator:aci-calico:other", "value": "user"}
    deployed.objects[f"{dn}/annotationKey-[orchestrator:aci-calico:other]"] = {"class": "tagAnnotation", "attributes": tag}
    deployed.objects[dn]["attributes"]["holdIntvl"] = "99"
    found = the_one(deployed)
    assert (found["owner"], found["rule"]) == ("shared with orchestrator:aci-calico:other", "shared")


def test_fields_in_kubernetes_name_their_manager(deployed: Deployed) -> None:
    deployed.held(PEER)["spec"]["asNumber"] = 1
    fields = {"f:spec": {"f:asNumber": {}}}
    deployed.managers[PEER] = [
        {"manager": "OpenAPI-Generator", "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:spec": {"f:peerIP": {}}}},
        {"manager": "kubectl-edit", "time": "2026-01-02T00:00:00Z", "fieldsV1": fields},
    ]
    found = the_one(deployed)
    assert found["attributes"] == [{"attribute": "spec.asNumber", "planned": 65002, "found": 1}]
    assert (found["changed_by"], found["changed_at"]) == ("kubectl-edit", "2026-01-02T00:00:00Z")


def test_the_rack_of_a_node_is_a_field_of_its_labels(deployed: Deployed) -> None:
    deployed.calico["nodes"]["node-1"]["labels"]["rack_id"] = "9"
    found = the_one(deployed)
    assert found["object"] == "Node/node-1"
    assert found["attributes"] == [{"attribute": "metadata.labels.rack_id", "planned": "1", "found": "9"}]


def test_another_password_is_a_difference_without_values(deployed: Deployed) -> None:
    deployed.calico["password_matches"] = False
    found = the_one(deployed)
    assert found["object"] == "Secret/bgp-secrets"
    assert found["attributes"] == [{"attribute": "data", "planned": "a new value, not shown", "found": None}]
    deployed.calico["password_matches"] = None  # no password was given
    assert not deployed.report()["drifted"]


def test_a_peer_of_others_is_an_addition_that_may_be_named_and_a_pool_is_not(deployed: Deployed) -> None:
    api, peer = deployed.held(PEER)["apiVersion"], {"peerIP": "10.9.9.9", "asNumber": 1}
    deployed.calico["objects"].append({"apiVersion": api, "kind": "BGPPeer", "metadata": {"name": "x"}, "spec": peer})
    pool = {"apiVersion": api, "kind": "IPPool", "metadata": {"name": "y"}, "spec": {"cidr": "10.99.0.0/16"}}
    deployed.calico["objects"].append(pool)
    found = {one["object"]: one for one in deployed.report()["differences"]}
    assert {name: (one["difference"], one["rule"], one["mendable"]) for name, one in found.items()} == {
        "BGPPeer/x": ("extra", "addition", True),
        "IPPool/y": ("extra", "addition", False),
    }
    assert "10.9.9.9" in found["BGPPeer/x"]["note"]


def test_an_object_that_lost_its_labels_or_belongs_to_another_cluster_hides_nothing(deployed: Deployed) -> None:
    deployed.held(PEER)["metadata"]["labels"] = {}
    deployed.calico["nodes"]["node-1"]["labels"]["rack_id"] = "9"
    found = {one["object"]: one for one in deployed.report()["differences"]}
    assert set(found) == {PEER, "Node/node-1"}
    assert found[PEER]["owner"] == "nobody (no labels of this collection)"
    deployed.held(PEER)["metadata"]["labels"] = {MANAGED_BY_LABEL: "netops.aci_calico", CLUSTER_LABEL: "other"}
    found = {one["object"]: one for one in deployed.report()["differences"]}
    assert found[PEER]["owner"] == "cluster other"


def test_names_are_stable_and_change_with_what_was_found(deployed: Deployed) -> None:
    deployed.objects[SVI]["attributes"]["mtu"] = "1500"
    first = the_one(deployed)["name"]
    assert the_one(deployed)["name"] == first
    deployed.objects[SVI]["attributes"]["mtu"] = "1600"
    assert the_one(deployed)["name"] != first


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_no_kind_of_plan_drifts_from_itself(base: dict[str, Any]) -> None:
    deployed = Deployed(base)
    assert deployed.plan == plan_of(base)
    assert deployed.report()["differences"] == []


def test_one_request_asks_for_the_records_however_many_there_are(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "LONGEST_PATH", 3000)
    assert audit_query([]) is None
    deployed.objects[SVI]["attributes"]["mtu"] = "1500"
    query = audit_query(deployed.found())
    assert query == (
        f'/api/class/aaaModLR.json?query-target-filter=eq(aaaModLR.affected,"{SVI}")'
        "&order-by=aaaModLR.created|desc&page=0&page-size=1000"
    )
    for one in deployed.objects.values():
        if one["class"].startswith(("l3ext", "bgp")) and "annotation" in one["attributes"]:
            one["attributes"] |= {"annotation": "", "mtu": "1500", "asn": "1", "rtrId": "9.9.9.9", "name": "x"}
    many = deployed.found()
    assert len(many) > 40
    long = audit_query(many)
    assert long is not None
    assert len(long) < 1000
    assert 'wcard(aaaModLR.affected,"uni/tn-common/' in long


def test_paths_of_fields_are_spelled_with_brackets_where_names_have_dots() -> None:
    assert spelled(("metadata", "labels", "netops.aci-calico/cluster")) == "metadata.labels[netops.aci-calico/cluster]"
