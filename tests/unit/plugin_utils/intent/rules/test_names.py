"""Names that are too long."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import FLOATING, STANDARD, assert_named, broken, one_rack

RACKS = "aci_calico_racks"
BROKEN = [
    ("name-too-long", "aci_calico_l3out", FLOATING, {"l3out": "l" * 58}),
    ("name-too-long", f"{RACKS}[0].nodes[0]", STANDARD, one_rack(nodes=["n" * 60])),
    ("name-too-long", f"{RACKS}[0].nodes[0]", STANDARD, {"vpc_name": "v" * 60 + "{node}", **one_rack(nodes=["node1"])}),
]


@broken(BROKEN)
def test_broken_input_is_named(rule, path, base, changes):
    assert_named(rule, path, base, changes)
