# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text for a terminal: lines of at most 80 columns, and tables. Words such as paths and DNs are never broken."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

WIDTH = 80
_GAP = "  "


def wrapped(text: str, first: str = "", rest: str | None = None, width: int = WIDTH) -> list[str]:
    """Return a text as lines that fit into the width.

    :param first: what the first line begins with.
    :param rest: what the other lines begin with; spaces as wide as ``first`` by default.
    """
    indent = " " * len(first) if rest is None else rest
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    lines = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=indent, **options)
    return lines or [first.rstrip()]


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], indent: str = "", width: int = 0) -> list[str]:
    """Return the lines of a table with aligned columns. Columns of numbers are aligned at the right.

    :param width: break the list in the last cell of each row to fit into it, or if that is not enough, write each row as
        lines; 0 breaks nothing.
    """
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [len(cells) > 1 and all(_number(row[column]) for row in cells[1:]) for column in range(len(widths))]
    before = len(indent) + sum(widths[:-1]) + len(_GAP) * len(widths[:-1])
    breaks = bool(width) and before + widths[-1] > width
    if breaks:
        widest = max(len(part) for row in cells[1:] for element in row[-1].split(", ") for part in [f"{element},"])
        if before + widest > width:
            return [line for row in cells[1:] for line in _record(cells[0], row, indent, width)]
        widths[-1] = max(len(header[-1]), max(len(part) for row in cells[1:] for part in _parts(row[-1], width - before)))
    broken = [line for row in cells for line in (_broken(row, width - before) if breaks else [row])]
    lines = [_line(row, widths, right) for row in [*broken[:1], ["-" * size for size in widths], *broken[1:]]]
    return [f"{indent}{line}".rstrip() for line in lines]


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (cell.rjust(size) if end else cell.ljust(size) for cell, size, end in zip(row, widths, right, strict=True))
    return _GAP.join(aligned).rstrip()


def _record(header: Sequence[str], row: Sequence[str], indent: str, width: int) -> list[str]:
    """Return a row as lines, one for each cell."""
    size = max(map(len, header))
    lines = [f"{indent}{header[0]} {row[0]}"]
    for name, cell in zip(header[1:], row[1:], strict=True):
        lines += wrapped(cell, f"{indent}  {name:{size}}{_GAP}", width=width)
    return lines


def _broken(row: Sequence[str], room: int) -> Iterator[list[str]]:
    """Yield the row with the first part of its last cell, and a row for each other part."""
    first, *others = _parts(row[-1], room)
    yield [*row[:-1], first]
    for part in others:
        yield [*[""] * (len(row) - 1), part]


def _parts(cell: str, room: int) -> list[str]:
    """Return the elements of a list in words, as many in each part as there is room for."""
    elements = cell.split(", ")
    parts: list[str] = []
    for number, element in enumerate(elements, 1):
        text = element if number == len(elements) else f"{element},"
        if parts and len(f"{parts[-1]} {text}") <= room:
            parts[-1] += f" {text}"
        else:
            parts.append(text)
    return parts


def _number(cell: str) -> bool:
    return cell.isdecimal() or cell == "-"
