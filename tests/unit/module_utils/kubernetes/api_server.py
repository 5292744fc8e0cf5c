"""An API server in memory that does what its script says: refuse, break off, answer late, answer nonsense."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import api_exception
from urllib3.exceptions import ProtocolError

from lab.kube.objects import merge


class Fault:
    """One misbehaviour: of requests with a method, before or after they are carried out."""

    def __init__(self, method: str, status: int | None = None, *, after: bool = False, body: str = "", **headers: str) -> None:
        self.method, self.status, self.after, self.body = method, status, after, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def strike(self) -> Any:
        """Raise what the client raises; with a status of 200 return the body as the answer."""
        if self.status == 200:
            return SimpleNamespace(data=self.body.encode())
        if self.status is None:
            raise ProtocolError("Connection broken", ConnectionResetError(104, "Connection reset by peer"))
        raise refusal(self.status, self.body or json.dumps({"message": f"refused with {self.status}"}), self.headers)


def refusal(status: int, body: str, headers: dict[str, str] | None = None) -> Exception:
    """Return the exception of the client for an answer with an error."""
    error = ApiException(status=status, reason={409: "Conflict", 429: "Too Many Requests"}.get(status, "no"))
    error.body, error.headers = body, headers or {}
    return api_exception(error)


class ApiServer:
    """Objects by path. ``faults`` strike one after the other, each at the next request with its method."""

    def __init__(self, objects: dict[str, Any] | None = None, *faults: Fault) -> None:
        self.objects: dict[str, Any] = objects or {}
        self.faults = list(faults)
        self.asked: list[str] = []

    def request(self, method: str, path: str, *, serialize: bool, body: Any = None, **more: Any) -> Any:
        assert not serialize
        self.asked.append(f"{method} {path}")
        fault = next((one for one in self.faults if one.method == method), None)
        if fault:
            self.faults.remove(fault)
            if not fault.after:
                return fault.strike()
        answer = self._answer(method, path, body, more.get("dry_run") == "All")
        if fault:
            fault.strike()
        return SimpleNamespace(data=json.dumps(answer).encode())

    def _answer(self, method: str, path: str, body: Any, dry_run: bool) -> Any:
        if method == "post":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                raise refusal(409, json.dumps({"message": "already exists"}))
            changed = body
        elif path not in self.objects:
            raise refusal(404, json.dumps({"message": "not found"}))
        elif method == "get":
            return self.objects[path]
        else:
            changed = merge(self.objects[path], body) if method == "patch" else None
        if not dry_run:
            self.objects[path] = changed
            if changed is None:
                del self.objects[path]
        return changed or {"kind": "Status"}
