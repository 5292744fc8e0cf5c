"""A new password on the twin: each node keeps a session, traffic goes on, and neither password is seen."""

from __future__ import annotations

import base64
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from integration.verify.live import PASSWORD, Live
from integration.verify.play import Play
from unit.plugin_utils.healthy_cluster import VARIABLES

from lab.twin.bench import ESTABLISHED

NEW = "another-BGP-password"


@contextmanager
def watched(live: Live) -> Iterator[tuple[set[str], set[str]]]:
    """Yield the nodes that were seen without a session, and the ends of sessions that were seen down, during the block."""
    alone: set[str] = set()
    down: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            states = live.bench.sessions()
            up = {node for (node, _peer), state in states.items() if state == ESTABLISHED}
            alone.update({node for node, _peer in states} - up)
            down.update(peer for (_node, peer), state in states.items() if state != ESTABLISHED)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield alone, down
    finally:
        ended.set()
        thread.join()


@contextmanager
def pinged(live: Live, near: str, far: str, file: Path) -> Iterator[list[float]]:
    """Yield a list that has, after the block, the times between the answers to pings of a pod."""
    gaps: list[float] = []
    command = live.bench.twin.command_in(near, ["ping", "-D", "-i", "0.05", "-W", "1", "-I", live.pod(near), live.pod(far)])
    # A pipe that nobody reads would stop the pings.
    with file.open("wb") as output, subprocess.Popen(command, stdout=output) as ping:
        try:
            yield gaps
        finally:
            ping.terminate()
    times = [float(at) for at in re.findall(r"\[([\d.]+)\] \d+ bytes from", file.read_text(encoding="utf-8"))]
    gaps += [later - earlier for earlier, later in pairwise(times)]


def test_each_node_keeps_a_session_while_the_password_changes(cluster: Live, tmp_path: Path, root: Path) -> None:
    play = Play(tmp_path, root, cluster, VARIABLES)
    new, consent = f"aci_calico_bgp_password={NEW}", "aci_calico_consent=session-reset"
    try:
        with watched(cluster) as (alone, down), pinged(cluster, "node-4", "node-1", tmp_path / "pings") as gaps:
            done = play("-vvvv", "--diff", "-e", new, "-e", consent, playbook="rotate")
        assert done.returncode == 0, done.stdout
        assert alone == set()
        assert down == {f"192.168.2.{leaf}" for leaf in (201, 202, 203, 204)}
        print(f"longest time between two answers: {max(gaps):.2f} s of {len(gaps)}")
        assert len(gaps) > 20
        assert cluster.get("Secret", "bgp-secrets")["data"] == {"rr-password": base64.b64encode(NEW.encode()).decode()}
        peers = cluster.kube.objects("BGPPeer")
        assert {peer["spec"]["password"]["secretKeyRef"]["key"] for peer in peers} == {"rr-password"}
        assert "rr-password-next" in done.stdout
        said = [
            done.stdout,
            *(path.read_text(encoding="utf-8") for path in (tmp_path / "artifacts").rglob("*") if path.is_file()),
        ]
        # The extra variables of the command line are the test's own.
        assert not [text for text in said if PASSWORD in text or NEW in text.replace(new, "")]
        unchanged = play("--check", "-e", new, playbook="site")
        assert "Nothing would change on APIC or in Kubernetes." in unchanged.stdout
    finally:
        cluster.configure()
        cluster.until_green()
