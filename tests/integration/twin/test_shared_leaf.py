"""A WAN L3Out of the cluster's VRF: on leaves of its own, and on a leaf of the cluster, whose AS limit then holds for it, too."""

from __future__ import annotations

from lab.twin.bench import Bench, eventually
from lab.twin.paper import mo, way_out

CORE = "uni/tn-common/out-core"
# Prefixes of the WAN router's own AS, and of networks one and two AS numbers behind it.
PREFIXES = {"172.16.0.0/12": "", "172.20.0.0/16": "beyond AS 65101", "172.21.0.0/16": "beyond AS 65101 65102"}
POLICY = "uni/tn-common/bgpCtxP-fast"


def learned(bench: Bench, leaf: int) -> set[str]:
    """Return the WAN's prefixes in a leaf's table."""
    return {prefix for prefix in bench.routes(f"leaf-{leaf}") if prefix in PREFIXES}


def connect(bench: Bench, *leaves: int) -> None:
    """Create the WAN's L3Out on these leaves, without BGP policies."""
    bench.post("uni/tn-common", way_out(leaves=leaves))
    subnets = [mo("l3extSubnet", ip=prefix, descr=descr) for prefix, descr in PREFIXES.items()]
    bench.post(CORE, mo("l3extOut", mo("l3extInstP", *subnets, name="corporate"), name="core"))


def test_a_wan_neighbour_loses_its_longer_paths_on_a_leaf_of_the_cluster(floating: Bench) -> None:
    floating.change("bgpCtxPol", POLICY, maxAsLimit="1")
    connect(floating, 103, 104)
    try:
        eventually(lambda: learned(floating, 103) == set(PREFIXES))
        floating.delete(CORE)
        eventually(lambda: not floating.twin.ask("machines")["routers"])
        connect(floating, 201, 202)
        eventually(lambda: learned(floating, 201) == {"172.16.0.0/12"})
        floating.change("bgpCtxPol", POLICY, maxAsLimit="0")
        eventually(lambda: learned(floating, 201) == set(PREFIXES))
    finally:
        floating.change("bgpCtxPol", POLICY, maxAsLimit="0")
        floating.delete(CORE)
    eventually(lambda: not floating.twin.ask("machines")["routers"])
    eventually(floating.settled)
