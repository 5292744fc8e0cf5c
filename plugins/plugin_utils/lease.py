# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leases from the point of view of a run: who it is, and whether it may take over the lease of another one.

Clocks of control nodes differ, so the age of a lease is the time for which the waiting run has seen it unchanged. This is how
Kubernetes elects leaders, too.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..module_utils.lease import Lease, clean, from_dict
from ..module_utils.names import LEASE_NAME, LEASE_PREFIX
from .apic.access import lease_tenant
from .schema.problems import Problem

# Leases are always taken in this order, so that no two runs wait for each other.
SIDES = ("apic", "kubernetes")
PROC = Path("/proc")
# The seconds between two looks at a lease that another run holds.
LOOK_EVERY = 3


# --- this run --------------------------------------------------------------------------------------------------------


def new_lease(doing: str, playbooks: Sequence[str], job: str, pid: int) -> Lease:
    """Return the lease of this run.

    :param playbooks: the files that ansible-playbook was given.
    :param job: the number of the job in AWX, if there is one.
    :param pid: the process that runs the playbook.
    """
    return Lease(
        run=secrets.token_hex(6),
        holder=clean(f"{_user()}@{socket.gethostname()}"),
        process=f"job {clean(job)}" if job else f"pid {pid}",
        mark=process_mark(pid),
        playbook=clean(" ".join(os.path.basename(name) for name in playbooks)),
        doing=clean(doing),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


def process_mark(pid: int) -> str:
    """Return a text that identifies a process of this machine: boot, namespace of process ids, id, and time of its start.

    :returns: an empty text where the system does not tell.
    """
    try:
        return f"{_machine()} {pid} {_started(pid)}"
    except (OSError, IndexError):
        return ""


def _machine() -> str:
    boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {os.readlink(PROC / 'self/ns/pid')}"


def _started(pid: int) -> str:
    # The name of the program, in brackets, may contain spaces.
    return (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]


def has_ended(mark: str) -> bool:
    """Return whether the process with this mark ran on this machine and has ended. Of other machines nothing is known."""
    machine, __, process = mark.rpartition(" ")[0].rpartition(" ")
    try:
        if not mark or machine != _machine():
            return False
    except OSError:
        return False
    return process_mark(int(process) if process.isdecimal() else 0) != mark


# --- the place of a lease --------------------------------------------------------------------------------------------


def place(plan: Mapping[str, Any], side: str) -> str:
    """Return where a lease is, for problems."""
    return (
        f"Lease/{LEASE_NAME}" if side == "kubernetes" else f"{lease_tenant(plan)}/annotationKey-[{LEASE_PREFIX}{plan['cluster']}]"
    )


# --- the lease of another run ----------------------------------------------------------------------------------------


@dataclass
class Waiting:
    """Decides what to do about the lease of another run.

    :param limit: the seconds to wait at most.
    :param take: the holder (``user@host``) or the run whose lease is taken over at once.
    """

    limit: float
    take: str
    clock: Callable[[], float]
    ended: Callable[[str], bool] = has_ended
    _began: float | None = None
    _seen: tuple[str, str] = ("", "")
    _since: float = 0
    _shown: dict[str, float] = field(default_factory=dict)

    def reason_to_take(self, side: str, holder: Lease) -> str:
        """Return why the lease may be taken over, an empty text if it may not."""
        now = self.clock()
        self._began = now if self._began is None else self._began
        seen = (side + holder.run, holder.renewed)
        if seen != self._seen:
            self._seen, self._since = seen, now
        if self.take and self.take in (holder.run, holder.holder):
            return "aci_calico_take_lease names it"
        if self.ended(holder.mark):
            return "its process on this machine has ended"
        if now - self._since >= holder.seconds:
            return f"it was not renewed for {now - self._since:.0f} s"
        return ""

    def over(self) -> bool:
        """Return whether the time is up."""
        return self._began is not None and self.clock() - self._began >= self.limit

    def news(self, text: str) -> bool:
        """Return whether a text is worth showing: it is new, or was last shown half a minute ago."""
        now = self.clock()
        if text in self._shown and now - self._shown[text] < 30:
            return False
        self._shown[text] = now
        return True


def taken_over(plan: Mapping[str, Any], side: str, holder: Lease, reason: str) -> str:
    """Return the warning that this run takes over a lease."""
    return f"{plan['cluster']}: {place(plan, side)} is taken over, because {reason}. Before, {holder.described()}"


def held_problem(plan: Mapping[str, Any], side: str, holder: Lease) -> Problem:
    """Return the problem that another run holds a lease."""
    return Problem(
        "lease-held",
        place(plan, side),
        f"Another run changes this cluster: {holder.described()}",
        f"Wait until it has ended. If it will never end, take its lease: -e aci_calico_take_lease={holder.run}",
    )


def lost_problem(plan: Mapping[str, Any], side: str, holder: Mapping[str, Any] | None) -> Problem:
    """Return the problem that another run took the lease of this one.

    :param holder: the content of the present lease, if there is one.
    """
    who = f"now {from_dict(holder).described()}" if holder else "nobody holds it now"
    return Problem(
        "lease-lost", place(plan, side), f"This run no longer holds its lease, and stops before its next change: {who}"
    )
