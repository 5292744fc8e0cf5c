"""Values are checked and converted to the form that APIC returns."""

from __future__ import annotations

import pytest

from lab.apic import values
from lab.apic.values import Invalid, OutOfRange, Spec, Unparsable


def spec(type_: str, **raw) -> Spec:
    return Spec.from_table({"type": type_, **raw})


PORT = spec("uint", bits=16, constants={"http": 80, "unspecified": 0}, range=[[0, 65535]])
MTU = spec("uint", bits=32, constants={"inherit": 1}, range=[[576, 9216]])
FLAGS = spec("bitmask", values={"export": 2, "import": 1})
NAME = spec("string", length=[1, 4], regex="^[a-z-]+$")


@pytest.mark.parametrize(
    ("given", "value", "stored"),
    [
        (PORT, "80", "http"),
        (PORT, "http", "http"),
        (PORT, "8080", "8080"),
        (PORT, "00443", "443"),
        (MTU, "1", "inherit"),
        (MTU, "9000", "9000"),
        (FLAGS, "import,export", "export,import"),
        (FLAGS, "export, import", "export,import"),
        (FLAGS, "0", ""),
        (FLAGS, "3", "export,import"),
        (FLAGS, "", ""),
        (spec("bitmask", values={"none": 0, "log": 1}), "none", ""),
        (spec("enum", values={"on": 1, "off": 0}), "on", "on"),
        (spec("bool"), "true", "yes"),
        (spec("bool"), "no", "no"),
        (spec("ip"), "192.168.2.201/24", "192.168.2.201/24"),
        (spec("ip"), "2001:DB8:0::1/64", "2001:db8::1/64"),
        (spec("ip"), "0.0.0.0", "0.0.0.0"),
        (spec("ipv4"), "1.1.4.201", "1.1.4.201"),
        (spec("mac"), "00:22:bd:f8:19:ff", "00:22:BD:F8:19:FF"),
        (spec("encap"), "vlan-300", "vlan-300"),
        (spec("encap"), "unknown", "unknown"),
        (spec("dn"), "topology/pod-1/paths-101/pathep-[eth1/1]", "topology/pod-1/paths-101/pathep-[eth1/1]"),
        (spec("community"), "regular:as2-nn2:4:15", "regular:as2-nn2:4:15"),
        (NAME, "a-b", "a-b"),
    ],
)
def test_normalises(given: Spec, value: str, stored: str) -> None:
    assert values.normalise(given, value) == stored


@pytest.mark.parametrize(
    ("given", "value", "problem"),
    [
        (PORT, "65536", Unparsable),
        (PORT, "ssh-ish", Unparsable),
        (PORT, "-1", Unparsable),
        (MTU, "575", OutOfRange),
        (MTU, "9217", OutOfRange),
        (FLAGS, "export,both", Unparsable),
        (FLAGS, "4", Unparsable),
        (spec("enum", values={"on": 1, "off": 0}), "maybe", Unparsable),
        (spec("bool"), "maybe", Unparsable),
        (spec("ip"), "192.168.2.300", Unparsable),
        (spec("ip"), "192.168.2.1/33", Unparsable),
        (spec("ip"), "192.168.2.1/255.255.255.0", Unparsable),
        (spec("ipv4"), "2001:db8::1", Unparsable),
        (spec("mac"), "00:22:bd", Unparsable),
        (spec("encap"), "vlan-4095", Unparsable),
        (spec("encap"), "300", Unparsable),
        (spec("dn"), "uni/tn-[x", Unparsable),
        (spec("community"), "100:200", Unparsable),
        (NAME, "", Invalid),
        (NAME, "abcde", Invalid),
        (NAME, "a b", Invalid),
    ],
)
def test_refuses(given: Spec, value: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        values.normalise(given, value)
