"""The life cycle of the lab, with substitute servers."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from lab.processes import HOST, LabError, Process
from lab.runner import Lab, Server
from lab.twin.bench import eventually

# Prints its URL as a real server does, holds the port and starts a child that ignores SIGTERM.
PROGRAM = """\
import argparse, socket, subprocess, sys, time
parser = argparse.ArgumentParser()
for name in ("--port", "--state"):
    parser.add_argument(name)
arguments = parser.parse_args()
server = socket.create_server(("127.0.0.1", int(arguments.port)))
child = subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
open(arguments.state + "/child", "w").write(str(child.pid))
print(f"https://127.0.0.1:{arguments.port}", flush=True)
time.sleep(600)
"""


class FakeLab(Lab):
    """A lab with two servers that only hold a port."""

    def __init__(self, folder: Path, programs: tuple[str, str] = (PROGRAM, PROGRAM)) -> None:
        super().__init__(folder)
        folder.mkdir(exist_ok=True)
        self.port = 0
        self._programs = []
        for number, text in enumerate(programs):
            path = folder / f"program-{number}.py"
            path.write_text(text, encoding="utf-8")
            self._programs.append(path)

    def servers(self) -> list[Server]:
        return [
            Server(name, program, self.folder / kind, self.port, "THE_PORT")
            for name, kind, program in zip(("APIC", "Kubernetes of c"), ("apic", "kube"), self._programs, strict=True)
        ]

    def pids(self) -> dict[str, int]:
        return {name: entry["pid"] for name, entry in json.loads((self.folder / "lab.json").read_text()).items()}


@pytest.fixture
def lab(tmp_path):
    lab = FakeLab(tmp_path / "lab")
    yield lab
    lab.down()


def exists(pid: int) -> bool:
    """Return True while a process runs; a process that waits for its parent has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_up_is_idempotent_and_down_ends_everything(lab):
    lab.up()
    pids = lab.pids()
    assert all(url.startswith(f"https://{HOST}:") for url in lab.status().values())
    lab.up()
    assert lab.pids() == pids

    children = [int((lab.folder / kind / "child").read_text()) for kind in ("apic", "kube")]
    assert sorted(lab.down()) == sorted(pids)
    # A killed process does not end at once.
    eventually(lambda: not any(exists(pid) for pid in [*pids.values(), *children]))
    assert set(lab.status().values()) == {""}
    assert lab.down() == []


def test_only_what_died_is_started_again(lab):
    lab.up()
    before = lab.pids()
    os.killpg(before["APIC"], signal.SIGKILL)
    os.waitpid(before["APIC"], 0)
    lab.up()
    after = lab.pids()
    assert after["APIC"] != before["APIC"]
    assert after["Kubernetes of c"] == before["Kubernetes of c"]


def test_reset_forgets_what_down_keeps(lab):
    lab.up()
    kept = lab.folder / "apic" / "tree"
    kept.write_text("something")
    lab.down()
    assert kept.exists()
    lab.reset()
    assert not kept.exists()
    folder = next(iter(lab.twins().values())).folder
    folder.mkdir(parents=True)
    lab.reset()
    assert not folder.exists()


def test_a_port_in_use_is_named_with_the_way_out(lab, monkeypatch):
    with socket.create_server((HOST, 0)) as other:
        lab.port = other.getsockname()[1]
        monkeypatch.setenv("THE_PORT", str(lab.port))
        with pytest.raises(LabError, match=rf"Port {lab.port} .* in use.*THE_PORT=NUMBER"):
            lab.up()
    assert set(lab.status().values()) == {""}


def test_a_server_that_dies_shows_its_log_and_takes_the_others_along(tmp_path, monkeypatch):
    lab = FakeLab(tmp_path / "lab", (PROGRAM, "raise SystemExit('no such seed')"))
    started = []
    start = Process.start
    monkeypatch.setattr(Process, "start", lambda *arguments: started.append(start(*arguments)) or started[-1])
    with pytest.raises(LabError, match=r"(?s)Kubernetes of c ended before it was ready.*no such seed"):
        lab.up()
    assert len(started) == 2
    assert set(lab.status().values()) == {""}
    assert not any(process.alive() for process in started)


def test_running_stops_only_what_it_started(lab):
    with lab.running():
        assert all(lab.status().values())
    assert not any(lab.status().values())

    lab.up()
    with lab.running():
        pass
    assert all(lab.status().values())


def test_the_twins_are_those_of_the_clusters_that_run(lab, monkeypatch):
    asked = []
    monkeypatch.setattr("lab.runner.missing_prerequisites", list)
    monkeypatch.setattr("lab.runner.Twins.up", lambda _twins, *arguments: asked.append(arguments))
    monkeypatch.setenv("ACI_CALICO_LAB_CLUSTERS", "prod1 prod2")
    with pytest.raises(LabError, match="not up"):
        lab.twins_up()
    lab.up()
    (lab.folder / "apic" / "apic.json").write_text('{"ca": "/somewhere/ca.pem"}')
    lab.twins_up()
    ((wanted, kubeconfigs, apic),) = asked
    assert wanted == ["prod1", "prod2"]
    assert kubeconfigs == {"c": lab.folder / "kube" / "c.kubeconfig"}
    assert (apic.url, apic.verify) == (lab.status()["APIC"].split()[0], "/somewhere/ca.pem")


@pytest.mark.parametrize(
    ("choice", "state", "options"),
    [
        ({}, "prod1", ("--calico", "operator", "--calico-version", "3.32")),
        (
            {"real_kubernetes": True},
            "prod1-operator-native",
            ("--real", "--calico", "operator-native", "--calico-version", "3.32"),
        ),
        ({"calico": "v3"}, "prod1-v3", ("--calico", "v3", "--calico-version", "3.32")),
        ({"version": "3.28"}, "prod1-operator-3.28", ("--calico", "operator", "--calico-version", "3.28")),
    ],
)
def test_the_user_chooses_the_kubernetes(monkeypatch, tmp_path, choice, state, options):
    monkeypatch.setenv("ACI_CALICO_LAB_CLUSTERS", "prod1")
    __, kubernetes = Lab(tmp_path, **choice).servers()
    assert kubernetes.state == tmp_path / "kube" / state
    assert kubernetes.options[-len(options) :] == options


@pytest.mark.parametrize("text", ["x", "-1", "65536"])
def test_a_port_that_is_none_is_refused(monkeypatch, tmp_path, text):
    monkeypatch.setenv("ACI_CALICO_LAB_APIC_PORT", text)
    with pytest.raises(LabError, match="ACI_CALICO_LAB_APIC_PORT must be a port number"):
        Lab(tmp_path).servers()
