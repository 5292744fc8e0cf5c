# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for NICs, bonds, virtual machines and hypervisors (white paper, "K8s node gateway")."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from ...schema.option import BARE_METAL, VM
from ...schema.problems import Problem, repeated
from ..intent import Intent
from ..nodes import nics_of


def nics(intent: Intent) -> Iterator[Problem]:
    """Check that bare metal bonds different NICs, and that a virtual machine has one."""
    for node in intent.nodes:
        names = nics_of(intent, node)
        if node.kind == VM and len(names) > 1:
            yield Problem(
                "vm-with-several-nics",
                node.path,
                f"Node {node.name} is a virtual machine with the interfaces {', '.join(names)}; it must have one",
            )
        elif len(set(names)) < len(names) or (node.kind == BARE_METAL and intent["bond"] in names):
            yield Problem(
                "nic-twice",
                node.path,
                f"Node {node.name} has the interfaces {', '.join(names)} and the bond {intent['bond']}: a name is used twice",
            )


def hypervisors(intent: Intent) -> Iterator[Problem]:
    """Check that each hypervisor has one node of the cluster."""
    known = [node for node in intent.nodes if node.hypervisor is not None]
    for node, first in repeated(known, attrgetter("hypervisor")):
        yield Problem(
            "hypervisor-shared",
            node.path,
            f"Nodes {node.name} and {first.name} ({first.path}) run on hypervisor {node.hypervisor}: its failure takes down both",
        )


def mobility(intent: Intent) -> Iterator[Problem]:
    """Check that virtual machines do not move between racks if the SVI is standard."""
    machines = [node.name for node in intent.nodes if node.kind == VM]
    if intent["vm_mobility"] and intent.kind == "standard" and machines:
        yield Problem(
            "vm-mobility-with-standard-svi",
            "aci_calico_vm_mobility",
            f"Virtual machines move ({machines[0]}{' and others' if len(machines) > 1 else ''}), but with standard SVI each has its"
            " VLAN and gateway in its own rack only",
        )
