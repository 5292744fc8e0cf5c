# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with APIC, based on that of cisco.aci: same authentication, but late login, retries, and a count of requests."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ansible.module_utils import urls
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.connection import ConnectionError as PluginError
from ansible_collections.cisco.aci.plugins.module_utils.aci import ACIModule

from ..answers import ANSWER, BUSY, LOGIN, NO_ANSWER, REFUSED_FOR_NOW, UNKNOWN, asked_pause, cause_of_silence, document
from ..masking import Mask, plain_reason, plain_url
from .mo import SECURE_OF

Result = TypeVar("Result")

# Pauses in seconds before each attempt of a request.
PAUSES = (0, 0.2, 0.5, 1, 2, 4)
_DENIED = frozenset((401, 403))


class ApicError(Exception):
    """APIC refused a request, or could not be reached.

    ``status`` is the HTTP status (-1 without an answer), ``code`` and ``text`` are APIC's, ``dn`` is the object that the
    text names, or None. ``cause`` is set if all requests would fail in this way: ``unreachable``, ``certificate``, ``login``,
    ``answer`` (it is not APIC's) or ``busy``.
    """

    def __init__(self, doing: str, answer: Answer, cause: str | None = None) -> None:
        self.status = answer.status
        self.code = answer.code
        self.text = answer.text
        self.cause = cause or answer.cause
        self.host = answer.host
        named = re.search(r"Dn0=([^,]+),|\bof (uni/[^ ]+)|under parent '([^']+)'|\bdn '([^']+)'", answer.text)
        self.dn = next(filter(None, named.groups()), None) if named else None
        what = "no answer" if answer.status == NO_ANSWER else f"HTTP status {answer.status}"
        super().__init__(f"{doing}: {f'APIC error {answer.code}' if answer.code else what}: {answer.text}")

    def details(self) -> dict[str, Any]:
        """Return the error as plain data."""
        return {name: getattr(self, name) for name in ("code", "text", "status", "cause", "host")}


class OutcomeUnknown(Exception):
    """A POST got no answer, so that it may have been carried out or not. ``error`` is the `ApicError` of the attempt."""

    def __init__(self, error: ApicError) -> None:
        super().__init__(str(error))
        self.error = error


class Answer:
    """APIC's answer to one request: its ``imdata``, or the ``code`` and ``text`` of an error and its ``cause``.

    A status of 200 without valid ``imdata`` is no success: ``cause`` is ``answer`` then.
    """

    __slots__ = ("cause", "code", "host", "imdata", "pause", "status", "text")

    def __init__(
        self,
        status: int,
        imdata: list[dict[str, Any]] | None = None,
        code: str | None = None,
        text: str = "",
        cause: str | None = None,
        pause: float = 0,
        host: str = "",
    ) -> None:
        self.status = status
        self.imdata = imdata or []
        self.code = code
        self.text = text
        self.cause = cause
        self.pause = pause
        self.host = host

    @property
    def complete(self) -> bool:
        """Whether the request succeeded."""
        return self.status == 200 and not self.cause

    @property
    def unknown(self) -> bool:
        """Whether the request may have been carried out or not."""
        return self.status in UNKNOWN or self.cause == ANSWER


class Session(ACIModule):
    """A session with one APIC, or with the first controller of a fabric that answers (``host: apic1,apic2``).

    :param module: the `AnsibleModule`, with cisco.aci's argument spec.
    :param secrets: values that must not appear in any error text.
    :ivar privileges: what the login told of the user's write privileges, see `_told_privileges`; None if nothing.
    """

    def __init__(self, module: AnsibleModule, secrets: Iterable[str] = ()) -> None:
        self.requests = dict.fromkeys(("login", "get", "post", "retries"), 0)
        self.privileges: dict[str, list[str]] | None = None
        self._secrets = [*secrets]
        self.hide = Mask(self._secrets)
        _share_tls_contexts()
        super().__init__(module)
        # A connection plugin gets all parameters with every request; it needs neither the trees nor the secrets.
        self.params = {name: value for name, value in module.params.items() if name not in ("roots", "secrets")}
        self.hosts = [host.strip(" '\"") for host in (self.params.get("host") or "").strip("[] ").split(",")]
        if self.connection is None:
            if not self.hosts[0]:
                module.fail_json(msg="host is required: no connection of type httpapi is in use")
            self._use_host()

    def login(self) -> None:
        """Do nothing: the constructor of the base class calls this before the first request."""

    def get(self, path: str) -> list[dict[str, Any]]:
        """Send a GET and return its ``imdata``.

        :raises ApicError: when APIC refuses, or remains unreachable.
        """
        return self._exchange("get", f"read {_dn_of(path)}", path)

    def post(self, path: str, data: str) -> list[dict[str, Any]]:
        """Send a POST and return its ``imdata``.

        :raises OutcomeUnknown: when there was no answer, so that the objects must be read to know whether it succeeded.
        :raises ApicError: when APIC refuses.
        """
        return self._exchange("post", f"configure {_dn_of(path)}", path, data)

    def read_or_fail(self, read: Callable[[], Result]) -> Result:
        """Return what a function reads; fail the module if APIC refuses, or if its objects lack what the function needs."""
        try:
            return read()
        except ApicError as error:
            failure = {"msg": str(error), "error": error.details()}
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            text = self.hide(f"the objects of APIC lack what all releases have ({type(error).__name__}: {error})")
            answer = Answer(200, text=text, cause=ANSWER, host=self.hosts[0])
            failure = {"msg": text, "error": ApicError("read", answer).details()}
        # Outside of the handlers: Ansible would add the exception's traceback.
        self.module.fail_json(**failure, requests=self.counted())
        raise AssertionError("fail_json does not return")

    def counted(self) -> dict[str, int]:
        """Return the number of requests by kind; ``retries`` of them were repetitions."""
        total = sum(self.requests[kind] for kind in ("login", "get", "post"))
        return {**self.requests, "total": total}

    def pause(self, attempt: int) -> None:
        """Wait before another attempt and count it as a retry."""
        self.requests["retries"] += 1
        time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])

    # --- one request, repeated until it is answered ------------------------------------------------------------------

    def _exchange(self, kind: str, doing: str, path: str, data: str | None = None) -> list[dict[str, Any]]:
        answer = Answer(NO_ANSWER)
        silent: dict[str, str] = {}
        renewed = False
        for attempt in range(len(PAUSES)):
            if attempt:
                time.sleep(answer.pause)
                self.pause(attempt)
            if self._needs_login():
                answer = self._log_in()
                if not answer.complete:
                    silent[answer.host] = answer.text
                    continue
            answer = self._send(kind, path, data)
            if answer.complete:
                return answer.imdata
            if answer.status in _DENIED and "Cookie" in self.headers and not renewed and not self.params.get("private_key"):
                renewed = True
                self._forget_login()
            elif answer.unknown:
                silent[answer.host] = answer.text
                self._next_host()
                if kind == "post":
                    raise OutcomeUnknown(ApicError(doing, answer))
            elif answer.status != REFUSED_FOR_NOW:
                break
        raise _error(doing, answer, silent, renewed)

    def _needs_login(self) -> bool:
        return self.connection is None and not self.params.get("private_key") and "Cookie" not in self.headers

    def _log_in(self) -> Answer:
        """Log in with the password.

        :returns: the answer, which is a success or allows another attempt.
        :raises ApicError: when APIC refuses the login.
        """
        user = {"name": self.params.get("username") or "admin", "pwd": self.params.get("password")}
        answer = self._send("login", "/api/aaaLogin.json", json.dumps({"aaaUser": {"attributes": user}}))
        if answer.unknown:
            self._next_host()
        elif answer.complete:
            self.privileges = _told_privileges(answer.imdata)
        elif answer.status != REFUSED_FOR_NOW:
            cause = LOGIN if answer.status in _DENIED else None
            raise ApicError(f"log in to {plain_url(self.base_url)} as {user['name']}", answer, cause)
        return answer

    def _send(self, kind: str, path: str, data: str | None) -> Answer:
        """Send one request and return its answer; keep the cookie of a login."""
        logged = len(self.httpapi_logs)
        method = "GET" if kind == "get" else "POST"
        try:
            response, info = self.api_call(method, self.base_url + path, data=data, return_response=True)
        except PluginError as error:
            response, info = None, {"msg": str(error)}
        self._count(kind, logged)
        answer = self._answer(kind, self.base_url + path, info, _body(response, info))
        answer.host = self.hosts[0]
        if kind == "login" and answer.complete:
            self._keep_login(response.headers.get("Set-Cookie"))
        return answer

    def _answer(self, kind: str, url: str, info: dict[str, Any], body: str | bytes | None) -> Answer:
        status, pause = _status(info), asked_pause(info.get("retry-after"))
        content = document(body)
        imdata = content.get("imdata") if isinstance(content, dict) else None
        if status == 200:
            problem = _misshapen(content, kind == "get", "page-size=" in url) if body is not None else "an answer that breaks off"
            if not problem:
                return Answer(status, _without_secrets(imdata or []))
            text = f"{self.hide(plain_url(url))} returned {problem}: {self.hide.excerpt(body)}"
            return Answer(status, text=text, cause=ANSWER, pause=pause)
        error = _error_in(imdata)
        text = self.hide(str(error.get("text") or _plain(str(info.get("msg", "")))))
        if not error and body:
            text += f" ({self.hide(plain_url(url))} returned {self.hide.excerpt(body)})"
        return Answer(status, code=error.get("code"), text=text, cause=_cause(status, text), pause=pause)

    def _count(self, kind: str, logged: int) -> None:
        """Count a request; with httpapi, count those in the connection plugin's log."""
        if self.connection is None:
            self.requests[kind] += 1
            return
        said = [str(entry[-1]) for entry in self.httpapi_logs[logged:]]
        self.requests["login"] += sum(text.startswith("Establishing login") for text in said)
        sent = sum(text.startswith("Sending ") for text in said)
        sent += sum(text.startswith("Failed to receive response") and "403" in text for text in said)
        self.requests[kind] += sent
        self.requests["retries"] += max(0, sent - 1)

    # --- several controllers -----------------------------------------------------------------------------------------

    def _use_host(self) -> None:
        port = f":{self.params['port']}" if self.params.get("port") is not None else ""
        self.base_url = f"{self.params['protocol']}://{self.hosts[0]}{port}"

    def _next_host(self) -> None:
        """Use the next controller, with a new login."""
        if self.connection is None and len(self.hosts) > 1:
            self.hosts.append(self.hosts.pop(0))
            self._use_host()
            self._forget_login()

    def _keep_login(self, cookie: str | None) -> None:
        """Keep the token of a login. It is a secret, too: a server may repeat the headers that it was sent."""
        self.headers["Cookie"] = cookie
        token = re.search("=([^;]+)", cookie or "")
        self.hide = Mask([*self._secrets, token.group(1) if token else None])

    def _forget_login(self) -> None:
        self.headers.pop("Cookie", None)


def _share_tls_contexts() -> None:
    """Let requests with the same options use one TLS context.

    Ansible makes one for each request, and each reads all certificates that the machine trusts, which takes longer than the request.
    """
    make = getattr(urls, "make_context", None)
    if make is None or hasattr(make, "contexts"):
        return
    contexts: dict[str, Any] = {}

    def shared(*args: Any, **options: Any) -> Any:
        key = repr((args, sorted(options.items())))
        if key not in contexts:
            contexts[key] = make(*args, **options)
        return contexts[key]

    shared.contexts = contexts  # type: ignore[attr-defined]
    urls.make_context = shared


def _told_privileges(imdata: list[dict[str, Any]]) -> dict[str, list[str]] | None:
    """Return ``{tenant's DN: write privileges}`` in a login reply, and for ``uni`` the writing roles in the security domain ``all``.

    Without a role in ``all``, not even for reading, there is no ``uni``.

    The separators of a list are not documented.
    """
    told: dict[str, list[str]] = {}
    for child in imdata[0].get("aaaLogin", {}).get("children", ()) if imdata else ():
        for cls, body in child.items():
            found = body.get("attributes", {})
            if cls == "DnDomainMapEntry":
                told[found.get("dn", "")] = re.findall(r"[\w-]+", found.get("writePrivileges", ""))
            elif cls == "aaaUserDomain" and found.get("name") == "all":
                told["uni"] = re.findall(r"[\w-]+", found.get("rolesW", ""))
    return told or None


def _status(info: dict[str, Any]) -> int:
    """Return the HTTP status; for a login, the connection plugin gives it only in the message."""
    if isinstance(info.get("status"), int):
        return info["status"]
    told = re.search(r"HTTP Error (\d{3})", info.get("msg", ""))
    return int(told.group(1)) if told else NO_ANSWER


def _body(response: Any, info: dict[str, Any]) -> str | bytes | None:
    """Return the text of an answer, or None when it could not be read."""
    if "body" in info or response is None:
        return info.get("body")
    try:
        return response.read()
    except (OSError, http.client.HTTPException):
        return None


# --- what is wrong with an answer ------------------------------------------------------------------------------------


def _misshapen(content: Any, is_list: bool, is_page: bool = False) -> str:
    """Return what is wrong with the content of a successful answer; an empty text if nothing is.

    :param is_list: whether the answer is to a query, so that ``totalCount`` is the length of its ``imdata``.
    :param is_page: whether the query asks for a page, which may have fewer objects.
    """
    if not isinstance(content, dict):
        return "no JSON object"
    imdata = content.get("imdata")
    if not isinstance(imdata, list):
        return "JSON without a list imdata"
    if not all(map(_is_object, imdata)):
        return "an imdata that does not consist of objects"
    if is_list and not all("dn" in body["attributes"] for item in imdata for body in item.values()):
        return "objects without a DN"
    total = content.get("totalCount")
    if is_list and not is_page and total is not None and str(total) != str(len(imdata)):
        return f"{len(imdata)} of {total} objects (totalCount)"
    return ""


def _is_object(item: Any) -> bool:
    """Return whether this is an object with its children: ``{class: {"attributes": {…}, "children": […]}}``."""
    if not isinstance(item, dict) or len(item) != 1:
        return False
    body = next(iter(item.values()))
    if not isinstance(body, dict) or not isinstance(body.get("attributes"), dict):
        return False
    children = body.get("children") or []
    return (
        isinstance(children, list)
        and all(isinstance(value, str) for value in body["attributes"].values())
        and all(map(_is_object, children))
    )


def _without_secrets(imdata: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Empty the properties that APIC never returns, so that a server that does return them gives nothing away."""
    for item in imdata:
        for cls, body in item.items():
            for name in SECURE_OF.get(cls, ()):
                if name in body["attributes"]:
                    body["attributes"][name] = ""
            _without_secrets(body.get("children") or [])
    return imdata


def _error_in(imdata: Any) -> dict[str, Any]:
    """Return the attributes of the error in an answer, or nothing."""
    try:
        attributes = imdata[0]["error"]["attributes"]
    except (IndexError, KeyError, TypeError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _cause(status: int, text: str) -> str | None:
    if status == NO_ANSWER:
        return cause_of_silence(text)
    return BUSY if status in UNKNOWN or status == REFUSED_FOR_NOW else None


def _plain(message: str) -> str:
    """Return the reason in a message of Ansible's client, without the names of Python's errors."""
    inner = re.fullmatch(r"(?:Request failed|Connection failure): (?:<url\w+ error )?(.*?)>?", message, re.DOTALL)
    return plain_reason(inner.group(1)) if inner else message


def _error(doing: str, answer: Answer, silent: dict[str, str], renewed: bool) -> ApicError:
    """Return the error of the last answer. It names each controller that does not answer."""
    if answer.unknown and (len(silent) > 1 or answer.status == NO_ANSWER):
        answer.text = "; ".join(f"{host}: {text}" for host, text in silent.items())
    # After a new login, 403 says that the user may not do this, unless it is about the token.
    useless = answer.status == 401 or (answer.status == 403 and "token" in answer.text.lower())
    return ApicError(doing, answer, LOGIN if renewed and useless else None)


def _dn_of(path: str) -> str:
    return re.sub(r"^/api/mo/|\.json(\?.*)?$", "", path)
