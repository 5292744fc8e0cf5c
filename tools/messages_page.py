"""Build ``docs/messages.md`` from the catalogues of problems and findings, the formats and the limits."""

from __future__ import annotations

import re

from plugins.plugin_utils.intent.limits import LIMITS
from plugins.plugin_utils.schema.formats import FORMATS
from plugins.plugin_utils.schema.messages import CATALOGUE, Message
from plugins.plugin_utils.verify.catalogue import RULES

# The stages of a run: a section begins with one of them.
STAGES = (
    "Planning",
    "Connections",
    "Preflight",
    "Preflight and push",
    "Rehearsal",
    "Consents",
    "Journal and undo",
    "Rotating the password",
    "Mending drift",
    "Two runs at once",
    "Maintenance",
    "Verification",
)


def messages() -> dict[str, dict[str, Message]]:
    """Return all problems and findings by section of their page, then by anchor: findings begin with ``finding-``."""
    formats = {f"invalid-{one.id}": Message(f"The value must be {one.text}.", "Correct the value.") for one in FORMATS.values()}
    limits = {
        f"limit-{one.id}": Message(f"The cluster exceeds the limit for {one.unit}.", one.remedy, one.severity)
        for one in LIMITS.values()
        if one.severity
    }
    sections = {**CATALOGUE, "Planning: formats of values": formats, "Planning: limits": limits}
    for name, rule in RULES.items():
        meaning = f"{rule.title[0].upper()}{rule.title[1:]}. {rule.cause}"
        section = sections.setdefault(f"Verification: {rule.suite}", {})
        section[f"finding-{name}"] = Message(meaning, rule.remedy, rule.severity)
    return dict(sorted(sections.items(), key=lambda section: STAGES.index(section[0].partition(":")[0])))


def messages_page(generated: str) -> str:
    """Return ``docs/messages.md``: the problems and findings of each stage."""
    lines = ["# Messages", "", f"<!-- {generated} -->", ""]
    lines += [
        "Each problem and each finding has an id, which a run prints beside its text. An *error* stops the cluster before anything is",
        "changed (in a verification, the cluster is not ok); a *warning* is only reported. A run may print a more precise remedy.",
    ]
    for title, section in messages().items():
        lines += ["", f"## {title}", "", "| Id | Severity | Meaning | What to do |", "|---|---|---|---|"]
        for anchor, one in section.items():
            meaning, remedy = (re.sub(r"(?<![`\w])(aci_calico_\w+)", r"`\1`", text) for text in (one.meaning, one.remedy))
            name = anchor.removeprefix("finding-")
            lines.append(f'| <a id="{anchor}"></a>`{name}` | {one.severity} | {meaning} | {remedy} |')
    return "\n".join(lines) + "\n"
