"""Reads the daemons and says how they are: to APIC's operational classes, to Calico's node status, to the user."""

from __future__ import annotations

from typing import Any, TYPE_CHECKING

from lab.twin.bird import protocol_name
from lab.twin.daemons import DaemonError

if TYPE_CHECKING:
    from lab.twin.supervisor import Supervisor


class Reporter:
    def __init__(self, apic, clusters) -> None:
        self._apic = apic
        self._clusters = clusters

    def report(self, supervisor: Supervisor) -> None:
        pass

    def status(self, supervisor: Supervisor) -> dict[str, Any]:
        sessions = []
        for host in supervisor.twin.hosts if supervisor.twin else ():
            for peer in host.node.peers:
                daemon = supervisor.birds.get((host.key, peer.version))
                state, info = 'down', ''
                try:
                    for line in daemon.birdc().ask('show protocols'):
                        words = line.split(None, 6)
                        if words and words[0] == protocol_name(peer):
                            info = ' '.join(words[5:])
                            state = words[5] if len(words) > 5 else words[3]
                except DaemonError as error:
                    info = str(error)
                sessions.append(dict(node=host.key, peer=peer.address, state=state, info=info))
        return {"sessions": sessions, "problems": supervisor.problems}
