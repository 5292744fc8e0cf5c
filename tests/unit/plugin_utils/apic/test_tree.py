"""The plan as APIC objects: the paper's worked example, and what follows from single settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from unit.plugin_utils.sample_plans import BASES, plan_of

from ansible_collections.netops.aci_calico.plugins.module_utils.names import PASSWORD_MARKER
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, apic_tree


def _plan(svi: str = "floating", **changes: Any) -> dict[str, Any]:
    return plan_of(BASES[svi], **changes)


def _find(mo: dict[str, Any], cls: str) -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
    for kind, body in mo.items():
        children = body.get("children", [])
        if kind == cls:
            yield body["attributes"], children
        for child in children:
            yield from _find(child, cls)


def _attributes(mo: dict[str, Any], cls: str, *names: str) -> list[Any]:
    found = [tuple(attributes.get(name) for name in names) for attributes, _children in _find(mo, cls)]
    return [values[0] for values in found] if len(names) == 1 else found


def test_floating_svi_of_the_worked_example() -> None:
    tree = apic_tree(_plan())
    nodes = [f"topology/pod-1/node-{leaf}" for leaf in (201, 202, 203, 204)]
    assert _attributes(tree, "l3extVirtualLIfP", "nodeDn", "addr", "encap", "mtu", "ifInstT") == [
        (node, f"192.168.2.{leaf}/24", "vlan-300", "9000", "ext-svi")
        for node, leaf in zip(nodes, (201, 202, 203, 204), strict=True)
    ]
    assert _attributes(tree, "l3extRsNodeL3OutAtt", "rtrId", "rtrIdLoopBack") == [
        (f"1.1.4.{leaf}", "no") for leaf in (201, 202, 203, 204)
    ]
    assert _attributes(tree, "l3extRsDynPathAtt", "tDn", "floatingAddr") == [("uni/phys-k8s", "192.168.2.253/24")] * 4
    assert _attributes(tree, "l3extIp", "addr") == ["192.168.2.254/24"] * 4
    peer = ("192.168.2.0/24", "as-override,dis-peer-as-check", PASSWORD_MARKER)
    assert _attributes(tree, "bgpPeerP", "addr", "ctrl", "password") == [peer] * 4
    assert _attributes(tree, "bgpAsP", "asn") == ["65003"] * 4
    assert _attributes(tree, "l3extSubnet", "ip", "scope") == [
        (prefix, "import-security") for prefix in ("192.168.2.0/24", "10.1.0.0/16", "192.168.8.0/22", "192.168.3.0/24")
    ]


def test_standard_svi_of_the_worked_example() -> None:
    tree = apic_tree(_plan("standard"))
    paths = _attributes(tree, "l3extRsPathL3OutAtt", "tDn", "encap", "addr", "mtu")
    assert paths[0] == ("topology/pod-1/protpaths-201-202/pathep-[vpc-node-1]", "vlan-300", None, "9000")
    assert [encap for _target, encap, *_rest in paths] == [f"vlan-{vlan}" for vlan in range(300, 306)]
    sides = _attributes(tree, "l3extMember", "side", "addr")
    assert sides[:4] == [("A", "192.168.2.4/29"), ("B", "192.168.2.5/29"), ("A", "192.168.2.12/29"), ("B", "192.168.2.13/29")]
    assert _attributes(tree, "l3extIp", "addr")[:3] == ["192.168.2.6/29", "192.168.2.6/29", "192.168.2.14/29"]
    assert _attributes(tree, "bgpPeerP", "addr")[:2] == ["192.168.2.1", "192.168.2.9"]
    assert len(list(_find(tree, "l3extLIfP"))) == 6, "two nodes may sit behind one vPC, so each has its own profile"


@pytest.mark.parametrize("svi", ["floating", "standard"])
def test_hardening_is_as_the_paper_recommends(svi: str) -> None:
    tree = apic_tree(_plan(svi))
    assert _attributes(tree, "bgpCtxPol", "kaIntvl", "holdIntvl", "maxAsLimit", "grCtrl") == [("1", "3", "1", "helper")]
    assert _attributes(tree, "bgpBestPathCtrlPol", "ctrl") == ["asPathMultipathRelax"]
    assert _attributes(tree, "bgpCtxAfPol", "maxEcmp", "maxEcmpIbgp") == [("64", "64")]
    assert _attributes(tree, "fvRsCtxToBgpCtxAfPol", "af") == ["ipv4-ucast"]
    assert _attributes(tree, "l3extOut", "enforceRtctrl") == ["export,import"]
    assert _attributes(tree, "rtctrlProfile", "name", "type") == [
        ("default-import", "combinable"),
        ("default-export", "combinable"),
    ]
    assert _attributes(tree, "rtctrlCtxP", "order", "action") == [("0", "permit")] * 2
    assert set(_attributes(tree, "rtctrlMatchRtDest", "aggregate")) == {"yes"}
    assert not list(_find(tree, "bgpPeerPfxPol"))


@pytest.mark.parametrize(("seconds", "written"), [(None, None), (20, "20"), (300, "default")])
def test_the_restart_time_is_the_stale_interval_of_a_policy_of_its_own(seconds: int | None, written: str | None) -> None:
    found = _attributes(apic_tree(_plan(bgp_restart_time=seconds)), "bgpCtxPol", "name", "staleIntvl")
    assert found == [(f"calico-timers-1-3-1-helper{f'-{seconds}' if seconds else ''}", written)]


@pytest.mark.parametrize(("svi", "cls"), [("floating", "l3extVirtualLIfP"), ("standard", "l3extRsPathL3OutAtt")])
def test_autostate_is_left_to_apic_unless_asked_for(svi: str, cls: str) -> None:
    assert set(_attributes(apic_tree(_plan(svi)), cls, "autostate")) == {None}
    for wanted, written in ((True, "enabled"), (False, "disabled")):
        assert set(_attributes(apic_tree(_plan(svi, autostate=wanted)), cls, "autostate")) == {written}


def test_next_hop_propagation_is_a_set_rule_by_a_route_map_of_each_peer() -> None:
    tree = apic_tree(_plan(next_hop_propagation=True))
    name, profile = "calico-prod1-next-hop", "uni/tn-common/prof-calico-prod1-next-hop"
    assert _attributes(tree, "rtctrlAttrP", "name") == _attributes(tree, "rtctrlRsScopeToAttrP", "tnRtctrlAttrPName") == [name]
    assert [len(list(_find(tree, cls))) for cls in ("rtctrlSetNhUnchanged", "rtctrlSetRedistMultipath")] == [1, 1]
    assert _attributes(tree, "bgpRsPeerToProfile", "tDn", "direction") == [(profile, "import")] * 4
    assert _attributes(tree, "bgpBestPathCtrlPol", "name", "ctrl") == [
        ("calico-best-path-relax-ignore-igp", "asPathMultipathRelax,ignoreIgpMetric")
    ]
    assert _attributes(tree, "l3extRsRedistributePol", "src", "tnRtctrlProfileName") == [("attached-host", "calico-prod1-hosts")]
    matched = _attributes(tree, "rtctrlRsCtxPToSubjP", "tnRtctrlSubjPName")
    assert matched.count("calico-prod1-import") == 3, "peers accept the same prefixes, whichever route map applies"
    assert {one for one in apic_roots(_plan(next_hop_propagation=True), "l3out")[-1]["except"] if "/prof-" in one} == {
        profile,
        "uni/tn-common/prof-calico-prod1-hosts",
    }


def test_settings_that_are_off_are_written_as_off() -> None:
    tree = apic_tree(_plan(bgp_graceful_restart=False, bgp_as_path_relax=False, bgp_prefix_limit=500))
    assert _attributes(tree, "bgpCtxPol", "grCtrl") == [""]
    assert _attributes(tree, "bgpBestPathCtrlPol", "ctrl") == [""]
    assert _attributes(tree, "bgpPeerPfxPol", "action", "maxPfx", "thresh") == [("reject", "500", "75")]
    assert len(_attributes(tree, "bgpRsPeerPfxPol", "tnBgpPeerPfxPolName")) == 4


def test_a_rack_with_one_leaf_has_a_plain_path() -> None:
    racks = [{"id": 1, "leaves": [201], "nodes": ["node-1"]}]
    tree = apic_tree(_plan("standard", racks=racks))
    assert _attributes(tree, "l3extRsPathL3OutAtt", "tDn", "addr") == [
        ("topology/pod-1/paths-201/pathep-[vpc-node-1]", "192.168.2.4/29")
    ]
    assert not list(_find(tree, "l3extMember"))
    assert _attributes(tree, "l3extIp", "addr") == ["192.168.2.6/29"]


def test_families_of_an_svi_are_kept_apart() -> None:
    subnets = {"node_subnets": ["192.168.2.0/24", "2001:db8:2::/64"], "pod_subnets": ["10.1.0.0/16", "2001:db8:100::/56"]}
    subnets |= {"service_subnets": ["192.168.8.0/22", "2001:db8:8::/112"], "external_service_subnets": ["192.168.3.0/24"]}
    tree = apic_tree(_plan(**subnets))
    for __, interfaces in _find(tree, "l3extLIfP"):
        addresses = [svi["l3extVirtualLIfP"]["attributes"]["addr"] for svi in interfaces]
        assert len({":" in address for address in addresses}) == 1
    assert _attributes(tree, "fvRsCtxToBgpCtxAfPol", "af") == ["ipv4-ucast", "ipv6-ucast"]
    shared = {addr: dad for addr, dad in _attributes(tree, "l3extIp", "addr", "ipv6Dad") if ":" in addr}
    assert set(shared.values()) == {"disabled"}, "both leaves answer for the address"


def test_what_is_the_clusters_own_says_so() -> None:
    plan = _plan()
    tree = apic_tree(plan)
    for cls in ("l3extOut", "rtctrlSubjP", "l3extVirtualLIfP", "l3extInstP"):
        assert set(_attributes(tree, cls, "annotation")) == {f"orchestrator:aci-calico:{plan['cluster']}"}
    for cls in ("fvTenant", "fvCtx"):
        assert _attributes(tree, cls, "status", "annotation") == [("modified", None)]
    for cls in ("bgpCtxPol", "bgpBestPathCtrlPol", "bgpCtxAfPol"):
        assert _attributes(tree, cls, "annotation") == ["orchestrator:aci-calico"]
    assert _attributes(tree, "tagAnnotation", "key") == [f"orchestrator:aci-calico:{plan['cluster']}"] * 4


def test_parts_share_out_the_tree() -> None:
    plan = _plan()
    policies, elsewhere = apic_roots(plan, "policies")
    hardening, _elsewhere = apic_roots(plan, "hardening")
    l3out, unused = apic_roots(plan, "l3out")
    assert (policies["dn"], policies["scope"]) == ("uni/tn-common", "named")
    assert "bgpPeerPfxPol" in policies["classes"], "a prefix limit that is switched off takes its policy along"
    assert policies["except"] == [l3out["dn"]], "the L3Out is its own root's"
    assert hardening["except"] == [f"{l3out['dn']}/instP-default"]
    assert (elsewhere["dn"], elsewhere["tree"], elsewhere["except"]) == ("uni", {"polUni": {"attributes": {}}}, [policies["dn"]])
    assert not list(_find(policies["tree"], "l3extOut"))
    assert not list(_find(hardening["tree"], "bgpPeerP"))
    assert next(_find(hardening["tree"], "l3extOut"))[0]["enforceRtctrl"] == "export,import"
    kept = {cls.rpartition("/")[2] for cls in policies["keep"]}
    assert set(unused["classes"]) == kept, "the L3Out stops using a policy first"
    assert policies["keep"] == hardening["keep"]
    assert unused["except"] == [
        "uni/tn-common/bestpath-calico-best-path-relax",
        "uni/tn-common/bgpCtxP-calico-timers-1-3-1-helper",
        l3out["dn"],
    ]
    assert l3out["dn"] == f"uni/tn-common/out-{plan['l3outs'][0]['name']}"
    assert len(list(_find(l3out["tree"], "rtctrlProfile"))) == 2
    with pytest.raises(ValueError, match="policies, hardening or l3out"):
        apic_roots(plan, "nonsense")


def test_a_vrf_of_another_tenant_has_its_policy_there() -> None:
    roots = {root["dn"]: root["tree"] for root in apic_roots(_plan(tenant="prod", vrf_tenant="common"), "policies")}
    assert set(roots) == {"uni/tn-prod", "uni/tn-common", "uni"}
    assert list(_find(roots["uni/tn-common"], "fvCtx"))
    assert list(_find(roots["uni/tn-common"], "bgpCtxAfPol"))
    assert not list(_find(roots["uni/tn-prod"], "fvCtx"))
    assert list(_find(roots["uni/tn-common"], "bgpCtxPol")), "a leaf has one policy for the VRF, whichever tenant an L3Out is in"


def test_policies_that_exist_are_named_and_not_made() -> None:
    plan = _plan(bgp_timers_policy="wan", bgp_best_path_policy="wan-path", bgp_ecmp_policy="wan-paths", bgp_prefix_limit=500)
    tree = apic_tree(plan)
    for cls in ("bgpCtxPol", "bgpBestPathCtrlPol", "bgpCtxAfPol"):
        assert not list(_find(tree, cls))
    assert set(_attributes(tree, "bgpRsBgpNodeCtxPol", "tnBgpCtxPolName")) == {"wan"}
    assert set(_attributes(tree, "bgpRsBestPathCtrlPol", "tnBgpBestPathCtrlPolName")) == {"wan-path"}
    assert _attributes(tree, "fvRsCtxToBgpCtxAfPol", "tnBgpCtxAfPolName") == ["wan-paths"]
    assert {"uni/tn-common/bgpCtxP-wan", "uni/tn-common/bgpPfxP-calico-prod1"} < set(apic_roots(plan, "l3out")[-1]["except"])
