"""Misbehaviour on demand: latency, errors, dropped connections, hangs and expired tokens at chosen requests."""

from __future__ import annotations

import itertools
import re
import threading
from dataclasses import dataclass, field
from typing import Any

#: the actions of a rule
ACTIONS = (
    "latency",
    "status",
    "answer",
    "cut",
    "drop",
    "drop-after",
    "hang",
    "hang-after",
    "expire",
    "disconnect",
    "mute",
    "unsubscribe",
)


@dataclass
class Rule:
    """One misbehaviour: ``action`` hits the ``nth`` matching request from now on (1: the next) and ``count`` of them
    (0: all).

    ``latency`` waits ``seconds``. ``status`` answers with that HTTP status. ``answer`` answers with status 200 and ``body``.
    ``cut`` sends the first half of the answer only. ``drop`` closes the connection before the
    request is processed, ``drop-after`` afterwards. ``hang`` and ``hang-after`` do not answer until ``release``.
    ``expire`` ends every session first, ``unsubscribe`` forgets every subscription, ``disconnect`` closes every socket. ``mute`` does not
    send the changes of the request to the sockets. ``method``, ``path`` (a regular expression) and ``controller`` (from 1) select
    the requests.
    """

    action: str
    nth: int = 1
    count: int = 1
    seconds: float = 0.0
    status: int = 503
    body: str = ""
    method: str | None = None
    path: str | None = None
    controller: int | None = None
    id: int = 0
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown action {self.action}: one of {', '.join(ACTIONS)}")
        if self.nth < 1 or self.count < 0:
            raise ValueError("nth must be at least 1 and count at least 0")

    def strikes(self, method: str, path: str, controller: int) -> bool:
        """Count a request that matches; return True if the rule hits it."""
        if (self.method and self.method.upper() != method) or self.controller not in (None, controller):
            return False
        if self.path and not re.search(self.path, path):
            return False
        self.seen += 1
        due = self.seen >= self.nth and (self.count == 0 or self.seen < self.nth + self.count)
        self.hits += due
        return due


@dataclass
class Misbehaviour:
    """The rules in force. ``hung`` is set while a request hangs; ``release`` ends all hangs."""

    rules: list[Rule] = field(default_factory=list)
    hung: threading.Event = field(default_factory=threading.Event)
    released: int = 0
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def add(self, **rule: Any) -> Rule:
        """Add a rule. Raises ValueError or TypeError for an impossible one."""
        added = Rule(**rule, id=next(self._ids))
        self.rules.append(added)
        return added

    def clear(self) -> None:
        self.rules.clear()
        self.release()

    def release(self) -> None:
        self.released += 1
        self.hung.clear()

    def due(self, method: str, path: str, controller: int = 1) -> list[Rule]:
        """Return the rules that hit this request."""
        return [rule for rule in list(self.rules) if rule.strikes(method, path, controller)]
