"""Runs keep the objects of others and the assignments of the cluster's own nodes."""

from __future__ import annotations

import json
from typing import Any

from integration.site.harness import Cluster, Site, intent, racks

OTHER = {"annotation": "orchestrator:terraform", "descr": "by hand"}


def _mo(cls: str, *children: dict[str, Any], **attributes: str) -> dict[str, Any]:
    return {cls: {"attributes": attributes, "children": list(children)}}


# Objects that somebody else might have, as (parent's DN, object): some in the tenant, some in the L3Out of the cluster NAME.
FOREIGN = {
    "timers": ("uni/tn-common", _mo("bgpCtxPol", name="others", holdIntvl="90", kaIntvl="30", **OTHER)),
    "look-alike": ("uni/tn-common", _mo("bgpCtxPol", name="calico-NAME2", **OTHER)),
    "match": ("uni/tn-common", _mo("rtctrlSubjP", _mo("rtctrlMatchRtDest", ip="10.99.0.0/16"), name="calico-NAME-imports")),
    "vrf": ("uni/tn-common", _mo("fvCtx", name="other", **OTHER)),
    "l3out": ("uni/tn-common", _mo("l3extOut", _mo("l3extInstP", name="default"), name="calico-NAME1", **OTHER)),
    "epg": ("uni/tn-common/out-calico-NAME", _mo("l3extInstP", _mo("l3extSubnet", ip="10.77.0.0/16"), name="by-hand", **OTHER)),
    "subnet": ("uni/tn-common/out-calico-NAME/instP-default", _mo("l3extSubnet", ip="10.78.0.0/16", **OTHER)),
    "node profile": ("uni/tn-common/out-calico-NAME", _mo("l3extLNodeP", name="by-hand", **OTHER)),
    "route map": ("uni/tn-common/out-calico-NAME", _mo("rtctrlProfile", name="by-hand", **OTHER)),
}
WITHIN = {name for name, (parent, _mo_) in FOREIGN.items() if "/out-" in parent}
IN_TENANT = set(FOREIGN) - WITHIN
# What each cluster finds in its fabric, and what is added after its first run.
OTHERS = {"crowded": (IN_TENANT, WITHIN), "late": (set(), set(FOREIGN)), "apart": ({"timers", "match"}, IN_TENANT)}


def _of(cluster: Cluster, name: str) -> tuple[str, dict[str, Any]]:
    """Return a foreign object and its parent's DN in a cluster's fabric."""
    parent, mo = json.loads(json.dumps(FOREIGN[name]).replace("NAME", cluster.name))
    return parent, mo


def _post(cluster: Cluster, names: set[str]) -> None:
    for name in names:
        cluster.post(*_of(cluster, name))


def _foreign(cluster: Cluster, names: set[str]) -> dict[str, str]:
    """Return the foreign objects with their children as APIC has them, as text."""
    found = {}
    for name in names:
        parent, mo = _of(cluster, name)
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


def test_runs_keep_objects_of_others(site: Site) -> None:
    for name, (before, __) in OTHERS.items():
        _post(site.add(name, intent("floating", racks(2, 1)), kube=False), before)
    site.run("site", "--tags", "aci")
    for name, (before, after) in OTHERS.items():
        _post(site.clusters[name], after - before)
    theirs = {name: before | after for name, (before, after) in OTHERS.items()}
    wanted = {name: _foreign(site.clusters[name], names) for name, names in theirs.items()}
    assert {name: set(found) for name, found in wanted.items()} == theirs
    for cluster in site.clusters.values():
        cluster.variables |= {"aci_calico_racks": racks(1, 1), "aci_calico_pod_subnets": ["10.2.0.0/16"]}
    for playbook in ("site", "teardown"):
        site.run(playbook, "--tags", "aci")
        assert {name: _foreign(site.clusters[name], names) for name, names in theirs.items()} == wanted
    assert "orchestrator:aci-calico" not in json.dumps(site.clusters["apart"].tree())


def test_teardown_removes_every_object(site: Site) -> None:
    one = site.add("one", intent("floating", racks(2, 2)))
    before = one.tree()
    site.run("site")
    site.run("teardown")
    assert one.tree() == before
    assert one.kube.objects("BGPPeer") == []
    assert site.run("teardown").changed("one") == []


def test_nodes_keep_their_assignments_as_others_come_and_go(site: Site) -> None:
    cluster = site.add("prod", intent("standard", racks(2, 3)))
    site.run("site")
    first = _assignments(site)
    changed = racks(2, 3)
    # It shares a vPC that the fabric has; preflight would report a missing one.
    changed[0]["nodes"].insert(1, {"name": "n1-new", "vpc": "vpc-n1-1"})
    changed[1]["nodes"].remove("n2-2")
    changed[1]["nodes"].reverse()
    changed.reverse()
    cluster.variables["aci_calico_racks"] = changed
    # The new node gets the slot of the removed one, which preflight refuses while both are in Kubernetes.
    cluster.kube.request("DELETE", "/api/v1/nodes/n2-2")
    cluster.kube.apply([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1-new"}}])
    outcome = site.run("site")
    second = _assignments(site)
    assert {name: assignment for name, assignment in second.items() if name in first} == {
        name: assignment for name, assignment in first.items() if name != "n2-2"
    }
    touched = (
        str(outcome.pushed("prod", "created")) + str(outcome.pushed("prod", "modified")) + str(outcome.pushed("prod", "deleted"))
    )
    assert "n1-new" in touched
    assert "n2-2" in touched
    for name in set(first) - {"n2-2"}:
        assert f"/lifp-{name}-" not in touched


def _assignments(site: Site) -> dict[str, Any]:
    plan = json.loads((site.folder / "artifacts/prod/plan.json").read_text(encoding="utf-8"))
    return {node["name"]: (node["slot"], node["vlan"], node["networks"], node["peers"]) for node in plan["nodes"]}
