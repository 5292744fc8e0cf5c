"""Lost allocation files are recovered from APIC and Kubernetes, byte for byte."""

from __future__ import annotations

from integration.site.harness import Site, intent, racks

# As the first plan assigns them.
ADDRESSES = {name: f"192.168.0.{slot}/22" for slot, name in enumerate(("n1-1", "n1-2", "n2-1", "n2-2"), 1)}


def test_lost_allocations_are_recovered_from_the_servers(site: Site) -> None:
    site.add("prod1", intent("floating", racks(2, 2)), addresses=ADDRESSES)
    site.add("prod2", intent("standard", racks(2, 2)), kube=False)
    site.run("plan")
    for cluster in site.clusters.values():
        del cluster.variables["aci_calico_racks"][0]["nodes"][0]
    site.run("site", "--tags", "aci", "-e", "aci_calico_preflight=false")
    files = sorted((site.folder / "inventory/.allocations").iterdir())
    kept = {path: path.read_bytes() for path in files}
    for path, content in kept.items():
        assert b"n1-2: {slot: 1" in content, "a new plan would give it another slot"
        path.unlink()
    outcome = site.run("recover", "-e", "recover_from=servers")
    assert " ".join(outcome.output.split()).count("is recovered from APIC and Kubernetes") == 2
    assert {path: path.read_bytes() for path in files} == kept
