"""The ``init`` action: its inventory can be planned as it is, and nothing that exists is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.action.running import listen, run

from ansible_collections.netops.aci_calico.plugins.action import init as action
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.compile import compile_cluster


def write(folder: Path, **options: Any) -> dict[str, Any]:
    return run(action, lambda name, _arguments: pytest.fail(name), folder=str(folder), **{"cluster": "prod1", **options})


@pytest.mark.parametrize("svi", ["floating", "standard", "auto"])
@pytest.mark.parametrize(
    "size", [{}, {"leaves": ["101"], "nodes": 1}, {"leaves": "101, 102, 103", "nodes": 5, "vlan": "600-699"}], ids=str
)
def test_the_inventory_is_valid_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, svi: str, size: dict[str, Any]) -> None:
    said = listen(monkeypatch)
    size = size if svi != "floating" or "vlan" not in size else {**size, "vlan": "600"}
    result = write(tmp_path, svi=svi, **size)
    assert result["changed"]
    assert any("netops.aci_calico.plan" in line for line in said)
    text = (tmp_path / "group_vars/prod1/main.yml").read_text()
    schema = text.splitlines()[0].partition("$schema=")[2]
    assert (tmp_path / "group_vars/prod1" / schema).exists()
    variables = yaml.safe_load(text) | {"aci_calico_bgp_password": "secret"}
    plan = compile_cluster(variables, "prod1-cluster").require()
    assert len(plan["nodes"]) == size.get("nodes", 6)
    assert "prod1-cluster" in yaml.safe_load((tmp_path / "hosts.yml").read_text())["aci_calico_clusters"]["hosts"]
    assert not write(tmp_path, svi=svi, **size)["changed"]


def test_problems_are_those_of_the_variables_and_nothing_is_written(tmp_path: Path) -> None:
    result = write(tmp_path, cluster="Prod 1", vlan="9000", pod_subnets=["10.1.0.0"], tenant="it's: #1")
    assert {problem["path"] for problem in result["problems"]} == {
        "aci_calico_cluster_name",
        "aci_calico_vlan",
        "aci_calico_pod_subnets[0]",
        "aci_calico_tenant",
    }
    assert list(tmp_path.iterdir()) == []


def test_an_edited_inventory_stays(tmp_path: Path) -> None:
    write(tmp_path)
    result = write(tmp_path, fabric_asn=65100)
    assert result["failed"]
    assert "group_vars/prod1/main.yml: exists with another content" in result["msg"]
    assert "65002" in (tmp_path / "group_vars/prod1/main.yml").read_text()


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path, check=True)["changed"]
    assert list(tmp_path.iterdir()) == []
