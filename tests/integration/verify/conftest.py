"""The worked example in the twin, verified without findings, for tests to break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lab.twin.machines import missing_prerequisites

if TYPE_CHECKING:
    from integration.verify.live import Live


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Yield the worked example with floating SVI, without findings."""
    yield from _running(tmp_path_factory)


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Yield the worked example with standard SVI, without findings."""
    # Conftests are loaded before the collection can be imported by its name.
    from unit.plugin_utils.healthy_cluster import STANDARD

    yield from _running(tmp_path_factory, **STANDARD)


def _running(tmp_path_factory: pytest.TempPathFactory, **variables: Any) -> Iterator[Live]:
    from integration.verify.live import live
    from unit.plugin_utils.healthy_cluster import Cluster

    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    with live(tmp_path_factory.mktemp("twin"), Cluster(**variables).plan) as made:
        made.until_green()
        yield made
