"""Build a real kube-apiserver for the lab, once for a machine: ``python tests/lab/kube/build``.

The result is a folder in the layout of envtest (``KUBEBUILDER_ASSETS``): ``kube-apiserver``, ``etcd`` and ``kubectl``.
It is outside the checkout, so that all checkouts share it. The build needs only the standard library.
"""

from __future__ import annotations

import os
from pathlib import Path

#: The version of Debian's source package ``kubernetes`` in bookworm, the last suite with the server's source.
KUBERNETES_VERSION = "1.20.2"

#: The programs that the lab needs in an assets folder.
SERVERS = ("kube-apiserver", "etcd")


def cache_root() -> Path:
    """Return the folder for files that this project keeps outside the checkout (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netops.aci_calico"


def built_assets() -> Path:
    """Return the folder for the result of a build, which may not exist."""
    return cache_root() / "kubebuilder" / KUBERNETES_VERSION


def is_complete(folder: Path) -> bool:
    """Return True if ``folder`` holds the programs that a server needs."""
    return all(os.access(folder / program, os.X_OK) for program in SERVERS)
