# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metrics in the text format of Prometheus, for the textfile collector of its node exporter.

Each cluster and each kind of run has a file of its own. The only labels are the cluster, and what the plan and the catalogue of findings
limit: ids, severities and sides.

Sources: Prometheus, "Exposition formats"; prometheus/node_exporter, README, "Textfile Collector".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ..schema.messages import ERROR, WARNING

VERIFY, DRIFT = "verify", "drift"
SEVERITIES, SIDES = (ERROR, WARNING), ("apic", "kubernetes")
# A name without the prefix: its help. All are gauges.
METRICS = {
    "verify_success": "Whether the last verification ended without an error (1) or not (0).",
    "verify_timestamp_seconds": "When the last verification ended.",
    "verify_findings": "The findings of the last verification by severity.",
    "verify_finding": "The findings of the last verification by id; an id without findings has no sample.",
    "sessions_planned": "The planned BGP sessions.",
    "sessions_established": "The planned BGP sessions that are established.",
    "drift_success": "Whether the last search for drift read both sides completely (1) or not (0).",
    "drift_timestamp_seconds": "When the last search for drift ended.",
    "drift_differences": "The differences between the plan and what is deployed, by side.",
}
_PREFIX = "acicalico_"
# A metric, its labels in addition to the cluster, and its value.
Sample = tuple[str, Mapping[str, str], float]


def file_name(kind: str, cluster: str) -> str:
    """Return the name of the file for a kind of run: the collector reads all ``*.prom``."""
    return f"{_PREFIX}{kind}_{cluster}.prom"


def of_verify(cluster: str, report: Mapping[str, Any] | None, now: float) -> str:
    """Return the metrics of a verification.

    :param report: its report; None if it could not read both sides.
    """
    samples: list[Sample] = [("verify_success", {}, bool(report and report["ok"])), ("verify_timestamp_seconds", {}, now)]
    if report:
        found = Counter((one["id"], one["severity"]) for one in report["findings"])
        severities = Counter(one["severity"] for one in report["findings"])
        samples += [("verify_findings", {"severity": one}, severities[one]) for one in SEVERITIES]
        samples += [
            ("verify_finding", {"id": name, "severity": severity}, count) for (name, severity), count in sorted(found.items())
        ]
        states = [session["state"] for session in report["sessions"]]
        samples += [("sessions_planned", {}, len(states)), ("sessions_established", {}, states.count("established"))]
    return _text(cluster, samples)


def of_drift(cluster: str, sides: Iterable[str] | None, now: float) -> str:
    """Return the metrics of a search for drift.

    :param sides: the side of each difference; None if it could not read both sides.
    """
    samples: list[Sample] = [("drift_success", {}, sides is not None), ("drift_timestamp_seconds", {}, now)]
    if sides is not None:
        counts = Counter(sides)
        samples += [("drift_differences", {"side": side}, counts[side]) for side in SIDES]
    return _text(cluster, samples)


def _text(cluster: str, samples: Iterable[Sample]) -> str:
    lines: dict[str, list[str]] = {}
    for name, labels, value in samples:
        full = f"{_PREFIX}{name}"
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in {"cluster": cluster, **labels}.items())
        header = [f"# HELP {full} {METRICS[name]}", f"# TYPE {full} gauge"]
        lines.setdefault(name, header).append(f"{full}{{{shown}}} {_number(value)}")
    return "".join(f"{line}\n" for block in lines.values() for line in block)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
