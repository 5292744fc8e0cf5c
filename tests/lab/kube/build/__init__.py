"""Builds a real kube-apiserver for the lab, once for a machine: ``python tests/lab/kube/build``.

The result is a folder as envtest (``KUBEBUILDER_ASSETS``) wants it: ``kube-apiserver``, ``etcd`` and ``kubectl``.
It lies outside the checkout, so that every checkout shares it. Only the standard library is used here.
"""

from __future__ import annotations

import os
from pathlib import Path

#: What Debian's source package ``kubernetes`` holds in bookworm: the last suite that has the server's source.
KUBERNETES_VERSION = "1.20.2"

#: The programs that an assets folder must hold for the lab to use it.
SERVERS = ("kube-apiserver", "etcd")


def cache_root() -> Path:
    """The folder for what this project keeps outside the checkout (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netops.aci_calico"


def built_assets() -> Path:
    """Where a build puts its result, whether it is there or not."""
    return cache_root() / "kubebuilder" / KUBERNETES_VERSION


def is_complete(folder: Path) -> bool:
    """Whether ``folder`` holds the programs that a server needs."""
    return all(os.access(folder / program, os.X_OK) for program in SERVERS)
