# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TODO"""

from __future__ import annotations

from collections.abc import Iterator

from ...schema.problems import Problem
from ..access import vpc_name
from ..intent import Intent, Node

# APIC's limit for names, and the longest that is put behind a name of the user's.
APIC_NAME_LENGTH = 64
LONGEST_POLICY_SUFFIX = "-import"
LONGEST_INTERFACE_SUFFIX = "-ipv6"
KUBERNETES_NAME_LENGTH = 253


def names(intent: Intent) -> Iterator[Problem]:
    """Names that are made of the user's stay within what APIC and Kubernetes take: nothing is ever cut off."""
    longest = APIC_NAME_LENGTH - len(LONGEST_POLICY_SUFFIX)
    if len(intent.l3out) > longest:
        path = "aci_calico_l3out" if intent["l3out"] else "aci_calico_cluster_name"
        yield Problem(
            "name-too-long",
            path,
            f"'{intent.l3out}' has {len(intent.l3out)} characters; policies named after it leave room for {longest}",
            "Set a shorter aci_calico_l3out.",
        )
    if intent.kind == "standard":
        for node in intent.nodes:
            yield from _standard_node_names(intent, node)


def _standard_node_names(intent: Intent, node: Node) -> Iterator[Problem]:
    longest = APIC_NAME_LENGTH - len(LONGEST_INTERFACE_SUFFIX)
    if len(node.name) > longest:
        yield Problem(
            "name-too-long",
            node.path,
            f"Node name '{node.name}' has {len(node.name)} characters; its interface profile on APIC leaves room for {longest}",
            "Use floating SVI, or a shorter node name.",
        )
    pattern = intent["vpc_name"]
    if node.vpc is None and pattern is not None:
        vpc = vpc_name(intent, node)
        if len(vpc) > APIC_NAME_LENGTH:
            yield Problem(
                "name-too-long",
                node.path,
                f"The vPC's name '{vpc}' has {len(vpc)} characters; APIC takes {APIC_NAME_LENGTH}",
                "Set the node's vpc, or a shorter aci_calico_vpc_name.",
            )
