# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the nodes run on: NICs and bonds of bare metal, virtual machines and their hypervisors (white paper, "K8s node gateway").

The rules that these must keep, and their part of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from ...schema.option import BARE_METAL, VM
from ...schema.problems import Problem, repeated
from ..intent import Intent
from ..nodes import nics_of


def nics(intent: Intent) -> Iterator[Problem]:
    """Bare metal bonds NICs that differ; a virtual machine has one."""
    for node in intent.nodes:
        names = nics_of(intent, node)
        if node.kind == VM and len(names) > 1:
            yield Problem(
                "vm-with-several-nics",
                node.path,
                f"Node {node.name} is a virtual machine with the interfaces {', '.join(names)}; one is what it has",
            )
        elif len(set(names)) < len(names) or (node.kind == BARE_METAL and intent["bond"] in names):
            yield Problem(
                "nic-twice",
                node.path,
                f"Node {node.name} has the interfaces {', '.join(names)}, and the bond {intent['bond']}: a name is used twice",
            )


def hypervisors(intent: Intent) -> Iterator[Problem]:
    """One node to a hypervisor."""
    known = [node for node in intent.nodes if node.hypervisor is not None]
    for node, first in repeated(known, attrgetter("hypervisor")):
        yield Problem(
            "hypervisor-shared",
            node.path,
            f"Node {node.name} runs on hypervisor {node.hypervisor}, as {first.name} ({first.path}) does: its failure takes both",
        )


def mobility(intent: Intent) -> Iterator[Problem]:
    """A machine behind a standard SVI stays where its VLAN and its leaves' addresses are."""
    machines = [node.name for node in intent.nodes if node.kind == VM]
    if intent["vm_mobility"] and intent.kind == "standard" and machines:
        yield Problem(
            "vm-mobility-with-standard-svi",
            "aci_calico_vm_mobility",
            f"Virtual machines are to move ({machines[0]}{' and others' if len(machines) > 1 else ''}), and behind a standard SVI each"
            " has its VLAN and its leaves in its own rack only",
        )
