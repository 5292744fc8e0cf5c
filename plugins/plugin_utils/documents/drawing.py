# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The topology of a plan as a drawing: boxes, lines and dots with places, for SVG and for draw.io."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .plan import FAMILY_NAMES

# The states of a session in a drawing.
UP, DOWN, PLANNED = "up", "down", "planned"
STATES = {UP: "session established", DOWN: "session not established", PLANNED: "session planned, not verified"}

_RACK_WIDTH, _LEAF_WIDTH, _ROW, _GAP, _PADDING = 330, 46, 22, 24, 12
_LEAF_HEIGHT, _TITLE, _BOX_HEIGHT, _LINE = 32, 26, 58, 16
_RACKS_IN_A_ROW = 4


@dataclass(frozen=True)
class Box:
    """A box with lines of text. ``kind`` is fabric, outside, rack, leaf or node; ``inside`` names the box around it."""

    id: str
    kind: str
    x: int
    y: int
    width: int
    height: int
    text: tuple[str, ...]
    inside: str = ""


@dataclass(frozen=True)
class Dot:
    """The session of a node with a leaf."""

    id: str
    state: str
    x: int
    y: int
    text: str
    inside: str = ""


@dataclass(frozen=True)
class Line:
    """A line between two boxes."""

    id: str
    start: str
    end: str
    points: tuple[tuple[int, int], ...]


@dataclass
class Drawing:
    """All shapes of a drawing, in the order in which to paint them."""

    title: str
    width: int = 0
    height: int = 0
    lines: list[Line] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)


def draw(plan: Mapping[str, Any], sessions: Iterable[Mapping[str, Any]] = ()) -> Drawing:
    """Return the drawing of a plan: what is outside, the fabric, and each rack with its leaves, nodes and sessions.

    :param sessions: the sessions of a verification's report; without it all sessions are planned.
    """
    columns = max(1, min(_RACKS_IN_A_ROW, len(plan["racks"])))
    width = max(2 * (_RACK_WIDTH + _GAP), columns * (_RACK_WIDTH + _GAP)) + _GAP
    drawing = Drawing(f"Cluster {plan['cluster']}", width)
    top = _outside(drawing, plan)
    fabric = _fabric(drawing, plan, top)
    y = fabric.y + fabric.height + 2 * _GAP
    states = _states(sessions)
    for first in range(0, len(plan["racks"]), columns):
        row = plan["racks"][first : first + columns]
        tallest = 0
        for column, rack in enumerate(row):
            x = _GAP + column * (_RACK_WIDTH + _GAP)
            box = _rack(drawing, plan, rack, states, (x, y, first + column))
            tallest = max(tallest, box.height)
            drawing.lines.append(Line(f"line-{box.id}", fabric.id, box.id, _way(fabric, box, straight=not first)))
        y += tallest + _GAP
    drawing.height = y
    return drawing


def _way(fabric: Box, rack: Box, straight: bool) -> tuple[tuple[int, int], ...]:
    """Return the points of a rack's line: straight down, or along the gap at its left past the racks above."""
    bottom = fabric.y + fabric.height
    if straight:
        middle = rack.x + rack.width // 2
        return (middle, bottom), (middle, rack.y)
    gap = rack.x - _GAP // 2
    return (gap, bottom), (gap, rack.y + _TITLE // 2), (rack.x, rack.y + _TITLE // 2)


def _states(sessions: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int, str], str]:
    return {(one["node"], one["leaf"], one["family"]): UP if one["state"] == "established" else DOWN for one in sessions}


def _outside(drawing: Drawing, plan: Mapping[str, Any]) -> int:
    """Add the L3Outs and EPGs outside the cluster in rows; return the height that they take."""
    items = list(_neighbours(plan))
    columns = max(1, (drawing.width - _GAP) // (_RACK_WIDTH + _GAP))
    for number, (identity, text) in enumerate(items):
        x = _GAP + number % columns * (_RACK_WIDTH + _GAP)
        y = _GAP + number // columns * (_BOX_HEIGHT + _GAP)
        drawing.boxes.append(Box(identity, "outside", x, y, _RACK_WIDTH, _BOX_HEIGHT, text))
        if number // columns == (len(items) - 1) // columns:
            middle, bottom = x + _RACK_WIDTH // 2, y + _BOX_HEIGHT
            drawing.lines.append(Line(f"line-{identity}", identity, "fabric", ((middle, bottom), (middle, bottom + _GAP))))
    return _GAP + -(-len(items) // columns) * (_BOX_HEIGHT + _GAP)


def _neighbours(plan: Mapping[str, Any]) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield the identity and the text of each transit L3Out, and of each EPG with contracts."""
    for number, transit in enumerate(plan["transit"]):
        told = ", ".join(prefix for prefixes in transit["inside"].values() for prefix in prefixes) or "nothing"
        yield f"transit-{number}", (f"L3Out {transit['tenant']}/{transit['l3out']}", f"is told of {told}", "transit")
    for number, epg in enumerate(plan["epg_contracts"]):
        group = [epg["application_profile"], epg["epg"]] if epg["epg"] else [epg["l3out"], epg["external_epg"]]
        name = "/".join(filter(None, (epg["tenant"], *group)))
        lines = (
            f"{verb} {', '.join(epg[key])}" for verb, key in (("provides", "provides"), ("consumes", "consumes")) if epg[key]
        )
        yield f"epg-{number}", (f"EPG {name}", *lines)


def _fabric(drawing: Drawing, plan: Mapping[str, Any], y: int) -> Box:
    fabric, svi = plan["fabric"], plan["svi"]
    pods = sorted({leaf["pod"] for leaf in plan["leaves"]})
    l3outs = ", ".join(l3out["name"] for l3out in plan["l3outs"])
    families = " and ".join(FAMILY_NAMES[family] for family in plan["address_families"])
    where = f"ACI pod {pods[0]}" if len(pods) == 1 else f"ACI pods {', '.join(map(str, pods))}"
    text = (
        f"ACI fabric, AS {fabric['asn']}, {where}: spines and border leaves",
        f"L3Out {l3outs} in VRF {fabric['tenant']}:{fabric['vrf']}",
        f"{svi['kind']} SVI, {families}, MTU {plan['interface']['mtu']}",
    )
    box = Box("fabric", "fabric", _GAP // 2, y, drawing.width - _GAP, _BOX_HEIGHT + _LINE, text)
    drawing.boxes.append(box)
    return box


def _rack(
    drawing: Drawing,
    plan: Mapping[str, Any],
    rack: Mapping[str, Any],
    states: Mapping[tuple[str, int, str], str],
    place: tuple[int, int, int],
) -> Box:
    """Add a rack: a column for each leaf, a row for each node, and a dot for each session where they cross."""
    x, y, number = place
    nodes = [node for node in plan["nodes"] if node["rack"] == rack["id"]]
    height = _TITLE + _LEAF_HEIGHT + _PADDING + len(nodes) * _ROW + _PADDING
    title = f"Rack {rack['id']}: {len(nodes)} nodes, AS {plan['cluster_asn']}"
    box = Box(f"rack-{number}", "rack", x, y, _RACK_WIDTH, height, (title,))
    drawing.boxes.append(box)
    leaves = rack["leaves"]
    left = x + _RACK_WIDTH - _PADDING - len(leaves) * (_LEAF_WIDTH + 6)
    middles = {}
    for column, leaf in enumerate(leaves):
        at = left + column * (_LEAF_WIDTH + 6)
        middles[leaf] = at + _LEAF_WIDTH // 2
        text = ("leaf", str(leaf))
        drawing.boxes.append(Box(f"leaf-{leaf}", "leaf", at, y + _TITLE, _LEAF_WIDTH, _LEAF_HEIGHT, text, box.id))
    top = y + _TITLE + _LEAF_HEIGHT + _PADDING
    for index, node in enumerate(nodes):
        _node(drawing, node, (x + _PADDING, top + index * _ROW, left - x - 2 * _PADDING), middles, states, box.id)
    return box


def _node(
    drawing: Drawing,
    node: Mapping[str, Any],
    place: tuple[int, int, int],
    middles: Mapping[int, int],
    states: Mapping[tuple[str, int, str], str],
    inside: str,
) -> None:
    x, y, width = place
    address = next(iter(node["networks"].values()))["address"].split("/")[0]
    identity = f"node-{node['name']}"
    drawing.boxes.append(Box(identity, "node", x, y, width, _ROW - 4, (node["name"], address), inside))
    families = list(node["networks"])
    for peer in node["peers"]:
        if peer["leaf"] in middles:
            state = states.get((node["name"], peer["leaf"], peer["family"]), DOWN if states else PLANNED)
            offset = round((families.index(peer["family"]) - (len(families) - 1) / 2) * 14)
            text = f"{node['name']} and leaf {peer['leaf']}, {FAMILY_NAMES[peer['family']]}: {STATES[state]}"
            at = (middles[peer["leaf"]] + offset, y + (_ROW - 4) // 2)
            drawing.dots.append(Dot(f"{identity}-{peer['leaf']}-{peer['family']}", state, *at, text, inside))


def legend(drawing: Drawing) -> Sequence[str]:
    """Return the states that occur in a drawing."""
    found = {dot.state for dot in drawing.dots}
    return [state for state in STATES if state in found]
