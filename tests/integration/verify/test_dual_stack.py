"""Both families from the plan to the wire: every session up, every route in place, pods reach each other over both."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from integration.verify.live import Live, live
from unit.plugin_utils.sample_plans import SECOND_FAMILY

from lab.twin.bench import eventually
from lab.twin.machines import missing_prerequisites


@pytest.mark.parametrize("kind", ["floating", "standard"])
def test_pods_reach_each_other_over_both_families(tmp_path: Path, kind: str) -> None:
    from unit.plugin_utils.healthy_cluster import STANDARD, VARIABLES, Cluster

    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    both = {name: VARIABLES[name] + second for name, second in SECOND_FAMILY.items()}
    plan = Cluster(**both, **(STANDARD if kind == "standard" else {})).plan
    with live(tmp_path / "twin", plan) as made:
        report = made.until_green()
        assert len(report["sessions"]) == 24
        for family in ("ipv4", "ipv6"):
            near, far = _pod(made, "node-1", family), _pod(made, "node-6", family)
            eventually(lambda near=near, far=far: made.bench.pings("node-1", far, "-I", near))


def _pod(made: Live, node: str, family: str) -> str:
    """The first address of the node's pod block."""
    machines = made.bench.twin.ask("machines")["nodes"]
    (block,) = (block for block in machines[node]["blocks"] if (":" in block) == (family == "ipv6"))
    return str(ip_network(block)[1])
