"""The twin's runner without a running twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.twin import machines
from lab.twin.model import TwinError
from lab.twin.runner import TwinRunner, converged, table


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machines.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(machines, "search_path", lambda: str(tmp_path))
    monkeypatch.setattr(machines, "FRR_PROGRAMS", tmp_path)
    missing = machines.missing_prerequisites()
    assert missing[0].startswith("root, ")
    assert missing[1:] == ["BIRD 1.6 (make bird)", *(f"the package {name}" for name in ("frr", "iproute2", "util-linux"))]


def test_commands_without_a_twin(tmp_path: Path) -> None:
    twin = TwinRunner(tmp_path)
    assert not twin.down()
    with pytest.raises(TwinError, match="does not answer"):
        twin.ask("status")
    with pytest.raises(TwinError, match="does not run"):
        twin.command_in("node-1", ["true"])
    with pytest.raises(TwinError, match="below /run"):
        TwinRunner(Path("/run/lab")).up([])


def test_the_table_says_what_is_wrong() -> None:
    up = {"node": "node-1", "peer": "192.0.2.1", "state": "Established", "info": ""}
    down = {"node": "node-2", "peer": "192.0.2.1", "state": "Connect", "info": "Socket: refused"}
    report = {"sessions": [up, down], "md5_failures": {"201": 3, "202": 0}, "problems": ["leaf 201: odd"]}
    assert table(report).splitlines()[1:] == [
        f"{'node-2':20} {'192.0.2.1':40} {'Connect':12} Socket: refused",
        "1 of 2 sessions established",
        "MD5 failures on leaf 201: 3",
        "problem: leaf 201: odd",
    ]
    assert converged({"sessions": [up]})
    assert not converged(report)
    assert not converged({"sessions": []})
