"""All nodes peer with one pair of leaves: next hops with and without next-hop propagation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.twin.bench import bench, eventually
from lab.twin.forwarding import COMPUTE, SERVICE, cabled, next_hops, places
from lab.twin.machines import missing_prerequisites
from lab.twin.paper import Figure, scaled

NEAR, ALL = ["node-1", "node-2"], ["node-1", "node-2", "node-3", "node-4"]


def test_central_peering_reaches_all_nodes_from_every_leaf_with_propagation_only(tmp_path: Path) -> None:
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    figure: Figure = replace(scaled(2, 2), central=True, next_hop_propagation=True, serving=(1, 2, 3, 4))
    with bench(cabled(tmp_path, places(figure)), figure) as made:
        made.settle()
        for leaf in (201, 202, COMPUTE):
            eventually(lambda leaf=leaf: next_hops(made, leaf, f"{SERVICE}/32") == ALL)
        assert made.pings("endpoint", SERVICE)
        # An anchor that compares the IGP metric prefers its own nodes; without the set rule it is the next hop itself.
        made.change("bgpBestPathCtrlPol", "uni/tn-common/bestpath-relaxed", ctrl="asPathMultipathRelax")
        for leaf in (201, 202):
            eventually(lambda leaf=leaf: next_hops(made, leaf, f"{SERVICE}/32") == NEAR)
        made.delete("uni/tn-common/attr-next-hop")
        eventually(lambda: next_hops(made, COMPUTE, f"{SERVICE}/32") == ["201", "202"])
        assert made.pings("endpoint", SERVICE)
