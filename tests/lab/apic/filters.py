"""The filter language of queries, such as ``and(eq(fvTenant.name,"x"),wcard(fvTenant.descr,"y"))``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from . import errors
from .model import ClassTable
from .tree import ManagedObject

Predicate = Callable[[ManagedObject], bool]
_COMMON = frozenset({"dn", "rn", "status", "childAction"})
_TOKEN = re.compile(r'\s*(?:(?P<word>[\w.-]+)|(?P<mark>[(),])|"(?P<text>(?:[^"\\]|\\.)*)"|\'(?P<single>[^\']*)\')')


def parse(text: str, table: ClassTable) -> Predicate:
    """Compile a filter. Raises ApicError for an unknown class or property, or a malformed filter."""
    parser = _Parser(text, table)
    predicate = parser.expression()
    parser.expect_end()
    return predicate


class _Parser:
    def __init__(self, text: str, table: ClassTable) -> None:
        self.text = text
        self.table = table
        self.position = 0

    def expression(self) -> Predicate:
        operator = self._next("word")
        self._mark("(")
        if operator in _LOGIC:
            return self._logic(operator)
        if operator in ("true", "false"):
            self._mark(")")
            return lambda _mo: operator == "true"
        if operator not in _COMPARISONS:
            raise self._malformed()
        prop = self._property()
        values = []
        while self._peek() == ",":
            self._mark(",")
            values.append(self._value())
        self._mark(")")
        if len(values) != (2 if operator == "bw" else 1):
            raise self._malformed()
        return self._comparison(prop, _COMPARISONS[operator](*values))

    def expect_end(self) -> None:
        if self.text[self.position :].strip():
            raise self._malformed()

    def _logic(self, operator: str) -> Predicate:
        terms = [self.expression()]
        while self._peek() == ",":
            self._mark(",")
            terms.append(self.expression())
        self._mark(")")
        return _LOGIC[operator](terms)

    def _comparison(self, prop: tuple[frozenset[str], str], matches: Callable[[str], bool]) -> Predicate:
        classes, name = prop

        def predicate(mo: ManagedObject) -> bool:
            value = mo.get(name) if mo.cls in classes else None
            return value is not None and matches(value)

        return predicate

    def _property(self) -> tuple[frozenset[str], str]:
        cls, __, name = self._next("word").partition(".")
        classes = self.table.concrete(cls)
        if not classes:
            raise errors.class_not_found(cls)
        if name not in _COMMON and not any(self._visible(each, name) for each in classes):
            raise errors.property_not_found(name, cls)
        return frozenset(classes), name

    def _visible(self, cls: str, name: str) -> bool:
        return name in self.table[cls].defaults

    def _match(self) -> re.Match[str]:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            raise self._malformed()
        return match

    def _peek(self) -> str | None:
        match = _TOKEN.match(self.text, self.position)
        return match.group("mark") if match else None

    def _next(self, kind: str) -> str:
        match = self._match()
        if match.group(kind) is None:
            raise self._malformed()
        self.position = match.end()
        return match.group(kind)

    def _mark(self, mark: str) -> None:
        if self._next("mark") != mark:
            raise self._malformed()

    def _value(self) -> str:
        match = self._match()
        self.position = match.end()
        value = next((match.group(kind) for kind in ("text", "single", "word") if match.group(kind) is not None), None)
        if value is None:
            raise self._malformed()
        return value

    def _malformed(self) -> errors.ApicError:
        return errors.bad_query(f"Invalid filter: {self.text}")


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[str], Callable[[str], bool]]:
    def build(wanted: str) -> Callable[[str], bool]:
        def matches(value: str) -> bool:
            try:
                return compare(float(value), float(wanted))
            except ValueError:
                return compare(value, wanted)

        return matches

    return build


def _wildcard(pattern: str) -> Callable[[str], bool]:
    try:
        compiled = re.compile(pattern)
    except re.error:
        compiled = re.compile(re.escape(pattern))
    return lambda value: compiled.search(value) is not None


def _between(low: str, high: str) -> Callable[[str], bool]:
    from_low, to_high = _ordered(operator.ge)(low), _ordered(operator.le)(high)
    return lambda value: from_low(value) and to_high(value)


def _bits(text: str) -> set[str]:
    return {bit.strip() for bit in text.split(",")} - {""}


_COMPARISONS: dict[str, Callable[..., Callable[[str], bool]]] = {
    "eq": lambda wanted: lambda value: value == wanted,
    "ne": lambda wanted: lambda value: value != wanted,
    "lt": _ordered(operator.lt),
    "le": _ordered(operator.le),
    "gt": _ordered(operator.gt),
    "ge": _ordered(operator.ge),
    "bw": _between,
    "wcard": _wildcard,
    "anybit": lambda wanted: lambda value: bool(_bits(wanted) & _bits(value)),
    "allbits": lambda wanted: lambda value: _bits(wanted) <= _bits(value),
}

_LOGIC: dict[str, Callable[[list[Predicate]], Predicate]] = {
    "and": lambda terms: lambda mo: all(term(mo) for term in terms),
    "or": lambda terms: lambda mo: any(term(mo) for term in terms),
    "xor": lambda terms: lambda mo: sum(term(mo) for term in terms) % 2 == 1,
    "not": lambda terms: lambda mo: not terms[0](mo),
}
