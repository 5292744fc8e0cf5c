# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lease: who changes a cluster, since when, and what the run is doing. One is on APIC, one in Kubernetes.

Both servers store the same text. A run renews its lease while it works, and states with each renewal for how long the lease
holds without another one. A lease that is not renewed for this time is stale, and another run may take it over.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Protocol

# The seconds for which a lease holds after a renewal. A run renews before it writes, and states more before it waits.
HOLDS = 180
# A renewal that is younger than this is not repeated.
RENEW_AFTER = 30
# The most seconds that a stored lease may ask for: whatever it says, it ends.
MOST_SECONDS = 86400
# The run of a lease whose text cannot be read.
UNREADABLE = "unreadable"

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_LONGEST = 200


@dataclass(frozen=True)
class Lease:
    """The content of a lease.

    :param run: a random id of the run.
    :param holder: ``user@host``.
    :param process: the process or job, for people.
    :param mark: identifies the process on its machine (see ``plugin_utils.lease``).
    :param since: when the run took it, by the clock of its machine.
    :param renewed: when the run renewed it last, by the same clock.
    :param seconds: for how long it holds without another renewal.
    """

    run: str
    holder: str = "somebody"
    process: str = ""
    mark: str = ""
    playbook: str = ""
    doing: str = ""
    since: str = ""
    renewed: str = ""
    seconds: int = HOLDS

    def text(self) -> str:
        """Return the lease as it is stored. APIC allows neither ``<`` nor ``>`` in it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value != ""}, sort_keys=True)

    def renewal(self, doing: str, seconds: int, now: float) -> Lease:
        """Return the lease with a new time of renewal."""
        return replace(
            self, doing=clean(doing) or self.doing, seconds=seconds, renewed=stamp(now), since=self.since or stamp(now)
        )

    def age(self, now: float) -> float:
        """Return the seconds since the last renewal, by the clock that made it; infinite if it is not known."""
        try:
            renewed = datetime.datetime.strptime(self.renewed, _FORMAT).replace(tzinfo=datetime.UTC)
        except ValueError:
            return float("inf")
        return now - renewed.timestamp()

    def described(self) -> str:
        """Describe the holder for people."""
        inside = ", ".join(filter(None, (f"run {self.run}", self.process, self.playbook)))
        since = f" since {self.since}" if self.since else ""
        renewed = f", renewed {self.renewed}" if self.renewed else ""
        return f"{self.holder} ({inside}) holds it{since}{renewed}" + (f"; its task: {self.doing}" if self.doing else "")


class Outcome(NamedTuple):
    """The outcome of a step: whether the run holds the lease, and the lease that is there, if it was read."""

    held: bool
    holder: Lease | None = None

    def result(self) -> dict[str, Any]:
        """Return the outcome as a module returns it."""
        return {"changed": False, "held": self.held, "holder": asdict(self.holder) if self.holder else None}


class Side(Protocol):
    """The lease of a cluster on one server."""

    def acquire(self, mine: Lease, take: Collection[str]) -> Outcome: ...

    def renew(self, run: str, doing: str, seconds: int = HOLDS) -> Outcome: ...

    def release(self, run: str) -> Outcome: ...


# The options of the modules for one side.
ARGUMENTS: dict[str, Any] = {
    "cluster": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["acquired", "renewed", "released"], "default": "acquired"},
    "lease": {"type": "dict", "required": True},
    "take": {"type": "list", "elements": "str", "default": []},
}


def change(side: Side, params: Mapping[str, Any]) -> Outcome:
    """Bring the lease to the state that a module's options ask for."""
    mine = from_dict(params["lease"])
    if params["state"] == "acquired":
        return side.acquire(mine, params["take"])
    if params["state"] == "renewed":
        return side.renew(mine.run, mine.doing, mine.seconds)
    return side.release(mine.run)


def stamp(now: float) -> str:
    """Return a time as text."""
    return datetime.datetime.fromtimestamp(now, datetime.UTC).strftime(_FORMAT)


def clean(text: Any) -> str:
    """Return a text without characters that a server or a terminal may not accept, and not too long."""
    return re.sub(r"[^ -;=?-~]", "?", str(text))[:_LONGEST]


def parse(text: str) -> Lease:
    """Return a stored lease. One that cannot be read is a lease, too: it is taken over when it is stale."""
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    return from_dict(content) if isinstance(content, dict) else Lease(UNREADABLE)


def from_dict(content: Mapping[str, Any]) -> Lease:
    """Return the lease in a dictionary, which anybody may have written."""
    names = ("holder", "process", "mark", "playbook", "doing", "since", "renewed")
    given: dict[str, Any] = {name: clean(content[name]) for name in names if content.get(name)}
    seconds = content.get("seconds")
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        given["seconds"] = min(max(seconds, 1), MOST_SECONDS)
    run = str(content.get("run") or "")
    return Lease(run if re.fullmatch(r"[A-Za-z0-9-]{1,40}", run) else UNREADABLE, **given)
