"""Damage to the text of a file: every truncation, every change of a byte, every duplicated and every swapped line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator


def truncations(whole: bytes) -> Iterator[bytes]:
    """Yield every beginning of the file, the empty one first."""
    return (whole[:length] for length in range(len(whole)))


def changed_bytes(whole: bytes, places: range) -> Iterator[bytes]:
    """Yield the file with every other value of each byte at these places."""
    for place in places:
        before, after = whole[:place], whole[place + 1 :]
        yield from (before + bytes([value]) + after for value in range(256) if value != whole[place])


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
