# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with APIC, based on that of cisco.aci: same authentication, but late login, retries, and a count of requests."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.connection import ConnectionError as PluginError
from ansible_collections.cisco.aci.plugins.module_utils.aci import ACIModule

from ..names import HIDDEN

# Pauses in seconds before each attempt of a request.
PAUSES = (0, 0.2, 0.5, 1, 2, 4)
# The longest pause in seconds that is made for a Retry-After of APIC.
LONGEST_PAUSE = 10

NO_ANSWER = -1
_REFUSED_FOR_NOW = 429
# With these, it is unknown whether the request was carried out.
_UNKNOWN = frozenset((NO_ANSWER, 502, 503, 504))


class ApicError(Exception):
    """APIC refused a request, or could not be reached.

    ``status`` is the HTTP status (-1 without an answer), ``code`` and ``text`` are APIC's, ``dn`` is the object that the
    text names, or None.
    """

    def __init__(self, doing: str, answer: Answer) -> None:
        self.status = answer.status
        self.code = answer.code
        self.text = answer.text
        named = re.search(r"Dn0=([^,]+),|\bof (uni/[^ ]+)|under parent '([^']+)'|\bdn '([^']+)'", answer.text)
        self.dn = next(filter(None, named.groups()), None) if named else None
        what = "no answer" if answer.status == NO_ANSWER else f"HTTP status {answer.status}"
        super().__init__(f"{doing}: {f'APIC error {answer.code}' if answer.code else what}: {answer.text}")


class OutcomeUnknown(Exception):
    """A POST got no answer, so that it may have been carried out or not. ``error`` is the `ApicError` of the attempt."""

    def __init__(self, error: ApicError) -> None:
        super().__init__(str(error))
        self.error = error


class Answer:
    """APIC's answer to one request: its ``imdata``, or the ``code`` and ``text`` of an error."""

    __slots__ = ("code", "imdata", "pause", "status", "text")

    def __init__(
        self, status: int, imdata: list[dict[str, Any]] | None = None, code: str | None = None, text: str = "", pause: int = 0
    ) -> None:
        self.status = status
        self.imdata = imdata or []
        self.code = code
        self.text = text
        self.pause = pause


class Session(ACIModule):
    """A session with one APIC, or with the first controller of a fabric that answers (``host: apic1,apic2``).

    :param module: the `AnsibleModule`, with cisco.aci's argument spec.
    :param secrets: values that must not appear in any error text.
    :ivar privileges: what the login told of the user's write privileges, see `_told_privileges`; None if nothing.
    """

    def __init__(self, module: AnsibleModule, secrets: Iterable[str] = ()) -> None:
        self.requests = dict.fromkeys(("login", "get", "post", "retries"), 0)
        self.privileges: dict[str, list[str]] | None = None
        self.secrets = sorted(filter(None, secrets), key=len, reverse=True)
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
        renewed = False
        for attempt in range(len(PAUSES)):
            if attempt:
                time.sleep(answer.pause)
                self.pause(attempt)
            if self._needs_login():
                answer = self._log_in()
                if answer.status != 200:
                    continue
            answer = self._send(kind, path, data)
            if answer.status == 200:
                return answer.imdata
            if answer.status == 403 and "Cookie" in self.headers and not renewed and not self.params.get("private_key"):
                renewed = True
                self._forget_login()
            elif answer.status in _UNKNOWN:
                self._next_host()
                if kind == "post":
                    raise OutcomeUnknown(ApicError(doing, answer))
            elif answer.status != _REFUSED_FOR_NOW:
                break
        raise ApicError(doing, answer)

    def _needs_login(self) -> bool:
        return self.connection is None and not self.params.get("private_key") and "Cookie" not in self.headers

    def _log_in(self) -> Answer:
        """Log in with the password.

        :returns: the answer, which is a success or allows another attempt.
        :raises ApicError: when APIC refuses the login.
        """
        user = {"name": self.params.get("username") or "admin", "pwd": self.params.get("password")}
        answer = self._send("login", "/api/aaaLogin.json", json.dumps({"aaaUser": {"attributes": user}}))
        if answer.status in _UNKNOWN:
            self._next_host()
        elif answer.status not in (200, _REFUSED_FOR_NOW):
            raise ApicError(f"log in to {self.base_url} as {user['name']}", answer)
        elif answer.status == 200:
            self.privileges = _told_privileges(answer.imdata)
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
        answer = self._answer(info, _body(response, info))
        if kind == "login" and answer.status == 200:
            self.headers["Cookie"] = response.headers.get("Set-Cookie")
        return answer

    def _answer(self, info: dict[str, Any], body: str | bytes | None) -> Answer:
        status = _status(info)
        try:
            imdata = json.loads(body or "")["imdata"]
        except (KeyError, TypeError, ValueError):
            # An incomplete answer counts as no answer.
            return Answer(NO_ANSWER if status == 200 else status, text=self._hide(info.get("msg", "")), pause=_asked_pause(info))
        if status == 200:
            return Answer(status, imdata)
        error = imdata[0].get("error", {}).get("attributes", {}) if imdata else {}
        text = self._hide(error.get("text") or info.get("msg", ""))
        return Answer(status, code=error.get("code"), text=text, pause=_asked_pause(info))

    def _hide(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

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

    def _forget_login(self) -> None:
        self.headers.pop("Cookie", None)


def _told_privileges(imdata: list[dict[str, Any]]) -> dict[str, list[str]] | None:
    """Return ``{tenant's DN: write privileges}`` in a login reply, and for ``uni`` the roles in the security domain ``all``.

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


def _asked_pause(info: dict[str, Any]) -> int:
    asked = str(info.get("retry-after", ""))
    return min(int(asked), LONGEST_PAUSE) if asked.isdigit() else 0


def _dn_of(path: str) -> str:
    return re.sub(r"^/api/mo/|\.json(\?.*)?$", "", path)
