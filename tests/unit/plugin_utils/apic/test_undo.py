"""What a journal keeps of APIC: a class or property that the trees set and the journal does not keep could not be undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unit.plugin_utils.sample_plans import BASES, FLOATING, plan_of

from ansible_collections.netops.aci_calico.plugins.module_utils.apic import mo
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.undo import KEPT, own_queries

GOLDEN = Path(__file__).parents[3] / "golden"
# What no journal needs: naming properties are in the DN, secrets are in no journal.
ELSEWHERE = {"annotation", "password", "status"}


def _set(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for cls, body in tree.items():
        attributes = body.get("attributes", {})
        if attributes.get("status") != "modified" and not mo.is_tag(cls) and cls != "polUni":
            yield cls, "annotation"
            yield from ((cls, name) for name in attributes if name not in mo.naming(cls))
        for child in body.get("children", ()):
            yield from _set(child)


def test_a_journal_keeps_whatever_the_trees_set() -> None:
    trees = [json.loads(path.read_text(encoding="utf-8")) for path in GOLDEN.glob("*/*/apic.json")]
    options: list[dict[str, Any]] = [
        {"bgp_prefix_limit": 500},
        {"autostate": True},
        {"autostate": False},
        {"next_hop_propagation": True},
    ]
    trees += [*(apic_tree(plan_of(FLOATING, **one)) for one in options), *(apic_tree(plan_of(base)) for base in BASES.values())]
    assert len(trees) > 10
    used = {pair for tree in trees for pair in _set(tree)}
    lost = {(cls, name) for cls, name in used if cls not in KEPT or name not in (*KEPT[cls], *ELSEWHERE)}
    assert not lost, "add them to KEPT in plugins/plugin_utils/apic/undo.py"


def test_the_query_fits_into_a_request() -> None:
    (query,) = own_queries(plan_of(FLOATING))
    assert len(query) < 6000
