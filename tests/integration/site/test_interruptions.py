"""A run that is cut off anywhere leaves no door without its guard, and the next run finishes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Cluster, Site, intent, kill_tree, racks

ACI_ONLY = ("--tags", "aci")
SEEDED = ("core",)  # the way out of the fabric, which is others'
DOORS = ("l3extVirtualLIfP", "l3extRsPathL3OutAtt", "bgpPeerP")


def _objects(mo: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    for cls, body in mo.items():
        children = body.get("children", [])
        yield cls, body["attributes"], children
        for child in children:
            yield from _objects(child)


def _assert_guarded(tree: dict[str, Any]) -> None:
    """Each L3Out of ours with an interface or a peer enforces import, by a route map and policies that are there."""
    everything = list(_objects(tree))
    named = {(cls, attributes.get("name")) for cls, attributes, _children in everything}
    for cls, attributes, children in everything:
        below = [item for child in children for item in _objects(child)]
        if cls == "l3extOut" and attributes["name"] not in SEEDED and any(kind in DOORS for kind, *__ in below):
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


def _reference(folder: Path, svi: str) -> tuple[str, int]:
    """The tree that an undisturbed run makes, and how many requests that takes."""
    folder.mkdir()
    with Site(folder) as site:
        cluster = site.add("undisturbed", intent(svi, racks(2, 2)), kube=False)
        site.run("site", *ACI_ONLY)
        return cluster.nameless_tree(), len(cluster.calls())


@pytest.mark.parametrize("svi", ["floating", "standard"])
def test_refusals_and_lost_answers_at_every_request_are_overcome(site: Site, svi: str, tmp_path: Path) -> None:
    wanted, requests = _reference(tmp_path / "reference", svi)
    for action in ("status", "drop", "drop-after", "expire"):
        for number in range(1, requests + 1):
            cluster = site.add(f"{action}-{number}-cluster", intent(svi, racks(2, 2)), kube=False)
            cluster.apic.misbehave(action, nth=number)
    site.run("site", *ACI_ONLY)
    for cluster in site.clusters.values():
        assert cluster.nameless_tree() == wanted, cluster.name
        cluster.apic.log.clear()
    outcome = site.run("site", *ACI_ONLY)
    assert [name for name in site.clusters if outcome.changed(name)] == []


@pytest.mark.parametrize("svi", ["floating", "standard"])
def test_killed_at_every_request_the_next_run_finishes(site: Site, svi: str, tmp_path: Path) -> None:
    wanted, requests = _reference(tmp_path / "reference", svi)
    victims = [
        _killed(tmp_path / f"{action}-{number}-cluster", svi, action, number)
        for action in ("hang", "hang-after")
        for number in range(1, requests + 1)
    ]
    for victim in victims:
        _assert_guarded(victim.tree())
        site.clusters[victim.name] = victim
    site.run("site", *ACI_ONLY)
    for victim in victims:
        assert victim.nameless_tree() == wanted, victim.name
        victim.apic.stop()


def _killed(folder: Path, svi: str, action: str, number: int) -> Cluster:
    """A cluster whose first run was killed while APIC sat on its nth request."""
    folder.mkdir()
    site = Site(folder)
    cluster = site.add(folder.name, intent(svi, racks(2, 2)), kube=False)
    cluster.apic.misbehave(action, nth=number)
    process = site.start("site", *ACI_ONLY)
    assert cluster.apic.misbehaviour.hung.wait(60), f"there was no request {number}"
    kill_tree(process)
    cluster.apic.misbehaviour.clear()
    _until_idle(cluster)
    return cluster


def _until_idle(cluster: Cluster) -> None:
    """Let the request that hung come to its end."""
    seen = -1
    while seen != len(cluster.apic.log.entries):
        seen = len(cluster.apic.log.entries)
        time.sleep(0.1)


def test_what_breaks_a_guard_is_noticed() -> None:
    """The check of intermediate trees can fail."""
    peer = {"bgpPeerP": {"attributes": {"addr": "192.168.2.1"}}}
    tree = {"l3extOut": {"attributes": {"name": "x", "enforceRtctrl": "export"}, "children": [peer]}}
    with pytest.raises(AssertionError):
        _assert_guarded(tree)
