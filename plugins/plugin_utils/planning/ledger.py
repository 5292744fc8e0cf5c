# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The allocation file: a record in YAML that names its cluster and carries a digest over its content.

A file is used if it is whole and the cluster's own, so that a truncated, badly merged or misplaced file is refused and never
gives a node another address. ``aci_calico_seal_allocation`` vouches for a file that was edited.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..intent.intent import Intent
from ..schema.check import plain
from ..schema.problems import Problem, shown, some
from .record import BadRecordError, L3OutRecord, Record, dump_content, load_content

SCHEMA = 2
# The form without a digest. A whole file of this schema is written anew in the present one.
UNSEALED = 1
# Room for more than ten thousand nodes.
LARGEST = 1 << 20
DEEPEST = 8
HEADER = """\
# Who has which address and VLAN in cluster {cluster}. Written by netops.aci_calico: commit it with the inventory, as you
# would a lock file. Without it, nodes could be renumbered when others come and go.
"""
_PARTS = ("svi", "l3outs", "leaves", "nodes")
_MERGE = re.compile(r"^(<{7}|={7}|>{7}|\|{7})", re.MULTILINE)
_SEAL = "check each line and run plan once with -e aci_calico_seal_allocation={}"
_RESTORE = "restore the file from version control, or recover it: ansible-playbook -i INVENTORY netops.aci_calico.recover."


@dataclass
class Ledger:
    """The content of an allocation file, with its path, cluster, schema and seal.

    :ivar cluster: the cluster that the file names; None if there is no file.
    :ivar sealed: whether the digest is that of the content.
    """

    record: Record = field(default_factory=Record)
    path: str = ""
    cluster: str | None = None
    schema: int = SCHEMA
    sealed: bool = True


def dump_ledger(cluster: str, record: Record) -> str:
    """Return the text of the allocation file: the same bytes for the same record."""
    content = {"schema": SCHEMA, "cluster": cluster, **dump_content(record)}
    content["digest"] = _digest(plain(content))
    body = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=150)
    return f"{HEADER.format(cluster=cluster)}---\n{body}"


def _digest(content: Mapping[str, Any]) -> str:
    signed = {key: value for key, value in content.items() if key != "digest"}
    canonical = json.dumps(signed, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


# --- reading ---------------------------------------------------------------------------------------------------------


class _MergeError(BadRecordError):
    """Two versions of the file were not merged into one."""


class _Loader(yaml.SafeLoader):
    """Read the part of YAML that the collection writes: keys are texts and occur once, and nothing refers to anything."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if event.anchor:
            raise BadRecordError(f"line {event.start_mark.line + 1} has a YAML anchor or alias, which it never contains")
        if self.depth > DEEPEST:
            raise BadRecordError(f"line {event.start_mark.line + 1} is nested more than {DEEPEST} levels deep")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        content: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            where = f"line {key.start_mark.line + 1}: the key {shown(name)}"
            if name in content:
                raise _MergeError(f"{where} occurs twice: a merge kept both")
            if name == "?":
                raise BadRecordError(f"{where} is not a text")
            content[name] = self.construct_object(value, deep=True)
        return content


def load_ledger(text: str, path: str) -> tuple[Ledger, list[Problem]]:
    """Read the text of an allocation file.

    :param path: the path of the file, for problems.
    :returns: what it says, an empty record if it cannot be used, and problems.
    """
    try:
        return _ledger(_parse(text), path), []
    except BadRecordError as reason:
        return Ledger(path=path), [_unusable(path, reason)]


def read_ledger(content: Any, path: str) -> tuple[Ledger, list[Problem]]:
    """Read the text of an allocation file, or its content as plain data."""
    if isinstance(content, str):
        return load_ledger(content, path)
    try:
        return _ledger(plain(content), path), []
    except BadRecordError as reason:
        return Ledger(path=path), [_unusable(path, reason)]


def _unusable(path: str, reason: BadRecordError) -> Problem:
    remedy = (
        f"Keep one line of each node and leaf and one digest, remove the marks of the merge, {_SEAL.format('CLUSTER')}."
        if isinstance(reason, _MergeError)
        else ""
    )
    return Problem("allocation-file", path, f"The allocation file cannot be used: {reason}", remedy)


def _parse(text: str) -> Any:
    if len(text) > LARGEST:
        raise BadRecordError(f"it is larger than {LARGEST} bytes")
    conflict = _MERGE.search(text)
    if conflict:
        raise _MergeError(f"line {text.count(chr(10), 0, conflict.start()) + 1} has the mark of an unresolved merge")
    try:
        content = yaml.load(text, _Loader)  # _Loader is a SafeLoader
    except yaml.MarkedYAMLError as reason:
        line = f"line {reason.problem_mark.line + 1}: " if reason.problem_mark else ""
        raise BadRecordError(f"it is not YAML: {line}{reason.problem}") from None
    except (yaml.YAMLError, ValueError) as reason:
        raise BadRecordError(f"it is not YAML: {' '.join(str(reason).split())}") from None
    if content is None:
        raise BadRecordError("it is empty")
    return content


def _ledger(content: Any, path: str) -> Ledger:
    if not isinstance(content, dict):
        raise BadRecordError("it is not a dictionary")
    schema, cluster = content.get("schema"), content.get("cluster")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema not in (SCHEMA, UNSEALED):
        raise BadRecordError(f"its schema is {shown(schema)}, not {SCHEMA}")
    missing = [key for key in ("cluster", *_PARTS) if key not in content]
    strange = [key for key in content if key not in ("schema", "cluster", *_PARTS, "digest")]
    if missing:
        raise BadRecordError(f"'{missing[0]}' is missing: it is not whole")
    if strange:
        raise BadRecordError(f"it has the unknown key {shown(strange[0])}")
    if schema == UNSEALED and "digest" in content:
        raise BadRecordError(f"its schema is {UNSEALED}, which has no digest, and it has one")
    if not isinstance(cluster, str):
        raise BadRecordError(f"its cluster is {shown(cluster)}, which is not a name")
    record = load_content(content)
    return Ledger(record, path, cluster, schema, content.get("digest") == _digest(content))


# --- judging ---------------------------------------------------------------------------------------------------------


def usable(ledger: Ledger, intent: Intent) -> tuple[Record, list[Problem]]:
    """Return the record of this cluster's own file, and an empty one if the file is another's or was changed."""
    if ledger.cluster is None:
        return Record(), []
    if ledger.cluster != intent.cluster:
        text = f"It is the allocation file of cluster {ledger.cluster}, and this is cluster {intent.cluster}"
        return Record(), [Problem("allocation-file-foreign", ledger.path, text)]
    if ledger.schema == SCHEMA and not ledger.sealed and not _vouched(intent):
        text = "Its content does not have the digest that the file states: it was truncated, merged or edited"
        remedy = f"If you edited it, {_SEAL.format(intent.cluster)}. Otherwise {_RESTORE}"
        return Record(), [Problem("allocation-file-changed", ledger.path, text, remedy)]
    return ledger.record, []


def is_whole(ledger: Ledger, intent: Intent) -> bool:
    """Return whether a file is whole by its digest, and the cluster's own."""
    return ledger.schema == SCHEMA and ledger.sealed and ledger.cluster == intent.cluster


def _vouched(intent: Intent) -> bool:
    return bool(intent["seal_allocation"] == intent.cluster)


def unproven(ledger: Ledger, intent: Intent, now: Record) -> list[Problem]:
    """Return a problem if a file without a digest does not say all that the plan would record.

    A file that lost its last lines looks like a whole one, and the nodes that it no longer names would get other addresses.
    """
    if ledger.cluster is None or ledger.schema != UNSEALED or _vouched(intent):
        return []
    before = ledger.record
    names = [f"L3Out {number}" for number, one in now.l3outs.items() if not _within(one, before.l3out(number))]
    names += [name for name, one in now.leaves.items() if one != before.leaves.get(name)]
    names += [name for name, one in now.nodes.items() if one != before.nodes.get(name)]
    if not names:
        return []
    text = f"The file has no digest, so it could have been truncated: it lacks {some(names)}, or has other values for them"
    remedy = f"If these are new or were changed on purpose, {_SEAL.format(intent.cluster)}. Otherwise {_RESTORE}"
    return [Problem("allocation-file-unproven", ledger.path, text, remedy)]


def _within(now: L3OutRecord, before: L3OutRecord) -> bool:
    """Return whether an L3Out has only racks that it had before, and the VLAN and shared addresses that it had."""
    return set(now.racks) <= set(before.racks) and (now.vlan, now.shared) == (before.vlan, before.shared)
