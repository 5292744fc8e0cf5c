"""Run the embedded API server: TLS, a state folder that outlives it, a request log.

The state folder holds ``ca.pem`` and ``server.pem``, ``token``, ``objects.jsonl`` (every write; the last one counts),
``requests.jsonl``, ``pruned.jsonl`` (dropped fields) and ``secrets.key``. Secrets are encrypted in the file, and no log
has bodies.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp.web
from cryptography.fernet import Fernet

from lab.files import kept
from lab.kube.emulator import Emulator, Logged, Misbehaviour
from lab.kube.interface import ClusterServer, write_kubeconfig
from lab.kube.schema import Kind, load_kinds
from lab.processes import HOST
from lab.tls import server_context


class State:
    """The state that the server keeps in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.token = kept(folder / "token", lambda: secrets.token_urlsafe(24))
        self._cipher = Fernet(kept(folder / "secrets.key", lambda: Fernet.generate_key().decode()))
        self.requests: list[Logged] = []

    def load(self) -> tuple[int, list[dict[str, Any]]]:
        """Return the newest version and the objects of the last run; ignore a last line that was cut off."""
        version = 0
        objects: dict[tuple[str, ...], dict[str, Any]] = {}
        for line in self._lines("objects.jsonl"):
            try:
                entry = json.loads(line)
            except ValueError:
                break
            obj, version = entry["object"], max(version, entry["version"])
            if isinstance(obj, str):
                obj = json.loads(self._cipher.decrypt(obj.encode()))
            key = (obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            if entry["event"] == "DELETED":
                objects.pop(key, None)
            else:
                objects[key] = obj
        return version, list(objects.values())

    def compact(self, version: int, objects: Iterable[dict[str, Any]]) -> None:
        """Start a new journal with the present objects."""
        path = self.folder / "objects.jsonl"
        draft = path.with_suffix(".new")
        draft.write_text("".join(self._entry("ADDED", version, obj) for obj in objects), encoding="utf-8")
        draft.replace(path)

    def written(self, _kind: Kind, event: str, obj: dict[str, Any]) -> None:
        self._append("objects.jsonl", self._entry(event, int(obj["metadata"]["resourceVersion"]), obj))

    def requested(self, request: Logged) -> None:
        self.requests.append(request)
        time = datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="milliseconds")
        self._append("requests.jsonl", json.dumps({"time": time, **asdict(request)}) + "\n")

    def pruned(self, kind: str, name: str, fields: list[str]) -> None:
        self._append("pruned.jsonl", json.dumps({"kind": kind, "name": name, "fields": fields}) + "\n")

    def _entry(self, event: str, version: int, obj: dict[str, Any]) -> str:
        shown: Any = self._cipher.encrypt(json.dumps(obj).encode()).decode() if obj["kind"] == "Secret" else obj
        return json.dumps({"event": event, "version": version, "object": shown}) + "\n"

    def _append(self, name: str, line: str) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(line)

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


class KubeServer(ClusterServer):
    """An embedded API server in a thread of its own."""

    title = "embedded Kubernetes API"

    @property
    def requests(self) -> list[Logged]:
        """Return every request so far, including the requests of the seed."""
        return self.state.requests

    @property
    def misbehaviour(self) -> Misbehaviour:
        """Return the deliberate failures; set its fields to cause some."""
        return self.emulator.misbehaviour

    def __enter__(self) -> KubeServer:
        self._temporary = None if self._state_dir else tempfile.mkdtemp(prefix="lab-kube-")
        self.state = State(Path(self._state_dir or self._temporary or ""))
        self.kubeconfig = self._kubeconfig or self.state.folder / "kubeconfig"
        self.ca_file, self.token = self.state.folder / "ca.pem", self.state.token
        kinds = load_kinds(self._api_groups, self._release, self._operator, self._aggregated)
        self.emulator = Emulator(kinds, self.token, self.state.written, self.state.requested, self.state.pruned)
        ready: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="lab.kube", daemon=True)
        self._thread.start()
        self.url = ready.result(timeout=30)
        write_kubeconfig(self.kubeconfig, self.url, self.ca_file.read_bytes(), self.token)
        self.apply(self._seed)
        return self

    def __exit__(self, *__: object) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _run(self, ready: Future[str]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    async def _serve(self, ready: Future[str]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        version, objects = self.state.load()
        self.state.compact(version, objects)
        async with self.emulator:
            self.emulator.restore(version, objects)
            runner = aiohttp.web.ServerRunner(aiohttp.web.Server(self.emulator), shutdown_timeout=0.1)
            await runner.setup()
            try:
                context = server_context(self.state.folder)
                site = aiohttp.web.TCPSite(runner, HOST, self._port, ssl_context=context, reuse_address=True)
                await site.start()
                ready.set_result(f"https://{HOST}:{runner.addresses[0][1]}")
                await self._stop.wait()
            finally:
                await runner.cleanup()
