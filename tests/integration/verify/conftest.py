"""The worked example in the twin, verified and found in order, for tests to break one thing of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from lab.twin.machines import missing_prerequisites

if TYPE_CHECKING:
    from integration.verify.live import Live


@pytest.fixture(scope="package", params=["floating", "standard"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A cluster of each kind, in order."""
    # Conftests are loaded before the collection can be imported by its name.
    from integration.verify.live import live
    from unit.plugin_utils.healthy_cluster import STANDARD, Cluster

    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    variables = STANDARD if request.param == "standard" else {}
    with live(tmp_path_factory.mktemp("twin"), Cluster(**variables).plan) as made:
        made.until_green()
        yield made
