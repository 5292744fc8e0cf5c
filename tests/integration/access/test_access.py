"""Access policies and a tenant that the collection manages: created, shared between clusters, and removed."""

from __future__ import annotations

import json
from typing import Any

from integration.site.harness import Cluster, Site, intent, racks

ALONE = {
    "manage_access": True,
    "physical_domain": None,
    "manage_tenant": True,
    "tenant": "new",
    "vrf": "new",
    "l3_domain": "new-l3",
    "vlan": "600-699",
}


def cabled(count: int, nodes: int, first: int = 1) -> list[dict[str, Any]]:
    """Return racks whose nodes are on the ports from ``first`` on."""
    made = racks(count, nodes)
    for rack in made:
        rack["nodes"] = [{"name": name, "interfaces": [f"1/{port}"]} for port, name in enumerate(rack["nodes"], first)]
    return made


def dns(cluster: Cluster, cls: str) -> set[str]:
    """Return the DNs of a class."""
    return {mo.dn for mo in cluster.apic.tree.of_class(cls)}


def test_bare_fabric_gets_everything_an_l3out_needs(site: Site) -> None:
    clusters = [
        site.add("standard", intent("standard", cabled(2, 2), **ALONE), seed=None),
        site.add("floating", intent("floating", cabled(2, 1), **{**ALONE, "vlan": 600, "physical_domain": "new"}), seed=None),
    ]
    before = [cluster.tree() for cluster in clusters]
    dry = site.run("site", "--check")
    assert [cluster.tree() for cluster in clusters] == before
    first = site.run("site")
    for cluster in clusters:
        # The emulator refuses unknown objects and raises faults for relations without a target.
        assert cluster.apic.tree.of_class("faultInst") == []
        assert sorted(dry.pushed(cluster.name, "created")) == sorted(first.pushed(cluster.name, "created"))
        # The lease is in the tenant common, because the cluster's own tenant does not exist at first.
        posts = [call for call in cluster.calls() if call.startswith("POST /api/mo") and "tn-common" not in call]
        assert posts[:2] == ["POST /api/mo/uni/tn-new.json", "POST /api/mo/uni.json"]
        assert len(posts) == 4
    assert dns(clusters[0], "infraAccPortP") >= {f"uni/infra/accportprof-calico-standard-{leaf}" for leaf in range(201, 205)}
    second = site.run("site")
    for cluster in clusters:
        assert second.changed(cluster.name) == []
    site.run("teardown")
    assert [cluster.tree() for cluster in clusters] == before


def test_clusters_share_access_policies_and_tenant(site: Site) -> None:
    one = site.add("one", intent("standard", cabled(1, 1), **ALONE), kube=False, seed=None)
    changes = {"node_subnets": ["172.16.0.0/24"], "pod_subnets": ["10.2.0.0/16"], "service_subnets": ["172.17.0.0/22"]}
    changes |= {"external_service_subnets": [], "cluster_asn": 65009, "vlan": "700-709", "vpc_name": "other-{node}"}
    two = site.clusters["two"] = Cluster("two", intent("standard", cabled(1, 1, first=9), **{**ALONE, **changes}), one.apic)
    before = one.tree()
    site.run("site", "--tags", "aci")
    assert len(dns(one, "fvnsEncapBlk")) == 1 + 2
    site.run("teardown", "--tags", "aci", "--limit", "one")
    assert "orchestrator:aci-calico:one" not in json.dumps(one.tree())
    assert site.run("site", "--tags", "aci", "--limit", "two").changed("two") == []
    site.run("teardown", "--tags", "aci", "--limit", "two")
    assert two.tree() == before


def test_teardown_keeps_containers_of_foreign_objects(site: Site) -> None:
    cluster = site.add("one", intent("standard", cabled(1, 1), **ALONE), kube=False, seed=None)
    site.run("site", "--tags", "aci")
    theirs = {"fvTenant": {"attributes": {"name": "new"}, "children": [{"fvBD": {"attributes": {"name": "theirs"}}}]}}
    cluster.post("uni", {"polUni": {"attributes": {}, "children": [theirs]}})
    outcome = site.run("teardown", "--tags", "aci")
    assert cluster.apic.tree.get("uni/tn-new/BD-theirs") is not None
    assert cluster.apic.tree.get("uni/infra/attentp-new-l3") is None
    assert "uni/tn-new is kept" in outcome.output.replace("\n", " ")
