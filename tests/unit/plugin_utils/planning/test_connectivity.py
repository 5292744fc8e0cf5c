"""External EPGs, contracts and transit in the plan."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import CORPORATE, EPG, FLOATING, contract, dual_stack, plan_of, segment

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.plan import plan_document


def test_the_outside_is_told_to_the_nodes_and_the_cluster_to_the_outside():
    plan = plan_of(
        transit=[{"l3out": "core", "subnets": ["172.16.0.0/12", "11.0.0.0/8"]}],
        transit_subnets=["192.168.3.0/24"],
    )
    assert plan["route_control"]["export"]["ipv4"][-2:] == ["172.16.0.0/12", "11.0.0.0/8"]
    assert "172.16.0.0/12" not in plan["route_control"]["import"]["ipv4"], "nodes have nothing to say about the outside"
    (transit,) = plan["transit"]
    assert transit == {
        "tenant": "common",
        "l3out": "core",
        "order": 9,
        "outside": {"ipv4": ["172.16.0.0/12", "11.0.0.0/8"]},
        "inside": {"ipv4": ["192.168.3.0/24"]},
    }


def test_all_of_the_cluster_is_told_outside_by_default():
    plan = plan_of(dual_stack(FLOATING), transit=["core"])
    assert plan["transit"][0]["inside"] == plan["route_control"]["import"]


def test_one_entry_for_an_epg_however_often_it_is_named():
    plan = plan_of(
        transit=[{**CORPORATE, "consume": ["web"], "provide": ["out"]}],
        epg_contracts=[{**CORPORATE, "consume": ["web", "api"]}, {**EPG, "consume": ["web"]}],
    )
    corporate, web = plan["epg_contracts"]
    assert (corporate["consumes"], corporate["provides"]) == (["web", "api"], ["out"])
    assert (web["application_profile"], web["epg"], web["l3out"]) == ("intranet", "web", None)


def test_the_document_says_which_prefix_wins_and_who_may_talk_to_whom():
    plan = plan_of(
        microsegments=[segment(provide=["pay"])],
        contracts=[contract("pay", service_graph="firewall", export_to=["b"])],
        transit=[{**CORPORATE, "subnets": ["172.16.0.0/12"], "consume_interfaces": ["theirs"]}],
    )
    lines = plan_document(plan).splitlines()
    narrow = lines.index("| 192.168.3.16/28 | payments | import-security |")
    assert narrow < lines.index("| 192.168.3.0/24 | default | import-security |")
    assert "| common/calico-prod1/payments | pay | nothing |" in lines
    assert "| common/core/corporate | nothing | theirs (interface) |" in lines
    assert "| common/pay | context | https: tcp/443 | firewall | b |" in lines
    assert any("common/core tells the outside of 192.168.2.0/24" in line and "172.16.0.0/12" in line for line in lines)
