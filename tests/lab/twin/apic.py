"""APIC as the twin's source and sink. Policies are read over its REST interface, as by any client.

Two things exist only in the lab: reading passwords, which a real APIC never returns, and writing the live state, which
the leaves of a real fabric report themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from lab.twin.mo import Tree
from lab.twin.policies import POLICY_CLASSES

TIMEOUT = 30


@dataclass(frozen=True)
class Access:
    """The address of APIC and the user; ``verify`` is a CA file or False."""

    url: str
    user: str = "admin"
    password: str = ""
    verify: str | bool = False


class ApicClient:
    """A session with APIC that logs in when necessary."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._session = requests.Session()
        self._session.trust_env = False  # there is no proxy between the twin and the lab
        self._session.verify = access.verify
        self._seen = 0

    def read(self) -> tuple[Tree, dict[str, str]]:
        """Return the policies, and the password of each BGP peer by its DN."""
        imdata = self.request("GET", f"/api/mo/uni.json?query-target=subtree&target-subtree-class={POLICY_CLASSES}")
        for cls in ("fabricNode", "topSystem"):
            imdata += self.request("GET", f"/api/class/{cls}.json")
        return Tree.from_imdata(imdata), self._secrets()

    def request(self, method: str, path: str, **options: Any) -> list[dict[str, Any]]:
        """Send a request and return the objects of the answer; log in first where APIC asks for it."""
        answer = self._session.request(method, self._access.url + path, timeout=TIMEOUT, **options)
        if answer.status_code in (401, 403):
            self._log_in()
            answer = self._session.request(method, self._access.url + path, timeout=TIMEOUT, **options)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return list(answer.json()["imdata"])

    def changed(self) -> bool:
        """Return True if the lab's log shows a write since the last call, or if there is no log."""
        answer = self._session.get(f"{self._access.url}/_lab/log", params={"since": self._seen}, timeout=TIMEOUT)
        if not answer.ok:
            return True
        entries = answer.json()
        if not entries:
            if self._log_length() >= self._seen:
                return False
            self._seen = 0  # the log was cleared, and the tree with it
            return True
        self._seen += len(entries)
        return any(entry["changed"] for entry in entries)

    def report(self, source: str, objects: list[dict[str, Any]]) -> None:
        """Replace the live state that a source has reported so far."""
        answer = self._session.put(
            f"{self._access.url}/_lab/operational", json={"source": source, "objects": objects}, timeout=TIMEOUT
        )
        if not answer.ok:
            raise requests.HTTPError(f"the emulator refuses {source}'s state: {answer.status_code} {answer.text[:500]}")

    def _log_length(self) -> int:
        answer = self._session.get(f"{self._access.url}/_lab/status", timeout=TIMEOUT)
        return int(answer.json().get("requests", 0)) if answer.ok else 0

    def _secrets(self) -> dict[str, str]:
        answer = self._session.get(f"{self._access.url}/_lab/secrets", params={"class": "bgpPeerP"}, timeout=TIMEOUT)
        if answer.status_code >= 500:
            answer.raise_for_status()
        # A server without this interface has no passwords to tell.
        secrets: Mapping[str, Mapping[str, str]] = answer.json() if answer.ok else {}
        return {dn: properties.get("password", "") for dn, properties in secrets.items()}

    def _log_in(self) -> None:
        body = {"aaaUser": {"attributes": {"name": self._access.user, "pwd": self._access.password}}}
        answer = self._session.post(f"{self._access.url}/api/aaaLogin.json", json=body, timeout=TIMEOUT)
        answer.raise_for_status()
        # The cookie is marked secure, so the session would not send it to an emulator without TLS.
        token = answer.json()["imdata"][0]["aaaLogin"]["attributes"]["token"]
        self._session.headers["Cookie"] = f"APIC-cookie={token}"
