"""What Automation Platform counts: the query, applied by jq to the results of the pushes as the controller does.

The controller (ansible/awx, ``awx/main/tasks/host_indirect.py``) skips a record without ``canonical_facts`` or with null in them, counts
equal ones once, and loses all records of a job if two have the same name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jq
import pytest
import yaml
from unit.action import test_aci_push, test_calico_push

FILE = Path(__file__).resolve().parents[3] / "extensions/audit/event_query.yml"
((MODULES, QUERY),) = yaml.safe_load(FILE.read_text(encoding="utf-8")).items()


def counted(*results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of a job's tasks."""
    query = jq.compile(QUERY["query"])
    return [record for result in results for record in query.input_value(result).all()]


def test_the_pushes_count_leaves_and_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed, _sent = test_aci_push.push(test_aci_push.DONE, {"aci_calico_apic_host": "apic2,apic1"})
    calico = test_calico_push.Bench(monkeypatch).run(sessions_timeout=0)
    leaves, nodes = test_aci_push.PLAN["leaves"], test_calico_push.PLAN["nodes"]
    cluster = test_calico_push.PLAN["cluster"]
    records = counted(pushed, pushed, calico)
    names = {record["name"] for record in records}
    assert names == {f"apic1,apic2/{leaf['id']}" for leaf in leaves} | {f"{cluster}/{node['name']}" for node in nodes}
    facts = {tuple(sorted(record["canonical_facts"].items())) for record in records}
    assert len(facts) == len(names) == len(leaves) + len(nodes)
    assert all(isinstance(value, str) and value for record in records for value in record["canonical_facts"].values())
    assert {record["facts"]["device_type"] for record in records} == {"switch", "kubernetes_node"}


@pytest.mark.parametrize("result", [{"changed": False}, {"failed": True, "msg": "x"}, {"managed": []}])
def test_other_results_count_nothing(result: dict[str, Any]) -> None:
    assert counted(result) == []


def test_the_query_is_for_all_modules_of_the_collection() -> None:
    assert MODULES == "netops.aci_calico.*"
