# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The installers of Calico: what they own, and how to change what they own.

The Tigera operator makes the pools of its Installation and puts back what others change in them; pools that it takes over
from releases before 3.28 have no label of its own. Sources: tigera/operator, ``pkg/controller/ippool/{pool_controller,defaults}.go``;
kubespray, ``roles/network_plugin/calico/tasks/install.yml``; RKE2's HelmChartConfig (its documentation of packaged components).
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any

import yaml

from ...module_utils.kubernetes.calico import meaning
from ...module_utils.kubernetes.installation import KUBESPRAY, OPERATOR, RKE2, UNKNOWN
from ...module_utils.names import MANAGED_BY_LABEL, OPERATOR_V1

OPERATOR_LABEL = "tigera-operator"
INSTALLATION = "default"
_NOWHERE = {"installer": UNKNOWN, "version": "", "data_plane": "", "routing": "", "degraded": [], "pools": []}
_TITLES = {OPERATOR: "the operator", RKE2: "RKE2 (operator)", KUBESPRAY: "kubespray", "manifests": "manifests"}
_DATA_PLANES = {"ebpf": "eBPF", "vpp": "VPP"}


def installed(found: dict) -> dict[str, Any]:
    """Return how Calico is installed (``installation`` of ``calico_info``)."""
    return {**_NOWHERE, **(found.get("installation") or {})}


def in_words(found: dict) -> str:
    """Return the installation as one line."""
    about = installed(found)
    if about["installer"] == UNKNOWN:
        return "Calico, installed by unknown means"
    routing = "Felix" if about["routing"] == "felix" else "BIRD"
    data_plane = _DATA_PLANES.get(about["data_plane"], about["data_plane"])
    return (
        f"Calico {about['version'] or 'of unknown version'}, installed by {_TITLES[about['installer']]},"
        f" data plane {data_plane}, routes by {routing}"
    )


# --- pools of the operator ---------------------------------------------------------------------------------------------


def of_operator(found: dict, pool: dict) -> bool:
    """Return whether the operator owns a pool: by its label, or because the Installation has the pool's CIDR."""
    labels = pool["metadata"].get("labels") or {}
    if labels.get(MANAGED_BY_LABEL) == OPERATOR_LABEL:
        return True
    return any(entry.get("cidr") == pool["spec"].get("cidr") for entry in installed(found)["pools"])


def as_planned(pool: dict, planned: dict, apart: Collection[str] = ()) -> bool:
    """Return whether a pool means what the plan says apart from some fields, whatever keys it spells out."""
    held, wanted = meaning("IPPool", pool.get("spec") or {}), meaning("IPPool", planned["spec"])
    return all(held.get(name) == value for name, value in wanted.items() if name in planned["spec"] and name not in apart)


def _entry(planned: dict, declared: dict | None) -> dict:
    """Return a pool as an entry of the Installation. What the plan does not say stays."""
    spec = planned["spec"]
    said = {name: spec[name] for name in ("nodeSelector", "allowedUses", "assignmentMode") if name in spec}
    return {
        **(declared or {"name": planned["metadata"]["name"], "nodeSelector": "all()"}),
        "cidr": spec["cidr"],
        "blockSize": spec["blockSize"],
        "encapsulation": "None",
        "natOutgoing": "Disabled",
        **said,
        **({"disableNewAllocations": spec["disabled"]} if "disabled" in spec else {}),
    }


def installation_pools(found: dict, planned: list[dict]) -> list[dict]:
    """Return the Installation's pools with the planned ones changed."""
    wanted = {pool["spec"]["cidr"]: pool for pool in planned}
    declared = {entry["cidr"]: entry for entry in installed(found)["pools"]}
    kept = [_entry(wanted[cidr], entry) if cidr in wanted else copy.deepcopy(entry) for cidr, entry in declared.items()]
    return [*kept, *(_entry(pool, None) for cidr, pool in wanted.items() if cidr not in declared)]


def can_change(found: dict, manage: bool) -> bool:
    """Return whether the role itself changes the Installation: RKE2's Helm chart would put it back."""
    return manage and installed(found)["installer"] == OPERATOR and any(one["kind"] == "Installation" for one in found["objects"])


def installation_patch(found: dict, planned: list[dict]) -> dict:
    """Return a merge patch of the Installation with the planned pools."""
    return {
        "apiVersion": OPERATOR_V1,
        "kind": "Installation",
        "metadata": {"name": INSTALLATION},
        "spec": {"calicoNetwork": {"ipPools": installation_pools(found, planned)}},
    }


# --- what the user changes ---------------------------------------------------------------------------------------------


def _yaml(content: Any) -> str:
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120)


def pool_snippet(found: dict, planned: list[dict]) -> str:
    """Return what to apply so that the operator makes the planned pools."""
    network = {"calicoNetwork": {"ipPools": installation_pools(found, planned)}}
    if installed(found)["installer"] != RKE2:
        patch = _yaml({"spec": network})
        return f"kubectl patch installation {INSTALLATION} --type merge --patch-file pools.yml, with pools.yml:\n{patch}"
    values = yaml.safe_dump({"installation": network}, sort_keys=False)
    chart = {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChartConfig",
        "metadata": {"name": "rke2-calico", "namespace": "kube-system"},
    }
    indented = "".join(f"    {line}\n" for line in values.splitlines())
    return (
        f"kubectl apply, after merging it with an existing HelmChartConfig:\n{_yaml(chart)}spec:\n  valuesContent: |-\n{indented}"
    )


def kubespray_variables(plan: dict) -> str:
    """Return kubespray's variables with which its next run leaves this collection's settings as they are."""
    subnets = {
        role: [cidr for family in plan["address_families"] for cidr in plan["subnets"][role].get(family, [])]
        for role in ("external_service", "load_balancer")
    }
    variables: dict[str, Any] = {
        "calico_network_backend": "bird",
        "calico_ipip_mode": "Never",
        "calico_vxlan_mode": "Never",
        "nat_outgoing": False,
        "calico_pool_blocksize": plan["calico"]["block_size"]["ipv4"],
        "peer_with_router": True,  # kubespray turns the node-to-node mesh off for it; without its variable peers, it makes none
        "global_as_num": str(plan["cluster_asn"]),
        "calico_advertise_cluster_ips": True,
        "calico_advertise_service_external_ips": subnets["external_service"],
        "calico_advertise_service_loadbalancer_ips": subnets["load_balancer"],
    }
    if len(plan["address_families"]) > 1:
        variables |= {"calico_ipip_mode_ipv6": "Never", "calico_vxlan_mode_ipv6": "Never", "nat_outgoing_ipv6": False}
    return _yaml({name: value for name, value in variables.items() if value != []})


def detection_remedy(found: dict) -> str:
    """Return how to make calico-node keep a planned address."""
    by_installer = {
        OPERATOR: "In the Installation set spec.calicoNetwork.nodeAddressAutodetectionV4 to {cidrs: [NODE SUBNET]}",
        RKE2: "In the HelmChartConfig rke2-calico set installation.calicoNetwork.nodeAddressAutodetectionV4 to {cidrs: [NODE SUBNET]}",
        KUBESPRAY: "Set kubespray's calico_ip_auto_method: cidr=NODE SUBNET, and run it",
    }
    other = "Set IP_AUTODETECTION_METHOD=cidr=NODE SUBNET in calico-node's DaemonSet"
    return f"{by_installer.get(installed(found)['installer'], other)} (IPv6 alike), or plan the detected address."


# --- versions ------------------------------------------------------------------------------------------------------------

# Since which release of Calico a field, or a value of a field, exists. The only place that knows.
SINCE: dict[tuple[str, str], tuple[int, int]] = {
    ("BGPFilter", "source"): (3, 27),
    ("BGPPeer", "localASNumber"): (3, 31),
    ("BGPPeer", "keepaliveTime"): (3, 32),
    ("BGPConfiguration", "serviceLoadBalancerAggregation"): (3, 31),
    ("IPPool", "assignmentMode"): (3, 30),
    ("IPPool", "allowedUses=LoadBalancer"): (3, 30),
}


def version_of(found: dict) -> tuple[int, int] | None:
    """Return Calico's release as major and minor number; None if it is unknown or no release."""
    parts = installed(found)["version"].split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else None


def too_new_fields(manifest: dict, version: tuple[int, int] | None) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the fields of a manifest that Calico of this version does not have, and since when it has them."""
    if version is None:
        return
    for name in sorted(_names(manifest.get("spec") or {})):
        since = SINCE.get((manifest["kind"], name))
        if since and version < since:
            yield name, since


def _names(value: Any) -> set[str]:
    """Return the names of all fields, and of those with a list of texts also each ``field=text``."""
    if isinstance(value, dict):
        texts = {
            f"{name}={one}" for name, held in value.items() if isinstance(held, list) for one in held if isinstance(one, str)
        }
        return texts.union(value, *(_names(one) for one in value.values()))
    return set().union(*(_names(one) for one in value)) if isinstance(value, list) else set()
