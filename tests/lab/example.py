"""The worked example of the white paper, as variables: two racks, six nodes, four leaves."""

from __future__ import annotations

from typing import Any


def worked_example(svi: str = "floating", nodes: int = 6, **changes: Any) -> dict[str, Any]:
    """Return the variables of the example for one kind of SVI, with ``nodes`` spread over the two racks."""
    names = [f"node-{number}" for number in range(1, nodes + 1)]
    half = (nodes + 1) // 2
    pinned = svi == "floating"
    leaves = [{"id": leaf, **({"address": f"192.168.2.{leaf}"} if pinned else {})} for leaf in (201, 202, 203, 204)]
    variables: dict[str, Any] = {
        "aci_calico_cluster_name": "prod1",
        "aci_calico_fabric_asn": 65002,
        "aci_calico_cluster_asn": 65003,
        "aci_calico_tenant": "common",
        "aci_calico_vrf": "calico",
        "aci_calico_l3_domain": "k8s-l3",
        "aci_calico_physical_domain": "k8s",
        "aci_calico_svi": svi,
        "aci_calico_vlan": 300 if svi == "floating" else f"300-{299 + nodes}",
        "aci_calico_node_subnets": ["192.168.2.0/24"],
        "aci_calico_pod_subnets": ["10.1.0.0/16"],
        "aci_calico_service_subnets": ["192.168.8.0/22"],
        "aci_calico_external_service_subnets": ["192.168.3.0/24"],
        "aci_calico_racks": [
            {"id": 1, "leaves": leaves[:2], "nodes": names[:half]},
            {"id": 2, "leaves": leaves[2:], "nodes": names[half:]},
        ],
    }
    return {**variables, **changes}
