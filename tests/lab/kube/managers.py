"""The history of an object's fields: ``metadata.managedFields``, which names who last wrote each field, and when.

Follows Kubernetes for the verbs create, update and patch: the manager is the parameter ``fieldManager``, or else the beginning of
the client's ``User-Agent``; a field that changes its value goes over to the writer; an entry's time is that of its last change
(kubernetes/kubernetes, ``staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go``, ``prefixFromUserAgent``, and
``staging/src/k8s.io/apimachinery/pkg/util/managedfields``).

Simpler than Kubernetes: a list is one field, whoever wrote its elements; what is set again to the same value is not owned by two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.kube.schema import SERVER_SET, Json

Path = tuple[str, ...]

UNKNOWN = "unknown"
#: what the API server sets itself, and what identifies an object
_NOT_OWNED: set[Path] = {("apiVersion",), ("kind",), *(("metadata", name) for name in ("name", "namespace", *SERVER_SET))}
_LONGEST = 128


def manager_of(field_manager: str, user_agent: str) -> str:
    """Return the name under which a request writes."""
    return (field_manager or user_agent.partition("/")[0] or UNKNOWN)[:_LONGEST]


def noted(old: Json | None, new: Json, manager: str, now: str, subresource: str = "") -> list[Json]:
    """Return the ``managedFields`` of an object after a write."""
    before, after = dict(_leaves(old or {})), dict(_leaves(new))
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    entries = [(entry, _paths(entry["fieldsV1"])) for entry in (old or {}).get("metadata", {}).get("managedFields", ())]
    mine = {"manager": manager, "operation": "Update", "apiVersion": new["apiVersion"], "fieldsType": "FieldsV1"}
    mine |= {"subresource": subresource} if subresource else {}
    result = []
    own: set[Path] = set()
    since = ""
    for entry, paths in entries:
        if all(entry.get(name) == mine.get(name) for name in ("manager", "operation", "apiVersion", "subresource")):
            own, since = paths, entry["time"]
        elif left := (paths & after.keys()) - changed:
            result.append({**entry, "fieldsV1": _tree(left)})
    kept = (own & after.keys()) | changed
    if kept:
        result.append({**mine, "time": now if changed or kept != own else since, "fieldsV1": _tree(kept)})
    return result


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if path in _NOT_OWNED:
        return
    if isinstance(value, dict) and (value or not path):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    else:
        yield path, value


def _tree(paths: set[Path]) -> Json:
    fields: Json = {}
    for path in sorted(paths):
        at = fields
        for name in path:
            at = at.setdefault(f"f:{name}", {})
    return fields


def _paths(fields: Json, path: Path = ()) -> set[Path]:
    if not fields:
        return {path}
    return {leaf for name, inner in fields.items() for leaf in _paths(inner, (*path, name.removeprefix("f:")))}
