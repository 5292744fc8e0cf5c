# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The node-to-node mesh as ``calico_info`` found it, and what relies on it."""

from __future__ import annotations

from ...module_utils.names import ASN_ANNOTATION
from .installers import SINCE, version_of
from .manifests import BGP_CONFIGURATION

DEFAULT_ASN = 64512  # Calico's AS number where none is configured
LOCAL_ASN = "localASNumber"


def existing_in(found: dict) -> dict[tuple[str, str], dict]:
    """Return the objects of the cluster by kind and name."""
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in found["objects"]}


def mesh_is_on(found: dict) -> bool:
    """Return whether the node-to-node mesh is on, as it is by default."""
    return bgp_configuration(found).get("nodeToNodeMeshEnabled") is not False


def bgp_configuration(found: dict) -> dict:
    """Return the specification of the cluster's BGPConfiguration; empty if there is none."""
    return existing_in(found).get(("BGPConfiguration", BGP_CONFIGURATION), {}).get("spec") or {}


def is_idle(found: dict) -> bool:
    """Return whether no pod has an address of a pool."""
    return not any(pods_of_pools(found).values())


def pods_of_pools(found: dict) -> dict[str, int]:
    """Return the number of pods of each pool; -1 where they were not counted."""
    counted = found.get("pool_pods") or {}
    names = (one["metadata"]["name"] for one in found["objects"] if one["kind"] == "IPPool")
    return {name: counted.get(name, -1) for name in names}


def needs_local_asn(plan: dict, found: dict) -> bool:
    """Return whether the peers with the leaves need an AS number of their own, so that the mesh keeps its sessions.

    The nodes keep theirs as long as pods rely on the mesh. Later it makes no difference: BIRD's sessions with the leaves are
    configured alike with either, so that no session ends when the nodes get the AS number of the cluster. Source:
    projectcalico/calico, ``confd/pkg/backends/calico/bgp_processor.go`` (``local as`` of each peer, global or of a node).
    """
    version = version_of(found)
    if version is None or version < SINCE["BGPPeer", LOCAL_ASN] or not mesh_is_on(found) or is_idle(found):
        return False
    default = bgp_configuration(found).get("asNumber") or DEFAULT_ASN
    running = [found["nodes"][node["name"]] for node in plan["nodes"] if node["name"] in found["nodes"]]
    return any(str(node["annotations"].get(ASN_ANNOTATION) or default) != str(plan["cluster_asn"]) for node in running)
