"""Several clusters in one run: a fabric that is down, and an inventory that is wrong, stop only their own clusters."""

from __future__ import annotations

from integration.site.harness import Site, intent, racks


def test_a_failing_cluster_leaves_the_others_right(site: Site) -> None:
    one = site.add("one", intent("floating", racks(1, 2)), kube=False)
    site.add("wrong", intent("floating", racks(1, 2), cluster_asn=0), kube=False)
    down = site.add("down", intent("standard", racks(1, 2)), kube=False)
    other = site.add("other", intent("standard", racks(1, 2), vrf="edge", l3out="edge"), kube=False)
    other.post(
        "uni/tn-common",
        {"fvTenant": {"attributes": {"name": "common"}, "children": [{"fvCtx": {"attributes": {"name": "edge"}}}]}},
    )
    empty = down.tree()
    down.variables["aci_calico_apic_timeout"] = 1
    down.apic.misbehave("status", nth=1, count=10_000, status=503)
    outcome = site.run("site", "--tags", "aci", check=False)
    assert outcome.code != 0
    said = " ".join(outcome.output.split())
    assert "4 clusters, 2 failed: wrong, down" in said or "4 clusters, 2 failed: down, wrong" in said
    assert "out-calico-one" in str(one.tree())
    assert "out-edge" in str(other.tree())
    assert down.tree() == empty
    down.apic.misbehaviour.clear()
    site.clusters["wrong"].variables["aci_calico_cluster_asn"] = 65003
    again = site.run("site", "--tags", "aci")
    assert again.changed("one") == again.changed("other") == []
    assert "4 clusters, none failed" in " ".join(again.output.split())
    assert "out-calico-down" in str(down.tree())
