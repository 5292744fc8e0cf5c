"""Findings of the fabric's configuration, faults and tables, and the symptoms that they explain."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import BLOCKS, LEAVES, STANDARD, Cluster, ids, only, set_attribute
from unit.plugin_utils.sample_plans import CORPORATE, contract

L3OUT = "uni/tn-common/out-calico-prod1"
ADDED = "10.9.0.0/16"


@pytest.mark.parametrize(
    ("cls", "name", "value", "cause"),
    [
        ("bgpPeerP", "ctrl", "dis-peer-as-check", "as-override-off"),
        ("bgpPeerP", "ctrl", "as-override", "peer-as-check-on"),
        ("bgpCtxPol", "kaIntvl", "60", "timers"),
        ("bgpCtxPol", "maxAsLimit", "0", "as-limit"),
        ("bgpCtxPol", "grCtrl", "", "graceful-restart-off"),
        ("bgpRsBgpNodeCtxPol", "tnBgpCtxPolName", "", "timers"),
        ("bgpBestPathCtrlPol", "ctrl", "", "as-path-relax-off"),
        ("bgpCtxAfPol", "maxEcmp", "1", "ecmp"),
        ("bgpCtxAfPol", "maxEcmpIbgp", "16", "ecmp"),
        ("l3extOut", "enforceRtctrl", "export", "import-control-off"),
        ("rtctrlCtxP", "action", "deny", "import-prefix-missing"),
        ("bgpAsP", "asn", "65099", "peer-asn"),
        ("bgpPeerPfxPol", "maxPfx", "100", "prefix-limit-differs"),
        ("l3extVirtualLIfP", "mtu", "1500", "aci-differs"),
    ],
)
def test_a_changed_setting_is_named(cls, name, value, cause):
    cluster = Cluster(aci_calico_bgp_prefix_limit=200)
    set_attribute(cluster, cls, name, value)
    report = cluster.verify()
    assert cause in ids(report)
    assert not report["ok"]
    assert not report["waiting"], "time does not heal a setting"


@pytest.mark.parametrize(
    ("cls", "cause"),
    [
        ("l3extIp", "secondary-address"),
        ("bgpProtP", "timers"),
        ("bgpRsBestPathCtrlPol", "as-path-relax-off"),
        ("fvRsCtxToBgpCtxAfPol", "ecmp"),
        ("l3extSubnet", "external-subnet"),
    ],
)
def test_a_removed_object_is_named(cluster, cls, cause):
    for dn in cluster.objects(cls):
        cluster.delete_object(dn)
    assert ids(cluster.verify()) == [cause]


def test_what_hangs_below_a_missing_object_is_not_told_again(cluster):
    cluster.delete_object(f"{L3OUT}/lnodep-rack-1")
    finding = only(cluster.verify())
    assert finding["id"] == "aci-missing"
    assert finding["what"] == f"{L3OUT}/lnodep-rack-1 is missing"
    assert finding["leaves"] == [201, 202]


def test_values_are_compared_in_apics_own_form(cluster):
    set_attribute(cluster, "bgpPeerP", "ctrl", "dis-peer-as-check,as-override")
    assert cluster.verify()["ok"]


def test_a_setting_on_one_leaf_is_located(cluster):
    dn = next(dn for dn in cluster.objects("bgpPeerP") if "node-203]" in dn)
    cluster.objects("bgpPeerP")[dn]["ctrl"] = "dis-peer-as-check"
    finding = only(cluster.verify())
    assert (finding["rack"], finding["leaves"]) == ("2", [203])


def test_a_setting_of_a_standard_svi_is_located():
    cluster = Cluster(**STANDARD)
    dn = next(dn for dn in cluster.objects("l3extMember") if "vpc-node-5" in dn and dn.endswith("mem-B"))
    cluster.objects("l3extMember")[dn]["addr"] = "192.168.2.99/29"
    finding = only(cluster.verify())
    assert (finding["rack"], finding["nodes"], finding["leaves"]) == ("2", ["node-5"], [204])


def test_as_override_off_explains_what_nodes_do_not_learn(cluster):
    set_attribute(cluster, "bgpPeerP", "ctrl", "dis-peer-as-check")
    for node in BLOCKS:
        cluster.forget(node)
    finding = only(cluster.verify())
    assert finding["id"] == "as-override-off"
    assert sum("has not learned" in text for text in finding["evidence"]) == 6


def test_import_control_without_the_pod_subnet(cluster):
    cluster.delete_object("uni/tn-common/subj-calico-prod1-import/dest-[10.1.0.0/16]")
    for leaf in LEAVES:
        for block in BLOCKS.values():
            del cluster.routes(leaf)[block]
    for node in BLOCKS:
        cluster.forget(node)
    finding = only(cluster.verify())
    assert (finding["id"], finding["prefix"]) == ("import-prefix-missing", "10.1.0.0/16")
    assert len(finding["evidence"]) == 4 * 6 + 6


def test_import_control_for_another_prefix_does_not_explain_missing_pod_blocks(cluster):
    cluster.delete_object("uni/tn-common/subj-calico-prod1-import/dest-[192.168.3.0/24]")
    for leaf in LEAVES:
        del cluster.routes(leaf)[BLOCKS["node-1"]]
    assert ids(cluster.verify()) == ["import-prefix-missing", "pod-block-missing"]


def test_bridge_domain_enforcement_keeps_sessions_down(cluster):
    cluster.aci["objects"]["uni/tn-common/ctx-calico"] = {"class": "fvCtx", "attributes": {"bdEnforcedEnable": "yes"}}
    cluster.leaf(201)["sessions"].clear()
    assert only(cluster.verify())["id"] == "bd-enforced"


def test_a_router_id_of_two_leaves_in_the_configuration(cluster):
    dn = next(dn for dn in cluster.objects("l3extRsNodeL3OutAtt") if "node-203]" in dn)
    cluster.objects("l3extRsNodeL3OutAtt")[dn]["rtrId"] = "1.1.4.201"
    finding = only(cluster.verify())
    assert (finding["id"], finding["leaves"]) == ("duplicate-router-id", [201, 203])
    assert "rtrId is 1.1.4.201 instead of 1.1.4.203" in finding["evidence"][0]


def test_a_router_id_of_a_leaf_that_is_not_the_clusters(cluster):
    cluster.aci["leaves"]["301"] = {**cluster.leaf(201), "sessions": [], "routes": {"ipv4": {}}}
    assert only(cluster.verify())["leaves"] == [201, 301]


def test_a_router_id_of_two_nodes(cluster):
    for leaf in (201, 202):
        cluster.seen(leaf, "node-2")["router_id"] = "192.168.2.1"
    finding = only(cluster.verify())
    assert (finding["id"], finding["nodes"]) == ("duplicate-router-id", ["node-1", "node-2"])


@pytest.mark.parametrize(
    ("severity", "code", "expected"),
    [("critical", "F1298", "error"), ("minor", "F1298", "warning"), ("major", "F0299", None), ("info", "F1298", None)],
)
def test_faults_by_severity(cluster, severity, code, expected):
    cluster.aci["faults"] = [{"code": code, "severity": severity, "descr": "it broke", "dn": f"{L3OUT}/fault-{code}"}]
    report = cluster.verify()
    assert [finding["severity"] for finding in report["findings"]] == ([expected] if expected else [])
    assert report["ok"] == (expected != "error")


@pytest.mark.parametrize(
    ("lpm", "severity"),
    [
        (None, None),
        ({"used": 15999, "limit": 20000}, None),
        ({"used": 16000, "limit": 20000}, "warning"),
        ({"used": 20000, "limit": 20000}, "error"),
    ],
)
def test_use_of_the_lpm_table(cluster, lpm, severity):
    cluster.leaf(202)["lpm"] = lpm
    assert [finding["severity"] for finding in cluster.verify()["findings"]] == ([severity] if severity else [])


# --- connectivity ---


@pytest.fixture
def connected():
    return Cluster(
        aci_calico_contracts=[contract(service_graph="firewall", export_to=["b"])],
        aci_calico_provided_contracts=["web"],
        aci_calico_consumed_interfaces=["theirs"],
        aci_calico_transit=[{**CORPORATE, "consume": ["web"]}],
    )


def test_a_connected_cluster_has_no_findings(connected):
    assert connected.verify()["findings"] == []


def test_a_relation_that_finds_nothing_is_named(connected):
    (dn,) = [dn for dn in connected.aci["objects"] if dn.endswith("/rsconsIf-theirs")]
    connected.aci["objects"][dn]["attributes"]["state"] = "missing-target"
    finding = only(connected.verify())
    assert finding["id"] == "contract-unresolved"
    assert "theirs" in finding["what"]
    connected.aci["objects"][dn]["attributes"]["state"] = "formed"
    assert connected.verify()["findings"] == []


@pytest.mark.parametrize(
    ("end", "rule"),
    [
        ("/brc-web", "contract-differs"),
        ("/brc-web/subj-web/rsSubjGraphAtt", "contract-differs"),
        ("/flt-https/e-tcp-443", "contract-differs"),
        ("/cif-web/rsif", "contract-differs"),
        ("/instP-default/rsprov-web", "contract-differs"),
        ("/out-core/instP-corporate/rscons-web", "contract-differs"),
        ("/out-core/prof-default-export/ctx-calico-prod1-transit", "transit-route"),
        ("/subj-calico-prod1-transit/dest-[10.1.0.0/16]", "transit-route"),
    ],
)
def test_a_missing_object_of_connectivity_is_named(connected, end, rule):
    (dn,) = [dn for dn in connected.aci["objects"] if dn.endswith(end)]
    connected.delete_object(dn)
    finding = only(connected.verify())
    assert finding["id"] == rule
    assert end in finding["what"]


SVI = f"{L3OUT}/lnodep-rack-1/lifp-rack-1-ipv4/vlifp-[topology/pod-1/node-201]-[vlan-300]"


@pytest.mark.parametrize(
    ("dn", "cls", "attributes", "rule"),
    [
        (f"uni/tn-common/subj-calico-prod1-import/dest-[{ADDED}]", "rtctrlMatchRtDest", {"ip": ADDED}, "import-prefix-extra"),
        (f"uni/tn-common/subj-calico-prod1-export/dest-[{ADDED}]", "rtctrlMatchRtDest", {"ip": ADDED}, "aci-differs"),
        (f"uni/tn-common/subj-calico-prod1-transit/dest-[{ADDED}]", "rtctrlMatchRtDest", {"ip": ADDED}, "transit-route"),
        (f"{L3OUT}/instP-default/extsubnet-[{ADDED}]", "l3extSubnet", {"ip": ADDED}, "external-subnet"),
        (f"{SVI}/peerP-[192.168.2.77]", "bgpPeerP", {"addr": "192.168.2.77"}, "aci-extra-peer"),
        (f"{L3OUT}/instP-other", "l3extInstP", {"name": "other"}, None),
    ],
)
def test_an_object_that_is_not_planned(connected, dn, cls, attributes, rule):
    connected.aci["objects"][dn] = {"class": cls, "attributes": attributes}
    report = connected.verify()
    assert ids(report) == ([rule] if rule else [])
    assert all(next(iter(attributes.values())) in finding["what"] for finding in report["findings"])
