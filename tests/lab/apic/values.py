"""Check one property's value and convert it to the form that APIC stores and returns."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Unparsable(ValueError):
    """The value does not have the property's type (error 120)."""


class OutOfRange(ValueError):
    """The value has the right type but is outside the allowed range (error 801)."""


class Invalid(ValueError):
    """The string has the wrong length or characters that are not allowed (error 801)."""


@dataclass(frozen=True, eq=False)
class Spec:
    """A property's type: ``values`` maps names to wire numbers, ``constants`` names of particular numbers."""

    type: str
    values: dict[str, int | None] | None = None
    constants: dict[str, int] | None = None
    ranges: tuple[tuple[int, int], ...] = ()
    bits: int = 64
    length: tuple[int, int] | None = None
    regex: re.Pattern[str] | None = None

    @classmethod
    def from_table(cls, raw: dict[str, Any]) -> Spec:
        given = raw.get("values")
        if isinstance(given, list):
            given = dict.fromkeys(given)
        return cls(
            type=raw["type"],
            values=given,
            constants=raw.get("constants"),
            ranges=tuple((low, high) for low, high in raw.get("range", ())),
            bits=raw.get("bits", 64),
            length=tuple(raw["length"]) if "length" in raw else None,
            regex=re.compile(raw["regex"]) if "regex" in raw else None,
        )


def normalise(spec: Spec, value: str) -> str:
    """Return the stored form of ``value``. Raises Unparsable, OutOfRange or Invalid."""
    return _NORMALISERS[spec.type](spec, value)


def _string(spec: Spec, value: str) -> str:
    if spec.length and not spec.length[0] <= len(value) <= spec.length[1]:
        raise Invalid(value)
    if value and spec.regex and not spec.regex.search(value):
        raise Invalid(value)
    return value


def _anything(_spec: Spec, value: str) -> str:
    return value


def _enum(spec: Spec, value: str) -> str:
    known = spec.values or {}
    if value in known:
        return value
    named = _by_number(known, value)
    if named is None:
        raise Unparsable(value)
    return named


def _by_number(names: dict[str, Any], value: str) -> str | None:
    number = _int_or_none(value)
    return next((name for name, code in names.items() if number is not None and code == number), None)


def _int_or_none(value: str) -> int | None:
    try:
        return int(value, 0)
    except ValueError:
        return None


def _bitmask(spec: Spec, value: str) -> str:
    """Return the flags in order; no flag at all reads "", even if zero has a name."""
    known = spec.values or {}
    number = _int_or_none(value)
    if number is not None:
        flags = {name for name, code in known.items() if code and number & code == code}
        if number != sum(known[name] or 0 for name in flags):
            raise Unparsable(value)
    else:
        flags = {flag.strip() for flag in value.split(",")} - {""}
        if not flags <= known.keys():
            raise Unparsable(value)
    return ",".join(sorted(flag for flag in flags if known[flag] != 0))


def _integer(spec: Spec, value: str) -> str:
    constants = spec.constants or {}
    if value in constants:
        return value
    if not re.fullmatch(r"-?\d+", value):
        raise Unparsable(value)
    number = int(value)
    low, high = (0, 2**spec.bits - 1) if spec.type == "uint" else (-(2 ** (spec.bits - 1)), 2 ** (spec.bits - 1) - 1)
    if not low <= number <= high:
        raise Unparsable(value)
    named = _by_number(constants, str(number))
    if named is not None:
        return named
    if spec.ranges and not any(first <= number <= last for first, last in spec.ranges):
        raise OutOfRange(value)
    return str(number)


def _bool(_spec: Spec, value: str) -> str:
    try:
        return {"yes": "yes", "true": "yes", "no": "no", "false": "no"}[value]
    except KeyError:
        raise Unparsable(value) from None


def _ip(_spec: Spec, value: str) -> str:
    """Return an address with or without prefix length; host bits are kept."""
    __, slash, length = value.partition("/")
    try:
        parsed = ipaddress.ip_interface(value)
    except ValueError:
        raise Unparsable(value) from None
    if slash and not length.isdigit():
        raise Unparsable(value)
    return parsed.with_prefixlen if slash else str(parsed.ip)


def _ipv4(_spec: Spec, value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        raise Unparsable(value) from None


def _mac(_spec: Spec, value: str) -> str:
    if not re.fullmatch(r"(?i)([0-9a-f]{2}:){5}[0-9a-f]{2}", value):
        raise Unparsable(value)
    return value.upper()


_ENCAP_LIMITS = {"vlan": (1, 4094), "vxlan": (1, 2**24 - 1), "vsan": (1, 4093), "nvgre": (1, 2**24 - 1)}


def _encap(_spec: Spec, value: str) -> str:
    if value == "unknown":
        return value
    kind, __, number = value.partition("-")
    low, high = _ENCAP_LIMITS.get(kind, (1, 0))
    if not number.isdigit() or not low <= int(number) <= high:
        raise Unparsable(value)
    return f"{kind}-{int(number)}"


def _dn(_spec: Spec, value: str) -> str:
    if value.count("[") != value.count("]") or value.endswith("/"):
        raise Unparsable(value)
    return value


def _community(_spec: Spec, value: str) -> str:
    if value and not re.fullmatch(r"(regular|extended|unknown|no-advertise|no-export|internet|local-as)(:[\w.-]+)*", value):
        raise Unparsable(value)
    return value


_NORMALISERS: dict[str, Callable[[Spec, str], str]] = {
    "string": _string,
    "text": _anything,
    "date": _anything,
    "float": _anything,
    "enum": _enum,
    "bitmask": _bitmask,
    "uint": _integer,
    "int": _integer,
    "bool": _bool,
    "ip": _ip,
    "ipv4": _ipv4,
    "mac": _mac,
    "encap": _encap,
    "dn": _dn,
    "community": _community,
}
