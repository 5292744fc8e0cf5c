"""The requests of preflight to APIC."""

from __future__ import annotations

import pytest
from unit.plugin_utils.sample_plans import STANDARD, plan_of, racks

from ansible_collections.netops.aci_calico.plugins.plugin_utils.preflight.facts import queries


@pytest.mark.parametrize(("leaves", "nodes"), [(2, 3), (12, 192), (26, 192), (80, 320)])
def test_requests_stay_few_and_short(leaves: int, nodes: int) -> None:
    """APIC takes request lines of 8 KiB."""
    each = nodes * 2 // leaves
    names = [[f"compute-node-{rack}-{number}" for number in range(each)] for rack in range(leaves // 2)]
    subnets = {"node_subnets": ["172.16.0.0/20"], "limits": {"ecmp-paths": 200}, "vlan": "300-699"}
    paths = queries(plan_of(STANDARD, racks=racks(*names), **subnets))
    assert len(paths) == 3
    assert max(map(len, paths)) < 8000
