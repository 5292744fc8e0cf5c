"""The ``report`` action: the files of each cluster, and those of the inventory once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unit.action.running import listen, run
from unit.plugin_utils.healthy_cluster import Cluster

from ansible_collections.netops.aci_calico.plugins.action import report as action


def play(folder: Path, host: str, **options: Any) -> dict[str, Any]:
    """Write the report of a play's host."""
    planned = {name: {"aci_calico_planned": {"plan": Cluster().plan | {"cluster": name}}} for name in ("prod1", "prod2")}
    task_vars = {"hostvars": planned, "inventory_hostname": host, "ansible_play_hosts": [*planned], **planned[host]}
    return run(action, lambda name, _arguments: {"failed": name}, task_vars, artifacts_dir=str(folder), **options)


def test_files_are_written_once_and_the_first_host_writes_the_index(tmp_path: Path, monkeypatch: Any) -> None:
    said = listen(monkeypatch)
    names = ["report.html", "topology.svg", "topology.drawio"]
    assert play(tmp_path, "prod2")["files"] == [str(tmp_path / "prod2" / name) for name in names]
    (tmp_path / "prod1").mkdir()
    cluster = Cluster()
    cluster.drop_session(201, "node-1")
    (tmp_path / "prod1/verify.json").write_text(json.dumps(cluster.verify()))
    result = play(tmp_path, "prod1")
    assert result["changed"]
    assert result["files"][3:] == [str(tmp_path / "report.html")]
    assert said[-1] == str(tmp_path / "report.html")
    index = (tmp_path / "report.html").read_text()
    assert "prod2/report.html" in index
    assert "11 of 12 sessions" in index
    assert "11 of 12 sessions" in (tmp_path / "prod1/report.html").read_text()
    assert not play(tmp_path, "prod1")["changed"]


def test_an_unreadable_verification_is_none(tmp_path: Path) -> None:
    (tmp_path / "prod1").mkdir()
    for content in ("{", "[]", "{}"):
        (tmp_path / "prod1/verify.json").write_text(content)
        play(tmp_path, "prod1")
        assert "There is no report of a verification" in (tmp_path / "prod1/report.html").read_text()


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    assert play(tmp_path, "prod1", check=True)["changed"]
    assert list(tmp_path.iterdir()) == []
