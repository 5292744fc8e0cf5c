"""A cluster behind three L3Outs: sessions, routes, and traffic between racks."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.verify.live import live
from unit.plugin_utils.sample_plans import FLOATING, plan_of, racks

from lab.twin.bench import eventually
from lab.twin.machines import missing_prerequisites

EIGHT_RACKS = {
    "racks": racks(*[[f"node-{number}"] for number in range(1, 9)]),
    "node_subnets": ["192.168.2.0/24", "192.168.4.0/24", "192.168.5.0/24"],
    "vlan": "300-302",
}


def test_pods_of_all_racks_reach_each_other(tmp_path: Path) -> None:
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    with live(tmp_path / "twin", plan_of(FLOATING, **EIGHT_RACKS)) as made:
        report = made.until(lambda report: not [one for one in report["findings"] if one["severity"] == "error"])
        assert len(report["sessions"]) == 16
        for near, far in (("node-1", "node-8"), ("node-8", "node-1"), ("node-4", "node-7")):
            eventually(lambda near=near, far=far: made.reaches(near, far))
        assert made.bench.pings("endpoint", made.pod("node-8"))
