"""What a cluster's run must leave alone: the objects of others, and the places of its own nodes."""

from __future__ import annotations

import json
from typing import Any

from harness import Cluster, Site, intent, racks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OTHER = {"annotation": "orchestrator:terraform", "descr": "by hand"}


def _mo(cls: str, *children: dict[str, Any], **attributes: str) -> dict[str, Any]:
    return {cls: {"attributes": attributes, "children": list(children)}}


# Objects that somebody else might have, as (parent's DN, object): some in the tenant, some within the cluster's own L3Out.
FOREIGN = {
    "timers": ("uni/tn-common", _mo("bgpCtxPol", name="others", holdIntvl="90", kaIntvl="30", **OTHER)),
    "look-alike": ("uni/tn-common", _mo("bgpCtxPol", name="calico-prod2", **OTHER)),
    "match": (
        "uni/tn-common",
        _mo("rtctrlSubjP", _mo("rtctrlMatchRtDest", ip="10.99.0.0/16"), name="calico-prod-imports"),
    ),
    "vrf": ("uni/tn-common", _mo("fvCtx", name="other", **OTHER)),
    "l3out": ("uni/tn-common", _mo("l3extOut", _mo("l3extInstP", name="default"), name="calico-prod1", **OTHER)),
    "epg": (
        "uni/tn-common/out-calico-prod",
        _mo("l3extInstP", _mo("l3extSubnet", ip="10.77.0.0/16"), name="by-hand", **OTHER),
    ),
    "subnet": ("uni/tn-common/out-calico-prod/instP-default", _mo("l3extSubnet", ip="10.78.0.0/16", **OTHER)),
    "node profile": ("uni/tn-common/out-calico-prod", _mo("l3extLNodeP", name="by-hand", **OTHER)),
    "route map": ("uni/tn-common/out-calico-prod", _mo("rtctrlProfile", name="by-hand", **OTHER)),
}
WITHIN = {name for name, (parent, _mo_) in FOREIGN.items() if "/out-" in parent}


def _post(cluster: Cluster, name: str) -> None:
    parent, mo = FOREIGN[name]
    cluster.post(parent, mo)


def _foreign(cluster: Cluster, names: set[str]) -> dict[str, str]:
    """The foreign objects as APIC has them, whole, as text."""
    found = {}
    for name in names:
        parent, mo = FOREIGN[name]
        ((cls, body),) = mo.items()
        key = body["attributes"].get("name") or f"[{body['attributes']['ip']}]"
        for dn, subtree in _subtrees(cluster.tree()):
            if dn.startswith(f"{parent}/") and dn.endswith(f"-{key}") and cls in subtree:
                found[name] = json.dumps(subtree, sort_keys=True)
    return found


def _subtrees(mo: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for body in mo.values():
        found.append((body["attributes"].get("dn", ""), mo))
        for child in body.get("children", ()):
            found += _subtrees(child)
    return found


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.sets(st.sampled_from(sorted(set(FOREIGN) - WITHIN))), between=st.sets(st.sampled_from(sorted(FOREIGN)))
)
def test_what_others_made_is_the_same_after_every_run(
    tmp_path_factory: Any, before: set[str], between: set[str]
) -> None:
    with Site(tmp_path_factory.mktemp("foreign")) as site:
        cluster = site.add("prod", intent("floating", racks(2, 1)), kube=False)
        for name in before:
            _post(cluster, name)
        site.run("site", "--tags", "aci")
        for name in between - before:
            _post(cluster, name)
        theirs = before | between
        wanted = _foreign(cluster, theirs)
        assert set(wanted) == theirs
        cluster.variables |= {"aci_calico_racks": racks(1, 1), "aci_calico_pod_subnets": ["10.2.0.0/16"]}
        site.run("site", "--tags", "aci")
        assert _foreign(cluster, theirs) == wanted
        site.run("teardown", "--tags", "aci")
        assert _foreign(cluster, theirs) == wanted
        if not theirs & WITHIN:
            assert "orchestrator:aci-calico" not in json.dumps(cluster.tree())


def test_a_cluster_leaves_without_a_trace(site: Site) -> None:
    one = site.add("one", intent("floating", racks(2, 2)))
    before = one.tree()
    site.run("site")
    site.run("teardown")
    assert one.tree() == before
    assert one.kube.objects("BGPPeer") == []
    assert site.run("teardown").changed("one") == []


def test_nodes_keep_their_places_as_others_come_and_go(site: Site) -> None:
    cluster = site.add("prod", intent("standard", racks(2, 3)))
    site.run("site")
    first = _places(site)
    changed = racks(2, 3)
    # Behind a vPC that the fabric has: preflight would miss one of its own.
    changed[0]["nodes"].insert(1, {"name": "n1-new", "vpc": "vpc-n1-1"})
    changed[1]["nodes"].remove("n2-2")
    changed[1]["nodes"].reverse()
    changed.reverse()
    cluster.variables["aci_calico_racks"] = changed
    # The new node takes the place of the one that left: preflight refuses that for as long as both are in Kubernetes.
    cluster.kube.request("DELETE", "/api/v1/nodes/n2-2")
    cluster.kube.apply([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1-new"}}])
    outcome = site.run("site")
    second = _places(site)
    assert {name: place for name, place in second.items() if name in first} == {
        name: place for name, place in first.items() if name != "n2-2"
    }
    touched = (
        str(outcome.pushed("prod", "created"))
        + str(outcome.pushed("prod", "modified"))
        + str(outcome.pushed("prod", "deleted"))
    )
    assert "n1-new" in touched
    assert "n2-2" in touched
    for name in set(first) - {"n2-2"}:
        assert f"/lifp-{name}-" not in touched


def _places(site: Site) -> dict[str, Any]:
    plan = json.loads((site.folder / "artifacts/prod/plan.json").read_text(encoding="utf-8"))
    return {node["name"]: (node["slot"], node["vlan"], node["networks"], node["peers"]) for node in plan["nodes"]}
