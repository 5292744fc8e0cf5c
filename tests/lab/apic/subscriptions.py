"""Subscriptions: changes in the results of a query are sent over a WebSocket.

A client opens ``/socketTOKEN``, sends queries with ``subscription=yes``, and refreshes each ``subscriptionId`` within 60 seconds or
its ``refresh-timeout``. A socket belongs to a session and ends with it. Nothing is kept for a session without a socket.

Sources: "Subscribing to Query Results" in Cisco's APIC REST API Configuration Guide (the socket, ids, refresh, the form of an event);
datacenter/acitoolkit ``acisession.py`` (paths); k3l0-dev/niwaki ``docs/guide/subscribing.md`` (a modified object comes with its changed
properties, a deleted one with its DN only; no replay). Guesses: the answer to the refresh of an unknown subscription; that filters
apply to the last values of a deleted object.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from . import errors
from .changes import Change
from .query import Options
from .tree import ManagedObject, Tree

LIFETIME = 60.0
_FIRST = 72057598349672454
Matches = Callable[[ManagedObject], bool]
# The texts that a socket sends; None ends it.
Outbox = asyncio.Queue["str | None"]


@dataclass
class Subscription:
    """A subscribed query of a session."""

    session: str
    matches: Matches
    lifetime: float
    expires: float


class Subscriptions:
    """The subscriptions and open sockets of all sessions.

    :ivar muted: whether changes are not sent at present, as the lab may ask.
    """

    def __init__(self, lifetime: float = LIFETIME) -> None:
        self._lifetime = lifetime
        self._held: dict[str, Subscription] = {}
        self._sockets: list[tuple[str, Outbox]] = []
        self._ids = itertools.count(_FIRST)
        self.muted = False

    def add(self, session: str, matches: Matches, lifetime: str = "") -> str:
        """Return the id of a new subscription."""
        seconds = float(lifetime) if lifetime.isdecimal() else self._lifetime
        number = str(next(self._ids))
        self._held[number] = Subscription(session, matches, seconds, time.monotonic() + seconds)
        return number

    def refresh(self, session: str, ids: Iterable[str]) -> None:
        """Let subscriptions live on. Raises error 400 for an unknown one, or one that has expired."""
        for number in ids:
            found = self._held.get(number)
            if found is None or found.session != session or found.expires < time.monotonic():
                raise errors.bad_request("400", f"Subscription {number} not found")
            found.expires = time.monotonic() + found.lifetime

    def open(self, session: str) -> Outbox:
        """Return what a new socket of a session sends."""
        outbox: Outbox = asyncio.Queue()
        self._sockets.append((session, outbox))
        return outbox

    def closed(self, outbox: Outbox) -> None:
        """Forget a socket."""
        self._sockets = [(session, one) for session, one in self._sockets if one is not outbox]

    def disconnect(self) -> None:
        """Close all sockets."""
        for _session, outbox in self._sockets:
            outbox.put_nowait(None)
        self._sockets.clear()

    def counted(self) -> int:
        """Return the number of subscriptions that a socket can tell of."""
        open_ = {session for session, _outbox in self._sockets}
        return sum(one.session in open_ for one in self._held.values())

    def forget(self) -> None:
        """Forget all subscriptions; the sockets stay open."""
        self._held.clear()

    def publish(self, changes: Mapping[str, Change], removed: Mapping[str, ManagedObject]) -> None:
        """Send the changes of one transaction to the sockets of the sessions that subscribed to them."""
        now = time.monotonic()
        self._held = {number: one for number, one in self._held.items() if one.expires >= now}
        if self.muted:
            return
        gone = {dn: Change(mo, "deleted") for dn, mo in removed.items() if dn not in changes}
        for session, outbox in self._sockets:
            own = {number: one for number, one in self._held.items() if one.session == session}
            for change in (*changes.values(), *gone.values()):
                ids = [number for number, one in own.items() if one.matches(change.mo)]
                if ids:
                    event = {"subscriptionId": ids, "imdata": [{change.mo.cls: {"attributes": dict(_told(change))}}]}
                    outbox.put_nowait(json.dumps(event))


def _told(change: Change) -> Iterator[tuple[str, str]]:
    mo = change.mo
    yield from {"childAction": "", "dn": mo.dn, "rn": "", "status": change.status}.items()
    if change.status == "created":
        yield from mo.values.items()
    elif change.status == "modified":
        yield from ((name, mo.values[name]) for name in (*change.attributes, "modTs") if name in mo.values)


def selects(tree: Tree, options: Options, dn: str = "", cls: str = "") -> Matches:
    """Return whether an object is in the scope of a query.

    :param dn: the object that is asked for, or that one of the class must be below.
    :param cls: the class that is asked for.
    """
    classes = tree.table.concrete(cls) if cls else ()

    def is_base(mo: ManagedObject) -> bool:
        return mo.dn == dn if not cls else mo.cls in classes and (not dn or mo.dn.startswith(f"{dn}/"))

    def matches(mo: ManagedObject) -> bool:
        parents = [mo.parent] if mo.parent else []
        scope = {"self": [mo], "children": parents, "subtree": [mo, *mo.ancestors()]}[options.target]
        fits = not options.target_classes or mo.cls in options.target_classes
        chosen = options.target_filter is None or options.target_filter(mo)
        return any(map(is_base, scope)) and fits and chosen and options.sees(mo)

    return matches
