"""Query the daemons and report to APIC's operational classes, to Calico's node status and to the user."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.twin.apic import ApicClient
from lab.twin.bird import link_name, protocol_name
from lab.twin.daemons import DaemonError
from lab.twin.kubernetes import KubernetesClient
from lab.twin.machines import BirdNode, FrrLeaf, MachineError, inside
from lab.twin.model import Twin
from lab.twin.operational import BirdAnswers, Json, LeafAnswers, leaf_objects, node_status, sessions

if TYPE_CHECKING:
    from lab.twin.supervisor import Supervisor

STATUS_SECONDS = 1.0  # interval of the search for CalicoNodeStatus objects
DEFAULT_PERIOD = 10  # of a CalicoNodeStatus
REPEAT_SECONDS = 15  # interval of complete reports, for an APIC that was reset


class Reporter:
    """Reports the changes since its last report."""

    def __init__(self, apic: ApicClient, clusters: list[KubernetesClient]) -> None:
        self._apic = apic
        self._clusters = clusters
        self._sent: dict[str, list[Json]] = {}  # by source
        self._updated: dict[tuple[str, str], float] = {}
        self._next_status = 0.0
        self._next_repeat = 0.0

    def report(self, supervisor: Supervisor) -> None:
        """Bring APIC and Kubernetes up to date."""
        if supervisor.twin is None:
            return
        self._report_leaves(supervisor, supervisor.twin)
        if time.monotonic() >= self._next_status:
            self._next_status = time.monotonic() + STATUS_SECONDS
            for client in self._clusters:
                self._report_blocks(client, supervisor.twin)
                self._report_nodes(client, supervisor, supervisor.twin)

    # --- APIC ---

    def _report_leaves(self, supervisor: Supervisor, twin: Twin) -> None:
        """Report each leaf of the VRF as one source; withdraw leaves that no longer exist."""
        fabric = twin.fabric
        wanted = {
            f"twin {fabric.tenant}:{fabric.vrf} leaf {leaf.id}": leaf_objects(
                leaf, twin, leaf_answers(supervisor.leaves[leaf.id], twin)
            )
            for leaf in fabric.leaves
        }
        repeat = time.monotonic() >= self._next_repeat
        for source in {*self._sent, *wanted}:
            objects = wanted.get(source, [])
            if repeat or self._sent.get(source) != objects:
                self._apic.report(source, objects)
        self._sent = wanted
        if repeat:
            self._next_repeat = time.monotonic() + REPEAT_SECONDS

    def withdraw(self) -> None:
        """Remove all reports from APIC, so that nothing shows running leaves."""
        for source in self._sent:
            self._apic.report(source, [])

    # --- Kubernetes ---

    def _report_blocks(self, client: KubernetesClient, twin: Twin) -> None:
        """Claim the nodes' blocks, as Calico's IPAM does when the first pod of a node needs an address."""
        for host in twin.hosts:
            for block in host.cluster.unclaimed.get(host.node.name, ()) if host.cluster_name == client.name else ():
                client.claim_block(host.node.name, block)

    def _report_nodes(self, client: KubernetesClient, supervisor: Supervisor, twin: Twin) -> None:
        """Write each CalicoNodeStatus as often as it asks for."""
        for path, item in client.node_statuses().items():
            spec = item["spec"]
            period = spec.get("updatePeriodSeconds", DEFAULT_PERIOD)
            last = self._updated.get((client.name, path))
            if last is not None and (not period or time.monotonic() - last < period) and item.get("status"):
                continue
            host = next((it for it in twin.hosts if (it.cluster_name, it.node.name) == (client.name, spec.get("node"))), None)
            if host:
                answers = bird_answers(supervisor.birds, host.key)
                status = node_status(answers, spec.get("classes", ()), datetime.now(UTC))
                client.write_status(path, item, status)
                self._updated[client.name, path] = time.monotonic()

    # --- the user ---

    @staticmethod
    def status(supervisor: Supervisor) -> dict[str, Any]:
        """Return every session that a node or external router should have, the leaves' MD5 failures, and all problems."""
        twin = supervisor.twin
        rows: list[dict[str, str]] = []
        for host in twin.hosts if twin else ():
            peers = {protocol_name(peer): peer.address for peer in host.node.peers}
            rows += _session_rows(supervisor.birds, host.key, peers)
        for router in twin.routers if twin else ():
            peers = {link_name(link): link.neighbour for link in router.links}
            rows += _session_rows(supervisor.birds, router.key, peers)
        failures = {leaf.id: md5_failures(supervisor.leaves[leaf.id]) for leaf in twin.fabric.leaves} if twin else {}
        return {
            "sessions": rows,
            "md5_failures": failures,
            "problems": [*supervisor.problems, *filter(None, [supervisor.trouble])],
        }


def leaf_answers(leaf: FrrLeaf, twin: Twin) -> LeafAnswers:
    """Query a leaf's daemons; a leaf that is down has no answers."""
    if not leaf.running:
        return LeafAnswers()
    try:
        bgpd, zebra = leaf.vty("bgpd"), leaf.vty("zebra")
        # FRR without a BGP instance answers nothing, not even JSON.
        neighbours = {key: value for key, value in bgpd.ask_json("show bgp neighbors json").items() if isinstance(value, dict)}
        received = {}
        for address, answer in neighbours.items():
            for family, words in (("ipv4", "ipv4Unicast"), ("ipv6", "ipv6Unicast")):
                if answer.get("nbrExternalLink") and words in answer.get("addressFamilyInfo", {}):
                    counts = bgpd.ask_json(f"show bgp {family} unicast neighbors {address} prefix-counts json")
                    received[address, family] = counts.get("ribTableWalkCounters", {}).get("Adj-in", 0)
        shown = {"ipv4": "show ip route json", "ipv6": "show ipv6 route json"}
        routes = {family: zebra.ask_json(shown[family]) for family in twin.families()}
    except DaemonError:
        return LeafAnswers()
    return LeafAnswers(neighbours, received, routes)


def bird_answers(birds: Mapping[tuple[str, int], BirdNode], machine: str, *, brief: bool = False) -> dict[int, BirdAnswers]:
    """Query the daemons of a node or external router; a daemon that is down has no answers."""
    return {version: _bird_answer(daemon, brief) for (key, version), daemon in birds.items() if key == machine}


def _session_rows(birds: Mapping[tuple[str, int], BirdNode], machine: str, peers: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a machine's sessions for the user.

    :param peers: the neighbours' addresses by the sessions' names in BIRD.
    """
    found = {
        session.name: session
        for answer in bird_answers(birds, machine, brief=True).values()
        for session in sessions(answer.protocols)
    }
    rows = []
    for name, address in peers.items():
        session = found.get(name)
        state, info = (session.state, session.info) if session else ("Down", "BIRD does not run")
        rows.append({"node": machine, "peer": address, "state": state, "info": info.removeprefix(state).strip()})
    return rows


def _bird_answer(daemon: BirdNode, brief: bool) -> BirdAnswers:
    if not daemon.running:
        return BirdAnswers()
    try:
        birdc = daemon.birdc()
        protocols = tuple(birdc.ask("show protocols"))
        if brief:
            return BirdAnswers(protocols=protocols)
        return BirdAnswers(tuple(birdc.ask("show status")), protocols, tuple(birdc.ask("show route")))
    except DaemonError:
        daemon.disconnect()
        return BirdAnswers()


def md5_failures(leaf: FrrLeaf) -> int:
    """Return how many segments a leaf has refused because their MD5 signature is missing or wrong."""
    with contextlib.suppress(OSError, MachineError), inside(leaf.namespace):
        text = Path("/proc/thread-self/net/netstat").read_text(encoding="ascii")
        names, values = (line.split() for line in text.splitlines() if line.startswith("TcpExt:"))
        counters = dict(zip(names[1:], map(int, values[1:]), strict=False))
        return sum(counters.get(name, 0) for name in ("TCPMD5NotFound", "TCPMD5Unexpected", "TCPMD5Failure"))
    return 0
