"""The kinds of the API server: names, scope and, for Calico's kinds, the shape that it enforces.

Like a real API server with structural schemas it drops unknown fields (and reports them), fills in defaults, and
reports all wrong values in one answer. The rules between fields come from Calico's CRDs.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.files import read_yaml
from lab.kube.interface import CALICO_V1, CALICO_V3

# group/version, plural, kind, namespaced, short names
BUILTIN = (
    ("v1", "namespaces", "Namespace", False, "ns"),
    ("v1", "nodes", "Node", False, "no"),
    ("v1", "secrets", "Secret", True, ""),
    ("v1", "serviceaccounts", "ServiceAccount", True, "sa"),
    ("v1", "services", "Service", True, "svc"),
    ("v1", "pods", "Pod", True, "po"),
    ("v1", "configmaps", "ConfigMap", True, "cm"),
    ("apps/v1", "daemonsets", "DaemonSet", True, "ds"),
    ("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", True, ""),
    ("coordination.k8s.io/v1", "leases", "Lease", True, ""),
    ("rbac.authorization.k8s.io/v1", "roles", "Role", True, ""),
    ("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding", True, ""),
)
WITH_STATUS = {"Namespace", "Node", "Service", "Pod", "DaemonSet"}
# The Tigera operator's kinds, whose fields are not checked.
OPERATOR = (("installations", "Installation"), ("tigerastatuses", "TigeraStatus"))
OPERATOR_V1 = "operator.tigera.io/v1"
WITH_GENERATION = {"DaemonSet"}

Json = dict[str, Any]
# What the API server writes into metadata.
SERVER_SET = ("uid", "creationTimestamp", "generation", "resourceVersion", "selfLink", "managedFields")

COMMUNITY = re.compile(r"\d+:\d+(:\d+)?")
SEVERITIES = {"", "trace", "debug", "info", "warning", "error", "fatal"}
EXPRESSION = re.compile(
    r"(?P<base>[^ ?]*)(?P<nullable>\?)?(?: (?P<low>\d+)\.\.(?P<high>\d+))?(?: <=(?P<longest>\d+))?(?: = (?P<default>.*))?"
)


@dataclass(frozen=True)
class Kind:
    """One kind that the server serves."""

    api_version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    status_subresource: bool = False
    counts_generations: bool = False
    shape: dict[str, Any] | None = None
    stored_as: str = ""  # the apiVersion of the stored object, if it differs
    aggregated: bool = False  # whether Calico's API server shows a v1 object in this version

    @property
    def storage_version(self) -> str:
        """Return the version of the stored object: two API groups of Calico are two views of the same objects."""
        return self.stored_as or self.api_version

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]

    @property
    def custom(self) -> bool:
        """Return True for a kind with a custom resource definition."""
        return self.shape is not None


@functools.cache
def load_kinds(
    calico_groups: tuple[str, ...], version: str = "", operator: bool = False, aggregated: bool = False
) -> tuple[Kind, ...]:
    """Return the kinds of a cluster whose Calico serves these API groups.

    :param version: Calico's release, by default the newest.
    :param operator: whether the operator's kinds are served.
    :param aggregated: whether v3 is the aggregated API server's view of v1 objects.
    """
    kinds = [
        Kind(api, plural, kind, namespaced, tuple(short.split()), kind in WITH_STATUS, kind in WITH_GENERATION)
        for api, plural, kind, namespaced, short in BUILTIN
    ]
    calico = read_yaml(Path(__file__).with_name("calico.yml"))
    younger = _younger(version)
    stored = CALICO_V1 if aggregated else (calico_groups or ("",))[0]
    for group in calico_groups:
        for kind, entry in calico.items():
            spec = _of_release(entry["spec"], kind, younger)
            shape = {"spec": spec, **({"status": entry["status"]} if "status" in entry else {})}
            status = entry.get("status_subresource", False)
            view = aggregated and group == CALICO_V3
            kinds.append(Kind(group, entry["plural"], kind, False, (), status, True, shape, stored, view))
    for plural, kind in OPERATOR if operator else ():
        kinds.append(Kind(OPERATOR_V1, plural, kind, False, (), True, True, {"spec": "any", "status": "any"}))
    return tuple(kinds)


def _younger(version: str) -> frozenset[str]:
    """Return the fields (``kind.field``) and values (``kind.field=value``) that a release does not have yet."""
    if not version:
        return frozenset()
    release = _release(version)
    since = read_yaml(Path(__file__).with_name("since.yml"))
    return frozenset(name for first, names in since.items() if _release(first) > release for name in names)


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _of_release(shape: Any, kind: str, younger: frozenset[str], name: str = "") -> Any:
    """Return a shape without younger fields and values."""
    if isinstance(shape, list):
        return [_of_release(shape[0], kind, younger, name)]
    if isinstance(shape, dict):
        kept = {key: item for key, item in shape.items() if f"{kind}.{key.rstrip('!')}" not in younger}
        return {key: _of_release(item, kind, younger, key) for key, item in kept.items()}
    values = [value for value in shape.split("|") if f"{kind}.{name}={value}" not in younger]
    return "|".join(values)


@dataclass
class Outcome:
    """The results of checking one object."""

    causes: list[tuple[str, str, str]] = field(default_factory=list)  # field, reason, message
    pruned: list[str] = field(default_factory=list)

    def refuse(self, path: str, reason: str, message: str) -> None:
        self.causes.append((path, reason, message))


def admit(kind: Kind, obj: dict, old: dict | None = None) -> Outcome:
    """Check ``obj`` against its kind's shape; drop unknown fields and fill in defaults in place."""
    outcome = Outcome()
    if kind.shape is None:
        return outcome
    for name, shape in kind.shape.items():
        if obj.get(name) is not None:
            obj[name] = _conform(shape, obj[name], name, outcome)
        elif name == "spec" and kind.api_version == CALICO_V3:
            outcome.refuse("spec", "FieldValueRequired", "Required value")
    for unknown in set(obj) - {"apiVersion", "kind", "metadata", *kind.shape}:
        del obj[unknown]
        outcome.pruned.append(unknown)
    if not outcome.causes and isinstance(obj.get("spec"), dict):
        old_spec = (old or {}).get("spec")
        for message in RULES.get(kind.kind, lambda spec, old: iter(()))(obj["spec"], old_spec):
            outcome.refuse("spec", "FieldValueForbidden", message)
    return outcome


def _conform(shape: Any, value: Any, path: str, outcome: Outcome) -> Any:
    if isinstance(shape, dict):
        return _conform_map(shape, value, path, outcome)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return _wrong_type(value, "array", path, outcome)
        return [_conform(shape[0], item, f"{path}[{index}]", outcome) for index, item in enumerate(value)]
    return _conform_scalar(shape, value, path, outcome)


def _conform_map(shape: dict, value: Any, path: str, outcome: Outcome) -> Any:
    if not isinstance(value, dict):
        return _wrong_type(value, "object", path, outcome)
    if "*" in shape:
        return {key: _conform(shape["*"], item, f"{path}.{key}", outcome) for key, item in value.items()}
    fields = {name.rstrip("!"): name for name in shape}
    result = {}
    for key, item in value.items():
        if key not in fields:
            outcome.pruned.append(f"{path}.{key}")
        elif item is not None or _is_nullable(shape[fields[key]]):
            result[key] = _conform(shape[fields[key]], item, f"{path}.{key}", outcome)
    for key, declared in fields.items():
        if key in result:
            continue
        default = _default(shape[declared])
        if default is not None:
            result[key] = default
        elif declared.endswith("!"):
            outcome.refuse(f"{path}.{key}", "FieldValueRequired", "Required value")
    return result


@functools.cache
def parse_type(expression: str) -> dict[str, str | None]:
    """Return the parts of a type in ``calico.yml``: base, nullable, low, high, longest, default; ``None`` for a missing part."""
    match = EXPRESSION.fullmatch(expression)
    assert match, f"calico.yml: {expression!r} is not a type"
    return match.groupdict()


def _is_nullable(shape: Any) -> bool:
    return isinstance(shape, str) and parse_type(shape)["nullable"] is not None


def _default(shape: Any) -> Any:
    default = parse_type(shape)["default"] if isinstance(shape, str) else None
    return None if default is None else yaml.safe_load(default)


def _wrong_type(value: Any, wanted: str, path: str, outcome: Outcome) -> Any:
    found = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    message = f'Invalid value: "{found.get(type(value), "null")}": {path} in body must be of type {wanted}: '
    outcome.refuse(path, "FieldValueTypeInvalid", f'{message}"{found.get(type(value), "null")}"')
    return value


def _conform_scalar(shape: str, value: Any, path: str, outcome: Outcome) -> Any:
    limits = parse_type(shape)
    base = limits["base"] or ""
    if base == "any" or (value is None and limits["nullable"]):
        return value
    checks = CHECKS.get(base)
    wanted, accepts = checks or ("string", lambda item: item in base.split("|"))
    types = {"boolean": bool, "integer": int, "string": str}
    if not isinstance(value, types[wanted]) or (wanted == "integer" and isinstance(value, bool)):
        return _wrong_type(value, wanted, path, outcome)
    if not accepts(value):
        if checks is None:
            supported = ", ".join(f'"{item}"' for item in base.split("|"))
            message = f'Unsupported value: "{value}": supported values: {supported}'
            outcome.refuse(path, "FieldValueNotSupported", message)
        else:
            message = f'Invalid value: "{value}": {path} in body must be of type {base}: "{value}"'
            outcome.refuse(path, "FieldValueInvalid", message)
    _check_limits(limits, value, path, outcome)
    return value


def _check_limits(limits: dict, value: Any, path: str, outcome: Outcome) -> None:
    if limits["low"] and value < int(limits["low"]):
        message = f"Invalid value: {value}: {path} in body should be greater than or equal to {limits['low']}"
        outcome.refuse(path, "FieldValueInvalid", message)
    if limits["high"] and value > int(limits["high"]):
        message = f"Invalid value: {value}: {path} in body should be less than or equal to {limits['high']}"
        outcome.refuse(path, "FieldValueInvalid", message)
    if limits["longest"] and len(value) > int(limits["longest"]):
        outcome.refuse(path, "FieldValueTooLong", f"Too long: may not be longer than {limits['longest']}")


def _is_cidr(value: str) -> bool:
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return "/" in value


# The JSON type of each base type, and the test for its values.
CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "boolean": ("boolean", lambda value: True),
    "integer": ("integer", lambda value: True),
    # Signed: an AS number above 2147483647 is refused, as by Calico's own CRDs (its issue 13494).
    "int32": ("integer", lambda value: -(2**31) <= value < 2**31),
    "int64": ("integer", lambda value: -(2**63) <= value < 2**63),
    "string": ("string", lambda value: True),
    "date-time": ("string", lambda value: True),
    "cidr": ("string", _is_cidr),
    "community": ("string", lambda value: bool(COMMUNITY.fullmatch(value))),
    "severity": ("string", lambda value: value.lower() in SEVERITIES),
}


def _pool_rules(spec: dict, old: dict | None) -> Iterator[str]:
    network = ipaddress.ip_interface(spec["cidr"])
    size = spec.get("blockSize") or (26 if network.version == 4 else 122)
    shortest, longest = (20, 32) if network.version == 4 else (116, 128)
    encapsulated = [mode for mode in ("ipipMode", "vxlanMode") if spec.get(mode, "Never") != "Never"]
    if network.ip != network.network.network_address:
        yield "cidr has bits set outside its mask"
    if not shortest <= size <= longest:
        yield f"blockSize of an IPv{network.version} pool must be between {shortest} and {longest}"
    if network.network.prefixlen > size and not spec.get("disabled"):
        yield "the pool is smaller than one block"
    if len(encapsulated) == 2:
        yield "ipipMode and vxlanMode exclude each other"
    if network.version == 6 and "ipipMode" in encapsulated:
        yield "IPv6 pools do not support IPIP"
    for fixed in ("cidr", "blockSize"):
        if old and old.get(fixed) and old[fixed] != spec.get(fixed):
            yield f"{fixed} of a pool cannot be changed"


def _peer_rules(spec: dict, old: dict | None) -> Iterator[str]:
    exclusive = (
        ("node", "nodeSelector"),
        ("peerIP", "peerSelector"),
        ("asNumber", "peerSelector"),
        ("peerIP", "localWorkloadSelector"),
        ("peerSelector", "localWorkloadSelector"),
        ("keepOriginalNextHop", "nextHopMode"),
    )
    for first, second in exclusive:
        if spec.get(first) and spec.get(second):
            yield f"{first} and {second} exclude each other"
    if spec.get("reachableBy") and not spec.get("peerIP"):
        yield "reachableBy needs a peerIP"
    if spec.get("localWorkloadSelector") and not spec.get("asNumber"):
        yield "localWorkloadSelector needs an asNumber"


def _configuration_rules(spec: dict, old: dict | None) -> Iterator[str]:
    for mesh_only in ("nodeMeshPassword", "nodeMeshMaxRestartTime"):
        if spec.get(mesh_only) and spec.get("nodeToNodeMeshEnabled") is False:
            yield f"{mesh_only} needs the node-to-node mesh"
    if spec.get("communities") and not spec.get("prefixAdvertisements"):
        yield "communities need prefixAdvertisements that use them"


def _filter_rules(spec: dict, old: dict | None) -> Iterator[str]:
    for direction in ("exportV4", "exportV6", "importV4", "importV6"):
        for index, rule in enumerate(spec.get(direction, [])):
            if bool(rule.get("cidr")) != bool(rule.get("matchOperator")):
                yield f"{direction}[{index}]: cidr and matchOperator need each other"
            if rule.get("prefixLength") and not rule.get("cidr"):
                yield f"{direction}[{index}]: prefixLength needs a cidr"
            if rule.get("operations") and rule["action"] != "Accept":
                yield f"{direction}[{index}]: operations need the action Accept"


RULES: dict[str, Callable[[dict, dict | None], Iterator[str]]] = {
    "BGPConfiguration": _configuration_rules,
    "BGPFilter": _filter_rules,
    "BGPPeer": _peer_rules,
    "IPPool": _pool_rules,
}
