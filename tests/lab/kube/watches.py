"""Watches: streams of the changes of one kind, from a version on.

Follows Kubernetes ("Efficient detection of changes" in the API concepts): a watch without a version begins with the present objects; a
version that is no longer kept gives the event ERROR with the code 410; ``allowWatchBookmarks`` sends the newest version without a
change; ``timeoutSeconds`` ends the stream. A real server sends bookmarks about once a minute, this one at the end of the stream.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import aiohttp.web

from lab.kube.schema import Json

# The changes that are kept, as the cache of a real API server keeps some.
MOST = 1000
_GONE = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410}
# Returns an object as the watch shows it, or None if it does not select it.
Show = Callable[[Json], "Json | None"]


class Watches:
    """The newest changes of all objects, and the streams that show them."""

    def __init__(self) -> None:
        self._changes: list[tuple[int, str, str, Json]] = []
        self._forgotten = 0
        self._news = asyncio.Event()
        self._calls = 0

    def note(self, collection: str, event: str, obj: Json) -> None:
        """Note a change. Its version is that of the object."""
        self._changes.append((int(obj["metadata"]["resourceVersion"]), collection, event, obj))
        if len(self._changes) > MOST:
            self._forgotten = self._changes.pop(0)[0]
        self._wake()

    def compact(self) -> None:
        """Forget the changes, so that no stream can begin at an earlier version."""
        if self._changes:
            self._forgotten = self._changes[-1][0]
            self._changes.clear()

    def disconnect(self) -> None:
        """Close all streams."""
        self._calls += 1
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def serve(
        self, raw: aiohttp.web.BaseRequest, collection: str, show: Show, present: Iterable[Json], newest: str
    ) -> aiohttp.web.StreamResponse:
        """Answer one request.

        :param collection: the kind, in any form.
        :param present: the objects of the kind.
        :param newest: the version of the newest write.
        """
        query = raw.query
        response = aiohttp.web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(raw)
        began = query.get("resourceVersion", "0")
        at = int(newest) if began in ("", "0") else int(began)
        if began in ("", "0"):
            await _send(response, [("ADDED", obj) for obj in map(show, present) if obj])
        if at < self._forgotten:
            await _send(response, [("ERROR", _GONE)])
            return response
        calls, end = self._calls, time.monotonic() + float(query.get("timeoutSeconds", 3600))
        while calls == self._calls and time.monotonic() < end:
            news = self._news
            due = [(event, show(obj)) for number, of, event, obj in self._changes if number > at and of == collection]
            at = max(at, self._changes[-1][0]) if self._changes else at
            await _send(response, [(event, obj) for event, obj in due if obj])
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), max(0.0, end - time.monotonic()))
        if calls != self._calls and raw.transport:
            raw.transport.abort()
        elif query.get("allowWatchBookmarks", "").lower() in ("true", "1"):
            await _send(response, [("BOOKMARK", {"metadata": {"resourceVersion": str(at)}})])
        return response


async def _send(response: aiohttp.web.StreamResponse, events: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    for event, obj in events:
        await response.write(f"{json.dumps({'type': event, 'object': obj})}\n".encode())
