# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a maintenance is about: nodes, or the nodes of racks; or leaves, or the groups of leaves for an upgrade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..schema.problems import Problem, did_you_mean

NODES, RACKS, LEAVES = "node_maintenance_nodes", "node_maintenance_racks", "node_maintenance_leaves"
ALL, ODD, EVEN = "all", "odd", "even"


@dataclass(frozen=True)
class Step:
    """What is out at the same time: nodes or leaves."""

    nodes: tuple[str, ...] = ()
    leaves: tuple[int, ...] = ()

    @property
    def names(self) -> list[str]:
        """Return the names of the parts: ``node-3``, ``leaf 201``."""
        return [*self.nodes, *(f"leaf {leaf}" for leaf in self.leaves)]

    def as_dict(self) -> dict:
        """Return the step as plain data."""
        return {"name": ", ".join(self.names), "nodes": [*self.nodes], "leaves": [*map(str, self.leaves)]}


@dataclass
class Targets:
    """Everything that was named.

    :ivar units: the smallest steps: a node, all nodes of a rack, a leaf, or all leaves of a group.
    :ivar every: whether all leaves were named, each for itself.
    """

    units: list[Step] = field(default_factory=list)
    every: bool = False
    problems: list[Problem] = field(default_factory=list)

    @property
    def whole(self) -> Step:
        """Return all of it as one step."""
        return _together(self.units)

    def steps(self, at_once: int) -> list[Step]:
        """Return the steps with so many units each; 0 makes one step."""
        size = at_once or len(self.units) or 1
        return [_together(self.units[start : start + size]) for start in range(0, len(self.units), size)]


def _together(units: Sequence[Step]) -> Step:
    nodes = dict.fromkeys(node for unit in units for node in unit.nodes)
    return Step(tuple(nodes), tuple(dict.fromkeys(leaf for unit in units for leaf in unit.leaves)))


def read_targets(plan: dict, nodes: Sequence[str], racks: Sequence[str], leaves: Sequence[str]) -> Targets:
    """Return what the three lists name; a problem for each name that the plan does not have, but nodes."""
    targets = Targets([Step(nodes=(name,)) for name in dict.fromkeys(nodes)])
    known = _racks(plan)
    for index, name in enumerate(racks):
        if name in known:
            targets.units += [Step(nodes=tuple(known[name]))] if known[name] else []
        else:
            what = f"Cluster {plan['cluster']} has no rack {name}"
            targets.problems.append(Problem("maintenance-rack-unknown", f"{RACKS}[{index}]", what, did_you_mean(name, known)))
    if leaves and targets.units:
        targets.problems.append(Problem("maintenance-mixed", LEAVES, "Nodes and leaves are named in one run"))
    for index, name in enumerate(leaves):
        seen = targets.whole.leaves
        units = [tuple(leaf for leaf in unit if leaf not in seen) for unit in _leaves(plan, index, name, targets.problems)]
        targets.units += [Step(leaves=unit) for unit in units if unit]
    targets.every = ALL in leaves
    return targets


def _racks(plan: dict) -> dict[str, list[str]]:
    """Return the nodes that are connected in each rack, without spare slots: with central peering, all peer in the first one."""
    racks: dict[str, list[str]] = {str(rack["id"]): [] for rack in plan["racks"]}
    for node in plan["nodes"]:
        own = [] if node.get("spare") else [node["name"]]
        racks.setdefault(str(node.get("attached", node)["rack"]), []).extend(own)
    return racks


def _leaves(plan: dict, index: int, name: str, problems: list[Problem]) -> Iterator[Sequence[int]]:
    """Yield the units of one name: a leaf by its ID, each leaf, or a group as a whole."""
    known = [leaf["id"] for leaf in plan["leaves"]]
    groups = {ODD: [leaf for leaf in known if leaf % 2], EVEN: [leaf for leaf in known if not leaf % 2]}
    if name in groups:
        yield groups[name]
    elif name == ALL or name in map(str, known):
        yield from ([leaf] for leaf in known if name in (ALL, str(leaf)))
    else:
        what = f"Cluster {plan['cluster']} has no leaf {name}"
        remedy = did_you_mean(name, [ALL, *groups, *map(str, known)])
        problems.append(Problem("maintenance-leaf-unknown", f"{LEAVES}[{index}]", what, remedy))
