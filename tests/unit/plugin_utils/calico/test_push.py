"""The changes and refusals of a push for each state of a cluster."""

from __future__ import annotations

import copy
import json

import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils.names import EXCLUDE_LABEL, EXCLUDED
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico import peers
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.push import kubernetes_push, restricted
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.undo import intended, push_back
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import PREVIEW, compare_kubernetes
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import cluster_plan
from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.classify import rehearse
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.consent import Consents
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import errors, warnings
from lab.example import worked_example
from lab.kube.objects import merge

GROUP = "crd.projectcalico.org/v1"
DEFAULT_POOL = {
    "apiVersion": GROUP,
    "kind": "IPPool",
    "metadata": {"name": "default-ipv4-ippool"},
    "spec": {
        "cidr": "10.1.0.0/16",
        "blockSize": 26,
        "ipipMode": "Always",
        "vxlanMode": "Never",
        "natOutgoing": True,
        "nodeSelector": "all()",
        "allowedUses": ["Workload"],
    },
}


@pytest.fixture
def plan():
    return cluster_plan(worked_example())


@pytest.fixture
def after(plan, fresh):
    """The cluster after its first push."""
    return pushed(fresh, kubernetes_push(plan, fresh))


@pytest.fixture
def fresh(plan):
    """A cluster with Calico as it is after installation."""
    return {
        "api_group": GROUP,
        "api_groups": [GROUP],
        "namespace": "kube-system",
        "namespaces": ["kube-system"],
        "nodes": {node["name"]: {"labels": {}, "annotations": {}} for node in plan["nodes"]},
        "objects": [copy.deepcopy(DEFAULT_POOL)],
        "password_matches": None,
        "failures": [],
    }


def pushed(found, push):
    """The cluster as ``calico_info`` finds it after a push: merge patches, creations and deletions carried out."""
    found = copy.deepcopy(found)
    objects = {(item["kind"], item["metadata"]["name"]): item for item in found["objects"]}
    for manifest in (*push["patched"], *push["applied"], *push["postponed"], *filter(None, [push["secret"]])):
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == "Node":
            metadata = merge({"metadata": found["nodes"][name]}, manifest)["metadata"]
            found["nodes"][name] = {field: metadata.get(field, {}) for field in ("labels", "annotations")}
        else:
            objects[kind, name] = merge(objects.get((kind, name), {}), manifest)
    for manifest in push["deleted"]:
        del objects[manifest["kind"], manifest["metadata"]["name"]]
    found["objects"] = list(objects.values())
    if push["password"]:
        found["password_matches"] = True
    return found


def the(found, kind, name):
    return next(item for item in found["objects"] if (item["kind"], item["metadata"]["name"]) == (kind, name))


def ids(problems):
    return [problem.id for problem in problems]


def nothing(push):
    sent = ("patched", "secret", "applied", "deleted", "postponed", "differences")
    return not any(push[name] for name in sent)


def test_first_push_sends_everything_in_order(plan, fresh):
    push = kubernetes_push(plan, fresh)
    assert [item["kind"] for item in push["patched"]] == ["Node"] * 6
    assert push["password"] is True
    assert [item["kind"] for item in push["applied"]] == ["Role", "RoleBinding", *["BGPPeer"] * 4]
    assert [item["kind"] for item in push["postponed"]] == ["IPPool", "BGPConfiguration"]
    assert push["problems"] == push["deleted"] == []
    assert push["modified"] == [*(f"Node/node-{number}" for number in range(1, 7)), "IPPool/default-ipv4-ippool"]
    assert "Secret/bgp-secrets" in push["created"]


def test_second_push_sends_nothing(plan, after):
    assert nothing(kubernetes_push(plan, after, update_password="always"))


def test_without_a_mesh_nothing_is_postponed(plan, after):
    the(after, "IPPool", "default-ipv4-ippool")["spec"]["ipipMode"] = "CrossSubnet"
    the(after, "BGPConfiguration", "default")["spec"]["logSeverityScreen"] = "Debug"
    push = kubernetes_push(plan, after)
    assert [item["kind"] for item in push["applied"]] == ["IPPool", "BGPConfiguration"]
    assert push["postponed"] == []


def test_a_mesh_that_somebody_turned_on_stays_until_the_leaves_take_over(plan, after):
    the(after, "BGPConfiguration", "default")["spec"]["nodeToNodeMeshEnabled"] = True
    the(after, "BGPPeer", "aci-leaf-202")["spec"]["asNumber"] = 1
    push = kubernetes_push(plan, after)
    assert [item["kind"] for item in push["applied"]] == ["BGPPeer"]
    assert [item["kind"] for item in push["postponed"]] == ["BGPConfiguration"]


def on_live_mesh(found, version="3.31.0", pods=9):
    """Return the cluster with pods on its mesh, and this release of Calico."""
    return {**found, "installation": {"installer": "manifests", "version": version}, "pool_pods": {"default-ipv4-ippool": pods}}


def local_asns(push):
    return [peer["spec"].get("localASNumber") for peer in push["applied"] if peer["kind"] == "BGPPeer"]


def test_the_peers_have_the_as_number_of_the_cluster_while_the_mesh_keeps_its_own(plan, fresh):
    push = kubernetes_push(plan, on_live_mesh(fresh), consents=PREVIEW)
    assert local_asns(push) == [65003] * 4
    assert push["local_asn"]
    after = {**pushed(fresh, push), "installation": {"version": "3.31.0"}}
    again = kubernetes_push(plan, after)
    assert nothing(again)
    assert again["local_asn"]
    the(after, "BGPPeer", "aci-leaf-201")["spec"]["localASNumber"] = 64999
    (change,) = kubernetes_push(plan, after)["applied"]
    assert change["spec"]["localASNumber"] is None, "that of somebody else goes"


def test_a_run_that_was_killed_before_the_nodes_had_their_as_number_is_finished(plan, fresh):
    found = pushed(fresh, kubernetes_push(plan, on_live_mesh(fresh), consents=PREVIEW))
    for node in found["nodes"].values():
        node["annotations"]["projectcalico.org/ASNumber"] = "64512"
    push = kubernetes_push(plan, on_live_mesh(found))
    assert (len(push["patched"]), push["applied"], push["postponed"]) == (6, [], [])
    rehearsal = rehearse(plan, compare_kubernetes(plan, found, push))
    assert rehearsal.overall == "hitless"


@pytest.mark.parametrize(
    "found",
    [
        pytest.param({"version": "3.30.9"}, id="an older Calico"),
        pytest.param({"version": ""}, id="a release that nobody knows"),
        pytest.param({"pods": 0}, id="no pods"),
    ],
)
def test_otherwise_the_nodes_get_their_as_number_first(plan, fresh, found):
    push = kubernetes_push(plan, on_live_mesh(fresh, **found), consents=PREVIEW)
    assert (local_asns(push), push["local_asn"]) == ([None] * 4, False)


def test_a_mesh_that_has_the_as_number_of_the_cluster_needs_no_other(plan, fresh):
    found = on_live_mesh(fresh)
    configuration = {
        "apiVersion": GROUP,
        "kind": "BGPConfiguration",
        "metadata": {"name": "default"},
        "spec": {"asNumber": 65003},
    }
    found["objects"] = [*found["objects"], configuration]
    assert not kubernetes_push(plan, found)["local_asn"]


def test_a_pool_that_is_new_carries_no_traffic_and_does_not_wait(plan, fresh):
    fresh["objects"] = []
    push = kubernetes_push(plan, fresh)
    assert "IPPool" in [item["kind"] for item in push["applied"]]
    assert [item["kind"] for item in push["postponed"]] == ["BGPConfiguration"]


def test_the_result_is_what_the_plan_says(plan, after):
    """Everything of ``kubernetes_objects`` is in the cluster, and what was in the pool besides still is."""
    for manifest in kubernetes_objects(plan, GROUP, "kube-system"):
        if manifest["kind"] in ("BGPPeer", "IPPool", "BGPConfiguration"):
            assert manifest["spec"].items() <= the(after, manifest["kind"], manifest["metadata"]["name"])["spec"].items()
    assert the(after, "IPPool", "default-ipv4-ippool")["spec"]["allowedUses"] == ["Workload"]


def test_drift_alone_is_sent(plan, after):
    the(after, "BGPPeer", "aci-leaf-202")["spec"]["asNumber"] = 1
    after["nodes"]["node-3"]["labels"]["rack_id"] = "2"
    push = kubernetes_push(plan, after)
    assert push["modified"] == ["Node/node-3", "BGPPeer/aci-leaf-202"]
    assert push["differences"]["BGPPeer/aci-leaf-202"] == {
        "before": {"spec": {"asNumber": 1}},
        "after": {"spec": {"asNumber": 65002}},
    }


def test_a_keepalive_time_that_somebody_set_goes(plan, after):
    """It would take the session down."""
    the(after, "BGPPeer", "aci-leaf-201")["spec"]["keepaliveTime"] = "10s"
    push = kubernetes_push(plan, after)
    assert push["applied"][0]["spec"]["keepaliveTime"] is None
    assert nothing(kubernetes_push(plan, pushed(after, push)))


def test_what_the_plan_has_no_more_is_removed(plan, fresh):
    """The filter, its mention in the peers, external services and load balancer addresses."""
    wider = cluster_plan(worked_example(aci_calico_bgp_filter=True, aci_calico_load_balancer_subnets=["192.168.4.0/24"]))
    after = pushed(fresh, kubernetes_push(wider, fresh))
    narrower = cluster_plan(worked_example(aci_calico_external_service_subnets=[]))
    push = kubernetes_push(narrower, after)
    assert push["removed"] == ["BGPFilter/aci-reject-learned"]
    last = pushed(after, push)
    assert all("filters" not in item["spec"] for item in last["objects"] if item["kind"] == "BGPPeer")
    configuration = the(last, "BGPConfiguration", "default")["spec"]
    assert "serviceExternalIPs" not in configuration
    assert "serviceLoadBalancerIPs" not in configuration


def test_stale_peers_and_nodes_are_released(plan, after):
    """A rack that left the plan while its nodes are still in Kubernetes."""
    racks = worked_example()["aci_calico_racks"][:1]
    smaller = cluster_plan(worked_example(aci_calico_racks=racks))
    assert refused(smaller, after) == ["consent-missing"] * 3, "one for each node that is alive"
    after["nodes"]["node-4"]["unschedulable"] = True
    assert refused(smaller, after) == ["consent-missing"] * 3, "a node that is only drained still gets services' traffic"
    after["nodes"]["node-4"]["labels"][EXCLUDE_LABEL] = EXCLUDED
    named = frozenset({"release:node-5", "release:node-6"})
    push = kubernetes_push(smaller, after, consents=Consents(named))
    assert push["problems"] == []
    assert push["removed"] == ["BGPPeer/aci-leaf-203", "BGPPeer/aci-leaf-204"]
    released = pushed(after, push)["nodes"]["node-5"]
    assert "rack_id" not in released["labels"]
    # Its address is calico-node's own business; without it the node would lose its routes.
    assert set(released["annotations"]) == {"projectcalico.org/IPv4Address"}


def test_foreign_peers_and_filters_are_never_removed(plan, fresh):
    for kind in ("BGPPeer", "BGPFilter"):
        manifest = {"apiVersion": GROUP, "kind": kind, "metadata": {"name": "theirs"}, "spec": {"peerIP": "198.51.100.1"}}
        fresh["objects"].append(manifest)
    push = kubernetes_push(plan, fresh)
    assert push["deleted"] == []
    assert ids(warnings(push["problems"])) == ["peer-unplanned"]


# --- the password ----------------------------------------------------------------------------------------------------


def test_a_password_that_differs_stays_and_is_pointed_out(plan, after):
    after["password_matches"] = False
    push = kubernetes_push(plan, after, update_password="on_create")
    assert nothing(push)
    assert ids(warnings(push["problems"])) == ["secret-differs"]


def test_a_rotation_that_is_not_finished_stops_a_push_and_an_undo(plan, after):
    """The push would let peers refer to the key that the leaves do not have any more."""
    after["secret_keys"] = ["rr-password", "rr-password-next"]
    assert refused(plan, after) == ["rotation-unfinished"]
    kept = {"objects": [], "nodes": {}, "stored_metadata": {}}
    assert ids(push_back(plan, after, kept)["problems"]) == ["rotation-unfinished"]
    after["password_matches"] = False
    assert kubernetes_push(plan, after, rotating=True)["problems"] == []


def test_rotation_replaces_a_password_that_differs(plan, after):
    after["password_matches"] = False
    push = kubernetes_push(plan, after, update_password="always")
    assert push["problems"] == []
    assert push["password"] is True
    assert push["modified"] == ["Secret/bgp-secrets"]
    assert push["differences"]["Secret/bgp-secrets"] == {"before": {}, "after": {"data": "a new value, not shown"}}


def test_a_secret_without_its_labels_keeps_its_value(plan, after):
    del the(after, "Secret", "bgp-secrets")["metadata"]["labels"]
    push = kubernetes_push(plan, after, adopt=True)
    assert push["secret"]["metadata"]["labels"]
    assert push["password"] is False


# --- refusals --------------------------------------------------------------------------------------------------------


def refused(plan, found, **options):
    """The rules that refuse; nothing may be sent then."""
    push = kubernetes_push(plan, found, **options)
    assert nothing(push)
    assert all(problem.remedy for problem in push["problems"])
    return ids(errors(push["problems"]))


def test_everything_in_the_way_is_said_at_once(plan, fresh):
    del fresh["nodes"]["node-2"], fresh["nodes"]["node-6"]
    fresh.update(api_group=None, api_groups=[], namespace=None, namespaces=[])
    assert refused(plan, fresh) == ["calico-missing", "calico-node-missing"]


def test_two_calico_nodes_are_no_choice(plan, fresh):
    fresh.update(namespace=None, namespaces=["calico-system", "kube-system"])
    assert refused(plan, fresh) == ["calico-node-missing"]


def test_the_asked_for_api_group_is_not_served(plan, fresh):
    plan["calico"]["api_group"] = "projectcalico.org/v3"
    fresh["api_group"] = None
    push = kubernetes_push(plan, fresh)
    assert "projectcalico.org/v3 (it serves crd.projectcalico.org/v1)" in push["problems"][0].problem


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_what_cannot_be_read(plan, fresh, status):
    fresh["failures"] = [{"path": "/api/v1/nodes", "status": status, "message": "no"}]
    assert refused(plan, fresh) == ["unreadable"]


@pytest.mark.parametrize(
    ("name", "spec", "rule"),
    [
        ("default-ipv4-ippool", {"cidr": "10.9.0.0/16"}, "pool-cidr"),
        ("default-ipv4-ippool", {"blockSize": 27}, "pool-block-size"),
        *(("theirs", {"cidr": cidr}, "pool-in-the-way") for cidr in ("10.0.0.0/8", "10.1.128.0/24")),
    ],
)
def test_a_pool_that_hinders_the_planned_one(plan, fresh, name, spec, rule):
    fresh["objects"][0]["metadata"]["name"] = name
    fresh["objects"][0]["spec"].update(spec)
    assert refused(plan, fresh) == [rule]


def test_a_pool_without_block_size_has_calicos_default(plan, fresh):
    del fresh["objects"][0]["spec"]["blockSize"]
    assert errors(kubernetes_push(plan, fresh)["problems"]) == []


def test_another_pool_elsewhere_is_a_warning(plan, fresh):
    fresh["objects"][0]["metadata"]["name"] = "theirs"
    fresh["objects"][0]["spec"]["cidr"] = "10.2.0.0/16"
    assert ids(warnings(kubernetes_push(plan, fresh)["problems"])) == ["pool-unplanned"]
    fresh["objects"][0]["spec"]["disabled"] = True
    assert warnings(kubernetes_push(plan, fresh)["problems"]) == []


def test_a_pool_of_load_balancer_addresses_has_no_pods(plan, after):
    pool = copy.deepcopy(DEFAULT_POOL) | {"metadata": {"name": "lent"}}
    pool["spec"] |= {"cidr": "192.168.7.0/24", "allowedUses": ["LoadBalancer"]}
    after["objects"].append(pool)
    (problem,) = kubernetes_push(plan, after)["problems"]
    assert (problem.id, problem.path, "not announce" in problem.problem) == ("pool-unplanned", "IPPool/lent", True)
    lending = cluster_plan(worked_example(aci_calico_load_balancer_subnets=["192.168.7.0/24"]))
    assert kubernetes_push(lending, after)["problems"] == []
    named = cluster_plan(worked_example(aci_calico_load_balancer_subnets=["192.168.7.0/24"], aci_calico_pools=["192.168.7.0/24"]))
    push = kubernetes_push(named, after)
    assert push["differences"]["IPPool/lent"]["after"]["spec"] == {"ipipMode": "Never", "natOutgoing": False}
    after["installation"] = {"version": "3.29.1"}
    assert ids(kubernetes_push(named, after)["problems"]) == ["calico-too-old"]


OLD, NEW = "10.1.0.0/16", "10.2.0.0/16"


def exchanging(found, both, entries, pods=None):
    """Push one step of the exchange of a pod subnet; return the plan, the push and the cluster after it."""
    plan = cluster_plan(worked_example(aci_calico_pod_subnets=both, aci_calico_pools=entries))
    push = kubernetes_push(plan, {**found, "pool_pods": pods})
    return plan, push, pushed(found, push)


def test_a_pod_subnet_is_exchanged_in_three_steps(after):
    plan, push, both = exchanging(after, [OLD, NEW], [{"cidr": OLD, "disabled": True}])
    assert push["differences"]["IPPool/default-ipv4-ippool"]["after"] == {"spec": {"disabled": True}}
    assert plan["route_control"]["import"]["ipv4"].count(OLD) == plan["route_control"]["import"]["ipv4"].count(NEW) == 1
    assert nothing(exchanging(both, [OLD, NEW], [{"cidr": OLD, "disabled": True}])[1])
    assert nothing(exchanging(both, [OLD, NEW], [])[1]), "what is not said stays as it is"
    plan, push, __ = exchanging(both, [NEW], [], {"default-ipv4-ippool": 2})
    assert (ids(push["problems"]), push["differences"]) == (["pool-in-use"], {})
    assert "2 pods" in push["problems"][0].problem
    for pods, operated, left in ((None, False, ["pool-left"]), ({"default-ipv4-ippool": 0}, True, ["pool-left"])):
        found = copy.deepcopy(both)
        found["installation"] = {"pools": [{"cidr": OLD}] if operated else []}
        push = exchanging(found, [NEW], [], pods)[1]
        assert (ids(push["problems"]), push["removed"]) == (left, [])
    plan, push, done = exchanging(both, [NEW], [], {"default-ipv4-ippool": 0})
    assert (push["problems"], push["removed"]) == ([], ["IPPool/default-ipv4-ippool"])
    assert plan["route_control"]["import"]["ipv4"].count(OLD) == 0
    assert nothing(exchanging(done, [NEW], [])[1])


def by_operator(found, managed_by="tigera-operator", installer="operator", **entry):
    """The cluster as the operator installs it: a pool without the keys that Go leaves out, and its Installation."""
    pool = {"cidr": "10.1.0.0/16", "blockSize": 26, "nodeSelector": "all()", "allowedUses": ["Workload", "Tunnel"]}
    declared = {**pool, "name": "default-ipv4-ippool", "encapsulation": "IPIP", "natOutgoing": "Enabled", **entry}
    if declared["encapsulation"] != "None":
        pool |= {"ipipMode": "Always", "vxlanMode": "Never"}
    if declared["natOutgoing"] == "Enabled":
        pool["natOutgoing"] = True
    labels = {"app.kubernetes.io/managed-by": managed_by} if managed_by else {}
    metadata = {"name": "default-ipv4-ippool", "labels": labels}
    installation = {"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "metadata": {"name": "default"}}
    installation["spec"] = {"calicoNetwork": {"bgp": "Enabled", "ipPools": [declared]}}
    found["objects"] = [{**DEFAULT_POOL, "metadata": metadata, "spec": pool}, installation]
    found["installation"] = {"installer": installer, "version": "3.32.1", "pools": [declared]}
    return found


AS_PLANNED = {"encapsulation": "None", "natOutgoing": "Disabled"}


@pytest.mark.parametrize("label", ["tigera-operator", None])
def test_a_pool_of_the_operator_that_means_what_the_plan_says(plan, fresh, label):
    """Go leaves out false, and ``Never`` of a pool without encapsulation. Pools from before 3.28 have no label."""
    push = kubernetes_push(plan, by_operator(fresh, label, **AS_PLANNED))
    assert push["problems"] == []
    assert (push["installation"], push["snippet"]) == (None, "")
    assert [manifest["kind"] for manifest in push["postponed"]] == ["BGPConfiguration"]
    assert nothing(kubernetes_push(plan, pushed(fresh, push)))


def test_a_pool_of_the_operator_is_changed_through_the_installation(plan, fresh):
    push = kubernetes_push(plan, by_operator(fresh), manage_installation=True)
    assert push["problems"] == []
    assert [manifest["kind"] for manifest in push["postponed"]] == ["BGPConfiguration"]
    (entry,) = push["installation"]["spec"]["calicoNetwork"]["ipPools"]
    assert (entry["encapsulation"], entry["natOutgoing"], entry["name"]) == ("None", "Disabled", "default-ipv4-ippool")
    assert "Installation/default" in push["modified"]
    assert push["differences"]["Installation/default"]["before"]
    assert json.loads(push["installation"]["metadata"]["annotations"]["netops.aci-calico/before"])["calicoNetwork"]["ipPools"]


def test_teardown_gives_the_installation_back(plan, fresh):
    push = kubernetes_push(plan, by_operator(fresh), manage_installation=True)
    declared = the(fresh, "Installation", "default")["spec"]
    after = pushed(fresh, {**push, "postponed": [*push["postponed"], push["installation"]]})
    bare = pushed(after, kubernetes_push(plan, after, state="absent"))
    assert the(bare, "Installation", "default")["spec"] == declared
    assert the(bare, "Installation", "default")["metadata"]["annotations"] == {}


@pytest.mark.parametrize(
    ("installer", "manage", "told"),
    [("operator", False, "kubectl patch installation default"), ("rke2", True, "kind: HelmChartConfig")],
)
def test_without_leave_to_change_it_the_run_says_what_to_apply(plan, fresh, installer, manage, told):
    push = kubernetes_push(plan, by_operator(fresh, installer=installer), manage_installation=manage)
    assert ids(warnings(push["problems"])) == ["pool-of-operator"]
    assert push["installation"] is None
    assert told in push["snippet"]
    assert "encapsulation: None" in push["snippet"]
    assert push["applied"], "everything else is configured"


def test_a_pool_of_a_planned_cidr_is_the_planned_pool(plan, fresh):
    """Kubespray calls it default-pool."""
    the(fresh, "IPPool", "default-ipv4-ippool")["metadata"]["name"] = "default-pool"
    fresh["installation"] = {"installer": "kubespray", "version": "3.30.1"}
    push = kubernetes_push(plan, fresh)
    assert ids(push["problems"]) == ["kubespray-undoes"]
    assert "IPPool/default-pool" in push["modified"]
    assert kubernetes_push(plan, pushed(fresh, push))["problems"] == []


def test_an_operator_that_is_degraded_is_pointed_out(plan, fresh):
    by_operator(fresh)["installation"]["degraded"] = ["Unable to modify IP pools while Calico API server is unavailable"]
    push = kubernetes_push(plan, fresh, manage_installation=True)
    assert ids(push["problems"]) == ["operator-degraded"]


@pytest.mark.parametrize(("version", "expected"), [("3.26.4", ["calico-too-old"]), ("3.27.0", []), ("", [])])
def test_a_field_that_this_release_does_not_have(fresh, version, expected):
    plan = cluster_plan(worked_example(aci_calico_bgp_filter=True))
    fresh["installation"] = {"installer": "manifests", "version": version}
    assert ids(errors(kubernetes_push(plan, fresh)["problems"])) == expected


def test_metadata_that_the_aggregated_server_stored_is_changed_there(plan, after):
    """Raw v1 labels and annotations do not replace those that Calico keeps in its annotation."""
    pool = the(after, "IPPool", "default-ipv4-ippool")
    before = pool["metadata"]["annotations"]["netops.aci-calico/before"]
    stored = {"annotations": {"netops.aci-calico/before": before, "other": "kept"}, "creationTimestamp": None}
    after["stored_metadata"] = {"IPPool/default-ipv4-ippool": stored}
    push = kubernetes_push(plan, after, state="absent")
    (patch,) = [manifest for manifest in push["patched"] if manifest["kind"] == "IPPool"]
    changed = json.loads(patch["metadata"]["annotations"]["projectcalico.org/metadata"])
    assert changed == {"annotations": {"other": "kept"}, "creationTimestamp": None}


def test_objects_of_our_names_that_somebody_else_made(plan, after):
    for kind, name in (("BGPPeer", "aci-leaf-201"), ("Secret", "bgp-secrets")):
        del the(after, kind, name)["metadata"]["labels"]
    assert refused(plan, after) == ["foreign", "foreign"]
    adopted = kubernetes_push(plan, after, adopt=True)
    assert adopted["modified"] == ["Secret/bgp-secrets", "BGPPeer/aci-leaf-201"]


def test_objects_of_another_cluster_are_not_even_adopted(plan, after):
    the(after, "BGPPeer", "aci-leaf-201")["metadata"]["labels"]["netops.aci-calico/cluster"] = "prod2"
    assert refused(plan, after, adopt=True) == ["other-cluster"]


def test_a_peer_made_by_hand_for_one_of_our_leaves(plan, fresh):
    peer = {"apiVersion": GROUP, "kind": "BGPPeer", "metadata": {"name": "201"}, "spec": {"peerIP": "192.168.2.201"}}
    fresh["objects"].append(peer)
    assert refused(plan, fresh) == ["peer-in-the-way"]


def by_hand(name="tor-a", **spec):
    reference = {"secretKeyRef": {"name": "bgp-secrets", "key": "rr-password"}}
    spec = {"peerIP": "192.168.2.201:179", "asNumber": 65002, "password": reference, "sourceAddress": "None", **spec}
    return {"apiVersion": GROUP, "kind": "BGPPeer", "metadata": {"name": name}, "spec": spec}


def test_a_peer_made_by_hand_is_taken_over_in_place_and_given_back(plan, fresh):
    mine = by_hand(nodeSelector="all()")
    fresh["objects"].append(mine)
    push = kubernetes_push(plan, fresh, adopt=True)
    assert (push["problems"], push["deleted"]) == ([], [])
    assert "BGPPeer/tor-a" in push["modified"]
    assert "BGPPeer/aci-leaf-201" not in push["created"]
    taken = pushed(fresh, push)
    spec = the(taken, "BGPPeer", "tor-a")["spec"]
    assert (spec["peerIP"], spec["nodeSelector"], spec.get("sourceAddress")) == ("192.168.2.201", 'rack_id == "1"', None)
    assert nothing(kubernetes_push(plan, taken)), "it is the planned peer from now on, with and without adopt"
    last = pushed(taken, kubernetes_push(plan, taken, state="absent"))
    assert the(last, "BGPPeer", "tor-a")["spec"] == mine["spec"]
    assert not the(last, "BGPPeer", "tor-a")["metadata"].get("labels")
    assert [item["metadata"]["name"] for item in last["objects"] if item["kind"] == "BGPPeer"] == ["tor-a"]
    second = cluster_plan(worked_example(aci_calico_racks=worked_example()["aci_calico_racks"][1:]))
    consents = Consents(frozenset(f"release:node-{number}" for number in (1, 2, 3)))
    push = kubernetes_push(second, taken, consents=consents)
    assert ("BGPPeer/tor-a" in push["modified"], push["removed"]) == (True, ["BGPPeer/aci-leaf-202"])
    assert the(pushed(taken, push), "BGPPeer", "tor-a")["spec"] == mine["spec"], "given back as well if its leaf leaves the plan"


def test_a_peer_with_another_password_loses_its_sessions_when_it_is_taken_over(plan, fresh):
    fresh["objects"].append(by_hand(password=None))
    assert refused(plan, fresh, adopt=True) == ["consent-missing"]
    assert kubernetes_push(plan, fresh, adopt=True, consents=Consents(frozenset({"session-reset"})))["problems"] == []


def test_of_several_peers_of_one_leaf_one_is_taken_over(plan, fresh):
    fresh["objects"] += [by_hand("b", node="node-2"), by_hand("a", node="node-1")]
    assert refused(plan, fresh, adopt=True) == ["peer-in-the-way"]
    (problem,) = errors(kubernetes_push(plan, fresh, adopt=True)["problems"])
    assert (problem.path, "select all nodes" in problem.remedy) == ("BGPPeer/b", True)
    fresh["objects"][-1]["metadata"]["labels"] = {
        "app.kubernetes.io/managed-by": "netops.aci_calico",
        "netops.aci-calico/cluster": "other",
    }
    (problem,) = errors(kubernetes_push(plan, fresh, adopt=True)["problems"])
    assert problem.path == "BGPPeer/a", "a peer of another cluster is never taken over"


@pytest.mark.parametrize(
    ("pods", "transit", "expected"),
    [
        (None, False, []),
        ({"default-ipv4-ippool": 0}, False, []),
        ({"default-ipv4-ippool": 3}, False, ["consent-missing"]),
        ({"default-ipv4-ippool": 3}, True, ["nat-ends"]),
    ],
)
def test_the_end_of_source_nat_is_announced(plan, fresh, pods, transit, expected):
    if transit:
        plan["transit"] = [{"inside": {"ipv4": ["10.1.0.0/16"]}}]
    fresh["pool_pods"] = pods
    problems = kubernetes_push(plan, fresh)["problems"]
    assert ids(problems) == expected
    assert all("3 pods" in problem.problem for problem in problems)
    assert "consent-missing" not in ids(
        kubernetes_push(plan, fresh, consents=Consents(frozenset({"traffic-interruption"})))["problems"]
    )


@pytest.mark.parametrize("field", ["nodeMeshPassword", "nodeMeshMaxRestartTime"])
def test_settings_that_need_the_mesh(plan, fresh, field):
    configuration = {"apiVersion": GROUP, "kind": "BGPConfiguration", "metadata": {"name": "default"}, "spec": {field: "x"}}
    fresh["objects"].append(configuration)
    assert refused(plan, fresh) == ["mesh-setting"]


def test_a_node_that_the_plan_does_not_know_is_named(plan, fresh, after):
    for found in (fresh, after):
        found["nodes"]["node-7"] = {"labels": {}, "annotations": {}}
        push = kubernetes_push(plan, found)
        assert ids(warnings(push["problems"])) == ["node-unplanned"]
        assert push["strangers"] == ["node-7"]


def test_a_planned_node_that_is_not_in_kubernetes_is_pending(plan, fresh):
    del fresh["nodes"]["node-2"]
    push = kubernetes_push(plan, fresh)
    assert ids(push["problems"]) == ["node-pending"]
    assert push["pending"] == ["node-2"]
    assert "Node/node-2" not in push["modified"]
    assert [manifest["kind"] for manifest in push["postponed"]] == ["IPPool", "BGPConfiguration"]


# --- teardown --------------------------------------------------------------------------------------------------------


def test_teardown_leaves_what_was_there_before(plan, after):
    bare = pushed(after, kubernetes_push(plan, after, state="absent"))
    assert {(item["kind"], item["metadata"]["name"]) for item in bare["objects"]} == {("IPPool", "default-ipv4-ippool")}
    assert the(bare, "IPPool", "default-ipv4-ippool")["spec"] == DEFAULT_POOL["spec"]
    assert all(node["labels"] == {} for node in bare["nodes"].values())
    assert nothing(kubernetes_push(plan, bare, state="absent"))


def test_teardown_puts_a_configuration_back(plan, fresh):
    spec = {"asNumber": 64512, "nodeToNodeMeshEnabled": True, "serviceClusterIPs": [{"cidr": "10.96.0.0/16"}]}
    fresh["objects"].append(
        {"apiVersion": GROUP, "kind": "BGPConfiguration", "metadata": {"name": "default"}, "spec": copy.deepcopy(spec)}
    )
    after = pushed(fresh, kubernetes_push(plan, fresh))
    # A later push must not take its own settings for what was there before.
    subnets = {"aci_calico_service_subnets": ["192.168.12.0/22"], "aci_calico_load_balancer_subnets": ["192.168.4.0/24"]}
    changed = cluster_plan(worked_example(**subnets))
    after = pushed(after, kubernetes_push(changed, after))
    bare = pushed(after, kubernetes_push(plan, after, state="absent"))
    restored = the(bare, "BGPConfiguration", "default")
    assert restored["spec"] == spec
    assert not restored["metadata"].get("annotations")


def test_teardown_brings_the_mesh_back_before_the_peers_go(plan, fresh):
    """Patches come before deletions, and a configuration made by the collection is deleted first."""
    push = kubernetes_push(plan, pushed(fresh, kubernetes_push(plan, fresh)), state="absent")
    assert push["removed"][0] == "BGPConfiguration/default"


def test_teardown_touches_nothing_of_others(plan, after):
    theirs = copy.deepcopy(the(after, "BGPPeer", "aci-leaf-201"))
    theirs["metadata"].update(name="theirs", labels={"app.kubernetes.io/managed-by": "netops.aci_calico"})
    after["objects"].append(theirs)
    after["nodes"]["node-9"] = {"labels": {"rack_id": "1", "netops.aci-calico/cluster": "prod2"}, "annotations": {}}
    bare = pushed(after, kubernetes_push(plan, after, state="absent"))
    assert theirs in bare["objects"]
    assert bare["nodes"]["node-9"] == after["nodes"]["node-9"]


def test_teardown_asks_for_nothing(plan, fresh):
    """A cluster that lost its nodes and its Calico can still be taken off the books."""
    fresh.update(api_group=None, namespace=None, nodes={}, objects=[])
    push = kubernetes_push(plan, fresh, state="absent")
    assert nothing(push)
    assert errors(push["problems"]) == []


def test_teardown_removes_nothing_as_long_as_something_cannot_be_read(plan, fresh):
    after = pushed(fresh, kubernetes_push(plan, fresh))
    after["failures"] = [{"path": "/apis/crd.projectcalico.org/v1/bgppeers", "status": 403, "message": "no"}]
    push = kubernetes_push(plan, after, state="absent")
    assert [problem.id for problem in errors(push["problems"])] == ["unreadable"]
    assert nothing(push)


def test_the_result_is_plain_data(plan, fresh):
    push = kubernetes_push(plan, fresh)
    assert json.loads(json.dumps(push)) == push


def test_the_journal_of_a_limited_push_names_nothing_else(plan, after):
    node = plan["nodes"][0]["name"]
    after["nodes"][node]["labels"].clear()
    (peer,) = [one for one in after["objects"] if one["kind"] == "BGPPeer"][:1]
    after["objects"].remove(peer)
    stale = copy.deepcopy(peer)
    stale["metadata"]["name"] = "stale"
    stale["spec"]["peerIP"] = "192.0.2.9"
    after["objects"].append(stale)
    whole = kubernetes_push(plan, after)
    assert [bool(whole[name]) for name in ("created", "modified", "removed")] == [True] * 3
    assert intended(restricted(plan, after, whole, ["BGPPeer/stale"])) == {
        "created": [],
        "modified": {},
        "deleted": ["BGPPeer/stale"],
    }
    peers = [f"BGPPeer/{peer['metadata']['name']}"]
    assert intended(restricted(plan, after, whole, peers)) == {"created": peers, "modified": {}, "deleted": []}


def test_a_named_peer_that_is_as_planned_again_stays(plan, after):
    (peer,) = [one for one in after["objects"] if one["kind"] == "BGPPeer"][:1]
    foreign = {**peer, "metadata": {"name": "foreign"}, "spec": {**peer["spec"], "peerIP": "192.0.2.9"}}
    after["objects"].append(foreign)
    named = [f"BGPPeer/{peer['metadata']['name']}", "BGPPeer/foreign"]
    limited = restricted(plan, after, kubernetes_push(plan, after), named)
    assert [one["metadata"]["name"] for one in limited["deleted"]] == ["foreign"]


def test_the_address_of_each_existing_peer_is_read_once(monkeypatch):
    """Clusters with standard SVI have thousands of peers."""
    asked = []
    monkeypatch.setattr(peers, "target_of", lambda peer: asked.append(peer) or peer["spec"]["peerIP"])
    planned = [{"metadata": {"name": f"new-{number}"}, "spec": {"peerIP": f"192.0.2.{number}"}} for number in range(50)]
    labels = {"app.kubernetes.io/managed-by": "x"}
    theirs = [
        {"kind": "BGPPeer", "metadata": {"name": f"old-{number}", "labels": labels}, "spec": {"peerIP": f"192.0.2.{number}"}}
        for number in range(25, 75)
    ]
    assert peers.names_as_found(planned, theirs, "prod1", adopt=True) == {f"new-{n}": f"old-{n}" for n in range(25, 50)}
    assert len(asked) == len(theirs)
