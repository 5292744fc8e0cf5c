"""The lab's own interface below ``/_lab``, which the request log leaves out.

- ``GET status``; ``GET log?since=N`` and ``DELETE log``; ``GET tree?volatile=no``; ``POST reset``
- ``GET``, ``POST`` and ``DELETE misbehave`` (see ``misbehaviour.Rule``); ``POST release``
- ``PUT operational``: ``{"source": name, "objects": [...]}`` replaces the live state of this source
- ``GET secrets?dn=...`` or ``?class=...``: the secure properties, if the server was started with ``expose_secrets``
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import errors

if TYPE_CHECKING:
    from .server import ApicServer


class Backstage:
    """Handlers, named after method and path."""

    def __init__(self, server: ApicServer, expose_secrets: bool) -> None:
        self._server = server
        self._expose_secrets = expose_secrets

    async def handle(self, request: web.Request) -> web.StreamResponse:
        handler = getattr(self, f"_{request.method.lower()}_{request.match_info['what']}", None)
        if handler is None:
            return web.json_response({"error": f"no such thing: {request.method} {request.path}"}, status=404)
        try:
            payload = await request.json() if request.can_read_body else {}
            return web.json_response(handler(request.query, payload))
        except (errors.ApicError, ValueError, TypeError, KeyError) as problem:
            return web.json_response({"error": str(problem)}, status=400)

    def _get_status(self, _query: Any, _payload: Any) -> dict[str, Any]:
        return {"urls": self._server.urls, "objects": len(self._server.tree.by_dn), "requests": len(self._server.log)}

    def _get_log(self, query: Any, _payload: Any) -> list[dict[str, Any]]:
        return self._server.log.entries[int(query.get("since", 0)) :]

    def _delete_log(self, _query: Any, _payload: Any) -> dict[str, Any]:
        self._server.log.clear()
        return {}

    def _get_tree(self, query: Any, _payload: Any) -> dict[str, Any]:
        return self._server.apic.snapshot(query.get("volatile", "yes") == "yes")

    def _post_reset(self, _query: Any, _payload: Any) -> dict[str, Any]:
        self._server.reset_now()
        return {}

    def _get_misbehave(self, _query: Any, _payload: Any) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self._server.misbehaviour.rules]

    def _post_misbehave(self, _query: Any, payload: Any) -> dict[str, Any]:
        return {"id": self._server.misbehaviour.add(**payload).id}

    def _delete_misbehave(self, _query: Any, _payload: Any) -> dict[str, Any]:
        self._server.misbehaviour.clear()
        return {}

    def _post_release(self, _query: Any, _payload: Any) -> dict[str, Any]:
        self._server.misbehaviour.release()
        return {}

    def _put_operational(self, _query: Any, payload: Any) -> dict[str, Any]:
        return {"objects": self._server.apic.replace_operational(payload["source"], payload["objects"])}

    def _get_secrets(self, query: Any, _payload: Any) -> dict[str, Any]:
        if not self._expose_secrets:
            raise ValueError("the emulator was started without secrets")
        return self._server.apic.secrets(query.get("dn"), query.get("class"))
