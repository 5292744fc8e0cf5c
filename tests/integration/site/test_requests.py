"""What a run of ``site`` asks of APIC, and that it tells the truth about it."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Cluster, Site, intent, racks

FIRST, SECOND = 12, 9
# Whom a cluster talks to: what is there in every tenant common, and what it makes.
CONNECTED = {
    "contracts": [{"name": "web", "filters": [{"name": "https", "entries": ["tcp/443"]}, "default"]}],
    "provided_contracts": ["web", "default"],
    "consumed_contracts": ["default"],
}
OTHERS = [
    "bgpCtxPol",
    "rtctrlSubjP",
    "fvBD",
    "l3extOut",
    "bgpCtxAfPol",
    "vzBrCP",
    "vzCPIf",
    "vzFilter",
    "vnsAbsGraph",
    "fvAp",
]


def _writes(cluster: Cluster) -> list[str]:
    return [call for call in cluster.calls() if not call.startswith("GET") and "/aaa" not in call]


def _dns(mo: dict[str, Any], above: str = "") -> set[str]:
    """The DN of every object of a snapshot."""
    found = set()
    for body in mo.values():
        dn = body["attributes"].get("dn", above)
        found.add(dn)
        for child in body.get("children", ()):
            found |= _dns(child, dn)
    return found


def test_the_number_of_requests_does_not_grow_with_the_cluster(site: Site) -> None:
    for svi in ("floating", "standard"):
        site.add(f"{svi}-small", intent(svi, racks(2, 3)))
        site.add(f"{svi}-large", intent(svi, racks(2, 32)))
    site.run("site")
    first = {name: cluster.calls() for name, cluster in site.clusters.items()}
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


def test_a_crowded_tenant_costs_neither_requests_nor_bytes(site: Site) -> None:
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
    """So many objects of others in the tenant, of the classes that the collection reads among them."""
    children = [
        {cls: {"attributes": {"name": f"other-{number}", "annotation": "orchestrator:terraform"}}}
        for number in range(count // len(OTHERS))
        for cls in OTHERS
    ]
    cluster.post(
        "uni",
        {
            "polUni": {
                "attributes": {},
                "children": [{"fvTenant": {"attributes": {"name": "common"}, "children": children}}],
            }
        },
    )


@pytest.mark.parametrize("svi", ["floating", "standard"])
def test_a_dry_run_names_exactly_what_the_real_one_creates(site: Site, svi: str) -> None:
    cluster = site.add("prod", intent(svi, racks(2, 3)))
    before = cluster.tree()
    objects = cluster.kube.objects()
    dry = site.run("site", "--check", "--diff")
    assert cluster.tree() == before
    assert cluster.kube.objects() == objects
    real = site.run("site", "--diff")
    created = real.pushed("prod", "created")
    assert sorted(dry.pushed("prod", "created")) == sorted(created)
    assert len(created) == len(set(created))
    assert set(created) <= _dns(cluster.tree()) - _dns(before)
    for dn in created:
        assert dn in dry.output
    assert dry.changed("prod") == real.changed("prod")


def test_a_dry_run_of_a_change_names_exactly_that_change(site: Site) -> None:
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
