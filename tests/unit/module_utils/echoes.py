"""The ways in which servers repeat what they were sent, and a search for a secret in texts.

The encoders are those of the standard library and of common servers; the tests of `Mask` share no code with it.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

CUT = 8


def _each(form: str) -> Callable[[str], str]:
    """Return an encoder that writes each character by its number."""
    return lambda secret: "".join(form.format(ord(char)) for char in secret)


def _unicode(form: str) -> Callable[[str], str]:
    """Return an encoder that writes each UTF-16 unit by its number."""
    return lambda secret: "".join(
        form.format(int.from_bytes(pair, "big")) for pair in _pairs(secret.encode("utf-16-be", errors="replace"))
    )


def _pairs(octets: bytes) -> list[bytes]:
    return [octets[start : start + 2] for start in range(0, len(octets), 2)]


def _json(secret: str, **options: bool) -> str:
    return json.dumps(secret, **options)[1:-1]


def _base64(before: str, urlsafe: bool, inner: Callable[[str], str]) -> Callable[[str], str]:
    """Return an encoder of a secret that follows another text. Characters that depend on the other text are left out."""

    def encode(secret: str) -> str:
        octets = inner(secret).encode(errors="replace")
        encoder = base64.urlsafe_b64encode if urlsafe else base64.b64encode
        encoded = encoder(before.encode() + octets).decode()
        return encoded[-(-len(before) * 8 // 6) :].rstrip("=")

    return encode


def _lower(encoded: str) -> str:
    return "".join(char.lower() if encoded[max(0, at - 2) : at].count("%") else char for at, char in enumerate(encoded))


def _alternating(secret: str) -> str:
    """Encode each second character for a URL, as no library does."""
    return "".join(_percent(char) if at % 2 else char for at, char in enumerate(secret))


def _percent(char: str) -> str:
    return "".join(f"%{octet:02x}" for octet in char.encode(errors="replace"))


ECHOES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": _json,
    "JSON in UTF-8": lambda secret: _json(secret, ensure_ascii=False),
    "JSON with slashes": lambda secret: _json(secret).replace("/", "\\/"),
    "JSON of Go": lambda secret: _json(secret).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
    "JSON in JSON": lambda secret: _json(_json(secret)),
    "JSON in JSON in JSON": lambda secret: _json(_json(_json(secret))),
    "JSON by number": _unicode("\\u{:04x}"),
    "JSON by upper number": _unicode("\\u{:04X}"),
    "XML text": escape,
    "XML attribute": lambda secret: quoteattr(secret)[1:-1],
    "XML of JSON": lambda secret: html.escape(_json(secret)),
    "JSON of XML": lambda secret: _json(html.escape(secret)),
    "XML twice": lambda secret: html.escape(html.escape(secret)),
    "entities": _each("&#{};"),
    "hexadecimal entities": _each("&#x{:x};"),
    "upper hexadecimal entities": _each("&#x{:X};"),
    "URL": lambda secret: quote(secret, safe="", errors="replace"),
    "URL, lower": lambda secret: _lower(quote(secret, safe="", errors="replace")),
    "URL path": lambda secret: quote(secret, errors="replace"),
    "form": lambda secret: quote_plus(secret, errors="replace"),
    "URL twice": lambda secret: quote(quote(secret, safe="", errors="replace"), safe=""),
    "URL of JSON": lambda secret: quote(_json(secret), safe=""),
    "URL, all": lambda secret: "".join(map(_percent, secret)),
    "URL, some": _alternating,
    "Python": lambda secret: repr(secret)[1:-1],
    "Python bytes": lambda secret: repr(secret.encode(errors="replace"))[2:-1],
    "Python of JSON": lambda secret: repr(_json(secret).encode())[2:-1],
    "ASCII": lambda secret: ascii(secret)[1:-1],
    "doubled backslashes": lambda secret: secret.replace("\\", "\\\\"),
    "UTF-8 as Latin-1": lambda secret: secret.encode(errors="replace").decode("latin-1"),
    "hexadecimal": lambda secret: secret.encode(errors="replace").hex(),
    **{
        f"Base64 after {before!r} {inner_name}{' for URLs' if urlsafe else ''}": _base64(before, urlsafe, inner)
        for before in ("", "x", "xy", '{"pwd": "')
        for inner_name, inner in (("plain", str), ("as JSON", _json))
        for urlsafe in (False, True)
    },
    "Base64 of Base64": _base64("", False, _base64("", False, str)),
    "Base64 in a URL": lambda secret: quote(base64.b64encode(secret.encode(errors="replace")).decode(), safe=""),
    "Base64 in JSON": lambda secret: base64.b64encode(secret.encode(errors="replace")).decode().replace("/", "\\/"),
}


def left(text: str, echo: str) -> list[str]:
    """Return the parts of an echo that a text still holds: the whole of a short one, or eight characters in a row."""
    if len(echo) < CUT:
        return [echo] if echo and echo in text else []
    return [part for at in range(len(echo) - CUT + 1) if (part := echo[at : at + CUT]) in text]


def leaks(text: str, secret: str) -> list[str]:
    """Return the names of the echoes of which a text holds a part."""
    return [name for name, encode in ECHOES.items() if left(text, encode(secret))]
