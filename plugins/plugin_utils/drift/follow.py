# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow the drift of one cluster: tell of each difference when it appears, and when it is gone.

Nothing is compared here but as ``drift`` does it. A change on a side, told by APIC's subscriptions (``apic_socket``) or by watches
of Kubernetes (``kube_watch``), is only the reason to read that side as a whole. What was missed is found by the next reading:
after each connection, and at the latest after ``resync`` seconds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ...module_utils.answers import LOGIN
from ...module_utils.apic.state import flatten
from ...module_utils.lease import Lease, from_dict, parse
from ...module_utils.names import LEASE_PREFIX
from ..apic.access import lease_tenant
from ..comparison import APIC, KUBERNETES, apic_queries
from ..lease import Waiting
from ..local import apic_session, run_module
from . import apic_socket, kube_watch, search
from .differences import Found
from .report import as_data

LOG = logging.getLogger("netops.aci_calico.drift")
# What an event tells.
FOUND, GONE, UNREADABLE, READABLE = "found", "gone", "unreadable", "readable"
# The seconds between the first sign of a change and the reading, as changes come in groups; between two readings that fail; between
# two looks at the file of the plan; between two readings while a run holds the lease, whose release is a change, too.
SETTLE, RETRY, LOOK, HELD = 0.2, 60, 2, 15
# Ansible's own arguments of a module.
_QUIET = {"_ansible_no_log": True, "_ansible_check_mode": True}

Put = Callable[[dict[str, Any]], Awaitable[None]]


class UnreadableError(Exception):
    """A side cannot be read, or what was read allows no judgement.

    :ivar refused: whether it refuses the login.
    """

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


@dataclass(frozen=True)
class Settings:
    """The arguments of the event source.

    :ivar plan: the file with the plan of the cluster.
    :ivar apic: the options of ``cisco.aci`` modules.
    :ivar kubernetes: the options of ``kubernetes.core`` modules.
    :ivar password: the BGP password; without it the Secret is not compared.
    :ivar resync: the longest time in seconds between two readings of a side.
    """

    plan: str
    apic: Mapping[str, Any] = field(default_factory=dict, repr=False)
    kubernetes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    password: str = field(default="", repr=False)
    resync: float = 300


def run(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run a module of this collection in this process.

    :raises UnreadableError: it failed.
    """
    result = run_module(name, {**arguments, **_QUIET}, os.getcwd())
    if result.get("failed"):
        raise UnreadableError(str(result.get("msg")))
    return result


# --- the two sides ---------------------------------------------------------------------------------------------------


class Side:
    """One side of the cluster: what was found there last, and whether a run is changing it."""

    name = ""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.found: Found | None = None
        self.held = False
        self.readable = True
        self.refused = False
        self.wake = asyncio.Event()
        self._lease = Waiting(math.inf, "", time.monotonic)

    def read(self, plan: dict[str, Any]) -> Found:
        """Read the side and compare it with the plan."""
        raise NotImplementedError

    async def signals(self, plan: dict[str, Any]) -> None:
        """Wake at each change, and after each time in which one may have been missed."""
        raise NotImplementedError

    def note_lease(self, lease: Lease | None) -> None:
        """Note whether a run that is alive holds the lease of this side."""
        self.held = lease is not None and not self._lease.reason_to_take(self.name, lease)


class ApicSide(Side):
    """APIC."""

    name = APIC

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._session: Any = None
        self._failures: list[dict[str, Any]] = []
        self._one_reader = threading.Lock()

    def read(self, plan: dict[str, Any]) -> Found:
        """Read the cluster's objects. If any differs, read who changed it, and whether a run holds the lease."""
        with self._one_reader:
            objects = self._read(apic_queries(plan))
            found = search.on_apic(lambda _name, arguments: {"objects": self._read(arguments["queries"])}, plan, {}, objects)
            self.note_lease(self._lease_of(plan) if found.differences else None)
        return found

    def _lease_of(self, plan: dict[str, Any]) -> Lease | None:
        gate = f"{LEASE_PREFIX}{plan['cluster']}"
        query = f'query-target=children&target-subtree-class=tagAnnotation&query-target-filter=wcard(tagAnnotation.key,"{gate}")'
        tags = self._read([f"/api/mo/{lease_tenant(plan)}.json?{query}"]).values()
        held = [parse(one["attributes"]["value"]) for one in tags if f"{one['attributes']['key']}:".startswith(f"{gate}:")]
        return max(held, key=lambda lease: lease.renewed, default=None)

    def _read(self, queries: Sequence[str]) -> dict[str, Any]:
        """Return what ``aci_info`` returns, but without a login for each reading, each of which APIC would record."""
        try:
            if self._session is None:
                self._failures.clear()
                self._session = apic_session({**self.settings.apic, **_QUIET}, self._failures)
            session = self._session
            found: dict[str, Any] = session.read_or_fail(
                lambda: flatten([one for path in queries for one in session.get(path)], tags=True)
            )
            return found
        except SystemExit:
            self._session = None
            failure = self._failures[-1]
            refused = (failure.get("error") or {}).get("cause") == LOGIN
            raise UnreadableError(str(failure.get("msg")), refused) from None

    async def signals(self, plan: dict[str, Any]) -> None:
        """Subscribe to the cluster's objects and its lease."""
        await apic_socket.follow(self.settings.apic, apic_socket.queries(plan), self.wake.set)


class KubernetesSide(Side):
    """Kubernetes."""

    name = KUBERNETES

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._calico: dict[str, Any] = {}
        self._read_once = asyncio.Event()
        # The client of Kubernetes keeps its settings in one place of the process.
        self._one_client = threading.Lock()

    def read(self, plan: dict[str, Any]) -> Found:
        """Read Calico's objects, and the lease as soon as its namespace is known."""
        query = search.kubernetes_query(plan, self.settings.kubernetes, self.settings.password)
        for _attempt in range(2):
            namespace = self._calico.get("namespace")
            with self._one_client:
                self._calico = run("calico_info", {**query, **({"lease_namespace": namespace} if namespace else {})})["calico"]
            if self._calico["namespace"] == namespace:
                break
        self.note_lease(from_dict(self._calico["lease"]) if self._calico["lease"] else None)
        found = search.in_kubernetes(plan, self._calico)
        if found.problems:
            raise UnreadableError("; ".join(f"{one.path}: {one.problem}" for one in found.problems))
        return found

    async def signals(self, plan: dict[str, Any]) -> None:
        """Watch the objects that the first reading has found the places of."""
        while not self._calico:
            await asyncio.sleep(LOOK)
        paths = kube_watch.paths(plan, self._calico)
        await kube_watch.follow(self.settings.kubernetes, paths, self.wake.set, self._one_client)


# --- the cluster -----------------------------------------------------------------------------------------------------


class Follower:
    """Tells of the drift of one cluster until it is cancelled.

    :param put: takes an event.
    """

    def __init__(self, put: Put, settings: Settings) -> None:
        self._put = put
        self._settings = settings
        self._sides: Sequence[Side] = (ApicSide(settings), KubernetesSide(settings))
        self._told: dict[str, dict[str, Any]] = {}
        self._telling = asyncio.Lock()

    async def run(self) -> None:
        """Follow the cluster; begin anew whenever the plan changes.

        :raises OSError: there is no plan.
        """
        while True:
            changed = os.stat(self._settings.plan).st_mtime_ns
            with open(self._settings.plan, encoding="utf-8") as file:
                plan = json.load(file)
            tasks = [asyncio.create_task(work) for side in self._sides for work in (self._look(side, plan), side.signals(plan))]
            tasks.append(asyncio.create_task(self._replaced(changed)))
            try:
                done, _others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    one.result()
            finally:
                for one in tasks:
                    one.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _replaced(self, changed: int) -> None:
        """Wait until the plan has been written anew. A missing file is one that is being replaced."""
        while True:
            await asyncio.sleep(LOOK)
            with suppress(OSError):
                if os.stat(self._settings.plan).st_mtime_ns != changed:
                    return

    async def _look(self, side: Side, plan: dict[str, Any]) -> None:
        """Read a side at each sign of a change, and after the time that is the longest without one."""
        side.found = None
        side.wake.set()
        while True:
            retry = apic_socket.REFUSED if side.refused else RETRY
            longest = HELD if side.held else self._settings.resync if side.readable else retry
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(side.wake.wait(), longest)
            await asyncio.sleep(SETTLE)
            side.wake.clear()
            held = side.held
            try:
                side.found = await asyncio.to_thread(side.read, plan)
            except UnreadableError as reason:
                side.refused = reason.refused
                await self._note(plan, side, str(reason))
            else:
                await self._note(plan, side, "")
                if held and not side.held:
                    side.wake.set()  # the run may have ended after the objects were read
                else:
                    await self._tell(plan)

    async def _note(self, plan: dict[str, Any], side: Side, reason: str) -> None:
        """Tell once that a side cannot be read, and once that it can be read again."""
        if side.readable != (not reason):
            side.readable = not reason
            await self._put(
                {
                    "cluster": plan["cluster"],
                    "drift": READABLE if side.readable else UNREADABLE,
                    "side": side.name,
                    "reason": reason,
                }
            )

    async def _tell(self, plan: dict[str, Any]) -> None:
        """Tell what is new and what is gone, unless a run is changing the cluster: it will change more."""
        async with self._telling:
            if any(side.held for side in self._sides):
                return
            read = {side.name: side.found for side in self._sides if side.found}
            found = await asyncio.to_thread(search.together, plan, read.values(), self._settings.apic)
            now = {one["name"]: one for one in as_data(plan["cluster"], found.differences)["differences"]}
            gone = [name for name, one in self._told.items() if one["side"] in read and name not in now]
            for name in gone:
                await self._put({"cluster": plan["cluster"], "drift": GONE, "difference": self._told.pop(name)})
            for name in now.keys() - self._told.keys():
                self._told[name] = now[name]
                await self._put({"cluster": plan["cluster"], "drift": FOUND, "difference": now[name]})
