# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Consents: names given with a run, each of which allows one kind of interruption in that run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .messages import WARNING
from .problems import Problem

CONSENT = "aci_calico_consent"
# The id of the problem.
MISSING = "consent-missing"
SESSION_RESET = "session-reset"
ROUTE_LOSS = "route-loss"
TRAFFIC_INTERRUPTION = "traffic-interruption"
TEARDOWN = "teardown"
RELEASE = "release"
# What each consent allows. The removal of a cluster or a node is named with it: see ``teardown_of``, ``release_of``.
CONSENTS = {
    SESSION_RESET: "BGP sessions of the cluster end and are established anew",
    ROUTE_LOSS: "routes of the cluster disappear for a time, and with them what they lead to",
    TRAFFIC_INTERRUPTION: "traffic of pods or services is interrupted",
}


def teardown_of(cluster: str) -> str:
    """Return the name of the consent to the removal of a cluster."""
    return f"{TEARDOWN}:{cluster}"


def release_of(node: str) -> str:
    """Return the name of the consent to the loss of a node that left the inventory and is alive in Kubernetes."""
    return f"{RELEASE}:{node}"


@dataclass(frozen=True)
class Consents:
    """The consents that were given with a run.

    :param names: their names.
    :param preview: whether the run changes nothing (check mode). A missing consent is then a warning.
    """

    names: frozenset[str] = frozenset()
    preview: bool = False

    def require(self, name: str, path: str, interrupts: str, lasts: str) -> Iterator[Problem]:
        """Yield a problem if a consent was not given.

        :param name: one of ``CONSENTS``, ``teardown_of`` a cluster, or ``release_of`` a node.
        :param path: the object or variable whose change interrupts something.
        :param interrupts: the change and what it interrupts, as a sentence without a full stop.
        :param lasts: for how long: "about 3 s", "until the routes are back".
        """
        if name not in self.names:
            problem = f"{interrupts}. Duration: {lasts}"
            remedy = f"If this is acceptable now, run again with -e {CONSENT}={name} (several names: separate them with commas)."
            yield Problem(MISSING, path, problem, remedy, WARNING if self.preview else "")


NONE_GIVEN = Consents()
