"""GET: select objects by the query's options, and the objects to show below them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from . import errors, filters
from .documents import Node
from .tree import ManagedObject, Tree

#: a real APIC refuses larger answers
MAX_RESULTS = 100_000

#: classes that APIC creates and nobody configures
_STATE = frozenset({"faultInst", "faultDelegate", "faultCounts", "healthInst"})

_CHOICES = {
    "query-target": ("self", "children", "subtree"),
    "rsp-subtree": ("no", "children", "full", "modified"),
    "rsp-prop-include": ("all", "naming-only", "config-only"),
}


def _everything(_mo: ManagedObject) -> bool:
    return True


@dataclass
class Options:
    """The checked query options of one request."""

    target: str = "self"
    target_classes: frozenset[str] = frozenset()
    target_filter: filters.Predicate | None = None
    subtree: str = "no"
    subtree_classes: frozenset[str] = frozenset()
    subtree_filter: filters.Predicate | None = None
    include: frozenset[str] = frozenset()
    properties: str = "all"
    order: list[tuple[str, str, bool]] = field(default_factory=list)
    page: int = 0
    page_size: int | None = None
    sees: Callable[[ManagedObject], bool] = _everything

    @classmethod
    def parse(cls, query: Mapping[str, str], tree: Tree) -> Options:
        """Read the options. Raises ApicError for unknown classes and properties and malformed values."""
        for name, choices in _CHOICES.items():
            if name in query and query[name] not in choices:
                raise errors.bad_query(f"Invalid value {query[name]} for query option {name}")
        return cls(
            target=query.get("query-target", "self"),
            target_classes=_classes(query.get("target-subtree-class"), tree),
            target_filter=_filter(query.get("query-target-filter"), tree),
            subtree=query.get("rsp-subtree", "no"),
            subtree_classes=_classes(query.get("rsp-subtree-class"), tree),
            subtree_filter=_filter(query.get("rsp-subtree-filter"), tree),
            include=frozenset(filter(None, query.get("rsp-subtree-include", "").split(","))),
            properties=query.get("rsp-prop-include", "all"),
            order=list(_order(query.get("order-by", ""))),
            page=_number(query, "page") or 0,
            page_size=_number(query, "page-size"),
        )


def _classes(text: str | None, tree: Tree) -> frozenset[str]:
    found: set[str] = set()
    for name in filter(None, (text or "").split(",")):
        concrete = tree.table.concrete(name)
        if not concrete:
            raise errors.unresolved_class(name)
        found.update(concrete)
    return frozenset(found)


def _filter(text: str | None, tree: Tree) -> filters.Predicate | None:
    return filters.parse(text, tree.table) if text else None


def _order(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield class, property and direction of each term in ``fvBD.name|desc,…``."""
    for term in filter(None, text.split(",")):
        path, __, direction = term.partition("|")
        cls, __, prop = path.partition(".")
        yield cls, prop, direction == "desc"


def _number(query: Mapping[str, str], name: str) -> int | None:
    """Return a number, or None where the option is missing or not a number: cisco.aci sends ``page=None``."""
    return int(query[name]) if query.get(name, "").isdigit() else None


def of_object(tree: Tree, dn: str, options: Options) -> tuple[list[Node], int]:
    """Answer ``/api/mo/DN``: return the nodes to show and the total before paging. A missing object is not an error."""
    mo = tree.get(dn) or tree.get(tree.table.normalise_dn(dn))
    return _answer(tree, [mo] if mo else [], options)


def of_class(tree: Tree, cls: str, below: str, options: Options) -> tuple[list[Node], int]:
    """Answer ``/api/class/CLASS``, limited to the objects below the DN ``below`` if one is given."""
    if not tree.table.concrete(cls):
        raise errors.unresolved_class(cls)
    found = tree.of_class(cls)
    if below:
        found = [mo for mo in found if mo.dn.startswith(below + "/")]
    return _answer(tree, found, options)


def _answer(tree: Tree, base: list[ManagedObject], options: Options) -> tuple[list[Node], int]:
    selected = list(_select(base, options))
    if options.include & {"count"}:
        return [_count(tree, len(selected))], 1
    nodes = [_node(mo, options) for mo in selected]
    if "required" in options.include:
        nodes = [node for node in nodes if node.children]
    if "no-scoped" in options.include:
        nodes = [child for node in nodes for child in node.children]
    if len(nodes) > MAX_RESULTS:
        raise errors.too_big()
    nodes = _sorted(nodes, options)
    total = len(nodes)
    if options.page_size:
        nodes = nodes[options.page * options.page_size :][: options.page_size]
    return nodes, total


def _select(base: Iterable[ManagedObject], options: Options) -> Iterator[ManagedObject]:
    for mo in base:
        for each in _targets(mo, options.target):
            if options.target_classes and each.cls not in options.target_classes:
                continue
            if options.sees(each) and (options.target_filter is None or options.target_filter(each)):
                yield each


def _targets(mo: ManagedObject, target: str) -> Iterable[ManagedObject]:
    if target == "self":
        return [mo]
    return list(mo.children.values()) if target == "children" else mo.descendants()


def _count(tree: Tree, number: int) -> Node:
    counter = ManagedObject(tree.table["moCount"], "", None, {"count": str(number)})
    return Node(counter, attributes={"childAction": "", "count": str(number), "dn": "", "status": ""})


def _node(mo: ManagedObject, options: Options) -> Node:
    included = _included(mo, options)
    if included is not None:
        return Node(mo, included)
    if options.subtree not in ("children", "full"):
        return Node(mo)
    return Node(mo, _below(mo, options, deep=options.subtree == "full"))


def _below(mo: ManagedObject, options: Options, deep: bool, whole: bool = False) -> list[Node]:
    """Return the wanted children; with ``deep`` also the children on the way to wanted objects further down.

    Below an object of a wanted class everything is shown (``whole``), as in the recorded answers of cisco.aci's tests.
    """
    nodes = []
    for child in _shown_order(mo):
        wanted = _wanted(child, options, whole)
        below = _below(child, options, deep, whole or (wanted and bool(options.subtree_classes))) if deep else []
        if below or wanted:
            nodes.append(Node(child, below))
    return nodes


def _shown_order(mo: ManagedObject) -> list[ManagedObject]:
    """Return the children by rank, newest first, as in the recorded answers of cisco.aci's tests."""
    children = list(mo.children.values())
    children.reverse()
    children.sort(key=lambda child: child.info.rank)
    return children


def _wanted(mo: ManagedObject, options: Options, whole: bool) -> bool:
    if options.subtree_classes and not whole and mo.cls not in options.subtree_classes:
        return False
    if not options.sees(mo):
        return False
    if options.properties == "config-only" and (mo.info.operational or mo.cls in _STATE):
        return False
    return options.subtree_filter is None or options.subtree_filter(mo)


def _included(mo: ManagedObject, options: Options) -> list[Node] | None:
    """Return the faults or relations that ``rsp-subtree-include`` shows instead of children; None without that option."""
    wanted = options.include & {"faults", "relations"}
    if not wanted:
        return None
    shown = []
    for each in mo.descendants():
        is_fault = each.cls == "faultInst" and "faults" in wanted
        is_relation = each.info.relation is not None and "relations" in wanted
        if (is_fault or is_relation) and options.sees(each) and each.cls in (options.subtree_classes or (each.cls,)):
            shown.append(Node(each))
    return shown


def _sorted(nodes: list[Node], options: Options) -> list[Node]:
    for _cls, prop, descending in reversed(options.order):
        nodes = sorted(nodes, key=lambda node: _sort_key(node.mo.get(prop) or ""), reverse=descending)
    return nodes


def _sort_key(value: str) -> tuple[int, int, str]:
    return (0, int(value), "") if value.isdigit() else (1, 0, value)
