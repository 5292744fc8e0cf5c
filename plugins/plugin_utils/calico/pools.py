# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IP pools of a cluster beside its plan: what is in the way, what no route leads to, and what is left of an exchange.

A pod subnet is exchanged in three steps: a new pool beside the old one, the old one disabled, and, when no pod has an address
of it any more, the old subnet out of the plan. The pool is deleted then.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...module_utils.kubernetes.calico import BLOCK_SIZES
from ...module_utils.names import BEFORE_ANNOTATION
from ..schema.addressing import IPNetwork, overlap
from ..schema.consent import TRAFFIC_INTERRUPTION, Consents
from ..schema.option import LOAD_BALANCER
from ..schema.problems import Problem
from .installers import of_operator
from .manifests import block_size_of


def pool_problems(plan: dict, pool: dict, cidrs: set[str]) -> Iterator[Problem]:
    """Yield what is wrong with a pool of the cluster.

    :param cidrs: the CIDRs of all its pools.
    """
    name, spec = pool["metadata"]["name"], pool["spec"]
    planned = plan["calico"]["pools"]
    others = [item for item in planned if item["cidr"] not in cidrs]
    wanted = next((item for item in planned if item["cidr"] == spec["cidr"]), None)
    wanted = wanted or next((item for item in others if item["name"] == name), None)
    if wanted:
        yield from _planned_pool_problems(plan, pool, wanted)
    elif any(overlap(IPNetwork(spec["cidr"]), IPNetwork(item["cidr"])) for item in planned):
        subnets = ", ".join(item["cidr"] for item in planned)
        yield Problem("pool-in-the-way", f"IPPool/{name}", f"Its CIDR {spec['cidr']} overlaps the planned pools ({subnets})")
    elif spec.get("allowedUses") == [LOAD_BALANCER]:
        yield from _load_balancer_problems(plan, pool)
    elif not spec.get("disabled"):
        problem = f"Pods with addresses of {spec['cidr']} cannot be reached: the fabric accepts aci_calico_pod_subnets only"
        yield Problem("pool-unplanned", f"IPPool/{name}", problem)


def _load_balancer_problems(plan: dict, pool: dict) -> Iterator[Problem]:
    """Yield a warning for a pool of load balancer addresses that the nodes do not announce."""
    name, cidr = pool["metadata"]["name"], pool["spec"]["cidr"]
    announced = [prefix for prefixes in plan["subnets"]["load_balancer"].values() for prefix in prefixes]
    if not any(IPNetwork(cidr) in IPNetwork(prefix) for prefix in announced):
        problem = f"LoadBalancer services with addresses of {cidr} cannot be reached: the nodes do not announce it"
        yield Problem("pool-unplanned", f"IPPool/{name}", problem, "Add the CIDR to aci_calico_load_balancer_subnets.")


def _planned_pool_problems(plan: dict, pool: dict, wanted: dict) -> Iterator[Problem]:
    name, spec = pool["metadata"]["name"], pool["spec"]
    size, held = block_size_of(plan, wanted), spec.get("blockSize") or BLOCK_SIZES[wanted["family"]]
    if spec["cidr"] != wanted["cidr"]:
        problem = f"Its CIDR is {spec['cidr']}, the plan's {wanted['cidr']}; a pool's CIDR cannot be changed"
        yield Problem("pool-cidr", f"IPPool/{name}", problem)
    if held != size:
        problem = f"Its block size is {held}, the plan's {size}; a pool's block size cannot be changed"
        entry = f"{{cidr: {wanted['cidr']}, block_size: {held}}}"
        variable = "aci_calico_block_size" if wanted["family"] == "ipv4" else "aci_calico_ipv6_block_size"
        yield Problem("pool-block-size", f"IPPool/{name}", problem, f"Set {variable}: {held}, or in aci_calico_pools {entry}.")


def nat_problems(plan: dict, found: dict, consents: Consents) -> Iterator[Problem]:
    """Yield what the end of source NAT means for the pods of each pool, and a problem if nothing else leads outside for them.

    Pools without pods end their NAT unnoticed.
    """
    planned = {item["cidr"] for item in plan["calico"]["pools"]}
    pods = found.get("pool_pods") or {}
    for pool in (one for one in found["objects"] if one["kind"] == "IPPool"):
        name, spec = pool["metadata"]["name"], pool["spec"]
        if not spec.get("natOutgoing") or spec["cidr"] not in planned or not pods.get(name):
            continue
        text = (
            f"Source NAT ends (natOutgoing): {pods[name]} pods of {spec['cidr']} appear outside with their own addresses, and"
            " connections through NAT end"
        )
        if _leads_outside(plan, spec["cidr"]):
            yield Problem("nat-ends", f"IPPool/{name}", text)
        else:
            lost = f"{text}. No transit L3Out advertises the subnet, so the outside has no way back to them"
            yield from consents.require(
                TRAFFIC_INTERRUPTION, f"IPPool/{name}", lost, "until the outside has a route to the subnet"
            )


def _leads_outside(plan: dict, cidr: str) -> bool:
    """Return whether a transit L3Out advertises a subnet."""
    told = [prefix for one in plan["transit"] for prefixes in one["inside"].values() for prefix in prefixes]
    return any(IPNetwork(cidr) in IPNetwork(prefix) for prefix in told)


# --- the end of an exchange --------------------------------------------------------------------------------------------


def _retired(plan: dict, found: dict) -> list[dict]:
    """Return the disabled pools that a push once configured and that are not planned any more."""
    planned = {item["cidr"] for item in plan["calico"]["pools"]}
    return [
        pool
        for pool in found["objects"]
        if pool["kind"] == "IPPool"
        and pool["spec"].get("disabled")
        and pool["spec"]["cidr"] not in planned
        and BEFORE_ANNOTATION in (pool["metadata"].get("annotations") or {})
    ]


def empty_pools(plan: dict, found: dict) -> list[dict]:
    """Return the retired pools that can be deleted: no pod has an address of them, and no installer owns them."""
    used = found.get("pool_pods") or {}
    retired = _retired(plan, found)
    return [pool for pool in retired if used.get(pool["metadata"]["name"]) == 0 and not of_operator(found, pool)]


def retired_problems(plan: dict, found: dict) -> Iterator[Problem]:
    """Yield a problem for each retired pool that still has pods, or that the push does not delete."""
    used = found.get("pool_pods") or {}
    for pool in _retired(plan, found):
        name, cidr = pool["metadata"]["name"], pool["spec"]["cidr"]
        pods = used.get(name)
        if pods:
            text = f"{pods} pods have addresses of {cidr}, which is not among aci_calico_pod_subnets any more"
            yield Problem("pool-in-use", f"IPPool/{name}", text)
        elif pods is None or of_operator(found, pool):
            why = "its pods cannot be counted" if pods is None else "the operator owns it"
            yield Problem("pool-left", f"IPPool/{name}", f"The disabled pool {cidr} is not planned any more, and stays: {why}")
