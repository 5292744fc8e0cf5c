"""The summary and the document of a plan name what the plan holds."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import (
    BASES,
    CABLED_NODES,
    CORPORATE,
    EPG,
    FLOATING,
    MANAGED,
    STANDARD,
    contract,
    dual_stack,
    plan_of,
    racks,
    segment,
)

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.plan import (
    changes_summary,
    clusters_summary,
    plan_document,
    plan_summary,
    svi_advice,
)


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_summary_and_document_name_all_nodes_and_leaves(base: dict[str, Any]) -> None:
    plan = plan_of(base, bgp_prefix_limit=5)
    summary, document = plan_summary(plan), plan_document(plan)
    rows = document.splitlines()
    for node in plan["nodes"]:
        assert all(network["address"] in summary for network in node["networks"].values())
        address = node["networks"]["ipv4"]["address"]
        row = next(line for line in rows if f"| {node['name']} |" in line and address in line)
        assert all(f"{peer['leaf']} {peer['address']}" in row for peer in node["peers"] if peer["family"] == "ipv4")
        assert not node["vpc"] or f"vPC {node['vpc']}" in document
    for leaf in plan["leaves"]:
        assert str(leaf["id"]) in summary
        assert f'leaf{leaf["id"]}["Leaf {leaf["id"]}"]' in document
    assert all(limit["source"] in document for limit in plan["limits"])
    assert "- aci_calico_bgp_prefix_limit: A node" in document
    assert "prefix-limit" not in summary, "the plan action shows warnings"
    assert "aci_calico_bgp_prefix_limit" not in summary
    columns = {line.count(" | ") for line in rows if line.startswith("| --- ")}
    assert columns == {6, 5, 4, 3, 2}


def test_the_summary_counts_changes_and_lists_files() -> None:
    text = plan_summary(plan_of(), {"l3out": {"created": ["a", "b"], "requests": 3}}, ["artifacts/prod1/plan.json"])
    assert "l3out          2         -        -         3" in text
    assert text.endswith("Files in artifacts/prod1: plan.json\n")


@pytest.mark.parametrize("base", [*BASES.values(), dual_stack(STANDARD), dual_stack(FLOATING)])
def test_the_summary_has_80_columns(base: dict[str, Any]) -> None:
    lines = plan_summary(plan_of(base), {"l3out": {"created": 2}}, [f"/a/long/path/{'x' * 20}/plan-{n}.json" for n in range(9)])
    assert max(map(len, lines.splitlines())) <= 80
    assert max(map(len, svi_advice(plan_of(base)).splitlines())) <= 80


def test_the_changes_of_a_run() -> None:
    report = {"l3out": {"created": ["a", "b"], "modified": [], "deleted": [], "requests": 3}}
    assert changes_summary(plan_of(), report, ["a/plan.json"]).splitlines() == [
        "Cluster prod1: 6 nodes in 2 racks, IPv4, floating SVI",
        "",
        "Objects  Created  Modified  Deleted  Requests",
        "-------  -------  --------  -------  --------",
        "l3out          2         0        0         3",
        "",
        "Files in a: plan.json",
    ]
    assert "Would create" in changes_summary(plan_of(), report, check=True)
    unchanged = {"l3out": {"created": [], "modified": [], "deleted": [], "requests": 2}}
    assert changes_summary(plan_of(), unchanged, check=True).endswith("\n\nNothing would change on APIC or in Kubernetes.\n")


def test_an_empty_rack_has_no_box_for_nodes() -> None:
    text = plan_document(plan_of(racks=racks([], ["a"])))
    assert "nodes0" not in text
    assert "nodes1" in text


def test_several_l3outs_are_listed_with_their_racks() -> None:
    five = racks(*([f"n{number}"] for number in range(1, 6)))
    plan = plan_of(racks=five, node_subnets=["192.168.2.0/24", "192.168.4.0/24"], vlan="300-301")
    assert "calico-prod1-2: racks 4, 5" in plan_document(plan)


def test_cabling_names_the_ports_of_a_vpc() -> None:
    plan = plan_of(STANDARD, racks=racks(CABLED_NODES), **MANAGED)
    assert "| b | 201, 202 | vPC vpc-b (201: 1/2; 202: 1/12-13) |" in plan_document(plan)


def test_connectivity_lists_prefixes_by_length_and_the_contracts_of_epgs() -> None:
    plan = plan_of(
        microsegments=[segment(provide=["pay"])],
        contracts=[contract("pay", service_graph="firewall", export_to=["b"])],
        transit=[{**CORPORATE, "subnets": ["172.16.0.0/12"], "consume_interfaces": ["theirs"]}],
        epg_contracts=[{**EPG, "consume": ["pay"]}],
    )
    lines = plan_document(plan).splitlines()
    narrow = lines.index("| 192.168.3.16/28 | payments | import-security |")
    assert narrow < lines.index("| 192.168.3.0/24 | default | import-security |")
    assert "| common/calico-prod1/payments | pay | nothing |" in lines
    assert "| common/core/corporate | nothing | theirs (interface) |" in lines
    assert "| common/intranet/web | nothing | pay |" in lines
    assert "| common/pay | context | https: tcp/443 | firewall | b |" in lines
    assert any("common/core tells the outside of 192.168.2.0/24" in line and "172.16.0.0/12" in line for line in lines)


def test_the_result_of_all_clusters_names_those_that_failed() -> None:
    done = {"created": ["a", "b"], "modified": [], "deleted": ["c"], "requests": 5}
    reports = {
        "prod1": {"policies": done, "calico": done},
        "prod2": None,
        "prod3": {"calico": {**done, "created": [], "deleted": []}},
    }
    lines = clusters_summary(reports).splitlines()
    assert lines[0] == "3 clusters, 1 failed: prod2"
    assert [line.split() for line in lines[-3:]] == [
        ["prod1", "changed", "4", "0", "2"],
        ["prod2", "failed", "0", "0", "0"],
        ["prod3", "as", "planned", "0", "0", "0"],
    ]
    assert "would change" in clusters_summary(reports, check=True)


@pytest.mark.parametrize(("base", "pinned"), [(STANDARD, True), (FLOATING, False)])
def test_virtual_machines_have_requirements(base: dict[str, Any], pinned: bool) -> None:
    text = plan_document(plan_of(base, node_kind="vm"))
    assert "route based on IP hash" in text
    assert ("pinned to its hypervisor" in text, "takes a detour over its own rack" in text) == (pinned, not pinned)
    metal = plan_document(plan_of(base))
    assert "LACP bond bond0 of eno1, eno2" in metal
    assert "IP hash" not in metal


def test_the_advice_for_a_kind_of_svi() -> None:
    text = svi_advice(plan_of(dual_stack(STANDARD)))
    start = "Floating SVI suits cluster prod1, and it has standard SVI: aci_calico_svi asks for standard."
    assert " ".join(text.split()).startswith(start)
    assert "border-leaves" in text
    assert "12 pod blocks" in text
    document = plan_document(plan_of(FLOATING, non_anchor_leaves=[101]))
    assert "## Choosing the SVI" in document
    assert "Nodes may also be behind leaves 101" in document


def test_the_advice_compares_local_and_central_peering() -> None:
    texts = {
        name: " ".join(svi_advice(plan_of(**changes)).split())
        for name, changes in (
            ("rack", {}),
            ("central", {"peering": "central", "next_hop_propagation": True, "apic_version": "6.1(2)"}),
            ("standard", {"svi": "standard", "vlan": "300-363"}),
        )
    }
    assert "each node with the leaves of its rack (rack), without next-hop propagation." in texts["rack"]
    assert "6 sessions of 400 (ACI 5.2) on each of two anchors" in texts["rack"]
    assert "passes the anchors" in texts["rack"]
    assert "all nodes with one pair of leaves (central), with next-hop propagation." in texts["central"]
    assert "6 sessions of 2000 (ACI 6.1(2))" in texts["central"]
    assert "passes the anchors" not in texts["central"]
    assert "as standard SVI requires" in texts["standard"]


def test_a_node_behind_other_leaves_is_documented_there() -> None:
    document = plan_document(plan_of(peering="central", next_hop_propagation=True))
    assert "| node-6 | 203, 204 | any port of physical domain" in document
    assert "behind leaves 203, 204, which have no anchors: their traffic needs no detour." in document
