# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for the length of names."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema.problems import Problem
from ..access import vpc_name
from ..intent import Intent, Node

# APIC's limit for names, and the longest suffixes that are added to a name.
APIC_NAME_LENGTH = 64
LONGEST_POLICY_SUFFIX = "-import"
LONGEST_INTERFACE_SUFFIX = "-ipv6"


def names(intent: Intent) -> Iterator[Problem]:
    """Check that names stay within APIC's limit together with their suffixes. Names are never cut."""
    longest = APIC_NAME_LENGTH - len(LONGEST_POLICY_SUFFIX)
    if len(intent.l3out) > longest:
        path = "aci_calico_l3out" if intent["l3out"] else "aci_calico_cluster_name"
        yield Problem(
            "name-too-long",
            path,
            f"'{intent.l3out}' has {len(intent.l3out)} characters; names of policies that are derived from it allow {longest}",
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
            f"Node name '{node.name}' has {len(node.name)} characters; the name of its interface profile on APIC allows {longest}",
            "Use floating SVI, or a shorter node name.",
        )
    pattern = intent["vpc_name"]
    if node.vpc is None and pattern is not None:
        vpc = vpc_name(intent, node)
        if len(vpc) > APIC_NAME_LENGTH:
            yield Problem(
                "name-too-long",
                node.path,
                f"The vPC name '{vpc}' has {len(vpc)} characters; APIC allows {APIC_NAME_LENGTH}",
                "Set the node's vpc, or a shorter aci_calico_vpc_name.",
            )
