"""The follower: which events it puts, and what wakes it. The sides answer from a cluster in which tests change something."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from unit.plugin_utils.drift.planted import OUT, PEER, SVI, Deployed

from ansible_collections.netops.aci_calico.plugins.module_utils.lease import Lease
from ansible_collections.netops.aci_calico.plugins.module_utils.names import LEASE_PREFIX
from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift import apic_socket, follow, kube_watch
from lab.apic.server import ApicServer

GATE = f"uni/tn-common/annotationKey-[{LEASE_PREFIX}prod1]"


class Bench:
    """A follower whose sides are read from a cluster, and woken by hand."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deployed = Deployed()
        self.lease: Lease | None = None
        self.failure = ""
        self.read = {"apic": 0, "kubernetes": 0}
        self.plan = folder / "plan.json"
        self.plan.write_text(json.dumps(self.deployed.plan), encoding="utf-8")
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        monkeypatch.setattr(follow, "SETTLE", 0)
        monkeypatch.setattr(follow, "LOOK", 0.01)
        monkeypatch.setattr(follow, "HELD", 0.01)
        monkeypatch.setattr(follow, "RETRY", 0.01)
        monkeypatch.setattr(follow.ApicSide, "_read", lambda _side, queries: self._objects(queries[0]))
        monkeypatch.setattr(follow, "run", lambda _name, _arguments: {"calico": self._calico()})
        for side in (follow.ApicSide, follow.KubernetesSide):
            monkeypatch.setattr(side, "signals", _never)
        self.follower = follow.Follower(self.events.put, follow.Settings(str(self.plan), resync=0.01))

    def _objects(self, query: str) -> dict[str, Any]:
        if self.failure:
            raise follow.UnreadableError(self.failure)
        if "aaaModLR" in query:
            return self.deployed.records
        if "annotationKey" in query or LEASE_PREFIX in query:
            attributes = {"key": f"{LEASE_PREFIX}prod1", "value": self.lease.text() if self.lease else ""}
            return {GATE: {"class": "tagAnnotation", "attributes": attributes}} if self.lease else {}
        self.read["apic"] += 1
        return json.loads(json.dumps(self.deployed.objects))

    def _calico(self) -> dict[str, Any]:
        self.read["kubernetes"] += 1
        return json.loads(json.dumps({**self.deployed.calico, "managers": self.deployed.managers}))

    def play(self, story: Callable[[], Any]) -> None:
        """Run the follower during a story."""

        async def both() -> None:
            task = asyncio.create_task(self.follower.run())
            try:
                await story()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        asyncio.run(both())

    async def next(self) -> tuple[str, str]:
        """Return the next event: what it tells, and the object or side."""
        event = await asyncio.wait_for(self.events.get(), 60)
        return event["drift"], event["difference"]["object"] if "difference" in event else event["side"]

    async def readings(self) -> None:
        """Wait until both sides were read twice, the second time wholly after this call."""
        before = dict(self.read)
        while any(self.read[side] < before[side] + 3 for side in before):
            await asyncio.sleep(0.01)


async def _never(*_arguments: Any) -> None:
    await asyncio.Event().wait()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_a_difference_is_told_when_it_appears_and_when_it_is_gone(bench: Bench) -> None:
    async def story() -> None:
        svi = bench.deployed.objects[SVI]["attributes"]
        svi["mtu"] = "1500"
        bench.deployed.note("eve", SVI, "modification", "mtu (Old: 9000, New: 1500)")
        event = await asyncio.wait_for(bench.events.get(), 60)
        assert (event["cluster"], event["drift"]) == ("prod1", "found")
        told = event["difference"]
        assert (told["object"], told["changed_by"], told["right"], told["rule"]) == (SVI, "eve", "plan", "own")
        assert told["name"] == bench.deployed.found()[0].name
        assert told["traffic"]["class"]
        svi["mtu"] = "9000"
        assert await bench.next() == ("gone", SVI)
        bench.deployed.held(PEER)["spec"]["asNumber"] = 1
        assert await bench.next() == ("found", PEER)
        await bench.readings()
        assert bench.events.empty()

    bench.play(story)


def test_a_difference_that_changes_is_another_one(bench: Bench) -> None:
    async def story() -> None:
        svi = bench.deployed.objects[SVI]["attributes"]
        svi["mtu"] = "1500"
        assert await bench.next() == ("found", SVI)
        svi["mtu"] = "1600"
        assert [await bench.next(), await bench.next()] == [("gone", SVI), ("found", SVI)]

    bench.play(story)


def test_nothing_new_is_told_while_a_run_holds_the_lease(bench: Bench) -> None:
    async def story() -> None:
        bench.lease = Lease("a1", renewed="2026-01-02T03:04:05Z", seconds=3600)
        bench.deployed.objects[SVI]["attributes"]["mtu"] = "1500"
        bench.deployed.add(f"{OUT}/instP-guest", "l3extInstP", name="guest")
        await bench.readings()
        assert bench.events.empty()
        bench.deployed.objects[SVI]["attributes"]["mtu"] = "9000"
        await bench.readings()
        bench.lease = None
        assert await bench.next() == ("found", f"{OUT}/instP-guest")

    bench.play(story)


def test_a_lease_that_is_no_longer_renewed_holds_nothing_back(bench: Bench) -> None:
    async def story() -> None:
        bench.lease = Lease("a1", seconds=0)
        bench.deployed.objects[SVI]["attributes"]["mtu"] = "1500"
        assert await bench.next() == ("found", SVI)

    bench.play(story)


def test_a_side_that_cannot_be_read_is_told_once_and_the_other_goes_on(bench: Bench) -> None:
    async def story() -> None:
        bench.deployed.objects[SVI]["attributes"]["mtu"] = "1500"
        assert await bench.next() == ("found", SVI)
        bench.failure = "no route to host"
        event = await asyncio.wait_for(bench.events.get(), 60)
        assert (event["drift"], event["side"], event["reason"]) == ("unreadable", "apic", "no route to host")
        bench.deployed.held(PEER)["spec"]["asNumber"] = 1
        assert await bench.next() == ("found", PEER)
        bench.failure = ""
        assert await bench.next() == ("readable", "apic")

    bench.play(story)


def test_a_kubernetes_that_cannot_be_judged_is_unreadable(bench: Bench) -> None:
    async def story() -> None:
        bench.deployed.calico["failures"] = [{"path": "/apis/x", "status": 403, "message": "forbidden"}]
        assert await bench.next() == ("unreadable", "kubernetes")

    bench.play(story)


def test_a_new_plan_takes_effect(bench: Bench) -> None:
    async def story() -> None:
        await bench.readings()
        plan = {**bench.deployed.plan, "interface": {**bench.deployed.plan["interface"], "mtu": 8000}}
        draft = bench.plan.with_suffix(".new")
        draft.write_text(json.dumps(plan), encoding="utf-8")
        os.utime(draft, (1, 1))
        draft.replace(bench.plan)
        assert (await bench.next())[0] == "found"

    bench.play(story)


def test_all_planned_objects_on_apic_are_subscribed_to() -> None:
    deployed = Deployed()
    paths = [query.partition(".json?")[0].removeprefix("/api/mo/") for query in apic_socket.queries(deployed.plan)]
    changed = [dn for dn, one in deployed.objects.items() if one["attributes"].get("status") != "modified" and dn != "uni"]
    assert [dn for dn in changed if not any(f"{dn}/".startswith(f"{path}/") for path in paths)] == []
    assert len(paths) < 40


def test_what_kubelet_writes_is_no_change() -> None:
    signals: list[str] = []
    watch = kube_watch._Watch(kube_watch.NODES, lambda: signals.append("changed"), lambda: ("", {}, None))  # type: ignore[arg-type,return-value]
    node = {"name": "n", "resourceVersion": "1", "labels": {"a": "b"}}
    for version, labels in (("1", {"a": "b"}), ("2", {"a": "b"}), ("3", {"a": "c"})):
        watch._take("MODIFIED", {"metadata": {**node, "resourceVersion": version, "labels": labels}})
    watch._take("BOOKMARK", {"metadata": {"resourceVersion": "9"}})
    assert (len(signals), watch._version) == (2, "9")
    with pytest.raises(kube_watch.GoneError):
        watch._take("ERROR", {"code": 410})


def test_a_node_that_is_gone_is_not_remembered() -> None:
    watch = kube_watch._Watch(kube_watch.NODES, lambda: None, lambda: ("", {}, None))  # type: ignore[arg-type,return-value]
    for number in range(3):
        node = {"name": f"n{number}", "resourceVersion": "1"}
        watch._take("ADDED", {"metadata": node})
        watch._take("DELETED", {"metadata": node})
    assert watch._seen == {}


class Answers:
    """A server that answers every request in the same way; without an answer it closes the connection."""

    def __init__(self, status: int | None, body: str) -> None:
        self.asked = 0
        self._answer = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode() if status else b""

    async def __aenter__(self) -> Answers:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            writer.write(self._answer)
            await writer.drain()
        writer.close()


@pytest.mark.parametrize(
    ("status", "body", "pauses"),
    [
        (None, "", [1, 2, 5, 10, 30, 30]),
        (503, "", [1, 2, 5, 10, 30, 30]),
        (401, "", [1, 2, 5, 10, 30, 30]),
        (200, "", [1, 2, 5, 10, 30, 30]),
        (410, "", [1, 2, 5, 10, 30, 30]),
        (403, "", [300, 1, 300, 2, 300, 5]),
        (200, '{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}\n', None),
    ],
    ids=["closed", "busy", "login", "ended", "gone", "refused", "told"],
)
def test_a_watch_that_tells_nothing_is_repeated_ever_later(
    status: int | None, body: str, pauses: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)
        if len(made) == 6:
            raise asyncio.CancelledError

    async def story() -> None:
        async with Answers(status, body) as server:
            watch = kube_watch._Watch("/api/v1/secrets", lambda: None, lambda: (server.url, {}, None))  # type: ignore[arg-type,return-value]
            watch._version = "7"
            monkeypatch.setattr(kube_watch.asyncio, "sleep", sleep)
            task = asyncio.create_task(watch.run())
            if pauses is None:  # a stream with events is followed by the next one at once
                while server.asked < 5:
                    await asyncio.wait([task], timeout=0.01)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert made == (pauses or [])

    asyncio.run(story())


def test_a_long_stream_without_events_is_followed_by_the_next_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all API servers send bookmarks."""
    monkeypatch.setattr(kube_watch, "PAUSES", (-1,))  # each stream is longer than that

    async def story() -> None:
        async with Answers(200, "") as server, aiohttp.ClientSession() as http:
            watch = kube_watch._Watch("/api/v1/secrets", lambda: None, lambda: (server.url, {}, None))  # type: ignore[arg-type,return-value]
            assert await watch._stream(http, server.url)

    asyncio.run(story())


def test_collections_to_watch_follow_the_cluster() -> None:
    deployed = Deployed()
    paths = kube_watch.paths(deployed.plan, deployed.calico)
    assert "/api/v1/nodes" in paths
    assert f"/apis/{deployed.calico['api_group']}/bgppeers" in paths
    assert "/api/v1/namespaces/kube-system/secrets?fieldSelector=metadata.name%3Dbgp-secrets" in paths
    assert kube_watch.paths(deployed.plan, {**deployed.calico, "api_group": None, "namespace": None}) == ["/api/v1/nodes"]


def test_all_readings_of_apic_share_a_login_until_it_ends() -> None:
    with ApicServer(https=False) as server:
        access = {"host": "127.0.0.1", "port": server.port, "use_ssl": False}
        side = follow.ApicSide(follow.Settings("", {**access, "password": "lab-admin"}))
        for _reading in range(3):
            assert side._read(["/api/mo/uni/tn-common.json"])["uni/tn-common"]["class"] == "fvTenant"
        assert server.log.count("POST", "aaaLogin") == 1
        server.expire()
        assert side._read(["/api/mo/uni/tn-common.json"])
        assert server.log.count("POST", "aaaLogin") == 2
        refused = follow.ApicSide(follow.Settings("", {**access, "password": "wrong"}))
        with pytest.raises(follow.UnreadableError, match="log in to") as reason:
            refused._read(["/api/mo/uni/tn-common.json"])
        assert reason.value.refused


def test_a_refused_login_is_not_repeated_soon() -> None:
    async def story(server: ApicServer) -> None:
        access = {"host": "127.0.0.1", "port": server.port, "use_ssl": False, "password": "wrong"}
        task = asyncio.create_task(apic_socket.follow(access, [], threading.Event().set))
        while not server.log.count("POST", "aaaLogin"):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert server.log.count("POST", "aaaLogin") == 1

    with ApicServer(https=False) as server:
        asyncio.run(story(server))


def test_sockets_that_end_early_are_opened_ever_later(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)
        if len(made) == 5:
            raise asyncio.CancelledError

    async def run(self: apic_socket._Subscriptions, _paths: object, _signal: object) -> None:
        self._complete_since = time.monotonic()
        raise apic_socket.LostError("closed")

    async def story() -> None:
        monkeypatch.setattr(apic_socket._Subscriptions, "run", run)
        monkeypatch.setattr(apic_socket.asyncio, "sleep", sleep)
        with pytest.raises(asyncio.CancelledError):
            await apic_socket.follow({"host": "a", "password": "p"}, [], threading.Event().set)

    asyncio.run(story())
    assert made == [2, 5, 10, 30, 30]


def test_subscriptions_are_refreshed_while_others_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apic_socket, "REFRESH", 0.01)
    asked: list[str] = []

    async def ask(self: apic_socket._Subscriptions, _method: str, path: str, **_body: object) -> dict[str, Any]:
        asked.append(path)
        if path.startswith("/slow"):
            while not any("subscriptionRefresh" in one for one in asked):
                await asyncio.sleep(0.01)
        return {"subscriptionId": "7"}

    class Http:
        @asynccontextmanager
        async def ws_connect(self, *_arguments: object, **_options: object) -> AsyncIterator[None]:
            yield

    async def story() -> None:
        done = asyncio.Event()
        monkeypatch.setattr(apic_socket._Subscriptions, "_ask", ask)
        monkeypatch.setattr(apic_socket._Subscriptions, "_keep_token", _nothing)
        monkeypatch.setattr(apic_socket._Subscriptions, "_renew", _never)
        monkeypatch.setattr(apic_socket, "_listen", _never)
        subscriptions = apic_socket._Subscriptions(Http(), {"password": "p"}, "a")  # type: ignore[arg-type]
        task = asyncio.create_task(subscriptions.run(["/first?x", "/slow?x"], done.set))
        await asyncio.wait_for(done.wait(), 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())


async def _nothing(*_arguments: object, **_options: object) -> None:
    """Do nothing."""


def test_a_side_that_refuses_the_login_is_read_again_late(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apic_socket, "REFUSED", 3600)
    tried = 0

    def read(_side: follow.ApicSide, _queries: list[str]) -> dict[str, Any]:
        nonlocal tried
        tried += 1
        raise follow.UnreadableError("wrong password", refused=True)

    monkeypatch.setattr(follow.ApicSide, "_read", read)

    async def story() -> None:
        assert await bench.next() == ("unreadable", "apic")
        before = bench.read["kubernetes"]
        while bench.read["kubernetes"] < before + 5:
            await asyncio.sleep(0.01)
        assert tried == 1

    bench.play(story)


def test_without_a_password_there_is_no_subscription() -> None:
    async def story() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(apic_socket.follow({"host": "a", "private_key": "k"}, [], threading.Event().set), 0.05)

    asyncio.run(story())
