# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove secrets from texts of servers, in every spelling in which servers repeat what they were sent.

A secret is a sequence of characters, and each character has several spellings: JSON's and Python's escapes, XML's entities,
URL encoding, and these within one another. `Mask` collects the four-character pieces of all spellings. Eight characters in a
row whose pieces are all in the collection are hidden: that covers each cut of eight or more characters, also of mixed spellings.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import html.entities
import itertools
import json
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from .names import HIDDEN

# The shortest part of a secret that is hidden. A shorter secret is hidden as a whole.
SHORTEST_CUT = 8
_PIECE = 4
# Longer secrets are private keys, which never leave this machine.
_LONGEST = 4096
# Spellings of one character, one set for each position of the secret.
_Units = list[tuple[str, ...]]
_BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits
_ALPHABETS = (f"{_BASE64}+/", f"{_BASE64}-_")
_SHOWN = 120


class Mask:
    """Hides secrets in texts.

    :param secrets: the secrets; empty ones are ignored.
    """

    def __init__(self, secrets: Iterable[str | None]) -> None:
        self._secrets = sorted({secret[:_LONGEST] for secret in secrets if secret}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without the secrets and without their parts."""
        if not self._secrets or not text:
            return text
        for whole in self._short:
            text = whole.sub(HIDDEN, text)
        shown, end = [], 0
        for first, last in self._found(text):
            shown += [text[end:first], HIDDEN]
            end = last
        return "".join([*shown, text[end:]])

    def everywhere(self, value: Any) -> Any:
        """Return plain data with each text in it masked."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {self.everywhere(name): self.everywhere(one) for name, one in value.items()}
        return [self.everywhere(one) for one in value] if isinstance(value, (list, tuple)) else value

    def excerpt(self, content: bytes | str | None) -> str:
        """Return the beginning of an answer in quotes, masked, with control characters escaped."""
        text = content.decode(errors="replace") if isinstance(content, bytes) else str(content or "")
        masked = self(text[: _SHOWN * 40])
        return json.dumps(f"{masked[:_SHOWN]}…" if len(masked) > _SHOWN else masked, ensure_ascii=False)

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the first and the last position of each part of the text that is a part of a secret."""
        pieces, start = self._pieces, None
        for position in range(len(text) - _PIECE + 2):
            known = position <= len(text) - _PIECE and text[position : position + _PIECE] in pieces
            if known and start is None:
                start = position
            elif not known and start is not None:
                if position - start + _PIECE - 1 >= SHORTEST_CUT:
                    yield start, position + _PIECE - 1
                start = None

    @functools.cached_property
    def _pieces(self) -> set[str]:
        """The pieces of all spellings, collected when a text must be masked for the first time."""
        return set().union(*(_pieces_of(units) for secret in self._secrets for units in _forms(secret)))

    @functools.cached_property
    def _short(self) -> list[re.Pattern[str]]:
        """Patterns of whole secrets that are shorter than the shortest cut."""
        short = [secret for secret in self._secrets if len(secret) < SHORTEST_CUT]
        forms = [units for secret in short for units in ([spellings(char) for char in secret], _whole_base64(secret))]
        return [re.compile("".join(f"(?:{'|'.join(map(re.escape, unit))})" for unit in units)) for units in forms]


def plain_url(url: str) -> str:
    """Return a URL without credentials and without its query."""
    return re.sub(r"//[^/@]*@", "//", url.partition("?")[0])


def plain_reason(text: str) -> str:
    """Return the reason of a failed connection without the numbers of Python's errors."""
    return re.sub(r"\[(?:Errno -?\d+|\w+: \w+)\] | \(_ssl\.c:\d+\)", "", text)


# --- the forms of a secret -------------------------------------------------------------------------------------------


def _forms(secret: str) -> Iterator[_Units]:
    """Yield the forms in which a secret may appear, each as its characters with their spellings."""
    for text in _alike(secret):
        yield [spellings(char) for char in text]
    octets = secret.encode(errors="replace")
    for digits in (octets.hex(), octets.hex().upper()):
        yield [(digit,) for digit in digits]
    for coded, alphabet, skipped in itertools.product(_coded(secret), _ALPHABETS, range(3)):
        yield _within_base64(coded.encode(errors="replace"), skipped, alphabet)


def _alike(secret: str) -> set[str]:
    """Return a secret in Unicode's normal forms, and its UTF-8 as read by a program that expects Latin-1."""
    alike = {secret, unicodedata.normalize("NFC", secret), unicodedata.normalize("NFD", secret)}
    octets = secret.encode(errors="replace")
    return alike | {octets.decode("latin-1"), octets.decode("cp1252", errors="replace")}


def _coded(text: str) -> set[str]:
    """Return what is encoded in Base64 if a server does so with a part of the request: a text, JSON, XML, a form."""
    coded = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], html.escape(text), quote(text, safe="")}
    encoded = base64.b64encode(text.encode(errors="replace")).decode()
    return coded | {encoded, encoded.rstrip("=")}


def _within_base64(octets: bytes, skipped: int, alphabet: str) -> _Units:
    """Return the Base64 of a text that follows ``skipped`` unknown octets. Its first and last characters depend on its neighbours."""
    bits = "".join(f"{octet:08b}" for octet in octets)
    unknown = 8 * skipped % 6
    padded = "?" * unknown + bits
    padded += "?" * (-len(padded) % 6)
    units: _Units = []
    for start in range(0, len(padded), 6):
        possible = {alphabet[int("".join(choice), 2)] for choice in itertools.product(*map(_bit, padded[start : start + 6]))}
        units.append(tuple(spelling for char in sorted(possible) for spelling in _of_base64(char)))
    return [*units, tuple(_of_base64("=")), tuple(_of_base64("="))]


def _bit(bit: str) -> str:
    return "01" if bit == "?" else bit


def _of_base64(char: str) -> tuple[str, ...]:
    if char.isalnum():
        return (char,)
    number = ord(char)
    codes = (f"%{number:02X}", f"%{number:02x}", f"%25{number:02X}", f"%25{number:02x}", f"&#{number};", f"&#x{number:X};")
    return (char, f"\\{char}", f"\\u{number:04x}", f"\\u{number:04X}", *codes, f"&#x{number:x};")


def _whole_base64(secret: str) -> _Units:
    return [_of_base64(char) for char in base64.b64encode(secret.encode(errors="replace")).decode().rstrip("=")]


@functools.lru_cache(maxsize=4096)
def spellings(char: str) -> tuple[str, ...]:
    """Return all spellings of a character."""
    first = {char, *_escapes(char), *_entities(char), *_url_codes(char)}
    nested = {coded for one in first for coded in _nested(one)}
    return tuple(sorted(first | nested))


def _escapes(char: str) -> Iterator[str]:
    r"""Yield the escapes of JSON, Python and shells, with backslashes that are doubled again and again."""
    number = ord(char)
    units = [number] if number < 0x10000 else [0xD800 + (number - 0x10000 >> 10), 0xDC00 + (number & 0x3FF)]
    octets = char.encode(errors="replace")
    for slashes in ("\\", "\\\\", "\\\\\\\\"):
        for digits in ("x", "X"):
            yield "".join(f"{slashes}u{unit:04{digits}}" for unit in units)
            yield f"{slashes}u{{{number:{digits}}}}"
            yield f"{slashes}U{number:08{digits}}"
            yield "".join(f"{slashes}x{octet:02{digits}}" for octet in octets)
            yield f"{slashes}x{number:02{digits}}"
        yield "".join(f"{slashes}{octet:03o}" for octet in octets)
    named = json.dumps(char)[1:-1].lstrip("\\")[:1] if char in "\b\f\n\r\t" else char
    if char == "\\":
        yield from ("\\" * count for count in (2, 3, 4, 6, 8))
    elif not char.isalnum():
        yield from ("\\" * count + named for count in (1, 2, 3, 5, 7))


@functools.cache
def _entity_names() -> dict[str, list[str]]:
    names: dict[str, list[str]] = {"'": ["apos;"]}
    for name, char in html.entities.html5.items():
        names.setdefault(char, []).append(name if name.endswith(";") else f"{name};")
    return names


def _entities(char: str) -> Iterator[str]:
    number = ord(char)
    codes = [f"#{number};", f"#{number:03};", f"#{number:05};"]
    codes += [f"#{x}{number:{form}};" for x in "xX" for form in ("x", "X", "02x", "02X", "04x", "04X")]
    for code in (*codes, *_entity_names().get(char, ())):
        yield f"&{code}"
        yield f"&amp;{code}"


def _url_codes(char: str) -> Iterator[str]:
    encodings = {char.encode(errors="replace"), char.encode("latin-1", errors="replace")}
    for octets, digits, percent in itertools.product(encodings, ("02x", "02X"), ("%", "%25", "=")):
        yield "".join(f"{percent}{octet:{digits}}" for octet in octets)
    yield from (f"%u{ord(char):04x}", f"%u{ord(char):04X}")
    if char == " ":
        yield "+"


def _nested(spelling: str) -> Iterator[str]:
    """Yield a spelling encoded once more, as a JSON text within a form or within XML is."""
    if len(spelling) > 12:
        return
    encoded = quote(spelling, safe="")
    yield encoded
    yield re.sub("%..", lambda code: code.group().lower(), encoded)
    yield html.escape(spelling)
    yield spelling.replace("\\", "&#92;").replace('"', "&#34;")
    yield spelling.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


# --- a secret on its way from a module to its action -----------------------------------------------------------------


def sealed(secret: bytes, pad: str, name: str) -> str:
    """Return a secret so that only who gave the pad can read it: what a module returns can appear in logs of Ansible.

    :param pad: a random text that is used once, and that no output has.
    :param name: makes the pads of several secrets different.
    """
    stream = hashlib.shake_256(f"{pad}/{name}".encode()).digest(len(secret))
    return bytes(one ^ other for one, other in zip(secret, stream, strict=True)).hex()


def unsealed(text: str, pad: str, name: str) -> str:
    """Return the secret that ``sealed`` has sealed."""
    return bytes.fromhex(sealed(bytes.fromhex(text), pad, name)).decode(errors="replace")


# --- pieces ----------------------------------------------------------------------------------------------------------


def _pieces_of(units: _Units) -> set[str]:
    """Return all pieces of all texts that consist of one spelling of each character."""
    pieces: set[str] = set()
    ends = frozenset(("",))
    for unit in units:
        crossing, ends = _joined(ends, unit)
        pieces |= crossing
        pieces |= _inside(unit)
    return pieces


@functools.lru_cache(maxsize=4096)
def _inside(unit: tuple[str, ...]) -> frozenset[str]:
    """Return the pieces within the spellings of one character."""
    return frozenset(piece for spelling in unit for piece in _cut(spelling))


@functools.lru_cache(maxsize=4096)
def _joined(ends: frozenset[str], unit: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the pieces that begin before a character and end in it, and the ends of the texts with it."""
    crossing: set[str] = set()
    for size in range(1, _PIECE):
        before = {end[size - _PIECE :] for end in ends if len(end) >= _PIECE - size}
        within = {spelling[:size] for spelling in unit if len(spelling) >= size}
        crossing.update(end + beginning for end in before for beginning in within)
    long = {spelling[1 - _PIECE :] for spelling in unit if len(spelling) >= _PIECE - 1}
    short = [spelling for spelling in unit if len(spelling) < _PIECE - 1]
    return frozenset(crossing), frozenset(long.union((end + spelling)[1 - _PIECE :] for end in ends for spelling in short))


def _cut(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(len(text) - _PIECE + 1)]
