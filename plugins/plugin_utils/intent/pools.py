# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of single IP pools (``aci_calico_pools``).

Sources: projectcalico/calico, ``api/pkg/apis/projectcalico/v3/ippool.go`` (``allowedUses``, ``assignmentMode``);
tigera/operator, ``pkg/controller/ippool/validation.go`` (pools of load balancers have no other use and no node selector).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..schema.addressing import IPNetwork, family_of
from ..schema.option import INVALID, USES
from .intent import Intent


@dataclass(frozen=True)
class Pool:
    """One entry of ``aci_calico_pools``. None, or nothing, stands for what the user does not say."""

    cidr: IPNetwork
    path: str
    disabled: bool | None
    node_selector: str | None
    racks: tuple[str, ...]
    uses: tuple[str, ...]
    assignment_mode: str | None
    block_size: int | None

    @property
    def family(self) -> str:
        """``ipv4`` or ``ipv6``."""
        return family_of(self.cidr)

    def settings(self, rack_label: str) -> dict[str, Any]:
        """Return what the user says, as keys of a pool in the plan."""
        racks = ", ".join(f'"{rack}"' for rack in self.racks)
        selector = f"{rack_label} in {{ {racks} }}" if racks else self.node_selector
        said = {
            "disabled": self.disabled,
            "node_selector": selector,
            "allowed_uses": [use for use in USES if use in self.uses] or None,
            "assignment_mode": self.assignment_mode,
            "block_size": self.block_size,
        }
        return {name: value for name, value in said.items() if value is not None}


def read_pools(intent: Intent) -> list[Pool]:
    """Return the entries of ``aci_calico_pools`` whose subnet can be read."""
    entries = enumerate(intent["pools"] or [])
    pools = [_pool(entry, f"aci_calico_pools[{index}]") for index, entry in entries if entry is not INVALID]
    return [pool for pool in pools if pool is not None]


def pool_of(intent: Intent, network: IPNetwork) -> Pool | None:
    """Return the entry for a subnet, or None."""
    return next((pool for pool in read_pools(intent) if pool.cidr == network), None)


def _pool(entry: Mapping[str, Any], path: str) -> Pool | None:
    said = {name: None if value is INVALID else value for name, value in entry.items()}
    if said.get("cidr") is None:
        return None
    return Pool(
        said["cidr"],
        path,
        said.get("disabled"),
        said.get("node_selector"),
        tuple(rack for rack in said.get("racks") or () if rack is not INVALID),
        tuple(use for use in said.get("allowed_uses") or () if use is not INVALID),
        said.get("assignment_mode"),
        said.get("block_size"),
    )
