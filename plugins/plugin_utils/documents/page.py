# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The style sheet and the script of a report."""

from __future__ import annotations

STYLE = """
:root { --text: #1c2126; --back: #ffffff; --soft: #f2f4f7; --rule: #cfd6dd; --link: #1b5fae; --bar: #2b6cb0; --high: #b45309;
  --error: #b3261e; --warning: #8a6100; --fabric: #dfe9f7; --outside: #fff4dc; --rack: #f7f8fa; --leaf: #cfe0f5; --node: #e3f1e6; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --back: #14181c; --soft: #1e242a; --rule: #3a444e; --link: #8ab8f0; --bar: #5b9bd5; --high: #e0a040;
    --error: #f28b82; --warning: #e8c268; --fabric: #1f3450; --outside: #40330f; --rack: #1b2127; --leaf: #25466e; --node: #1f3d29; }
  circle.planned { fill: #14181c; stroke: #aeb8c2; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
header, main { max-width: 84rem; margin: 0 auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; margin: 1.25rem 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; border-bottom: 1px solid var(--rule); padding-bottom: .25rem; }
h3 { font-size: 1rem; margin: 0 0 .3rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1rem; padding: 0; margin: 0; }
a { color: var(--link); }
a:focus-visible, button:focus-visible, input:focus-visible, .drawing:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
.drawing, .table { overflow-x: auto; }
.drawing svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--text); }
svg rect.fabric { fill: var(--fabric); } svg rect.outside { fill: var(--outside); } svg rect.rack { fill: var(--rack); }
svg rect.leaf { fill: var(--leaf); } svg rect.node { fill: var(--node); }
table { border-collapse: collapse; width: 100%; font-size: .92em; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--rule); vertical-align: top; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
th { background: var(--soft); white-space: nowrap; }
th.number { text-align: right; }
th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
th[aria-sort=ascending] button::after { content: " \\25B2"; } th[aria-sort=descending] button::after { content: " \\25BC"; }
label.filter { display: block; margin: .3rem 0 .5rem; }
label.filter input { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--rule); padding: .15rem .4rem; }
.table { margin-bottom: 1rem; } td:has(.bar) { white-space: nowrap; }
.bar { display: inline-block; width: 9rem; height: .7rem; background: var(--rule); vertical-align: middle; }
.bar span { display: block; height: 100%; background: var(--bar); } .bar.high span { background: var(--high); }
.finding { border-left: 4px solid var(--warning); background: var(--soft); padding: .6rem .9rem; margin: .6rem 0; }
.finding.error { border-color: var(--error); } .finding p { margin: .2rem 0; }
@media print {
  nav, label.filter { display: none; }
  body { font-size: 11px; } header, main { max-width: none; padding: 0; }
  .drawing, .table { overflow: visible; } th, td { padding: .15rem .4rem; }
  h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-top: 1.2rem; } .finding h3 { font-size: 1em; }
  .drawing svg { max-height: 24cm; }
  tr, .finding { break-inside: avoid; } h2 { break-after: avoid; }
  .bar, .bar span, svg, th { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""

# Sorts a table by the column of a pressed button, and shows the rows that contain the text of its filter.
SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const text = row => row.cells[column].textContent.trim();
    const rows = [...body.rows].sort((a, b) => text(a).localeCompare(text(b), "en", { numeric: true }));
    body.append(...(up ? rows : rows.reverse()));
  }));
  if (body.rows.length > 8) {
    const label = document.createElement("label"), input = document.createElement("input");
    label.className = "filter";
    input.type = "search";
    input.addEventListener("input", () => {
      for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(input.value.toLowerCase());
    });
    label.append("Filter: ", input);
    table.parentElement.before(label);
  }
}
"""
