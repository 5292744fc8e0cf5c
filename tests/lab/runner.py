"""The whole lab: an APIC and a Kubernetes API server for each cluster that has a seed, with one state folder.

The folder holds ``lab.json`` (running servers), ``apic/`` and ``kube/<cluster>/`` (each server's state, kept over
restarts), ``kube/<cluster>.kubeconfig`` and ``log/``. ``ACI_CALICO_LAB_CLUSTERS`` limits the lab to the clusters that
it names.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests

from lab.apic.seed import APIC_PASSWORD
from lab.kube.installers import INSTALLERS, NEWEST
from lab.processes import HOST, LabError, Process, choose_port, wait_until_ready
from lab.twin.apic import Access
from lab.twin.machines import missing_prerequisites
from lab.twin.runner import TwinRunner
from lab.twins import Twins

LAB = Path(__file__).resolve().parent
SEEDS = LAB / "seeds"
APIC_PORT = 18443
KUBE_PORT = 16443
DEFAULT_CALICO = "operator"
KUBERNETES = "Kubernetes of "


@dataclass(frozen=True)
class Server:
    """One server of the lab: how to start it, and the port that it listens on."""

    name: str
    program: Path
    state: Path
    port: int
    port_variable: str
    options: tuple[str, ...] = ()

    def command(self, port: int) -> list[str]:
        return [sys.executable, str(self.program), "--port", str(port), "--state", str(self.state), *self.options]


class Lab:
    """The lab whose state is in one folder.

    ``real_kubernetes`` selects real API servers, ``calico`` one of ``INSTALLERS`` and ``version`` the release of Calico (see
    ``lab.kube.installers``). The aggregated API server is the embedded server's own, so a real one plays the operator without it.
    """

    def __init__(self, folder: Path, real_kubernetes: bool = False, calico: str = DEFAULT_CALICO, version: str = NEWEST) -> None:
        self.folder = folder.resolve()
        if real_kubernetes and INSTALLERS[calico].aggregated:
            calico = "operator-native"
        self._calico = calico if version == NEWEST else f"{calico}-{version}"
        self._kube_options = (*(("--real",) if real_kubernetes else ()), "--calico", calico, "--calico-version", version)
        self._record = self.folder / "lab.json"
        self._twins = Twins(self.folder / "twin")

    def servers(self) -> list[Server]:
        """Return every server of the lab, running or not."""
        apic = Server(
            name="APIC",
            program=LAB / "apic",
            state=self.folder / "apic",
            port=_port("ACI_CALICO_LAB_APIC_PORT", APIC_PORT),
            port_variable="ACI_CALICO_LAB_APIC_PORT",
            options=("--secrets",),
        )
        return [apic, *self._kubernetes()]

    def twins(self) -> dict[str, TwinRunner]:
        """Return the BGP twins of the example clusters, running or not, by the names of their clusters."""
        return self._twins.of(seed.stem for seed in _seeds())

    def twins_up(self) -> dict[str, TwinRunner]:
        """Start the twins of the running clusters, one for each VRF. The lab must be up."""
        missing = missing_prerequisites()
        if missing:
            raise LabError("The BGP twin cannot run on this machine. Missing: " + "; ".join(missing) + ".")
        record, running = self._read(), self._running()
        if "APIC" not in running:
            raise LabError("The lab is not up: run `make lab-up` first.")
        ca = json.loads((self.folder / "apic" / "apic.json").read_text(encoding="utf-8"))["ca"]
        apic = Access(f"https://{HOST}:{record['APIC']['port']}", "admin", APIC_PASSWORD, ca)
        kubeconfigs = {name: self._kubeconfig(name) for name in _clusters(running)}
        try:
            return self._twins.up([seed.stem for seed in _seeds()], kubeconfigs, apic)
        except requests.RequestException as error:
            raise LabError(f"APIC or Kubernetes does not answer: {error}. See the logs in {self.folder / 'log'}.") from error

    def _kubernetes(self) -> Iterator[Server]:
        first = _port("ACI_CALICO_LAB_KUBE_PORT", KUBE_PORT)
        # Another installation of Calico is another cluster with its own objects.
        other = "" if self._calico == DEFAULT_CALICO else f"-{self._calico}"
        for offset, seed in enumerate(_seeds()):
            cluster = seed.stem
            yield Server(
                name=f"{KUBERNETES}{cluster}",
                program=LAB / "kube",
                state=self.folder / "kube" / f"{cluster}{other}",
                port=first and first + offset,
                port_variable="ACI_CALICO_LAB_KUBE_PORT",
                options=("--seed", str(seed), "--kubeconfig", str(self._kubeconfig(cluster)), *self._kube_options),
            )

    def _kubeconfig(self, cluster: str) -> Path:
        return self.folder / "kube" / f"{cluster}.kubeconfig"

    def up(self) -> None:
        """Start the servers that do not run yet and return when all are ready; if one fails, stop the servers started here."""
        running = self._running()
        started: dict[str, Process] = {}
        record = {name: entry for name, entry in self._read().items() if name in running}
        waiting = []
        try:
            for server in self.servers():
                if server.name in running:
                    continue
                port = choose_port(server.port, server.port_variable)
                server.state.mkdir(parents=True, exist_ok=True)
                process = started[server.name] = Process.start(server.command(port), self._log(server))
                url = f"https://{HOST}:{port}"
                record[server.name] = {**asdict(process), "port": port, "about": url}
                waiting.append((server, process, url))
            # Written before they are ready, so that they can be stopped after an interrupt.
            self._write(record)
            for server, process, url in waiting:
                said = wait_until_ready(server.name, process, url, self._log(server))
                if said.startswith(url):
                    record[server.name]["about"] = said
            self._write(record)
        except BaseException:
            for process in started.values():
                process.stop()
            self._write({name: entry for name, entry in record.items() if name not in started})
            raise

    def down(self) -> list[str]:
        """Stop everything that runs and return the names. The state is kept."""
        stopped = [f"BGP twin of {clusters}" for clusters, twin in self._twins.every().items() if twin.down()]
        running = self._running()
        for process in running.values():
            process.stop()
        self._record.unlink(missing_ok=True)
        return [*stopped, *running]

    def reset(self) -> None:
        """Stop the lab and delete its state."""
        self.down()
        for name in ("apic", "kube", "log", "twin"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def status(self) -> dict[str, str]:
        """Return the line that each server printed when it was ready; empty for a server that does not run."""
        running, record = self._running(), self._read()
        return {server.name: record[server.name]["about"] if server.name in running else "" for server in self.servers()}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the block with the lab up, and stop the lab afterwards unless it ran before."""
        ran_before = bool(self._running())
        self.up()
        try:
            yield
        finally:
            if not ran_before:
                self.down()

    def requests(self) -> list[dict[str, Any]]:
        """Return every request that APIC has answered since the last reset, oldest first (see ``lab.apic.request_log``)."""
        try:
            lines = (self.folder / "apic" / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def environment(self) -> dict[str, str]:
        """Return the variables that tell ``inventories/lab`` where this lab is."""
        return {"ACI_CALICO_LAB_DIR": str(self.folder)}

    def _running(self) -> dict[str, Process]:
        processes = {name: Process(entry["pid"], entry["birth"]) for name, entry in self._read().items()}
        return {name: process for name, process in processes.items() if process.alive()}

    def _log(self, server: Server) -> Path:
        return self.folder / "log" / (server.name.lower().replace(" ", "-") + ".log")

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            return dict(json.loads(self._record.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def _write(self, record: dict[str, dict[str, Any]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self._record.with_suffix(".new")
        draft.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        draft.replace(self._record)


def _seeds() -> list[Path]:
    """Return the seeds of the clusters in ``ACI_CALICO_LAB_CLUSTERS``, or of all clusters where it is empty."""
    wanted = os.environ.get("ACI_CALICO_LAB_CLUSTERS", "").split()
    return sorted(seed for seed in SEEDS.glob("*.yml") if not wanted or seed.stem in wanted)


def _clusters(servers: Iterable[str]) -> list[str]:
    return [name.removeprefix(KUBERNETES) for name in servers if name.startswith(KUBERNETES)]


def _port(variable: str, default: int) -> int:
    """Return a port from the environment; 0 lets the system choose."""
    text = os.environ.get(variable, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) > 65535:
        raise LabError(f"{variable} must be a port number, or 0 for any free port, not {text!r}")
    return int(text)
