"""What ``site`` and ``rehearse`` say about a change before it is made, and what ``site`` refuses."""

from __future__ import annotations

import json
from typing import Any

from integration.site.harness import Cluster, Site, fabric, intent, racks


def rehearsed(site: Site) -> dict[str, Any]:
    """Return the rehearsal in the artifacts."""
    found: dict[str, Any] = json.loads((site.folder / "artifacts/prod/rehearsal.json").read_text(encoding="utf-8"))
    return found


def state(cluster: Cluster) -> tuple[Any, Any]:
    """Return the objects of both sides."""
    assert cluster.kube
    return cluster.tree(), cluster.kube.objects()


def test_what_interrupts_needs_a_consent_and_what_does_not_passes(site: Site) -> None:
    cluster = site.add("prod", intent("floating", racks(2, 3)))
    site.run("site")
    site.consents = []
    assert "prod: rehearsal: hitless" in site.run("site").output
    cluster.variables["aci_calico_vlan"] = 301
    cluster.variables["aci_calico_renumber"] = ["svi"]
    before = state(cluster)

    refused = site.run("site", check=False)
    assert refused.code
    assert state(cluster) == before
    text = " ".join(refused.output.split())
    assert "consent-missing" in text
    assert "-e aci_calico_consent=traffic-interruption" in text
    assert "traffic-interruption l3out: delete 4 l3extVirtualLIfP" in text
    assert rehearsed(site)["overall"] == "traffic-interruption"

    assert "consent-missing" in site.run("site", "--check").output
    site.run("site", "-e", "aci_calico_consent=traffic-interruption")
    assert state(cluster) != before


def test_a_rehearsal_reads_both_sides_and_changes_nothing(site: Site) -> None:
    cluster = site.add("prod", intent("standard", racks(2, 3)), seed=fabric(racks(2, 4)))
    site.run("site")
    site.consents = []
    cluster.variables["aci_calico_racks"][0]["nodes"].append("n1-4")
    cluster.apic.log.clear()
    before, files = state(cluster), allocation(site)
    outcome = site.run("rehearse")
    assert [call.partition(" ")[0] for call in cluster.calls()] == ["POST", "GET", "GET"]
    assert (state(cluster), allocation(site)) == (before, files)
    assert outcome.changed("prod") == []
    found = rehearsed(site)
    assert (found["overall"], found["consent"]) == ("path-change", [])
    assert {"l3extLIfP", "BGPPeer"} <= {change["kind"] for change in found["changes"]}
    assert all(change["reason"] for change in found["changes"])
    assert (site.folder / "artifacts/prod/rehearsal.md").read_text(encoding="utf-8").startswith("## prod: path-change\n")
    site.run("site")


def allocation(site: Site) -> list[str]:
    """Return the contents of the allocation files."""
    return [path.read_text(encoding="utf-8") for path in sorted(site.folder.rglob(".allocations/*.yml"))]
