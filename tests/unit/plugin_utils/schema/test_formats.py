"""Test the formats: each reads its examples, and its pattern matches the texts that it reads."""

from __future__ import annotations

import re

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.addressing import AddressError
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.formats import FORMATS, FilterEntry

WORDS = [
    "", "1", "-1", "a", "A-1", "a.b", "a_b", "a:b", "a b", "é", "1.1.4.0", "256.1.1.1", "fd00::1", "::1.2.3.4", "10.0.0.0/8",
    "10.0.0.0/255.0.0.0", "10.0.0.0/ 8", "fd00::/64", "FD00::/64", "0.0.0.0/0", "::/0", "tcp", "tcp/443", "udp/1-2", "icmp/1",
    "5.2(3)", "6.0", "1/1", " Eth1/1-2 ", "101:1/1", "vpc-{node}", "{rack}", "{x}", "{", "example.org/key", "x" * 64, "x" * 300,
]  # fmt: skip


def accepted(name: str, text: str) -> bool:
    """Return whether the format reads the text."""
    try:
        FORMATS[name].read(text)
    except AddressError:
        return False
    return True


@pytest.mark.parametrize("name", FORMATS)
def test_the_pattern_matches_all_texts_that_are_read(name):
    form = FORMATS[name]
    for text in [*WORDS, *form.examples]:
        if accepted(name, text):
            assert re.fullmatch(form.pattern, text), text
    assert all(accepted(name, example) for example in form.examples)
    assert not re.fullmatch(form.pattern, "a b")


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("any", FilterEntry("any")),
        ("tcp/443", FilterEntry("tcp", (443, 443))),
        ("udp/30000-32767", FilterEntry("udp", (30000, 32767))),
    ],
)
def test_filter_entries(text, entry):
    assert FORMATS["filter-entry"].read(text) == entry


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("filter-entry", "sctp", "'sctp' is not a protocol"),
        ("filter-entry", "icmp/8", "'icmp/8': icmp has no ports"),
        ("filter-entry", "tcp/443-80", "'tcp/443-80' is not a range of ports"),
        ("router-id", "fd00::1", "'fd00::1' is not an IPv4 address"),
        ("tenant-name", "t" * 64, "has 64 characters; a tenant's name has at most 63"),
        ("vpc-pattern", "vpc-{node", "'vpc-{node' is not a pattern"),
        ("interface-name", ".", "'.' is not an interface's name"),
        ("interface-name", "..", "'..' is not an interface's name"),
        ("interface-name", "eno1/2", "'eno1/2' is not an interface's name"),
        ("consent", "sesion-reset", "There is no consent 'sesion-reset'"),
        ("consent", "teardown:", "There is no consent 'teardown:'"),
        ("vpc-pattern", "vpc {node}", "'vpc ' is not an APIC name"),
    ],
)
def test_problems(name, text, problem):
    with pytest.raises(AddressError) as refused:
        FORMATS[name].read(text)
    assert problem in refused.value.problem
