"""External EPGs, contracts and transit in the plan."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import CORPORATE, EPG, FLOATING, dual_stack, plan_of


def test_the_outside_is_told_to_the_nodes_and_the_cluster_to_the_outside():
    plan = plan_of(transit=[{"l3out": "core", "subnets": ["172.16.0.0/12", "11.0.0.0/8"]}], transit_subnets=["192.168.3.0/24"])
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
