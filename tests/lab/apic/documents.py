"""JSON and XML of the REST interface, in and out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from . import errors
from .tree import ManagedObject


@dataclass
class Posted:
    """One object in a request's body."""

    cls: str
    attributes: dict[str, str]
    children: list[Posted] = field(default_factory=list)


@dataclass
class Node:
    """One object in an answer, with the children to show below it."""

    mo: ManagedObject
    children: list[Node] = field(default_factory=list)
    #: shown instead of the object's own properties, for the changes of a POST
    attributes: dict[str, str] | None = None


class _Unquoted(str):
    """A JSON number, true, false or null in the place of a string."""


def parse_json(body: str) -> Posted:
    """Read a posted object. Raises the errors of APIC's own parser."""
    try:
        document = json.loads(body, parse_int=_Unquoted, parse_float=_Unquoted, parse_constant=_Unquoted)
    except ValueError:
        raise errors.incomplete_value() from None
    return parse_object(document)


def parse_object(document: Any) -> Posted:
    """Read an object from parsed JSON. Raises as ``parse_json`` does."""
    if not isinstance(document, dict) or len(document) != 1:
        raise errors.bad_request("400", "invalid data at line '1'. Exactly one object is expected")
    ((cls, body),) = document.items()
    if not isinstance(body, dict) or next(iter(body), None) != "attributes" or not isinstance(body["attributes"], dict):
        raise errors.attributes_first()
    _refuse_unquoted(cls, body["attributes"])
    return Posted(cls, body["attributes"], [parse_object(child) for child in body.get("children") or ()])


def _refuse_unquoted(cls: str, attributes: dict[str, Any]) -> None:
    last = next(reversed(attributes), None)
    for prop, value in attributes.items():
        if isinstance(value, str) and not isinstance(value, _Unquoted):
            continue
        if prop == last:
            raise errors.incomplete_value()
        raise errors.swallowed_value(value if isinstance(value, str) else json.dumps(value), prop, cls)


def parse_xml(body: str) -> Posted:
    """Read a posted object from XML."""
    try:
        element = ElementTree.fromstring(body)
    except ElementTree.ParseError as problem:
        line = problem.position[0]
        raise errors.bad_request("400", f"XML parsing failed at line: {line}") from None
    return _from_element(element)


def _from_element(element: ElementTree.Element) -> Posted:
    return Posted(element.tag, dict(element.attrib), [_from_element(child) for child in element])


class Renderer:
    """Renders answers; ``properties`` is the query's ``rsp-prop-include`` (all, config-only or naming-only)."""

    def __init__(self, properties: str = "all") -> None:
        self.properties = properties

    def json(self, nodes: Iterable[Node], total: int) -> bytes:
        out = [f'{{"totalCount":"{total}","imdata":[']
        for i, node in enumerate(nodes):
            if i:
                out.append(",")
            self._write_json(node, out, top=True)
        out.append("]}")
        return "".join(out).encode()

    def xml(self, nodes: Iterable[Node], total: int) -> bytes:
        out = [f'<?xml version="1.0" encoding="UTF-8"?><imdata totalCount="{total}">']
        for node in nodes:
            self._write_xml(node, out, top=True)
        out.append("</imdata>")
        return "".join(out).encode()

    def _write_json(self, node: Node, out: list[str], top: bool) -> None:
        mo = node.mo
        out.append(f'{{"{mo.cls}":{{"attributes":')
        if node.attributes is not None:
            out.append(json.dumps(node.attributes))
        else:
            key = (self.properties, top)
            if key not in mo.cache:
                mo.cache[key] = json.dumps(dict(self._shown(mo, top)), separators=(",", ":"))
            out.append(mo.cache[key])
        if node.children:
            out.append(',"children":[')
            for i, child in enumerate(node.children):
                if i:
                    out.append(",")
                self._write_json(child, out, top=False)
            out.append("]")
        out.append("}}")

    def _write_xml(self, node: Node, out: list[str], top: bool) -> None:
        shown = node.attributes.items() if node.attributes is not None else self._shown(node.mo, top)
        attributes = "".join(f" {prop}={quoteattr(value)}" for prop, value in shown)
        out.append(f"<{node.mo.cls}{attributes}")
        if not node.children:
            out.append("/>")
            return
        out.append(">")
        for child in node.children:
            self._write_xml(child, out, top=False)
        out.append(f"</{node.mo.cls}>")

    def _shown(self, mo: ManagedObject, top: bool) -> Iterator[tuple[str, str]]:
        """Yield an object's properties: with ``dn`` at the top, with ``rn`` below; below, a restricted answer has neither."""
        shown = dict(mo.values)
        if self.properties == "all":
            shown.update(childAction="", status="")
            shown["dn" if top else "rn"] = mo.dn if top else mo.rn
        else:
            kept = mo.info.naming if self.properties == "naming-only" else mo.info.configurable
            shown = {prop: shown[prop] for prop in kept}
            if top:
                shown["dn"] = mo.dn
        yield from sorted(shown.items())


def error_json(problem: errors.ApicError) -> bytes:
    attributes = {"code": problem.code, "text": str(problem)}
    return json.dumps({"totalCount": "1", "imdata": [{"error": {"attributes": attributes}}]}).encode()


def error_xml(problem: errors.ApicError) -> bytes:
    text = quoteattr(str(problem))
    return f'<?xml version="1.0" encoding="UTF-8"?><imdata totalCount="1"><error code="{problem.code}" text={text}/></imdata>'.encode()
