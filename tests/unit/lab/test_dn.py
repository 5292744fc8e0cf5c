"""Distinguished names."""

from __future__ import annotations

import pytest

from lab.dn import parent_dn, split_dn

SVI = "uni/tn-t/out-o/vlifp-[topology/pod-1/node-201]-[vlan-300]"
PORT = "uni/x-[topology/pod-1/paths-101/pathep-[eth1/1]]"


@pytest.mark.parametrize(
    ("dn", "parts", "parent"),
    [
        (SVI, ["uni", "tn-t", "out-o", "vlifp-[topology/pod-1/node-201]-[vlan-300]"], "uni/tn-t/out-o"),
        (f"{PORT}/y", ["uni", "x-[topology/pod-1/paths-101/pathep-[eth1/1]]", "y"], PORT),
        ("uni//tn-t/", ["uni", "tn-t"], "uni"),
        ("uni/open-[a/b", ["uni", "open-[a/b"], "uni"),
        ("uni", ["uni"], ""),
        ("", [], ""),
    ],
)
def test_slashes_in_brackets_do_not_separate(dn: str, parts: list[str], parent: str) -> None:
    assert split_dn(dn) == parts
    assert parent_dn(dn) == parent
