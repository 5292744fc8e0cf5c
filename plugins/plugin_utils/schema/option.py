# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The type of a variable: what the registry (``variables``) says about each, and about each key below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

# The kinds of node.
BARE_METAL, VM = "bare_metal", "vm"
# The peering of all nodes with one pair of leaves.
CENTRAL = "central"
# What the addresses of a pool can be for.
LOAD_BALANCER = "LoadBalancer"
USES = ("Workload", "Tunnel", LOAD_BALANCER)


class _Invalid:
    """A placeholder for a refused value, so that the other elements of a list keep their positions."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID = _Invalid()


@dataclass(frozen=True)
class Option:
    """A variable, or a key of a variable that is a dictionary.

    :param type: ``str``, ``int``, ``bool``, ``list``, ``dict`` or ``vlans``.
    :param elements: the type of a list's elements.
    :param options: the keys of a dictionary, or of the dictionaries in a list.
    :param shorthand: the key that a bare value sets where a dictionary is expected.
    :param default: the value of an unset variable; None if it has no default.
    :param default_text: the default in words, where it is computed.
    :param choices: the values that are allowed; empty for all.
    :param aliases: other names of choices, with the choice that each means.
    :param range: the lowest and the highest integer.
    :param format: the name of a format in ``FORMATS``.
    :param empty: whether an empty string is allowed in spite of the format.
    :param secret: whether the value is hidden: it is never shown, and never in the plan.
    :param connection: whether the variable only serves to reach APIC or Kubernetes. Planning needs none of them.
    :param per_run: whether the value is given with a run (extra vars) and refused elsewhere, so that it ends with the run.
    :param scope: ``cluster``; ``node`` for a variable of a Kubernetes node's own inventory host; ``any`` for a variable of
        the cluster that a node's own inventory host may override.
    :param group: the heading under which the documentation lists it.
    :param source: the section of the white paper that calls for it.
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
    choices: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    range: tuple[int, int] | None = None
    format: str | None = None
    empty: bool = False
    secret: bool = False
    connection: bool = False
    per_run: bool = False
    scope: str = "cluster"
    group: str = ""
    source: str = ""

    @cached_property
    def element(self) -> Option:
        """One element of a list, as an option of its own."""
        return replace(self, type=self.elements or "str", elements=None, default=None, default_text=None, required=False)

    def option(self, name: str | None) -> Option:
        """Return the key with that name."""
        return next(option for option in self.options if option.name == name)


texts = partial(Option, type="list", elements="str")
dicts = partial(Option, type="list", elements="dict")


def number(name: str, description: str, low: int, high: int, **more: Any) -> Option:
    """Return an integer option with a range."""
    return Option(name, description, "int", range=(low, high), **more)
