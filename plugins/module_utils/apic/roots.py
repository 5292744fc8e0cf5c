# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roots of a task: the objects that are wanted below each, and the query that reads the existing ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from ..names import SHARED, owner_of
from . import mo
from .tree import TreeError, Wanted, parse_wanted

# Up to this number, objects of a class are queried one by one; more are queried by their DNs' common prefix, to keep the
# URL short.
_MOST_BY_NAME = 12
# The length of the longest path of a request: APIC accepts request lines of 8 KiB.
LONGEST_PATH = 7000


class Root:
    """One root: its ``dn``, its ``wanted`` tree, and whether it must be ``absent``.

    :param spec: ``{"dn": …, "scope": "subtree" | "named" | "bare", "tree": …, "state": "present" | "absent", "classes": [class, …],
        "except": [DN, …], "keep": [class, …], "assumed": [DN, …]}``; a named root also prunes objects of ``classes``, even if
        its tree has none of them; ``except`` are DNs below it that belong to another root; objects of the classes ``keep`` (``class`` or ``parent/class``) are
        removed only with the whole configuration; ``assumed`` are containers that another task creates in the same run, so
        that check mode does not report them as missing.
    :raises TreeError: when the tree has problems.
    """

    def __init__(self, spec: dict[str, Any], cluster: str) -> None:
        self.dn = spec["dn"]
        self.named = spec["scope"] != "subtree"
        self.bare = spec["scope"] == "bare"
        self.absent = spec.get("state") == "absent"
        self.owner = owner_of(cluster)
        self.assumed = frozenset(spec.get("assumed") or ())
        self.wanted = parse_wanted(self.dn, spec["tree"], cluster)
        self.tops: list[Wanted] = []
        self.top_classes: set[str] = set()
        self.paths: set[tuple[str, ...]] = set()
        self.mergeable = self.named and not self.bare
        self.others = tuple(f"{dn}/" for dn in spec.get("except") or ())
        self.keep = frozenset(spec.get("keep") or ())
        self._collect(self.wanted, (self.wanted.cls,), True)
        for cls in spec.get("classes") or ():
            self.paths.update(mo.class_paths(self.wanted.cls, cls))
            self.top_classes.add(cls)

    def _collect(self, wanted: Wanted, path: tuple[str, ...], top: bool) -> None:
        """Note the paths of classes that belong to the root, and the objects that a query must name."""
        if not wanted.container:
            self.paths.add(path)
            if top:
                self.tops.append(wanted)
                self.top_classes.add(wanted.cls)
        for child in wanted.children:
            self._collect(child, (*path, child.cls), top and wanted.container)

    def pruned(self, removing: bool) -> set[tuple[str, ...]] | None:
        """Return the paths of the classes of which objects can be removed; None for all."""
        if not self.named:
            return None
        return self.paths if removing else {path for path in self.paths if not self._keeps(path)}

    def _keeps(self, path: tuple[str, ...]) -> bool:
        return any(f"/{classes}/" in f"/{'/'.join(path)}/" for classes in self.keep)

    def query(self, with_owned: bool, removing: bool = False) -> str:
        """Return the path of the GET.

        The query of a root of scope named selects its topmost objects by DN and, ``with_owned``, other objects of its
        classes by annotation, so that it stays cheap in a container with thousands of other objects. The query of a root
        of scope bare selects the tree's own objects with their tags, and everything below only when it will be removed.
        """
        if not self.named:
            return f"/api/mo/{self.dn}.json?rsp-subtree=full"
        if self.bare and not removing:
            return self._bare_query()
        return _named_query(self.dn, self.terms(with_owned))

    def terms(self, with_owned: bool) -> list[str]:
        """Return the filter terms of a named root's query."""
        return [*self._by_name(), *(self._by_owner() if with_owned else ())]

    def holds(self, dn: str) -> bool:
        """Return whether an object is the root or below it."""
        return f"{dn}/".startswith(f"{self.dn}/")

    def _bare_query(self) -> str:
        wanted = [item for item in self.wanted.walk() if not item.container and not mo.is_tag(item.cls)]
        terms = [f'eq({item.cls}.dn,"{item.dn}")' for item in wanted]
        terms += [f'wcard(tagAnnotation.dn,"{item.dn}/annotationKey-")' for item in wanted]
        classes = dict.fromkeys([*(item.cls for item in wanted), "tagAnnotation"])
        return _subtree_query(self.dn, classes, terms)

    def _by_name(self) -> Iterator[str]:
        by_class: dict[str, list[str]] = {}
        for wanted in self.tops:
            by_class.setdefault(wanted.cls, []).append(wanted.dn)
        for cls, dns in by_class.items():
            if cls in mo.ONE_PER:
                # An object that occupies their place must be read too.
                prefix = mo.CLASSES[cls].rn_format.partition("[")[0]
                yield from (f'wcard({cls}.dn,"{dn}/{prefix}")' for dn in sorted({mo.parent_dn(dn) for dn in dns}))
            elif len(dns) > _MOST_BY_NAME:
                yield f'wcard({cls}.dn,"{plain_prefix(dns)}")'
            else:
                yield from (f'eq({cls}.dn,"{dn}")' for dn in dns)

    def _by_owner(self) -> Iterator[str]:
        for cls in sorted({path[-1] for path in self.paths if not mo.is_tag(path[-1])}):
            yield f'eq({cls}.annotation,"{self.owner}")'
            if cls in self.top_classes:
                yield f'eq({cls}.annotation,"{SHARED}")'


def queries(roots: Sequence[Root], with_owned: bool, removing: bool = False) -> Iterator[tuple[str, list[Root]]]:
    """Yield the GETs of a task: ``(path, [root, …])``. Named roots within another one are read together with it."""
    together: dict[str, list[Root]] = {}
    for root in roots:
        wider = [other for other in roots if other.mergeable and other.holds(root.dn)] if root.mergeable else []
        together.setdefault(min(wider, key=lambda other: len(other.dn), default=root).dn, []).append(root)
    for dn, members in together.items():
        if len(members) == 1:
            yield members[0].query(with_owned, removing or members[0].absent), members
        else:
            terms = dict.fromkeys(term for root in members for term in root.terms(with_owned))
            yield _named_query(dn, list(terms)), members


def _named_query(dn: str, terms: list[str]) -> str:
    if not terms:
        return f"/api/mo/{dn}.json"
    classes = dict.fromkeys(term.partition("(")[2].partition(".")[0] for term in terms)
    return f"{_subtree_query(dn, classes, terms)}&rsp-subtree=full"


def _subtree_query(dn: str, classes: Iterable[str], terms: list[str]) -> str:
    return f"/api/mo/{dn}.json?query-target=subtree&target-subtree-class={','.join(classes)}&query-target-filter={any_of(terms)}"


def any_of(terms: Sequence[str]) -> str:
    """Return the filter that selects what one of the terms selects."""
    return terms[0] if len(terms) == 1 else f"or({','.join(terms)})"


def plain_prefix(dns: Collection[str]) -> str:
    """Return the common prefix of DNs (or other texts), up to the first character with a meaning in a pattern."""
    first, last = min(dns), max(dns)
    common = next((position for position, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return re.sub(r"[^\w./:-].*", "", first[:common])


def parse_roots(specs: Iterable[dict[str, Any]], cluster: str, apart: bool = True) -> list[Root]:
    """Return the roots of a task.

    :param apart: whether to refuse roots that lie within one another, as a push must.
    :raises TreeError: with the problems of all roots.
    """
    roots: list[Root] = []
    problems: list[str] = []
    for spec in specs:
        try:
            roots.append(Root(spec, cluster))
        except TreeError as error:
            problems.extend(error.problems)
    if apart:
        problems.extend(_overlaps(roots))
    if problems:
        raise TreeError(problems)
    return roots


def _overlaps(roots: Sequence[Root]) -> Iterator[str]:
    for position, root in enumerate(roots):
        for other in roots[position + 1 :]:
            if root.dn == other.dn:
                yield f"{root.dn}: given as root twice"
            else:
                upper, lower = sorted((root, other), key=lambda item: len(item.dn))
                if not upper.named and lower.dn.startswith(f"{upper.dn}/"):
                    yield f"{lower.dn}: lies within the root {upper.dn}, whose scope is its whole subtree"
