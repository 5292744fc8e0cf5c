"""The class table: the classes of APIC, their properties, their containers and their names.

``classes.json`` holds facts of APIC 6.0, and ``ignoreIgpMetric`` of ``bgpBestPathCtrlPol.ctrl``, which 6.1(2) added (the name is that of
netascode's terraform-aci-bgp-best-path-policy; its bit is a guess). Properties that several classes share are under ``properties``. A class lists
shared properties of the same name in ``shared``, all others in ``props`` (a definition, or the name of a shared one).
``in`` lists the classes that may contain it (``*``: any). ``fixed`` classes exist as long as their parent,
``operational`` ones belong to the switches and cannot be configured. ``write`` lists the privileges with which a user may
write objects of the class, in addition to ``admin``. ``rank`` orders siblings where APIC's own order is
known.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.dn import split_dn

from . import errors, values

TABLE = Path(__file__).with_name("classes.json")
ROOT = "topRoot"
TAG_CLASSES = frozenset({"tagAnnotation", "tagTag", "tagInst", "tagAliasInst"})


@dataclass(frozen=True, eq=False)
class Property:
    """One property of a class; ``spec`` describes its values to ``values.normalise``."""

    name: str
    spec: values.Spec
    default: str = ""
    naming: bool = False
    create_only: bool = False
    read_only: bool = False
    secure: bool = False


@dataclass(frozen=True)
class Relation:
    """The target of a relation class: class ``to``, by the name in property ``by`` or by ``tDn``; ``fault`` if it is missing."""

    to: str
    by: str | None = None
    fault: str | None = None
    tracked: bool = True


@dataclass(eq=False)
class ClassInfo:
    """One class of managed objects."""

    name: str
    rn: str
    properties: dict[str, Property]
    containers: frozenset[str]
    implicit: tuple[str, ...] = ()
    supers: frozenset[str] = frozenset()
    relation: Relation | None = None
    taggable: bool = False
    fixed: bool = False
    operational: bool = False
    write: frozenset[str] = frozenset()
    rank: int = 0
    naming: tuple[str, ...] = ()
    prefix: str = ""
    pattern: re.Pattern[str] = field(default_factory=lambda: re.compile(""))
    contains: dict[str, ClassInfo] = field(default_factory=dict)

    @functools.cached_property
    def configurable(self) -> tuple[str, ...]:
        """Return the properties that a client may set and a GET returns."""
        return tuple(p.name for p in self.properties.values() if not p.read_only and not p.secure)

    @functools.cached_property
    def defaults(self) -> dict[str, str]:
        """Return the visible properties of an object that nobody configured."""
        return {p.name: p.default for p in self.properties.values() if not p.secure}

    def build_rn(self, naming: dict[str, str]) -> str:
        return self.rn.format_map(naming)

    def parse_rn(self, rn: str) -> dict[str, str] | None:
        """Return the naming properties in ``rn``, or None if it is not a relative name of this class."""
        match = self.pattern.fullmatch(rn)
        if match is None:
            return None
        return {prop: _unbracket(value) for prop, value in zip(self.naming_in_rn, match.groups(), strict=True)}

    @functools.cached_property
    def naming_in_rn(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.rn)


class ClassTable:
    """All classes, and the rules that connect names with classes."""

    def __init__(self, path: Path = TABLE) -> None:
        raw = json.loads(path.read_text())
        shared = {name: _property(name.partition("~")[0], spec) for name, spec in raw["properties"].items()}
        self.classes = {name: _class(name, spec, shared) for name, spec in raw["classes"].items()}
        self.subclasses: dict[str, list[str]] = {}
        for info in self.classes.values():
            for above in info.supers:
                self.subclasses.setdefault(above, []).append(info.name)
            for container in info.containers:
                if container in self.classes:
                    self.classes[container].contains[info.name] = info
        self._anywhere = [c for c in self.classes.values() if "*" in c.containers]

    def __contains__(self, name: str) -> bool:
        return name in self.classes

    def __getitem__(self, name: str) -> ClassInfo:
        return self.classes[name]

    def concrete(self, name: str) -> list[str]:
        """Return the class itself, or the concrete classes below an abstract one; empty for an unknown name."""
        if name in self.classes:
            return [name]
        return self.subclasses.get(name, [])

    def may_contain(self, parent: ClassInfo, child: ClassInfo) -> bool:
        if child.name in parent.contains:
            return True
        return "*" in child.containers and (child.name not in TAG_CLASSES or parent.taggable)

    def child_of(self, parent: ClassInfo, rn: str) -> tuple[ClassInfo, dict[str, str]] | None:
        """Find the class and naming properties of the relative name ``rn`` below ``parent``."""
        best: tuple[ClassInfo, dict[str, str]] | None = None
        for info in (*parent.contains.values(), *self._anywhere):
            if not rn.startswith(info.prefix) or (best and len(best[0].prefix) >= len(info.prefix)):
                continue
            naming = info.parse_rn(rn)
            if naming is not None and self.may_contain(parent, info):
                best = info, naming
        return best

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - the table lives as long as the process
    def resolve(self, dn: str) -> list[tuple[str, ClassInfo, dict[str, str]]]:
        """Return ``dn`` as (relative name, class, naming properties) from the root down.

        Raises error 104 if a relative name fits no class at its place or has an impossible value.
        """
        path = []
        info = self.classes[ROOT]
        for position, rn in enumerate(split_dn(dn), 1):
            found = self.child_of(info, rn)
            if found is None:
                raise errors.invalid_dn(dn, rn, position)
            info, naming = found
            naming = self.normalise_naming(info, naming, rn)
            path.append((info.build_rn(naming), info, naming))
        return path

    def normalise_dn(self, dn: str) -> str:
        """Return ``dn`` as the tree spells it. Raises as ``resolve`` does."""
        return "/".join(rn for rn, _info, _naming in self.resolve(dn))

    def normalise_naming(self, info: ClassInfo, naming: dict[str, str], rn: str) -> dict[str, str]:
        try:
            return {p: values.normalise(info.properties[p].spec, v) for p, v in naming.items()}
        except (values.Unparsable, values.OutOfRange, values.Invalid) as problem:
            raise errors.invalid_rn(rn) from problem


@functools.cache
def class_table() -> ClassTable:
    """Return the class table, which all parts of a process share and none changes."""
    return ClassTable()


def _unbracket(value: str) -> str:
    return value[1:-1] if value.startswith("[") and value.endswith("]") else value


def _property(name: str, raw: dict[str, Any]) -> Property:
    return Property(
        name=name,
        spec=values.Spec.from_table(raw),
        default=raw.get("default", ""),
        naming=raw.get("naming", False),
        create_only=raw.get("createOnly", False) or raw.get("naming", False),
        read_only=raw.get("readOnly", False),
        secure=raw.get("secure", False),
    )


def _class(name: str, raw: dict[str, Any], shared: dict[str, Property]) -> ClassInfo:
    properties = {p: shared[p] for p in raw["shared"]}
    for prop, definition in raw["props"].items():
        properties[prop] = shared[definition] if isinstance(definition, str) else _property(prop, definition)
    relation = raw.get("relation")
    info = ClassInfo(
        name=name,
        rn=raw["rn"],
        properties=dict(sorted(properties.items())),
        containers=frozenset(raw["in"]),
        implicit=tuple(raw.get("implicit", ())),
        supers=frozenset(raw.get("supers", ())),
        relation=_relation(relation) if relation else None,
        taggable=raw.get("taggable", False),
        fixed=raw.get("fixed", False),
        operational=raw.get("operational", False),
        write=frozenset(raw.get("write", "").split()),
        rank=raw.get("rank", 0),
    )
    info.naming = tuple(p.name for p in info.properties.values() if p.naming)
    info.prefix = info.rn.partition("{")[0].removesuffix("[")
    info.pattern = _rn_pattern(info.rn)
    return info


def _relation(raw: dict[str, Any]) -> Relation:
    return Relation(raw["to"], raw.get("by"), raw.get("fault"), not (raw.get("loose") or raw.get("untracked")))


def _rn_pattern(rn: str) -> re.Pattern[str]:
    """Return the pattern of a relative name; a value may be in brackets or not, whatever its format says."""
    pattern = ""
    for literal, name in re.findall(r"([^{}\[\]]*)(\[?{\w+}\]?)?", rn):
        pattern += re.escape(literal)
        if name:
            pattern += r"(\[.*?\]|[^\[\]]+?)"
    return re.compile(pattern)
