# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The formats of texts, by name: how each is read, and what the documentation and the JSON Schema say about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import ports
from .addressing import AddressError, parse_address, parse_route, parse_subnet
from .consent import CONSENTS, RELEASE, TEARDOWN
from .problems import did_you_mean, shown


@dataclass(frozen=True)
class Format:
    """A format of a text.

    :param text: a description for the documentation.
    :param pattern: a regular expression that matches the whole of each text that ``read`` accepts, and as few others as
        possible. It is written in the syntax that Python and ECMAScript have in common, for the JSON Schema.
    :param examples: texts that ``read`` accepts.
    :param read: returns the value to work with; raises ``AddressError`` with problem and remedy.
    :param numbers: whether a number is accepted as text. YAML 1.1 turns texts such as 010 into other numbers.
    """

    id: str
    text: str
    pattern: str
    examples: tuple[str, ...]
    read: Callable[[str], Any]
    numbers: bool = False


def _name(name: str, text: str, what: str, pattern: str, longest: int, remedy: str, examples: tuple[str, ...] = ()) -> Format:
    """Return the format of a name, which is a pattern and a length.

    :param what: the name's designation in messages.
    """
    compiled = re.compile(pattern)

    def read(value: str) -> str:
        if len(value) > longest:
            raise AddressError(f"{shown(value)} has {len(value)} characters; {what} has at most {longest}", "Shorten it.")
        if not compiled.fullmatch(value):
            raise AddressError(f"{shown(value)} is not {what}", remedy)
        return value

    # The length is counted up to a comma or a space, because the JSON Schema uses the pattern in comma-separated lists too.
    return Format(name, text, rf"(?![^,\s]{{{longest + 1}}}){pattern}", examples, read)


def _read_router_id(text: str) -> Any:
    address = parse_address(text)
    if address.version != 4:
        raise AddressError(f"'{text}' is not an IPv4 address", "Write the router ID as an IPv4 address.")
    return address


def _read_vpc_pattern(text: str) -> str:
    unknown = set(re.findall(r"{([^}]*)}", text)) - {"node", "rack"}
    rest = re.sub(r"{[^}]*}", "", text)
    if unknown or "{" in rest or "}" in rest:
        raise AddressError(f"{shown(text)} is not a pattern", "The only placeholders are {node} and {rack}.")
    _APIC_NAME.read(rest or "x")
    return text


# The protocols of a filter's entry, and whether they have ports.
PROTOCOLS = {"any": False, "ip": False, "icmp": False, "icmpv6": False, "tcp": True, "udp": True}
LAST_PORT = 65535


@dataclass(frozen=True)
class FilterEntry:
    """The traffic that a filter permits: a protocol of ``PROTOCOLS`` and the destination ports, None for any."""

    protocol: str
    ports: tuple[int, int] | None = None


def _read_filter_entry(text: str) -> FilterEntry:
    match = re.fullmatch(r"([a-z0-9]+)(?:/(\d{1,9})(?:-(\d{1,9}))?)?", text)
    if not match or match[1] not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise AddressError(f"{shown(text)} is not a protocol", f"Write tcp/443, udp/30000-32767 or one of {known}.")
    if match[2] is None:
        return FilterEntry(match[1])
    low, high = int(match[2]), int(match[3] or match[2])
    if not PROTOCOLS[match[1]]:
        raise AddressError(f"'{text}': {match[1]} has no ports", "Only tcp and udp have ports.")
    if not 0 < low <= high <= LAST_PORT:
        remedy = f"Ports count from 1 to {LAST_PORT}; write the lower number first."
        raise AddressError(f"'{text}' is not a range of ports", remedy)
    return FilterEntry(match[1], (low, high))


def _read_consent(text: str) -> str:
    if text not in CONSENTS and not re.fullmatch(rf"(?:{TEARDOWN}|{RELEASE}):{_LABEL}", text):
        known = [*CONSENTS, f"{TEARDOWN}:<cluster>", f"{RELEASE}:<node>"]
        remedy = did_you_mean(text, known) or f"The consents are {', '.join(known)}."
        raise AddressError(f"There is no consent {shown(text)}", remedy)
    return text


_DNS = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_IPV6 = r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]+"
# netaddr takes a netmask in place of the prefix length, and spaces and a sign before it.
_SUBNET = rf"(?:{_IPV4}/\s*\+?(?:[0-9]+|{_IPV4})|{_IPV6}/\s*\+?[0-9A-Fa-f:.]+)"
_ENDS = "begin and end with a letter or a digit"
_DNS_REMEDY = f"Use lower-case letters, digits, '-' and '.'; {_ENDS}."
_TENANT_REMEDY = "Use letters, digits and . _ - only: APIC refuses other characters."
_APIC_NAME = _name(
    "apic-name",
    "at most 64 of `a-z A-Z 0-9 _ . : -`",
    "an APIC name",
    r"[a-zA-Z0-9_.:-]+",
    64,
    "Use letters, digits and . : _ - only: APIC refuses other characters.",
)

# fmt: off
FORMATS: dict[str, Format] = {
    entry.id: entry
    for entry in (
        Format("subnet", "a subnet with its prefix length", _SUBNET, ("192.168.2.0/24", "fd00:0:0:2::/64"), parse_subnet),
        Format("route", "a subnet with its prefix length, or a default route", _SUBNET, ("0.0.0.0/0", "172.16.0.0/12"),
               parse_route),
        Format("address", "an address without prefix length", rf"(?:{_IPV4}|{_IPV6})", ("192.168.2.1", "fd00::1"), parse_address),
        Format("filter-entry",
               f"a protocol ({', '.join(f'`{name}`' for name in PROTOCOLS)}); for TCP and UDP also with ports, such as"
               " `tcp/443` or `udp/30000-32767`",
               r"(?:any|ip|icmp|icmpv6|(?:tcp|udp)(?:/[0-9]{1,9}(?:-[0-9]{1,9})?)?)", ("tcp/443", "udp/30000-32767", "icmp"),
               _read_filter_entry),
        Format("router-id", "an IPv4 address", _IPV4, ("1.1.4.201",), _read_router_id),
        _APIC_NAME,
        _name("tenant-name", "at most 63 of `a-z A-Z 0-9 _ . -`", "a tenant's name", r"[a-zA-Z0-9_.-]+", 63, _TENANT_REMEDY),
        _name("vrf-name", "at most 64 of `a-z A-Z 0-9 _ . -`", "a VRF's name", r"[a-zA-Z0-9_.-]+", 64, _TENANT_REMEDY),
        _name("cluster-name", f"at most 48 letters, digits and `. _ -`; it must {_ENDS}", "a cluster's name", _LABEL, 48,
              f"Use letters, digits and . _ -; {_ENDS}."),
        replace(_name("rack-id", "a Kubernetes label value of at most 54 characters", "a rack's id", _LABEL, 54,
                      f"The id becomes a label value: use letters, digits and . _ -; {_ENDS}."), numbers=True),
        _name("dns-name", "an RFC 1123 subdomain", "a Kubernetes name", rf"{_DNS}(?:\.{_DNS})*", 253, _DNS_REMEDY),
        _name("dns-label", "an RFC 1123 label", "a Kubernetes namespace", _DNS, 63,
              f"Use lower-case letters, digits and '-'; {_ENDS}."),
        _name("label-key", "a Kubernetes label key", "a label's key",
              rf"(?:{_DNS}(?:\.{_DNS})*/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?", 317,
              f"Use at most 63 letters, digits and - _ . after an optional DNS prefix and '/'; {_ENDS}."),
        _name("secret-key", "a key of a Kubernetes Secret", "a Secret's key", r"[-._a-zA-Z0-9]+", 253,
              "Use letters, digits and - _ . only."),
        _name("apic-version", "a release such as `5.2(3)`", "an APIC release", r"\d{1,3}\.\d{1,3}(?:\([0-9a-z.]+\))?", 20,
              'Write it as 5.2(3), or in quotes as "5.2".', ("5.2(3)", "6.0")),
        Format("ports", "ports such as `1/10`, `1/10-11` or `201:1/10`", ports.PATTERN, ("1/10", "1/10-11", "201:1/10"),
               ports.parse_ports),
        _name("interface-name", "the name of a Linux network interface", "an interface's name",
              r"(?!\.\.?(?![A-Za-z0-9_.-]))[A-Za-z0-9_.-]+", 15, "Write it as `ip link` shows it, such as eno1.", ("eno1",)),
        _name("hypervisor", "letters, digits and `. _ -`", "a hypervisor's name", r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?",
              253, "Write its host name."),
        Format("consent", f"{', '.join(f'`{name}`' for name in CONSENTS)}, `{TEARDOWN}:<cluster>` or `{RELEASE}:<node>`",
               rf"(?:{'|'.join(CONSENTS)}|(?:{TEARDOWN}|{RELEASE}):{_LABEL})",
               (*CONSENTS, f"{TEARDOWN}:prod1", f"{RELEASE}:node-3"), _read_consent),
        Format("vpc-pattern", "an APIC name with the placeholders `{node}` and `{rack}`",
               r"(?:[a-zA-Z0-9_.:-]|\{node\}|\{rack\})*", ("vpc-{node}",), _read_vpc_pattern),
    )
}
