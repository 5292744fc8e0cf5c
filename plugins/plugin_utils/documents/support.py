# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The support bundle: an archive of what somebody else needs to help, without secrets."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.masking import Mask

NAME = "support.tar.gz"
# The artifacts of runs beside the plan's files. Users' own files in the folder are left out.
REPORTS = (
    "apic.json",
    "drift.json",
    "drift.xml",
    "kubernetes.yml",
    "maintenance.json",
    "plan.json",
    "plan.md",
    "problems.txt",
    "rehearsal.json",
    "verify.json",
    "verify.xml",
)
# Larger artifacts are left out.
LARGEST = 20_000_000
_VERSION_CLASSES = ("firmwareCtrlrRunning", "firmwareRunning")


def version_queries() -> list[str]:
    """Return the paths of the requests for the versions of controllers and switches."""
    return [f"/api/class/{cls}.json" for cls in _VERSION_CLASSES]


def versions(local: Mapping[str, str], apic: Mapping[str, Any] | None, calico: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the versions of everything, as far as they are known.

    :param local: the versions on the control node.
    :param apic: what ``aci_info`` returned for ``version_queries``.
    :param calico: what ``calico_info`` returned with its details.
    """
    found: dict[str, Any] = dict(local)
    if apic is not None:
        found["apic"] = {dn: one["attributes"].get("version", "") for dn, one in sorted(apic.items())}
    if calico is not None:
        found["kubernetes"] = (calico.get("server") or {}).get("gitVersion", "unknown")
        installation = calico.get("installation") or {}
        found["calico"] = {name: installation.get(name) for name in ("version", "installer", "data_plane")}
    return found


def as_text(value: Any) -> str:
    """Return data as the content of a file."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str) + "\n"


def bundle(files: Mapping[str, str], secrets: Iterable[str | None], folder: str) -> bytes:
    """Return the archive of files, ``{name: text}``, with each secret hidden, in whatever spelling it is there.

    The archive depends on its files alone.

    :param folder: the folder in the archive.
    """
    mask = Mask(secrets)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, text in sorted(files.items()):
            content = mask(text).encode(errors="replace")
            entry = tarfile.TarInfo(f"{folder}/{mask(name)}")
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(archive.getvalue(), mtime=0)
