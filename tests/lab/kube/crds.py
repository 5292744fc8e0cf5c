"""Calico's custom resource definitions, for a real API server.

They are not part of this project. The definitions of ``crd.projectcalico.org`` come from the source distribution of
``acc-provision`` on the Python package index, whose operator template has those of Calico 3.26. They are downloaded
once on each machine and verified by their hash.

Newer releases of Calico serve ``projectcalico.org/v3`` as native definitions. These differ in names and in fields that
Calico has added or narrowed since, which ``calico.yml`` provides.
"""

from __future__ import annotations

import copy
import fcntl
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lab.kube import schema
from lab.kube.build import cache_root
from lab.kube.interface import CALICO_V1, CALICO_V3
from lab.processes import LabError

#: The kinds that the roles write, that ``verify`` and the BGP twin read, and that identify a Calico cluster.
KINDS = (
    "BGPConfiguration",
    "BGPFilter",
    "BGPPeer",
    "BlockAffinity",
    "CalicoNodeStatus",
    "ClusterInformation",
    "FelixConfiguration",
    "IPAMBlock",
    "IPPool",
)

REQUIREMENT = "acc-provision==6.1.1.7"
REQUIREMENT_HASH = "sha256:6ca5932bc895a4300ac8bf06041b55d0b6f64ebd818f1f963bfe538376c63690"
TEMPLATE = "acc_provision/templates/tigera-operator.yaml"
PUBLISHED_GROUP = "group: crd.projectcalico.org\n"

#: Base types of ``calico.yml`` in OpenAPI. Any other base type is the list of a string's values.
OPENAPI_TYPES: dict[str, dict[str, Any]] = {
    "any": {"x-kubernetes-preserve-unknown-fields": True},
    "boolean": {"type": "boolean"},
    "cidr": {"type": "string", "format": "cidr"},
    "community": {"type": "string", "pattern": f"^({schema.COMMUNITY.pattern})$"},
    "date-time": {"type": "string", "format": "date-time"},
    # New servers check the format themselves; Kubernetes 1.20 does not.
    "int32": {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    "int64": {"type": "integer", "format": "int64"},
    "integer": {"type": "integer"},
    "severity": {"type": "string", "pattern": f"^(?i)({'|'.join(sorted(schema.SEVERITIES))})$"},
    "string": {"type": "string"},
}


class CrdError(LabError):
    """The definitions are not available; the message says why."""


def calico_crds(api_version: str) -> list[dict[str, Any]]:
    """Return the definitions of ``KINDS`` in one of Calico's API versions.

    Downloads them the first time on a machine. Raises ``CrdError`` when that fails.
    """
    definitions = _published()
    if api_version == CALICO_V1:
        return definitions
    return [_native(definition) for definition in definitions]


def operator_crds() -> list[dict[str, Any]]:
    """Return definitions of the operator's kinds, whose fields are not checked."""
    group, __, version = schema.OPERATOR_V1.partition("/")
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {
        "name": version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": anything},
    }
    return [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "scope": "Cluster",
                "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
                "versions": [served],
            },
        }
        for plural, kind in schema.OPERATOR
    ]


def _published() -> list[dict[str, Any]]:
    """Return the published definitions of ``KINDS`` from the cache or the package index."""
    cached = cache_root() / "calico-crds" / f"{REQUIREMENT.replace('==', '-')}.json"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with cached.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one download at a time; the others find its result
            if not cached.exists():
                draft = cached.with_suffix(".new")
                draft.write_text(json.dumps(list(_definitions(_download()))))
                draft.replace(cached)
    return json.loads(cached.read_text())


def _download() -> str:
    """Return the text of the template with the definitions."""
    with tempfile.TemporaryDirectory(prefix="calico-crds-") as folder:
        requirement = Path(folder) / "requirements.txt"
        requirement.write_text(f"{REQUIREMENT} --hash={REQUIREMENT_HASH}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        source = ["--no-binary=:all:", f"--dest={folder}", f"--requirement={requirement}"]
        done = subprocess.run([*pip, *source], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CrdError(f"Calico's definitions ({REQUIREMENT}) could not be downloaded:\n{done.stderr.strip()}")
        (archive,) = Path(folder).glob("*.tar.gz")
        return _member(archive.read_bytes(), TEMPLATE)


def _member(archive: bytes, path: str) -> str:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.name.endswith(f"/{path}"):
                file = tar.extractfile(member)
                assert file is not None
                return file.read().decode()
    raise CrdError(f"{REQUIREMENT} has no {path}")


def _definitions(template: str) -> Iterator[dict[str, Any]]:
    """Yield the definitions of ``KINDS`` in the operator's manifests. The other manifests are large and are not parsed."""
    found = set()
    for document in template.split("\n---"):
        if PUBLISHED_GROUP not in document:
            continue
        definition = yaml.safe_load(document)
        kind = definition["spec"]["names"]["kind"]
        if kind in KINDS:
            found.add(kind)
            definition.pop("status", None)  # the server writes it
            yield definition
    missing = set(KINDS) - found
    if missing:
        raise CrdError(f"{REQUIREMENT} has no definition of {', '.join(sorted(missing))}")


def _native(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the definition of the same kind in ``projectcalico.org/v3``."""
    native = copy.deepcopy(definition)
    names = native["spec"]["names"]
    native["spec"]["group"], __, served = CALICO_V3.partition("/")
    native["metadata"]["name"] = f"{names['plural']}.{native['spec']['group']}"
    (version,) = native["spec"]["versions"]
    version["name"] = served
    (kind,) = (kind for kind in schema.load_kinds((CALICO_V3,)) if kind.kind == names["kind"] and kind.custom)
    published = version["schema"]["openAPIV3Schema"]
    published["required"] = ["metadata", "spec"]
    if kind.status_subresource:
        version["subresources"] = {"status": {}}
    for part, shape in (kind.shape or {}).items():
        _narrow(published["properties"].setdefault(part, {}), openapi(shape))
    return native


def _narrow(published: dict[str, Any], newer: dict[str, Any]) -> None:
    """Replace the published fields by the newer schema's; keep fields that only the published schema has."""
    if "properties" in newer:
        published["properties"] = published.get("properties", {}) | newer.pop("properties")
        published.update(newer)
    elif not published:
        published.update(newer)


def openapi(shape: Any) -> dict[str, Any]:
    """Return the OpenAPI schema of a shape in the notation of ``calico.yml``."""
    if isinstance(shape, list):
        return {"type": "array", "items": openapi(shape[0])}
    if isinstance(shape, dict):
        if "*" in shape:
            return {"type": "object", "additionalProperties": openapi(shape["*"])}
        required = sorted(name[:-1] for name in shape if name.endswith("!"))
        properties = {name.rstrip("!"): openapi(item) for name, item in shape.items()}
        return {"type": "object", "properties": properties, **({"required": required} if required else {})}
    return _openapi_scalar(schema.parse_type(shape))


def _openapi_scalar(limits: dict[str, str | None]) -> dict[str, Any]:
    base = limits["base"] or ""
    result = dict(OPENAPI_TYPES.get(base) or {"type": "string", "enum": base.split("|")})
    if limits["nullable"]:
        result["nullable"] = True
    for name, limit in (("minimum", "low"), ("maximum", "high"), ("maxLength", "longest")):
        if limits[limit] is not None:
            result[name] = int(limits[limit] or 0)
    if limits["default"] is not None:
        result["default"] = yaml.safe_load(limits["default"] or "")
    return result
