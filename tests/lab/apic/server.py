"""Serve the emulator over HTTPS or HTTP on 127.0.0.1, with one port for each controller of the cluster.

``/api`` is APIC's own interface; ``/_lab`` is the lab's, see ``backstage``.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from lab.processes import HOST
from lab.tls import server_context

from . import documents, errors
from .apic import Apic, Request, Response
from .backstage import Backstage
from .misbehaviour import Misbehaviour, Rule
from .request_log import RequestLog
from .seed import Seed
from .subscriptions import LIFETIME
from .tree import Tree

MAX_BODY = 256 * 1024 * 1024


class Dropped(Exception):
    """The connection is closed instead of an answer; ``unsent`` is the answer to a request that was applied."""

    def __init__(self, unsent: Response | None = None) -> None:
        super().__init__("dropped")
        self.unsent = unsent


class ApicServer:
    """Runs an emulator in a thread; a context manager.

    ``seed`` is a structure, a path, or None for ``fabric.yml``. Without ``state_dir`` the state ends with the server.
    ``port`` 0 selects a free one; ``controllers`` is the number of ports that serve the one fabric (``urls``,
    ``ports``). ``expose_secrets`` enables ``/_lab/secrets``.
    """

    def __init__(
        self,
        seed: dict[str, Any] | Path | str | None = None,
        state_dir: Path | str | None = None,
        *,
        port: int = 0,
        https: bool = True,
        controllers: int = 1,
        token_lifetime: float = 600,
        subscription_lifetime: float = LIFETIME,
        expose_secrets: bool = False,
    ) -> None:
        self._scratch = None if state_dir else tempfile.mkdtemp(prefix="lab-apic-")
        self.state_dir = Path(state_dir or self._scratch or "")
        self.state_dir.mkdir(parents=True, exist_ok=True)
        kept = self.state_dir if state_dir else None
        self.apic = Apic(Seed.load(seed), kept, token_lifetime, subscription_lifetime)
        self.log = RequestLog(self.state_dir / "requests.jsonl" if kept else None)
        self.misbehaviour = Misbehaviour()
        self.https = https
        self.ports: list[int] = []
        self._first_port = port
        self._controllers = controllers
        self._expose_secrets = expose_secrets
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="apic", daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> ApicServer:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)

    def stop(self) -> None:
        self.misbehaviour.clear()
        self._in_loop(self.apic.subscriptions.disconnect)
        if self._runner:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def urls(self) -> list[str]:
        return [f"{'https' if self.https else 'http'}://{HOST}:{port}" for port in self.ports]

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def ca_path(self) -> Path:
        return self.state_dir / "ca.pem"

    @property
    def tree(self) -> Tree:
        return self.apic.tree

    def misbehave(self, action: str, **details: Any) -> Rule:
        """Add a rule, see ``misbehaviour.Rule``."""
        return self.misbehaviour.add(action=action, **details)

    def snapshot(self, volatile: bool = True) -> dict[str, Any]:
        return self._in_loop(lambda: self.apic.snapshot(volatile))

    def reset(self) -> None:
        """Go back to the seed; clear the log and the misbehaviour."""
        self._in_loop(self.reset_now)

    def replace_operational(self, source: str, objects: list[dict[str, Any]]) -> int:
        return self._in_loop(lambda: self.apic.replace_operational(source, objects))

    def reset_now(self) -> None:
        """Do as ``reset`` from the server's own thread."""
        self.apic.reset()
        self.log.clear()
        self.misbehaviour.clear()

    def expire_now(self) -> None:
        """End all sessions, and with them their sockets, from the server's own thread."""
        self.apic.gate.expire_all()
        self.apic.subscriptions.disconnect()

    def expire(self) -> None:
        """End all sessions."""
        self._in_loop(self.expire_now)

    def _in_loop(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return call()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(60)

    async def _listen(self) -> None:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/_lab/{what}", Backstage(self, self._expose_secrets).handle)
        app.router.add_route("GET", "/socket{token}", self._socket)
        app.router.add_route("*", "/{path:.*}", self._api)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        context = server_context(self.state_dir) if self.https else None
        for number in range(self._controllers):
            port = self._first_port + number if self._first_port else 0
            site = web.TCPSite(self._runner, HOST, port, ssl_context=context)
            await site.start()
        self.ports = [address[1] for address in self._runner.addresses]

    async def _api(self, request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        body = await request.text()
        try:
            response = await self._answer(request, body)
        except Dropped as drop:
            self._note(request, body, None, drop.unsent.changed if drop.unsent else [], started)
            if request.transport:
                request.transport.abort()
            return web.Response(status=500)
        self._note(request, body, response, response.changed, started)
        return web.Response(
            status=response.status, body=response.body, content_type=response.content_type, headers=response.headers
        )

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        """Send the changes to which a session subscribes, until the session or the connection ends. Its token is not logged."""
        gate, subscriptions = self.apic.gate, self.apic.subscriptions
        if any(rule.action in ("status", "drop") for rule in self.misbehaviour.due("GET", "/socket", self._controller(request))):
            return web.Response(status=503)
        try:
            session = gate.socket(request.match_info["token"])
        except errors.ApicError as refusal:
            return web.Response(status=refusal.status, text=refusal.text)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        outbox = subscriptions.open(session)
        reader = asyncio.ensure_future(socket.receive())  # answers pings and sees the end
        try:
            while (left := gate.left(session)) > 0 and not reader.done():
                next_ = asyncio.ensure_future(outbox.get())
                await asyncio.wait({next_, reader}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                text = next_.result() if next_.done() else ""
                next_.cancel()
                if text is None:
                    break
                if text:
                    await socket.send_str(text)
        finally:
            subscriptions.closed(outbox)
            reader.cancel()
        if request.transport:
            request.transport.abort()
        return socket

    def _controller(self, request: web.Request) -> int:
        return self.ports.index(request.get_extra_info("sockname")[1]) + 1

    async def _answer(self, request: web.Request, body: str) -> Response:
        due = self.misbehaviour.due(request.method, request.path_qs, self._controller(request))
        for rule in due:
            if rule.action == "latency":
                await asyncio.sleep(rule.seconds)
            elif rule.action == "status":
                return _refusal(rule.status, request.path)
            elif rule.action == "answer":
                return Response(200, rule.body.encode(), "text/html")
            elif rule.action == "expire":
                self.expire_now()
            elif rule.action == "disconnect":
                self.apic.subscriptions.disconnect()
            elif rule.action == "unsubscribe":
                self.apic.subscriptions.forget()
            elif rule.action == "hang":
                await self._hang(request)
            elif rule.action == "drop":
                raise Dropped
        cookies = request.headers.get("Cookie", "")
        asked = Request(request.method, request.raw_path, request.path, request.query, cookies, body)
        self.apic.subscriptions.muted = any(rule.action == "mute" for rule in due)
        response = self.apic.handle(asked)
        for rule in due:
            if rule.action == "cut":
                response.body = response.body[: len(response.body) // 2]
            elif rule.action == "hang-after":
                await self._hang(request, response)
            elif rule.action == "drop-after":
                raise Dropped(response)
        return response

    async def _hang(self, request: web.Request, unsent: Response | None = None) -> None:
        """Wait until the hanging requests are released or the client is gone."""
        releases = self.misbehaviour.released
        self.misbehaviour.hung.set()
        while self.misbehaviour.released == releases:
            if request.transport is None or request.transport.is_closing():
                raise Dropped(unsent)
            await asyncio.sleep(0.01)

    def _note(self, request: web.Request, body: str, response: Response | None, changed: list[str], started: float) -> None:
        self.log.add(
            **{
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "method": request.method,
                "path": request.path,
                "query": request.query_string,
                "status": response.status if response else 0,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "in": len(body),
                "out": len(response.body) if response else 0,
                "changed": changed,
            }
        )


_REASONS = {429: "Too many requests", 500: "Internal error", 503: "Unable to deliver the message, Resolve timeout"}


def _refusal(status: int, path: str) -> Response:
    problem = errors.ApicError(status, str(status), _REASONS.get(status, "Refused by the lab"))
    as_xml = path.endswith(".xml")
    body = (documents.error_xml if as_xml else documents.error_json)(problem)
    return Response(status, body, "text/xml" if as_xml else "application/json")
