"""A run that is interrupted at any request leaves no interface without its policies, and the next run completes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
from integration.site.harness import Cluster, Site, intent, kill_tree, racks

ACI_ONLY = ("--tags", "aci")
KINDS = ("floating", "standard")
SEEDED = ("core",)  # the L3Out to the outside, which the lab has
INTERFACES = ("l3extVirtualLIfP", "l3extRsPathL3OutAtt", "bgpPeerP")


def _objects(mo: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    for cls, body in mo.items():
        children = body.get("children", [])
        yield cls, body["attributes"], children
        for child in children:
            yield from _objects(child)


def _assert_policies(tree: dict[str, Any]) -> None:
    """Assert that each L3Out of the collection with an interface or a peer enforces import, by an existing route map and policies."""
    everything = list(_objects(tree))
    named = {(cls, attributes.get("name")) for cls, attributes, _children in everything}
    for cls, attributes, children in everything:
        below = [item for child in children for item in _objects(child)]
        if cls == "l3extOut" and attributes["name"] not in SEEDED and any(kind in INTERFACES for kind, *__ in below):
            assert "import" in attributes["enforceRtctrl"]
            assert ("rtctrlProfile", "default-import") in {(kind, one.get("name")) for kind, one, __ in below}
            _assert_targets(below, named)


def _assert_targets(below: list[tuple[str, dict[str, Any], list[Any]]], named: set[tuple[str, Any]]) -> None:
    targets = {
        "bgpRsBgpNodeCtxPol": ("bgpCtxPol", "tnBgpCtxPolName"),
        "bgpRsBestPathCtrlPol": ("bgpBestPathCtrlPol", "tnBgpBestPathCtrlPolName"),
        "rtctrlRsCtxPToSubjP": ("rtctrlSubjP", "tnRtctrlSubjPName"),
    }
    found = [(targets[cls][0], attributes[targets[cls][1]]) for cls, attributes, __ in below if cls in targets]
    assert {cls for cls, _name in found} == {cls for cls, __ in targets.values()}
    assert set(found) <= named


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], list[str]]:
    """Return the tree that an undisturbed run makes for each kind of SVI, and its requests."""
    with Site(tmp_path_factory.mktemp("undisturbed")) as site:
        clusters = {svi: site.add(f"{svi}-cluster", intent(svi, racks(2, 2)), kube=False) for svi in KINDS}
        site.run("site", *ACI_ONLY)
        floating, standard = (_without_renewals(cluster) for cluster in clusters.values())
        assert len(floating) == len(standard)
        return {svi: cluster.nameless_tree() for svi, cluster in clusters.items()}, floating


def _without_renewals(cluster: Cluster) -> list[str]:
    """Return the requests without the renewals of the lease, which only a slow run sends."""
    entries = cluster.apic.log.entries
    leases = [number for number, entry in enumerate(entries) if any("aci-calico-lease:" in dn for dn in entry["changed"])]
    return [call for number, call in enumerate(cluster.calls()) if number not in leases[1:-1]]


def _disturb(site: Site, requests: list[str], *actions: str, after: str) -> None:
    """Add a cluster for each request, whose APIC performs one of the actions there.

    ``after`` follows the processing of a request. It differs from the other actions only where the request writes.
    """
    svis, turns = cycle(KINDS), cycle(actions)
    for number, request in enumerate(requests, 1):
        for action in (next(turns), after) if request.startswith("POST /api/mo") else (next(turns),):
            cluster = site.add(f"{action}-{number}-cluster", intent(next(svis), racks(2, 2)), kube=False)
            cluster.apic.misbehave(action, nth=number)


def _complete(site: Site, wanted: dict[str, str]) -> None:
    """Run the playbook, and assert that each cluster has the tree of an undisturbed run."""
    site.run("site", *ACI_ONLY)
    for cluster in site.clusters.values():
        assert cluster.nameless_tree() == wanted[cluster.variables["aci_calico_svi"]], cluster.name


def test_run_completes_despite_a_failure_at_any_request(site: Site, undisturbed: tuple[dict[str, str], list[str]]) -> None:
    wanted, requests = undisturbed
    _disturb(site, requests, "status", "drop", "expire", after="drop-after")
    _complete(site, wanted)


def test_next_run_completes_a_run_killed_at_any_request(site: Site, undisturbed: tuple[dict[str, str], list[str]]) -> None:
    wanted, requests = undisturbed
    _disturb(site, requests, "hang", after="hang-after")
    site.settings = {"ANSIBLE_STRATEGY": "ansible.builtin.free"}  # no cluster waits for another one, which hangs
    process = site.start("site", *ACI_ONLY, "--forks", str(len(site.clusters)))
    try:
        for victim in site.clusters.values():
            assert victim.apic.misbehaviour.hung.wait(300), f"{victim.name}: there was no such request"
    finally:
        kill_tree(process)
    for victim in site.clusters.values():
        victim.apic.misbehaviour.clear()
        _until_idle(victim)
        _assert_policies(victim.tree())
    site.settings = {}
    _complete(site, wanted)


def _until_idle(cluster: Cluster) -> None:
    """Wait until APIC has finished the request that hung."""
    seen = -1
    while seen != len(cluster.apic.log.entries):
        seen = len(cluster.apic.log.entries)
        time.sleep(0.1)


def test_missing_policies_are_noticed() -> None:
    """Show that the check of intermediate trees can fail."""
    peer = {"bgpPeerP": {"attributes": {"addr": "192.168.2.1"}}}
    tree = {"l3extOut": {"attributes": {"name": "x", "enforceRtctrl": "export"}, "children": [peer]}}
    with pytest.raises(AssertionError):
        _assert_policies(tree)
