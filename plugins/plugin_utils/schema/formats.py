# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TODO"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .addressing import AddressError, parse_address, parse_route, parse_subnet
from .ports import parse_ports
from .problems import shown


@dataclass(frozen=True)
class Format:
    """How a string is read.

    :param read: returns the value to work with.
    :raises AddressError: from ``read``, with problem and remedy.
    """

    id: str
    text: str
    read: Callable[[str], Any]


def _pattern(what: str, pattern: str, longest: int, remedy: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if len(text) > longest:
            raise AddressError(f"{shown(text)} has {len(text)} characters; {what} has at most {longest}", "Shorten it.")
        if not compiled.fullmatch(text):
            raise AddressError(f"{shown(text)} is not {what}", remedy)
        return text

    return read


def _read_router_id(text: str) -> Any:
    address = parse_address(text)
    if address.version != 4:
        raise AddressError(f"'{text}' is not an IPv4 address", "A router ID is written as an IPv4 address.")
    return address


def _read_vpc_pattern(text: str) -> str:
    unknown = set(re.findall(r"{([^}]*)}", text)) - {"node", "rack"}
    if unknown or re.sub(r"{[^}]*}", "", text).strip("{}") != re.sub(r"{[^}]*}", "", text):
        raise AddressError(f"{shown(text)} is not a pattern", "Its only placeholders are {node} and {rack}.")
    _APIC_NAME(re.sub(r"{[^}]*}", "", text) or "x")
    return text


# What a filter's entry may say, and whether ports belong to it.
PROTOCOLS = {"any": False, "ip": False, "icmp": False, "icmpv6": False, "tcp": True, "udp": True}
LAST_PORT = 65535


@dataclass(frozen=True)
class FilterEntry:
    """What a filter lets through: a protocol of ``PROTOCOLS``, and the destination ports, None for any."""

    protocol: str
    ports: tuple[int, int] | None = None


def _read_filter_entry(text: str) -> FilterEntry:
    match = re.fullmatch(r"([a-z0-9]+)(?:/(\d{1,9})(?:-(\d{1,9}))?)?", text)
    if not match or match[1] not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise AddressError(
            f"{shown(text)} is not a protocol with ports", f"Write tcp/443, udp/30000-32767 or one of {known}."
        )
    if match[2] is None:
        return FilterEntry(match[1])
    low, high = int(match[2]), int(match[3] or match[2])
    if not PROTOCOLS[match[1]]:
        raise AddressError(f"'{text}': {match[1]} has no ports", "Ports belong to tcp and udp.")
    if not 0 < low <= high <= LAST_PORT:
        raise AddressError(f"'{text}' is no range of ports", f"Ports go from 1 to {LAST_PORT}, the lower one first.")
    return FilterEntry(match[1], (low, high))


_APIC_CHARACTERS = "Use letters, digits and . : _ - only: APIC refuses anything else."
_APIC_NAME = _pattern("an APIC name", r"[a-zA-Z0-9_.:-]+", 64, _APIC_CHARACTERS)
_DNS = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
_DNS_REMEDY = "Use lower-case letters, digits, '-' and '.', and begin and end with a letter or a digit."

FORMATS: dict[str, Format] = {
    entry.id: entry
    for entry in (
        Format("subnet", "a subnet with its prefix length", parse_subnet),
        Format("route", "a subnet with its prefix length, or a default route", parse_route),
        Format("address", "an address without prefix length", parse_address),
        Format(
            "filter-entry",
            f"a protocol ({', '.join(f'`{name}`' for name in PROTOCOLS)}), with ports such as `tcp/443` or `udp/30000-32767`",
            _read_filter_entry,
        ),
        Format("router-id", "an IPv4 address", _read_router_id),
        Format("apic-name", "at most 64 of `a-z A-Z 0-9 _ . : -`", _APIC_NAME),
        Format(
            "tenant-name",
            "at most 63 of `a-z A-Z 0-9 _ . -`",
            _pattern(
                "a tenant's name",
                r"[a-zA-Z0-9_.-]+",
                63,
                "Use letters, digits and . _ - only: APIC refuses anything else.",
            ),
        ),
        Format(
            "vrf-name",
            "at most 64 of `a-z A-Z 0-9 _ . -`",
            _pattern(
                "a VRF's name",
                r"[a-zA-Z0-9_.-]+",
                64,
                "Use letters, digits and . _ - only: APIC refuses anything else.",
            ),
        ),
        Format(
            "cluster-name",
            "letters, digits and `. _ -`, beginning and ending with a letter or a digit",
            _pattern(
                "a cluster's name",
                _LABEL,
                48,
                "Use letters, digits and . _ -, and begin and end with a letter or a digit.",
            ),
        ),
        Format(
            "rack-id",
            "a Kubernetes label value of at most 54 characters",
            _pattern(
                "a rack's id",
                _LABEL,
                54,
                "It becomes a label: begin and end with a letter or a digit, between them also - _ .",
            ),
        ),
        Format(
            "dns-name", "an RFC 1123 subdomain", _pattern("a Kubernetes name", rf"{_DNS}(\.{_DNS})*", 253, _DNS_REMEDY)
        ),
        Format(
            "dns-label",
            "an RFC 1123 label",
            _pattern(
                "a Kubernetes namespace",
                _DNS,
                63,
                "Use lower-case letters, digits and '-', and begin and end with a letter or a digit.",
            ),
        ),
        Format(
            "label-key",
            "a Kubernetes label key",
            _pattern(
                "a label's key",
                rf"({_DNS}(\.{_DNS})*/)?[A-Za-z0-9]([A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?",
                317,
                "Begin and end with a letter or a digit, between them also - _ . ; at most 63 characters, with an optional DNS prefix and '/'.",
            ),
        ),
        Format(
            "secret-key",
            "a key of a Kubernetes Secret",
            _pattern("a Secret's key", r"[-._a-zA-Z0-9]+", 253, "Use letters, digits and - _ . only."),
        ),
        Format(
            "apic-version",
            "a release such as `5.2(3)`",
            _pattern("a release of APIC", r"\d{1,3}\.\d{1,3}(\([0-9a-z.]+\))?", 20, "Write it as 5.2(3)."),
        ),
        Format("ports", "ports such as `1/10`, `1/10-11` or `201:1/10`", parse_ports),
        Format(
            "interface-name",
            "a Linux interface's name",
            _pattern(
                "an interface's name",
                r"[A-Za-z0-9_.-]+",
                15,
                "Write it as `ip link` shows it, such as eno1.",
            ),
        ),
        Format(
            "hypervisor",
            "letters, digits and `. _ -`",
            _pattern("a hypervisor's name", r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", 253, "Write its host name."),
        ),
        Format("vpc-pattern", "an APIC name with the placeholders `{node}` and `{rack}`", _read_vpc_pattern),
    )
}
