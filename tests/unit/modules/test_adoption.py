"""An L3Out that somebody made by hand, taken over by a cluster and given back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from unit.module_utils.fabric import an
from unit.modules.running import TENANT, Runner
from unit.modules.test_shared_policies import site
from unit.plugin_utils.preflight.test_fabric import FABRIC, read
from unit.plugin_utils.sample_plans import FLOATING, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots
from ansible_collections.netops.aci_calico.plugins.plugin_utils.preflight.fabric import fabric_problems
from lab.apic.apic import Apic
from lab.apic.seed import Seed

L3OUT = f"{TENANT}/out-calico-prod1"
LEAVES = (201, 202, 203, 204)


def by_hand(profile: str = "rack-1", epg: str = "default") -> dict[str, Any]:
    """Return an L3Out of the cluster's name with values of its own, a BGP password among them."""
    peer = an("bgpPeerP", an("bgpAsP", asn="65003"), addr="192.168.2.0/24", password="theirs", ttl="2")
    domain = an("l3extRsDynPathAtt", tDn="uni/phys-k8s", floatingAddr="192.168.2.253/24")
    about = {"encap": "vlan-300", "addr": "192.168.2.201/24", "ifInstT": "ext-svi", "mtu": "9000", "descr": "by hand"}
    svi = an("l3extVirtualLIfP", domain, peer, nodeDn="topology/pod-1/node-201", **about)
    node = an("l3extRsNodeL3OutAtt", tDn="topology/pod-1/node-201", rtrId="1.1.4.201", rtrIdLoopBack="no")
    protocol = an("bgpProtP", an("bgpRsBgpNodeCtxPol", tnBgpCtxPolName="default"))
    return an(
        "l3extOut",
        an("l3extRsEctx", tnFvCtxName="calico"),
        an("l3extRsL3DomAtt", tDn="uni/l3dom-k8s-l3"),
        an("bgpExtP", descr="by hand"),
        an("l3extLNodeP", protocol, node, an("l3extLIfP", svi, name="rack-1-ipv4"), name=profile),
        an("l3extInstP", an("l3extSubnet", ip="10.1.0.0/16"), an("fvRsProv", tnVzBrCPName="default"), name=epg),
        an("l3extInstP", an("l3extSubnet", ip="0.0.0.0/0"), name="elsewhere"),
        name="calico-prod1",
        descr="made by hand",
    )


def configuration(run: Runner) -> dict[str, Any]:
    """Return all objects without users and times."""
    times = ("uid", "userdom")
    found = run.objects().items()
    return {dn: (cls, {name: value for name, value in mo.items() if name not in times}) for dn, (cls, mo) in found}


def test_an_l3out_that_was_adopted_is_given_back_as_it_was(run: Runner) -> None:
    run.make(TENANT, by_hand())
    before = configuration(run)
    plan = plan_of(FLOATING)
    for part in ("policies", "l3out"):
        assert not run(apic_roots(plan, part), adopt=True).get("failed"), run.result
    after = configuration(run)
    assert after[L3OUT][1]["enforceRtctrl"] == "export,import"
    assert after[f"{L3OUT}/instP-default"][1]["annotation"] == "orchestrator:aci-calico:prod1"
    assert not any(run(apic_roots(plan, part))["changed"] for part in ("policies", "l3out"))
    site(run, "absent")
    assert configuration(run) == before


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            by_hand("border"),
            ["node profile border (leaf 201)", "interface profile rack-1-ipv4 (vlan-300 on", "rack-1 on leaf 201, 202"],
        ),
        (by_hand(epg="pods"), ["external EPG pods (10.1.0.0/16)"]),
    ],
    ids=["node profile", "external EPG"],
)
def test_what_the_plan_would_make_a_second_time_is_refused(made: dict[str, Any], words: list[str]) -> None:
    (problem,) = _problems(made)
    assert (problem.id, problem.severity) == ("adopted-in-the-way", "error")
    for text in words:
        assert text in problem.problem


def test_an_l3out_with_the_planned_names_is_taken_over() -> None:
    assert _problems(by_hand()) == []


def _problems(made: dict[str, Any]) -> list[Any]:
    """Return what preflight finds in a fabric with an object of tenant common, for a cluster that adopts."""
    seed = copy.deepcopy(FABRIC)
    seed["objects"] |= dict(_flat(made, TENANT))
    apic = Apic(Seed(seed))
    return fabric_problems(plan_of(FLOATING), lambda paths: read(apic, paths), adopt=True)


def _flat(made: dict[str, Any], above: str) -> Any:
    from ansible_collections.netops.aci_calico.plugins.module_utils.apic.mo import rn_from

    for cls, body in made.items():
        dn = f"{above}/{rn_from(cls, body['attributes'])}"
        yield dn, body["attributes"]
        for child in body["children"]:
            yield from _flat(child, dn)
