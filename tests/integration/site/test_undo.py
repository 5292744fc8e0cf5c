"""Undo of a run, killed in the middle and finished by the next one: both sides byte for byte, and the allocation file."""

from __future__ import annotations

import json
import stat
from typing import Any

from integration.site.harness import PASSWORD, Cluster, Site, intent, kill_tree, racks

from lab.kube.schema import SERVER_SET

OTHERS = {
    "bgpCtxPol": {"attributes": {"name": "others", "holdIntvl": "90", "kaIntvl": "30", "annotation": "orchestrator:terraform"}}
}
CONSENTS = ("-e", "aci_calico_consent=release:n2-2,session-reset,route-loss,traffic-interruption")
# The request of the undo that is its first change of the cluster, after those for the lease and for what is there.
WRITE = 9


def both(site: Site, cluster: Cluster) -> tuple[str, list[Any], str]:
    """Return both sides without what servers count, and the allocation file."""
    objects = []
    for obj in cluster.kube.objects():
        metadata = {name: value for name, value in obj["metadata"].items() if name not in SERVER_SET and value != {}}
        objects.append({**obj, "metadata": metadata})
    file = site.folder / "inventory" / ".allocations" / f"{cluster.name}.yml"
    return json.dumps(cluster.tree(), sort_keys=True), objects, file.read_text(encoding="utf-8")


def test_a_run_is_undone_to_the_byte_by_a_killed_undo_and_another(site: Site) -> None:
    cluster = site.add("prod", intent("standard", racks(2, 2)))
    cluster.post("uni/tn-common", {"fvTenant": {"attributes": {"name": "common"}, "children": [OTHERS]}})
    site.run("site")
    first = both(site, cluster)
    fewer = racks(2, 2)
    fewer[1]["nodes"].remove("n2-2")
    cluster.variables |= {"aci_calico_racks": fewer, "aci_calico_mtu": 8900, "aci_calico_service_subnets": ["192.168.12.0/22"]}
    site.run("site", *CONSENTS)
    changed = both(site, cluster)
    assert all(now != before for now, before in zip(changed, first, strict=True))
    cluster.apic.misbehave("hang-after", nth=WRITE)
    process = site.start("undo", *CONSENTS)
    try:
        assert cluster.apic.misbehaviour.hung.wait(600), "there was no such request"
    finally:
        kill_tree(process)
    cluster.apic.misbehaviour.clear()
    assert both(site, cluster)[0] != changed[0]
    site.run("undo", *CONSENTS)
    assert both(site, cluster) == first
    kept = sorted((site.folder / "artifacts" / "prod" / "journal").iterdir())
    assert len(kept) == 2, "one for each run that changed something"
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert not [path for path in kept if PASSWORD in path.read_text(encoding="utf-8")]
