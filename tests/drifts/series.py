"""A series of rounds: others change some objects, perhaps while sockets drop or refreshes are missed; each change must be named."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from integration.site.harness import PASSWORD, Cluster, Site, intent, racks

from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift import apic_socket, follow
from drifts.changes import Change, admit_eve, chosen

NAME = "prod"
RESYNC = 8
# The seconds after which a change counts as missed: many readings on a slow machine.
PATIENCE = 120
# What goes wrong in a round; the first ones hit the requests that change APIC.
AT_CHANGE = ("disconnect", "mute", "unsubscribe")
DISTURBANCES = (*AT_CHANGE, "sessions ended", "refresh refused", "login refused", "watches dropped", "versions forgotten")


@dataclass
class Named:
    """How a change was named."""

    side: str
    what: str
    seconds: float
    by: str


@dataclass
class Round:
    """The result of a round."""

    number: int
    disturbed: str
    named: list[Named] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Series:
    """A cluster as planned, with a follower that tells of its drift."""

    def __init__(self, site: Site) -> None:
        self._site = site
        # Sessions must outlive a round, and refreshes must happen in it.
        apic_socket.REFRESH = 2.0
        self.cluster: Cluster = site.add(NAME, intent("floating", racks(2, 2)), subscription_lifetime=6)
        site.run("site")
        admit_eve(self.cluster)
        path = site.folder / "artifacts" / NAME / "plan.json"
        self.plan: dict[str, Any] = json.loads(path.read_text("utf-8"))
        assert self.cluster.kube is not None
        apic = {"host": "127.0.0.1", "port": self.cluster.apic.port, "password": "lab-admin", "validate_certs": False}
        kubernetes = {"kubeconfig": str(self.cluster.kube.kubeconfig)}
        self._settings = follow.Settings(str(path), apic, kubernetes, PASSWORD, RESYNC)
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> Series:
        self._task = asyncio.create_task(follow.Follower(self.events.put, self._settings).run())
        await self._connected()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _connected(self) -> None:
        """Wait for the subscriptions and the watches."""
        wanted = len(apic_socket.queries(self.plan))
        while not self._task.done():
            kube = self.cluster.kube
            assert kube is not None
            lists = sum("limit=1" in one.query for one in kube.requests)
            if self.cluster.apic.apic.subscriptions.counted() >= wanted and lists >= len(
                ("nodes", "4 of Calico", "Secret", "Role", "lease")
            ):
                return
            await asyncio.sleep(0.2)
        self._task.result()

    async def play(self, seed: str, number: int) -> Round:
        """Play a round."""
        await self._connected()
        dice = random.Random(f"{seed}-{number}")
        disturbed = dice.choice(DISTURBANCES) if dice.random() < 0.3 else ""
        result = Round(number, disturbed)
        changes = chosen(self.cluster, self.plan, dice, dice.randrange(1, 6))
        self._disturb(disturbed)
        made = {}
        for change in changes:
            await asyncio.to_thread(change.make)
            made[change.object] = time.monotonic()
        planted = await asyncio.to_thread(self._state)
        await self._await(follow.FOUND, changes, made, result)
        if await asyncio.to_thread(self._state) != planted:
            result.wrong.append("something was mended")
        self.cluster.apic.misbehaviour.clear()
        for change in changes:
            await asyncio.to_thread(change.undo)
        await self._await(follow.GONE, changes, made, result)
        return result

    def _disturb(self, what: str) -> None:
        kube, apic = self.cluster.kube, self.cluster.apic
        assert kube is not None
        if what in AT_CHANGE:
            apic.misbehave(what, method="POST", path="/api/mo/", count=0 if what == "mute" else 1)
        elif what == "sessions ended":
            apic.expire()
        elif what == "refresh refused":
            apic.misbehave("status", path="subscriptionRefresh", status=400)
        elif what == "login refused":
            apic.misbehave("disconnect", method="POST", path="/api/mo/")
            apic.misbehave("status", path="/socket", count=2)
        elif what:
            if what == "versions forgotten":
                kube._loop.call_soon_threadsafe(kube.emulator.watches.compact)
            kube._loop.call_soon_threadsafe(kube.emulator.watches.disconnect)

    def _state(self) -> tuple[Any, Any]:
        assert self.cluster.kube is not None
        return self.cluster.tree(), self.cluster.kube.objects()

    async def _await(self, kind: str, changes: list[Change], made: dict[str, float], result: Round) -> None:
        """Take events until each change was told of, or for too long."""
        open_ = {change.object: change for change in changes}
        end = time.monotonic() + PATIENCE
        while open_ and time.monotonic() < end:
            try:
                event = await asyncio.wait_for(self.events.get(), 1)
            except TimeoutError:
                if self._task.done():
                    self._task.result()
                continue
            if PASSWORD in json.dumps(event):
                result.wrong.append("an event has the password")
            if event["drift"] not in (follow.FOUND, follow.GONE):
                continue
            one = event["difference"]
            change = open_.pop(one["object"], None) if event["drift"] == kind else None
            if change and kind == follow.FOUND:
                seconds = time.monotonic() - made[one["object"]]
                result.named.append(Named(change.side, change.what, round(seconds, 3), one["changed_by"]))
                if change.side == "apic" and one["changed_by"] != "eve":
                    result.wrong.append(f"{change.what} named as a change by {one['changed_by']}")
            elif change is None and one["object"] not in made:
                result.wrong.append(f"{event['drift']}: {one['object']}")
        result.missed += [f"{kind}: {one.what} of {one.object}" for one in open_.values()]


async def play(folder: Path, seed: str, done: list[dict[str, Any]], count: int, report: Any = None) -> list[dict[str, Any]]:
    """Play rounds until there were ``count`` changes; ``done`` are the earlier ones."""
    with Site(folder) as site:
        async with Series(site) as series:
            while sum(len(one["named"]) + len(one["missed"]) for one in done) < count:
                done.append(asdict(await series.play(seed, len(done) + 1)))
                if report:
                    report(done[-1])
    return done
