"""What a run does to a cluster on the twin: pings between all pods, routes of all kernels, sessions of all leaves."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from ipaddress import ip_address, ip_network
from itertools import combinations
from pathlib import Path

from ansible_collections.netops.aci_calico.plugins.plugin_utils.rehearsal.rules import (
    HITLESS,
    PATH_CHANGE,
    ROUTE_LOSS,
    SESSION_RESET,
    TRAFFIC_INTERRUPTION,
)
from lab.twin.bench import ESTABLISHED, Bench, Probe
from lab.twin.model import UNDERLAY, TwinError
from lab.twin.network import ENDPOINT_NAME

EVERY = 0.01  # seconds between two pings, and the shortest absence of a route that counts
MOST_NODES = 12  # pairs of more nodes are sampled
CALM = 6  # seconds without an event after which a cluster is settled: twice the hold time of the examples
GIVEN_UP = 45  # seconds without an event after which what is missing is missing for good: BIRD waits up to 30 s
_DOWN = re.compile(r"%ADJCHANGE: neighbor (\S+?)\(.*? Down")
_EVENT = re.compile(
    r"^\[([\d:.T-]+)\] (Deleted )?(?:(?:unicast|blackhole|unreachable|prohibit) )?(?!local |(?:any|broad|multi)cast )(\S+)",
    re.MULTILINE,
)


@dataclass
class Measured:
    """What happened.

    :ivar sent: pings, and ``lost`` those without an answer.
    :ivar longest: the longest time without an answer, in seconds.
    :ivar nodes: the nodes whose pods lost pings.
    :ivar sessions: those that ended, as node and leaf.
    :ivar routes: destinations that were missing, as machine, destination and seconds; none if it stayed away.
    :ivar paths: how many routes have other next hops afterwards.
    :ivar seconds: how long was measured.
    :ivar missing: sessions and routes that were not there at the end.
    """

    sent: int = 0
    lost: int = 0
    longest: float = 0.0
    nodes: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    routes: list[tuple[str, str, float | None]] = field(default_factory=list)
    paths: int = 0
    seconds: float = 0.0
    missing: list[str] = field(default_factory=list)

    @property
    def effect(self) -> str:
        """Return the class."""
        found = {TRAFFIC_INTERRUPTION: self.lost, ROUTE_LOSS: self.routes, SESSION_RESET: self.sessions, PATH_CHANGE: self.paths}
        return next((effect for effect, seen in found.items() if seen), HITLESS)

    def as_dict(self) -> dict[str, object]:
        return {"class": self.effect, **asdict(self)}


class Watch:
    """The machines of a twin whose nodes are in use, and what happens to them."""

    def __init__(self, bench: Bench, seed: str, without: Collection[str] = (), size: int = 56) -> None:
        self._bench, self._size, self._without = bench, size, set(without)
        machines = bench.twin.ask("machines")
        self._blocks = {name: host["blocks"] for name, host in machines["nodes"].items() if name not in self._without}
        unused = {block for name in self._without & set(machines["nodes"]) for block in machines["nodes"][name]["blocks"]}
        held = {
            name: [ip_address(address) for address, node in self._addresses.items() if node == name] for name in machines["nodes"]
        }
        self._apart = [address for name in held.keys() & self._without for address in held[name]]
        self._together = [address for name in held.keys() - self._without for address in held[name]]
        self._machines = [*machines["leaves"], *self._blocks]
        self._before = {machine: self._routes(machine, unused) for machine in self._machines}
        self._established = self._sessions()
        self._pairs = list(self._choose(random.Random(seed)))

    def during(self, act: Callable[[], object]) -> Measured:
        """Call a function, wait until the cluster is calm again, and return what happened."""
        seen, routes = Measured(), {}
        logs = {log: log.stat().st_size for log in self._logs()}
        probes: dict[str, list[Probe]] = {}
        with ExitStack() as stack:
            for machine in self._machines:
                routes[machine] = stack.enter_context(self._bench.watched_routes(machine))
            for name, machine, *options in self._pairs:
                probe = stack.enter_context(self._bench.probed(machine, *options, "-s", str(self._size), every=EVERY))
                probes.setdefault(name, []).append(probe)
            started = time.monotonic()
            time.sleep(0.5)
            act()
            seen.missing = self.wait()
            seen.seconds = round(time.monotonic() - started, 1)
        self._count(seen, probes)
        self._compare_routes(seen, routes)
        self._compare_sessions(seen, logs)
        return seen

    def wait(self) -> list[str]:
        """Wait until the nodes' sessions and routes are complete and calm, or until nothing happens any more; return what is missing."""
        last: object = None
        since = time.monotonic()
        while True:
            try:
                missing = self._bench.unsettled(self._without)
            except TwinError as error:
                missing = [str(error)]
            now = (missing, [log.stat().st_size for log in self._logs()])
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() - since > (GIVEN_UP if missing else CALM):
                return missing
            time.sleep(1)

    # --- probes ---

    def _choose(self, rng: random.Random) -> Iterator[tuple[str, ...]]:
        """Yield the pings: the name of the pair, the machine, and the options of ping."""
        names = sorted(self._blocks)
        pairs = list(combinations(names, 2))
        if len(names) > MOST_NODES:
            pairs = rng.sample(pairs, MOST_NODES * (MOST_NODES - 1) // 2)
        for version in (4, 6):
            for near, far in pairs:
                near, far = rng.sample([near, far], 2)
                source, target = self._pod(near, version), self._pod(far, version)
                if source and target:
                    yield f"{near} {far}", near, target, "-I", source
            for name in names[:MOST_NODES]:
                if target := self._pod(name, version):
                    yield name, ENDPOINT_NAME, target

    def _pod(self, node: str, version: int) -> str:
        blocks = [block for block in map(ip_network, self._blocks[node]) if block.version == version]
        return str(blocks[0][1]) if blocks else ""

    @staticmethod
    def _count(seen: Measured, probes: dict[str, list[Probe]]) -> None:
        every = [(name, probe) for name, found in probes.items() for probe in found]
        seen.sent = sum(probe.sent for _name, probe in every)
        seen.lost = sum(probe.lost for _name, probe in every)
        seen.longest = round(max((probe.longest for _name, probe in every), default=0), 2)
        seen.nodes = sorted({node for name, probe in every if probe.lost for node in name.split()})

    # --- routes ---

    def _routes(self, machine: str, unused: Collection[str] = ()) -> dict[str, list[str]]:
        both = {**self._bench.routes(machine), **self._bench.routes(machine, 6)}
        return {
            to: hops for to, hops in both.items() if hops and to != "default" and to not in unused and not self._only_apart(to)
        }

    def _only_apart(self, to: str) -> bool:
        """Return whether a destination is the subnet of a node that does not count, and of no other one."""
        network = ip_network(to)
        own, others = (any(one in network for one in held) for held in (self._apart, self._together))
        return own and not others

    def _compare_routes(self, seen: Measured, printed: dict[str, list[str]]) -> None:
        """Note destinations that were missing for longer than the time between two pings, and those with other next hops."""
        there = set(self._bench.twin.ask("machines")["leaves"]) | set(self._bench.twin.ask("machines")["nodes"])
        for machine, before in self._before.items():
            if machine not in there:
                continue  # its sessions say so
            after = self._routes(machine)
            for to, seconds in missing_routes("\n".join(printed[machine])).items():
                if to in before and (seconds > EVERY if seconds is not None else to not in after):
                    seen.routes.append((machine, to, None if seconds is None else round(seconds, 3)))
            noted = {to for name, to, __ in seen.routes if name == machine}
            seen.routes += [(machine, to, None) for to in sorted(before.keys() - after.keys() - noted)]
            seen.paths += sum(hops != after[to] for to, hops in before.items() if to in after)

    # --- sessions ---

    def _logs(self) -> list[Path]:
        """Return the logs of the leaves' BGP daemons, in the file system of the twin."""
        return sorted(Path(f"/proc/{self._bench.twin.supervisor()}/root/run/twin-frr").glob("leaf-*/log"))

    def _sessions(self) -> set[tuple[str, str]]:
        return {key for key, state in self._bench.sessions().items() if state == ESTABLISHED and key[0] not in self._without}

    def _compare_sessions(self, seen: Measured, logs: dict[Path, int]) -> None:
        """Note the nodes' sessions that ended, by the logs of the leaves, and those that are not there any more."""
        addresses = self._addresses
        ended = {f"{node} {peer}" for node, peer in self._established - self._sessions()}
        for log, size in logs.items():
            downs = _DOWN.findall(log.read_text(encoding="utf-8", errors="replace")[size:])
            nodes = {addresses.get(neighbour, neighbour) for neighbour in downs if not _between_leaves(neighbour)}
            ended |= {f"{node} {log.parent.name}" for node in nodes - self._without}
        seen.sessions = sorted(ended)

    @property
    def _addresses(self) -> dict[str, str]:
        return {
            address.split("/")[0]: node["metadata"]["name"]
            for node in self._bench.kube.objects("Node")
            for name, address in node["metadata"].get("annotations", {}).items()
            if name.startswith("projectcalico.org/IPv")
        }


def _between_leaves(neighbour: str) -> bool:
    address = ip_address(neighbour)
    return address in UNDERLAY[f"ipv{address.version}"]


def missing_routes(printed: str) -> dict[str, float | None]:
    """Return the longest absence of each destination in the output of ``ip monitor``; None if it does not come back."""
    gone: dict[str, datetime] = {}
    found: dict[str, float | None] = {}
    for at, deleted, to in _EVENT.findall(printed):
        moment = datetime.fromisoformat(at)
        if deleted:
            gone.setdefault(to, moment)
        elif to in gone:
            found[to] = max(found.get(to) or 0.0, (moment - gone.pop(to)).total_seconds())
    return {**found, **dict.fromkeys(gone)}
