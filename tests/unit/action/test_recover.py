"""The ``recover`` action in real plays, from the artifacts. ``integration/site/test_recovery.py`` recovers from servers."""

from __future__ import annotations

import copy
import json
import shutil

import pytest
from unit.action.test_plan import ALLOCATION, PASSWORD, Fabric, problems
from unit.plugin_utils.sample_plans import FLOATING, racks, variables

HOST = "prod1-cluster"
PLAN = "artifacts/prod1/plan.json"


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A cluster whose present allocation nobody would get today."""
    made = Fabric(tmp_path_factory.mktemp("planned"))
    for members in (["a", "b", "c"], ["c", "b"]):
        made.cluster("prod1", variables(FLOATING, racks=racks(members), **PASSWORD))
        made.play(artifacts=True)
    return made


@pytest.fixture
def fabric(planned, tmp_path):
    """A copy of it."""
    shutil.rmtree(tmp_path)
    shutil.copytree(planned.folder, tmp_path)
    copied = copy.deepcopy(planned)
    copied.folder = tmp_path
    return copied


def test_a_lost_or_damaged_file_is_recovered_from_the_plan(fabric):
    whole, path = fabric.read(ALLOCATION), fabric.folder / ALLOCATION
    path.unlink()
    results, _printed = fabric.play("--check", action="recover")
    assert results[HOST]["changed"]
    assert not path.exists()
    schema_1 = whole.replace("schema: 2", "schema: 1").partition("digest:")[0]
    damaged = [
        None,
        b"\xff\xfe",
        whole[:-100].encode(),
        whole.replace("cluster: prod1\n", "cluster: prod2\n").encode(),
        schema_1.replace("  b: ", "  x: ").encode(),
    ]
    for content in damaged:
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        results, printed = fabric.play(action="recover")
        assert (results[HOST]["changed"], results[HOST]["source"]) == (True, PLAN)
        assert fabric.read(ALLOCATION) == whole
        assert "is recovered from" in printed


def test_a_whole_file_is_left_alone(fabric):
    (fabric.folder / PLAN).unlink()
    results, printed = fabric.play(action="recover")
    assert (results[HOST]["changed"], results[HOST]["source"]) == (False, "")
    assert "is whole" in printed


def test_a_plan_that_cannot_be_used_is_a_problem(fabric):
    (fabric.folder / ALLOCATION).unlink()
    for text in ("", "[]", '{"cluster": "prod2"}', "[" * 100_000):
        fabric.write(PLAN, text)
        results, printed = fabric.play(action="recover")
        assert problems(results[HOST]) == {"allocation-recovery": PLAN}
        assert "recover_from=servers" in printed
        assert "Traceback" not in printed
        assert ALLOCATION not in fabric.files()


def test_no_plan_and_no_server_is_a_problem(fabric):
    (fabric.folder / ALLOCATION).unlink()
    (fabric.folder / PLAN).unlink()
    results, _printed = fabric.play(action="recover", source="plan")
    assert problems(results[HOST]) == {"allocation-recovery": PLAN}


def test_what_the_plan_does_not_know_is_named(fabric):
    (fabric.folder / ALLOCATION).unlink()
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["new", "c", "b"]), **PASSWORD))
    results, _printed = fabric.play(action="recover")
    assert any("new not in it" in str(text) for text in results[HOST]["warnings"])
    assert problems(results[HOST]) == {"allocation-recovery-incomplete": PLAN}
    assert "  new: {slot: 0" in fabric.read(ALLOCATION)
    assert "  c: {slot: 2" in fabric.read(ALLOCATION)


def test_a_recovery_that_contradicts_the_inventory_is_refused(fabric):
    (fabric.folder / ALLOCATION).unlink()
    fabric.cluster("prod1", variables(FLOATING, racks=racks([{"name": "c", "slot": 7}, "b"]), **PASSWORD))
    results, _printed = fabric.play(action="recover")
    assert set(problems(results[HOST])) == {"renumbering"}
    assert ALLOCATION not in fabric.files()


def test_an_inventory_without_a_folder_has_no_place_for_the_file(fabric):
    fabric.write("vars.json", json.dumps(variables(FLOATING, **PASSWORD)))
    results, _printed = fabric.play("-e", "@vars.json", inventory="prod1-cluster,", action="recover")
    assert problems(results[HOST])["allocation-recovery"] == "aci_calico_allocation_file"
