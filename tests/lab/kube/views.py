"""The two views of one Calico object behind the aggregated API server: ``projectcalico.org/v3`` and the stored v1 object.

Objects that go through Calico's Go types lose what is false or empty (``omitempty``). Labels and annotations of the v3 view
are stored in an annotation of the v1 object; reading merges them with the v1 object's own.

Sources: projectcalico/calico, ``api/pkg/apis/projectcalico/v3`` (types) and
``libcalico-go/lib/backend/k8s/resources/resources.go`` (``ConvertCalicoResourceToK8sResource`` and back).
"""

from __future__ import annotations

import copy
import json
from typing import Any

Json = dict[str, Any]

METADATA = "projectcalico.org/metadata"
#: Fields that are pointers in Go: they keep false and zero.
POINTERS = {"nodeToNodeMeshEnabled", "optional", "min", "max", "numAllowedLocalASNumbers", "ttlSecurity", "bpfEnabled"}
#: Fields without ``omitempty``, which stay although they are empty.
WRITTEN = {"cidr", "action", "deleted", "allocations", "unallocated", "attributes", "strictAffinity"}


def rounded(value: Any) -> Any:
    """Return a value as it comes back from Calico's Go types: what is false, zero or empty is left out."""
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {name: rounded(item) for name, item in value.items()}
    return {name: item for name, item in inner.items() if name in WRITTEN or _says(name, item)}


def _says(name: str, value: Any) -> bool:
    if value is None:
        return False
    return name in POINTERS or not (value is False or value in (0, "", [], {}))


def stored(view: Json) -> Json:
    """Return the v1 object that the aggregated API server stores for a v3 object."""
    obj = copy.deepcopy(view)
    for part in ("spec", "status"):
        if part in obj:
            obj[part] = rounded(obj[part])
    metadata = obj["metadata"]
    kept = {part: metadata.pop(part) for part in ("labels", "annotations") if metadata.get(part)}
    ours = {key: value for key, value in kept.get("annotations", {}).items() if "projectcalico.org/" in key}
    metadata["annotations"] = {**ours, METADATA: json.dumps({**kept, "creationTimestamp": None}, sort_keys=True)}
    return obj


def shown(obj: Json) -> Json:
    """Return the v3 view of a stored v1 object."""
    view = copy.deepcopy(obj)
    view["spec"] = rounded(view.get("spec") or {})
    metadata = view["metadata"]
    text = (metadata.get("annotations") or {}).get(METADATA)
    if text is None:
        return view
    kept = json.loads(text)
    for part in ("labels", "annotations"):
        merged = {**(metadata.pop(part, None) or {}), **(kept.get(part) or {})}
        merged.pop(METADATA, None)
        if merged:
            metadata[part] = merged
    return view
