# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network interfaces of nodes."""

from __future__ import annotations

from ..schema.option import BARE_METAL, INVALID, VM
from .intent import Intent, Node

DEFAULT_NICS = {BARE_METAL: ("eno1", "eno2"), VM: ("ens192",)}


def nics_of(intent: Intent, node: Node) -> list[str]:
    """Return the node's own NICs, else the cluster's, else the usual ones of its kind."""
    names = node.nics or intent["nics"] or DEFAULT_NICS[node.kind]
    return [name for name in names if name is not INVALID]
