"""Policies that clusters share by content: the way from those of an earlier version, a change of values, the last one out."""

from __future__ import annotations

from typing import Any

import pytest
from unit.module_utils.fabric import an
from unit.modules.running import TENANT, Runner
from unit.plugin_utils.sample_plans import FLOATING, plan_of, racks

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots

PROFILES = [f"{TENANT}/out-calico-prod1/lnodep-rack-{rack}/protp" for rack in (1, 2)]
OLD = {"bgp_timers_policy": "calico-prod1", "bgp_best_path_policy": "calico-prod1"}


def site(run: Runner, state: str = "present", **changes: Any) -> list[dict[str, Any]]:
    """Push the policies and then the L3Out, or remove them in the other order, as the playbooks do."""
    plan = plan_of(FLOATING, **changes)
    parts = ["policies", "l3out"] if state == "present" else ["l3out", "policies"]
    results = [run(apic_roots(plan, part), cluster=plan["cluster"], state=state) for part in parts]
    assert not [result["msg"] for result in results if result.get("failed")]
    return results


def posts(run: Runner) -> list[str]:
    """Return what the last requests changed, as the DNs of the roots."""
    sent = [one["path"] for one in run.server.log if one["method"] == "POST" and "aaaLogin" not in one["path"]]
    run.server.log.clear()
    return [path.removeprefix("/api/mo/").removesuffix(".json") for path in sent]


def named(run: Runner) -> dict[str, set[str]]:
    """Return the names and the states of the relations with the policies, and the policies that there are."""
    objects = run.objects()
    relations = [objects[f"{dn}/{rn}"][1] for dn in PROFILES for rn in ("rsbgpNodeCtxPol", "rsBestPathCtrlPol")]
    return {
        "relations": {one["tDn"] for one in relations},
        "states": {one["state"] for one in relations},
        "policies": {
            dn for dn, (cls, _mo) in objects.items() if cls in ("bgpCtxPol", "bgpBestPathCtrlPol") and "default" not in dn
        },
    }


@pytest.fixture(name="old")
def _old(run: Runner) -> Runner:
    """A cluster as the version before made it: policies of its own, named after its L3Out."""
    own = {"name": "calico-prod1", "annotation": "orchestrator:aci-calico:prod1"}
    timers = an("bgpCtxPol", **own, kaIntvl="1", holdIntvl="3", maxAsLimit="1", grCtrl="helper")
    run.make(TENANT, an("fvTenant", timers, an("bgpBestPathCtrlPol", **own, ctrl="asPathMultipathRelax"), name="common"))
    site(run, **OLD)
    run.server.log.clear()
    return run


SHARED_NAMES = {f"{TENANT}/bgpCtxP-calico-timers-1-3-1-helper", f"{TENANT}/bestpath-calico-best-path-relax"}


def test_policies_of_an_earlier_version_go_after_the_l3out_names_the_new_ones(old: Runner) -> None:
    assert old.objects()[f"{TENANT}/bgpCtxP-calico-prod1"]
    policies = apic_roots(plan_of(FLOATING), "policies")
    assert old(policies)["deleted"] == []
    assert named(old)["states"] == {"formed"}, "the old policies are in force until the relations have moved"
    results = site(old)
    assert named(old) == {"relations": SHARED_NAMES, "states": {"formed"}, "policies": SHARED_NAMES}
    assert sorted(results[1]["deleted"]) == [f"{TENANT}/bestpath-calico-prod1", f"{TENANT}/bgpCtxP-calico-prod1"]
    assert posts(old) == [TENANT, f"{TENANT}/out-calico-prod1", "uni"]
    assert not any(result["changed"] for result in site(old))
    assert posts(old) == []


def test_an_upgrade_that_was_killed_is_finished_by_the_next_run(old: Runner) -> None:
    for part, roots in (("policies", slice(None)), ("l3out", slice(0, 1))):
        old(apic_roots(plan_of(FLOATING), part)[roots])
    assert len(named(old)["policies"]) == 4
    site(old)
    assert named(old)["policies"] == SHARED_NAMES


def test_a_cluster_of_an_earlier_version_is_removed_whole(old: Runner) -> None:
    site(old, "absent")
    assert not [dn for dn in old.objects() if "prod1" in dn or "calico-timers" in dn]


def test_new_values_are_new_policies_and_the_last_cluster_removes_the_old(run: Runner) -> None:
    second = {"cluster_name": "prod2", "l3out": "second", "vlan": 400, "node_subnets": ["172.16.2.0/24"]}
    second["racks"] = racks(["a"], ["b"])
    site(run)
    site(run, **second)
    site(run, bgp_keepalive=0)
    assert f"{TENANT}/bgpCtxP-calico-timers-0-3-1-helper" in named(run)["relations"]
    assert f"{TENANT}/bgpCtxP-calico-timers-1-3-1-helper" in named(run)["policies"], "the second cluster uses it"
    site(run, **second, bgp_keepalive=0)
    assert f"{TENANT}/bgpCtxP-calico-timers-1-3-1-helper" not in named(run)["policies"]
    site(run, "absent")
    assert f"{TENANT}/bgpCtxP-calico-timers-0-3-1-helper" in run.objects()
    site(run, "absent", **second)
    assert not [dn for dn in run.objects() if "calico-timers" in dn or "calico-best-path" in dn]


def test_a_prefix_limit_that_is_switched_off_takes_its_policy_along_last(run: Runner) -> None:
    site(run, bgp_prefix_limit=500)
    results = site(run)
    assert (results[0]["deleted"], results[1]["deleted"]) == ([], [f"{TENANT}/bgpPfxP-calico-prod1"])


def test_next_hop_propagation_is_made_before_the_peers_that_name_it_and_removed_after_them(run: Runner) -> None:
    site(run)
    route_maps = [
        f"{TENANT}/{rn}" for rn in ("attr-calico-prod1-next-hop", "prof-calico-prod1-hosts", "prof-calico-prod1-next-hop")
    ]
    policies, l3out = site(run, next_hop_propagation=True)
    assert set(route_maps) <= set(policies["created"])
    relations = [dn for dn in l3out["created"] if "rspeerToProfile" in dn or "redistributePol" in dn]
    assert len(relations) == 5
    assert {run.objects()[dn][1]["state"] for dn in relations} == {"formed"}
    assert not any(result["changed"] for result in site(run, next_hop_propagation=True))
    before = {dn for dn in run.objects() if "/out-calico-prod1/prof-default-" in dn}
    policies, l3out = site(run)
    assert policies["deleted"] == [], "peers still name them"
    assert set(route_maps) <= set(l3out["deleted"])
    assert {dn for dn in run.objects() if "/out-calico-prod1/prof-default-" in dn} == before
    site(run, next_hop_propagation=True)
    site(run, "absent", next_hop_propagation=True)
    assert not [dn for dn in run.objects() if "calico-prod1" in dn]
