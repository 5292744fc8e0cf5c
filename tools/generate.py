#!/usr/bin/env python
"""Write the generated files: argument specs and defaults of roles, JSON Schemas, pages of variables and messages, a picture.

With ``--check``, name the stale files, write nothing and exit with 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
# The registry imports nothing of Ansible, so it can be imported by its path in the checkout.
sys.path.insert(0, str(ROOT))

from json_schema import cluster_schema  # noqa: E402
from messages_page import messages_page  # noqa: E402
from plan_schema import plan_schema  # noqa: E402
from variables_page import markdown, variables_page  # noqa: E402

from plugins.plugin_utils.documents.drawing import draw  # noqa: E402
from plugins.plugin_utils.documents.svg import svg  # noqa: E402
from plugins.plugin_utils.rehearsal.effects import classes_table, effects_table  # noqa: E402
from plugins.plugin_utils.schema.option import Option  # noqa: E402
from plugins.plugin_utils.schema.variables import ROLE_OPTIONS  # noqa: E402

GENERATED = "Generated from plugins/plugin_utils/schema/variables.py: change it there, then run `make generate`."
WIDTH = 150


class _Dumper(yaml.SafeDumper):
    """Indent lists below their keys, as ansible-lint requires."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _yaml(content: Any) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


# --- roles -----------------------------------------------------------------------------------------------------------


def argument_specs(role: str) -> str:
    """Return a role's ``meta/argument_specs.yml``: what its own tasks read."""
    meta = yaml.safe_load((ROOT / "roles" / role / "meta/main.yml").read_text(encoding="utf-8"))
    main: dict[str, Any] = {
        "short_description": meta["galaxy_info"]["description"],
        "version_added": "1.0.0",
        "author": ["Contributors to netops.aci_calico (!UNKNOWN)"],
        "description": [
            "Uses the plan of the cluster, and makes it if the play has not made it yet.",
            "The plan checks the variables of the cluster (C(aci_calico_*)). C(docs/variables.md) of the collection lists them.",
        ],
    }
    if role in ROLE_OPTIONS:
        main["options"] = {option.name: _argument(option) for option in ROLE_OPTIONS[role]}
    return f"---\n# {GENERATED}\n{_yaml({'argument_specs': {'main': main}})}"


def _argument(option: Option) -> dict[str, Any]:
    spec: dict[str, Any] = {"description": [option.description], "type": option.type}
    if option.range:
        spec["description"].append(f"From {option.range[0]} to {option.range[1]}.")
    if option.type == "list":
        spec["elements"] = option.elements
    if option.required:
        spec["required"] = True
    if option.choices:
        spec["choices"] = [*option.choices, *option.aliases]
    if option.default is not None:
        spec["default"] = option.default
    return spec


def defaults(role: str) -> str:
    """Return a role's ``defaults/main.yml``."""
    blocks = [f"---\n# {GENERATED}\n"]
    for option in ROLE_OPTIONS[role]:
        if option.default is not None:
            comment = textwrap.fill(markdown(option.description), WIDTH, initial_indent="# ", subsequent_indent="# ")
            blocks.append(f"{comment}\n{_yaml({option.name: option.default})}")
    return "\n".join(blocks)


def filled(page: Path, **tables: str) -> str:
    """Return a page with its generated tables."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        before, _begin, rest = text.partition(begin)
        text = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return text


def picture() -> str:
    """Return the drawing of an example as the report shows it when all sessions are established."""
    plan = json.loads((ROOT / "tests/golden/floating_svi/prod1/plan.json").read_text(encoding="utf-8"))
    peers = [(node["name"], peer) for node in plan["nodes"] for peer in node["peers"]]
    return svg(draw(plan, [{"node": name, **peer, "state": "established"} for name, peer in peers]))


# --- writing ---------------------------------------------------------------------------------------------------------


def generated() -> dict[Path, str]:
    """Return all generated files with their contents."""
    files = {
        ROOT / "docs/variables.md": variables_page(GENERATED),
        ROOT / "docs/messages.md": messages_page(GENERATED.replace("variables", "messages")),
        ROOT / "docs/rehearse.md": filled(ROOT / "docs/rehearse.md", classes=classes_table(), variables=effects_table()),
        ROOT / "docs/images/topology.svg": picture(),
        ROOT / "schemas/aci_calico.schema.json": _json(cluster_schema()),
        ROOT / "schemas/plan.schema.json": _json(plan_schema()),
    }
    for folder in sorted((ROOT / "roles").iterdir()):
        files[folder / "meta/argument_specs.yml"] = argument_specs(folder.name)
        if any(option.default is not None for option in ROLE_OPTIONS.get(folder.name, ())):
            files[folder / "defaults/main.yml"] = defaults(folder.name)
    return files


def main(argv: list[str] | None = None) -> int:
    """Write the stale files, or list them with ``--check``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="list the stale files instead, and exit with 1 if there are any")
    check = parser.parse_args(argv).check
    stale = {path: text for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
