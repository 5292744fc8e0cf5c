# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check values against the registry's options, and read them: plain data in, values to work with out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from .addressing import AddressError
from .formats import FORMATS
from .messages import ERROR
from .option import INVALID, Option
from .problems import Problem, did_you_mean, shown
from .variables import PREFIX, RUNTIME, VARIABLES

INTEGER = r"\s*-?[0-9]{1,20}\s*"
VLAN_RANGE = r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*"
BOOLEANS = dict.fromkeys(("yes", "on", "true", "1", "y", "t"), True)
BOOLEANS |= dict.fromkeys(("no", "off", "false", "0", "n", "f"), False)


# Types whose values are plain already.
_ATOMS = frozenset({str, int, bool, float, None.__class__})


def _plain_key(key: Any) -> str:
    return str.__str__(key) if isinstance(key, str) else str(key)


def plain(value: Any) -> Any:
    """Return a value that consists of built-in types only; Ansible and YAML pass subclasses of these, and other types."""
    kind = value.__class__
    if kind in _ATOMS:
        return value
    if kind is list:
        return [item if item.__class__ in _ATOMS else plain(item) for item in value]
    if kind is dict:
        return {
            key if key.__class__ is str else _plain_key(key): item if item.__class__ in _ATOMS else plain(item)
            for key, item in value.items()
        }
    if isinstance(value, Mapping):
        return {_plain_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__pos__(value)
    if isinstance(value, float):
        return float.__pos__(value)
    return str.__str__(value) if isinstance(value, str) else str(value)


def unmarked(text: str) -> str:
    """Return a description without Ansible's markup."""
    return re.sub(r"C\(([^)]*)\)", r"\1", text)


def check(option: Option, value: Any, path: str, problems: list[Problem]) -> Any:
    """Read one value, which is plain data, and add what is wrong to the problems.

    :returns: the value to work with (subnets and addresses as netaddr objects), or ``INVALID``.
    """
    try:
        return _READERS[option.type](option, value, path, problems)
    except _Refused as refused:
        problems.append(Problem(refused.rule, path, refused.problem, refused.remedy, ERROR))
        return INVALID


class _Refused(Exception):
    def __init__(self, rule: str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.rule, self.problem, self.remedy = rule, problem, remedy


def _wrong_type(option: Option, value: Any, expected: str, remedy: str = "") -> _Refused:
    seen = "a value of another type" if option.secret else shown(value)
    return _Refused("wrong-type", f"{seen} is not {expected}", remedy or f"Write {expected}.")


def _yaml_hint(option: Option, value: Any) -> str:
    """Return what YAML 1.1 reads as numbers and booleans, if the value is one."""
    if option.secret or not isinstance(value, bool | int | float):
        return ""
    if isinstance(value, bool):
        return ": YAML reads no, off, yes and on as false and true"
    return ": YAML reads 010 as 8, 1:30 as 90 and 1.10 as 1.1"


def _choice(option: Option, value: str) -> str:
    value = option.aliases.get(value, value)
    if option.choices and value not in option.choices:
        remedy = did_you_mean(value, [*option.choices, *option.aliases])
        raise _Refused("not-a-choice", f"{shown(value)} is not one of {', '.join(option.choices)}", remedy)
    return value


def _read_str(option: Option, value: Any, path: str, problems: list[Problem]) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and option.format and FORMATS[option.format].numbers:
        value = str(value)
    if not isinstance(value, str):
        raise _wrong_type(option, value, f"text{_yaml_hint(option, value)}", "Write text, and put it in quotes.")
    value = _choice(option, value)
    if option.secret or option.format is None or (option.empty and not value):
        return value
    form = FORMATS[option.format]
    try:
        return form.read(value)
    except AddressError as problem:
        raise _Refused(f"invalid-{form.id}", problem.problem, problem.remedy) from None


def _integer(option: Option, value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(INTEGER, value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(option, value, "a whole number")
    if option.range and not option.range[0] <= value <= option.range[1]:
        low, high = option.range
        raise _Refused("out-of-range", f"{value} is outside {low} to {high}", f"Choose a value from {low} to {high}.")
    return value


def _read_bool(option: Option, value: Any, path: str, problems: list[Problem]) -> bool:
    """Read a boolean as Ansible does; extra vars and surveys pass booleans as text."""
    read = BOOLEANS.get(str(value).strip().lower()) if isinstance(value, int | str) else None
    if read is None:
        raise _wrong_type(option, value, "true or false")
    return read


def _from_text(value: Any) -> Any:
    """Read JSON text, in which extra vars and surveys pass lists and dictionaries; return other values unchanged."""
    if isinstance(value, str) and value.strip().startswith(("[", "{")):
        with suppress(ValueError, RecursionError):
            return plain(json.loads(value.strip()))
    return value


def _read_list(option: Option, value: Any, path: str, problems: list[Problem]) -> list[Any]:
    value = _from_text(value)
    if isinstance(value, str) and option.elements != "dict":
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list):
        raise _wrong_type(option, value, "a list")
    return [check(option.element, item, f"{path}[{index}]", problems) for index, item in enumerate(value)]


def _read_dict(option: Option, value: Any, path: str, problems: list[Problem]) -> dict[str, Any]:
    value = _from_text(value)
    if option.shorthand and not isinstance(value, dict):
        return _from_shorthand(option, value, path)
    if not isinstance(value, dict):
        raise _wrong_type(option, value, "a dictionary")
    if not option.options:
        return value
    known = {key.name: key for key in option.options}
    for name in value:
        if name not in known:
            remedy = did_you_mean(name, known) or f"The keys are {', '.join(known)}."
            problems.append(Problem("unknown-key", f"{path}.{name}", f"There is no key '{name}' here", remedy))
    result = {name: check_optional(key, value.get(name), f"{path}.{name}", problems) for name, key in known.items()}
    if any(result[name] is INVALID for name, key in known.items() if key.required):
        return INVALID  # type: ignore[return-value]
    return result


def _from_shorthand(option: Option, value: Any, path: str) -> dict[str, Any]:
    """Read a bare value in place of a dictionary. Problems have the path of the value, not of the key that it sets."""
    key = option.option(option.shorthand)
    found: list[Problem] = []
    read = check(key, value, path, found)
    if read is INVALID:
        raise _Refused(found[0].id, found[0].problem, found[0].remedy)
    return {**{other.name: other.default for other in option.options}, key.name: read}


def check_optional(option: Option, value: Any, path: str, problems: list[Problem]) -> Any:
    """Read one value. None means unset, which gives the default, or a problem if the option is required."""
    if value is not None:
        return check(option, value, path, problems)
    if option.required:
        remedy = f"Set it. {unmarked(option.description)}"
        problems.append(Problem("required", path, f"{option.name} is not set", remedy))
        return INVALID
    return None if option.default is None else check(option, option.default, path, problems)


def _read_vlans(option: Option, value: Any, path: str, problems: list[Problem]) -> list[int]:
    """Return the VLAN IDs in the order given, from an ID, a range such as ``300-363``, or a list of these."""
    value = _from_text(value)
    parts = value.split(",") if isinstance(value, str) else value
    parts = parts if isinstance(parts, list) else [parts]
    vlans = [vlan for part in parts for vlan in _vlan_range(option, part)]
    if not vlans:
        raise _wrong_type(option, value, "a VLAN, a range of VLANs or a list of these")
    if len(set(vlans)) < len(vlans):
        twice = next(vlan for vlan in vlans if vlans.count(vlan) > 1)
        raise _Refused("vlan-twice", f"VLAN {twice} is listed twice", "List each VLAN once.")
    return vlans


def _vlan_range(option: Option, part: Any) -> Iterable[int]:
    match = re.fullmatch(VLAN_RANGE, part) if isinstance(part, str) else None
    if not match:
        if isinstance(part, str) and not re.fullmatch(r"\s*-?\d{1,9}\s*", part):
            raise _wrong_type(option, part, "a VLAN or a range of VLANs", "Write a VLAN as 300, a range as 300-363.")
        return [_integer(option, part)]
    low, high = (_integer(option, bound) for bound in match.groups())
    if low > high:
        raise _Refused("out-of-range", f"the range {part.strip()} ends before it begins", f"Write {high}-{low}.")
    return range(low, high + 1)


_READERS: dict[str, Callable[[Option, Any, str, list[Problem]], Any]] = {
    "str": _read_str,
    "int": lambda option, value, path, problems: _integer(option, value),
    "bool": _read_bool,
    "list": _read_list,
    "dict": _read_dict,
    "vlans": _read_vlans,
}


def unknown_variables(variables: Iterable[str], where: str = "") -> list[Problem]:
    """Return a problem for each ``aci_calico_*`` name that is not in the registry."""
    text = "There is no variable {}; it would have no effect"
    return [
        Problem("unknown-variable", f"{where}{name}", text.format(name), did_you_mean(name, VARIABLES))
        for name in variables
        if name.startswith(PREFIX) and name not in VARIABLES and name not in RUNTIME
    ]
