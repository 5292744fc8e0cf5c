"""The twin as a program: it follows its sources, runs beside others, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.twin import machines
from lab.twin.bench import APIC_PASSWORD, PASSWORD_VARIABLE, Bench, bench, eventually
from lab.twin.paper import Figure, Rack

PROGRAM = Path(machines.__file__).parent
SMALL = Figure(racks=(Rack(1, (201, 202), (1, 2)),))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Bench]:
    """Yield a twin without a cluster."""
    if missing := machines.missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    with bench(tmp_path / "twin") as made:
        yield made


def processes_of(pid: int) -> set[int]:
    """Return a process and its descendants."""
    found = {pid}
    for path in Path("/proc").glob("[0-9]*/task/*/children"):
        try:
            if int(path.parts[2]) in found:
                found.update(child for number in path.read_text().split() for child in processes_of(int(number)))
        except OSError:
            continue
    return found


def alive(pids: set[int]) -> set[int]:
    """Return the processes that still run, without zombies."""
    running = set()
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                running.add(pid)
        except OSError:
            continue
    return running


def namespaces() -> str:
    """Return the named network namespaces of the machine."""
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout


def test_twin_follows_a_cluster_that_comes_and_goes(empty: Bench) -> None:
    assert empty.twin.ask("status")["sessions"] == []
    empty.configure(SMALL)
    empty.settle()
    assert len(empty.sessions()) == 4

    (node,) = (it for it in SMALL.objects() if it["metadata"]["name"] == "node-2")
    empty.kube.request("DELETE", empty.kube.path(node))
    eventually(lambda: len(empty.sessions()) == 2)
    eventually(lambda: "10.1.0.64/26" not in empty.routes("leaf-201"))
    empty.kube.apply([node])
    eventually(lambda: empty.routes("leaf-201").get("10.1.0.64/26") == ["192.168.0.2"])

    empty.delete("uni/tn-common/out-k8s")
    eventually(lambda: empty.twin.ask("machines")["leaves"] == [])
    eventually(lambda: not empty.objects("bgpPeerEntry") and not empty.objects("uribv4Route"))
    empty.configure(SMALL)
    eventually(lambda: len(empty.sessions()) == 4 and empty.settled())


@pytest.mark.parametrize("supervisor", [True, False], ids=["the supervisor", "the process above it"])
def test_killed_twin_leaves_nothing_and_starts_again(empty: Bench, supervisor: bool) -> None:
    empty.configure(SMALL)
    eventually(empty.converged)
    before = namespaces()
    inner = empty.twin.supervisor()
    outer = int(Path(f"/proc/{inner}/stat").read_text().rpartition(")")[2].split()[1])
    everything = processes_of(outer)
    assert len(everything) > 8
    os.kill(inner if supervisor else outer, signal.SIGKILL)
    eventually(lambda: not alive(everything))
    assert namespaces() == before == ""
    empty.start()
    eventually(empty.converged)
    eventually(lambda: len(empty.objects("bgpPeerEntry")) == 4)
    assert empty.twin.down()
    assert not empty.objects("bgpPeerEntry")
    assert not empty.twin.down()
    assert sorted(path.name for path in empty.twin.folder.iterdir()) == ["cabling.json", "twin.log"]


def test_twin_ends_with_its_owner(empty: Bench) -> None:
    """The twins of a test run that is killed end as well."""
    empty.twin.down()
    with subprocess.Popen(["sleep", "600"]) as owner:
        empty.start("--owner", str(owner.pid))
        everything = processes_of(empty.twin.supervisor())
        owner.kill()
    eventually(lambda: not alive(everything))


def test_two_twins_run_side_by_side(empty: Bench, tmp_path: Path) -> None:
    empty.configure(SMALL)
    with bench(tmp_path / "other", SMALL) as other:
        empty.settle()
        other.settle()
        other.twin.ask("off", machine="node-1")
        eventually(lambda: "10.1.0.0/26" not in other.routes("leaf-201"))
        assert empty.settled()
        other.twin.down()
        assert empty.settled()


def test_command_line_controls_the_twin(empty: Bench) -> None:
    empty.configure(SMALL)
    environment = {**os.environ, PASSWORD_VARIABLE: APIC_PASSWORD}

    def twin(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(PROGRAM), arguments[0], "--dir", str(empty.twin.folder), *arguments[1:]]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    sources = ("--apic", empty.apic.url, "--kubeconfig", str(empty.kube.kubeconfig))
    up = twin("up", *sources)
    assert (up.returncode, up.stderr) == (0, "")
    assert "4 of 4 sessions established" in up.stdout
    assert twin("status").returncode == 0
    assert twin("exec", "node-1", "--", "ping", "-c", "1", "192.168.3.254").returncode == 0
    assert "neighbor NODES-1 as-override" in twin("configuration", "leaf-201").stdout
    twin("off", "leaf-201")
    eventually(lambda: twin("status").returncode == 1)
    assert "no such machine" in twin("kill", "leaf-999").stderr
    assert "no such machine" in twin("move", "node-9", "101").stderr
    assert "the fabric has no leaf 999" in twin("move", "node-1", "101", "999").stderr
    assert twin("move", "node-1", "101", "102").returncode == 0
    kept = json.loads((empty.twin.folder / "cabling.json").read_text(encoding="utf-8"))
    assert kept["cables"]["node-1"]["rack"] == [101, 102]
    assert twin("down").stdout == "Stopped.\n"
    assert twin("down").stdout == "Nothing was running.\n"
    assert "does not answer" in twin("status").stderr


def test_twin_waits_for_a_source_that_does_not_answer(empty: Bench) -> None:
    empty.configure(SMALL)
    empty.settle()
    empty.apic.misbehave("status", status=503, method="GET", count=3)
    empty.change("bgpCtxAfPol", "uni/tn-common/bgpCtxAfP-wide", maxEcmp="1")
    eventually(lambda: all(len(empty.routes("leaf-201")[it]) == 1 for it in ("192.168.8.0/22",)))


def test_apic_keeps_the_state_of_two_vrfs_on_one_leaf(empty: Bench) -> None:
    """Each twin replaces its own reports only, not all of the leaf's BGP."""

    def domain(name: str, established: int) -> list[dict[str, Any]]:
        inner = {"bgpDom": {"attributes": {"name": name, "numEstPeers": str(established)}}}
        instance = {"bgpInst": {"attributes": {"asn": "65002"}, "children": [inner]}}
        dn = "topology/pod-1/node-201/sys/bgp"
        return [{"bgpEntity": {"attributes": {"dn": dn}, "children": [instance]}}]

    def shown() -> dict[str, str]:
        return {it["name"]: it["numEstPeers"] for it in empty.objects("bgpDom", 201)}

    empty.apic.replace_operational("one", domain("t:one", 1))
    empty.apic.replace_operational("two", domain("t:two", 2))
    empty.apic.replace_operational("one", domain("t:one", 3))
    assert shown() == {"t:one": "3", "t:two": "2"}
    empty.apic.replace_operational("one", [])
    assert shown() == {"t:two": "2"}
    empty.apic.replace_operational("two", [])
    assert shown() == {}
