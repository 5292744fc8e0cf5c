# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The meaning of Calico's objects, which differs from their keys.

Calico's Go types leave out what is false or empty (``omitempty``), and defaults stand for what is absent. Its aggregated API
server keeps labels and annotations of ``projectcalico.org/v3`` objects in an annotation of the stored v1 objects.

Sources: projectcalico/calico, ``api/pkg/apis/projectcalico/v3/{ippool,bgpconfig,bgppeer}.go`` and
``libcalico-go/lib/backend/k8s/resources/resources.go``.
"""

from __future__ import annotations

import json
from typing import Any

METADATA_ANNOTATION = "projectcalico.org/metadata"
BLOCK_SIZES = {"ipv4": 26, "ipv6": 122}

_NOTHING: tuple[Any, ...] = (None, "", [], {})
_DEFAULTS: dict[str, dict[str, Any]] = {
    "IPPool": {
        "ipipMode": "Never",
        "vxlanMode": "Never",
        "natOutgoing": False,
        "disabled": False,
        "disableBGPExport": False,
        "nodeSelector": "all()",
        "assignmentMode": "Automatic",
        "allowedUses": ["Workload", "Tunnel"],
    },
    "BGPConfiguration": {"logSeverityScreen": "Info", "nodeToNodeMeshEnabled": True},
}


def meaning(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a spec with Calico's defaults in place of what is absent, empty or null."""
    defaults = dict(_DEFAULTS.get(kind, {}))
    if kind == "IPPool" and spec.get("cidr"):
        defaults["blockSize"] = BLOCK_SIZES["ipv6" if ":" in spec["cidr"] else "ipv4"]
    said = {name: value for name, value in spec.items() if value not in _NOTHING and (value is not False or name in defaults)}
    return {**defaults, **said}


def stored_metadata(metadata: dict[str, Any]) -> dict[str, Any] | None:
    """Return the metadata that the aggregated API server stored with an object; None if it stored none."""
    text = (metadata.get("annotations") or {}).get(METADATA_ANNOTATION)
    if text is None:
        return None
    try:
        stored = json.loads(text)
    except ValueError:
        return None
    return stored if isinstance(stored, dict) else None


def restored(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return an object's metadata with the labels and annotations of its ``projectcalico.org/v3`` view."""
    stored = stored_metadata(metadata)
    if stored is None:
        return metadata
    whole = dict(metadata)
    for part in ("labels", "annotations"):
        merged = {**(metadata.get(part) or {}), **(stored.get(part) or {})}
        merged.pop(METADATA_ANNOTATION, None)
        whole.pop(part, None)
        if merged:
            whole[part] = merged
    return whole


def with_stored_metadata(manifest: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """Return a merge patch of a v1 object that has stored metadata: what it overrides there is patched there too."""
    changed = json.loads(json.dumps(stored))
    for part in ("labels", "annotations"):
        held = changed.get(part) or {}
        for key, value in (manifest["metadata"].get(part) or {}).items():
            if key in held:
                held[key] = value
        changed[part] = {key: value for key, value in held.items() if value is not None}
        if not changed[part]:
            del changed[part]
    if changed == stored:
        return manifest
    annotations = {**(manifest["metadata"].get("annotations") or {}), METADATA_ANNOTATION: json.dumps(changed)}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}
