# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain data as JSON and YAML text. Of a large plan, this takes longer than planning itself, so both avoid slow encoders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

# libyaml writes the same text in a fifth of the time, where PyYAML has it.
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_encode = json.JSONEncoder(ensure_ascii=False).encode
_quoted = json.encoder.encode_basestring


def json_text(content: Any) -> str:
    """Return plain data as ``json.dumps`` with an indent of 2 does, which would not use the encoder written in C."""
    return _indented(content, "\n") + "\n"


def _indented(value: Any, line: str) -> str:
    if isinstance(value, str):
        return _quoted(value)
    inner = f"{line}  "
    if isinstance(value, dict | Mapping) and value:
        return (
            f"{{{inner}{f',{inner}'.join([f'{_quoted(key)}: {_indented(item, inner)}' for key, item in value.items()])}{line}}}"
        )
    if isinstance(value, list | tuple) and value:
        return f"[{inner}{f',{inner}'.join([_indented(item, inner) for item in value])}{line}]"
    return _encode(value)


def yaml_texts(documents: Iterable[Any]) -> str:
    """Return plain data as YAML documents, keys in their order."""
    return str(yaml.dump_all(documents, Dumper=_DUMPER, sort_keys=False, explicit_start=True, width=200))
