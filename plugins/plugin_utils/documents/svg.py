# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drawing as SVG, and as a file for draw.io.

Colours are presentation attributes, which any viewer understands; the style sheet of the report overrides them by class.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from .drawing import DOWN, PLANNED, STATES, UP, Box, Dot, Drawing, Line, legend

# Fill and stroke by kind and by state. States also differ in shape: full, crossed or empty.
COLOURS = {
    "fabric": ("#dfe9f7", "#2b5797"),
    "outside": ("#fff4dc", "#8a6100"),
    "rack": ("#f7f8fa", "#9aa3ad"),
    "leaf": ("#cfe0f5", "#2b5797"),
    "node": ("#e3f1e6", "#3c7a4a"),
    UP: ("#2e7d32", "#2e7d32"),
    DOWN: ("#c62828", "#c62828"),
    PLANNED: ("#ffffff", "#5b6770"),
}
_TEXT = "#1c2126"
_LEGEND = 30
_CHARACTER = 6.4  # the mean width of a character at 11 pixels


def svg(drawing: Drawing) -> str:
    """Return a drawing as SVG with a title, a legend, and a description of each session."""
    height = drawing.height + _LEGEND
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawing.width} {height}" width="{drawing.width}"'
        f' height="{height}" role="img" aria-label={quoteattr(f"Topology of {drawing.title}")}'
        ' font-family="system-ui, sans-serif" font-size="11">',
        f"<title>Topology of {escape(drawing.title)}</title>",
    ]
    for line in drawing.lines:
        points = " ".join(f"{x},{y}" for x, y in line.points)
        lines.append(f'<polyline class="line" points="{points}" fill="none" stroke="#2b5797" stroke-width="2"/>')
    for box in drawing.boxes:
        lines += _box(box)
    lines += map(_dot, drawing.dots)
    lines += _legend(drawing)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _box(box: Box) -> Iterator[str]:
    fill, stroke = COLOURS[box.kind]
    radius = 3 if box.kind in ("node", "leaf") else 6
    yield (
        f'<rect class="{box.kind}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="{radius}"'
        f' fill="{fill}" stroke="{stroke}"/>'
    )
    if box.kind == "node":
        name, address = box.text
        room = max(4, int((box.width - 18 - len(address) * _CHARACTER) / _CHARACTER))
        short = name if len(name) <= room else f"…{name[1 - room :]}"  # names differ at their ends
        yield _text(short, box.x + 5, box.y + 13, title=name)
        yield _text(address, box.x + box.width - 5, box.y + 13, "end")
    elif box.kind == "rack":
        yield _text(_shortened(box.text[0], int(box.width / _CHARACTER)), box.x + 10, box.y + 18, weight="bold")
    else:
        first, step = (13, 13) if box.kind == "leaf" else (18, 16)
        for number, text in enumerate(box.text):
            y = box.y + first + number * step
            short = _shortened(text, int(box.width / _CHARACTER))
            yield _text(short, box.x + box.width // 2, y, "middle", weight="normal" if number else "bold", title=text)


def _text(text: str, x: float, y: float, anchor: str = "start", weight: str = "normal", title: str = "") -> str:
    more = f"<title>{escape(title)}</title>" if title and title != text else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="{_TEXT}">{more}{escape(text)}</text>'


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= max(room, 4) else f"{text[: max(room, 4) - 1]}…"


def _dot(dot: Dot) -> str:
    fill, stroke = COLOURS[dot.state]
    circle = f'<circle class="{dot.state}" cx="{dot.x}" cy="{dot.y}" r="5" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>'
    cross = f'<path d="M{dot.x - 3} {dot.y - 3}l6 6m0 -6l-6 6" stroke="#ffffff" stroke-width="1.5"/>' if dot.state == DOWN else ""
    return f"<g><title>{escape(dot.text)}</title>{circle}{cross}</g>"


def _legend(drawing: Drawing) -> Iterator[str]:
    x = 30
    for state in legend(drawing):
        yield _dot(Dot("", state, x, drawing.height + 8, STATES[state]))
        yield _text(STATES[state], x + 12, drawing.height + 12)
        x += int(len(STATES[state]) * _CHARACTER) + 50


# --- draw.io ---------------------------------------------------------------------------------------------------------


def drawio(drawing: Drawing) -> str:
    """Return a drawing as an uncompressed file for draw.io: each box, line and session is a shape of its own."""
    cells = ['<mxCell id="0"/>', '<mxCell id="1" parent="0"/>']
    for box in drawing.boxes:
        fill, stroke = COLOURS[box.kind]
        top = "verticalAlign=top;" if box.kind == "rack" else ""
        style = f"rounded=1;whiteSpace=wrap;html=0;fontSize=11;{top}fillColor={fill};strokeColor={stroke};fontColor={_TEXT};"
        separator = " " if box.kind == "node" else "\n"
        place = (box.x, box.y, box.width, box.height)
        cells.append(_cell(box.id, separator.join(box.text), style, place))
    for dot in drawing.dots:
        fill, stroke = COLOURS[dot.state]
        style = f"ellipse;html=0;fillColor={fill};strokeColor={stroke};"
        cells.append(_cell(dot.id, "", style, (dot.x - 5, dot.y - 5, 10, 10), dot.text))
    cells += map(_edge, drawing.lines)
    model = f'<mxGraphModel grid="1" page="0" dx="0" dy="0"><root>{"".join(cells)}</root></mxGraphModel>'
    return f'<mxfile host="netops.aci_calico"><diagram name={quoteattr(drawing.title)}>{model}</diagram></mxfile>\n'


def _edge(line: Line) -> str:
    """Return a line. draw.io finds its way between the boxes, also after they were moved."""
    style = "edgeStyle=orthogonalEdgeStyle;endArrow=none;strokeColor=#2b5797;strokeWidth=2;"
    ends = f"source={quoteattr(line.start)} target={quoteattr(line.end)}"
    geometry = '<mxGeometry relative="1" as="geometry"/>'
    return f'<mxCell id={quoteattr(line.id)} style="{style}" edge="1" parent="1" {ends}>{geometry}</mxCell>'


def _cell(identity: str, text: str, style: str, place: tuple[int, int, int, int], tooltip: str = "") -> str:
    x, y, width, height = place
    value = quoteattr(text, {"\n": "&#xa;"})
    geometry = f'<mxGeometry x="{x}" y="{y}" width="{width}" height="{height}" as="geometry"/>'
    if tooltip:
        cell = f'<mxCell style={quoteattr(style)} vertex="1" parent="1">{geometry}</mxCell>'
        return f"<object id={quoteattr(identity)} label={value} tooltip={quoteattr(tooltip)}>{cell}</object>"
    return f'<mxCell id={quoteattr(identity)} value={value} style={quoteattr(style)} vertex="1" parent="1">{geometry}</mxCell>'
