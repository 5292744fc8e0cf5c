"""A lost allocation file is recovered from APIC and Kubernetes, byte for byte."""

from __future__ import annotations

import pytest
from integration.site.harness import Site, intent, racks

# As the first plan assigns them.
ADDRESSES = {name: f"192.168.0.{slot}/22" for slot, name in enumerate(("n1-1", "n1-2", "n2-1", "n2-2"), 1)}


@pytest.mark.parametrize("kind", ["floating", "standard"])
def test_a_lost_allocation_is_recovered_from_the_servers(site: Site, kind: str) -> None:
    cluster = site.add("prod", intent(kind, racks(2, 2)), addresses=ADDRESSES if kind == "floating" else None)
    path = site.folder / "inventory/.allocations/prod.yml"
    site.run("plan")
    del cluster.variables["aci_calico_racks"][0]["nodes"][0]
    site.run("site", "--tags", "aci", "-e", "aci_calico_preflight=false")
    kept = path.read_bytes()
    assert b"n1-2: {slot: 1" in kept, "a new plan would give it another slot"
    path.unlink()
    outcome = site.run("recover", "-e", "recover_from=servers")
    assert "is recovered from APIC and Kubernetes" in " ".join(outcome.output.split())
    assert path.read_bytes() == kept
