# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interpret HTTP answers, and missing ones, alike for the clients of APIC and Kubernetes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

NO_ANSWER = -1
REFUSED_FOR_NOW = 429
# With these, it is unknown whether the request was carried out.
UNKNOWN = frozenset((NO_ANSWER, 500, 502, 503, 504))
# What prevents any work with a server, as opposed to a request that is refused.
UNREACHABLE, CERTIFICATE, LOGIN, ANSWER, BUSY = "unreachable", "certificate", "login", "answer", "busy"
# The longest pause in seconds that is made for a Retry-After.
_LONGEST_PAUSE = 10


def document(body: str | bytes | None) -> Any:
    """Return the content of a JSON text, or None if it is none."""
    try:
        return json.loads(body or "")
    except (TypeError, ValueError, RecursionError):
        return None


def cause_of_silence(text: str) -> str:
    """Return the cause of a connection without an answer.

    :param text: the reason that the client gave.
    """
    return CERTIFICATE if "certificate" in text.lower() else UNREACHABLE


def asked_pause(retry_after: object) -> float:
    """Return the seconds that a server asks to wait: a number, or the time until a date (RFC 9110, Retry-After)."""
    asked = str(retry_after or "").strip()
    try:
        seconds = float(asked) if asked.isascii() and asked.isdigit() else _until(asked)
    except (TypeError, ValueError):
        return 0
    return min(max(seconds, 0), _LONGEST_PAUSE)


def _until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds() if date else 0
