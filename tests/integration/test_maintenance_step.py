"""One step of the work of several clusters that have nodes behind a leaf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from forked import ansible_playbook

STEP = Path(__file__).resolve().parents[2] / "roles/node_maintenance/tasks/step.yml"
ACTION = "netops.aci_calico.node_maintenance"


def _stubbed(part: Any) -> Any:
    """Return tasks whose action refuses to begin in the cluster ``refuses``."""
    if isinstance(part, list):
        return [_stubbed(one) for one in part]
    if not isinstance(part, dict):
        return part
    stub = {"that": "inventory_hostname != refuses"} if part.get(ACTION, {}).get("state") == "begin" else {"that": True}
    return {
        ("ansible.builtin.assert" if key == ACTION else key): stub if key == ACTION else _stubbed(one)
        for key, one in part.items()
    }


@pytest.mark.parametrize(("step", "workers"), [({"leaves": ["201"]}, []), ({"nodes": ["node-1"]}, ["prod1", "prod3"])])
def test_no_cluster_works_on_a_leaf_that_another_one_refused(tmp_path: Path, step: dict[str, Any], workers: list[str]) -> None:
    step = {"name": "a step", "nodes": [], "leaves": [], **step}
    (tmp_path / "step.yml").write_text(yaml.safe_dump(_stubbed(yaml.safe_load(STEP.read_text("utf-8")))), "utf-8")
    (tmp_path / "work.yml").write_text('- ansible.builtin.debug: {msg: "{{ inventory_hostname }} works"}\n', "utf-8")
    values = {"node_maintenance_step": step, "node_maintenance_result": {"work": str(tmp_path / "work.yml")}, "refuses": "prod2"}
    values |= {"ansible_connection": "local"}
    play = {"hosts": "all", "gather_facts": False, "vars": values, "tasks": [{"ansible.builtin.include_tasks": "step.yml"}]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), "utf-8")
    done = ansible_playbook("play.yml", "-i", "prod1,prod2,prod3", folder=tmp_path)
    assert done.returncode != 0
    assert [name for name in ("prod1", "prod2", "prod3") if f"{name} works" in done.stdout] == workers, done.stdout
    said = " ".join(done.stdout.split())
    assert ("Other clusters refused the step: prod2" in said) == (not workers)
    assert "Restore the step" in said
