"""Results as text: a line, a report of one change, and the table of the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.rules import CLASSES
from rehearsals.world import REFUSED, Result

PAGE = Path(__file__).resolve().parents[2] / "docs" / "development" / "rehearsals.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def line(result: Result) -> str:
    """Return a result as one line."""
    made, undone = result.measured, result.undo_measured
    text = f"{result.world}: {result.name}: {result.predicted}, measured {made['class']} ({brief(made)})"
    if undone:
        text += f"; undo {result.undo_predicted}, measured {undone['class']} ({brief(undone)})"
    return "; ".join([text, *(wrong[-1500:] for wrong in result.wrong)])


def brief(measured: dict) -> str:
    """Return what was measured in a few words."""
    parts = [f"{measured['lost']} of {measured['sent']} lost, longest {measured['longest']} s"] if measured["lost"] else []
    parts += [f"{len(measured[what])} {what}" for what in ("sessions", "routes") if measured[what]]
    parts += [f"{measured['paths']} paths"] if measured["paths"] else []
    return ", ".join(parts) or f"none of {measured['sent']} lost"


def verdict(predicted: str, measured: dict[str, Any]) -> str:
    """Return how a prediction compares with what was measured."""
    if predicted not in CLASSES:
        return predicted
    order = CLASSES.index(measured["class"]) - CLASSES.index(predicted)
    return "as predicted" if not order else "worse than predicted" if order > 0 else "better than predicted"


def report(result: Result) -> str:
    """Return predicted against measured for one change, for a terminal."""
    lines = []
    for what, predicted, measured in (
        ("The change", result.predicted, result.measured),
        ("Its undo", result.undo_predicted, result.undo_measured),
    ):
        if measured and predicted:
            lines += [
                f"{what}: predicted {predicted}, measured {measured['class']} ({verdict(predicted, measured)})",
                f"  {brief(measured)}; measured for {measured['seconds']} s",
                *(f"  {label}: {', '.join(map(str, measured[key]))}" for key, label in _DETAILS.items() if measured[key]),
            ]
    return "\n".join([*lines, *(f"wrong: {text}" for text in result.wrong)])


_DETAILS = {"nodes": "Nodes that lost pings", "sessions": "Sessions that ended", "missing": "Not there at the end"}


def with_table(page: str, results: Sequence[Result], seed: str) -> str:
    """Return the page with a new table."""
    head, _begin, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{table(results, seed)}\n{END}{rest.partition(END)[2]}"


def table(results: Sequence[Result], seed: str) -> str:
    """Return the results as Markdown."""
    done = [one for one in results if one.measured]
    sent = sum(measured.get("sent", 0) for one in done for measured in (one.measured, one.undo_measured))
    pairs = [(one.predicted, one.measured) for one in done] + [(one.undo_predicted, one.undo_measured) for one in done]
    worse = [measured for predicted, measured in pairs if measured and verdict(predicted, measured).startswith("worse")]
    lines = [
        f"Seed {seed}: {len(done)} of {len(results)} runs are measured, with {sent} pings. Worse than predicted: {len(worse)}.",
        "",
        "| Change | Inventory | Predicted | Measured | Undo predicted | Undo measured | Both sides as before |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(_row(one))} |" for one in results)])


def _row(one: Result) -> tuple[str, ...]:
    change = f"{one.name}{f' (not shown: {one.beyond})' if one.beyond else ''}"
    if not one.measured:
        return change, one.world, "", "not measured yet", "", "", ""
    if one.predicted == REFUSED:
        return change, one.world, "preflight refuses it", _cell(one.predicted, one.measured), "", "", ""
    predicted = f"{one.predicted}{' (guess)' if one.guess else ''}"
    undone = (one.undo_predicted, _cell(one.undo_predicted, one.undo_measured)) if one.undo_measured else ("", "")
    exact = "; ".join(wrong.split(":")[0] for wrong in one.wrong) or ("yes" if one.undo_measured else "")
    return change, one.world, predicted, _cell(one.predicted, one.measured), *undone, exact


def _cell(predicted: str, measured: dict[str, Any]) -> str:
    text = f"{measured['class']}: {brief(measured)}"
    return f"**{text}**" if verdict(predicted, measured).startswith("worse") else text
