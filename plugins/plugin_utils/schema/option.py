# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TODO"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

APIC_ROLES = (
    "aci_access_policies",
    "aci_bgp_hardening",
    "aci_l3out_floating_svi",
    "aci_l3out_standard_svi",
    "apic_push",
    "node_maintenance",
    "preflight",
    "verify",
)
KUBERNETES_ROLES = ("calico_bgp", "node_maintenance", "preflight", "verify")
ALL_ROLES = tuple(sorted({*APIC_ROLES, *KUBERNETES_ROLES}))


class _Invalid:
    """Stands for a value that was refused, so that list positions stay what the user wrote."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID = _Invalid()


@dataclass(frozen=True)
class Option:
    """A variable, or a key of one that is a dictionary.

    :param type: ``str``, ``int``, ``bool``, ``list``, ``dict`` or ``vlans``.
    :param elements: the type of a list's elements.
    :param options: the keys of a dictionary, or of a list's dictionaries.
    :param shorthand: the key that a bare value stands for where a dictionary is expected.
    :param default: the value when unset; None: none.
    :param default_text: what the documentation says of a default that is computed.
    :param range: lowest and highest integer.
    :param format: the name of a format in ``FORMATS``.
    :param secret: never shown, never in the plan.
    :param connection: only for reaching APIC or Kubernetes: nothing of it is needed to plan.
    :param at_times: the roles that need it at times only. Ansible resolves all that a role's argument spec names, whether it
        is needed or not, so theirs leave it out.
    :param scope: ``cluster``; ``node`` for what is set on a Kubernetes node's own inventory host; ``any`` for what holds for
        all nodes of the cluster, unless a node's own inventory host has another value.
    :param source: the white paper's section that asks for it.
    """

    name: str
    description: str
    type: str = "str"
    elements: str | None = None
    options: tuple[Option, ...] = ()
    shorthand: str | None = None
    default: Any = None
    default_text: str | None = None
    required: bool = False
    choices: tuple[Any, ...] = ()
    range: tuple[int, int] | None = None
    format: str | None = None
    secret: bool = False
    connection: bool = False
    scope: str = "cluster"
    roles: tuple[str, ...] = ALL_ROLES
    at_times: tuple[str, ...] = ()
    group: str = ""
    source: str = ""

    def option(self, name: str) -> Option:
        """The key of that name."""
        return next(option for option in self.options if option.name == name)
