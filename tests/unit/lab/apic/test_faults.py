"""Faults that are not about relations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.twin.paper import mo

GOLDEN = Path(__file__).resolve().parents[3] / "golden/transit"


def test_a_floating_address_belongs_to_the_subnet_of_its_interface(client, l3out, floating) -> None:
    lifp = f"{l3out}/lnodep-rack-1/lifp-floating"
    dn = f"{lifp}/vlifp-[topology/pod-1/node-201]-[vlan-300]"

    def svi(address: str):
        relation = mo("l3extRsDynPathAtt", tDn="uni/phys-k8s", floatingAddr=address)
        return floating(relation)

    client.post(lifp, svi("192.168.9.253/24"))
    assert client.faults(dn) == ["F3744"]
    client.post(lifp, svi("192.168.2.253/24"))
    assert client.faults(dn) == []
    client.post(lifp, svi("0.0.0.0"))
    assert client.faults(dn) == ["F3744"]
    client.delete(f"{dn}/rsdynPathAtt-[uni/phys-k8s]")
    assert client.faults(dn) == []


# --- what a leaf refuses: F0467 ---------------------------------------------------------------------------------------

PROD = "uni/tn-common"


def second(*children: Any, vrf: str = "calico", name: str = "wan") -> dict[str, Any]:
    """Return another L3Out of tenant common."""
    return mo("l3extOut", mo("l3extRsEctx", tnFvCtxName=vrf), mo("bgpExtP"), *children, name=name)


def profile(policy: str, leaf: int = 201) -> dict[str, Any]:
    """Return a node profile with a timers policy on a leaf."""
    node = mo("l3extRsNodeL3OutAtt", tDn=f"topology/pod-1/node-{leaf}", rtrId=f"1.1.4.{leaf}")
    return mo("l3extLNodeP", mo("bgpProtP", mo("bgpRsBgpNodeCtxPol", tnBgpCtxPolName=policy)), node, name="rack-1")


def conflicts(client) -> list[tuple[str, str]]:
    """Return the configuration that leaves refuse: where, and the qualifier."""
    query = '/api/class/faultDelegate.json?query-target-filter=eq(faultDelegate.code,"F0467")'
    found = [each["faultDelegate"]["attributes"] for each in client.get(query)]
    return [(one["dn"].partition("/fd-")[0], one["changeSet"].partition(",")[0].removeprefix("configQual:")) for one in found]


@pytest.mark.parametrize(
    ("mine", "theirs", "conflict"),
    [
        (profile("fast"), second(profile("slow")), True),
        (profile("fast"), second(profile("fast")), False),
        (profile("fast"), second(profile("")), False),
        (profile("fast"), second(profile("slow", leaf=202)), False),
        (profile("fast"), second(profile("slow"), vrf="other"), False),
    ],
    ids=["another policy", "the same policy", "no policy", "another leaf", "another VRF"],
)
def test_a_leaf_has_one_timers_policy_for_a_vrf(client, l3out, mine, theirs, conflict) -> None:
    client.post(PROD, mo("fvCtx", name="other"))
    client.post(PROD, mo("fvTenant", mo("bgpCtxPol", name="fast"), mo("bgpCtxPol", name="slow"), name="common"))
    client.post(l3out, mo("l3extOut", mine, mo("bgpExtP"), name="calico"))
    client.post(PROD, theirs)
    assert conflicts(client) == [(f"{PROD}/out-wan", "bgpProt-policy-already-existing")] * conflict
    client.delete(f"{PROD}/out-wan")
    assert conflicts(client) == []


def test_a_conflict_of_policies_is_told_as_a_fabric_tells_it(client, l3out) -> None:
    client.post(PROD, mo("fvTenant", mo("bgpCtxPol", name="fast"), mo("bgpCtxPol", name="slow"), name="common"))
    client.post(l3out, mo("l3extOut", profile("fast"), mo("bgpExtP"), name="calico"))
    client.post(PROD, second(profile("slow")))
    (fault,) = client.get('/api/class/faultDelegate.json?query-target-filter=wcard(faultDelegate.changeSet,"already-existing")')
    about = fault["faultDelegate"]["attributes"]
    assert about["affected"] == f"resPolCont/rtdOutCont/rtdOutDef-[{PROD}/out-wan]/nwissues"
    expected = "configQual:bgpProt-policy-already-existing, configSt:failed-to-apply, temporaryError:no"
    assert (about["code"], about["changeSet"], about["severity"]) == ("F0467", expected, "minor")


@pytest.mark.parametrize(
    ("ip", "scope", "conflict"),
    [
        ("10.1.0.0/16", "import-security", True),
        ("10.1.0.0/16", "export-rtctrl", False),
        ("10.1.0.0/24", "import-security", False),
    ],
)
def test_a_prefix_is_in_one_external_epg_of_a_vrf(client, l3out, ip, scope, conflict) -> None:
    client.post(l3out, mo("l3extInstP", mo("l3extSubnet", ip="10.1.0.0/16"), mo("l3extSubnet", ip="0.0.0.0/0"), name="default"))
    client.post(
        PROD, second(mo("l3extInstP", mo("l3extSubnet", ip=ip, scope=scope), mo("l3extSubnet", ip="0.0.0.0/0"), name="all"))
    )
    assert conflicts(client) == [(f"{PROD}/out-wan/instP-all", "prefix-entry-already-in-use")] * conflict


@pytest.mark.parametrize(
    ("path", "encap", "conflict"),
    [
        ("topology/pod-1/paths-201/pathep-[eth1/9]", "vlan-300", True),
        ("topology/pod-1/protpaths-201-202/pathep-[vpc]", "vlan-300", True),
        ("topology/pod-1/paths-202/pathep-[eth1/9]", "vlan-300", False),
        ("topology/pod-1/paths-201/pathep-[eth1/9]", "vlan-301", False),
    ],
)
def test_a_vlan_belongs_to_one_epg_or_l3out_on_a_leaf(client, l3out, floating, path, encap, conflict) -> None:
    client.post(f"{l3out}/lnodep-rack-1/lifp-floating", floating())
    epg = "uni/tn-prod/ap-web/epg-front"
    client.post("uni/tn-prod", mo("fvAp", mo("fvAEPg", mo("fvRsPathAtt", tDn=path, encap=encap), name="front"), name="web"))
    assert conflicts(client) == [(epg, "encap-already-in-use")] * conflict
    client.delete(f"{l3out}/lnodep-rack-1")
    assert conflicts(client) == []


def test_clusters_of_one_vrf_and_leaf_share_their_policies(client) -> None:
    """The L3Outs and policies of the example ``transit``, in tenant and VRF of this fabric."""
    for cluster in ("east", "west"):
        text = (GOLDEN / cluster / "apic.json").read_text().replace('"tnFvCtxName": "prod"', '"tnFvCtxName": "calico"')
        ((tenant,),) = [each.values() for each in json.loads(text)["polUni"]["children"] if "fvTenant" in each]
        kinds = ("bgpCtxPol", "bgpBestPathCtrlPol", "l3extOut")
        own = [
            each
            for each in tenant["children"]
            for cls, body in each.items()
            if cls in kinds and "annotation" in body["attributes"]
        ]
        client.post("uni", mo("polUni", mo("fvTenant", *own, name="common")))
    assert len(client.get("/api/class/l3extOut.json")) == 2
    assert conflicts(client) == []
