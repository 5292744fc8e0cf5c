# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roots that a task names: what is wanted below each, and the one query that reads what is there."""

from __future__ import annotations

import re

from ..names import SHARED, owner_of
from . import mo
from .tree import TreeError, parse_wanted

# So many objects of a class are asked for one by one; of more, those whose DNs begin alike, to keep the URL short.
_MOST_BY_NAME = 12


class Root:
    """One root: ``dn``, ``scope``, the ``wanted`` tree, and whether it is to be ``absent``.

    :param spec: ``{"dn": …, "scope": "subtree" | "named" | "bare", "tree": …, "state": "present" | "absent", "classes": [class, …],
        "except": [DN, …], "assumed": [DN, …]}``; ``classes`` are further classes that a named root is responsible for, although
        its tree has no object of them; ``except`` are places below it that another root is responsible for; ``assumed`` are
        containers that somebody else makes in the same run, which a dry run does not miss.
    :raises TreeError: when the tree has faults.
    """

    def __init__(self, spec, cluster):
        self.dn = spec["dn"]
        self.named = spec["scope"] != "subtree"
        self.bare = spec["scope"] == "bare"
        self.absent = spec.get("state") == "absent"
        self.owner = owner_of(cluster)
        self.assumed = frozenset(spec.get("assumed") or ())
        self.wanted = parse_wanted(self.dn, spec["tree"], cluster)
        self.tops = []
        self.top_classes = set()
        self.paths = set()
        self.mergeable = self.named and not self.bare
        self.others = tuple(f"{dn}/" for dn in spec.get("except") or ())
        self._collect(self.wanted, (self.wanted.cls,), True)
        for cls in spec.get("classes") or ():
            self.paths.update(mo.class_paths(self.wanted.cls, cls))
            self.top_classes.add(cls)

    def _collect(self, wanted, path, top):
        """Note the paths of classes that the root is responsible for, and the objects that a query has to name."""
        if not wanted.container:
            self.paths.add(path)
            if top:
                self.tops.append(wanted)
                self.top_classes.add(wanted.cls)
        for child in wanted.children:
            self._collect(child, (*path, child.cls), top and wanted.container)

    def query(self, with_owned, removing=False):
        """The path of the GET.

        A root of scope named asks for its topmost objects by DN and, ``with_owned``, for whatever else of its classes
        carries our annotation: a container of thousands of other objects costs nothing. One of scope bare asks for the
        tree's own objects with their tags, and for all below only when they are to be removed.
        """
        if not self.named:
            return f"/api/mo/{self.dn}.json?rsp-subtree=full"
        if self.bare and not removing:
            return self._bare_query()
        return _named_query(self.dn, self.terms(with_owned))

    def terms(self, with_owned):
        """What a named root asks for, as terms of APIC's filters."""
        return [*self._by_name(), *(self._by_owner() if with_owned else ())]

    def holds(self, dn):
        """Whether an object is the root or below it."""
        return f"{dn}/".startswith(f"{self.dn}/")

    def _bare_query(self):
        wanted = [item for item in self.wanted.walk() if not item.container and not mo.is_tag(item.cls)]
        terms = [f'eq({item.cls}.dn,"{item.dn}")' for item in wanted]
        terms += [f'wcard(tagAnnotation.dn,"{item.dn}/annotationKey-")' for item in wanted]
        classes = dict.fromkeys([*(item.cls for item in wanted), "tagAnnotation"])
        return _subtree_query(self.dn, classes, terms)

    def _by_name(self):
        by_class = {}
        for wanted in self.tops:
            by_class.setdefault(wanted.cls, []).append(wanted.dn)
        for cls, dns in by_class.items():
            if cls in mo.ONE_PER:
                # Whatever stands in their place is of interest too.
                prefix = mo.CLASSES[cls].rn_format.partition("[")[0]
                yield from (f'wcard({cls}.dn,"{dn}/{prefix}")' for dn in sorted({mo.parent_dn(dn) for dn in dns}))
            elif len(dns) > _MOST_BY_NAME:
                yield f'wcard({cls}.dn,"{plain_prefix(dns)}")'
            else:
                yield from (f'eq({cls}.dn,"{dn}")' for dn in dns)

    def _by_owner(self):
        for cls in sorted({path[-1] for path in self.paths if not mo.is_tag(path[-1])}):
            yield f'eq({cls}.annotation,"{self.owner}")'
            if cls in self.top_classes:
                yield f'eq({cls}.annotation,"{SHARED}")'


def queries(roots, with_owned, removing=False):
    """The GETs of a task: ``[(path, [root, …]), …]``. Named roots within another one are read together with it."""
    together = {}
    for root in roots:
        wider = [other for other in roots if other.mergeable and other.holds(root.dn)] if root.mergeable else []
        together.setdefault(min(wider, key=lambda other: len(other.dn), default=root).dn, []).append(root)
    for dn, members in together.items():
        if len(members) == 1:
            yield members[0].query(with_owned, removing or members[0].absent), members
        else:
            terms = dict.fromkeys(term for root in members for term in root.terms(with_owned))
            yield _named_query(dn, list(terms)), members


def _named_query(dn, terms):
    if not terms:
        return f"/api/mo/{dn}.json"
    classes = dict.fromkeys(re.match(r"\w+\((\w+)\.", term).group(1) for term in terms)
    return f"{_subtree_query(dn, classes, terms)}&rsp-subtree=full"


def _subtree_query(dn, classes, terms):
    condition = terms[0] if len(terms) == 1 else f"or({','.join(terms)})"
    return (
        f"/api/mo/{dn}.json?query-target=subtree&target-subtree-class={','.join(classes)}"
        f"&query-target-filter={condition}"
    )


def plain_prefix(dns):
    """What DNs (or other texts) begin with in common, as far as it means the same in a pattern."""
    first, last = min(dns), max(dns)
    common = next(
        (position for position, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    return re.match(r"[\w./:-]*", first[:common]).group(0)


def parse_roots(specs, cluster, apart=True):
    """The roots of a task.

    :param apart: whether no root may lie within another one, which matters to whoever pushes them.
    :raises TreeError: with the faults of all of them.
    """
    roots, faults = [], []
    for spec in specs:
        try:
            roots.append(Root(spec, cluster))
        except TreeError as error:
            faults.extend(error.faults)
    if apart:
        faults.extend(_overlaps(roots))
    if faults:
        raise TreeError(faults)
    return roots


def _overlaps(roots):
    for position, root in enumerate(roots):
        for other in roots[position + 1 :]:
            if root.dn == other.dn:
                yield f"{root.dn}: given as root twice"
            else:
                upper, lower = sorted((root, other), key=lambda item: len(item.dn))
                if not upper.named and lower.dn.startswith(f"{upper.dn}/"):
                    yield f"{lower.dn}: lies within the root {upper.dn}, whose scope is its whole subtree"
