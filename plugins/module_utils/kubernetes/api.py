# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to the Kubernetes API by path, over the client that kubernetes.core creates.

Reads are repeated if the API server is busy or the connection is lost. Writes are repeated only after the object was read again.
"""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ..answers import ANSWER, CERTIFICATE, LOGIN, NO_ANSWER, REFUSED_FOR_NOW, UNKNOWN, asked_pause, cause_of_silence, document
from ..masking import Mask, plain_reason

try:
    from kubernetes.client.exceptions import ApiException
except ImportError:  # AnsibleK8SModule reports it
    ApiException = Exception

Object = dict[str, Any]
Result = TypeVar("Result")
# Returns the request that an object needs: method, path and body; None if it needs none.
Decide = Callable[["Object | None"], "tuple[str, str, Object | None] | None"]

# Pauses in seconds before each attempt of a request.
PAUSES = (0, 0.5, 1, 2, 4)
MERGE_PATCH = "application/merge-patch+json"

CONFLICT = 409
_UNREAD: Any = object()
_NOTED = ("generation", "managedFields", "resourceVersion")


class KubeError(Exception):
    """The API server refused a request, or could not be reached.

    ``status`` is the HTTP status (-1 without an answer) and ``reason`` its text, ``message`` is the API server's. ``cause`` is
    set if all requests would fail in this way: ``unreachable``, ``certificate``, ``login`` or ``answer`` (it is not the API
    server's).
    """

    def __init__(
        self, status: int, reason: str, message: str | Callable[[], str], cause: str | None = None, pause: float = 0
    ) -> None:
        super().__init__()
        self.status = status
        self.reason = reason
        self._message = message
        self.cause = LOGIN if status == 401 else cause
        self.pause = pause

    def __str__(self) -> str:
        return self.message

    @functools.cached_property
    def message(self) -> str:
        """The message. It is masked when it is asked for: that takes a while, and a missing object is no failure."""
        return self._message if isinstance(self._message, str) else self._message()

    @property
    def unknown(self) -> bool:
        """Whether the request may have been carried out or not."""
        return self.status in UNKNOWN or self.cause == ANSWER

    @property
    def passing(self) -> bool:
        """Whether a later attempt may succeed."""
        return self.cause != CERTIFICATE and (self.unknown or self.status == REFUSED_FOR_NOW)

    def details(self) -> dict[str, Any]:
        """Return the error as plain data."""
        return {name: getattr(self, name) for name in ("status", "reason", "message", "cause")}


class KubeApi:
    """Sends requests by path, and records those that the API server refuses.

    :param client: a ``kubernetes.dynamic.DynamicClient``.
    :param secrets: values that must not appear in any error text.
    :param dry_run: the API server checks writes and does not carry them out.
    """

    def __init__(self, client: Any, secrets: Iterable[str | None] = (), dry_run: bool = False) -> None:
        self._client = client
        self._hide = Mask(secrets)
        self._dry_run = {"dry_run": "All"} if dry_run else {}
        self._attempts = len(PAUSES)
        self.failures: list[dict[str, Any]] = []

    def apart(self) -> KubeApi:
        """Return another reader of the same API server, whose failures do not count here."""
        other = copy.copy(self)
        other.failures = []
        return other

    # --- requests that may be refused --------------------------------------------------------------------------------

    def get(self, path: str) -> Object | None:
        """Return the object or list at a path, or None if there is none or it cannot be read.

        :raises KubeError: no request would succeed.
        """
        return self._tolerant(path, (404,), lambda: self._repeated("get", path))

    def items(self, path: str) -> list[Object]:
        """Return the items of the list at a path, none if there is no list."""
        return _items(path, self.get(path) or {})

    def first(self, paths: Iterable[str]) -> list[Object] | None:
        """Return the items of the first list that is served, or None if none is."""
        for path in paths:
            found = self.get(path)
            if found is not None:
                return _items(path, found)
        return None

    def create(self, path: str, body: Object) -> bool:
        """Create a missing object in a collection and return whether it was created. An existing object is not a failure."""
        named = f"{path}/{body['metadata']['name']}"
        return self._own(named, (404,), lambda found: None if found else ("post", path, body), None, body, path)

    def review(self, path: str, body: Object) -> Object | None:
        """Create a review, which changes nothing, and return its ``status``.

        It is None if the API server does not answer it. An unknown one is no failure.
        """
        answer = self._tolerant(path, (404, 405), lambda: self._repeated("post", path, body=body))
        return (answer or {}).get("status")

    def replace(self, path: str, body: Object) -> bool:
        """Replace the version of an object that ``body`` names, and return whether it was still that version."""
        content = {name: value for name, value in body.items() if name != "metadata"}
        return self._own(
            path, (404, 409), lambda found: ("put", path, body) if _version(found) == _version(body) else None, body, content
        )

    def delete(self, path: str, version: str = "") -> bool:
        """Delete an object if it exists, and still has that version if one is given; return whether it was deleted."""
        options = {"preconditions": {"resourceVersion": version}} if version else None

        def decide(found: Object | None) -> tuple[str, str, Object | None] | None:
            return ("delete", path, options) if found and version in ("", _version(found)) else None

        return self._own(path, (404, 409), decide, {"metadata": {"resourceVersion": version}}, None)

    def _own(
        self, path: str, expected: tuple[int, ...], decide: Decide, known: Object | None, content: Object | None, named: str = ""
    ) -> bool:
        """Return whether it was this request that changed an object, and not another user's.

        :param content: what the object holds if it was this request; None if it is gone then.
        """
        requests: list[Any] = []

        def noted(found: Object | None) -> tuple[str, str, Object | None] | None:
            requests.append(decide(found))
            return requests[-1]

        changed, obj = self._tolerant(named or path, expected, lambda: self.change(path, noted, known)) or (False, None)
        return changed and (requests[-1] is not None or (covers(obj, content) if content else obj is None))

    def _tolerant(self, path: str, expected: tuple[int, ...], request: Callable[[], Result]) -> Result | None:
        """Return the result of a request, or None if the API server refuses. Expected statuses are not failures."""
        try:
            return request()
        except KubeError as error:
            if error.cause:
                raise
            if error.status not in expected:
                self.failures.append({"path": path, "status": error.status, "message": error.message})
            return None

    # --- requests that must succeed ----------------------------------------------------------------------------------

    def change(self, path: str, decide: Decide, known: Object | None = _UNREAD) -> tuple[bool, Object | None]:
        """Bring an object to a wanted state, and return whether it was changed, and the object.

        :param path: the object's path.
        :param decide: returns the request that the object needs (method, path and body), or None if it needs none. After a
            request that may have been carried out, or met a change of others, the object is read again and decided on again.
        :param known: the object, if it was read just now, or None if it was missing.
        :raises KubeError: the API server refuses, or remains unreachable.
        """
        unsure = False
        for attempt in range(1, self._attempts + 1):
            found = known if attempt == 1 and known is not _UNREAD else self.read(path)
            request = decide(found)
            if request is None:
                return unsure, found
            method, target, body = request
            try:
                answer = self._send(method, target, body=body, **self._dry_run)
            except KubeError as error:
                gone = error.status == 404 and method != "post"
                if attempt == self._attempts or not (error.passing or error.status == CONFLICT or gone):
                    raise
                unsure |= error.unknown
                self._pause(attempt, error)
            else:
                return unsure or method != "patch" or _content(found or {}) != _content(answer), answer
        raise AssertionError("the last attempt returns or raises")

    def read(self, path: str) -> Object | None:
        """Return the object at a path, or None if there is none.

        :raises KubeError: it cannot be read.
        """
        try:
            return self._repeated("get", path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def _repeated(self, method: str, path: str, **body: Any) -> Object:
        """Send a request that changes nothing, until it is answered."""
        for attempt in range(1, self._attempts + 1):
            try:
                return self._send(method, path, **body)
            except KubeError as error:
                if not error.passing:
                    raise
                if attempt == self._attempts:
                    self._attempts = min(self._attempts, 2)  # an outage is waited for once, not at each path
                    raise
                self._pause(attempt, error)
        raise AssertionError("the last attempt returns or raises")

    @staticmethod
    def _pause(attempt: int, error: KubeError) -> None:
        time.sleep(max(error.pause, PAUSES[min(attempt, len(PAUSES) - 1)]))

    def _send(self, method: str, path: str, **more: Any) -> Object:
        if method == "patch":
            more["content_type"] = MERGE_PATCH
        try:
            content = self._client.request(method, path, serialize=False, **more).data
        except Exception as error:  # whatever the client raises when nobody answers
            failure = failure_of(error, self._hide)
        else:
            answer = document(content)
            if isinstance(answer, dict):
                return answer
            failure = KubeError(200, "OK", f"{path} returned no JSON object: {self._hide.excerpt(content)}", ANSWER)
        raise failure


def _version(obj: Object | None) -> str:
    return str((obj or {}).get("metadata", {}).get("resourceVersion", ""))


def _content(obj: Object) -> Object:
    """Return an object without what the API server notes about writes."""
    metadata = {name: value for name, value in (obj.get("metadata") or {}).items() if name not in _NOTED}
    return {**obj, "metadata": metadata}


def covers(found: Any, wanted: Any) -> bool:
    """Return whether a merge patch would leave an object as it is."""
    if isinstance(wanted, dict):
        held = found if isinstance(found, dict) else {}
        return all(covers(held.get(name), value) for name, value in wanted.items())
    return found == wanted


def failure_of(error: Exception, hide: Mask) -> KubeError:
    """Return the `KubeError` of an exception of the client."""
    if isinstance(error, KubeError):
        return error
    status = getattr(error, "status", None)
    if isinstance(error, ApiException) and isinstance(status, int) and status > 0:
        message = functools.partial(_message, error.body, hide)
        return KubeError(status, str(error.reason or ""), message, pause=asked_pause((error.headers or {}).get("Retry-After")))
    if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        return KubeError(200, "OK", hide(f"it returned no JSON: {error}"), ANSWER)
    text = hide(_plain(error))
    return KubeError(NO_ANSWER, "no answer", text, cause_of_silence(text))


def _message(body: Any, hide: Mask) -> str:
    """Return the API server's message in an error, or the beginning of another text."""
    answer = document(body)
    if isinstance(answer, dict) and isinstance(answer.get("message"), str):
        return hide(answer["message"])
    return hide.excerpt(body)


def _items(path: str, listing: Object) -> list[Object]:
    items = listing.get("items") or []
    if isinstance(items, list) and all(isinstance(item, dict) and isinstance(item.get("metadata"), dict) for item in items):
        return items
    raise KubeError(200, "OK", f"{path} returned a list whose items are no objects", ANSWER)


def _plain(error: BaseException) -> str:
    """Return the innermost reason of an error of the client, which nests them."""
    inner = (
        getattr(error, "reason", None) or error.__cause__ or next((arg for arg in error.args if isinstance(arg, Exception)), None)
    )
    if isinstance(inner, BaseException) and inner is not error:
        return _plain(inner)
    return plain_reason(str(error)) or type(error).__name__
