"""Build the JSON Schemas of a cluster's variables, and of single values of the plan, from the variable registry.

In files of variables a value can be written as the checker (``plugins.plugin_utils.schema.check``) accepts it: integers and booleans
as text, a list as comma-separated text, and any value as a Jinja expression or a Vault value. The plan has canonical values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from plugins.plugin_utils.intent.limits import LIMITS
from plugins.plugin_utils.schema.check import BOOLEANS, INTEGER, unmarked
from plugins.plugin_utils.schema.formats import FORMATS
from plugins.plugin_utils.schema.option import Option, number
from plugins.plugin_utils.schema.variables import PREFIX, REGISTRY

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
# A YAML value with the tag !vault is text that begins with this.
VAULT = r"^\$ANSIBLE_VAULT;"
EXPRESSION = rf"\{{\{{|\{{%|{VAULT}"
_VLANS = r"\s*[0-9]{1,9}\s*(?:-\s*[0-9]{1,9}\s*)?"
# Lists and dictionaries can be JSON text, which is not examined.
_JSON_LIST, _JSON_DICT = r"\s*\[[\s\S]*", r"\s*\{[\s\S]*"
_EXPECTED = {
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a dictionary",
    "vlans": "a VLAN, a range of VLANs or a list of these",
}


def cluster_schema() -> Schema:
    """Return the JSON Schema of a file in ``group_vars`` or ``host_vars``, which can hold a part of the variables."""
    return {
        "$schema": DRAFT,
        "$id": "urn:netops:aci_calico:variables",
        "title": "Variables of a cluster (netops.aci_calico)",
        "description": "A file in group_vars or host_vars. Variables of others are not checked.",
        "type": "object",
        "properties": {option.name: variable(_with_limits(option)) for option in REGISTRY if not option.per_run},
        "patternProperties": {f"^(?!{PREFIX})": {}},
        "additionalProperties": False,
    }


def variable(option: Option) -> Schema:
    """Return the schema of a variable, or of a key of a dictionary, as a user can write it."""
    schema: Schema = {"title": option.group} if option.group else {}
    schema["description"] = _description(option)
    if option.default is not None:
        schema["default"] = option.default
    if examples := _examples(option):
        schema["examples"] = examples
    return schema | _written(option, optional=not option.required)


def canonical(option: Option) -> Schema:
    """Return the schema of a value as it is after the check."""
    if option.type == "list":
        return {"type": "array", "items": canonical(option.element)}
    if option.choices:
        return {"enum": list(option.choices)}
    schema: Schema = {"type": {"int": "integer", "bool": "boolean"}.get(option.type, "string")}
    if option.format:
        schema["pattern"] = f"^(?:{FORMATS[option.format].pattern})$"
    return schema | _range(option)


def _with_limits(option: Option) -> Option:
    """Return the option; ``aci_calico_limits`` with a key for each limit, which the registry does not know."""
    if option.name != f"{PREFIX}limits":
        return option
    limits = [number(one.id, f"The limit of {one.unit}.", 0, 10**9, default=one.value) for one in LIMITS.values()]
    return replace(option, options=tuple(limits))


def _description(option: Option) -> str:
    parts = [unmarked(option.description)]
    if option.format:
        text = FORMATS[option.format].text.replace("`", "")
        parts.append(f"Each is {text}." if option.type == "list" else f"{text[0].upper()}{text[1:]}.")
    parts += [f"{alias} means {choice}." for alias, choice in option.aliases.items()]
    if option.default_text:
        parts.append(f"Default: {option.default_text.replace('`', '')}.")
    return " ".join(parts)


def _examples(option: Option) -> list[Any]:
    if option.type == "vlans":
        return [300, "300-363", [300, "310-320"]]
    examples = list(FORMATS[option.format].examples) if option.format else []
    return [examples] if examples and option.type == "list" else examples


def _written(option: Option, optional: bool = False) -> Schema:
    """Return the schema of the values that the checker accepts, and of expressions.

    :param optional: whether null, which means unset, is accepted too.
    """
    if option.choices and option.type == "str":
        other: Schema = {"type": ["string", "null"] if optional else "string", "pattern": EXPRESSION}
        return {"anyOf": [{"enum": [*option.choices, *option.aliases]}, other]}
    schema = _BUILDERS[option.type](option)
    if "pattern" in schema:  # said by editors in place of the pattern
        schema["patternErrorMessage"] = f"Expected {_expected(option)}."
    if optional:
        schema["type"].append("null")
    return schema


def _text(*patterns: str) -> str:
    """Return the pattern of text that matches one of the patterns as a whole, or is an expression."""
    return "|".join([*(f"^(?:{pattern})$" for pattern in patterns), EXPRESSION])


def _expected(option: Option) -> str:
    if option.type in _EXPECTED:
        return _EXPECTED[option.type]
    return FORMATS[option.format].text.replace("`", "") if option.format else "text"


def _range(option: Option) -> Schema:
    return {"minimum": option.range[0], "maximum": option.range[1]} if option.range else {}


def _str(option: Option) -> Schema:
    if option.secret and option.required:
        return {"type": ["string"], "minLength": 1}
    if option.format is None:
        return {"type": ["string"]}
    form = FORMATS[option.format]
    schema: Schema = {"type": ["string"], "pattern": _text(form.pattern, *([""] if option.empty else []))}
    if form.numbers:
        schema["type"].append("integer")
        schema["minimum"] = 0
    return schema


def _int(option: Option) -> Schema:
    return {"type": ["integer", "string"], "pattern": _text(INTEGER), **_range(option)}


def _bool(option: Option) -> Schema:
    words = re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", "|".join(BOOLEANS))
    return {"type": ["boolean", "string", "integer"], "pattern": _text(rf"\s*(?:{words})\s*"), "minimum": 0, "maximum": 1}


def _list(option: Option) -> Schema:
    schema: Schema = {"type": ["array", "string"], "items": _written(option.element)}
    if option.elements == "dict":
        return schema | {"pattern": _text(_JSON_LIST)}
    if option.elements == "int":
        element = "-?[0-9]{1,20}"
    elif option.choices:
        element = "|".join(map(re.escape, option.choices))
    elif option.format:
        element = FORMATS[option.format].pattern
    else:
        return schema
    return schema | {"pattern": _text(rf"\s*(?:(?:{element})\s*)?(?:,\s*(?:(?:{element})\s*)?)*", _JSON_LIST)}


def _dict(option: Option) -> Schema:
    schema: Schema = {"type": ["object", "string"], "pattern": _text(_JSON_DICT)}
    if option.shorthand:
        schema = _written(option.option(option.shorthand))
        schema["type"] = sorted({*schema["type"], "object", "string"})
        schema["pattern"] += f"|^(?:{_JSON_DICT})$"
    return schema | {
        "properties": {key.name: variable(key) for key in option.options},
        "additionalProperties": False,
        "required": [key.name for key in option.options if key.required],
    }


def _vlans(option: Option) -> Schema:
    return {
        "type": ["integer", "string", "array"],
        "pattern": _text(rf"{_VLANS}(?:,{_VLANS})*", _JSON_LIST),
        **_range(option),
        "items": {"type": ["integer", "string"], "pattern": _text(_VLANS), **_range(option)},
        "minItems": 1,
    }


_BUILDERS: dict[str, Callable[[Option], Schema]] = {
    "str": _str,
    "int": _int,
    "bool": _bool,
    "list": _list,
    "dict": _dict,
    "vlans": _vlans,
}
