"""The running twin: follow APIC and Kubernetes, keep namespaces and daemons up to date, report the live state.

One loop in one thread. Commands come over a socket in the twin's folder, one JSON object on each line, and are answered
in the same way.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests
import urllib3

from lab.twin import bird, control, frr
from lab.twin.apic import Access, ApicClient
from lab.twin.bird import Announcement
from lab.twin.calico import Cluster, read_cluster
from lab.twin.daemons import DaemonError
from lab.twin.fabric import Leaf
from lab.twin.kubernetes import clients
from lab.twin.machines import BirdNode, FrrLeaf, MachineError, Network, batch, private_run
from lab.twin.mo import Tree
from lab.twin.model import Cable, Twin, TwinError, assemble, choose_fabric, moved
from lab.twin.network import WIRING, leaf_namespace, plan_changes, tep_route, wire
from lab.twin.policies import read_fabrics
from lab.twin.reporter import Reporter

LOG = logging.getLogger("twin")
POLL_SECONDS = 0.5
PRIORITY = -10
STATE = "cabling.json"


@dataclass
class Options:
    folder: Path
    apic: Access
    kubeconfigs: list[Path]
    vrf: str | None = None
    report: bool = True
    owner: int | None = None  # the twin ends with this process


@dataclass
class Failures:
    """Failures that tests have caused; they outlive changes of configuration."""

    off: set[str] = field(default_factory=set)  # namespaces whose cables are cut
    announcements: dict[str, list[Announcement]] = field(default_factory=dict)


class Supervisor:
    """The running twin."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._apic = ApicClient(options.apic)
        self._clusters = clients(options.kubeconfigs)
        self._network = Network()
        self.leaves: dict[int, FrrLeaf] = {}
        self.birds: dict[tuple[str, int], BirdNode] = {}
        self._failures = Failures()
        self.twin: Twin | None = None
        self._tree: tuple[Tree, dict[str, str]] = (Tree(), {})
        self._stale = True  # whether APIC has changed since the tree was read
        self._cables: dict[str, Cable] = {}
        self._vrf = options.vrf
        self._recall()
        self.problems: list[str] = []  # of the last change
        self.trouble = ""  # the reason why the twin cannot follow its sources
        self._reporter = Reporter(self._apic, self._clusters) if options.report else None
        self._stopping = False

    # --- reading the sources ---

    def read(self) -> Twin:
        """Return the twin that APIC and Kubernetes describe now.

        APIC is read last, so that leaves get a new password no later than the nodes if APIC is written first. FRR keeps the
        MD5 key of a dynamic neighbour that has left, and it outweighs the key of the listen range: if the nodes were first,
        their sessions would never come back.
        """
        clusters: dict[str, Cluster] = {}
        for client in self._clusters:
            clusters[client.name] = read_cluster(client.read())
        self._stale = self._apic.changed() or self._stale
        if self._stale:
            self._tree = self._apic.read()
            self._stale = False
        fabrics = read_fabrics(*self._tree)
        fabric = choose_fabric(fabrics, clusters.values(), self._vrf)
        twin = assemble(fabric, clusters, self._cables)
        self._remember(twin)
        return twin

    def _recall(self) -> None:
        """Restore the VRF and the cables of an earlier run."""
        with contextlib.suppress(FileNotFoundError):
            state = json.loads((self._options.folder / STATE).read_text(encoding="utf-8"))
            self._vrf = self._vrf or state["vrf"]
            self._cables = {key: Cable(**{**item, "rack": tuple(item["rack"])}) for key, item in state["cables"].items()}

    def _remember(self, twin: Twin) -> None:
        """Keep the VRF, and the cable of each host from its first connection to a rack until the host is gone."""
        vrf = f"{twin.fabric.tenant}:{twin.fabric.vrf}" if twin.fabric.vrf else None
        cables = {host.key: host.cable for host in twin.hosts if host.cable.rack}
        if (vrf, cables) != (self._vrf, self._cables):
            self._vrf, self._cables = vrf, cables
            self._save()

    def _save(self) -> None:
        document = {"vrf": self._vrf, "cables": {key: asdict(cable) for key, cable in self._cables.items()}}
        (self._options.folder / STATE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    # --- applying changes ---

    def apply(self, twin: Twin) -> None:
        """Change namespaces and daemons to match a twin."""
        if twin == self.twin:
            return
        started = time.monotonic()
        wiring = wire(twin)
        removed, made = plan_changes(self._network.resources, wiring.resources)
        self.problems = self._network.apply(wiring.namespaces, wiring.resources, removed, made)
        # After their cables, so that a removed machine does not close its sessions first.
        self._retire(twin)
        self.problems += self._configure_leaves(twin)
        self.problems += self._configure_nodes(twin)
        self.twin = twin
        self._failures.off &= set(wiring.namespaces)
        for namespace in self._failures.off:
            self._cut(namespace, "down")
        for problem in self.problems:
            LOG.warning("%s", problem)
        LOG.info(
            "%d leaves, %d nodes and %d external routers configured, %d links and addresses made, %d removed, in %.2f s",
            len(twin.fabric.leaves),
            len(twin.hosts),
            len(twin.routers),
            len(made),
            len(removed),
            time.monotonic() - started,
        )

    def _retire(self, twin: Twin) -> None:
        """End the daemons of leaves, nodes and routers that no longer exist."""
        wanted_leaves = {leaf.id for leaf in twin.fabric.leaves}
        for number in set(self.leaves) - wanted_leaves:
            self.leaves.pop(number).kill()
        for key in set(self.birds) - self._bird_configurations(twin).keys():
            self.birds.pop(key).kill()

    def _configure_leaves(self, twin: Twin) -> list[str]:
        new = {leaf.id: FrrLeaf(leaf_namespace(leaf)) for leaf in twin.fabric.leaves if leaf.id not in self.leaves}
        self._start_leaves(list(new.values()))
        self.leaves |= new
        problems = []
        for leaf in twin.fabric.leaves:
            if self.leaves[leaf.id].running:
                found = self.leaves[leaf.id].configure(frr.configuration(leaf, twin))
                problems += [f"leaf {leaf.id}: {problem}" for problem in found]
        return problems

    @staticmethod
    def _start_leaves(leaves: list[FrrLeaf]) -> None:
        """Start the daemons of all leaves in parallel, step by step."""
        for step in (FrrLeaf.start_zebra, FrrLeaf.start_bgpd, FrrLeaf.wait):
            for leaf in leaves:
                step(leaf)

    def _configure_nodes(self, twin: Twin) -> list[str]:
        problems, started = [], []
        for (machine, version), configuration in self._bird_configurations(twin).items():
            try:
                text = configuration()
            except ValueError as error:
                problems.append(f"{machine}: {error}")
                continue
            running = self.birds.get((machine, version))
            if running is None:
                running = self.birds[machine, version] = BirdNode(machine, version)
                running.write(text)
                running.start()
                started.append(running)
            elif running.running:
                problems += running.reconfigure(text)
            else:
                running.write(text)
        for running in started:
            try:
                running.wait()
            except MachineError as error:
                problems.append(f"{running.namespace}: {error}")
        return problems

    def _bird_configurations(self, twin: Twin) -> dict[tuple[str, int], Callable[[], str]]:
        """Return the renderer of each BIRD configuration, by machine and IP version."""
        wanted: dict[tuple[str, int], Callable[[], str]] = {}
        for host in twin.hosts:
            announcements = self._failures.announcements.get(host.key, [])
            for version in (int(family[-1]) for family in host.interfaces):
                wanted[host.key, version] = partial(bird.configuration, host.node, host.cluster, version, announcements)
        for router in twin.routers:
            for version in router.versions:
                wanted[router.key, version] = partial(bird.router_configuration, router, version)
        return wanted

    # --- commands ---

    def command(self, request: dict[str, Any]) -> dict[str, Any]:
        name = str(request.pop("command", ""))
        handler: Callable[..., dict[str, Any] | None] | None = getattr(self, f"_do_{name.replace('-', '_')}", None)
        if handler is None:
            return {"error": f"no such command: {name}"}
        try:
            return handler(**request) or {}
        except (TwinError, MachineError, DaemonError, TypeError, KeyError, requests.RequestException) as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _do_stop(self) -> None:
        self._stopping = True

    def _do_apply(self) -> dict[str, Any]:
        self.apply(self.read())
        return {"problems": self.problems}

    def _do_recable(self) -> dict[str, Any]:
        self._cables, self._vrf = {}, self._options.vrf
        return self._do_apply()

    def _do_move(self, machine: str, leaves: list[int]) -> dict[str, Any]:
        """Connect a host to other leaves, with the same VLAN, until the next ``move`` or ``recable``."""
        host = next((host for host in self.twin.hosts if host.key == machine), None) if self.twin else None
        if not self.twin or not host:
            raise KeyError(f"no such machine: {machine}")
        switches = {node.number("id") for node in self._tree[0].of_class("fabricNode") if node.get("role") == "leaf"}
        if unknown := set(leaves) - switches:
            raise TwinError(f"the fabric has no leaf {', '.join(map(str, sorted(unknown)))}")
        self._cables[machine] = moved(host.cable, self.twin.fabric, leaves)
        self._save()
        return self._do_apply()

    def _do_status(self) -> dict[str, Any]:
        return Reporter.status(self)

    def _do_machines(self) -> dict[str, Any]:
        """Return the leaves, the nodes with blocks and cabling, and the external routers."""
        if not self.twin:
            return {"leaves": [], "nodes": {}, "routers": {}}
        nodes = {host.key: {"blocks": host.node.blocks, "cable": asdict(host.cable)} for host in self.twin.hosts}
        routers = {
            router.key: {
                "l3out": router.l3out,
                "announces": list(router.outside),
                "addresses": [held for version in router.versions for held in router.held(version)],
            }
            for router in self.twin.routers
        }
        leaves = [leaf_namespace(leaf) for leaf in self.twin.fabric.leaves]
        return {"leaves": leaves, "nodes": nodes, "routers": routers}

    def _do_configuration(self, machine: str) -> dict[str, Any]:
        """Return the configuration of a machine's daemons without passwords."""
        if machine.startswith("leaf-"):
            return {"text": frr.text(self.leaves[int(machine[5:])].lines, hide_passwords=True)}
        texts = [daemon.configuration for (key, __), daemon in sorted(self.birds.items()) if key == machine]
        lines = "\n".join(texts).splitlines()
        return {"text": "\n".join("  password (hidden);" if line.startswith("  password ") else line for line in lines)}

    def _do_daemon(self, machine: str, daemon: str, line: str) -> dict[str, Any]:
        """Return a daemon's answer to a command: ``bgpd`` or ``zebra`` of a leaf, ``bird4`` or ``bird6`` of a node."""
        if daemon.startswith("bird"):
            return {"text": "\n".join(self.birds[machine, int(daemon[4:])].birdc().ask(line))}
        return {"text": self.leaves[int(machine.removeprefix("leaf-"))].vty(daemon).ask(line)}

    def _do_off(self, machine: str) -> None:
        """Cut a machine off silently: no neighbour sees a link go down."""
        self._failures.off.add(machine)
        self._cut(machine, "down")

    def _do_on(self, machine: str) -> None:
        self._failures.off.discard(machine)
        self._cut(machine, "up")

    def _cut(self, machine: str, state: str) -> None:
        """Set a machine's cables up or down at their far ends; for a leaf, change the other leaves' routes as IS-IS would."""
        ports = [
            resource.key.partition("/")[2]
            for resource in self._network.resources
            if resource.remove_in == WIRING and f" netns {machine} " in resource.create[0]
        ]
        if not ports:
            raise KeyError(f"no such machine: {machine}")
        if problems := batch(("ip",), WIRING, [f"link set {port} {state}" for port in ports]):
            raise MachineError("; ".join(problems))
        for leaf in self.twin.fabric.leaves if self.twin else ():
            if leaf_namespace(leaf) == machine:
                self._tell_leaves(leaf, {"down": "del", "up": "replace"}[state])

    def _tell_leaves(self, gone: Leaf, verb: str) -> None:
        """Change the route to a leaf on every other leaf; ignore routes that are already changed."""
        assert self.twin
        routes = [f"route {verb} {tep_route(self.twin, gone, family)}" for family in self.twin.families()]
        for leaf in self.twin.fabric.leaves:
            if leaf.id != gone.id:
                batch(("ip",), leaf_namespace(leaf), routes)

    def _do_drain(self, machine: str) -> None:
        """End a leaf's BGP sessions in good order, as before maintenance; ``kill`` and ``start`` restore them."""
        assert self.twin
        self.leaves[int(machine.removeprefix("leaf-"))].end_sessions(self.twin.fabric.asn)

    def _do_kill(self, machine: str) -> None:
        """End a machine's BGP daemons as in a crash."""
        for daemon in self._daemons(machine):
            daemon.kill()

    def _do_start(self, machine: str) -> None:
        """Start a machine's BGP daemons again, as after a crash."""
        for daemon in self._daemons(machine):
            if isinstance(daemon, FrrLeaf):
                self._start_leaves([daemon])
                assert self.twin
                leaf = next(leaf for leaf in self.twin.fabric.leaves if leaf_namespace(leaf) == machine)
                self.problems += daemon.configure(frr.configuration(leaf, self.twin))
            else:
                daemon.start(recover=True)
                daemon.wait()

    def _daemons(self, machine: str) -> list[FrrLeaf | BirdNode]:
        found: list[FrrLeaf | BirdNode] = [leaf for leaf in self.leaves.values() if leaf.namespace == machine]
        found += [daemon for (key, __), daemon in self.birds.items() if key == machine]
        if not found:
            raise KeyError(f"no such machine: {machine}")
        return found

    def _do_announce(self, node: str, prefix: str, prepend: int = 0) -> dict[str, Any]:
        self._failures.announcements.setdefault(node, []).append(Announcement(prefix, prepend))
        return self._reconfigure_nodes()

    def _do_withdraw(self, node: str) -> dict[str, Any]:
        self._failures.announcements.pop(node, None)
        return self._reconfigure_nodes()

    def _reconfigure_nodes(self) -> dict[str, Any]:
        assert self.twin
        return {"problems": self._configure_nodes(self.twin)}

    # --- the loop ---

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *__: setattr(self, "_stopping", True))
        with control.bind(self._options.folder / control.NAME) as server, selectors.DefaultSelector() as selector:
            selector.register(server, selectors.EVENT_READ, self._accept)
            next_poll = 0.0
            owner_alive = _watch(self._options.owner)
            while not self._stopping and owner_alive():
                for key, __ in selector.select(max(0.0, next_poll - time.monotonic())):
                    key.data(selector, key.fileobj)
                if time.monotonic() >= next_poll:
                    self._poll()
                    next_poll = time.monotonic() + POLL_SECONDS
        if self._reporter:
            with contextlib.suppress(requests.RequestException):
                self._reporter.withdraw()

    def _poll(self) -> None:
        """Follow the sources and report. The loop survives sources that are temporarily away."""
        try:
            self.apply(self.read())
            if self._reporter:
                self._reporter.report(self)
            self.trouble = ""
        except (requests.RequestException, DaemonError, MachineError, TwinError, ValueError) as error:
            self._note(f"{type(error).__name__}: {error}")
        except Exception as error:
            self._note(f"{type(error).__name__}: {error}", traceback.format_exc())

    def _note(self, trouble: str, details: str = "") -> None:
        """Log a problem once, not twice a second."""
        if trouble != self.trouble:
            self.trouble = trouble
            LOG.warning("%s", details or trouble)

    def _accept(self, selector: selectors.BaseSelector, server: socket.socket) -> None:
        client, __ = server.accept()
        client.settimeout(5)
        selector.register(client, selectors.EVENT_READ, self._serve)

    def _serve(self, selector: selectors.BaseSelector, client: socket.socket) -> None:
        selector.unregister(client)
        with client, client.makefile("rw", encoding="utf-8") as stream:
            try:
                request = json.loads(stream.readline())
            except (ValueError, OSError):
                return
            try:
                stream.write(json.dumps(self.command(request)) + "\n")
                stream.flush()
            except OSError:
                LOG.warning("a client left before its answer")


def _watch(pid: int | None) -> Callable[[], bool]:
    """Return a function that tells whether a process still runs; always True without a process.

    An open folder of ``/proc`` belongs to its process even after the number is reused.
    """
    if pid is None:
        return lambda: True
    try:
        folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return lambda: False

    def alive() -> bool:
        with contextlib.suppress(OSError):
            os.stat("stat", dir_fd=folder)
            return True
        return False

    return alive


def supervise(options: Options) -> None:
    """Run the supervisor as the first process of its process namespace."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user chose this by leaving out --apic-ca
    with contextlib.suppress(OSError):
        # Three seconds of silence end a session, which a busy machine must not cause.
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    private_run()
    Supervisor(options).run()
