# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options and results of the modules that take a lease on one of both sides."""

    DOCUMENTATION = r"""
options:
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  state:
    description:
      - V(acquired) takes the lease if it is free, and otherwise says who holds it.
      - V(renewed) checks that the run still holds the lease, and renews it unless that was done in the last 30 seconds.
      - V(released) removes the lease if the run holds it.
    type: str
    choices: [acquired, renewed, released]
    default: acquired
  lease:
    description: The content of the lease. C(run) is the random id of the run, C(doing) its present task, C(seconds) for how long it holds.
    type: dict
    required: true
  take:
    description: The ids of runs from which the lease may be taken.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Does nothing in check mode, and reports the lease as held.
    support: full
  diff_mode:
    description: A lease counts as no change, so there is no difference to show.
    support: none
"""
