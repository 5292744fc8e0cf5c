# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports of leaves, as the inventory names them: ``1/10``, ``1/10-11`` or ``201:1/10``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .addressing import AddressError

PATTERN = r"\s*(?:(\d{3,4}):)?(?:[Ee][Tt][Hh])?(\d{1,2})/(\d{1,3})(?:-(\d{1,3}))?\s*"


@dataclass(frozen=True)
class Ports:
    """The ports ``first`` to ``last`` of a module, on one leaf, or on each leaf of the rack if ``leaf`` is None."""

    leaf: int | None
    module: int
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.module}/{self.first}" + (f"-{self.last}" if self.last > self.first else "")

    def each(self) -> Iterator[tuple[int, int]]:
        """Yield the module and the number of every port."""
        return ((self.module, port) for port in range(self.first, self.last + 1))


def parse_ports(text: str) -> Ports:
    """Read ports such as ``1/10``, ``1/10-11`` or, on one leaf only, ``201:1/10``.

    :raises AddressError: the text names no ports.
    """
    match = re.fullmatch(PATTERN, text)
    if match is None:
        raise AddressError(
            f"'{text}' is not a port of a leaf",
            "Write 1/10 for the same port of both leaves, 1/10-11 for several ports, 201:1/10 for a port of leaf 201 only.",
        )
    leaf, module, first, last = match.groups()
    ports = Ports(int(leaf) if leaf else None, int(module), int(first), int(last or first))
    if not 1 <= ports.first <= ports.last:
        raise AddressError(f"'{text}' is not a range of ports", "Ports count from 1; write the lower number first.")
    return ports
