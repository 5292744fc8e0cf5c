"""The lab's own interface below ``/_lab``, which the request log leaves out.

- ``GET status``; ``GET log?since=N`` and ``DELETE log``; ``GET tree?volatile=no``; ``POST reset``
- ``GET``, ``POST`` and ``DELETE misbehave`` (see ``misbehaviour.Rule``); ``POST release``
- ``PUT operational``: ``{"source": name, "objects": [...]}`` replaces the live state of this source
- ``GET secrets?dn=...`` or ``?class=...``: the secure properties, if the server was started with ``expose_secrets``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import errors

if TYPE_CHECKING:
    from .server import ApicServer


class Backstage:
    """Handlers by method and name; each gets the query and the JSON body."""

    def __init__(self, server: ApicServer, expose_secrets: bool) -> None:
        apic, log, misbehaviour = server.apic, server.log, server.misbehaviour
        self._expose_secrets = expose_secrets
        self._apic = apic
        self._handlers: dict[str, Callable[[Any, Any], Any]] = {
            "GET status": lambda *__: {"urls": server.urls, "objects": len(server.tree.by_dn), "requests": len(log)},
            "GET log": lambda query, __: log.entries[int(query.get("since", 0)) :],
            "DELETE log": lambda *__: log.clear(),
            "GET tree": lambda query, __: apic.snapshot(query.get("volatile", "yes") == "yes"),
            "POST reset": lambda *__: server.reset_now(),
            "GET misbehave": lambda *__: [asdict(rule) for rule in misbehaviour.rules],
            "POST misbehave": lambda __, rule: {"id": misbehaviour.add(**rule).id},
            "DELETE misbehave": lambda *__: misbehaviour.clear(),
            "POST release": lambda *__: misbehaviour.release(),
            "PUT operational": lambda __, body: {"objects": apic.replace_operational(body["source"], body["objects"])},
            "GET secrets": self._secrets,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        handler = self._handlers.get(f"{request.method} {request.match_info['what']}")
        if handler is None:
            return web.json_response({"error": f"no such thing: {request.method} {request.path}"}, status=404)
        try:
            answer = handler(request.query, await request.json() if request.can_read_body else {})
            return web.json_response({} if answer is None else answer)
        except (errors.ApicError, ValueError, TypeError, KeyError) as problem:
            return web.json_response({"error": str(problem)}, status=400)

    def _secrets(self, query: Any, __: Any) -> dict[str, Any]:
        if not self._expose_secrets:
            raise ValueError("the emulator was started without secrets")
        return self._apic.secrets(query.get("dn"), query.get("class"))
