"""Racks from a table and a plan as a table."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.plugin_utils.sample_plans import BASES, plan_of, variables

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.table import COLUMNS, plan_to_table, racks_from_table

INVENTORIES = Path(__file__).resolve().parents[4] / "inventories"
SHEET = """\
Rack;Pod;Leaves;Node;Address;Interfaces;Kind
1;1;201 202;node-1;192.168.2.11;1/1, 1/2;
1;1;201 202;node-2;;201:1/3 202:1/13;vm
;;;;;;
2;;203,204;node-3;;;
"""
RACKS = [
    {
        "id": "1",
        "leaves": [{"id": 201}, {"id": 202}],
        "nodes": [
            {"name": "node-1", "address": "192.168.2.11", "interfaces": ["1/1", "1/2"]},
            {"name": "node-2", "interfaces": ["201:1/3", "202:1/13"], "kind": "vm"},
        ],
        "pod": 1,
    },
    {"id": "2", "leaves": [{"id": 203}, {"id": 204}], "nodes": [{"name": "node-3"}]},
]


def test_a_sheet_with_a_line_for_each_node():
    assert racks_from_table(SHEET) == RACKS
    assert racks_from_table("\ufeff" + SHEET.replace("\n", "\r\n")) == RACKS
    assert racks_from_table(SHEET.replace(",", " ").replace(";", "\t")) == RACKS


def test_rows_of_leaves_nodes_and_racks():
    rows: list[dict[str, Any]] = [
        {"rack": 1, "node": "node-1", "interfaces": ["1/1"], "vlan": None},
        {"rack": 1, "leaf": 201, "address": "192.168.2.201"},
        {"rack": 1, "leaf": "202", "router_id": "1.1.1.2"},
        {"rack": "1", "pod": "2", "node_kind": "vm"},
    ]
    leaves = [{"id": 201, "address": "192.168.2.201"}, {"id": 202, "router_id": "1.1.1.2"}]
    nodes = [{"name": "node-1", "interfaces": ["1/1"]}]
    expected = [{"id": "1", "leaves": leaves, "nodes": nodes, "pod": 2, "node_kind": "vm"}]
    assert racks_from_table(rows) == expected
    both = [{"rack": "1", "leaves": "201 202", "node": "node-1", "interfaces": "1/1"}, *rows[1:]]
    assert racks_from_table(both) == expected


def test_everything_that_is_wrong_is_said_at_once():
    sheet = "rack,adress,leaves,leaf,node,hypervisor,pod\n,x,,,a,,,\n1,,,201,a,,\n1,,,201,,esx1,\n1,,201 202,,b,,1,,\n1,,203 202,,c,,2,,more\n"
    with pytest.raises(ValueError, match="There is no column") as wrong:
        racks_from_table(sheet)
    assert str(wrong.value).split("; ") == [
        'There is no column "adress"',
        'did you mean "address"?',
        'There is no column "column 9"',
        f"columns: {', '.join(COLUMNS)}",
        "line 2: the rack is missing",
        "line 3: a row is of a leaf or of a node, not of both",
        "the column for the leaves of a rack is leaves",
        "line 4: a row of a leaf has no hypervisor",
        "line 5: leaves of rack 1 differs from an earlier row",
        "line 6: pod of rack 1 differs from an earlier row",
        "line 6: leaves of rack 1 differs from an earlier row",
    ]


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_the_table_of_a_plan_gives_the_same_plan(base):
    plan = plan_of(variables(base))
    racks = racks_from_table(plan_to_table(plan))
    assert plan_of(variables(base, racks=racks)) == plan
    assert plan_to_table(plan_of(variables(base, racks=list(reversed(racks))))).count("\n") == plan_to_table(plan).count("\n")


def test_the_table_of_a_plan_with_central_peering_has_all_racks():
    variables_of = partial(variables, BASES["floating"], peering="central")
    plan = plan_of(variables_of())
    racks = racks_from_table(plan_to_table(plan))
    assert [(rack["id"], len(rack["leaves"]), len(rack["nodes"])) for rack in racks] == [("1", 2, 3), ("2", 2, 3)]
    assert plan_of(variables_of(racks=racks)) == plan


def test_spare_slots_stay_out_of_the_table():
    taken = {"id": "1", "leaves": [201, 202], "nodes": ["node-1", {"name": "node-2", "spare": "spare-1"}]}
    slots = [{"name": "spare-1", "rack": "1"}, {"name": "spare-2", "rack": "1"}]
    variables_of = partial(variables, BASES["standard"], spare_nodes=slots)
    plan = plan_of(variables_of(racks=[taken]))
    racks = racks_from_table(plan_to_table(plan))
    assert [node["name"] for node in racks[0]["nodes"]] == ["node-1", "node-2"]
    assert plan_of(variables_of(racks=racks)) == plan


def test_cabling_is_in_the_table():
    file = INVENTORIES / "bare_fabric/group_vars/edge1/main.yml"
    example = yaml.safe_load(re.sub(r'"\{\{.*?\}\}"', "secret", file.read_text(encoding="utf-8")))
    plan = plan_of(example)
    racks = racks_from_table(plan_to_table(plan))
    assert racks[0]["nodes"][2]["interfaces"] == ["205:1/3", "206:1/13"]
    assert plan_of({**example, "aci_calico_racks": racks})["access"] == plan["access"]


def test_a_cell_that_is_no_number_is_left_to_the_plan():
    racks = racks_from_table("rack,leaves,node,slot\n1,20x 202,n,first\n")
    assert (racks[0]["leaves"][0]["id"], racks[0]["nodes"][0]["slot"]) == ("20x", "first")
