# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a run: what a cluster owned on both sides before the run changed anything, and what the run was about to change.

It is one file of JSON. The digest in it says whether it is whole. It grows with the run: before a side is changed for the first time,
its state is added; before each push, the changes that the push is about to make. Thus it is complete whenever the run ends::

    {"journal": 1, "cluster": …, "run": …, "since": …, "holder": …, "playbook": …, "doing": …,
     "allocation": {"path": …, "text": … | null},     # null: there was no file; none if the inventory has no place for one
     "before": {"apic": {dn: {"class": …, "attributes": {…}}}, "kubernetes": {…}},      # the sides that the run changed
     "changes": [{"side": "apic" | "kubernetes", "created": [name, …], "modified": {name: {field: value}}, "deleted": [name, …]}],
     "digest": "sha256:…"}
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from .durable import replace

VERSION = 1
MODE = 0o600
# A journal is never larger: reading ends here.
LARGEST = 256 * 1024 * 1024


class JournalError(Exception):
    """A journal cannot be read, or is not whole."""


def sealed(content: Mapping[str, Any]) -> bytes:
    """Return a journal as the bytes of its file."""
    body = {name: value for name, value in content.items() if name != "digest"}
    return f"{json.dumps({**body, 'digest': _digest(body)}, indent=1, ensure_ascii=False)}\n".encode()


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def opened(data: bytes) -> dict[str, Any]:
    """Return the content of a journal.

    :raises JournalError: it is damaged, or of another version.
    """
    try:
        content = json.loads(data)
    except ValueError:
        raise JournalError("it is no JSON") from None
    if not isinstance(content, dict) or content.pop("digest", None) != _digest(content):
        raise JournalError("it does not match its digest, so somebody changed it, or it is not whole")
    if content.get("journal") != VERSION:
        raise JournalError(f"its version is {content.get('journal')}, and this collection reads version {VERSION}")
    return content


def read(path: str) -> dict[str, Any]:
    """Return the content of the journal in a file.

    :raises JournalError: there is none that can be read.
    """
    try:
        with open(path, "rb") as file:
            return opened(file.read(LARGEST))
    except OSError as reason:
        raise JournalError(reason.strerror or str(reason)) from None


def add(path: str, about: Mapping[str, Any], side: str, before: Callable[[], Any], changes: Mapping[str, Any]) -> None:
    """Add what a push is about to change to the journal of its run; the first one makes the file.

    :param about: what the journal says about its run.
    :param before: returns the state of the side, and is called unless the journal has it.
    :param changes: ``created``, ``modified`` and ``deleted``.
    :raises JournalError: the journal of the run is damaged.
    :raises OSError: the file cannot be written.
    """
    known = read(path) if os.path.exists(path) else {"journal": VERSION, **about, "before": {}, "changes": []}
    if side not in known["before"]:
        known["before"][side] = before()
    known["changes"].append({"side": side, **changes})
    replace(path, sealed(known), MODE)
