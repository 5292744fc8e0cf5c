"""The APIC objects of contracts and transit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unit.plugin_utils.sample_plans import CORPORATE, EPG, LEAKED, PROD, contract, plan_of, segment

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots, apic_tree

SHARED = "orchestrator:aci-calico"


def _objects(mo: dict[str, Any], above: str = "") -> Iterator[tuple[str, str, dict[str, str]]]:
    """Path (classes and names), class and attributes of each object."""
    for cls, body in mo.items():
        attributes = body["attributes"]
        name = next((attributes[key] for key in ("name", "ip", "key", "tnVzBrCPName", "tnVzCPIfName") if key in attributes), "")
        path = f"{above}/{cls}[{name}]" if above else cls
        yield path, cls, attributes
        for child in body.get("children", ()):
            yield from _objects(child, path)


def _tree(**changes: Any) -> dict[str, dict[str, str]]:
    return {path: attributes for path, _cls, attributes in _objects(apic_tree(plan_of(PROD, **changes)))}


def test_a_contract_with_all_that_belongs_to_it():
    filters = [{"name": "web", "entries": ["tcp/80", "udp/1000-2000", "icmp", "icmpv6", "ip", "any"]}, "default"]
    tree = _tree(contracts=[contract(filters=filters, service_graph="firewall", export_to=["b"], scope="global")])
    prod = "polUni/fvTenant[prod]"
    assert tree[f"{prod}/vzBrCP[web]"] == {"name": "web", "scope": "global", "annotation": SHARED}
    subject = f"{prod}/vzBrCP[web]/vzSubj[web]"
    assert tree[f"{subject}/vzRsSubjGraphAtt[]"]["tnVnsAbsGraphName"] == "firewall"
    entries = {
        attributes["name"]: tuple(attributes[key] for key in ("etherT", "prot", "dFromPort", "dToPort"))
        for path, attributes in tree.items()
        if path.startswith(f"{prod}/vzFilter[web]/vzEntry[") and "/tagAnnotation" not in path
    }
    assert entries == {
        "tcp-80": ("ip", "tcp", "80", "80"),
        "udp-1000-2000": ("ip", "udp", "1000", "2000"),
        "icmp": ("ip", "icmp", "unspecified", "unspecified"),
        "icmpv6": ("ipv6", "icmpv6", "unspecified", "unspecified"),
        "ip": ("ip", "unspecified", "unspecified", "unspecified"),
        "any": ("unspecified", "unspecified", "unspecified", "unspecified"),
    }
    assert f"{prod}/vzFilter[default]" not in tree, "existing filters are only referred to"
    assert tree["polUni/fvTenant[b]/vzCPIf[web]/vzRsIf[]"]["tDn"] == "uni/tn-prod/brc-web"
    assert tree["polUni/fvTenant[b]"]["status"] == "modified"


def test_whatever_clusters_may_share_is_marked_so():
    tree = apic_tree(plan_of(PROD, contracts=[contract()], epg_contracts=[{**EPG, "consume": ["web"]}], transit=["core"]))
    found = {path: (cls, attributes) for path, cls, attributes in _objects(tree)}
    shared = [path for path, (_cls, attributes) in found.items() if attributes.get("annotation") == SHARED]
    for path, (cls, _attributes) in found.items():
        common = cls.startswith("vz") or path.endswith(("fvRsCons[web]", "[core]/rtctrlProfile[default-export]"))
        assert not common or path in shared
    for path in shared:
        assert f"{path}/tagAnnotation[{SHARED}:prod1]" in found


def test_containers_of_others_are_passed_through():
    tree = _tree(
        epg_contracts=[{**EPG, "provide": ["a"], "consume_interfaces": ["b"]}], transit=[{**CORPORATE, "consume": ["c"]}]
    )
    prod = "polUni/fvTenant[prod]"
    for container in ("fvAp[intranet]", "fvAp[intranet]/fvAEPg[web]", "l3extOut[core]", "l3extOut[core]/l3extInstP[corporate]"):
        assert tree[f"{prod}/{container}"]["status"] == "modified"
        assert set(tree[f"{prod}/{container}"]) == {"status", "name"}
    assert f"{prod}/fvAp[intranet]/fvAEPg[web]/fvRsProv[a]" in tree
    assert f"{prod}/fvAp[intranet]/fvAEPg[web]/fvRsConsIf[b]" in tree
    assert f"{prod}/l3extOut[core]/l3extInstP[corporate]/fvRsCons[c]" in tree


def test_the_cluster_leaves_by_an_entry_of_its_own_in_the_route_map_of_others():
    tree = _tree(transit=[{"l3out": "core", "order": 5}, "backup"])
    for name, order in (("core", "5"), ("backup", "9")):
        profile = f"polUni/fvTenant[prod]/l3extOut[{name}]/rtctrlProfile[default-export]"
        assert "type" not in tree[profile], "the type is its owner's choice"
        entry = tree[f"{profile}/rtctrlCtxP[calico-prod1-transit]"]
        assert (entry["order"], entry["action"]) == (order, "permit")
        assert entry["annotation"] == f"{SHARED}:prod1"
    match = "polUni/fvTenant[prod]/rtctrlSubjP[calico-prod1-transit]"
    assert tree[f"{match}/rtctrlMatchRtDest[10.1.0.0/16]"]["aggregate"] == "yes", "pod blocks leave, not their subnet"


def test_a_default_route_is_told_as_itself():
    tree = _tree(transit=[{"l3out": "core", "subnets": ["0.0.0.0/0"]}])
    export = "polUni/fvTenant[prod]/rtctrlSubjP[calico-prod1-export]/rtctrlMatchRtDest"
    assert tree[f"{export}[0.0.0.0/0]"]["aggregate"] == "no"
    assert tree[f"{export}[10.1.0.0/16]"]["aggregate"] == "yes"


def test_leaked_subnets_take_what_they_contain_along():
    epg = "polUni/fvTenant[prod]/l3extOut[calico-prod1]/l3extInstP"
    tree = _tree(microsegments=[segment()], **LEAKED)
    assert tree[f"{epg}[default]/l3extSubnet[10.1.0.0/16]"] | {"annotation": ""} == {
        "ip": "10.1.0.0/16",
        "scope": "import-security,shared-rtctrl,shared-security",
        "aggregate": "shared-rtctrl",
        "annotation": "",
    }
    assert tree[f"{epg}[payments]/l3extSubnet[192.168.3.16/28]"]["aggregate"] == ""


def test_each_tenant_that_is_touched_is_a_root_and_the_rest_is_looked_through():
    plan = plan_of(PROD, contracts=[contract(scope="global", export_to=["b"])])
    roots = {root["dn"]: root for root in apic_roots(plan, "policies")}
    assert list(roots) == ["uni/tn-b", "uni/tn-prod", "uni"]
    assert roots["uni"]["except"] == ["uni/tn-b", "uni/tn-prod"]
