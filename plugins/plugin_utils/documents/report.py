# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report: the document of a plan, its drawing and the last verification as one HTML file that needs no other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from .drawing import draw
from .page import SCRIPT, STYLE
from .plan import of_and_left, plan_document
from .svg import svg

_CELL = re.compile(r"(?<!\\)\|")
# From this share of a limit on, a bar warns.
_HIGH = 80


def cluster_report(plan: Mapping[str, Any], verified: Mapping[str, Any] | None = None) -> str:
    """Return the report of a cluster as HTML.

    :param plan: a cluster's plan.
    :param verified: the report of its last verification, if there is one.
    """
    title, *sections = plan_document(plan).split("\n## ")
    parts = [("Summary", _lines(title.splitlines()[1:]))]
    for section in sections:
        name, _newline, text = section.partition("\n")
        parts.append((name, _part(plan, name, text, verified)))
        if name == "Topology":
            parts.append(("Verification", _verification(verified)))
    body = (f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>\n{html}</section>' for name, html in parts)
    links = "".join(f'<li><a href="#{_anchor(name)}">{escape(name)}</a></li>' for name, _html in parts)
    return _page(f"Cluster {plan['cluster']}", f'<nav aria-label="Sections"><ul>{links}</ul></nav>', "\n".join(body))


def inventory_report(plans: Iterable[Mapping[str, Any]], verified: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the report of an inventory as HTML: a row for each cluster, with a link to its report.

    :param verified: the reports of the clusters' last verifications, by cluster.
    """
    header = ("Cluster", "Fabric", "SVI", "Racks", "Nodes", "AS", "Most used limit", "Last verification")
    rows = [_cluster_row(plan, verified.get(plan["cluster"])) for plan in plans]
    return _page("Clusters", "", f"<section>{_table(header, rows, 'Clusters')}</section>")


def _cluster_row(plan: Mapping[str, Any], verified: Mapping[str, Any] | None) -> list[str]:
    fabric, name = plan["fabric"], escape(plan["cluster"])
    most = max(plan["limits"], key=_share, default=None)
    limit = f"{most['value']} of {of_and_left(most)[0]} {most['unit']}" if most else "none"
    cells = (
        f"{fabric['tenant']}:{fabric['vrf']}, AS {fabric['asn']}",
        plan["svi"]["kind"],
        len(plan["racks"]),
        len(plan["nodes"]),
        plan["cluster_asn"],
        limit,
        _verdict(verified),
    )
    return [f'<a href="{name}/report.html">{name}</a>', *(escape(str(cell)) for cell in cells)]


def _page(title: str, navigation: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<header><h1>{escape(title)}</h1>{navigation}</header>\n"
        f"<main>\n{body}\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _part(plan: Mapping[str, Any], name: str, text: str, verified: Mapping[str, Any] | None) -> str:
    if name == "Topology":
        sessions = verified["sessions"] if verified else ()
        return f'<div class="drawing" tabindex="0" role="group" aria-label="Drawing">{svg(draw(plan, sessions))}</div>'
    if name == "Limits":
        return _bars(plan["limits"]) + _lines(line for line in text.splitlines() if not line.startswith("|"))
    return _lines(text.splitlines(), name)


# --- the document ----------------------------------------------------------------------------------------------------


def _lines(lines: Iterable[str], name: str = "") -> str:
    """Return the lines of a Markdown document as HTML: paragraphs, lists and tables, as ``plan_document`` writes them."""
    blocks: list[tuple[str, list[str]]] = []
    for line in lines:
        kind = "table" if line.startswith("|") else "list" if line.startswith("- ") else "text" if line.strip() else ""
        if blocks and blocks[-1][0] == kind:
            blocks[-1][1].append(line)
        else:
            blocks.append((kind, [line]))
    return "\n".join(_block(kind, content, name) for kind, content in blocks if kind)


def _block(kind: str, lines: Sequence[str], name: str) -> str:
    if kind == "list":
        return f"<ul>{''.join(f'<li>{escape(line[2:])}</li>' for line in lines)}</ul>"
    if kind == "text":
        return f"<p>{escape(' '.join(lines))}</p>"
    header, _dashes, *rows = [[cell.strip().replace("\\|", "|") for cell in _CELL.split(line)[1:-1]] for line in lines]
    return _table(header, [list(map(escape, row)) for row in rows], name)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> str:
    """Return a table that can be sorted and filtered; its cells are HTML."""
    numbers = [bool(rows) and all(row[column].isdecimal() for row in rows) for column in range(len(header))]
    classes = [' class="number"' if number else "" for number in numbers]
    heads = zip(header, classes, strict=True)
    head = "".join(f'<th scope="col"{style}><button type="button">{escape(cell)}</button></th>' for cell, style in heads)
    cells = ("".join(f"<td{style}>{cell}</td>" for cell, style in zip(row, classes, strict=True)) for row in rows)
    body = "".join(f"<tr>{row}</tr>\n" for row in cells)
    return f'<div class="table"><table aria-label="{escape(name)}"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


# --- limits and verification -----------------------------------------------------------------------------------------


def _share(limit: Mapping[str, Any]) -> int:
    """Return how much of a limit is used, in percent; 0 if no limit is known."""
    if limit["limit"] is None:
        return 0
    return round(100 * limit["value"] / limit["limit"]) if limit["limit"] else 100


def _bars(limits: Iterable[Mapping[str, Any]]) -> str:
    """Return the limits as bars, with what is left of each."""
    rows = []
    for limit in limits:
        share = _share(limit)
        meter = f'<span class="bar{" high" if share >= _HIGH else ""}" aria-hidden="true"><span style="width:{min(share, 100)}%"></span></span>'
        use = "" if limit["limit"] is None else f"{meter} {share}%"
        numbers = map(str, (limit["value"], *of_and_left(limit)))
        rows.append([use, *numbers, *(escape(str(limit[key])) for key in ("unit", "release", "source"))])
    return _table(("Use", "Taken", "Limit", "Left", "Of", "Release", "Source"), rows, "Limits")


def _verdict(verified: Mapping[str, Any] | None) -> str:
    if not verified:
        return "none"
    sessions = verified["sessions"]
    up = sum(session["state"] == "established" for session in sessions)
    findings = len(verified["findings"])
    return f"{up} of {len(sessions)} sessions established, {findings or 'no'} {'finding' if findings == 1 else 'findings'}"


def _verification(verified: Mapping[str, Any] | None) -> str:
    """Return the findings of the last verification, and its sessions."""
    if not verified:
        return (
            "<p>There is no report of a verification: run <code>netops.aci_calico.verify</code> and then this report again.</p>"
        )
    html = [f"<p>{escape(_verdict(verified))}</p>", *map(_finding, verified["findings"])]
    rows = [
        [escape(str(session[key])) for key in ("name", "rack", "family", "state", "accepted", "advertised")]
        for session in verified["sessions"]
    ]
    return "\n".join([*html, _table(("Session", "Rack", "Family", "State", "Accepted", "Advertised"), rows, "Sessions")])


def _finding(finding: Mapping[str, Any]) -> str:
    return "".join(_finding_parts(finding))


def _finding_parts(finding: Mapping[str, Any]) -> Iterator[str]:
    severity = escape(finding["severity"])
    yield f'<article class="finding {severity}"><h3>{severity}: {escape(finding["what"])} <code>{escape(finding["id"])}</code></h3>'
    yield f"<p>Cause: {escape(finding['cause'])}</p><p>Remedy: {escape(finding['remedy'])}</p>"
    if finding["evidence"]:
        yield f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in finding['evidence'])}</ul>"
    yield "</article>"
