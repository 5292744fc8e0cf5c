"""Namespaces and daemons on this machine: create the plan of ``network`` and run the configurations of ``frr`` and
``bird``.

The supervisor is the first process of a process namespace and has its own file systems on ``/run``. Every daemon,
namespace and configuration therefore ends with it, however it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from lab.twin.bird_package import search_path
from lab.twin.daemons import Birdc, DaemonError, Unanswered, Vty
from lab.twin.frr import Line, changes, needs_reset
from lab.twin.network import WIRING, Resource

NETNS = Path("/run/netns")
FRR_DIR = Path("/run/twin-frr")
BIRD_DIR = Path("/run/twin-bird")
FRR_PROGRAMS = Path("/usr/lib/frr")
START_SECONDS = 20
CLONE_NEWNET = 0x40000000
SYSCTLS = {
    "net/ipv4/ip_forward": 1,
    "net/ipv4/conf/all/rp_filter": 0,
    "net/ipv4/conf/default/rp_filter": 0,
    # Answer for an address only on its own interface: the leaves' own and shared addresses have different MACs.
    "net/ipv4/conf/all/arp_ignore": 1,
    "net/ipv4/conf/all/arp_announce": 2,
    "net/ipv4/fib_multipath_hash_policy": 1,
    "net/ipv6/conf/all/forwarding": 1,
    "net/ipv6/conf/all/keep_addr_on_down": 1,
    "net/ipv6/conf/default/keep_addr_on_down": 1,
    "net/ipv6/conf/default/accept_dad": 0,
    "net/ipv6/conf/default/accept_ra": 0,
    "net/ipv6/fib_multipath_hash_policy": 1,
}
_libc = ctypes.CDLL(None, use_errno=True)


class MachineError(Exception):
    """A facility of this machine that the twin needs does not work."""


def missing_prerequisites() -> list[str]:
    """Return what the twin lacks on this machine, in words for the user; empty when it can run."""
    missing = []
    if os.geteuid() != 0:
        missing.append("root, for the namespaces and routes of the twin's leaves and nodes")
    programs = {
        "ip": "the package iproute2",
        "bridge": "the package iproute2",
        "bird6": "BIRD 1.6 (make bird)",
        "nsenter": "the package util-linux",
    }
    packages = {package for program, package in programs.items() if not shutil.which(program, path=search_path())}
    packages |= {"the package frr" for name in ("zebra", "bgpd") if not (FRR_PROGRAMS / name).exists()}
    return missing + sorted(packages)


def private_run() -> None:
    """Mount a private file system on ``/run`` in the supervisor's mount namespace."""
    _mount("none", "/", None, (1 << 14) | (1 << 18))  # MS_REC | MS_PRIVATE
    _mount("tmpfs", "/run", "tmpfs", 0)
    for folder in (NETNS, FRR_DIR, BIRD_DIR):
        folder.mkdir(mode=0o755)


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    if _libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, b"mode=0755"):
        raise MachineError(f"mounting {target}: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Run the block in a network namespace; only the calling thread enters it."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(NETNS / namespace, os.O_RDONLY)
    try:
        if _libc.setns(other, CLONE_NEWNET):
            raise MachineError(f"entering {namespace}: {os.strerror(ctypes.get_errno())}")
        yield
    finally:
        _libc.setns(own, CLONE_NEWNET)
        os.close(own)
        os.close(other)


def batch(program: tuple[str, ...], namespace: str, lines: list[str]) -> list[str]:
    """Run many commands of ``ip`` or ``bridge`` in one process; return the errors."""
    if not lines:
        return []
    command = [*program, *(["-n", namespace] if namespace else []), "-force", "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    if not done.returncode:
        return []
    return [f"{program[0]} in {namespace or 'no namespace'}: {line}" for line in done.stderr.splitlines()]


def _turn(resource: Resource) -> tuple[int, str, bool, tuple[str, ...]]:
    """Return a sorting key: cables, bridges and their entries, then each machine."""
    place = {"": 0, WIRING: 1}.get(resource.namespace, 2)
    return place, resource.namespace, resource.program[0] == "bridge", resource.program


class Network:
    """The namespaces and their content, changed from one plan to the next."""

    def __init__(self) -> None:
        self._namespaces: list[str] = []
        self._resources: list[Resource] = []

    def apply(self, namespaces: list[str], resources: list[Resource], removed: list[Resource], made: list[Resource]) -> list[str]:
        """Create namespaces and resources as planned; return the errors."""
        for namespace in namespaces:
            if namespace not in self._namespaces:
                self._create(namespace)
        for (program, where), group in groupby(removed, key=lambda it: (it.program, it.remove_in)):
            # Errors are expected: everything on a removed cable is already gone.
            batch(program, where, [line for resource in group for line in resource.remove])
        problems = []
        for (__, where, __, program), group in groupby(sorted(made, key=_turn), key=_turn):
            problems += batch(program, where, [line for resource in group for line in resource.create])
        for namespace in set(self._namespaces) - set(namespaces):
            subprocess.run(["ip", "netns", "del", namespace], check=False)
        self._namespaces, self._resources = list(namespaces), list(resources)
        return problems

    @property
    def resources(self) -> list[Resource]:
        return self._resources

    @staticmethod
    def _create(namespace: str) -> None:
        subprocess.run(["ip", "netns", "add", namespace], check=True)
        with inside(namespace):
            for name, value in SYSCTLS.items():
                Path("/proc/sys", name).write_text(str(value), encoding="ascii")


class Daemon:
    def __init__(self, namespace: str, command: list[str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["nsenter", f"--net={NETNS / namespace}", *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the daemon without notice to its neighbours."""
        self._process.kill()
        self._process.wait()


def _await(path: Path, daemon: Daemon, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not path.exists():
        if not daemon.running or time.monotonic() > deadline:
            end = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
            raise MachineError(f"{path.name} did not appear; the daemon's log ends with: {' | '.join(end)}")
        time.sleep(0.005)


class FrrLeaf:
    """The two FRR daemons of a leaf. They are configured over sockets, so that no file ever holds a password."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._folder = FRR_DIR / namespace
        self._folder.mkdir(exist_ok=True)
        shutil.chown(self._folder, "frr", "frr")
        self._log = self._folder / "log"
        self._zebra: Daemon | None = None
        self._bgpd: Daemon | None = None
        self._vtys: dict[str, Vty] = {}
        self.lines: list[Line] = []

    def start_zebra(self) -> None:
        """Start the route manager. ``start_bgpd`` waits for it, so that many leaves can start in parallel."""
        for stale in self._folder.glob("*.vty"):
            stale.unlink()
        (self._folder / "zserv").unlink(missing_ok=True)
        self._zebra = self._start("zebra")

    def start_bgpd(self) -> None:
        assert self._zebra
        _await(self._folder / "zserv", self._zebra, self._log)
        self._bgpd = self._start("bgpd")

    def wait(self) -> None:
        """Wait until both daemons accept commands."""
        assert self._bgpd
        _await(self._folder / "bgpd.vty", self._bgpd, self._log)
        self.lines = []  # a new process has no configuration

    def _start(self, name: str) -> Daemon:
        files = ["-f", "/dev/null", "-i", f"{self._folder}/{name}.pid", "-z", f"{self._folder}/zserv"]
        sockets = ["--vty_socket", str(self._folder), "-A", "127.0.0.1", "-P", "0"]
        command = [str(FRR_PROGRAMS / name), "-u", "frr", "-g", "frr", *files, *sockets, "--log", "stdout"]
        return Daemon(self.namespace, command, self._log)

    @property
    def running(self) -> bool:
        return all(daemon is not None and daemon.running for daemon in (self._zebra, self._bgpd))

    def configure(self, wanted: list[Line]) -> list[str]:
        """Change bgpd's configuration; return its objections.

        :raises Unanswered: bgpd does not answer; the next call changes the configuration again.
        """
        if wanted == self.lines:
            return []
        first = not self.lines
        problems = self.vty("bgpd").configure(changes(self.lines, wanted), strict=False)
        if not first:
            self.clear(hard=needs_reset(self.lines, wanted))
        self.lines = wanted
        return problems

    def clear(self, *, hard: bool) -> None:
        """Restart all sessions with nodes and routers, not those between leaves; or only exchange the routes of all again."""
        for command in ["clear bgp external"] if hard else ["clear bgp * soft in", "clear bgp * soft out"]:
            try:
                self.vty("bgpd").ask(command)
            except Unanswered:
                raise
            except DaemonError:
                continue

    def end_sessions(self, asn: int | None) -> None:
        """Shut down BGP in good order for as long as the daemon runs."""
        if problems := self.vty("bgpd").configure([f"router bgp {asn}", "bgp shutdown"]):
            raise MachineError("; ".join(problems))

    def vty(self, daemon: str) -> Vty:
        if daemon not in self._vtys or self._vtys[daemon].closed:
            self._vtys[daemon] = Vty(self._folder / f"{daemon}.vty")
        return self._vtys[daemon]

    def kill(self) -> None:
        """End both daemons at once."""
        for vty in self._vtys.values():
            vty.close()
        self._vtys.clear()
        for daemon in (self._bgpd, self._zebra):
            if daemon:
                daemon.kill()


class BirdNode:
    """BIRD of one IP version on a node. Its configuration file is in memory that only the supervisor's processes see."""

    def __init__(self, namespace: str, version: int) -> None:
        self.namespace = namespace
        self.version = version
        name = f"{namespace}-{version}"
        self._file = BIRD_DIR / f"{name}.cfg"
        self._socket = BIRD_DIR / f"{name}.ctl"
        self._log = BIRD_DIR / f"{name}.log"
        self._daemon: Daemon | None = None
        self._birdc: Birdc | None = None
        self.configuration = ""

    def write(self, configuration: str) -> None:
        self._file.touch(mode=0o600)
        self._file.write_text(configuration, encoding="utf-8")
        self.configuration = configuration

    def start(self, *, recover: bool = False) -> None:
        """Start the daemon; with ``recover`` as a graceful restart."""
        self._socket.unlink(missing_ok=True)
        program = shutil.which("bird" if self.version == 4 else "bird6", path=search_path())
        assert program  # missing_prerequisites() checks it
        flags = ["-f", *(["-R"] if recover else [])]
        self._daemon = Daemon(self.namespace, [program, *flags, "-c", str(self._file), "-s", str(self._socket)], self._log)

    def wait(self) -> None:
        """Wait until the daemon accepts commands."""
        assert self._daemon
        _await(self._socket, self._daemon, self._log)

    @property
    def running(self) -> bool:
        return self._daemon is not None and self._daemon.running

    def reconfigure(self, configuration: str) -> list[str]:
        """Change the daemon's configuration; return its objections."""
        if configuration == self.configuration:
            return []
        self.write(configuration)
        try:
            self.birdc().ask("configure")
        except DaemonError as error:
            self.configuration = ""  # unknown: the next call tries again
            return [f"bird of {self.namespace}: {error}"]
        return []

    def birdc(self) -> Birdc:
        if self._birdc is None or self._birdc.closed:
            self._birdc = Birdc(self._socket)
        return self._birdc

    def disconnect(self) -> None:
        """Close the connection after the daemon has ended."""
        if self._birdc:
            self._birdc.close()
        self._birdc = None

    def kill(self) -> None:
        """End the daemon as in a crash: the kernel's routes stay."""
        self.disconnect()
        if self._daemon:
            self._daemon.kill()


def run_in(namespace: str, command: Iterable[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["nsenter", f"--net={NETNS / namespace}", *command], capture_output=True, text=True, check=False, timeout=timeout
    )
