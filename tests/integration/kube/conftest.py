"""Clusters on both API servers of the lab: the embedded one and a real kube-apiserver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.kube.interface import CALICO_V1, CALICO_V3, KubeApi
from lab.kube.real import RealKubeServer
from lab.kube.server import KubeServer

EMBEDDED, REAL = "embedded", "real"
GROUPS = (CALICO_V1, CALICO_V3)
NODES = [{"name": f"node-{number}", "addresses": [f"192.168.2.{number}/24"]} for number in range(1, 4)]


@pytest.fixture(scope="module", params=GROUPS, ids=["v1", "v3"])
def calico_group(request: pytest.FixtureRequest) -> str:
    """Return the API version in which Calico serves its kinds."""
    return request.param


@pytest.fixture(scope="module")
def pair(assets: Path, calico_group: str) -> Iterator[dict[str, KubeApi]]:
    """Yield the same cluster on both servers."""
    with ExitStack() as stack:
        yield {
            EMBEDDED: stack.enter_context(KubeServer(NODES, api_groups=(calico_group,))),
            REAL: stack.enter_context(RealKubeServer(NODES, api_groups=(calico_group,), assets=assets)),
        }
