"""The API server's objects and the effect of each verb on them, without HTTP.

Follows the API conventions of Kubernetes as far as clients can see: resourceVersion counts writes and stays where
nothing changed, a dry run has the usual answer and stores nothing, conflicts are 409, and invalid objects 422 with
every cause.
"""

from __future__ import annotations

import base64
import copy
import datetime
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from lab.kube import managers, views
from lab.kube.schema import SERVER_SET, Json, Kind, admit

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

# Lists that a strategic merge patch merges by a key. It replaces all others.
MERGE_KEYS = {
    ("Node", "taints"): "key",
    ("Node", "addresses"): "type",
    ("Node", "conditions"): "type",
    ("Service", "ports"): "port",
    ("Pod", "containers"): "name",
    ("DaemonSet", "containers"): "name",
    ("ServiceAccount", "secrets"): "name",
}

# Fields for selectors in addition to an object's name and namespace.
SELECTABLE = {
    "Namespace": ("status.phase",),
    "Node": ("spec.unschedulable",),
    "Pod": ("spec.nodeName", "spec.serviceAccountName", "status.phase", "status.podIP"),
    "Secret": ("type",),
}

Key = tuple[str, str, str]  # apiVersion/plural, namespace, name


class Refusal(Exception):
    """An error answer, as the ``Status`` object that clients parse."""

    def __init__(self, status: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details or {},
            "code": status,
        }


class Unreadable(Refusal):
    """An object that cannot be decoded into its kind."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "BadRequest", message)


class Objects:
    """All objects of a cluster, by kind, namespace and name."""

    def __init__(self, on_write: Callable[[Kind, str, Json | None, Json], None] = lambda *__: None) -> None:
        self._objects: dict[Key, Json] = {}
        self._version = 0
        self._on_write = on_write  # kind, event type, object before, object after
        #: who writes at present, and the part of objects that is written
        self.manager, self.subresource = managers.UNKNOWN, ""

    @property
    def version(self) -> str:
        """Return the resourceVersion of the newest write."""
        return str(self._version)

    def restore(self, kind: Kind, obj: Json) -> None:
        """Restore an object that an earlier run wrote."""
        self._objects[self._key(kind, obj["metadata"].get("namespace"), obj["metadata"]["name"])] = obj

    def continue_from(self, version: int) -> None:
        """Continue after a version, so that no version is used twice, not even that of a deletion."""
        self._version = max(self._version, version)

    def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        """Return one object; raise 404 if it does not exist."""
        try:
            return self._objects[self._key(kind, namespace, name)]
        except KeyError:
            raise self._not_found(kind, name) from None

    def select(self, kind: Kind, namespace: str | None, labels: str = "", fields: str = "") -> list[Json]:
        """Return the objects that match selectors in the API's syntax, sorted by namespace and name."""
        collection = self._key(kind, None, "")[0]
        wanted = [obj for key, obj in sorted(self._objects.items()) if key[0] == collection]
        return [
            obj
            for obj in wanted
            if namespace in (None, obj["metadata"].get("namespace"))
            and matches_labels(labels, (views.shown(obj) if kind.aggregated else obj)["metadata"].get("labels") or {})
            and matches_fields(fields, obj, kind)
        ]

    def create(self, kind: Kind, namespace: str | None, body: Json, dry_run: bool = False) -> tuple[Json, list[str]]:
        """Create an object; return it and the dropped fields."""
        obj = copy.deepcopy(body)
        metadata = obj.setdefault("metadata", {})
        _check_type(kind, obj)
        if metadata.get("resourceVersion"):
            raise Refusal(500, "", "resourceVersion should not be set on objects to be created")
        if kind.namespaced:
            self._enter_namespace(kind, metadata, namespace)
        else:
            metadata.pop("namespace", None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
        for name in SERVER_SET:
            metadata.pop(name, None)
        if kind.status_subresource and kind.kind not in ("Node", "Pod"):
            obj.pop("status", None)
        pruned = self._admit(kind, obj, None)
        obj = views.stored(obj) if kind.aggregated else obj
        metadata = obj["metadata"]
        key = self._key(kind, metadata.get("namespace"), metadata["name"])
        if key in self._objects:
            message = f'{_resource(kind)} "{metadata["name"]}" already exists'
            raise Refusal(409, "AlreadyExists", message, _details(kind, metadata["name"]))
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=_now())
        if kind.counts_generations:
            metadata["generation"] = 1
        if not dry_run:
            self._write(kind, "ADDED", key, None, obj)
        return obj, pruned

    def replace(
        self, kind: Kind, namespace: str | None, name: str, body: Json, status: bool = False, dry_run: bool = False
    ) -> tuple[Json, list[str]]:
        """Replace an object, or only its status. A custom object must name the version that it replaces."""
        old = self.get(kind, namespace, name)
        metadata = body.get("metadata") or {}
        if kind.custom and metadata.get("name") == name and not metadata.get("resourceVersion"):
            cause = ("metadata.resourceVersion", "FieldValueInvalid", "Invalid value: 0x0: must be specified for an update")
            raise _invalid(kind, name, [cause])
        return self._update(kind, old, copy.deepcopy(body), status, dry_run)

    def patch(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        patch: Json,
        strategic: bool = False,
        status: bool = False,
        dry_run: bool = False,
    ) -> tuple[Json, list[str]]:
        """Apply a merge patch (RFC 7386) or a strategic merge patch to an object."""
        old = self.get(kind, namespace, name)
        try:
            seen = views.shown(old) if kind.aggregated else old
            return self._update(kind, old, merge(seen, patch, kind.kind if strategic else None), status, dry_run)
        except Unreadable as error:
            raise _invalid(kind, name, [("patch", "FieldValueInvalid", f"Invalid value: {error}")]) from None

    def delete(
        self, kind: Kind, namespace: str | None, name: str, dry_run: bool = False, preconditions: Json | None = None
    ) -> Json:
        """Delete an object, if its ``uid`` and ``resourceVersion`` are those of the preconditions."""
        obj = self.get(kind, namespace, name)
        for field, wanted in (preconditions or {}).items():
            if wanted != obj["metadata"].get(field):
                message = f'Operation cannot be fulfilled on {_resource(kind)} "{name}": the {field} in the precondition differs'
                raise Refusal(409, "Conflict", message, _details(kind, name))
        if not dry_run:
            self._write(kind, "DELETED", self._key(kind, namespace, name), obj, None)
        return obj

    def _update(self, kind: Kind, old: Json, new: Json, status: bool, dry_run: bool) -> tuple[Json, list[str]]:
        _check_type(kind, new)
        name = old["metadata"]["name"]
        metadata = new.setdefault("metadata", {})
        for fixed in ("resourceVersion", "uid"):
            if metadata.get(fixed) and metadata[fixed] != old["metadata"].get(fixed):
                message = f'Operation cannot be fulfilled on {_resource(kind)} "{name}": the {fixed} is not that of the object'
                raise Refusal(409, "Conflict", message, _details(kind, name))
        for fixed in ("name", "namespace"):
            if metadata.get(fixed, old["metadata"].get(fixed)) != old["metadata"].get(fixed):
                raise Refusal(400, "BadRequest", f"the {fixed} of the object does not match the {fixed} on the URL")
        if status:
            new = {
                **copy.deepcopy(views.shown(old) if kind.aggregated else old),
                **({"status": new["status"]} if "status" in new else {}),
            }
        elif kind.status_subresource:
            new.pop("status", None)
            if "status" in old:
                new["status"] = copy.deepcopy(old["status"])
        fixed_metadata = {key: old["metadata"][key] for key in (*SERVER_SET, "name", "namespace") if key in old["metadata"]}
        new["metadata"] = {**new["metadata"], **fixed_metadata}
        pruned = self._admit(kind, new, old)
        new = views.stored(new) if kind.aggregated else new
        if new == old:
            return old, pruned
        if kind.counts_generations and _without_bookkeeping(new) != _without_bookkeeping(old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        if not dry_run:
            self._write(kind, "MODIFIED", self._key(kind, new["metadata"].get("namespace"), name), old, new)
        return new, pruned

    def _write(self, kind: Kind, event: str, key: Key, old: Json | None, new: Json | None) -> None:
        self._version += 1
        if new is None:
            gone = copy.deepcopy(self._objects.pop(key))
            gone["metadata"]["resourceVersion"] = self.version
            self._on_write(kind, event, old, gone)
        else:
            new["metadata"]["resourceVersion"] = self.version
            if kind.kind == "Node":  # Go writes a structure that is no pointer also if it is empty (core/v1, NodeSpec)
                new.setdefault("spec", {})
            if not kind.aggregated:  # what Calico's API server notes for its views is not known
                new["metadata"]["managedFields"] = managers.noted(old, new, self.manager, _now(), self.subresource)
            self._objects[key] = new
            self._on_write(kind, event, old, new)

    def _admit(self, kind: Kind, obj: Json, old: Json | None) -> list[str]:
        """Return the dropped fields of a valid object; raise one ``Refusal`` with all problems of an invalid one."""
        obj["apiVersion"], obj["kind"] = kind.storage_version, kind.kind
        _drop_nulls(obj["metadata"])
        causes = list(_metadata_causes(kind, obj["metadata"]))
        if kind.kind == "Secret":
            _encode_secret(obj)
        if kind.kind == "RoleBinding" and old and obj.get("roleRef") != old.get("roleRef"):
            causes.append(("roleRef", "FieldValueInvalid", "Invalid value: cannot change roleRef"))
        outcome = admit(kind, obj, old)
        causes += outcome.causes
        if causes:
            raise _invalid(kind, obj["metadata"].get("name", ""), causes)
        return outcome.pruned

    def _enter_namespace(self, kind: Kind, metadata: Json, namespace: str | None) -> None:
        metadata.setdefault("namespace", namespace)
        if namespace and metadata["namespace"] != namespace:
            raise Refusal(
                400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request"
            )
        if ("v1/namespaces", "", metadata["namespace"] or "") not in self._objects:
            message = f'namespaces "{metadata["namespace"]}" not found'
            raise Refusal(404, "NotFound", message, {"name": metadata["namespace"], "kind": "namespaces"})

    @staticmethod
    def _key(kind: Kind, namespace: str | None, name: str) -> Key:
        return f"{kind.storage_version}/{kind.plural}", (namespace or "") if kind.namespaced else "", name

    @staticmethod
    def _not_found(kind: Kind, name: str) -> Refusal:
        return Refusal(404, "NotFound", f'{_resource(kind)} "{name}" not found', _details(kind, name))


def _now() -> str:
    return datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _resource(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _details(kind: Kind, name: str) -> Json:
    return {"name": name, "group": kind.group, "kind": kind.plural}


def _invalid(kind: Kind, name: str, causes: list[tuple[str, str, str]]) -> Refusal:
    """Return the answer for an invalid object; each cause is (field, reason, message)."""
    text = [f"{path}: {message}" for path, __, message in causes]
    summary = text[0] if len(text) == 1 else f"[{', '.join(text)}]"
    details = _details(kind, name)
    details["causes"] = [{"reason": reason, "message": message, "field": path} for path, reason, message in causes]
    title = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return Refusal(422, "Invalid", f'{title} "{name}" is invalid: {summary}', details)


def _check_type(kind: Kind, obj: Json) -> None:
    if kind.custom and obj.get("kind", kind.kind) != kind.kind:
        cause = ("kind", "FieldValueInvalid", f'Invalid value: "{obj["kind"]}": must be {kind.kind}')
        raise _invalid(kind, (obj.get("metadata") or {}).get("name", ""), [cause])
    for field, wanted in (("apiVersion", {kind.api_version, kind.storage_version}), ("kind", {kind.kind})):
        if field in obj and obj[field] not in wanted:
            raise Refusal(
                400,
                "BadRequest",
                f"{field} of the object ({obj[field]}) is not that of the URL ({kind.api_version}, {kind.kind})",
            )


def _metadata_causes(kind: Kind, metadata: Json) -> Iterator[tuple[str, str, str]]:
    name = metadata.get("name")
    if not name:
        yield "metadata.name", "FieldValueRequired", "Required value: name or generateName is required"
    elif kind.group != "rbac.authorization.k8s.io" and not (SUBDOMAIN.fullmatch(name) and len(name) <= 253):
        yield "metadata.name", "FieldValueInvalid", f'Invalid value: "{name}": must be a lowercase RFC 1123 subdomain'
    for field in ("labels", "annotations"):
        for key, value in (metadata.get(field) or {}).items():
            path = f"metadata.{field}"
            if not LABEL_KEY.fullmatch(key):
                yield path, "FieldValueInvalid", f'Invalid value: "{key}": not a qualified name'
            if not isinstance(value, str):
                raise Unreadable(f"{kind.kind} in version {kind.version} cannot be handled: {path}.{key} is not a string")
            if field == "labels" and not LABEL_VALUE.fullmatch(value):
                yield path, "FieldValueInvalid", f'Invalid value: "{value}": not a label value'


def _encode_secret(obj: Json) -> None:
    """Move ``stringData`` to ``data``, which must be base64."""
    data = obj.setdefault("data", {}) or {}
    for key, text in (obj.pop("stringData", None) or {}).items():
        data[key] = base64.b64encode(text.encode()).decode()
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except (ValueError, TypeError):
            raise Unreadable(f"Secret in version v1 cannot be handled: data.{key} is not base64") from None
    obj["data"] = data
    obj.setdefault("type", "Opaque")


def _without_bookkeeping(obj: Json) -> Json:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _drop_nulls(metadata: Json) -> None:
    for field in ("labels", "annotations"):
        if field in metadata:
            metadata[field] = {key: value for key, value in (metadata[field] or {}).items() if value is not None}
            if not metadata[field]:
                del metadata[field]


def merge(target: Any, patch: Any, kind: str | None = None, field: str = "") -> Any:
    """Return ``target`` with a merge patch (RFC 7386) applied; for a ``kind``, with a strategic merge patch."""
    key_field = MERGE_KEYS.get((kind or "", field))
    if isinstance(patch, list) and isinstance(target, list) and key_field:
        return _merge_list(target, patch, key_field, kind)
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value, kind, key)
    return result


def _merge_list(target: list, patch: list, key: str, kind: str | None) -> list:
    result = {item[key]: item for item in target}
    for item in patch:
        if item.get("$patch") == "delete":
            result.pop(item[key], None)
        else:
            result[item[key]] = merge(result.get(item[key]), item, kind)
    return list(result.values())


SET_TERM = re.compile(r"(?P<key>\S+)\s+(?P<verb>in|notin)\s+\((?P<values>[^)]*)\)")
EQUALITY_TERM = re.compile(r"(?P<key>[^=!\s]+)\s*(?P<verb>==|=|!=)\s*(?P<value>\S*)")


def matches_labels(selector: str, labels: dict[str, str]) -> bool:
    """Return True if labels match a selector such as ``a=b,c!=d,e in (f,g),h,!i``."""
    return all(_matches_term(term.strip(), labels) for term in re.split(r",(?![^(]*\))", selector) if term.strip())


def _matches_term(term: str, labels: dict[str, str]) -> bool:
    if match := SET_TERM.fullmatch(term):
        values = [value.strip() for value in match["values"].split(",")]
        return (labels.get(match["key"]) in values) == (match["verb"] == "in")
    if match := EQUALITY_TERM.fullmatch(term):
        return (labels.get(match["key"]) == match["value"]) == (match["verb"] != "!=")
    if re.fullmatch(r"!?[^\s!=()]+", term):
        return (term.lstrip("!") in labels) == (not term.startswith("!"))
    raise Refusal(400, "BadRequest", f"unable to parse requirement: {term!r}")


def matches_fields(selector: str, obj: Json, kind: Kind) -> bool:
    """Return True if an object matches a field selector."""
    for term in filter(None, selector.split(",")):
        match = EQUALITY_TERM.fullmatch(term.strip())
        if not match or match["key"] not in ("metadata.name", "metadata.namespace", *SELECTABLE.get(kind.kind, ())):
            raise Refusal(400, "BadRequest", f"field label not supported: {term}")
        value: Any = obj
        for part in match["key"].split("."):
            value = value.get(part, "") if isinstance(value, dict) else ""
        if (str(value) == match["value"]) != (match["verb"] != "!="):
            return False
    return True
