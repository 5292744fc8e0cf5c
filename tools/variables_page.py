"""Build ``docs/variables.md`` from the variable registry."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from plugins.plugin_utils.intent.limits import LIMITS
from plugins.plugin_utils.schema.formats import FORMATS
from plugins.plugin_utils.schema.option import Option
from plugins.plugin_utils.schema.variables import REGISTRY

INTRODUCTION = """\
# Variables

<!-- {generated} -->

Set the variables of a cluster in `group_vars` or `host_vars` of the inventory, as the examples in `inventories` do. The variables under
[Node hosts](#node-hosts) belong to inventory hosts that are Kubernetes nodes. These variables are required, all others are optional:
{required}.

- A list can also be one value, or text with commas: `apic1, apic2`.
- Any value can be a Jinja expression. Keep secrets in Vault, each value encrypted by itself.
- A name that begins with `aci_calico_` and is not on this page is a [problem](messages.md).
- *White paper* is the section of Cisco's *ACI Calico Design White Paper* that calls for the variable. [Another page](white_paper.md) lists the
  statements of the white paper, with the variable, the object and the test for each.

## In an editor

`schemas/aci_calico.schema.json` of the collection is a JSON Schema (2020-12) of these variables. With it, an editor completes names and values, shows
descriptions, and marks unknown names and wrong types, ranges, choices and formats. The schema accepts files with a part of the variables, Jinja
expressions, `!vault` values and variables of others. It checks each value by itself; the plan checks how the values fit together.

For Visual Studio Code with the YAML extension, or another editor with `yaml-language-server`, begin each file with the path of the schema, absolute or
relative to the file:

```yaml
# yaml-language-server: $schema=/home/me/.ansible/collections/ansible_collections/netops/aci_calico/schemas/aci_calico.schema.json
---
aci_calico_cluster_name: prod1
```

The examples have this line; adapt its path in a copy. Or map the files in `.vscode/settings.json`, which must also list the tags of Ansible:

```json
{{
  "yaml.schemas": {{
    "/home/me/.ansible/collections/ansible_collections/netops/aci_calico/schemas/aci_calico.schema.json": ["group_vars/**/*.yml", "host_vars/**/*.yml"]
  }},
  "yaml.customTags": ["!vault scalar", "!unsafe scalar"]
}}
```

`schemas/plan.schema.json` is the JSON Schema of the plan (`plan.json`).
"""
LIMITS_INTRODUCTION = """
## Limits

These are the scale limits of ACI 5.2, and of later releases for which a public source gives other values; `aci_calico_apic_version` chooses. A value
holds for later releases until the next one. For releases before 5.2, and for limits with `none`, no public value was found: the plan counts them and
checks nothing. Preflight compares the values with those of the release that APIC runs. `aci_calico_limits` overrides a limit by its ID, for example
`{non-anchor-leaves-text: 32}`.

| ID | Limit | Of | SVI | Beyond the limit | Source |
|---|---|---|---|---|---|"""
TYPES = {"str": "text", "int": "number", "bool": "true or false", "dict": "dictionary", "vlans": "VLANs"}


def variables_page(generated: str) -> str:
    """Return the page, with a note that it is generated."""
    required = [f"`{option.name}`" for option in REGISTRY if option.required]
    text = textwrap.fill(", ".join(required), 150)
    lines = [INTRODUCTION.format(generated=generated, required=text).rstrip()]
    for group in dict.fromkeys(option.group for option in REGISTRY):
        options = [option for option in REGISTRY if option.group == group]
        lines += ["", f"## {group}", "", *_table("Variable", options)]
        for option in options:
            lines += _keys(option, f"{option.name}[]")
    lines.append(LIMITS_INTRODUCTION)
    for limit in LIMITS.values():
        first = "none" if limit.value is None else str(limit.value)
        values = "; ".join([first, *(f"{one.value} from {one.release}" for one in limit.newer)])
        sources = "; ".join([limit.source, *(one.source for one in limit.newer)])
        cells = (f"`{limit.id}`", values, limit.unit, ", ".join(limit.kinds), limit.severity or "only shown", sources)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def markdown(text: str) -> str:
    """Return a description with Markdown in place of Ansible's markup."""
    return re.sub(r"C\(([^)]*)\)", r"`\1`", text)


def _table(head: str, options: Iterable[Option]) -> list[str]:
    titles = [head, "Values", "Default", "Meaning", "White paper"]
    rows = [[f"`{one.name}`", _values(one), _default(one), _meaning(one), one.source] for one in options]
    columns = 5 if any(row[4] for row in rows) else 4
    return [f"| {' | '.join(cells[:columns])} |" for cells in (titles, ["---"] * 5, *rows)]


def _meaning(option: Option) -> str:
    aliases = "".join(f" `{alias}` means `{choice}`." for alias, choice in option.aliases.items())
    return markdown(option.description) + aliases + (" Secret." if option.secret else "")


def _keys(option: Option, path: str) -> list[str]:
    if not option.options:
        return []
    lines = ["", f"### `{path}`", ""]
    if option.shorthand:
        lines += [f"A bare value stands for a dictionary with this `{option.shorthand}`.", ""]
    lines += _table("Key", option.options)
    for key in option.options:
        lines += _keys(key, f"{path}.{key.name}[]")
    return lines


def _default(option: Option) -> str:
    if option.required:
        return "**required**"
    if option.default_text:
        return option.default_text
    if option.default in (None, [], {}):
        return "none" if option.default is None else "empty"
    if isinstance(option.default, bool):
        return f"`{str(option.default).lower()}`"
    values = option.default if isinstance(option.default, list) else [option.default]
    return ", ".join(f"`{value}`" for value in values)


def _values(option: Option) -> str:
    if option.type == "list":
        element = _values(option.element)
        return {"dictionary": "list of dictionaries", "text": "list of text"}.get(element, f"list: {element}")
    if option.choices:
        return ", ".join(f"`{choice}`" for choice in option.choices)
    if option.format:
        return FORMATS[option.format].text + (", or empty" if option.empty else "")
    if option.range:
        return f"{'VLANs from ' if option.type == 'vlans' else ''}{option.range[0]} to {option.range[1]}"
    return TYPES[option.type]
