"""The embedded API server: kmock's Kubernetes emulator, extended to answer as a real API server does.

kmock provides HTTP handling, URL parsing and discovery. This module adds the verbs with their errors, patches, dry runs,
selectors and schemas (``lab.kube.objects`` and ``lab.kube.schema``), watches (``lab.kube.watches``), authentication, and
misbehaviour.

Not served: server-side apply, OpenAPI documents, paging, and every subresource except ``status``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp.web
import kmock

from lab.kube import managers, views
from lab.kube.interface import MERGE_PATCH
from lab.kube.objects import Objects, Refusal, matches_fields, matches_labels
from lab.kube.schema import BUILTIN, Json, Kind
from lab.kube.watches import Watches

STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
VERSION = {"major": "1", "minor": "30", "gitVersion": "v1.30.0-embedded", "platform": "embedded"}
VERBS = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
# For unknown resources of other groups, a real server answers in plain text.
BUILTIN_GROUPS = {api_version.rpartition("/")[0] for api_version, *__ in BUILTIN}
RULES_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
HEALTH = {"/healthz", "/livez", "/readyz"}


@dataclass
class Misbehaviour:
    """Deliberate failures; requests are counted from now on."""

    unavailable: int = 0  # number of requests to answer with 503
    hang_at: int | None = None  # number of requests before one that is never answered
    denied: str = ""  # refuse writes with this in their path and repeat their body, as some admission hooks do


@dataclass(frozen=True)
class Logged:
    """One answered request, without its body."""

    method: str
    path: str
    query: str
    status: int


class Emulator(kmock.KubernetesEmulator):
    """The server's application: called with each request."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        token: str,
        on_write: Callable[[Kind, str, Json], None] = lambda *__: None,
        on_request: Callable[[Logged], None] = lambda __: None,
        on_prune: Callable[[str, str, list[str]], None] = lambda *__: None,
    ) -> None:
        super().__init__()
        self.kinds: dict[tuple[str | None, str | None, str | None], Kind] = {
            (kind.group, kind.version, kind.plural): kind for kind in kinds
        }
        self.store = Objects(self._written)
        self.misbehaviour = Misbehaviour()
        # The rights that it reports for its only user. They are not enforced.
        self.rights = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        self._token = token
        self._persist = on_write
        self._log = on_request
        self._log_pruned = on_prune
        self.watches = Watches()
        self._raw: ContextVar[aiohttp.web.BaseRequest] = ContextVar("raw")
        for kind in kinds:
            self.resources[_served(kind)] = kmock.ResourceInfo(
                namespaced=kind.namespaced,
                kind=kind.kind,
                singular=kind.kind.lower(),
                shortnames=set(kind.short_names),
                verbs=VERBS,
                subresources={"status"} if kind.status_subresource else set(),
            )

    def restore(self, version: int, objects: list[Json]) -> None:
        """Restore the newest version and the objects of an earlier run."""
        kinds = {(kind.storage_version, kind.kind): kind for kind in self.kinds.values()}
        for obj in objects:
            kind = kinds[obj["apiVersion"], obj["kind"]]
            self.store.restore(kind, obj)
        self.store.continue_from(version)

    async def __call__(self, raw_request: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
        path, query = raw_request.path, raw_request.query_string
        if path == "/api/v1/namespaces" or (path.startswith("/api/v1/namespaces/") and path.count("/") == 4):
            # kmock reads this segment only as the scope of namespaced objects, so insert one.
            name = path.removeprefix("/api/v1/namespaces")
            raw_request = raw_request.clone(rel_url=raw_request.rel_url.with_path(f"/api/v1/namespaces/-/namespaces{name}"))
        try:
            await self._misbehave(raw_request)
            if path in HEALTH:
                return aiohttp.web.Response(text="ok")
            self._authenticate(raw_request)
            if path == RULES_REVIEW:
                status = {"resourceRules": self.rights, "nonResourceRules": [], "incomplete": False}
                return aiohttp.web.json_response({"kind": "SelfSubjectRulesReview", "status": status}, status=201)
            self._raw.set(raw_request)
            response = await super().__call__(raw_request)
        except ConnectionError:  # the client of a watch is gone
            response = aiohttp.web.Response(status=499)
        except Refusal as refusal:
            response = aiohttp.web.json_response(refusal.body, status=refusal.status)
        finally:
            self._requests.clear()  # kmock keeps them for assertions; bodies may hold secrets
        self._log(Logged(raw_request.method, path, query, response.status))
        return response

    async def _misbehave(self, raw_request: aiohttp.web.BaseRequest) -> None:
        if self.misbehaviour.hang_at is not None:
            self.misbehaviour.hang_at -= 1
            if self.misbehaviour.hang_at < 0:
                await asyncio.Event().wait()
        if self.misbehaviour.unavailable > 0:
            self.misbehaviour.unavailable -= 1
            raise Refusal(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        denied = self.misbehaviour.denied
        if denied and denied in raw_request.path and raw_request.method != "GET":
            raise Refusal(403, "Forbidden", f"admission webhook denied the request: {await raw_request.text()}")

    def _authenticate(self, raw_request: aiohttp.web.BaseRequest) -> None:
        if raw_request.headers.get("Authorization") != f"Bearer {self._token}":
            raise Refusal(401, "Unauthorized", "Unauthorized")

    async def _handle(self, request: kmock.Request) -> aiohttp.web.StreamResponse:
        resource = request.resource
        if resource is None:
            return await super()._handle(request)
        kind = self.kinds.get((resource.group, resource.version, resource.plural))
        if kind is None and self._is_nobodys(resource):
            return aiohttp.web.Response(status=404, text="404 page not found\n")
        if resource.plural is None:
            return await super()._handle(request)
        try:
            if kind is None or request.subresource not in ((None, "status") if kind.status_subresource else (None,)):
                raise Refusal(404, "NotFound", "the server could not find the requested resource")
            if request.method == "GET" and request.params.get("watch", "").lower() in ("true", "1"):
                return await self._watch(kind, request)
            return self._answer(kind, request)
        except Refusal as refusal:
            return aiohttp.web.json_response(refusal.body, status=refusal.status)

    def _is_nobodys(self, resource: kmock.resource) -> bool:
        """Return True for a group or resource that no part of a real server handles."""
        if resource.group is None or resource.group in BUILTIN_GROUPS:
            return False
        return resource.plural is not None or resource.group not in {group for group, _version, _plural in self.kinds}

    async def _watch(self, kind: Kind, request: kmock.Request) -> aiohttp.web.StreamResponse:
        namespace, labels = _namespace(kind, request), request.params.get("labelSelector", "")
        fields = f"metadata.name={request.name}" if request.name else request.params.get("fieldSelector", "")

        def show(obj: Json) -> Json | None:
            fits = namespace in (None, obj["metadata"].get("namespace"))
            shown = _shown(kind, obj)
            chosen = matches_labels(labels, shown["metadata"].get("labels") or {}) and matches_fields(fields, obj, kind)
            return shown if fits and chosen else None

        present = self.store.select(kind, namespace)
        return await self.watches.serve(self._raw.get(), _collection(kind), show, present, self.store.version)

    def _answer(self, kind: Kind, request: kmock.Request) -> aiohttp.web.Response:
        namespace, name = _namespace(kind, request), request.name
        self.store.manager = managers.manager_of(request.params.get("fieldManager", ""), request.headers.get("User-Agent", ""))
        self.store.subresource = request.subresource or ""
        dry_run = _is_dry_run(request)
        if request.method == "GET":
            return aiohttp.web.json_response(
                _shown(kind, self.store.get(kind, namespace, name)) if name else self._list(kind, namespace, request)
            )
        if request.method == "POST" and name is None:
            obj, pruned = self.store.create(kind, namespace, _body(request), dry_run)
            return self._changed(kind, obj, pruned, status=201)
        if request.method == "PUT" and name:
            status = request.subresource == "status"
            return self._changed(kind, *self.store.replace(kind, namespace, name, _body(request), status, dry_run))
        if request.method == "PATCH" and name:
            return self._changed(kind, *self._patch(kind, namespace, name, request, dry_run))
        if request.method == "DELETE":
            return aiohttp.web.json_response(self._delete(kind, namespace, name, request, dry_run))
        raise Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def _list(self, kind: Kind, namespace: str | None, request: kmock.Request) -> Json:
        items = [_shown(kind, obj) for obj in self._select(kind, namespace, request)]
        if not kind.custom:
            items = [{key: value for key, value in item.items() if key not in ("apiVersion", "kind")} for item in items]
        return {
            "apiVersion": kind.api_version,
            "kind": f"{kind.kind}List",
            "metadata": {"resourceVersion": self.store.version},
            "items": items,
        }

    def _select(self, kind: Kind, namespace: str | None, request: kmock.Request) -> list[Json]:
        labels, fields = request.params.get("labelSelector", ""), request.params.get("fieldSelector", "")
        return self.store.select(kind, namespace, labels, fields)

    def _patch(
        self, kind: Kind, namespace: str | None, name: str, request: kmock.Request, dry_run: bool
    ) -> tuple[Json, list[str]]:
        content_type = request.headers.get("Content-Type", "").partition(";")[0]
        accepted = [MERGE_PATCH] if kind.custom else [MERGE_PATCH, STRATEGIC_MERGE_PATCH]
        if content_type not in accepted:
            message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
            raise Refusal(415, "UnsupportedMediaType", message)
        strategic = content_type == STRATEGIC_MERGE_PATCH
        return self.store.patch(kind, namespace, name, _body(request), strategic, request.subresource == "status", dry_run)

    def _delete(self, kind: Kind, namespace: str | None, name: str | None, request: kmock.Request, dry_run: bool) -> Json:
        if name is not None:
            options = _body(request) if request.body else {}
            obj = self.store.delete(kind, namespace, name, dry_run, options.get("preconditions"))
            details = {"name": name, "group": kind.group, "kind": kind.plural, "uid": obj["metadata"]["uid"]}
            return {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success", "details": details}
        listing = self._list(kind, namespace, request)
        for obj in self._select(kind, namespace, request):
            self.store.delete(kind, obj["metadata"].get("namespace"), obj["metadata"]["name"], dry_run)
        return listing

    def _changed(self, kind: Kind, obj: Json, pruned: list[str], status: int = 200) -> aiohttp.web.Response:
        response = aiohttp.web.json_response(_shown(kind, obj), status=status)
        if pruned:
            self._log_pruned(kind.kind, obj["metadata"]["name"], pruned)
            for path in pruned:
                response.headers.add("Warning", f'299 - "unknown field \\"{path}\\""')
        return response

    def _written(self, kind: Kind, event: str, _old: Json | None, new: Json) -> None:
        self._persist(kind, event, new)
        self.watches.note(_collection(kind), event, new)

    async def _serve_server_version(self, request: kmock.Request) -> dict[str, str]:
        return dict(VERSION)

    async def _serve_version(self, request: kmock.Request) -> Any:
        answer: Any = await super()._serve_version(request)
        return {**answer, "groupVersion": answer["groupVersion"].lstrip("/")}


def _served(kind: Kind) -> kmock.resource:
    return kmock.resource(group=kind.group, version=kind.version, plural=kind.plural)


def _collection(kind: Kind) -> str:
    return f"{kind.storage_version}/{kind.plural}"


def _shown(kind: Kind, obj: Json) -> Json:
    return {**(views.shown(obj) if kind.aggregated else obj), "apiVersion": kind.api_version}


def _namespace(kind: Kind, request: kmock.Request) -> str | None:
    return request.namespace if kind.namespaced else None


def _is_dry_run(request: kmock.Request) -> bool:
    value = request.params.get("dryRun")
    if value not in (None, "All"):
        raise Refusal(422, "Invalid", f'dryRun: Unsupported value: "{value}": supported values: "All"')
    return value is not None


def _body(request: kmock.Request) -> Json:
    try:
        body = json.loads(request.body)
    except ValueError:
        raise Refusal(400, "BadRequest", "the object provided is unrecognized: not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "BadRequest", "the object provided is unrecognized: not an object")
    return body
