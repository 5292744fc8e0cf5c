"""The follower: which events it puts, and what wakes it. The sides answer from a cluster in which tests change something."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
        with pytest.raises(follow.UnreadableError, match="log in to"):
            refused._read(["/api/mo/uni/tn-common.json"])


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


def test_without_a_password_there_is_no_subscription() -> None:
    async def story() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(apic_socket.follow({"host": "a", "private_key": "k"}, [], threading.Event().set), 0.05)

    asyncio.run(story())
