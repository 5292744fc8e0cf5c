"""Equal changes of several objects are shown once."""

from __future__ import annotations

from typing import Any

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.differences import grouped


def change(name: str, before: Any, after: Any) -> dict[str, Any]:
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def test_equal_changes_are_one_entry_that_names_all_objects():
    made = change("new", "", "mtu: 1500\n")
    other = change("c", "mtu: 1\n", "mtu: 2\n")
    data = change("Node/a", {"x": 1}, {"x": 2})
    first, *rest = grouped(
        [change("a", "mtu: 9000\n", "mtu: 1500\n"), made, other, change("b", "mtu: 9000\n", "mtu: 1500\n"), made, data]
    )
    assert rest == [made, other, made, data]
    assert (first["before"], first["after"]) == ("mtu: 9000\n", "mtu: 1500\n")
    assert first["after_header"] == "2 objects with the same change:\n      a\n      b"
