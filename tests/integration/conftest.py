"""What the tests of several folders need of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.kube.real import find_assets


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder with kube-apiserver; without one the tests on the real server cannot run."""
    folder = find_assets()
    if folder is None:
        pytest.skip("there is no kube-apiserver: run `make kube-apiserver`, or set KUBEBUILDER_ASSETS")
    return folder
