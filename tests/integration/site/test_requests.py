"""The requests of a ``site`` run to APIC, and what it reports about them."""

from __future__ import annotations

from typing import Any

from integration.site.harness import Cluster, Site, intent, racks

# The first run reads the cluster's objects for its journal, too; preflight reads twice more for the rehearsal. A run that changes
# nothing is preflight alone: a login and five requests, and neither a lease nor a push.
FIRST, SECOND = 11, 6
LEASE = "aci-calico-lease"  # without the colon, which a query escapes
# Contracts of the cluster's own and of the tenant common.
CONNECTED = {
    "contracts": [{"name": "web", "filters": [{"name": "https", "entries": ["tcp/443"]}, "default"]}],
    "provided_contracts": ["web", "default"],
    "consumed_contracts": ["default"],
}
OTHERS = ["bgpCtxPol", "rtctrlSubjP", "fvBD", "l3extOut", "bgpCtxAfPol", "vzBrCP", "vzCPIf", "vzFilter", "vnsAbsGraph", "fvAp"]


def _calls(cluster: Cluster, of_lease: bool = False) -> list[str]:
    """Return the requests for the configuration, or those for the lease, without logins. A slow run renews it more often."""
    about = [LEASE in f"{entry['query']} {entry['changed']}" for entry in cluster.apic.log.entries]
    return [call for call, lease in zip(cluster.calls(), about, strict=True) if lease == of_lease and "/aaa" not in call]


def _writes(cluster: Cluster) -> list[str]:
    return [call for call in _calls(cluster) if not call.startswith("GET")]


def _dns(mo: dict[str, Any], above: str = "") -> set[str]:
    """Return the DN of every object of a snapshot."""
    found = set()
    for body in mo.values():
        dn = body["attributes"].get("dn", above)
        found.add(dn)
        for child in body.get("children", ()):
            found |= _dns(child, dn)
    return found


def test_number_of_requests_does_not_grow_with_the_cluster(site: Site) -> None:
    for svi in ("floating", "standard"):
        site.add(f"{svi}-small", intent(svi, racks(2, 3)))
        site.add(f"{svi}-large", intent(svi, racks(2, 32)))
    site.run("site")
    first = {name: _calls(cluster) for name, cluster in site.clusters.items()}
    for cluster in site.clusters.values():
        assert len(_writes(cluster)) == 2
        cluster.apic.log.clear()
    outcome = site.run("site")
    for name, cluster in site.clusters.items():
        assert len(first[name]) <= FIRST
        assert len(first[name]) == len(first["floating-small"])
        assert len(cluster.calls()) <= SECOND
        assert _writes(cluster) == []
        assert outcome.changed(name) == []


def test_crowded_tenant_costs_neither_requests_nor_bytes(site: Site) -> None:
    empty = site.add("empty", intent("floating", racks(2, 3), **CONNECTED), kube=False)
    crowded = site.add("crowded", intent("floating", racks(2, 3), **CONNECTED), kube=False)
    _crowd(crowded, 5000)
    crowded.apic.log.clear()
    site.run("site", "--tags", "aci")
    for cluster in site.clusters.values():
        cluster.apic.log.clear()
    site.run("site", "--tags", "aci")
    assert crowded.calls() == empty.calls()
    size = {name: sum(entry["out"] for entry in cluster.apic.log.entries) for name, cluster in site.clusters.items()}
    assert size["crowded"] < 1.05 * size["empty"]


def _crowd(cluster: Cluster, count: int) -> None:
    """Add ``count`` foreign objects to the tenant, of classes that the collection reads."""
    children = [
        {cls: {"attributes": {"name": f"other-{number}", "annotation": "orchestrator:terraform"}}}
        for number in range(count // len(OTHERS))
        for cls in OTHERS
    ]
    cluster.post(
        "uni",
        {"polUni": {"attributes": {}, "children": [{"fvTenant": {"attributes": {"name": "common"}, "children": children}}]}},
    )


def test_dry_run_names_what_the_real_run_creates(site: Site) -> None:
    clusters = [site.add(svi, intent(svi, racks(2, 3))) for svi in ("floating", "standard")]
    before = [(cluster.tree(), cluster.kube.objects()) for cluster in clusters]
    dry = site.run("site", "--check", "--diff")
    assert [(cluster.tree(), cluster.kube.objects()) for cluster in clusters] == before
    real = site.run("site", "--diff")
    for cluster, (tree, __) in zip(clusters, before, strict=True):
        created = real.pushed(cluster.name, "created")
        assert sorted(dry.pushed(cluster.name, "created")) == sorted(created)
        assert len(created) == len(set(created))
        assert set(created) <= _dns(cluster.tree()) - _dns(tree)
        for dn in created:
            assert dn in dry.output
        assert dry.changed(cluster.name) == real.changed(cluster.name)


def test_dry_run_names_what_the_real_run_changes(site: Site) -> None:
    cluster = site.add("prod", intent("floating", racks(2, 3)))
    site.run("site")
    cluster.variables |= {"aci_calico_mtu": 8900, "aci_calico_pod_subnets": ["10.1.0.0/16", "10.2.0.0/16"]}
    dry = site.run("site", "--check", "--diff")
    real = site.run("site", "--diff")
    for key in ("created", "modified", "deleted"):
        assert dry.pushed("prod", key) == real.pushed("prod", key)
    assert any("mtu" in str(item) for item in real.pushed("prod", "modified"))
    assert any("10.2.0.0/16" in dn for dn in real.pushed("prod", "created"))
    assert site.run("site").changed("prod") == []
