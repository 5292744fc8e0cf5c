"""The classes of planted changes, from a deployed plan to another one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from unit.plugin_utils.sample_plans import (
    FLOATING,
    MANAGED,
    SECOND_FAMILY,
    STANDARD,
    cabled_node,
    compiled,
    contract,
    dual_stack,
    plan_of,
    recorded,
    variables,
)

from ansible_collections.netops.aci_calico.plugins.module_utils.names import EXCLUDE_LABEL, EXCLUDED
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import (
    Change,
    Comparison,
    between_plans,
    compare_apic,
    compare_kubernetes,
)
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import _found as cluster_of
from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.classify import Rehearsal, missing_consents, rehearse
from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.conditions import CONDITIONS
from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.document import MOST, as_markdown, as_text
from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.rules import CLASSES, RULES, UNKNOWN
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.consent import Consents

HITLESS, PATH, RESET, LOSS, TRAFFIC = CLASSES
DUAL = dual_stack(FLOATING)
NODES = {f"node-{number}": str((number + 2) // 3) for number in range(1, 7)}


def planned(base: dict[str, Any], **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the plan of a base and that of its changes, with the allocation that the first one recorded."""
    before = compiled(base)
    return before.require(), plan_of(base, {"ledger": recorded(before)}, **changes)


def rehearsed(base: dict[str, Any], gone: tuple[str, ...] = (), update_password: str = "on_create", **changes: Any) -> Rehearsal:
    """Return the rehearsal of changes. ``gone`` are nodes that left Kubernetes before."""
    before, after = planned(base, **changes)
    comparison = between_plans(before, after, update_password=update_password)
    without(comparison, gone)
    return rehearse(after, comparison)


def without(comparison: Comparison, gone: tuple[str, ...]) -> None:
    """Take nodes out of Kubernetes."""
    for name in gone:
        del comparison.nodes[name]
        comparison.changes = [one for one in comparison.changes if one.object != f"Node/{name}"]


def edited(base: dict[str, Any], edit: Callable[[list[dict[str, Any]]], Any]) -> list[dict[str, Any]]:
    """Return the racks of a base after an edit."""
    racks = copy.deepcopy(base["aci_calico_racks"])
    edit(racks)
    return racks


def added_node(racks: list[dict[str, Any]]) -> None:
    racks[0]["nodes"].append("node-9")


def removed_node(racks: list[dict[str, Any]]) -> None:
    racks[0]["nodes"].remove("node-3")


def moved_node(racks: list[dict[str, Any]]) -> None:
    racks[0]["nodes"].remove("node-3")
    racks[1]["nodes"].append("node-3")


def added_rack(racks: list[dict[str, Any]]) -> None:
    racks.append({"id": 3, "leaves": [205, 206], "nodes": ["node-7"]})


def replaced_leaf(racks: list[dict[str, Any]]) -> None:
    racks[0]["leaves"][1] = 207


def removed_leaf(racks: list[dict[str, Any]]) -> None:
    del racks[0]["leaves"][1]


def added_leaf(racks: list[dict[str, Any]]) -> None:
    racks[0]["leaves"].append(202)


def removed_rack(racks: list[dict[str, Any]]) -> None:
    racks.pop()


def racks(
    base: dict[str, Any], edit: Callable[[list[dict[str, Any]]], Any], **more: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a base with a change of its racks."""
    return base, {"racks": edited(base, edit), **more}


def cabled(racks: list[dict[str, Any]]) -> None:
    racks[0]["nodes"][0] = cabled_node(racks[0]["nodes"][0], "1/1")


def cabled_more(racks: list[dict[str, Any]]) -> None:
    racks[0]["nodes"].append(cabled_node("node-9", "1/9"))


def cabled_last(racks: list[dict[str, Any]]) -> None:
    racks[-1]["nodes"][0] = cabled_node(racks[-1]["nodes"][0], "1/1")


def on_ports(base: dict[str, Any]) -> dict[str, Any]:
    """Return a base whose access policies the collection manages, with a node on named ports."""
    return variables(base, **MANAGED, racks=edited(base, cabled))


# fmt: off
POOL = {"cidr": "10.1.0.0/16"}
LAST_ON_PORTS = variables(FLOATING, **MANAGED, racks=edited(FLOATING, cabled_last))
ONE_LEAF = variables(FLOATING, racks=edited(FLOATING, removed_leaf))
LIMITED = variables(FLOATING, bgp_prefix_limit=100)
ALL = {"renumber": ["all"]}
# What is planted, and its class.
PLANTED: dict[str, tuple[tuple[dict[str, Any], dict[str, Any]], str]] = {
    "nothing": ((FLOATING, {}), HITLESS),
    "a node more, floating": (racks(FLOATING, added_node), HITLESS),
    "a node more, standard": (racks(STANDARD, added_node), PATH),
    "a node more, dual stack": (racks(DUAL, added_node), HITLESS),
    "a node less, floating": (racks(FLOATING, removed_node), TRAFFIC),
    "a node less, standard": (racks(STANDARD, removed_node), TRAFFIC),
    "a node less that is gone, floating": (racks(FLOATING, removed_node, gone=("node-3",)), HITLESS),
    "a node less that is gone, standard": (racks(STANDARD, removed_node, gone=("node-3",)), HITLESS),
    "a node in another rack, floating": (racks(FLOATING, moved_node), TRAFFIC),
    "a node in another rack, standard": (racks(STANDARD, moved_node), TRAFFIC),
    "a rack more, floating": (racks(FLOATING, added_rack), PATH),
    "a rack more, standard": (racks(STANDARD, added_rack), PATH),
    "a rack less, floating": (racks(FLOATING, removed_rack), TRAFFIC),
    "a rack less that is gone, floating": (racks(FLOATING, removed_rack, gone=("node-4", "node-5", "node-6")), HITLESS),
    "a rack less that is gone, standard": (racks(STANDARD, removed_rack, gone=("node-4", "node-5", "node-6")), HITLESS),
    "a replaced leaf, floating": (racks(FLOATING, replaced_leaf), TRAFFIC),
    "a replaced leaf, standard": (racks(STANDARD, replaced_leaf), TRAFFIC),
    "a leaf more, floating": (racks(ONE_LEAF, added_leaf), TRAFFIC),
    "a leaf less, floating": (racks(FLOATING, removed_leaf), TRAFFIC),
    "another L3Out": ((FLOATING, {"l3out": "other"}), TRAFFIC),
    "another VLAN, floating": ((FLOATING, {"vlan": 301, **ALL}), TRAFFIC),
    "another VLAN, dual stack": ((DUAL, {"vlan": 301, **ALL}), TRAFFIC),
    "other VLANs, standard": ((STANDARD, {"vlan": "400-463", **ALL}), TRAFFIC),
    "another VLAN mode": ((STANDARD, {"vlan_mode": "native"}), TRAFFIC),
    "a smaller MTU": ((FLOATING, {"mtu": 1500}), TRAFFIC),
    "a larger MTU": ((STANDARD, {"mtu": 9100}), RESET),
    "other node addresses": ((FLOATING, {"node_subnets": ["192.168.12.0/24"], "racks": [
        {"id": 1, "leaves": [201, 202], "nodes": ["node-1", "node-2", "node-3"]},
        {"id": 2, "leaves": [203, 204], "nodes": ["node-4", "node-5", "node-6"]}], **ALL}), TRAFFIC),
    "another pod subnet": ((FLOATING, {"pod_subnets": ["10.2.0.0/16"]}), TRAFFIC),
    "a pod subnet more": ((FLOATING, {"pod_subnets": ["10.1.0.0/16", "10.2.0.0/16"]}), HITLESS),
    "another service subnet": ((STANDARD, {"service_subnets": ["192.168.12.0/22"]}), TRAFFIC),
    "a load balancer subnet more": ((FLOATING, {"load_balancer_subnets": ["192.168.7.0/24", "192.168.12.0/24"]}), HITLESS),
    "a prefix less for import": ((FLOATING, {"import_subnets": ["10.1.0.0/16", "192.168.2.0/24"]}), LOSS),
    "another AS number of the cluster": ((FLOATING, {"cluster_asn": 65010}), TRAFFIC),
    "another AS number of the fabric": ((STANDARD, {"fabric_asn": 65020}), TRAFFIC),
    "a password that both sides have": ((FLOATING, {"update_password": "always"}), HITLESS),
    "other timers": ((FLOATING, {"bgp_keepalive": 3, "bgp_hold": 9}), RESET),
    "no graceful restart": ((STANDARD, {"bgp_graceful_restart": False}), RESET),
    "a higher AS limit": ((FLOATING, {"bgp_as_limit": 2}), HITLESS),
    "no AS limit": ((FLOATING, {"bgp_as_limit": 0}), HITLESS),
    "other ECMP paths": ((STANDARD, {"bgp_ecmp_ebgp": 32}), PATH),
    "other ECMP paths, dual stack": ((DUAL, {"bgp_ecmp_ibgp": 16}), PATH),
    "strict best paths": ((FLOATING, {"bgp_as_path_relax": False}), PATH),
    "a timers policy of others": ((FLOATING, {"bgp_timers_policy": "theirs"}), RESET),
    "a prefix limit": ((FLOATING, {"bgp_prefix_limit": 100}), LOSS),
    "a prefix limit that logs": ((FLOATING, {"bgp_prefix_limit": 100, "bgp_prefix_limit_action": "log"}), HITLESS),
    "other router IDs": ((FLOATING, {"router_id_base": "2.2.2.0"}), RESET),
    "another external EPG": ((FLOATING, {"external_epg": "other"}), TRAFFIC),
    "a microsegment": ((FLOATING, {"microsegments": [{"name": "pay", "subnets": ["10.1.3.0/24"]}]}), TRAFFIC),
    "another VRF": ((FLOATING, {"vrf": "other"}), TRAFFIC),
    "another L3 domain": ((FLOATING, {"l3_domain": "other"}), TRAFFIC),
    "another physical domain": ((FLOATING, {"physical_domain": "other"}), TRAFFIC),
    "another rack label": ((FLOATING, {"rack_label": "rack"}), RESET),
    "another Secret": ((STANDARD, {"bgp_secret_name": "other"}), RESET),
    "a BGP filter": ((FLOATING, {"bgp_filter": True}), HITLESS),
    "leaked subnets": ((FLOATING, {"external_epg_scopes": ["import-security", "shared-security", "shared-rtctrl"]}), HITLESS),
    "access policies": ((FLOATING, MANAGED), HITLESS),
    "ports of running nodes, floating": (racks(FLOATING, cabled, **MANAGED), TRAFFIC),
    "ports of running nodes, standard": (racks(STANDARD, cabled, **MANAGED), TRAFFIC),
    "ports of a node more": (racks(on_ports(FLOATING), cabled_more), HITLESS),
    "ports of a rack less": (racks(LAST_ON_PORTS, removed_rack), TRAFFIC),
    "ports of a rack less that is gone": (racks(LAST_ON_PORTS, removed_rack, gone=("node-4", "node-5", "node-6")), HITLESS),
    "other names of policy groups": ((on_ports(FLOATING), {"vpc_name": "{node}_group"}), TRAFFIC),
    "autostate": ((FLOATING, {"autostate": True}), RESET),
    "no autostate": ((STANDARD, {"autostate": False}), RESET),
    "next hops are propagated": ((FLOATING, {"next_hop_propagation": True}), RESET),
    "next hops are no longer propagated": ((variables(FLOATING, next_hop_propagation=True), {"next_hop_propagation": False}), RESET),
    "central peering": ((FLOATING, {"peering": "central"}), TRAFFIC),
    "no central peering": ((variables(FLOATING, peering="central"), {"peering": "rack"}), TRAFFIC),
    "another restart time": ((FLOATING, {"bgp_restart_time": 20}), RESET),
    "no restart time": ((variables(FLOATING, bgp_restart_time=20), {"bgp_restart_time": None}), RESET),
    "no prefix limit": ((LIMITED, {"bgp_prefix_limit": None}), LOSS),
    "no BGP filter": ((variables(FLOATING, bgp_filter=True), {"bgp_filter": False}), HITLESS),
    "no BGP filter under a prefix limit": ((variables(LIMITED, bgp_filter=True), {"bgp_filter": False}), LOSS),
    "a disabled pool": ((FLOATING, {"pools": [{**POOL, "disabled": True}]}), HITLESS),
    "a pool for some nodes": ((FLOATING, {"pools": [{**POOL, "node_selector": "all()"}]}), HITLESS),
    "a contract": ((FLOATING, {"contracts": [contract()]}), HITLESS),
    "a contract that redirects": ((FLOATING, {"contracts": [contract(service_graph="firewall")]}), TRAFFIC),
    "a second family": ((FLOATING, {name.removeprefix("aci_calico_"): FLOATING[name] + second for name, second in SECOND_FAMILY.items()}), PATH),
}


# fmt: on


@pytest.mark.parametrize("name", PLANTED)
def test_planted_changes(name: str) -> None:
    (base, changes), expected = PLANTED[name]
    rehearsal = rehearsed(base, **changes)
    assert rehearsal.overall == expected, as_text(rehearsal)
    assert all(one.rule is not UNKNOWN for one in rehearsal.changes), as_text(rehearsal)
    assert all(one.rule.source for one in rehearsal.changes)
    places = [one.order for one in rehearsal.changes]
    assert places == sorted(places)


def test_the_other_direction_of_a_change_has_a_class_of_its_own() -> None:
    for changes, back in (
        ({"bgp_as_limit": 2}, LOSS),
        ({"pod_subnets": ["10.1.0.0/16", "10.2.0.0/16"]}, TRAFFIC),
        ({"mtu": 1500}, RESET),
    ):
        assert rehearse(plan_of(), between_plans(plan_of(**changes), plan_of())).overall == back


def test_the_other_kind_of_svi_interrupts_all_nodes() -> None:
    before, after = plan_of(FLOATING), plan_of(STANDARD)
    for one, other in ((before, after), (after, before)):
        rehearsal = rehearse(other, between_plans(one, other))
        touched = {node for change in rehearsal.of(TRAFFIC) for node in change.touches["nodes"]}
        assert touched == set(NODES)


def test_a_cluster_that_is_new_is_hitless() -> None:
    for base in (FLOATING, STANDARD, DUAL):
        plan = plan_of(base)
        assert rehearse(plan, compare_apic(plan, {})).overall == HITLESS


def on_mesh(*changes: Change, **more: Any) -> Comparison:
    """Return the first push to a cluster whose pods the node-to-node mesh connects."""
    known = {"deployed": {"kubernetes": False}, "mesh": True, "asn": 64512, "nodes": NODES, "pods": {"pool": 9}}
    return Comparison(changes=list(changes), **{**known, **more})


def test_nodes_that_only_the_mesh_connects_are_interrupted_also_the_first_time() -> None:
    comparison = on_mesh(mesh_off(), strangers=["node-7"], nodes={**NODES, "node-7": ""})
    rehearsal = rehearse(plan_of(), comparison)
    assert (rehearsal.overall, rehearsal.changes[0].touches["nodes"]) == (TRAFFIC, ["node-7"])
    comparison.strangers = []
    assert rehearse(plan_of(), comparison).overall == HITLESS


def test_the_mesh_must_not_go_off_before_the_leaves_replace_it() -> None:
    comparison = on_mesh(mesh_off())
    assert rehearse(plan_of(), comparison, gate=False).overall == TRAFFIC
    comparison.pods = {"pool": 0}
    assert rehearse(plan_of(), comparison, gate=False).overall == HITLESS


def changed(kind: str, before: dict[str, Any], after: dict[str, Any], name: str = "pool", operation: str = "modify") -> Change:
    """Return a change of an object in Kubernetes."""
    return Change("kubernetes", "calico", operation, kind, f"{kind}/{name}", before, after)


def annotated(name: str, before: str, after: str) -> Change:
    """Return a change of an annotation of node-1."""
    held, wanted = ({"metadata": {"annotations": {name: value}}} if value else {} for value in (before, after))
    return changed("Node", held, wanted, "node-1")


LABELLED = changed("Node", {}, {"metadata": {"labels": {"rack_id": "1"}}}, "node-1")
ASN, ADDRESS = "projectcalico.org/ASNumber", "projectcalico.org/IPv4Address"


@pytest.mark.parametrize(
    ("expected", "known", "change"),
    [
        pytest.param(PATH, {"deployed": {"kubernetes": True}}, LABELLED, id="a node of a cluster with services"),
        pytest.param(HITLESS, {}, LABELLED, id="a node of a cluster that is configured for the first time"),
        pytest.param(RESET, {}, annotated(ASN, "", "65003"), id="a first AS number"),
        pytest.param(RESET, {}, annotated(ASN, "64999", "65003"), id="another AS number"),
        pytest.param(RESET, {"deployed": {"kubernetes": True}}, annotated(ASN, "", "65003"), id="a node more, with the mesh"),
        pytest.param(RESET, {"mesh": False}, annotated(ASN, "", "65003"), id="peers of others"),
        pytest.param(HITLESS, {"local_asn": True}, annotated(ASN, "64999", "65003"), id="another AS number after the mesh"),
        pytest.param(
            RESET, {}, changed("BGPPeer", {}, {"spec": {"localASNumber": 65003}}), id="a peer with an AS number of its own"
        ),
        pytest.param(HITLESS, {"asn": 65003}, annotated(ASN, "", "65003"), id="the AS number that all nodes have"),
        pytest.param(HITLESS, {"nodes": {"node-1": "1"}}, annotated(ASN, "", "65003"), id="one node"),
        pytest.param(HITLESS, {"pods": {"pool": 0}}, annotated(ASN, "", "65003"), id="no pods"),
        pytest.param(RESET, {"pods": {"pool": -1}}, annotated(ASN, "", "65003"), id="pods that were not counted"),
        pytest.param(HITLESS, {"mesh": False, "deployed": {"kubernetes": True}}, annotated(ASN, "", "65003"), id="a node more"),
        pytest.param(TRAFFIC, {}, annotated(ADDRESS, "10.0.0.9/24", "192.168.2.1/24"), id="another address"),
        pytest.param(HITLESS, {}, annotated(ADDRESS, "", "192.168.2.1/24"), id="a first address"),
        pytest.param(
            TRAFFIC,
            {"strangers": ["node-7"]},
            changed("BGPConfiguration", {}, {"spec": {"asNumber": 65003}}, "default"),
            id="the AS number of nodes that are not planned",
        ),
        pytest.param(
            LOSS,
            {},
            changed("BGPConfiguration", {"spec": {"serviceClusterIPs": [{"cidr": "10.96.0.0/12"}]}}, {}, "default"),
            id="service subnets that nobody plans",
        ),
        pytest.param(
            TRAFFIC, {}, changed("IPPool", {"spec": {"ipipMode": "Always"}}, {"spec": {"ipipMode": "Never"}}), id="IP-in-IP"
        ),
        pytest.param(TRAFFIC, {}, changed("IPPool", {"spec": {"natOutgoing": True}}, {"spec": {"natOutgoing": False}}), id="NAT"),
        pytest.param(
            HITLESS,
            {"pods": {"pool": 0}},
            changed("IPPool", {"spec": {"natOutgoing": True}}, {"spec": {"natOutgoing": False}}),
            id="NAT of a pool without pods",
        ),
        pytest.param(
            TRAFFIC,
            {},
            changed("BGPPeer", {"spec": {"asNumber": 65001}}, {"spec": {"asNumber": 65002}}, "theirs"),
            id="a peer that is taken over",
        ),
        pytest.param(
            LOSS, {}, changed("BGPPeer", {"spec": {"filters": ["theirs"]}}, {}, "theirs"), id="a filter of others on it"
        ),
        pytest.param(
            RESET,
            {"deployed": {"kubernetes": True}},
            changed("BGPPeer", {"spec": {"nodeSelector": "all()"}}, {}, "theirs", "delete"),
            id="a peer of all nodes",
        ),
        pytest.param(
            TRAFFIC,
            {"deployed": {"kubernetes": True}},
            changed("IPPool", {"spec": {"allowedUses": ["LoadBalancer"]}}, {}, operation="delete"),
            id="a pool of services",
        ),
        pytest.param(
            TRAFFIC,
            {},
            changed("IPPool", {"spec": {"allowedUses": ["LoadBalancer"]}}, {"spec": {"allowedUses": ["Workload"]}}),
            id="a pool that ceases to be one of services",
        ),
    ],
)
def test_what_a_push_does_to_a_running_cluster(expected: str, known: dict[str, Any], change: Change) -> None:
    rehearsal = rehearse(plan_of(), on_mesh(change, **known))
    assert rehearsal.overall == expected, as_text(rehearsal)
    assert rehearsal.changes[0].rule is not UNKNOWN


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        ("bgpCtxPol", LOSS),
        ("bgpBestPathCtrlPol", PATH),
        ("bgpCtxAfPol", PATH),
        ("bgpPeerPfxPol", LOSS),
        ("rtctrlSubjP", LOSS),
        ("bgpProtP", LOSS),
        ("rtctrlRsCtxPToSubjP", LOSS),
        ("rtctrlCtxP", LOSS),
        ("lacpLagPol", TRAFFIC),
    ],
)
def test_what_others_removed_applies_again(cls: str, expected: str) -> None:
    plan = plan_of(on_ports(FLOATING), bgp_prefix_limit=100)
    objects = flat(apic_tree(plan), tags=True)
    gone = tuple(f"{dn}/" for dn, one in objects.items() if one["class"] == cls)
    left = {dn: one for dn, one in objects.items() if not f"{dn}/".startswith(gone)}
    assert rehearse(plan, compare_apic(plan, left)).overall == expected


def test_a_node_that_announces_services_is_not_drained() -> None:
    plan = plan_of()
    for labels, expected in (({}, []), ({EXCLUDE_LABEL: EXCLUDED}, ["node-7"])):
        found = {**cluster_of(plan), "nodes": {"node-7": {"labels": labels, "annotations": {}, "unschedulable": True}}}
        assert compare_kubernetes(plan, found).drained == expected


def test_a_node_without_a_label_can_be_in_a_rack_that_goes() -> None:
    (base, changes), _class = PLANTED["a rack less that is gone, floating"]
    before, after = planned(base, racks=changes["racks"])
    comparison = between_plans(before, after)
    without(comparison, changes["gone"])
    comparison.nodes["node-4"] = ""
    assert rehearse(after, comparison).overall == TRAFFIC


def mesh_off() -> Change:
    spec = {"nodeToNodeMeshEnabled": False}
    return Change("kubernetes", "calico", "modify", "BGPConfiguration", "BGPConfiguration/default", {}, {"spec": spec})


def test_a_new_password_ends_the_sessions() -> None:
    plan = plan_of()
    comparison = between_plans(plan, plan, update_password="always")
    secret = Change("kubernetes", "calico", "modify", "Secret", "Secret/bgp-secrets", {}, {"data": "a new value, not shown"})
    comparison.changes.append(secret)
    rehearsal = rehearse(plan, comparison)
    assert rehearsal.interrupting == [RESET]
    assert {one.rule.restart for one in rehearsal.changes} == {False}
    assert len({text for one in rehearsal.changes for text in one.touches["sessions"]}) == 12


def test_what_no_rule_knows_counts_as_the_worst() -> None:
    change = Change(
        "apic", "l3out", "modify", "l3extOut", "uni/tn-common/out-calico-prod1", {"targetDscp": "x"}, {"targetDscp": "y"}
    )
    rehearsal = rehearse(plan_of(), Comparison(changes=[change], deployed={"apic": True}))
    assert (rehearsal.overall, rehearsal.changes[0].rule) == (TRAFFIC, UNKNOWN)


def test_what_is_touched() -> None:
    leaf = rehearsed(*racks(FLOATING, replaced_leaf)[:1], racks=edited(FLOATING, replaced_leaf))
    removed = next(one for one in leaf.changes if one.change.kind == "l3extVirtualLIfP" and one.change.operation == "delete")
    assert removed.touches["leaves"] == [202]
    assert removed.touches["nodes"] == ["node-1", "node-2", "node-3"]
    lost = rehearsed(FLOATING, service_subnets=["192.168.12.0/22"])
    assert {prefix for one in lost.of(LOSS) for prefix in one.touches["prefixes"]} == {"192.168.8.0/22"}
    node = rehearsed(STANDARD, cluster_asn=65010)
    own = next(one for one in node.changes if one.change.kind == "bgpAsP")
    assert own.touches["sessions"] == ["node-1 - leaf 201 (ipv4)", "node-1 - leaf 202 (ipv4)"]


def test_each_interruption_needs_a_consent_of_its_own_name() -> None:
    rehearsal = rehearsed(FLOATING, bgp_keepalive=3, bgp_hold=9, import_subnets=["10.1.0.0/16", "192.168.2.0/24"])
    assert rehearsal.interrupting == [LOSS, RESET]
    assert [problem.id for problem in missing_consents(rehearsal, Consents())] == ["consent-missing"] * 2
    assert len(list(missing_consents(rehearsal, Consents(frozenset({RESET}))))) == 1
    assert list(missing_consents(rehearsal, Consents(frozenset({RESET, LOSS})))) == []
    assert {problem.severity for problem in missing_consents(rehearsal, Consents(preview=True))} == {"warning"}


def test_a_node_that_leaves_and_runs_needs_the_consent_to_release_it_only() -> None:
    rehearsal = rehearsed(FLOATING, racks=edited(FLOATING, removed_node))
    assert (rehearsal.overall, rehearsal.interrupting) == (TRAFFIC, [])
    before, after = planned(STANDARD, racks=edited(STANDARD, removed_node))
    comparison = between_plans(before, after)
    assert rehearse(after, comparison).interrupting == [TRAFFIC, RESET]
    comparison.drained = ["node-3"]
    assert rehearse(after, comparison).overall == HITLESS


@pytest.mark.parametrize(
    "name", ["another VLAN, floating", "another service subnet", "nothing", "a node in another rack, standard"]
)
def test_texts_fit_and_say_the_class(name: str) -> None:
    (base, changes), expected = PLANTED[name]
    rehearsal = rehearsed(base, **changes)
    text, page = as_text(rehearsal), as_markdown(rehearsal)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"prod1: rehearsal: {expected} (")
    assert page.startswith(f"## prod1: {expected}\n")
    assert len(page) < 60_000
    assert page.count("\n| ") <= MOST + 1


def test_rules_are_complete() -> None:
    assert {rule.when for rule in RULES} - {""} == set(CONDITIONS)
    for rule in RULES:
        assert rule.effect in CLASSES
        assert rule.source
        assert rule.lasts or rule.effect == HITLESS
        assert not (rule.guess and rule.effect == HITLESS), rule
        assert rule.why.endswith(".")
