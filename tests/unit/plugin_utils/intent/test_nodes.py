"""The network interfaces of nodes."""

from __future__ import annotations

from typing import Any

import pytest
from unit.plugin_utils.sample_plans import one_rack, plan_of


@pytest.mark.parametrize(
    ("node", "cluster", "expected"),
    [
        ({"nics": ["ens1f0", "ens1f1"]}, ["eth0"], ["ens1f0", "ens1f1"]),
        ({}, ["eth0", "eth1"], ["eth0", "eth1"]),
        ({}, None, ["eno1", "eno2"]),
        ({"kind": "vm"}, None, ["ens192"]),
    ],
)
def test_nics_are_the_nodes_else_the_clusters_else_the_usual_ones(
    node: dict[str, Any], cluster: list[str] | None, expected: list[str]
) -> None:
    (planned,) = plan_of(**one_rack(nodes=[{"name": "a", **node}]), nics=cluster)["nodes"]
    assert planned["system"]["nics"] == expected
