"""Runs several clients of a lease in each possible order of their requests."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from copy import deepcopy
from typing import Any

Steps = Generator[Any, Any, Any]


class Client:
    """One client: its steps, what it wants to send next, and its outcome at the end."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.outcome: Any = None
        self.ended = False
        self.request = self._next(None)

    def _next(self, reply: Any) -> Any:
        try:
            return self._steps.send(reply)
        except StopIteration as end:
            self.ended, self.outcome = True, end.value
            return None

    def advance(self, server: Any) -> None:
        """Send the next request."""
        self.request = self._next(server.handle(self.request))


def every_order(server: Any, clients: Callable[[], list[Steps]]) -> Iterator[tuple[Any, list[Client], tuple[int, ...]]]:
    """Yield the server and the clients at the end of each possible order of their requests.

    Generators cannot be copied: each order is played from the start.
    """
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        order = waiting.pop()
        fresh, played = deepcopy(server), [Client(steps) for steps in clients()]
        for number in order:
            played[number].advance(fresh)
        left = [number for number, client in enumerate(played) if not client.ended]
        if left:
            waiting += [(*order, number) for number in left]
        else:
            yield fresh, played, order
