"""The controller: parse one request, query or change the tree, and answer. It knows nothing of the network."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from . import conflicts, documents, errors, faults, query, rules
from .access import Rights
from .audit import AuditLog
from .auth import COOKIE, Gate
from .changes import changes_as_nodes
from .documents import Node, Posted, Renderer
from .model import class_table
from .planting import Planting
from .relations import Relations
from .seed import Seed
from .store import Store
from .subscriptions import LIFETIME, Matches, Subscriptions, selects
from .transaction import Transaction
from .tree import ManagedObject, Tree


@dataclass
class Request:
    """One request. ``target`` is the path with its query as the client sent it; ``path`` and ``query`` are decoded."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    cookies: str
    body: str


@dataclass
class Response:
    """One answer. ``changed`` holds the DNs of the objects that the request changed."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)


class Apic:
    """The controller of a fabric that starts from ``seed``, or from the state in ``state_dir`` if an earlier run left any."""

    def __init__(
        self, seed: Seed, state_dir: Path | None = None, token_lifetime: float = 600, subscription_lifetime: float = LIFETIME
    ) -> None:
        self.table = class_table()
        self.subscriptions = Subscriptions(subscription_lifetime)
        self.seed = seed
        self.store = Store(state_dir) if state_dir else None
        self._token_lifetime = token_lifetime
        if self.store and self.store.exists:
            self._start_empty()
            self.store.load(self.tree)
            self.relations.rebuild()
            self.tree.begin()
        else:
            self.reset()

    def reset(self) -> None:
        """Go back to the seed and forget everything else."""
        self._start_empty()
        planting = Planting(self.tree, _now())
        for dn, attributes in self.seed.objects():
            planting.plant(dn, attributes)
        faults.reconcile(self.tree, self.relations.rebuild(), _now())
        conflicts.reconcile(self.tree, _now())
        self.tree.begin()
        if self.store:
            self.store.save(self.tree)

    def _start_empty(self) -> None:
        self.tree = Tree(self.table)
        self.relations = Relations(self.tree)
        self.gate = Gate(self.tree, self._token_lifetime)
        self.subscriptions.forget()
        self.audit = AuditLog(self.tree)
        self._operational: dict[str, list[str]] = {}

    def handle(self, request: Request) -> Response:
        """Answer a request; an error becomes an answer, too."""
        as_xml = request.path.endswith(".xml")
        content_type = "text/xml" if as_xml else "application/json"
        try:
            response = self._route(request, as_xml)
        except errors.ApicError as problem:
            body = (documents.error_xml if as_xml else documents.error_json)(problem)
            return Response(problem.status, body, content_type)
        response.content_type = content_type
        return response

    def _route(self, request: Request, as_xml: bool) -> Response:
        route = _without_suffix(request.path)
        kind, __, rest = route.partition("/")
        if kind == "aaaLogin":
            return self._log_in(request, as_xml)
        if kind == "aaaListDomains":
            return Response(200, b'{"totalCount":"1","imdata":[{"name":"DefaultAuth","type":"DefaultAuth"}]}')
        paths = (request.target, unquote(request.target))
        user = self.gate.user_of(request.cookies, request.method, paths, request.body)
        if kind == "aaaRefresh":
            return self._session(self.gate.renew(request.cookies, user), user)
        if kind == "subscriptionRefresh":
            self.subscriptions.refresh(self.gate.session_of(request.cookies), request.query.get("id", "").split(","))
            return self._rendered([], 0, as_xml)
        if kind == "aaaLogout":
            self.gate.log_out(request.cookies)
            return self._rendered([], 0, as_xml)
        if kind == "mo":
            return self._on_object(request, rest, user, as_xml)
        if kind == "class" and request.method == "GET":
            below, __, cls = rest.rpartition("/")
            options = self._options(request, user)
            found = query.of_class(self.tree, cls, below, options)
            scope = selects(self.tree, options, below, cls)
            return self._subscribed(request, scope, self._rendered(*found, as_xml, options))
        raise errors.ApicError(404, "404", f"Resource not found: {request.path}")

    def _on_object(self, request: Request, dn: str, user: str, as_xml: bool) -> Response:
        if request.method == "GET":
            options = self._options(request, user)
            found = query.of_object(self.tree, dn, options)
            return self._subscribed(request, selects(self.tree, options, dn), self._rendered(*found, as_xml, options))
        if request.method not in ("POST", "PUT", "DELETE"):
            raise errors.ApicError(405, "405", f"Method {request.method} is not allowed")
        transaction = self._change(request, dn, user, as_xml)
        nodes = changes_as_nodes(transaction.changes) if request.query.get("rsp-subtree") == "modified" else []
        response = self._rendered(nodes, len(nodes), as_xml)
        response.changed = list(transaction.changes)
        return response

    def _subscribed(self, request: Request, scope: Matches, response: Response) -> Response:
        """Return a response with the id of a subscription if the request, in JSON, asks for one."""
        if request.query.get("subscription") == "yes":
            session, lifetime = self.gate.session_of(request.cookies), request.query.get("refresh-timeout", "")
            number = self.subscriptions.add(session, scope, lifetime)
            response.body = response.body.replace(b',"imdata"', f',"subscriptionId":"{number}","imdata"'.encode(), 1)
        return response

    def _options(self, request: Request, user: str) -> query.Options:
        options = query.Options.parse(request.query, self.tree)
        options.sees = Rights(self.tree, user).sees
        return options

    def _change(self, request: Request, dn: str, user: str, as_xml: bool) -> Transaction:
        """Apply a POST or DELETE completely or not at all."""
        now = _now()
        transaction = Transaction(self.tree, now, user, Rights(self.tree, user))
        self.tree.begin()
        try:
            if request.method == "DELETE":
                transaction.delete(dn)
            else:
                transaction.post(dn, _parse(request.body, as_xml))
            rules.check(self.tree, transaction.touched.values())
            self._settle(transaction)
        except BaseException:
            self.tree.roll_back()
            raise
        self.audit.note(transaction.changes.values(), transaction.removed.values(), user, now)
        self.subscriptions.publish(transaction.changes, transaction.removed)
        if self.store:
            self.store.append(self.tree)
        return transaction

    def _settle(self, transaction: Transaction) -> None:
        related = self.relations.settle(transaction.touched.values(), transaction.removed)
        parents = [mo.container for mo in transaction.removed.values() if self.tree.get(mo.container.dn)]
        suspects = [*transaction.touched.values(), *related]
        faults.reconcile(self.tree, [*suspects, *parents], _now())
        if any(mo.cls in conflicts.CAUSES for mo in (*suspects, *transaction.removed.values())):
            conflicts.reconcile(self.tree, _now())

    def _log_in(self, request: Request, as_xml: bool) -> Response:
        posted = _parse(request.body, as_xml)
        if posted.cls != "aaaUser":
            raise errors.unknown_class(posted.cls)
        name = posted.attributes.get("name", "")
        token = self.gate.log_in(name, posted.attributes.get("pwd", ""))
        return self._session(token, name, as_xml)

    def _session(self, token: str, user: str, as_xml: bool = False) -> Response:
        attributes = {
            "token": token,
            "refreshTimeoutSeconds": str(int(self.gate.lifetime)),
            "maximumLifetimeSeconds": "86400",
            "guiIdleTimeoutSeconds": "1200",
            "restTimeoutSeconds": "90",
            "creationTime": str(int(time.time())),
            "firstLoginTime": str(int(time.time())),
            "userName": user,
            "remoteUser": "false",
            "changePassword": "no",
            "version": self.seed.version,
            "node": "topology/pod-1/node-1",
        }
        login = ManagedObject(self.table["aaaLogin"], "", None, {})
        response = self._rendered([Node(login, Rights(self.tree, user).told(), attributes)], 1, as_xml)
        response.headers["Set-Cookie"] = f"{COOKIE}={token}; path=/; HttpOnly; HttpOnly; Secure"
        return response

    @staticmethod
    def _rendered(nodes: list[Node], total: int, as_xml: bool, options: query.Options | None = None) -> Response:
        renderer = Renderer(options.properties if options else "all")
        return Response(200, (renderer.xml if as_xml else renderer.json)(nodes, total))

    # Functions for the lab only

    def replace_operational(self, source: str, objects: Iterable[dict[str, Any]]) -> int:
        """Replace the live state that ``source`` serves by ``objects`` (APIC's JSON with DNs); return their number.

        An existing object that came from elsewhere is updated permanently. Raises ApicError for an unknown class or
        property; the state then stays as it was.
        """
        planting = Planting(self.tree, _now())
        self.tree.begin()
        shared = self._needed_by_others(source)
        try:
            for dn in reversed(self._operational.get(source, [])):
                if dn not in shared and (mo := self.tree.get(dn)) is not None and mo.volatile:
                    self.tree.remove(mo)
            planted = [mo for each in objects for mo in planting.plant_tree(documents.parse_object(each))]
        except BaseException:
            self.tree.roll_back()
            raise
        for mo in planting.touched.values():
            mo.volatile = True
        self._operational[source] = list(planting.touched)
        return len(planted)

    def _needed_by_others(self, source: str) -> set[str]:
        """Return the objects of other sources and their containers, such as a switch's BGP with domains of two VRFs."""
        needed: set[str] = set()
        for dn in (dn for other, dns in self._operational.items() if other != source for dn in dns):
            mo = self.tree.get(dn)
            while mo is not None and mo.dn not in needed:
                needed.add(mo.dn)
                mo = mo.parent
        return needed

    def secrets(self, dn: str | None = None, cls: str | None = None) -> dict[str, dict[str, str]]:
        """Return the secure properties of one object or of a class, by DN."""
        found = [self.tree.get(dn)] if dn else self.tree.of_class(cls or "bgpPeerP")
        return {mo.dn: dict(mo.secrets) for mo in found if mo is not None and mo.secrets}

    def snapshot(self, volatile: bool = True) -> dict[str, Any]:
        """Return ``uni`` with everything below it, for comparisons: children sorted, secure values as digests.

        ``volatile=False`` leaves out the times of modification.
        """
        return _snapshot(self.tree.by_dn["uni"], volatile)


def _snapshot(mo: ManagedObject, volatile: bool) -> dict[str, Any]:
    times = () if volatile else ("modTs", "created", "lastTransition")
    attributes = {p: v for p, v in sorted(mo.values.items()) if p not in times}
    digests = {p: "sha256:" + hashlib.sha256(v.encode()).hexdigest() for p, v in sorted(mo.secrets.items())}
    children = [_snapshot(mo.children[rn], volatile) for rn in sorted(mo.children)]
    return {mo.cls: {"attributes": {"dn": mo.dn, **attributes, **digests}, "children": children}}


def _parse(body: str, as_xml: bool) -> Posted:
    return documents.parse_xml(body) if as_xml else documents.parse_json(body)


def _without_suffix(path: str) -> str:
    """Return the part of an API path that selects objects: ``/api/node/mo/uni/tn-x.json`` gives ``mo/uni/tn-x``."""
    route = path.removeprefix("/api/").removesuffix(".json").removesuffix(".xml")
    for prefix in ("node/", "policymgr/"):
        route = route.removeprefix(prefix)
    return route.rstrip("/") if route.startswith("mo") else route


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
