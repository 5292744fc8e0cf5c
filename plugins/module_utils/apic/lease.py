# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease on APIC: tags on a tenant.

APIC has no versions of objects, but a POST is one transaction, refuses to create what exists (code 103) and refuses to modify
what does not (102). So the lease is a chain of tags (``tagAnnotation``). The first one, the gate, has a fixed key: the run that
creates it holds the lease. To take the lease over from run A, a run creates the tag with A's id in its key, and requires in the
same POST that A's own tag exists: of several takers one succeeds. The run in the last tag of the chain is the holder. Ids are
random, so that a tag with the id of a run that has left the chain is litter, and removed with the next write. The holder removes
the whole chain in one POST.

The steps are generators of requests, so that tests can run them in each possible order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Generator, Mapping
from typing import Any

from ..lease import HOLDS, RENEW_AFTER, Lease, Outcome, parse
from ..names import LEASE_PREFIX
from .session import ApicError, OutcomeUnknown, Session

_ABSENT, _PRESENT = "102", "103"
# The number of attempts before somebody else is said to hold the lease.
_MOST_ROUNDS = 8

# A request: None reads all tags of the lease; a dictionary writes tags by key: a text creates, KEEP requires, DELETE removes.
# A text in a tuple modifies. The reply to a write is whether APIC accepted it, None if there was no answer.
Steps = Generator["Mapping[str, Any] | None", Any, Outcome]
KEEP, DELETE = object(), object()


class Chain:
    """The tags of a cluster's lease: ``links`` in their order, and the keys of those that belong to no chain."""

    def __init__(self, cluster: str, tags: Mapping[str, str]) -> None:
        self.gate = f"{LEASE_PREFIX}{cluster}"
        self.links: list[tuple[str, Lease]] = []
        key = self.gate
        while key in tags and key not in self.keys():
            self.links.append((key, parse(tags[key])))
            key = self.after(self.links[-1][1].run)
        self.litter = [key for key in tags if key not in self.keys()]

    def after(self, run: str) -> str:
        """Return the key of the tag that takes the lease from a run."""
        return f"{self.gate}:{run}"

    def keys(self) -> list[str]:
        return [key for key, _lease in self.links]

    def holds(self, run: str) -> bool:
        return bool(self.links) and self.links[-1][1].run == run

    def outcome(self, run: str) -> Outcome:
        return Outcome(self.holds(run), self.links[-1][1] if self.links else None)


def acquire(cluster: str, mine: Lease, take: Collection[str] = ()) -> Steps:
    """Take the lease if it is free or held by one of the runs in ``take``."""
    chain = Chain(cluster, {})
    for _round in range(_MOST_ROUNDS):
        clean_up = dict.fromkeys(chain.litter, DELETE)
        if not chain.links:
            if (yield {chain.gate: mine.text(), **clean_up}):
                return Outcome(True, mine)
        elif chain.holds(mine.run):
            break
        elif chain.links[-1][1].run in take:
            # The chain tells whether it succeeded: the one that was read may have been replaced by another one.
            key, holder = chain.links[-1]
            yield {key: KEEP, chain.after(holder.run): mine.text(), **clean_up}
        else:
            break
        chain = Chain(cluster, (yield None))
    return chain.outcome(mine.run)


def renew(cluster: str, run: str, doing: str, seconds: int, now: float) -> Steps:
    """Check that the run still holds the lease, and renew it unless that was done a moment ago."""
    for _round in range(_MOST_ROUNDS):
        chain = Chain(cluster, (yield None))
        if not chain.holds(run):
            break
        key, lease = chain.links[-1]
        if lease.age(now) < RENEW_AFTER and lease.seconds >= seconds:
            break
        if (yield {key: (lease.renewal(doing, seconds, now).text(),)}):
            break
    return chain.outcome(run)


def release(cluster: str, run: str) -> Steps:
    """Remove the lease if the run holds it."""
    for _round in range(_MOST_ROUNDS):
        chain = Chain(cluster, (yield None))
        if not chain.holds(run):
            return chain.outcome(run)
        if (yield dict.fromkeys([*chain.keys(), *chain.litter], DELETE)):
            break
    return Outcome(False)


class ApicLease:
    """The lease of a cluster on one APIC.

    :param dn: DN of the tenant that has it.
    """

    def __init__(self, session: Session, dn: str, cluster: str) -> None:
        self._session = session
        self._dn = dn
        self._cluster = cluster

    def acquire(self, mine: Lease, take: Collection[str]) -> Outcome:
        """Take the lease; see ``acquire``."""
        return self._drive(acquire(self._cluster, mine, take))

    def renew(self, run: str, doing: str, seconds: int = HOLDS) -> Outcome:
        """Check and renew the lease; see ``renew``."""
        return self._drive(renew(self._cluster, run, doing, seconds, time.time()))

    def release(self, run: str) -> Outcome:
        """Remove the lease; see ``release``."""
        return self._drive(release(self._cluster, run))

    def _drive(self, steps: Steps) -> Outcome:
        reply: Any = None
        attempt = 0
        while True:
            try:
                request = steps.send(reply)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            reply = self._read() if request is None else self._write(request)
            if reply is None:
                attempt += 1
                self._session.pause(attempt)

    def _read(self) -> dict[str, str]:
        gate = f"{LEASE_PREFIX}{self._cluster}"
        query = f'query-target=children&target-subtree-class=tagAnnotation&query-target-filter=wcard(tagAnnotation.key,"{gate}")'
        found = self._session.get(f"/api/mo/{self._dn}.json?{query}")
        tags = [body["attributes"] for item in found for body in item.values()]
        return {tag["key"]: tag["value"] for tag in tags if tag["key"] == gate or tag["key"].startswith(f"{gate}:")}

    def _write(self, request: Mapping[str, Any]) -> bool | None:
        tags = [{"tagAnnotation": {"attributes": _attributes(key, what)}} for key, what in request.items()]
        body = {"fvTenant": {"attributes": {"status": "modified"}, "children": tags}}
        try:
            self._session.post(f"/api/mo/{self._dn}.json", json.dumps(body))
        except OutcomeUnknown:
            return None
        except ApicError as error:
            requires = any(what is KEEP or isinstance(what, tuple) for what in request.values())
            if error.code == _PRESENT or (error.code == _ABSENT and requires):
                return False
            raise  # a tenant that does not exist among others
        return True


def _attributes(key: str, what: Any) -> dict[str, str]:
    if what is KEEP:
        return {"key": key, "status": "modified"}
    if what is DELETE:
        return {"key": key, "status": "deleted"}
    if isinstance(what, tuple):
        return {"key": key, "value": what[0], "status": "modified"}
    return {"key": key, "value": what, "status": "created"}
