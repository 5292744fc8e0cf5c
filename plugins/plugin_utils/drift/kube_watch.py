# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Learn of changes in Kubernetes by watches, which carry the metadata of objects only, so that no Secret's data is sent.

A watch goes on from the version of its last event or bookmark, also after its end or a lost connection. If the API server no longer
has that version (410), the list gives a new one, which counts as a change. Source: "Efficient detection of changes" and "Alternate
representations of resources" in the API concepts of Kubernetes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ...module_utils.kubernetes.api import KubeError
from ...module_utils.kubernetes.connection import endpoint
from ...module_utils.names import LEASE_GROUP, LEASE_NAME, OPERATOR_V1, RBAC_GROUP
from ..calico.manifests import ROLE_NAME
from ..comparison import Plan
from ..local import ending

try:
    import aiohttp
except ImportError:  # the event source reports it
    aiohttp = None  # type: ignore[assignment]

LOG = logging.getLogger("netops.aci_calico.drift")
NODES = "/api/v1/nodes"
_CALICO = ("bgpconfigurations", "bgppeers", "bgpfilters", "ippools")
# The seconds for which the API server keeps a stream; between attempts; after a refusal, as rights and kinds can be added later.
STREAM, PAUSES, REFUSED = 300, (1, 2, 5, 10, 30), 300
_METADATA = "application/json;as={kind};g=meta.k8s.io;v=v1,application/json"
_GONE = 410


class GoneError(Exception):
    """The API server no longer has the version at which a watch would begin."""


class RefusedError(Exception):
    """The API server refuses the watch, or serves no such objects."""


def paths(plan: Plan, calico: Mapping[str, Any]) -> list[str]:
    """Return the collections to watch: all that ``calico_info`` reads and the plan has objects in, and the lease.

    :param calico: what ``calico_info`` returned.
    """
    found = [NODES]
    if calico["api_group"]:
        found += [f"/apis/{calico['api_group']}/{plural}" for plural in _CALICO]
    if any(one["kind"] == "Installation" for one in calico["objects"]):
        found.append(f"/apis/{OPERATOR_V1}/installations")
    if calico["namespace"]:
        inside = f"namespaces/{calico['namespace']}"
        named = {
            f"/api/v1/{inside}/secrets": plan["calico"]["secret"]["name"],
            f"/apis/{RBAC_GROUP}/v1/{inside}/roles": ROLE_NAME,
            f"/apis/{RBAC_GROUP}/v1/{inside}/rolebindings": ROLE_NAME,
            f"/apis/{LEASE_GROUP}/v1/{inside}/leases": LEASE_NAME,
        }
        found += [f"{path}?fieldSelector={quote(f'metadata.name={name}')}" for path, name in named.items()]
    return found


async def follow(
    access: Mapping[str, Any], collections: Sequence[str], signal: Callable[[], None], one_client: threading.Lock
) -> None:
    """Call ``signal`` for each change, and for each time in which changes may have been missed, until cancelled.

    :param access: the options of kubernetes.core's modules.
    :param one_client: held while the client of Kubernetes reads its settings.
    """

    def connect() -> tuple[str, dict[str, str], ssl.SSLContext]:
        with one_client, ending():
            return endpoint(access)

    tasks = [asyncio.create_task(_Watch(path, signal, connect).run()) for path in collections]
    try:
        await asyncio.gather(*tasks)
    finally:
        for one in tasks:
            one.cancel()


class _Watch:
    """The watch of one collection."""

    def __init__(
        self, path: str, signal: Callable[[], None], connect: Callable[[], tuple[str, dict[str, str], ssl.SSLContext]]
    ) -> None:
        self._path = path
        self._signal = signal
        self._connect = connect
        self._version = ""
        self._seen: dict[str, str] = {}
        # The attempts since the API server told of something or kept a stream: one that only begins is no success.
        self._attempts = 0
        self._refused = False

    async def run(self) -> None:
        """Watch for ever. While the API server refuses it, only the resync finds changes."""
        name = self._path.partition("?")[0]
        while True:
            try:
                await self._watch()
            except GoneError:
                self._version = ""
            except RefusedError as error:
                if not self._refused:
                    LOG.warning("%s is not watched (%s): its changes are found at each resync only", name, error)
                self._refused = True
                await asyncio.sleep(REFUSED)
            except (TimeoutError, aiohttp.ClientError, OSError, ValueError, KeyError, KubeError) as error:
                LOG.info("The watch of %s has ended (%s) and begins anew", name, type(error).__name__)
            await asyncio.sleep(PAUSES[min(self._attempts, len(PAUSES) - 1)])
            self._attempts += 1

    async def _watch(self) -> None:
        """Watch by one connection, until a stream fails or ends at once."""
        url, headers, tls = await asyncio.to_thread(self._connect)
        async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=tls), trust_env=True) as http:
            told = True
            while told:
                if not self._version:
                    self._version = await self._list(http, url)
                    self._signal()
                self._refused = False
                told = await self._stream(http, url)
                self._attempts = 0 if told else self._attempts

    def _at(self, **query: Any) -> str:
        return f"{self._path}{'&' if '?' in self._path else '?'}{'&'.join(f'{name}={value}' for name, value in query.items())}"

    async def _list(self, http: aiohttp.ClientSession, url: str) -> str:
        """Return the version from which on a watch tells of all changes."""
        headers = {"Accept": _METADATA.format(kind="PartialObjectMetadataList")}
        async with http.get(url + self._at(limit=1), headers=headers, timeout=aiohttp.ClientTimeout(total=60)) as answer:
            _check(answer)
            return str(json.loads(await answer.read())["metadata"]["resourceVersion"])

    async def _stream(self, http: aiohttp.ClientSession, url: str) -> bool:
        """Take the events of a stream until it ends; return whether there was one, or none for a while: not all servers send bookmarks."""
        told, began = False, time.monotonic()
        query = {"watch": 1, "allowWatchBookmarks": "true", "resourceVersion": self._version, "timeoutSeconds": STREAM}
        headers = {"Accept": _METADATA.format(kind="PartialObjectMetadata")}
        patience = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=STREAM + 30)
        async with http.get(url + self._at(**query), headers=headers, timeout=patience) as answer:
            _check(answer)
            async for event in _events(answer):
                self._take(event["type"], event["object"])
                told = True
        return told or time.monotonic() - began > PAUSES[-1]

    def _take(self, event: str, obj: Mapping[str, Any]) -> None:
        if event == "ERROR":
            if obj.get("code") == _GONE:
                raise GoneError
            raise OSError(f"the watch ended with status {obj.get('code')}")
        metadata = obj["metadata"]
        self._version, self._attempts = metadata["resourceVersion"], 0
        if event != "BOOKMARK" and self._matters(event, metadata):
            self._signal()

    def _matters(self, event: str, metadata: Mapping[str, Any]) -> bool:
        """Return whether a change may be drift: kubelet writes the status of each node again and again."""
        if self._path != NODES:
            return True
        if event == "DELETED":
            self._seen.pop(metadata["name"], None)
            return True
        told = json.dumps([metadata.get("labels"), metadata.get("annotations")], sort_keys=True)
        before, self._seen[metadata["name"]] = self._seen.get(metadata["name"]), told
        return told != before


def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status == _GONE:
        raise GoneError
    if answer.status in (403, 404, 405):
        raise RefusedError(f"status {answer.status}")
    answer.raise_for_status()


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    rest = b""
    async for chunk in answer.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)
