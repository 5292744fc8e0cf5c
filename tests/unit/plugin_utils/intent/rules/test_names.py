"""Names that are too long."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import STANDARD, assert_named, broken, case, one_rack

BROKEN = [
    case("name-too-long", "l3out", l3out="l" * 58),
    case("name-too-long", "racks[0].nodes[0]", STANDARD, **one_rack(nodes=["n" * 60])),
    case("name-too-long", "racks[0].nodes[0]", STANDARD, vpc_name="v" * 60 + "{node}", **one_rack(nodes=["node1"])),
]


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes)
