# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports of leaves, as the cabling names them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .addressing import AddressError

_PORTS = re.compile(r"(?:(\d{3,4}):)?(?:eth)?(\d{1,2})/(\d{1,3})(?:-(\d{1,3}))?", re.IGNORECASE)


@dataclass(frozen=True)
class Ports:
    """Ports ``first`` to ``last`` of a module, on one leaf or (``leaf`` is None) on each leaf of the rack."""

    leaf: int | None
    module: int
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.module}/{self.first}" + (f"-{self.last}" if self.last > self.first else "")

    def each(self) -> Iterator[tuple[int, int]]:
        """Module and number of every port."""
        return ((self.module, port) for port in range(self.first, self.last + 1))


def parse_ports(text: str) -> Ports:
    """Read ports such as ``1/10``, ``1/10-11`` or, on one leaf only, ``201:1/10``.

    :raises AddressError: for anything else.
    """
    match = _PORTS.fullmatch(text.strip())
    if match is None:
        raise AddressError(
            f"'{text}' is no port of a leaf",
            "Write 1/10 for the same port of both leaves, 1/10-11 for several, 201:1/10 for a port of leaf 201 alone.",
        )
    leaf, module, first, last = (int(part) if part else None for part in match.groups())
    last = last or first
    if not 1 <= first <= last:
        raise AddressError(f"the ports {text} end before they begin", "Write the lower number first, and from 1 on.")
    return Ports(leaf, module, first, last)
