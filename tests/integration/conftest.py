"""Fixtures of several folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.kube.real import find_assets

if TYPE_CHECKING:
    from integration.site.harness import Site


@pytest.fixture(scope="session")
def assets() -> Path:
    """Return the folder with kube-apiserver, without which the tests on the real server cannot run."""
    folder = find_assets()
    if folder is None:
        pytest.skip("there is no kube-apiserver: run `make kube-apiserver`, or set KUBEBUILDER_ASSETS")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Yield an empty site."""
    # Conftests are loaded before Ansible is told where its configuration is.
    from integration.site.harness import Site

    with Site(tmp_path) as made:
        yield made
