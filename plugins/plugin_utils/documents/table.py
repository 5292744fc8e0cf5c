# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Racks, leaves and nodes as a table: read from a spreadsheet's CSV or from another source's rows, and written from a plan.

A row with ``node`` stands for a node, one with ``leaf`` for a leaf, and one without either for its rack alone. The columns
``pod``, ``node_kind`` and ``leaves`` belong to the rack and may be in each of its rows.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..schema import keys
from ..schema.option import Option

DELIMITERS = ",;\t|"
_RACK = {option.name: option for option in keys.RACK if option.name not in ("id", "nodes")}
_LEAF = {option.name: option for option in keys.LEAF if option.name != "id"}
_NODE = {option.name: option for option in keys.NODE if option.name != "name"}
COLUMNS = ("rack", *_RACK, "leaf", "node", *dict.fromkeys((*_LEAF, *_NODE)))
# What is known of a plan's leaves and nodes.
WRITTEN = (
    "rack",
    "pod",
    "leaf",
    "node",
    "addresses",
    "router_id",
    "slot",
    "vlan",
    "vpc",
    "interfaces",
    "kind",
    "nics",
    "hypervisor",
    "spare",
)
# What a node that takes a spare slot has of its own.
_OF_TAKER = ("kind", "nics", "hypervisor")


def racks_from_table(table: str | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the value of ``aci_calico_racks`` that a table says, racks and nodes in the order of their first rows.

    :param table: CSV with a line of column names (separated by comma, semicolon, tab or bar), or rows as dictionaries. Empty
        cells are left out; spaces, commas and semicolons separate the entries of a list in a cell.
    :raises ValueError: with everything that is wrong, by line (CSV) or row.
    """
    kind = "line" if isinstance(table, str) else "row"
    rows: list[tuple[int, Mapping[str, Any]]] = _parsed(table) if isinstance(table, str) else list(enumerate(table, 1))
    wrong = list(_unknown_columns(rows))
    racks: dict[str, dict[str, Any]] = {}
    for number, row in rows:
        cells = {name: cell for name, cell in row.items() if cell not in (None, "", [])}
        if cells:
            wrong += [f"{kind} {number}: {text}" for text in _add(racks, cells)]
    if wrong:
        raise ValueError("; ".join(wrong))
    return list(racks.values())


def _parsed(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the rows of a CSV text with the numbers of their lines."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count))
    header = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in next(reader, [])]
    header += [f"column {number}" for number in range(len(header) + 1, 100)]  # cells to the right of the last name
    return [(reader.line_num, dict(zip(header, map(str.strip, cells), strict=False))) for cells in reader]


def _unknown_columns(rows: list[tuple[int, Mapping[str, Any]]]) -> Iterator[str]:
    for name in dict.fromkeys(name for _number, row in rows for name, cell in row.items() if cell):
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, 1)
            yield f'There is no column "{name}"; ' + (f'did you mean "{near[0]}"?' if near else f"columns: {', '.join(COLUMNS)}")


def _add(racks: dict[str, dict[str, Any]], cells: Mapping[str, Any]) -> Iterator[str]:
    """Add a row to its rack; yield what is wrong with it."""
    if "rack" not in cells:
        yield "the rack is missing"
        return
    name = str(cells["rack"])
    rack = racks.setdefault(name, {"id": name, "leaves": [], "nodes": []})
    if "leaf" in cells and "node" in cells:
        yield "a row is of a leaf or of a node, not of both; the column for the leaves of a rack is leaves"
        return
    of, options = ("leaf", _LEAF) if "leaf" in cells else ("node", _NODE) if "node" in cells else ("rack", {})
    stray = [column for column in cells if column in COLUMNS and column not in ("rack", of, *_RACK, *options)]
    if stray:
        yield f"a row of a {of} has no {', no '.join(stray)}"
    yield from _describe_rack(rack, cells)
    values = {column: _value(option, cells[column]) for column, option in options.items() if column in cells}
    if of == "leaf":
        number = _number(cells["leaf"])
        known = [leaf for leaf in rack["leaves"] if leaf["id"] == number]
        if not known:
            rack["leaves"].append({"id": number})
        (known or rack["leaves"])[-1].update(values)
    elif of == "node":
        rack["nodes"].append({"name": str(cells["node"]), **values})


def _describe_rack(rack: dict[str, Any], cells: Mapping[str, Any]) -> Iterator[str]:
    """Set what a row says of its rack; yield what contradicts an earlier row."""
    for column, option in _RACK.items():
        if column not in cells:
            continue
        value = _value(option, cells[column])
        if column == "leaves":
            value = [_number(leaf) for leaf in value]
            if not rack["leaves"]:
                rack["leaves"] = [{"id": leaf} for leaf in value]
            known = [leaf["id"] for leaf in rack["leaves"]]
        else:
            known = rack.setdefault(column, value)
        if known != value:
            yield f"{column} of rack {rack['id']} differs from an earlier row"


def _value(option: Option, cell: Any) -> Any:
    """Return the value of a cell in the type of its variable; what is of another type is left to the check of the plan."""
    if option.type == "list":
        return cell if isinstance(cell, list) else re.split(r"[\s,;]+", str(cell).strip(" ,;"))
    return _number(cell) if option.type == "int" else str(cell)


def _number(cell: Any) -> Any:
    return int(cell) if str(cell).isdecimal() else cell


def plan_to_table(plan: Mapping[str, Any]) -> str:
    """Return the leaves and nodes of a plan as CSV that ``racks_from_table`` reads, with all that the plan has allocated."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, WRITTEN, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in _planned_rows(plan))
    return text.getvalue()


def _planned_rows(plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    leaves = {leaf["id"]: leaf for leaf in plan["leaves"]}
    nodes = {node["name"]: node for node in plan["nodes"]}
    groups = {group["name"]: group["leaves"] for group in plan["access"]["groups"]}
    for rack in plan["racks"]:
        common = {"rack": rack["id"], "pod": rack["pod"]}
        for number in rack["leaves"]:
            yield {**common, **leaves[number], "leaf": number, "addresses": _addresses(leaves[number])}
        for node in map(nodes.__getitem__, rack["nodes"]):
            cabled = [f"{leaf['id']}:{ports}" for leaf in groups.get(node["vpc"], []) for ports in leaf["ports"]]
            place = node.get("attached")
            if place:  # central peering: the rack has leaves that the plan knows from its nodes only
                yield from ({"rack": place["rack"], "leaf": leaf} for leaf in place["leaves"])
            at = {"rack": place["rack"]} if place else common
            if "slot_name" in node:
                own = {name: node["system"][name] for name in _OF_TAKER}
                yield {**at, **own, "node": node["name"], "spare": node["slot_name"]}
            elif "spare" not in node:  # a spare slot is no node
                yield {**node["system"], **node, **at, "node": node["name"], "addresses": _addresses(node), "interfaces": cabled}


def _addresses(machine: Mapping[str, Any]) -> list[str]:
    return [network["address"].partition("/")[0] for network in machine["networks"].values()]


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(map(str, value)) if isinstance(value, list) else str(value)
