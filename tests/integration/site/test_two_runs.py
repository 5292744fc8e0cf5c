"""Two runs at once: the second one waits or stops, and one that loses its lease changes nothing more."""

from __future__ import annotations

import re
from pathlib import Path

from integration.site.harness import Site, intent, kill_tree, racks


def test_one_run_at_a_time_and_takeover_by_name(site: Site, tmp_path: Path) -> None:
    cluster = site.add("prod", intent("floating", racks(1, 2), apic_timeout=900))  # longer than the other runs take
    # The first such request is the comparison's, before the lease.
    cluster.apic.misbehave("hang", nth=2, method="GET", path="^/api/mo/uni/tn-common/out-calico-prod")
    first = site.start("site")
    try:
        assert cluster.apic.misbehaviour.hung.wait(300)
        before = cluster.tree(), cluster.kube.objects()
        cluster.variables |= {"aci_calico_mtu": 8900}
        refused = site.run("site", "-e", "aci_calico_lease_wait=0", check=False)
        assert refused.code
        assert "lease-held" in refused.output
        assert (cluster.tree(), cluster.kube.objects()) == before
        run = re.search(r"aci_calico_take_lease=(\w+)", refused.output)
        assert run
        taken = site.run("site", "-e", f"aci_calico_take_lease={run[1]}")
        assert "is taken over, because aci_calico_take_lease names it" in " ".join(taken.output.split())
        whole = cluster.tree(), cluster.kube.objects()
        cluster.apic.misbehaviour.release()
        assert first.wait(300)
        assert (cluster.tree(), cluster.kube.objects()) == whole
    finally:
        kill_tree(first)
    assert "aci-calico-lease" not in str(whole)
    assert cluster.kube.objects("Lease") == []
