# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Learn of changes on APIC by subscriptions over a WebSocket.

A socket belongs to the session of a login. Each subscription lives for 60 seconds and each token for its ``refreshTimeoutSeconds``
unless they are refreshed. APIC repeats nothing that it sent while the socket was closed or a subscription had expired, so each new
connection counts as a change. Sources: "Subscribing to Query Results" in Cisco's APIC REST API Configuration Guide;
datacenter/acitoolkit ``acisession.py``; k3l0-dev/niwaki ``docs/guide/subscribing.md``, which reports from a real fabric that the
header must have the cookie once, and that nothing of a subtree in a reply (``rsp-subtree``) is subscribed: the target must be the subtree.
Guesses: APIC answers the pings of RFC 6455; a subscription to a missing object tells of its creation.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...module_utils.apic.mo import is_report
from ..apic.access import lease_tenant
from ..comparison import Plan, apic_places

try:
    import aiohttp
    from yarl import URL
except ImportError:  # the event source reports it
    aiohttp = None  # type: ignore[assignment]

LOG = logging.getLogger("netops.aci_calico.drift")
# The seconds between two refreshes of a subscription, a third of its life; between two pings; to wait for an answer; between attempts.
REFRESH, PING, PATIENCE = 20.0, 30.0, 30.0
PAUSES = (1, 2, 5, 10, 30)
# The seconds after a refused login: APIC may block a user after some of them.
REFUSED = 300


class LoginError(Exception):
    """APIC refuses the login."""


class LostError(Exception):
    """APIC refuses a request, or the socket has ended: changes may have been missed."""


def queries(plan: Plan) -> list[str]:
    """Return the queries to subscribe to: each planned object with all below it, and the tags of the lease."""
    lease = f"/api/mo/{lease_tenant(plan)}.json?query-target=children&target-subtree-class=tagAnnotation"
    return [*(f"/api/mo/{dn}.json?query-target=subtree" for dn in apic_places(plan)), lease]


async def follow(access: Mapping[str, Any], paths: Sequence[str], signal: Callable[[], None]) -> None:
    """Call ``signal`` for each change, and for each time in which changes may have been missed, until cancelled.

    Subscriptions need a token, which APIC gives for a password. Without one this only waits, and the resync finds changes.

    :param access: the options of cisco.aci's modules.
    """
    if not access.get("password"):
        LOG.warning("APIC gives no subscriptions without a password: changes on APIC are found at each resync only")
        await asyncio.Event().wait()
    given = access.get("host") or ""
    hosts = itertools.cycle(given if isinstance(given, list) else [one.strip() for one in str(given).split(",")])
    attempts = 0
    while True:
        subscriptions = None
        try:
            async with aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),  # one cookie, set by hand
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
                trust_env=bool(access.get("use_proxy", True)),
            ) as http:
                subscriptions = _Subscriptions(http, access, str(next(hosts)))
                await subscriptions.run(paths, signal)
        except LoginError:
            LOG.warning(
                "APIC refuses the login: changes on APIC are found at each resync only. The next attempt is in %s s", REFUSED
            )
            await asyncio.sleep(REFUSED)
        except (aiohttp.ClientError, OSError, ValueError, KeyError, IndexError, LostError) as error:
            # The text of other errors may have the URL of the socket, and with it the token.
            reason = str(error) if isinstance(error, LostError) else type(error).__name__
            LOG.info("The subscriptions on APIC have ended (%s) and begin anew", reason)
        attempts = 0 if subscriptions and subscriptions.lasted() else attempts + 1
        await asyncio.sleep(PAUSES[min(attempts, len(PAUSES) - 1)])


class _Subscriptions:
    """The subscriptions of one login."""

    def __init__(self, http: aiohttp.ClientSession, access: Mapping[str, Any], host: str) -> None:
        self._http = http
        self._access = access
        scheme = "https" if access.get("use_ssl", True) else "http"
        self._url = f"{scheme}://{host}{':' + str(access['port']) if access.get('port') else ''}"
        self._tls: Any = bool(access.get("validate_certs", True))
        self._token, self._life = "", 0.0
        self._complete_since = math.inf

    def lasted(self) -> bool:
        """Return whether they were all made, and lived until their refresh. Each login is recorded, so what ends sooner is repeated later."""
        return time.monotonic() - self._complete_since > REFRESH

    async def run(self, paths: Sequence[str], signal: Callable[[], None]) -> None:
        """Log in, subscribe, and signal changes until the socket ends or a refresh fails.

        :raises LostError: that happened.
        """
        user = {"name": self._access.get("username") or "admin", "pwd": self._access["password"]}
        await self._keep_token("post", "/api/aaaLogin.json", json={"aaaUser": {"attributes": user}})
        async with self._http.ws_connect(self._at(f"/socket{self._token}"), ssl=self._tls, heartbeat=PING) as socket:
            ids: list[str] = []
            # Many subscriptions take longer than the first one lives.
            works = (self._subscribe(paths, ids, signal), _listen(socket, signal), self._refresh(ids), self._renew())
            tasks = [asyncio.create_task(work) for work in works]
            try:
                done, _others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    one.result()
            finally:
                for one in tasks:
                    one.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _subscribe(self, paths: Sequence[str], ids: list[str], signal: Callable[[], None]) -> None:
        for path in paths:
            answer = await self._ask("get", f"{path}&subscription=yes")
            ids.append(_subscription(answer))
        self._complete_since = time.monotonic()
        signal()
        await asyncio.Event().wait()

    async def _refresh(self, ids: Sequence[str]) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            for number in ids:
                await self._ask("get", f"/api/subscriptionRefresh.json?id={number}")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._life * 0.6)
            await self._keep_token("get", "/api/aaaRefresh.json")

    async def _keep_token(self, method: str, path: str, **body: Any) -> None:
        answer = await self._ask(method, path, **body)
        login = answer["imdata"][0]["aaaLogin"]["attributes"]
        self._token, self._life = login["token"], max(1.0, float(login.get("refreshTimeoutSeconds") or 300))

    def _at(self, path: str) -> URL:
        """Return the URL of a path; brackets in DNs stay as they are."""
        return URL(f"{self._url}{path}", encoded=True)

    async def _ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        headers = {"Cookie": f"APIC-cookie={self._token}"} if self._token else {}
        async with self._http.request(method, self._at(path), ssl=self._tls, headers=headers, **body) as answer:
            if answer.status in (401, 403) and not self._token:
                raise LoginError
            if answer.status != 200:
                raise LostError(f"status {answer.status} for {path.partition('?')[0]}")
            content: dict[str, Any] = json.loads(await answer.read())
            return content


def _subscription(answer: Mapping[str, Any]) -> str:
    number = answer.get("subscriptionId")
    if not number:
        raise LostError("an answer without a subscriptionId")
    return str(number[0] if isinstance(number, list) else number)


async def _listen(socket: aiohttp.ClientWebSocketResponse, signal: Callable[[], None]) -> None:
    async for message in socket:
        if message.type == aiohttp.WSMsgType.TEXT:
            changed = json.loads(message.data).get("imdata") or []
            if not all(is_report(cls) for item in changed for cls in item):
                signal()
    raise LostError("the socket was closed")
