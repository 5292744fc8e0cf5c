"""An APIC, a Kubernetes API and the twin that follows them, for tests and measurements.

Everything is empty at first; ``configure`` fills both sides. Tests break things through the interfaces of APIC and
Kubernetes (``post``, ``delete``, ``kube.request``) and look at the reaction of the daemons and of the namespaces'
kernels.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from lab.apic.seed import APIC_PASSWORD
from lab.apic.server import ApicServer
from lab.kube.interface import KubeApi
from lab.kube.server import KubeServer
from lab.twin.apic import Access, ApicClient
from lab.twin.paper import Figure, Json
from lab.twin.runner import PASSWORD_VARIABLE, TwinRunner, converged, table

ESTABLISHED = "Established"
# Seconds to wait for an expected event: machines may be busy, BIRD waits up to 30 s after repeated errors, and leaves
# keep the routes of a silent node for up to 120 s (graceful restart).
PATIENCE = 180
PINGS_A_SECOND = 50
NAMESPACES = ("default", "kube-system")


@dataclass
class Probe:
    """A series of pings.

    :ivar every: the seconds between two.
    :ivar answered: when the answers came, as times since the epoch.
    :ivar sent: how many were sent.
    :ivar gaps: how many in a row had no answer, for each such row.
    """

    every: float
    answered: list[float] = field(default_factory=list)
    sent: int = 0
    gaps: list[int] = field(default_factory=list)

    def read(self, printed: str) -> None:
        """Read what ``ping -D`` printed. Its sequence numbers have 16 bits; the last two pings may have had no time for an answer."""
        last, turns, numbers = 0, 0, set()
        for at, text in re.findall(r"^\[([\d.]+)\] \d+ bytes from .*?icmp_seq=(\d+)", printed, re.MULTILINE):
            turns += int(text) < last - (1 << 15)
            last = int(text)
            numbers.add(turns * (1 << 16) + last)
            self.answered.append(float(at))
        sent = re.search(r"^(\d+) packets transmitted", printed, re.MULTILINE)
        self.sent = int(sent.group(1)) if sent else max(numbers, default=0)
        ordered = sorted(numbers)
        gaps = [later - earlier - 1 for earlier, later in pairwise([0, *ordered])]
        unanswered = self.sent - max(numbers, default=0)
        self.gaps = [gap for gap in [*gaps, unanswered if unanswered > 2 else 0] if gap > 0]

    @property
    def lost(self) -> int:
        """Return how many pings had no answer."""
        return sum(self.gaps)

    @property
    def longest(self) -> float:
        """Return the seconds of the longest row of pings without an answer."""
        return max(self.gaps, default=0) * self.every


class Bench:
    """A running APIC, Kubernetes API and twin."""

    def __init__(self, apic: ApicServer, kube: KubeApi, folder: Path) -> None:
        self.apic = apic
        self.kube = kube
        self.twin = TwinRunner(folder)
        self._client = ApicClient(Access(apic.url, password=APIC_PASSWORD))

    def start(self, *options: str) -> None:
        """Start the twin, which follows the configuration from now on and ends with this process at the latest."""
        sources = ["--apic", self.apic.url, "--kubeconfig", str(self.kube.kubeconfig)]
        self.twin.up([*sources, "--owner", str(os.getpid()), *options], **{PASSWORD_VARIABLE: APIC_PASSWORD})

    def configure(self, figure: Figure) -> None:
        self.post("uni", {"polUni": {"attributes": {}, "children": [figure.tenant()]}})
        namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES]
        self.kube.apply([*namespaces, *figure.objects()])

    # --- APIC ---

    def post(self, dn: str, body: Json) -> None:
        self._client.request("POST", f"/api/mo/{dn}.json", json=body)

    def change(self, cls: str, dn: str, **attributes: str) -> None:
        self.post(dn, {cls: {"attributes": attributes}})

    def delete(self, dn: str) -> None:
        self._client.request("DELETE", f"/api/mo/{dn}.json")

    def objects(self, cls: str, node: int | None = None) -> list[dict[str, str]]:
        """Return the attributes of every object of a class, optionally only of those on one switch."""
        found = [item[cls]["attributes"] for item in self._client.request("GET", f"/api/class/{cls}.json")]
        return [item for item in found if node is None or f"/node-{node}/" in item["dn"]]

    # --- the twin ---

    def sessions(self) -> dict[tuple[str, str], str]:
        """Return the state of every session that a node should have, by node and peer."""
        return {(it["node"], it["peer"]): it["state"] for it in self.twin.ask("status")["sessions"]}

    def converged(self) -> bool:
        return converged(self.twin.ask("status"))

    def unsettled(self, without: Collection[str] = ()) -> list[str]:
        """Return the sessions that are not up; if all are, the pod blocks that leaves and nodes have no route to.

        :param without: nodes that do not count.
        """
        sessions = [it for it in self.twin.ask("status")["sessions"] if it["node"] not in without]
        down = [f"{it['node']} - {it['peer']}: {it['state']} {it['info']}" for it in sessions if it["state"] != ESTABLISHED]
        if down or not sessions:
            return down or ["no session at all"]
        machines = self.twin.ask("machines")
        nodes = {name: host for name, host in machines["nodes"].items() if name not in without}
        blocks = {block for host in nodes.values() for block in host["blocks"]}
        missing = {
            machine: blocks - {**self.routes(machine), **self.routes(machine, 6)}.keys()
            for machine in (*machines["leaves"], *nodes)
        }
        return [f"{machine} has no route to {', '.join(sorted(lost))}" for machine, lost in missing.items() if lost]

    def settled(self) -> bool:
        """Return True if every session is up and every leaf and node has a route to every pod block."""
        return not self.unsettled()

    def settle(self, seconds: float = PATIENCE) -> None:
        """Wait until every session is up and every pod block has its routes.

        :raises AssertionError: when that takes too long; the message lists what is missing, MD5 failures and problems.
        """
        deadline = time.monotonic() + seconds
        while missing := self.unsettled():
            assert time.monotonic() < deadline, (
                f"not settled within {seconds} s: {'; '.join(missing)}\n{table(self.twin.ask('status'))}"
            )
            time.sleep(0.1)

    def routes(self, machine: str, version: int = 4) -> dict[str, list[str]]:
        """Return the next hops of each destination in a machine's kernel; local destinations have none."""
        shown = self.twin.run_in(machine, "ip", f"-{version}", "-json", "route")
        found: dict[str, list[str]] = {}
        for route in json.loads(shown.stdout or "[]"):
            hops = [hop["gateway"] for hop in route.get("nexthops", []) if "gateway" in hop]
            found[route["dst"]] = sorted(hops or ([route["gateway"]] if "gateway" in route else []))
        return found

    def pings(self, machine: str, address: str, *options: str, count: int = 3) -> bool:
        """Return True if each of a few pings is answered."""
        ping = ["ping", "-c", str(count), "-i", "0.2", "-W", "1", *options, address]
        return self.twin.run_in(machine, *ping).returncode == 0

    @contextmanager
    def watched_routes(self, machine: str) -> Iterator[list[str]]:
        """Yield a list that holds, after the block, the changes of a machine's routes as ``ip monitor`` shows them, with their times."""
        seen: list[str] = []
        with self._printing(machine, "ip", "-tshort", "monitor", "route", ready=_listens, stop=signal.SIGTERM) as end:
            try:
                yield seen
            finally:
                seen += end().splitlines()

    @contextmanager
    def flow(self, machine: str, address: str, *options: str) -> Iterator[list[float]]:
        """Ping during the block; the list then holds the longest time without an answer, in seconds."""
        longest: list[float] = []
        with self.probed(machine, address, *options, every=1 / PINGS_A_SECOND) as probe:
            time.sleep(1)
            started = time.time()
            try:
                yield longest
            finally:
                ended = time.time()
        times = [started, *(at for at in probe.answered if started < at < ended), ended]
        longest.append(max(later - earlier for earlier, later in pairwise(times)) - probe.every)

    @contextmanager
    def probed(self, machine: str, address: str, *options: str, every: float) -> Iterator[Probe]:
        """Ping during the block, each time after ``every`` seconds. Afterwards, the probe knows which pings were answered."""
        probe = Probe(every)
        with self._printing(machine, "ping", "-D", "-i", str(every), "-W", "1", *options, address) as end:
            try:
                yield probe
            finally:
                probe.read(end())

    @contextmanager
    def _printing(
        self, machine: str, *command: str, ready: Callable[[int], bool] = lambda _pid: True, stop: int = signal.SIGINT
    ) -> Iterator[Callable[[], str]]:
        """Run a command on a machine; once it is ready, yield a function that ends it and returns all that it printed."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
            process = subprocess.Popen(self.twin.command_in(machine, list(command)), stdout=printed, stderr=subprocess.DEVNULL)

            def end() -> str:
                process.send_signal(stop)  # a shell's background jobs ignore SIGINT, but ping does not
                process.wait()
                printed.seek(0)
                return printed.read()

            try:
                eventually(lambda: ready(process.pid))
                yield end
            finally:
                process.kill()
                process.wait()

    def daemons_of(self, machine: str, daemon: str, command: str) -> str:
        """Return the answer of FRR's ``bgpd`` or ``zebra`` on a leaf, or of ``bird4`` or ``bird6`` on a node, to a command."""
        return str(self.twin.ask("daemon", machine=machine, daemon=daemon, line=command)["text"])


def _listens(pid: int) -> bool:
    """Return whether a process is subscribed to messages of its network namespace's kernel (netlink)."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/net/netlink").read_text(encoding="ascii").splitlines()[1:]
        return any(port == str(pid) and int(groups, 16) for _sk, _family, port, groups, *_more in map(str.split, lines))
    return False


def eventually(condition: Callable[[], Any], seconds: float = PATIENCE, every: float = 0.1) -> float:
    """Wait until a condition holds; return how long that took.

    :raises AssertionError: when that takes too long.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds} s: {getattr(condition, '__doc__', None) or condition}")
        time.sleep(every)
    return time.monotonic() - started


@contextmanager
def bench(folder: Path, figure: Figure | None = None, seed: Any = None) -> Iterator[Bench]:
    """Yield a bench with a configured figure and a running twin."""
    with ApicServer(seed, https=False, expose_secrets=True) as apic, KubeServer(seeded=False) as kube:
        made = Bench(apic, kube, folder)
        if figure:
            made.configure(figure)
        made.start()
        try:
            yield made
        finally:
            made.twin.down()
