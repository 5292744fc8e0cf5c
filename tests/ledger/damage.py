"""Damage to the text of an allocation file, and the judgement of what is read from it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.ledger import SCHEMA, Ledger, load_ledger

REFUSED, SAME, OTHER = "refused", "same addresses", "other addresses"


def truncations(whole: bytes) -> Iterator[bytes]:
    """Yield every beginning of the file, the empty one first."""
    return (whole[:length] for length in range(len(whole)))


def changed_bytes(whole: bytes) -> Iterator[bytes]:
    """Yield the file with every other value of each byte."""
    for place, value in itertools.product(range(len(whole)), range(256)):
        if value != whole[place]:
            yield b"".join((whole[:place], bytes([value]), whole[place + 1 :]))


def duplicated_lines(whole: bytes) -> Iterator[bytes]:
    """Yield the file with each line repeated after each line."""
    lines = whole.splitlines(keepends=True)
    for line, place in itertools.product(lines, range(len(lines) + 1)):
        yield b"".join([*lines[:place], line, *lines[place:]])


def swapped_lines(whole: bytes) -> Iterator[bytes]:
    """Yield the file with each two lines exchanged."""
    lines = whole.splitlines(keepends=True)
    for one, other in itertools.combinations(range(len(lines)), 2):
        swapped = list(lines)
        swapped[one], swapped[other] = lines[other], lines[one]
        yield b"".join(swapped)


KINDS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "truncation": truncations,
    "changed byte": changed_bytes,
    "duplicated line": duplicated_lines,
    "swapped lines": swapped_lines,
}


def verdict(damaged: bytes, whole: Ledger) -> str:
    """Return what becomes of a damaged file: it is refused, or says what the whole one says, or something else."""
    try:
        ledger, problems = load_ledger(damaged.decode(), "the file")
    except UnicodeDecodeError:
        return REFUSED
    if problems or ledger.cluster != whole.cluster or (ledger.schema == SCHEMA and not ledger.sealed):
        return REFUSED
    same = ledger.schema == SCHEMA and ledger.record == whole.record
    return SAME if same else OTHER
