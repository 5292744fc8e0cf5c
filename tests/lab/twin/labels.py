"""Calico's selector language over labels, as in ``nodeSelector`` and ``peerSelector``.

``all()``, ``has(label)``, ``label == "value"``, ``!=``, ``in {…}``, ``not in {…}``, ``contains``, ``starts with``,
``ends with``, ``!``, ``&&``, ``||`` and brackets; ``&&`` binds tighter than ``||``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Labels = Mapping[str, str]
Predicate = Callable[[Labels], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<call>(?:all|global)\s*\(\s*\)) |
        (?P<has>has\s*\(\s*(?P<label>[^)\s]+)\s*\)) |
        (?P<operator>==|!=|&&|\|\||!|\(|\)|\{|\}|,) |
        (?P<text>"[^"]*"|'[^']*') |
        (?P<phrase>not\s+in\b|in\b|contains\b|starts\s+with\b|ends\s+with\b) |
        (?P<name>[A-Za-z0-9_./-]+)
    )""",
    re.VERBOSE,
)


class SelectorError(ValueError):
    """The text is not a selector."""


def matches(selector: str, labels: Labels) -> bool:
    """Return True if a selector matches an object's labels; the empty selector matches everything.

    :raises SelectorError: when the selector cannot be read.
    """
    return _Parser(selector).parse()(labels)


class _Parser:
    def __init__(self, selector: str) -> None:
        self._selector = selector
        self._tokens = _tokens(selector)
        self._next = 0

    def parse(self) -> Predicate:
        if not self._tokens:
            return lambda labels: True
        predicate = self._either()
        if self._peek()[0] != "end":
            raise self._error()
        return predicate

    def _either(self) -> Predicate:
        operands = [self._both()]
        while self._accept("operator", "||"):
            operands.append(self._both())
        return lambda labels: any(operand(labels) for operand in operands)

    def _both(self) -> Predicate:
        operands = [self._term()]
        while self._accept("operator", "&&"):
            operands.append(self._term())
        return lambda labels: all(operand(labels) for operand in operands)

    def _term(self) -> Predicate:
        if self._accept("operator", "!"):
            negated = self._term()
            return lambda labels: not negated(labels)
        if self._accept("operator", "("):
            inner = self._either()
            self._expect("operator", ")")
            return inner
        if self._accept("call"):
            return lambda labels: True
        if label := self._accept("has"):
            return lambda labels: label in labels
        return self._comparison(self._expect("name"))

    def _comparison(self, label: str) -> Predicate:
        kind, operator = self._peek()
        self._next += 1
        if kind not in ("operator", "phrase") or (operator not in _COMPARISONS and operator not in _MEMBERSHIPS):
            raise self._error()
        if operator in _MEMBERSHIPS:
            values, wanted = self._set(), _MEMBERSHIPS[operator]
            return lambda labels: (labels.get(label) in values) is wanted
        value, compare = self._expect("text"), _COMPARISONS[operator]
        return lambda labels: compare(labels.get(label), value)

    def _set(self) -> frozenset[str]:
        self._expect("operator", "{")
        values = set()
        while not self._accept("operator", "}"):
            values.add(self._expect("text"))
            self._accept("operator", ",")
        return frozenset(values)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _accept(self, kind: str, text: str | None = None) -> str | None:
        found_kind, found = self._peek()
        if found_kind != kind or text not in (None, found):
            return None
        self._next += 1
        return found

    def _expect(self, kind: str, text: str | None = None) -> str:
        found = self._accept(kind, text)
        if found is None:
            raise self._error()
        return found

    def _error(self) -> SelectorError:
        return SelectorError(f"not a selector, see token {self._next + 1}: {self._selector}")


# A missing label equals nothing and differs from everything.
_COMPARISONS: dict[str, Callable[[str | None, str], bool]] = {
    "==": lambda found, value: found == value,
    "!=": lambda found, value: found != value,
    "contains": lambda found, value: found is not None and value in found,
    "starts with": lambda found, value: found is not None and found.startswith(value),
    "ends with": lambda found, value: found is not None and found.endswith(value),
}
_MEMBERSHIPS = {"in": True, "not in": False}


def _tokens(selector: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    while selector[position:].strip():
        match = _TOKEN.match(selector, position)
        if not match:
            raise SelectorError(f"not a selector, see {selector[position:]!r}: {selector}")
        kind = match.lastgroup or ""
        if kind == "label" or match["has"]:
            tokens.append(("has", match["label"]))
        elif kind == "text":
            tokens.append(("text", match["text"][1:-1]))
        else:
            tokens.append((kind, " ".join(match[kind].split())))
        position = match.end()
    return tokens
